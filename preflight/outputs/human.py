"""The report for a person: results by area and target, the users, and at the end the verdict and the next step.

Whatever comes from outside goes through `printable` and into rich's `Text` objects, never into markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from preflight.api import Finding, Severity, Status
from preflight.outputs import gist
from preflight.outputs.gist import MOST_ITEMS, joined, value_text
from preflight.outputs.page import STATUS_STYLES, Page
from preflight.outputs.remedy import parts
from preflight.outputs.text import cell_width, printable
from preflight.report import Report, Result, UserSummary, Verdict

MOST_FINDINGS = 20
MOST_CONTAINERS = 10

_VERDICT_STYLES = {
    Verdict.READY: "bold green",
    Verdict.READY_WITH_WARNINGS: "bold yellow",
    Verdict.UNDETERMINED: "bold magenta",
    Verdict.NOT_READY: "bold red",
}
_OUTCOME_STYLES = {"blocked": "bold red", "unknown": "bold magenta", "ok": "green"}


def render(report: Report, *, colour: bool = False, width: int = 100, ascii_only: bool = False) -> str:
    """The report as text; the last lines are one verdict line and the next step."""
    page = Page(max(width, 60), ascii_only)
    _head(page, report)
    for area, results in gist.by_area(report.results):
        _area(page, area, results)
    if report.users:
        _users(page, report.users)
    _conclusion(page, report)
    return page.text(colour)


def _head(page: Page, report: Report) -> None:
    run = report.run
    started = gist.when(run.started)
    page.line((gist.tool(report), "bold"), (f"{page.dot()}{started}{page.dot()}{run.duration_s:.1f} s", "dim"))
    page.entry(0, [("seen from  ", "dim")], gist.vantage(run))
    for row in run.sign_in:
        page.entry(0, [("signed in  ", "dim")], gist.sign_in(row))


# -- results ------------------------------------------------------------------------------------------------------


def _area(page: Page, area: str, results: Sequence[Result]) -> None:
    page.heading(gist.area_title(area))
    column = max(cell_width(printable(result.check)) for result in results)
    order = list(dict.fromkeys(map(gist.place, results)))
    for place, group in groupby(sorted(results, key=lambda result: order.index(gist.place(result))), gist.place):
        if place:
            page.line((printable(place), "underline" if not page.ascii_only else ""), indent=2)
        for result in group:
            _result(page, result, column)


def _result(page: Page, result: Result, column: int) -> None:
    style = STATUS_STYLES[result.status]
    word = gist.word(result.status)
    if result.status is Status.FAIL:
        word = word.upper()
    lead = [(f"{page.glyph(result.status)} {word:<8}", style), (f"{printable(result.check):<{column}}  ", "")]
    required = joined(
        "" if result.role == "selected" else "(run because it is required)",
        f"(waived: counts as {gist.word(result.counts_as)})" if result.counts_as is not result.status else "",
        f"({gist.carried(result)}, by an earlier run)" if result.as_of is not None else "",
    )
    if result.status is Status.SKIPPED:
        page.entry(2, lead, joined(gist.why_skipped(result), required), "dim")
        return
    if result.status in (Status.PASS, Status.NOT_APPLICABLE) and len(result.findings) <= 1:
        summary = "".join(gist.brief(finding) for finding in result.findings)
        page.entry(2, lead, joined(summary, required), "dim" if result.status is Status.NOT_APPLICABLE else "")
        return
    advisory = "advisory" if result.severity is Severity.ADVISORY and result.status is not Status.PASS else ""
    page.entry(2, lead, joined(advisory, required), "dim")
    _findings(page, result.findings)


def _findings(page: Page, findings: Sequence[Finding]) -> None:
    """The worst first; those that are good on one line each."""
    ordered = sorted(findings, key=lambda finding: -finding.status.rank)
    for finding in ordered[:MOST_FINDINGS]:
        lead = [(f"{page.glyph(finding.status)} ", STATUS_STYLES[finding.status])]
        if finding.status in (Status.PASS, Status.NOT_APPLICABLE, Status.SKIPPED):
            page.entry(4, lead, gist.brief(finding), "dim")
        else:
            _finding(page, finding, lead)
    if len(ordered) > MOST_FINDINGS:
        more = len(ordered) - MOST_FINDINGS
        page.line((f"... and {more:,} more: -o json=report.json has them all", "dim"), indent=4)


def _finding(page: Page, finding: Finding, lead: Sequence[tuple[str, str]]) -> None:
    page.entry(4, lead, printable(finding.summary), "bold")
    leads_to = f", leads to {', '.join(finding.event_codes)}" if finding.event_codes else ""
    waiver = finding.waiver
    facts: list[tuple[str, object]] = [
        ("waived", f"until {waiver.until} by {waiver.owner}: {waiver.reason}" if waiver else ""),
        ("about", "" if finding.subject in finding.summary else finding.subject),
        ("expected", finding.expected),
        ("observed", "" if finding.observed == finding.summary else finding.observed),
        *((str(key).replace("_", " "), value) for key, value in finding.evidence.items()),
        ("code", finding.code + leads_to),
    ]
    shown = [(printable(name), value) for name, value in facts if value not in ("", None, [], (), {})]
    column = min(max(cell_width(name) for name, _ in shown) + 2, 20)
    for name, value in shown:
        for number, line in enumerate(_value_lines(value, page.width - 6 - column)):
            page.entry(6, [(f"{name if number == 0 else '':<{column}}", "dim")], line)
    if finding.remedy:
        _remedy(page, finding.remedy, 6, f"{'do':<{column}}")


def _remedy(page: Page, remedy: str, indent: int, name: str) -> None:
    """Prose wrapped; a command whole, on its own line, however long: the terminal wraps it without breaking it."""
    margin = indent + len(name)
    lead = [(name, "bold")]
    for part in parts(remedy):
        text = printable(part.text)
        if not part.command:
            page.entry(indent, lead, text)
        elif margin + cell_width(text) <= page.width:
            page.line(*lead, (text, "bold cyan"), indent=indent)
        else:
            if lead[0][0].strip():
                page.line(*lead, indent=indent)
            page.line((text, "bold cyan"), indent=indent)
        lead = [(" " * len(name), "")]


def _value_lines(value: object, room: int) -> list[str]:
    """A piece of evidence: a list with one item a line where it is too long for one line."""
    text = value_text(value)
    if isinstance(value, (list, tuple)) and cell_width(text) > room:
        more = [f"and {len(value) - MOST_ITEMS:,} more"] if len(value) > MOST_ITEMS else []
        return [*map(value_text, value[:MOST_ITEMS]), *more]
    return [text]


# -- users --------------------------------------------------------------------------------------------------------


def _users(page: Page, summaries: Sequence[UserSummary]) -> None:
    page.heading("Users")
    for users in summaries:
        page.line((printable(users.domain), ""), (f"  {users.seen:,} users seen", "bold"), indent=2)
        if users.as_of is not None:
            page.entry(4, (), f"read at {gist.when(users.as_of)}, in an earlier run", "dim")
        if not users.complete:
            page.entry(4, (), "not all of them: the reading broke off, or something was hidden", "bold magenta")
        _outcomes(page, users.outcomes, 4)
        rows = gist.containers_in_trouble(users)
        for name, counts in rows[:MOST_CONTAINERS]:
            trouble = [
                (f"{counts[key]:>7,} {key}", _OUTCOME_STYLES[key]) for key in ("blocked", "unknown") if counts.get(key)
            ]
            lead = [piece for each in trouble for piece in (each, ("  ", ""))]
            page.entry(2, lead, f"in {printable(name)}")
        if len(rows) > MOST_CONTAINERS:
            page.line((f"... and {len(rows) - MOST_CONTAINERS} more containers", "dim"), indent=4)


def _outcomes(page: Page, outcomes: Mapping[str, int], indent: int) -> None:
    pieces: list[tuple[str, str]] = []
    for name, count in gist.in_order(outcomes):
        if count:
            said = f"{count:,} {printable(name).replace('_', ' ')}"
            pieces += [(page.dot(), "dim")] * bool(pieces) + [(said, _OUTCOME_STYLES.get(name, ""))]
    if pieces:
        page.line(*pieces, indent=indent)


# -- the end ------------------------------------------------------------------------------------------------------


def _conclusion(page: Page, report: Report) -> None:
    page.heading("Verdict")
    counts = report.summary
    words = [
        (f"{counts[status.value]} {gist.word(status)}", STATUS_STYLES[status])
        for status in reversed(Status)
        if counts[status.value]
    ]
    pieces = [piece for word in words for piece in (word, (page.dot(), "dim"))][:-1]
    page.line(*(pieces or [("no check ran", "dim")]))
    for note in report.run.notes:
        page.entry(0, [("note  ", "bold yellow")], printable(note))
    for reason in report.run.undetermined_because:
        page.entry(0, [("undetermined because ", "dim")], printable(reason))
    page.line(
        (gist.VERDICTS[report.verdict], _VERDICT_STYLES[report.verdict]),
        (f"  {'; '.join(gist.verdict_reasons(report))}", ""),
    )
    _next_step(page, report)


def _next_step(page: Page, report: Report) -> None:
    lead, step = "next  ", gist.next_step(report)
    page.entry(0, [(lead, "bold")], step.says)
    if step.remedy:
        _remedy(page, step.remedy, 0, " " * len(lead))
