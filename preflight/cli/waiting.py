"""`--wait`: the same run again, with fresh connections, until it is ready or time is up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from preflight.api import Severity, Status
from preflight.outputs.gist import VERDICTS
from preflight.report import Report, Result

PAUSE = 10.0
"""Seconds between rounds, or less where there is less than ten times that to wait."""

_SHORTEST_PAUSE = 1.0
_POLL = 0.2


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to repeat a run, and when to stop before.

    Attributes:
        enough: whether a report is what was waited for.
        hopeless: why it can't get better any more; "" while it can.
        say: is told each round's verdict.
    """

    length: timedelta
    enough: Callable[[Report], bool]
    hopeless: Callable[[], str]
    say: Callable[[str], None]


def repeated(once: Callable[[], Report], patience: Patience, stop: threading.Event) -> Report:
    """The report of the last round. A round that is under way when time is up is finished; `stop` ends a pause, too."""
    seconds = patience.length.total_seconds()
    until = time.monotonic() + seconds
    pause = max(min(PAUSE, seconds / 10), _SHORTEST_PAUSE)
    number = 1
    while True:
        report = once()
        if patience.enough(report) or report.run.interrupted:
            return report
        left = until - time.monotonic()
        reason = patience.hopeless() or ("time is up" if left <= 0 else "")
        next_round = f"{reason}." if reason else f"again in {min(pause, left):.0f} s, {left:.0f} s left."
        patience.say(f"round {number}: {_verdict(report)}; {next_round}")
        if reason:
            return report
        if _stopped(stop, min(pause, left)):
            return replace(report, run=replace(report.run, interrupted=True))
        number += 1


def _verdict(report: Report) -> str:
    """With the first result that it hangs on."""
    culprit = next((result for result in report.results if _decides(result)), None)
    because = f" ({culprit.check}: {culprit.counts_as.value})" if culprit is not None else ""
    return f"{VERDICTS[report.verdict]}{because}"


def _decides(result: Result) -> bool:
    return result.severity is Severity.BLOCKER and result.counts_as in (Status.FAIL, Status.UNKNOWN)


def _stopped(stop: threading.Event, seconds: float) -> bool:
    """Whether `stop` was set meanwhile. Looked at often: on Windows Ctrl-C doesn't interrupt a wait."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if stop.wait(min(_POLL, left)):
            return True
    return stop.is_set()
