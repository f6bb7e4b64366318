"""What a history knows: runs, periods, durations, readings. Nothing here reads a report but `report`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from pathlib import Path

from preflight.api import Status
from preflight.history.connection import reading
from preflight.history.document import unpacked
from preflight.history.errors import Damaged, HistoryError
from preflight.history.recording import durations
from preflight.history.schema import MIGRATIONS, moment, selection_of, stamp, version_of
from preflight.past import Period, TrendPoint
from preflight.report import Report, Verdict

SHORTEST_ID = 6
"""Letters of a run's id that are enough to name it, if no other begins so."""

_WITHIN = 999_999
"""Microseconds: a saved report says the second in which it began."""

_RUN = "id, started, duration, profile, selection, verdict, interrupted"


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run without its report.

    Attributes:
        only, skip: what was asked for.
    """

    id: str
    started: datetime
    duration_s: float
    profile: str
    only: tuple[str, ...]
    skip: tuple[str, ...]
    verdict: Verdict
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How a check stands on a target.

    Attributes:
        since: the first run that said so.
        seen: the last run that looked.
        changes: how often the status changed within the time that was asked for.
        median_s, p95_s: of its last durations; None: it never ran to its end.
    """

    check: str
    target: str
    status: Status
    since: datetime
    seen: datetime
    changes: int
    median_s: float | None
    p95_s: float | None


class History:
    """A view of one moment. Methods raise sqlite3.Error, which `opened` translates."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def count(self, since: datetime | None = None) -> int:
        """How many runs are recorded, or began since then."""
        at = stamp(since) if since is not None else None
        where, values = ("", ()) if at is None else (" WHERE started >= ?", (at,))
        [count] = self._connection.execute(f"SELECT count(*) FROM runs{where}", values).fetchone()
        return int(count)

    def first(self, since: datetime | None = None) -> RecordedRun | None:
        at = stamp(since) if since is not None else 0
        return self._one("WHERE started >= ? ORDER BY started LIMIT 1", (at,))

    def last(self, *, before: Report | None = None) -> RecordedRun | None:
        """The last run; the last before another one, of its profile and selection, that wasn't interrupted."""
        if before is None:
            return self._one("ORDER BY started DESC, number DESC LIMIT 1")
        return self._one(
            "WHERE profile = ? AND selection = ? AND NOT interrupted AND started <= ? AND id != ?"
            " ORDER BY started DESC, number DESC LIMIT 1",
            (before.run.profile, selection_of(before), stamp(before.run.started) + _WITHIN, before.run.id),
        )

    def last_audit(self, audit: str) -> RecordedRun | None:
        """The last run that read every user, and what is named so."""
        return self._one("WHERE audit = ? AND audit != '' ORDER BY started DESC LIMIT 1", (audit,))

    def runs(self, most: int) -> Sequence[RecordedRun]:
        """The last ones, the newest first."""
        found = self._connection.execute(
            f"SELECT {_RUN} FROM runs ORDER BY started DESC, number DESC LIMIT ?", (most,)
        ).fetchall()
        return [_run(row) for row in found]

    def find(self, id: str) -> RecordedRun:
        """The run whose id begins so, or the "last" one.

        Raises:
            HistoryError: none, or several.
        """
        if id == "last":
            if (last := self.last()) is None:
                raise HistoryError("no run has been recorded yet.")
            return last
        if len(id) < SHORTEST_ID:
            raise HistoryError(f"{id!r} is too short: give at least {SHORTEST_ID} letters of the run's id, or last.")
        found = self._connection.execute(
            f"SELECT {_RUN} FROM runs WHERE substr(id, 1, ?) = ? LIMIT 2", (len(id), id.lower())
        ).fetchall()
        if not found:
            raise HistoryError(f"no run {id!r} is recorded. `preflight history --runs` lists them.")
        if len(found) > 1:
            raise HistoryError(f"the ids of several runs begin with {id!r}. Give more of it.")
        return _run(found[0])

    def report(self, run: RecordedRun) -> Report:
        """
        Raises:
            HistoryError: it is damaged.
        """
        number, document = self._connection.execute(
            "SELECT number, document FROM runs JOIN documents ON run = number WHERE id = ?", (run.id,)
        ).fetchone()
        readings = self._connection.execute(
            "SELECT document, at FROM uses JOIN readings ON number = reading WHERE run = ? ORDER BY place", (number,)
        )
        own = stamp(run.started)
        return unpacked(document, [(users, None if at == own else moment(at)) for users, at in readings])

    def standings(self, changes_since: datetime) -> Sequence[Standing]:
        """How every check stands on its targets."""
        since = stamp(changes_since)
        changes: Mapping[tuple[str, str], int] = {
            (check, target): count
            for check, target, count in self._connection.execute(
                "SELECT check_id, target, count(*) FROM periods WHERE until >= ? GROUP BY check_id, target", (since,)
            )
        }
        took: Mapping[tuple[str, str], bytes] = {
            (check, target): seconds
            for check, target, seconds in self._connection.execute("SELECT check_id, target, seconds FROM durations")
        }
        found = self._connection.execute(
            "SELECT check_id, target, status, since, seen FROM periods WHERE until IS NULL ORDER BY check_id, target"
        )
        return [
            Standing(
                check,
                target,
                Status(status),
                moment(began),
                moment(seen),
                changes.get((check, target), 0),
                *_median_and_p95(took.get((check, target), b"")),
            )
            for check, target, status, began, seen in found
        ]

    def periods(self, check: str, target: str, since: datetime, most: int) -> Sequence[Period]:
        """Those that reach beyond that time, the last `most` of them, the oldest first."""
        found = self._connection.execute(
            "SELECT check_id, target, status, since, until FROM periods WHERE check_id = ? AND target = ?"
            " AND (until IS NULL OR until >= ?) ORDER BY since DESC, number DESC LIMIT ?",
            (check, target, stamp(since), most),
        ).fetchall()
        return [
            Period(check, target, Status(status), moment(began), moment(until) if until is not None else None)
            for check, target, status, began, until in reversed(found)
        ]

    def trend(self, domains: Collection[str], since: datetime) -> Sequence[TrendPoint]:
        """How the users came out at each complete reading, the oldest first."""
        found = self._connection.execute(
            "SELECT domain, at, outcomes FROM readings WHERE complete AND at >= ? ORDER BY at", (stamp(since),)
        )
        return [
            TrendPoint(domain, moment(at), json.loads(outcomes)) for domain, at, outcomes in found if domain in domains
        ]

    def _one(self, clauses: str, values: Sequence[object] = ()) -> RecordedRun | None:
        found = self._connection.execute(f"SELECT {_RUN} FROM runs {clauses}", values).fetchone()
        return _run(found) if found else None


