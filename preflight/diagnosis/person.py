"""One person for whom it doesn't work: what was found out about the account, as results of checks are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from preflight.api import Finding, Severity, Status
from preflight.diagnosis.model import Look, Suspicion, look_at
from preflight.directory.prospect.step import Effect, Operation, Step
from preflight.report import Result
from preflight.user_facts import UserReport, UserSearch

NOT_FOUND = "33002"

_STATUSES: Mapping[Effect, Status] = {
    Effect.FINE: Status.PASS,
    Effect.NOT_ASKED: Status.NOT_APPLICABLE,
    Effect.WARNS: Status.WARN,
    Effect.UNKNOWN: Status.UNKNOWN,
    Effect.BLOCKS: Status.FAIL,
}


def suspicion_about(who: str) -> Suspicion:
    return Suspicion(f"The account of {who} stands in the way", f"it does not work for {who}", user=who)


def look_at_person(suspicion: Suspicion, search: UserSearch, operation: Operation = Operation.RESET) -> Look:
    """What was found out about the account, as far as it decides whether the operation works."""
    results = tuple(_results(suspicion.user, search, operation))
    checks = tuple(dict.fromkeys(result.check for result in results))
    return replace(look_at(replace(suspicion, checks=checks), results), suspicion=suspicion)


def _results(who: str, search: UserSearch, operation: Operation) -> Iterator[Result]:
    for report in search.found:
        for step in report.steps:
            yield _result(report, step, operation)
    for obstacle in search.obstacles:
        yield _searched(
            Finding(
                Status.UNKNOWN,
                "not-searched",
                f"a domain could not be searched: {obstacle}",
                remedy="Mend what stands in the way, then look again.",
            )
        )
    if not search.found and not search.obstacles:
        yield _searched(
            Finding(
                Status.UNKNOWN,
                "not-found",
                f"nobody called {who} is seen in the configured domains",
                expected="one user",
                observed="none: misspelt, hidden from the reader, or deleted",
                remedy="Check the name. For a user who was deleted on-premises and not in the cloud, a reset ends in "
                "event 33002.",
                event_codes=(NOT_FOUND,),
            )
        )


def _result(report: UserReport, step: Step, operation: Operation) -> Result:
    status = _STATUSES[step.effect(operation)]
    if status.good and step.answer is Effect.BLOCKS:
        status = Status.WARN  # the other operation is blocked: worth knowing, not the cause
    finding = Finding(
        status,
        step.name,
        step.summary,
        subject=str(report.row["dn"]),
        observed=step.detail,
        remedy=step.remedy,
        event_codes=_codes(step),
    )
    return _wrapped(f"user.{step.name}", str(report.row["sam_account_name"]), finding)


def _codes(step: Step) -> tuple[str, ...]:
    return (*step.event_codes, *((step.sspr,) if step.sspr else ()))


def _searched(finding: Finding) -> Result:
    return _wrapped("user.found", "", finding)


def _wrapped(check: str, target: str, finding: Finding) -> Result:
    return Result(check, target, finding.status, Severity.BLOCKER, "", "selected", 0.0, (), (finding,))


def asked_operation(codes: Sequence[str]) -> Operation:
    """Events 31006 to 31008 tell of a change; anything else is taken for a reset."""
    return Operation.CHANGE if any(code.strip() in ("31006", "31007", "31008") for code in codes) else Operation.RESET
