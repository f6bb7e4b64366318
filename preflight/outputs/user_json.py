"""One user for a program. Members are added, never renamed or removed."""

from __future__ import annotations

from datetime import UTC, datetime

from preflight.directory.prospect.circumstances import Momentary
from preflight.directory.prospect.step import Step, Verdict
from preflight.user_facts import UserReport


def to_dict(report: UserReport) -> dict[str, object]:
    """The columns of the per-user table, then what is known beside them. Times are RFC 3339, UTC."""
    return {
        **report.row,
        "standing": report.standing.value,
        "connector": report.connector,
        "read_from": report.origin,
        "rights": [
            {
                "right": line.right.value,
                "holder": line.holder,
                "on": line.where,
                "answer": line.decision.answer.value,
                "code": line.decision.code,
                "reason": line.reason,
                "decided_by": line.decided_by,
            }
            for line in report.lines
        ],
        "state": _state(report.momentary) if report.momentary is not None else None,
        "steps": [_step(step) for step in report.steps],
        "reset": _verdict(report.reset),
        "change": _verdict(report.change),
    }


def _state(momentary: Momentary) -> dict[str, object]:
    return {
        "read_from": momentary.origin,
        "note": momentary.note,
        "now": _time(momentary.now),
        "clock": momentary.clock,
    }


def _step(step: Step) -> dict[str, object]:
    return {
        "step": step.name,
        "answer": step.answer.value,
        "reset": step.reset.value,
        "change": step.change.value,
        "summary": step.summary,
        "detail": step.detail,
        "event_codes": [*step.event_codes],
        "sspr": step.sspr,
        "basis": step.basis.value,
        "remedy": step.remedy,
        "until": _time(step.until),
    }


def _verdict(verdict: Verdict) -> dict[str, object]:
    step = verdict.step
    return {
        "outlook": verdict.outlook.value,
        "step": step.name if step is not None else None,
        "event_codes": [*step.event_codes] if step is not None else [],
        "sspr": step.sspr if step is not None else "",
        "basis": step.basis_of(verdict.operation).value if step is not None else None,
        "remedy": step.remedy if step is not None else "",
        "until": _time(verdict.until),
        "warnings": [each.name for each in verdict.warnings],
    }


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment is not None else None
