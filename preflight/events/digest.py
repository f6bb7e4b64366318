"""What the logs say as a whole: is the service up, how many attempts fail, why, for whom, since when.

Made in one pass and in bounded memory; what goes beyond a bound is still counted.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from preflight.events.attempts import Attempt, Attempts
from preflight.events.message import parse_message
from preflight.events.model import RESET_ATTEMPTED, SYNC, WRITEBACK, Event, LogFacts
from preflight.events.operations import (
    HEARTBEAT,
    LISTENER_ERROR,
    OPERATIONS,
    STARTED,
    STOPPED,
    SUCCESSES,
    SYNC_START_FAILED,
    UNHEALTHY,
)

FRESH = timedelta(minutes=15)
"""The service sends a heartbeat every 5 minutes: without one for three times as long it is silent."""

LEAST_VERSION = (2, 5, 79, 0)
"""Connect below it stopped working on 2026-09-30."""

MOST_USERS = 5_000
MOST_CAUSES = 200
MOST_DAYS = 800
MOST_NAMES = 50
MOST_DURATIONS = 100_000
MOST_FAILURES = 50
MOST_RECORDS = 200_000

State = Literal["running", "stopped", "unhealthy", "silent", "absent", "unknown"]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events and attempts count.

    Attributes:
        since, until: UTC; None: unbounded. Events without a time are left out where one is given.
        user: a user principal name, lower case; "": everybody.
        tracking_id: lower case; "": all.
    """

    since: datetime | None = None
    until: datetime | None = None
    user: str = ""
    tracking_id: str = ""

    def admits(self, time: datetime | None) -> bool:
        if time is None:
            return self.since is None and self.until is None
        return (self.since is None or time >= self.since) and (self.until is None or time <= self.until)

    def takes(self, attempt: Attempt) -> bool:
        return (not self.user or attempt.user.lower() == self.user) and (
            not self.tracking_id or attempt.tracking_id == self.tracking_id
        )


@dataclass(frozen=True, slots=True)
class Cause:
    """Why attempts failed.

    Attributes:
        event_id: 33xxx, 32xxx, or the event that ended the attempt.
        hresult: "" none is told.
        users: some of those whom it hit.
        reason: the service's own words, of the first.
    """

    event_id: int
    hresult: str
    count: int
    users: tuple[str, ...]
    first: datetime | None
    last: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class UserCount:
    user: str
    succeeded: int
    failed: int
    last_failure: datetime | None


@dataclass(frozen=True, slots=True)
class Service:
    """The writeback service, as the logs show it.

    Attributes:
        state: "running"; "stopped" (31016 came last); "unhealthy" (31044 did); "silent": no sign of life for longer
            than FRESH before the logs end; "absent": no event of the service at all; "unknown": nothing that tells.
        age: seconds from the last heartbeat to `as_of`; None: there is none, or no time.
        as_of: when the logs end, or now for a live log.
        longest_gap: seconds between two heartbeats of one log, and when it began.
    """

    state: State
    as_of: datetime | None
    started: datetime | None
    stopped: datetime | None
    unhealthy: datetime | None
    listener_error: datetime | None
    start_failed: datetime | None
    heartbeat: datetime | None
    heartbeats: int
    age: float | None
    longest_gap: tuple[float, datetime] | None
    onboarding: str
    onboarding_time: datetime | None


