"""Pairs what begins with what ends: one attempt to reset or change a password, and why it failed.

The service's events carry a tracking id, so they belong together in whatever order a log is read (Get-WinEvent gives
the newest first). The sync engine's 6329 carries none: it is attached where exactly one attempt of that server was
under way at its time that isn't another user's by the cloud anchor; never otherwise. What lacks its end is counted
apart.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from preflight.events.message import Message
from preflight.events.model import SYNC, Event
from preflight.events.operations import FAILURES, STARTS, SUCCESSES, SYNC_SET_FAILED, Operation, is_error

MOST_IN_FLIGHT = 4_000
MOST_LOOSE = 1_000
MOST_REMEMBERED = 50_000

_SETTLED_AFTER = timedelta(minutes=20)
"""So long after its last event nothing more is expected of an attempt that has its end."""
_LONGEST = timedelta(minutes=15)
"""An attempt that took longer claims no event without a tracking id."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, as far as the log shows it.

    Attributes:
        kind: an `Operation`'s.
        user: the user principal name; "" where no event names it.
        started, ended: None: not in the log, or without a time.
        succeeded: None: its end isn't in the log.
        cause: the id of the event that says why it failed: 33xxx, 32xxx, else the one that ended it; 0: it did not.
        hresult: the error code; "" none is told.
        by_time: the error code is that of a 6329 that was attached by its time alone.
    """

    tracking_id: str
    kind: str
    user: str = ""
    computer: str = ""
    cloud_anchor: str = ""
    source_anchor: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    succeeded: bool | None = None
    cause: int = 0
    hresult: str = ""
    reason: str = ""
    by_time: bool = False

    @property
    def duration(self) -> float | None:
        """Seconds, where both ends are in the log."""
        if self.started is None or self.ended is None or self.ended < self.started:
            return None
        return (self.ended - self.started).total_seconds()


@dataclass(slots=True)
class _Open:
    """An attempt under way."""

    tracking_id: str
    operation: Operation | None = None
    message: Message = field(default_factory=Message)
    user: str = ""
    computer: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    start_seen: bool = False
    succeeded: bool | None = None
    failure: int = 0
    error: int = 0
    hresults: tuple[str, ...] = ()
    reason: str = ""
    latest: datetime | None = None
    attached: bool = False

    @property
    def complete(self) -> bool:
        return self.start_seen and self.succeeded is not None

    def covers(self, time: datetime, computer: str) -> bool:
        """Whether it was under way then, there."""
        if self.computer != computer or self.started is None:
            return False
        end = self.ended or self.latest or self.started
        if self.succeeded is None:
            end = max(end, self.started + _LONGEST)
        return self.started <= time <= end and end - self.started <= _LONGEST


@dataclass(frozen=True, slots=True)
class _Loose:
    """An error of the sync engine that names no attempt."""

    time: datetime | None
    computer: str
    message: Message


class Attempts:
    """Takes events, gives attempts: each as soon as nothing more is expected of it.

    Memory is bounded: beyond MOST_IN_FLIGHT the oldest is given as it is, and counted in `given_up`.

    Attributes:
        untracked: starts and ends without a tracking id, which can't be paired.
        unattached: events 6329 of which nobody can say whose they are.
        given_up: attempts that were dropped from memory before they were complete.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._loose: deque[_Loose] = deque()
        self._done: OrderedDict[str, None] = OrderedDict()
        self._swept: datetime | None = None
        self.untracked = 0
        self.unattached = 0
        self.given_up = 0

    def add(self, event: Event, message: Message) -> Iterator[Attempt]:
        """One event more; the attempts that are over with it."""
        if event.source.lower() == SYNC.lower() and event.event_id == SYNC_SET_FAILED:
            self._loose.append(_Loose(event.time, event.computer, message))
            if len(self._loose) > MOST_LOOSE:
                self._loose.popleft()
                self.unattached += 1
            return
        ends = event.event_id in STARTS or event.event_id in SUCCESSES or event.event_id in FAILURES
        if (
            not ends
            and not (is_error(event.event_id) and message.tracking_id in self._open)
            and not (33000 <= event.event_id < 34000)
        ):
            return
        if not message.tracking_id:
            self.untracked += ends
            return
        if message.tracking_id in self._done:
            return  # the same log was given twice, or it is told of again
        yield from self._sweep(event.time)
        attempt = self._open.get(message.tracking_id)
        if attempt is None:
            attempt = self._open[message.tracking_id] = _Open(message.tracking_id)
        _take(attempt, event, message)
        if len(self._open) > MOST_IN_FLIGHT:
            oldest = next(iter(self._open))
            self.given_up += not self._open[oldest].complete
            self._forget(list(self._loose))  # whose they are can't be known any more
            yield from self._settle([oldest])

    def rest(self) -> Iterator[Attempt]:
        """What is left at the end of the last log."""
        yield from self._settle(list(self._open))
        self.unattached += len(self._loose)
        self._loose.clear()

    def _sweep(self, now: datetime | None) -> Iterator[Attempt]:
        """Those that are over, once a while."""
        if now is None or (self._swept is not None and abs(now - self._swept) < _SETTLED_AFTER):
            return
        self._swept = now
        over = [
            tracking_id
            for tracking_id, each in self._open.items()
            if each.complete and each.latest is not None and abs(now - each.latest) >= _SETTLED_AFTER
        ]
        yield from self._settle(over)
        self._forget([each for each in self._loose if each.time is None or abs(now - each.time) >= 2 * _SETTLED_AFTER])

    def _forget(self, errors: Sequence[_Loose]) -> None:
        self.unattached += len(errors)
        for each in errors:
            self._loose.remove(each)

    def _settle(self, tracking_ids: Sequence[str]) -> Iterator[Attempt]:
        """The attempts, with the sync engine's errors that can only be theirs. All are looked at before one is gone."""
        attempts = [self._open[each] for each in tracking_ids]
        if self._loose and attempts:
            self._attach(attempts)
        for attempt in attempts:
            del self._open[attempt.tracking_id]
            self._done[attempt.tracking_id] = None
            if len(self._done) > MOST_REMEMBERED:
                self._done.popitem(last=False)
            yield _result(attempt)

    def _attach(self, attempts: Sequence[_Open]) -> None:
        """An error that may be of one of these attempts is decided now: later nobody would know of the others."""
        waiting: deque[_Loose] = deque()
        for loose in self._loose:
            if not any(_may_be(each, loose) for each in attempts):
                waiting.append(loose)
                continue
            owners = [each for each in self._open.values() if _may_be(each, loose)]
            if len(owners) != 1 or owners[0].succeeded is not False:
                self.unattached += 1
            elif not owners[0].hresults:
                owners[0].hresults, owners[0].attached = loose.message.hresults, True
        self._loose = waiting


