"""Waivers: findings that somebody knows and has accepted for a time. They stay visible, and don't count.

What a waiver covers is said narrowly, since a waived finding can no longer turn the verdict: without a `code` it covers
warnings and fails. What could not be told (`unknown`) and what was not looked at (`skipped`) is covered only where its
code is named, so that nobody accepts "we didn't look" by accepting "three users are blocked". For the same reason a
check that was skipped because of a waived fail stays skipped and counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase

from preflight.api import Finding, Status, Waiver
from preflight.plan import matches
from preflight.report import Report, Result

_BAD = (Status.WARN, Status.FAIL)
_UNSEEN = (Status.UNKNOWN, Status.SKIPPED)


@dataclass(frozen=True, slots=True)
class WaiverRule:
    """Which findings a waiver covers.

    Attributes:
        place: where it stands, for people: file and line.
        check: a check's id, an area or a pattern; "": any check.
        code: a finding code or a pattern; "": any code of a warning or a fail.
        target: a pattern of the target's name, letter case aside.
        subject: a pattern of the finding's subject, letter case aside.
    """

    waiver: Waiver
    place: str
    check: str = ""
    code: str = ""
    target: str = "*"
    subject: str = "*"

    def concerns(self, result: Result) -> bool:
        """Whether it is about this check and target, whatever was found."""
        return (not self.check or matches(result.check, self.check)) and _like(self.target, result.target)

    def covers(self, result: Result, finding: Finding) -> bool:
        return (
            finding.status in (*_BAD, *(_UNSEEN if self.code else ()))
            and self.concerns(result)
            and (not self.code or _like(self.code, finding.code))
            and _like(self.subject, finding.subject)
        )

    def __str__(self) -> str:
        about = " ".join(filter(None, (self.check, self.code)))
        where = f" on {self.target}" if self.target != "*" else ""
        return f"the waiver of {about}{where} ({self.place}, owner {self.waiver.owner})"


def waive(report: Report, rules: Sequence[WaiverRule], today: date) -> Report:
    """The report with each covered finding waived, and a note for each waiver that has expired or covers nothing."""
    valid = [rule for rule in rules if today <= rule.waiver.until]
    results = tuple(
        replace(result, findings=tuple(_waived(result, finding, valid) for finding in result.findings))
        for result in report.results
    )
    notes = [note for rule in rules if (note := _note(report, rule, expired=rule not in valid))]
    run = replace(report.run, notes=(*report.run.notes, *notes))
    return replace(report, results=results, run=run)


def _waived(result: Result, finding: Finding, rules: Iterable[WaiverRule]) -> Finding:
    for rule in rules:
        if rule.covers(result, finding):
            return replace(finding, waiver=rule.waiver)
    return finding


def _note(report: Report, rule: WaiverRule, *, expired: bool) -> str:
    covered = sum(rule.covers(result, finding) for result in report.results for finding in result.findings)
    if expired:
        again = f"{covered} finding{'s count' if covered > 1 else ' counts'} again" if covered else "take it out"
        return f"{rule} ended with {rule.waiver.until}: {again}"
    if covered or not _looked_at(report, rule):
        return ""
    return f"{rule} matches no finding: what it was about is mended, or it is misspelt"


def _looked_at(report: Report, rule: WaiverRule) -> bool:
    """Whether what the waiver is about has been seen in this run, so that finding nothing means something."""
    if report.run.interrupted:
        return False
    of_check = [result for result in report.results if not rule.check or matches(result.check, rule.check)]
    if not rule.check and (report.run.selection.get("only") or report.run.selection.get("skip")):
        return False
    about = [result for result in of_check if rule.concerns(result)]
    return bool(of_check) and all(result.status not in _UNSEEN for result in about)


def _like(pattern: str, text: str) -> bool:
    """Only * and ? are special: brackets stand in IPv6 addresses."""
    return fnmatchcase(text.casefold(), pattern.casefold().replace("[", "[[]"))