@dataclass(frozen=True, slots=True)
class Digest:
    """
    Attributes:
        events: how often which event came, by (source, id).
        attempts: by kind, then "succeeded", "failed", "unfinished" (no end in the log).
        headless: attempts with an end and no start in the log; they count as what they ended in.
        by_day: (succeeded, failed) by date, UTC.
        by_hour: failures by hour of the day, UTC.
        failures: the latest failed attempts, newest first.
        refused_by_controller: events 4724 of a domain controller's Security log.
    """

    logs: tuple[LogFacts, ...]
    live: bool
    first: datetime | None
    last: datetime | None
    computers: tuple[str, ...]
    events: Mapping[tuple[str, int], int]
    service: Service
    attempts: Mapping[str, Mapping[str, int]]
    headless: int
    untracked: int
    unattached: int
    given_up: int
    by_time: int
    by_day: Mapping[str, tuple[int, int]]
    by_hour: tuple[int, ...]
    median: float | None
    percentile_95: float | None
    causes: tuple[Cause, ...]
    users: tuple[UserCount, ...]
    users_uncounted: int
    failures: tuple[Attempt, ...]
    namespaces: tuple[str, ...]
    versions: tuple[str, ...]
    outdated: tuple[str, ...]
    refused_by_controller: int
    repeated: int

    def _sum(self, outcome: str) -> int:
        of_users = [each.kind for each in OPERATIONS if each.of_a_user] + ["unknown"]
        return sum(self.attempts.get(kind, {}).get(outcome, 0) for kind in of_users)

    @property
    def succeeded(self) -> int:
        """Attempts about a user's password that succeeded."""
        return self._sum("succeeded")

    @property
    def failed(self) -> int:
        return self._sum("failed")

    @property
    def unfinished(self) -> int:
        return self._sum("unfinished")


def digest(
    events: Iterable[Event], logs: Sequence[LogFacts] = (), *, only: Filter | None = None, now: datetime | None = None
) -> Digest:
    """Sum the events up.

    Args:
        logs: what is seen of each log while the events are read, such as `Reading.logs`; looked at in the end.
        now: for a live log: the time that the heartbeat's age is judged against, rather than where the logs end.
    """
    digester = Digester(only or Filter())
    for event in events:
        digester.add(event)
    return digester.finish(logs, now)


class _Latest:
    """The latest time of something."""

    def __init__(self) -> None:
        self.time: datetime | None = None

    def at(self, time: datetime | None) -> None:
        if time is not None and (self.time is None or time > self.time):
            self.time = time


@dataclass(slots=True)
class _CauseCount:
    count: int = 0
    users: dict[str, None] | None = None
    first: datetime | None = None
    last: datetime | None = None
    reason: str = ""


@dataclass(slots=True)
class _UserCount:
    succeeded: int = 0
    failed: int = 0
    last_failure: datetime | None = None