def _may_be(attempt: _Open, loose: _Loose) -> bool:
    """Whether the error fell into the attempt, there, and they don't name different users."""
    if loose.time is None or not attempt.covers(loose.time, loose.computer):
        return False
    mine, its = attempt.message.cloud_anchor, loose.message.cloud_anchor
    return not (mine and its) or mine.lower() == its.lower()


def _take(attempt: _Open, event: Event, message: Message) -> None:
    attempt.computer = attempt.computer or event.computer
    attempt.user = attempt.user or message.user_principal_name
    if message.cloud_anchor and not attempt.message.cloud_anchor:
        attempt.message = message
    if event.time is not None and (attempt.latest is None or event.time > attempt.latest):
        attempt.latest = event.time
    if operation := STARTS.get(event.event_id):
        attempt.operation, attempt.start_seen, attempt.started = operation, True, event.time
        return
    if operation := SUCCESSES.get(event.event_id):
        attempt.operation, attempt.succeeded, attempt.ended = operation, True, event.time
        return
    if operation := FAILURES.get(event.event_id):
        attempt.operation, attempt.failure = operation, event.event_id
    else:
        attempt.error = event.event_id
    attempt.hresults = attempt.hresults or message.hresults
    attempt.reason = attempt.reason or message.reason
    if not attempt.succeeded:
        attempt.succeeded = False
        if event.time is not None:
            attempt.ended = max(attempt.ended or event.time, event.time)


def _result(attempt: _Open) -> Attempt:
    failed = attempt.succeeded is False
    return Attempt(
        tracking_id=attempt.tracking_id,
        kind=attempt.operation.kind if attempt.operation else "unknown",
        user=attempt.user,
        computer=attempt.computer,
        cloud_anchor=attempt.message.cloud_anchor,
        source_anchor=attempt.message.source_anchor,
        started=attempt.started,
        ended=attempt.ended,
        succeeded=attempt.succeeded,
        cause=(attempt.error or attempt.failure) if failed else 0,
        hresult=telling(attempt.hresults) if failed else "",
        reason=attempt.reason if failed else "",
        by_time=attempt.attached and failed,
    )


def telling(hresults: tuple[str, ...]) -> str:
    """Of several codes the one that names the cause: the sync engine's own (0x8023....), else the last that is told.

    A stack of 6329 begins with what went wrong on the way (registry values that aren't set, files that are there).
    """
    own = [code for code in hresults if code.startswith("0x8023")]
    return own[0] if own else (hresults[-1] if hresults else "")
