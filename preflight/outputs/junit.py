"""The report as JUnit XML, for whatever shows test results: a suite an area, a test case a check and target.

No standard defines the format. This is what the schemas for Ant's and Surefire's files have in common: no attribute on
<testsuites>, one outcome a test case, the suites' output as the last two elements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from preflight.api import Finding, Severity, Status
from preflight.outputs import gist
from preflight.outputs.remedy import parts
from preflight.outputs.text import printable
from preflight.report import Report, Result, Run, Verdict

MOST_FINDINGS = 20
"""In the text of one test case."""

_KINDS = {Status.FAIL: "failure", Status.UNKNOWN: "error", Status.SKIPPED: "skipped", Status.NOT_APPLICABLE: "skipped"}
"""A warning is a test that passed; its text stands in the suite's output."""


def render(report: Report) -> str:
    root = Element("testsuites")
    for area, results in gist.by_area(report.results):
        _suite(root, report.run, area, [_case(result) for result in results], "\n".join(_warnings(results)))
    _suite(root, report.run, "run", [_case_of_the_run(report)], "\n".join(map(printable, report.run.notes)))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, run: Run, area: str, cases: Sequence[Element], said: str) -> None:
    def count(kind: str) -> str:
        return str(sum(case.find(kind) is not None for case in cases))

    suite = SubElement(
        root,
        "testsuite",
        name=_token(f"preflight.{area}"),
        package="preflight",
        id=str(len(root)),
        timestamp=run.started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        hostname=_token(run.host),
        tests=str(len(cases)),
        failures=count("failure"),
        errors=count("error"),
        skipped=count("skipped"),
        time=_seconds(sum(float(case.get("time", 0)) for case in cases)),
    )
    properties = SubElement(suite, "properties")
    for name, value in (("run", run.id), ("profile", run.profile)):
        SubElement(properties, "property", name=name, value=printable(value))
    suite.extend(cases)
    SubElement(suite, "system-out").text = said
    SubElement(suite, "system-err")


def _case(result: Result) -> Element:
    where = gist.place(result)
    case = Element(
        "testcase",
        name=_token(f"{result.check} ({where})" if where else result.check),
        classname=_token(f"preflight.{result.check.partition('.')[0]}"),
        time=_seconds(result.duration_s),
    )
    if kind := _KINDS.get(result.counts_as):
        advisory = "advisory: " if result.severity is Severity.ADVISORY and kind != "skipped" else ""
        outcome = SubElement(case, kind, message=advisory + _why(result))
        if kind != "skipped":  # which has no type in Ant's files
            outcome.set("type", _code(result))
        outcome.text = _findings(result.findings)
    return case


def _case_of_the_run(report: Report) -> Element:
    """Red where not all was looked at: an empty list of tests would pass."""
    case = Element("testcase", name="everything was looked at", classname="preflight.run", time=_seconds(0))
    reasons = [*report.run.undetermined_because]
    reasons += ["the run was interrupted"] if report.run.interrupted else []
    reasons += ["no check ran"] if not report.results else []
    untold = report.verdict is Verdict.UNDETERMINED
    if untold and not reasons and all(each.counts_as is not Status.UNKNOWN for each in report.results):
        reasons = list(gist.verdict_reasons(report))
    if reasons:
        SubElement(case, "error", type="undetermined", message="; ".join(map(printable, reasons)))
    return case


def _code(result: Result) -> str:
    counted = (each for each in result.findings if each.waiver is None and each.status is result.counts_as)
    return next((printable(each.code) for each in counted), result.counts_as.value)


def _why(result: Result) -> str:
    """The outcome in one sentence."""
    waived = [each.waiver for each in result.findings if each.waiver is not None]
    if result.counts_as is Status.NOT_APPLICABLE and waived:
        return printable(f"waived until {waived[0].until} by {waived[0].owner}: {waived[0].reason}")
    return gist.trouble(result)


def _warnings(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        if result.counts_as is Status.WARN:
            yield f"{printable(result.check)} ({printable(gist.place(result))})\n{_findings(result.findings)}"


def _findings(findings: Sequence[Finding]) -> str:
    """All that isn't good, the worst first."""
    bad = [each for each in findings if each.status.rank > Status.PASS.rank]
    bad.sort(key=lambda each: -each.status.rank)
    more = [f"and {len(bad) - MOST_FINDINGS:,} more"] if len(bad) > MOST_FINDINGS else []
    return "\n".join([*map(_finding, bad[:MOST_FINDINGS]), *more])


def _finding(finding: Finding) -> str:
    waiver = finding.waiver
    facts = (
        ("waived", f"until {waiver.until} by {waiver.owner}: {waiver.reason}" if waiver else ""),
        ("about", finding.subject),
        ("expected", finding.expected),
        ("observed", finding.observed),
        *(("do", part.text) for part in parts(finding.remedy)),
    )
    said = [f"{finding.status.value}: {printable(finding.summary)} [{printable(finding.code)}]"]
    return "\n".join([*said, *(f"  {name:<9} {printable(value)}" for name, value in facts if value)])


def _token(text: str) -> str:
    """XML Schema's type: no space at an end, no two in a row; and not empty."""
    return " ".join(printable(text).split()) or "-"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
