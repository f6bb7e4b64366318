"""The tables of a history, and how an older file becomes a newer one.

Statuses are kept as *periods*: one row for as long as a check says the same of a target. So a year of runs every
fifteen minutes is a few thousand rows, however many reports there are beside them. Times are microseconds since 1970.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime

from preflight.history.errors import HistoryError
from preflight.report import Report

APPLICATION_ID = 0x77627066
"""Marks the file as ours ("wbpf"), for `file` and for ourselves."""

_FIRST = """
CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  started INTEGER NOT NULL,
  duration REAL NOT NULL,
  profile TEXT NOT NULL,
  selection TEXT NOT NULL,
  verdict TEXT NOT NULL,
  interrupted INTEGER NOT NULL,
  audit TEXT NOT NULL
);
CREATE INDEX runs_by_start ON runs (started);
CREATE INDEX runs_by_audit ON runs (audit, started) WHERE audit != '';
CREATE TABLE documents (
  run INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
  document BLOB NOT NULL
);
CREATE TABLE readings (
  number INTEGER PRIMARY KEY,
  domain TEXT NOT NULL,
  at INTEGER NOT NULL,
  complete INTEGER NOT NULL,
  outcomes TEXT NOT NULL,
  document BLOB NOT NULL,
  UNIQUE (domain, at)
);
CREATE INDEX readings_by_time ON readings (at);
CREATE TABLE uses (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  place INTEGER NOT NULL,
  reading INTEGER NOT NULL REFERENCES readings,
  PRIMARY KEY (run, place)
) WITHOUT ROWID;
CREATE INDEX uses_by_reading ON uses (reading);
CREATE TABLE periods (
  number INTEGER PRIMARY KEY,
  check_id TEXT NOT NULL,
  target TEXT NOT NULL,
  status TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER,
  seen INTEGER NOT NULL
);
CREATE INDEX periods_by_check ON periods (check_id, target, since);
CREATE INDEX periods_by_start ON periods (since);
CREATE INDEX periods_by_end ON periods (until);
CREATE UNIQUE INDEX open_periods ON periods (check_id, target) WHERE until IS NULL;
CREATE TABLE durations (
  check_id TEXT NOT NULL,
  target TEXT NOT NULL,
  seconds BLOB NOT NULL,
  PRIMARY KEY (check_id, target)
) WITHOUT ROWID;
"""

MIGRATIONS = (_FIRST,)
"""Each brings a file from the version of its place to the next; what has been released is never changed."""


def prepare(connection: sqlite3.Connection) -> None:
    """Create or migrate the tables, in one transaction. Safe with others who do the same.

    Raises:
        HistoryError: a database of another program, or of a newer version of this one.
        sqlite3.Error
    """
    if version_of(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = version_of(connection)  # another may have come first
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            for statement in script.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """How far the file is; 0: nothing is in it yet.

    Raises:
        HistoryError: not ours, or newer than we know.
    """
    # The tables first: another run may make the file meanwhile, and marks it in the transaction that makes them.
    [tables] = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID and tables:
        raise HistoryError("it is a database of another program. Name another file.")
    if version > len(MIGRATIONS):
        raise HistoryError("it was written by a newer preflight. Update this installation, or name another file.")
    return int(version)


def stamp(moment: datetime) -> int:
    """The time as the tables have it."""
    return round(moment.timestamp() * 1_000_000)


def moment(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp / 1_000_000, UTC)


def selection_of(report: Report) -> str:
    """What was asked for, as the tables have it."""
    words = (report.run.selection.get(key) for key in ("only", "skip"))
    return json.dumps([list(map(str, each)) if isinstance(each, (list, tuple)) else [] for each in words])