class Digester:
    """The sums under way."""

    def __init__(self, only: Filter) -> None:
        self._only = only
        self._attempts = Attempts()
        self._events: Counter[tuple[str, int]] = Counter()
        self._computers: dict[str, None] = {}
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._signs = {id: _Latest() for id in (STARTED, STOPPED, HEARTBEAT, UNHEALTHY, LISTENER_ERROR)}
        self._start_failed, self._alive = _Latest(), _Latest()
        self._onboarding: dict[str, _Latest] = {
            name: _Latest() for name in ("on", "off", "switching on", "switching off", "switching off failed")
        }
        self._previous_heartbeat: datetime | None = None
        self._longest_gap: tuple[float, datetime] | None = None
        self._counts: dict[str, Counter[str]] = {}
        self._headless = self._by_time = self._users_uncounted = self._repeated = 0
        self._by_day: dict[str, list[int]] = {}
        self._by_hour = [0] * 24
        self._durations = array("d")
        self._causes: dict[tuple[int, str], _CauseCount] = {}
        self._users: dict[str, _UserCount] = {}
        self._failures: list[Attempt] = []
        self._namespaces: dict[str, None] = {}
        self._versions: dict[str, None] = {}
        self._seen: set[int] = set()

    def add(self, event: Event) -> None:
        if not self._only.admits(event.time):
            return
        if self._is_repeated(event):
            self._repeated += 1
            return
        message = parse_message(event.message)
        source = event.source or WRITEBACK
        if len(self._events) < 2_000 or (source, event.event_id) in self._events:
            self._events[source, event.event_id] += 1
        if event.time is not None:
            self._first = min(self._first or event.time, event.time)
            self._last = max(self._last or event.time, event.time)
        _keep(self._computers, event.computer)
        for name in message.namespaces:
            _keep(self._namespaces, name)
        for version in (message.version, message.connect_version):
            _keep(self._versions, version)
        self._sign(event, source)
        for attempt in self._attempts.add(event, message):
            self._count(attempt)

    def _is_repeated(self, event: Event) -> bool:
        """Whether that very record came before: logs overlap where an export and the log itself are given."""
        if event.record_id is None or event.time is None:
            return False
        key = hash((event.computer, event.event_id, event.record_id, event.time.replace(microsecond=0)))
        if key in self._seen:
            return True
        if len(self._seen) < MOST_RECORDS:
            self._seen.add(key)
        return False

    def _sign(self, event: Event, source: str) -> None:
        """What the event says about the service as a whole."""
        if source.lower() == SYNC.lower() and event.event_id == SYNC_START_FAILED:
            self._start_failed.at(event.time)
        if source.lower() != WRITEBACK.lower():
            return
        if event.event_id in self._signs:
            self._signs[event.event_id].at(event.time)
        if event.event_id in (STARTED, HEARTBEAT) or event.event_id in SUCCESSES:
            self._alive.at(event.time)
        if event.event_id == HEARTBEAT and event.time is not None:
            previous, self._previous_heartbeat = self._previous_heartbeat, event.time
            if previous is not None:
                gap = abs((event.time - previous).total_seconds())
                if self._longest_gap is None or gap > self._longest_gap[0]:
                    self._longest_gap = (gap, min(event.time, previous))
        what = {31004: "switching on", 31005: "on", 31012: "switching off", 31013: "off", 31014: "switching off failed"}
        if event.event_id in what:
            self._onboarding[what[event.event_id]].at(event.time)

    def _count(self, attempt: Attempt) -> None:
        if not self._only.takes(attempt):
            return
        outcome = {True: "succeeded", False: "failed", None: "unfinished"}[attempt.succeeded]
        self._counts.setdefault(attempt.kind, Counter())[outcome] += 1
        if attempt.kind in ("onboarding", "offboarding"):
            return
        self._headless += attempt.started is None and attempt.succeeded is not None
        self._by_time += attempt.by_time
        if attempt.succeeded is None:
            return
        self._count_time(attempt)
        self._count_user(attempt)
        if not attempt.succeeded:
            self._count_cause(attempt)

    def _count_time(self, attempt: Attempt) -> None:
        when = attempt.ended or attempt.started
        if when is not None:
            day = f"{when:%Y-%m-%d}"
            if day in self._by_day or len(self._by_day) < MOST_DAYS:
                self._by_day.setdefault(day, [0, 0])[not attempt.succeeded] += 1
            if not attempt.succeeded:
                self._by_hour[when.hour] += 1
        if attempt.duration is not None and len(self._durations) < MOST_DURATIONS:
            self._durations.append(attempt.duration)

    def _count_user(self, attempt: Attempt) -> None:
        user = attempt.user.lower()
        if not user:
            return
        if user not in self._users and len(self._users) >= MOST_USERS:
            self._users_uncounted += 1
            return
        counted = self._users.setdefault(user, _UserCount())
        if attempt.succeeded:
            counted.succeeded += 1
            return
        counted.failed += 1
        if attempt.ended is not None:
            counted.last_failure = max(counted.last_failure or attempt.ended, attempt.ended)

    def _count_cause(self, attempt: Attempt) -> None:
        key = (attempt.cause, attempt.hresult)
        if key not in self._causes and len(self._causes) >= MOST_CAUSES:
            key = (attempt.cause, "") if (attempt.cause, "") in self._causes else (0, "")
        cause = self._causes.setdefault(key, _CauseCount(users={}))
        cause.count += 1
        cause.reason = cause.reason or attempt.reason
        if attempt.ended is not None:
            cause.first = min(cause.first or attempt.ended, attempt.ended)
            cause.last = max(cause.last or attempt.ended, attempt.ended)
        if attempt.user and cause.users is not None and len(cause.users) < 5:
            cause.users[attempt.user] = None
        self._failures.append(attempt)
        if len(self._failures) > 2 * MOST_FAILURES:
            self._failures = _newest(self._failures)

    def finish(self, logs: Sequence[LogFacts], now: datetime | None) -> Digest:
        for attempt in self._attempts.rest():
            self._count(attempt)
        ends = [log.last for log in logs if log.last is not None] + ([self._last] if self._last else [])
        until = self._only.until
        as_of = now or (max(ends) if ends else None)
        if until is not None and as_of is not None:
            as_of = min(as_of, until)
        durations = sorted(self._durations)
        return Digest(
            logs=tuple(logs),
            live=now is not None,
            first=self._first,
            last=self._last,
            computers=tuple(self._computers),
            events=dict(sorted(self._events.items())),
            service=self._service(as_of),
            attempts={kind: dict(counts) for kind, counts in sorted(self._counts.items())},
            headless=self._headless,
            untracked=self._attempts.untracked,
            unattached=self._attempts.unattached,
            given_up=self._attempts.given_up,
            by_time=self._by_time,
            by_day={day: (counts[0], counts[1]) for day, counts in sorted(self._by_day.items())},
            by_hour=tuple(self._by_hour),
            median=_quantile(durations, 0.5),
            percentile_95=_quantile(durations, 0.95),
            causes=tuple(self._sorted_causes()),
            users=tuple(self._sorted_users()),
            users_uncounted=self._users_uncounted,
            failures=tuple(_newest(self._failures)),
            namespaces=tuple(self._namespaces),
            versions=tuple(sorted(self._versions)),
            outdated=tuple(sorted(version for version in self._versions if is_outdated(version))),
            refused_by_controller=sum(n for (_, number), n in self._events.items() if number == RESET_ATTEMPTED),
            repeated=self._repeated,
        )

    def _service(self, as_of: datetime | None) -> Service:
        heartbeat = self._signs[HEARTBEAT].time
        name, latest = "unknown", None
        for each, sign in self._onboarding.items():
            if sign.time is not None and (latest is None or sign.time >= latest):
                name, latest = each, sign.time
        return Service(
            state=self._state(as_of),
            as_of=as_of,
            started=self._signs[STARTED].time,
            stopped=self._signs[STOPPED].time,
            unhealthy=self._signs[UNHEALTHY].time,
            listener_error=self._signs[LISTENER_ERROR].time,
            start_failed=self._start_failed.time,
            heartbeat=heartbeat,
            heartbeats=sum(count for (_, number), count in self._events.items() if number == HEARTBEAT),
            age=(as_of - heartbeat).total_seconds() if as_of is not None and heartbeat is not None else None,
            longest_gap=self._longest_gap,
            onboarding=name,
            onboarding_time=latest,
        )

    def _state(self, as_of: datetime | None) -> State:
        if not any(source.lower() == WRITEBACK.lower() for source, _ in self._events):
            return "absent"
        alive, stopped, unhealthy = self._alive.time, self._signs[STOPPED].time, self._signs[UNHEALTHY].time
        if stopped is not None and (alive is None or stopped >= alive) and (unhealthy is None or stopped >= unhealthy):
            return "stopped"
        if unhealthy is not None and (alive is None or unhealthy >= alive):
            return "unhealthy"
        if alive is None or as_of is None:
            return "unknown"
        return "running" if as_of - alive <= FRESH else "silent"

    def _sorted_causes(self) -> list[Cause]:
        return [
            Cause(event_id, hresult, each.count, tuple(each.users or ()), each.first, each.last, each.reason)
            for (event_id, hresult), each in sorted(self._causes.items(), key=lambda item: (-item[1].count, item[0]))
        ]

    def _sorted_users(self) -> list[UserCount]:
        counts = [UserCount(user, each.succeeded, each.failed, each.last_failure) for user, each in self._users.items()]
        return sorted(counts, key=lambda each: (-each.failed, -each.succeeded, each.user))


def is_outdated(version: str) -> bool:
    """Whether it is one of Connect's own versions, below the least that works. The library counts otherwise: 5.x."""
    parts = tuple(int(part) for part in re.findall(r"\d+", version))
    return bool(parts) and 1 <= parts[0] <= LEAST_VERSION[0] and parts < LEAST_VERSION


def _keep(names: dict[str, None], name: str) -> None:
    if name and len(names) < MOST_NAMES:
        names[name] = None


def _newest(failures: list[Attempt]) -> list[Attempt]:
    earliest = datetime.min.replace(tzinfo=UTC)
    return sorted(failures, key=lambda each: each.ended or earliest, reverse=True)[:MOST_FAILURES]


def _quantile(ordered: Sequence[float], part: float) -> float | None:
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else None
