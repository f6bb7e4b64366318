"""Adding one run: its report, what changed, how long it took; then pruning by age and size."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from preflight.history.connection import create, writing
from preflight.history.damage import identity, set_aside
from preflight.history.document import packed, packed_reading
from preflight.history.errors import Damaged, HistoryError, translated
from preflight.history.schema import selection_of, stamp
from preflight.report import Report, Result, UserSummary

DURATIONS_KEPT = 200
"""The last durations of a check on a target, from which median and percentile come."""

_TRIES = 3
_PAGES_GIVEN_BACK = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a history may hold: what is older, or the oldest of what is too much, goes."""

    keep: timedelta = timedelta(days=400)
    most_bytes: int = 200_000_000


def record(file: Path, report: Report, limits: Limits, *, now: datetime, audit: str = "") -> str | None:
    """Add the report, on disk when this returns. Twice the same run is once.

    Args:
        audit: names what was read, where the run read every user; "" where it didn't.

    Returns:
        what a person should know: a damaged file was set aside; else None.

    Raises:
        HistoryError: it can't be written.
    """
    note = None
    for _ in range(_TRIES):
        create(file)
        opened = identity(file)
        try:
            with writing(file) as connection:
                _add(connection, report, audit, stamp(now))
                _prune(connection, limits, now)
        except Damaged as error:
            note = _begin_anew(file, opened, error) or note
            continue
        if identity(file) == opened:
            return note
        # Another run found the file damaged and set it aside while this one wrote to it: once more.
    raise HistoryError(f"the history {file} can't be used: it was damaged again as soon as it was begun anew.")


def _begin_anew(file: Path, damaged: tuple[int, int] | None, error: Damaged) -> str | None:
    try:
        aside = set_aside(file, damaged)
    except OSError as failure:
        raise translated(failure, file) from None
    if aside is None:
        return None
    return (
        f"the history {file} was damaged ({error}): it was set aside as {aside.name}, and a new one begun. What was "
        f"recorded until now is there only (to look: sqlite3 {aside.name} .recover)"
    )


def _add(connection: sqlite3.Connection, report: Report, audit: str, now: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        number = _add_run(connection, report, audit)
        if number is not None:
            _add_readings(connection, report, number)
            for result in _judged(report):
                _add_status(connection, result, stamp(report.run.started), now)
                _add_duration(connection, result)
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _add_run(connection: sqlite3.Connection, report: Report, audit: str) -> int | None:
    """The run's number; None where it has been recorded already."""
    run = report.run
    facts = (run.id, stamp(run.started), run.duration_s, run.profile, selection_of(report), report.verdict.value)
    added = connection.execute(
        "INSERT OR IGNORE INTO runs (id, started, duration, profile, selection, verdict, interrupted, audit)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*facts, int(run.interrupted), audit),
    )
    if not added.rowcount:
        return None
    connection.execute("INSERT INTO documents VALUES (?, ?)", (added.lastrowid, packed(report)))
    return added.lastrowid


def _add_readings(connection: sqlite3.Connection, report: Report, run: int) -> None:
    for place, users in enumerate(report.users):
        key = (users.domain, stamp(users.as_of or report.run.started))
        known = connection.execute("SELECT number FROM readings WHERE domain = ? AND at = ?", key).fetchone()
        number = known[0] if known else _add_reading(connection, report, users, key)
        connection.execute("INSERT INTO uses VALUES (?, ?, ?)", (run, place, number))


def _add_reading(
    connection: sqlite3.Connection, report: Report, users: UserSummary, key: tuple[str, int]
) -> int | None:
    return connection.execute(
        "INSERT INTO readings (domain, at, complete, outcomes, document) VALUES (?, ?, ?, ?, ?)",
        (*key, int(users.complete), json.dumps(dict(users.outcomes)), packed_reading(report, users)),
    ).lastrowid


def _judged(report: Report) -> Iterator[Result]:
    """What this run said anew: nothing that was carried along from an earlier one, nothing that was interrupted."""
    for result in report.results:
        if result.as_of is None and all(finding.code != "interrupted" for finding in result.findings):
            yield result


def _add_status(connection: sqlite3.Connection, result: Result, at: int, now: int) -> None:
    """Lengthen the open period, or end it and begin the next. A clock that was ahead ends no period for ever."""
    key = (result.check, result.target)
    found = connection.execute(
        "SELECT number, status, seen FROM periods WHERE check_id = ? AND target = ? AND until IS NULL", key
    ).fetchone()
    if found is not None:
        number, status, seen = found
        if at < seen <= now:
            return  # a run that began earlier and ended later: what the later one saw is newer
        same = status == result.status.value
        connection.execute(
            "UPDATE periods SET since = min(since, ?), seen = ?, until = ? WHERE number = ?",
            (at, at if same else min(at, seen), None if same else at, number),
        )
        if same:
            return
    connection.execute(
        "INSERT INTO periods (check_id, target, status, since, seen) VALUES (?, ?, ?, ?, ?)",
        (*key, result.status.value, at, at),
    )


def _add_duration(connection: sqlite3.Connection, result: Result) -> None:
    if result.blocked_by:
        return
    key = (result.check, result.target)
    found = connection.execute("SELECT seconds FROM durations WHERE check_id = ? AND target = ?", key).fetchone()
    seconds = (*(durations(found[0]) if found else ()), result.duration_s)[-DURATIONS_KEPT:]
    packed = struct.pack(f"<{len(seconds)}f", *seconds)
    connection.execute("INSERT OR REPLACE INTO durations VALUES (?, ?, ?)", (*key, packed))


def durations(packed: bytes) -> tuple[float, ...]:
    """The last durations in seconds, the oldest first."""
    return struct.unpack(f"<{len(packed) // 4}f", packed[: len(packed) // 4 * 4])


# -- pruning ------------------------------------------------------------------------------------------------------


def _prune(connection: sqlite3.Connection, limits: Limits, now: datetime) -> None:
    """By age, then by size; the newest run always stays."""
    oldest = stamp(now - limits.keep)
    connection.execute("BEGIN IMMEDIATE")
    try:
        dropped = connection.execute(
            "DELETE FROM runs WHERE started < ? AND number < (SELECT max(number) FROM runs)", (oldest,)
        ).rowcount
        if dropped:
            _drop_unused_readings(connection)
        connection.execute("DELETE FROM periods WHERE coalesce(until, seen) < ?", (oldest,))
        while _bytes_in_use(connection) > limits.most_bytes and _drop_oldest(connection):
            _drop_unused_readings(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
    connection.execute(f"PRAGMA incremental_vacuum({_PAGES_GIVEN_BACK})").fetchall()


def _bytes_in_use(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _drop_oldest(connection: sqlite3.Connection) -> bool:
    """The oldest twentieth of the runs; whether there were any to drop."""
    [runs] = connection.execute("SELECT count(*) FROM runs").fetchone()
    many = int(min(max(runs // 20, 1), runs - 1))
    connection.execute("DELETE FROM runs WHERE number IN (SELECT number FROM runs ORDER BY number LIMIT ?)", (many,))
    return many > 0


def _drop_unused_readings(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM readings WHERE number NOT IN (SELECT reading FROM uses)")
