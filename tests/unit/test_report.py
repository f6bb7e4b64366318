"""What counts: statuses, waivers, the verdict and the exit code."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from unit.outputs import samples

from preflight.api import Finding, Severity, Status, Waiver, fail, passed, unknown, warn
from preflight.exit_codes import EXIT_NOT_READY, EXIT_READY
from preflight.report import Report, Verdict

WAIVER = Waiver("known", "anna", date(2027, 1, 31))
BAD = fail("bad", "it is bad", expected="good", observed="bad", remedy="mend it")
ODD = warn("odd", "it is odd", expected="even", observed="odd", remedy="mend it")
UNTOLD = unknown("untold", "can't tell", expected="an answer", observed="none", remedy="look again")
GOOD = passed("fine")


def waived(finding: Finding) -> Finding:
    return replace(finding, waiver=WAIVER)


def report_of(*findings: Finding, severity: Severity = Severity.BLOCKER) -> Report:
    found = samples.result("a.b", "", *findings, severity=severity)
    return Report(samples.TOOL, samples.run(), (found, samples.result("c.d", "", GOOD)))


@pytest.mark.parametrize(
    ("findings", "counts_as", "verdict"),
    [
        ([BAD], Status.FAIL, Verdict.NOT_READY),
        ([waived(BAD)], Status.NOT_APPLICABLE, Verdict.READY),
        ([waived(BAD), BAD], Status.FAIL, Verdict.NOT_READY),
        ([waived(BAD), ODD], Status.WARN, Verdict.READY_WITH_WARNINGS),
        ([waived(BAD), UNTOLD], Status.UNKNOWN, Verdict.UNDETERMINED),
        ([waived(BAD), GOOD], Status.PASS, Verdict.READY),
        ([waived(UNTOLD)], Status.NOT_APPLICABLE, Verdict.READY),
        ([waived(ODD)], Status.NOT_APPLICABLE, Verdict.READY),
    ],
)
def test_a_waived_finding_stays_and_does_not_count(
    findings: list[Finding], counts_as: Status, verdict: Verdict
) -> None:
    report = report_of(*findings)
    assert report.results[0].counts_as is counts_as
    assert report.results[0].status is max((each.status for each in findings), key=lambda status: status.rank)
    assert report.verdict is verdict
    assert report.summary[counts_as.value] >= 1
    assert report.waived == sum(each.waiver is not None for each in findings)


def test_a_report_of_which_everything_is_waived_was_looked_at() -> None:
    report = Report(samples.TOOL, samples.run(), (samples.result("a.b", "", waived(BAD)),))
    assert report.verdict is Verdict.READY
    assert report.exit_code() == EXIT_READY
    assert replace(report, results=(samples.result("a.b", "", BAD),)).exit_code() == EXIT_NOT_READY


def test_a_result_without_findings_counts_as_it_is() -> None:
    nothing = samples.result("a.b", "", GOOD, findings=(), status=Status.SKIPPED)
    assert nothing.counts_as is Status.SKIPPED


@pytest.mark.parametrize(
    "broken",
    [{"past": {"runs": 1}}, {"past": {"runs": 1, "since": "yesterday", "periods": [], "trend": []}}, {"past": 7}],
)
def test_an_excerpt_of_a_history_that_is_none_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Report.from_dict(samples.green().to_dict() | broken)
