"""What Nagios and Checkmk have in common: four states, one line each, and texts that can't break out of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum

from preflight.api import Severity, Status
from preflight.outputs import gist
from preflight.outputs.text import printable
from preflight.report import Report, Result, Verdict

SERVICE = "Password writeback"

MOST_LETTERS = 400
"""Of one text: a line of a plugin is cut by agents, the oldest of them at 1,024 bytes."""


class State(IntEnum):
    """The states of a service; a plugin's exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_OF_VERDICT = {
    Verdict.READY: State.OK,
    Verdict.READY_WITH_WARNINGS: State.WARNING,
    Verdict.NOT_READY: State.CRITICAL,
    Verdict.UNDETERMINED: State.UNKNOWN,
}

_URGENCY = (State.OK, State.WARNING, State.UNKNOWN, State.CRITICAL)
"""Of several states the last of these is that of the whole, as in the verdict."""

_HARMLESS = str.maketrans({"|": "/", "<": "[", ">": "]"})
"""A bar begins the performance data; angle brackets are HTML in some web interfaces."""


def state_of_report(report: Report) -> State:
    return _OF_VERDICT[report.verdict]


def state_of(result: Result) -> State:
    """As the verdict takes it: an advisory that failed or couldn't tell is a warning."""
    status = result.counts_as
    if status in (Status.PASS, Status.NOT_APPLICABLE):
        return State.OK
    if result.severity is Severity.ADVISORY:
        return State.OK if status is Status.SKIPPED else State.WARNING
    return {Status.FAIL: State.CRITICAL, Status.WARN: State.WARNING}.get(status, State.UNKNOWN)


def worst(states: Iterable[State]) -> State:
    """That of the whole; of at least one."""
    return max(states, key=_URGENCY.index)


def in_trouble(results: Iterable[Result]) -> list[Result]:
    """Those that aren't well, the most urgent first."""
    bad = [result for result in results if state_of(result) is not State.OK]
    return sorted(bad, key=lambda result: -_URGENCY.index(state_of(result)))


def headline(report: Report) -> str:
    """The verdict, why, and what to do first."""
    verdict = f"{gist.VERDICTS[report.verdict]}: {'; '.join(gist.verdict_reasons(report))}"
    return verdict if state_of_report(report) is State.OK else f"{verdict}. Next: {gist.next_step(report).says}"


def details(result: Result) -> str:
    """Which check, about what, and what isn't good about it."""
    where = gist.place(result)
    return f"{result.check}{f' ({where})' if where else ''}: {gist.trouble(result)}"


def exit_code_of(report: Report, format: str) -> int:
    """Nagios takes a plugin's state from it. To Checkmk it says whether the lines may be kept: they may."""
    return state_of_report(report) if format == "nagios" else 0


def failure(format: str, sentence: str) -> str:
    """The line where there is no report: wrong options, no password, a defect."""
    if format == "nagios":
        return f"WRITEBACK UNKNOWN - {one_line(sentence)}\n"
    return f'{State.UNKNOWN:d} "{SERVICE}" - {one_line(sentence)}\n'


def one_line(text: str) -> str:
    r"""The text as a part of a plugin's line: no bar, no markup, no line end, not even as `\n`, which some readers
    of plugins turn into one."""
    safe = printable(text).translate(_HARMLESS).replace("\\n", "/n")
    return safe if len(safe) <= MOST_LETTERS else safe[: MOST_LETTERS - 3] + "..."


def figures(report: Report) -> Iterator[tuple[str, float, str]]:
    """Name, value and unit of what is worth a graph. No users were counted: no figure, rather than a nought."""
    blockers = [result for result in report.results if result.severity is Severity.BLOCKER]
    yield "blockers_failed", sum(result.counts_as is Status.FAIL for result in blockers), ""
    yield "blockers_unknown", sum(state_of(result) is State.UNKNOWN for result in blockers), ""
    yield "warnings", sum(state_of(result) is State.WARNING for result in report.results), ""
    if report.users:
        domains = gist.outcomes_by_domain(report.users).values()
        for outcome in ("ok", "blocked", "unknown"):
            yield f"users_{outcome}", sum(each.get(outcome, 0) for each in domains), ""
        read = min(users.as_of or report.run.started for users in report.users)
        yield "users_age", max(0.0, (report.run.started - read).total_seconds()), "s"
    yield "findings_waived", report.waived, ""
    yield "duration", round(report.run.duration_s, 3), "s"