@contextmanager
def opened(file: Path) -> Iterator[History]:
    """The history in that file.

    Raises:
        HistoryError: it can't be read, also while it is used inside.
    """
    try:
        with reading(file) as connection:
            _require_ours(connection, file)
            yield History(connection)
    except Damaged as error:
        raise HistoryError(
            f"the history {file} is damaged ({error}). The next run that is recorded sets it aside and begins a new "
            f"one; to look into it: sqlite3 {file} .recover."
        ) from None


def _require_ours(connection: sqlite3.Connection, file: Path) -> None:
    """
    Raises:
        HistoryError: another program's, empty, or of another version of this one.
    """
    try:
        version = version_of(connection)
    except HistoryError as error:
        raise HistoryError(f"the history {file} can't be read: {error}") from None
    if version < len(MIGRATIONS):
        raise HistoryError(
            f"the history {file} is empty, or was written by an older preflight: the next recorded run sees to that."
        )


def _run(row: Sequence[object]) -> RecordedRun:
    id, started, duration, profile, selection, verdict, interrupted = row
    only, skip = json.loads(str(selection))
    return RecordedRun(
        str(id),
        moment(int(str(started))),
        float(str(duration)),
        str(profile),
        tuple(only),
        tuple(skip),
        Verdict(str(verdict)),
        bool(interrupted),
    )


def _median_and_p95(packed: bytes) -> tuple[float | None, float | None]:
    seconds = sorted(durations(packed))
    if not seconds:
        return None, None
    middle = len(seconds) // 2
    return (seconds[middle] + seconds[~middle]) / 2, seconds[ceil(0.95 * len(seconds)) - 1]
