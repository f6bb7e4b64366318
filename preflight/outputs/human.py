"""The report for a person: results by area and target, the users, and at the end the verdict and the next step.

Whatever comes from outside goes through `printable` and into rich's `Text` objects, never into markup.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

from preflight.api import Finding, Severity, Status
from preflight.outputs.page import Page
from preflight.outputs.remedy import parts
from preflight.outputs.text import cell_width, printable
from preflight.report import Report, Result, Run, UserSummary, Verdict

AREAS = ("dns", "network", "clock", "dc", "directory", "account", "permissions", "anchors", "policy", "events")
"""In the order in which a reset passes them; others follow."""

MOST_FINDINGS = 20
MOST_CONTAINERS = 10
MOST_ITEMS = 5
MOST_LETTERS = 1000

_AREA_TITLES = {"dns": "DNS", "dc": "Domain controllers", "account": "Connector account", "anchors": "Source anchors"}
_WORDS = {Status.NOT_APPLICABLE: "n/a"}
_STYLES = {
    Status.PASS: "green",
    Status.FAIL: "bold red",
    Status.WARN: "bold yellow",
    Status.UNKNOWN: "bold magenta",
    Status.SKIPPED: "dim",
    Status.NOT_APPLICABLE: "dim",
}
_VERDICTS = {
    Verdict.READY: ("READY", "bold green"),
    Verdict.READY_WITH_WARNINGS: ("READY, WITH WARNINGS", "bold yellow"),
    Verdict.UNDETERMINED: ("UNDETERMINED", "bold magenta"),
    Verdict.NOT_READY: ("NOT READY", "bold red"),
}
_OUTCOMES = ("ok", "blocked", "unknown", "unsupported", "disabled", "out_of_scope")
_OUTCOME_STYLES = {"blocked": "bold red", "unknown": "bold magenta", "ok": "green"}


def render(report: Report, *, colour: bool = False, width: int = 100, ascii_only: bool = False) -> str:
    """The report as text; the last lines are one verdict line and the next step."""
    page = Page(max(width, 60), ascii_only)
    _head(page, report)
    for area, results in _by_area(report.results):
        _area(page, area, results)
    if report.users:
        _users(page, report.users)
    _conclusion(page, report)
    return page.text(colour)


def _head(page: Page, report: Report) -> None:
    run = report.run
    tool = " ".join(printable(str(report.tool[key])) for key in ("name", "version") if key in report.tool)
    started = _when(run.started)
    page.line((tool or "preflight", "bold"), (f"{page.dot()}{started}{page.dot()}{run.duration_s:.1f} s", "dim"))
    page.entry(0, [("seen from  ", "dim")], _vantage(run))
    for row in run.sign_in:
        page.entry(0, [("signed in  ", "dim")], _sign_in(row))


def _when(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _vantage(run: Run) -> str:
    host = printable(run.host)
    if run.vantage is True:
        return f"{host}, the sync server"
    if run.vantage is False:
        server = f", which is {printable(run.sync_server)}" if run.sync_server else ""
        return f"{host}, not the sync server{server}: network, DNS and clock results are this machine's"
    return f"{host} (not known whether this is the sync server: network, DNS and clock results are this machine's)"


def _sign_in(row: Mapping[str, object]) -> str:
    facts = {key: _value(value) for key, value in row.items() if value not in (None, "", [], ())}
    where, user, how = facts.get("origin", ""), facts.get("user", ""), facts.get("method", "")
    who = f"as {user}" if user and user not in where else ""
    token = facts.get("connector_token", "")
    if token:
        incomplete = " (incomplete)" if row.get("connector_token_complete") is False else ""
        token = f"; the connector account's token: {token}{incomplete}"
    return f"{facts.get('domain', '')}: {_joined(where, who, f'({how})' if how and how not in where else '')}{token}"


# -- results ------------------------------------------------------------------------------------------------------


def _by_area(results: Iterable[Result]) -> list[tuple[str, list[Result]]]:
    areas: dict[str, list[Result]] = {area: [] for area in AREAS}
    for result in results:
        areas.setdefault(result.check.partition(".")[0], []).append(result)
    return [(area, found) for area, found in areas.items() if found]


def _area(page: Page, area: str, results: Sequence[Result]) -> None:
    page.heading(_AREA_TITLES.get(area) or printable(area.replace("-", " ").capitalize()))
    column = max(cell_width(printable(result.check)) for result in results)
    order = list(dict.fromkeys(map(_place, results)))
    for place, group in groupby(sorted(results, key=lambda result: order.index(_place(result))), _place):
        if place:
            page.line((printable(place), "underline" if not page.ascii_only else ""), indent=2)
        for result in group:
            _result(page, result, column)


def _place(result: Result) -> str:
    """What the check looked at, and from which machine where the report has several."""
    if not result.host:
        return result.target
    return f"{result.target}, seen from {result.host}" if result.target else f"seen from {result.host}"


def _result(page: Page, result: Result, column: int) -> None:
    style = _STYLES[result.status]
    word = _WORDS.get(result.status, result.status.value)
    if result.status is Status.FAIL:
        word = word.upper()
    lead = [(f"{page.glyph(result.status)} {word:<8}", style), (f"{printable(result.check):<{column}}  ", "")]
    required = _joined(
        "" if result.role == "selected" else "(run because it is required)",
        f"(waived: counts as {_WORDS.get(result.counts_as, result.counts_as.value)})"
        if result.counts_as is not result.status
        else "",
    )
    if result.status is Status.SKIPPED:
        page.entry(2, lead, _joined(_why_skipped(result), required), "dim")
        return
    if result.status in (Status.PASS, Status.NOT_APPLICABLE) and len(result.findings) <= 1:
        summary = "".join(_brief(finding) for finding in result.findings)
        page.entry(2, lead, _joined(summary, required), "dim" if result.status is Status.NOT_APPLICABLE else "")
        return
    advisory = "advisory" if result.severity is Severity.ADVISORY and result.status is not Status.PASS else ""
    page.entry(2, lead, _joined(advisory, required), "dim")
    _findings(page, result.findings)


def _joined(*texts: str) -> str:
    return " ".join(filter(None, texts))


def _why_skipped(result: Result) -> str:
    if result.blocked_by:
        return "because of " + ", ".join(map(printable, result.blocked_by))
    return "; ".join(printable(finding.summary) for finding in result.findings) or "no reason given"


def _findings(page: Page, findings: Sequence[Finding]) -> None:
    """The worst first; those that are good on one line each."""
    ordered = sorted(findings, key=lambda finding: -finding.status.rank)
    for finding in ordered[:MOST_FINDINGS]:
        lead = [(f"{page.glyph(finding.status)} ", _STYLES[finding.status])]
        if finding.status in (Status.PASS, Status.NOT_APPLICABLE, Status.SKIPPED):
            page.entry(4, lead, _brief(finding), "dim")
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


def _brief(finding: Finding) -> str:
    summary, observed = printable(finding.summary), printable(finding.observed)
    return f"{summary} ({observed})" if observed and observed not in summary else summary


def _value_lines(value: object, room: int) -> list[str]:
    """A piece of evidence: a list with one item a line where it is too long for one line."""
    text = _value(value)
    if isinstance(value, (list, tuple)) and cell_width(text) > room:
        more = [f"and {len(value) - MOST_ITEMS:,} more"] if len(value) > MOST_ITEMS else []
        return [*map(_value, value[:MOST_ITEMS]), *more]
    return [text]


def _value(value: object) -> str:
    """A piece of evidence on one line, long lists and texts cut (the JSON report has them whole)."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, Mapping):
        text = "; ".join(f"{key}: {_value(member)}" for key, member in list(value.items())[:MOST_ITEMS])
    elif isinstance(value, (list, tuple)):
        text = ", ".join(_value(member) for member in value[:MOST_ITEMS])
        text += f" and {len(value) - MOST_ITEMS:,} more" if len(value) > MOST_ITEMS else ""
    else:
        text = json.dumps(value, default=str)
    return printable(text if len(text) <= MOST_LETTERS else text[:MOST_LETTERS] + "...")


# -- users --------------------------------------------------------------------------------------------------------


def _users(page: Page, summaries: Sequence[UserSummary]) -> None:
    page.heading("Users")
    for users in summaries:
        page.line((printable(users.domain), ""), (f"  {users.seen:,} users seen", "bold"), indent=2)
        if users.as_of is not None:
            page.entry(4, (), f"read at {_when(users.as_of)}, in an earlier run", "dim")
        if not users.complete:
            page.entry(4, (), "not all of them: the reading broke off, or something was hidden", "bold magenta")
        _outcomes(page, users.outcomes, 4)
        rows = [(_container(row), _counts(row)) for row in users.by_container]
        rows = [(name, counts) for name, counts in rows if counts.get("blocked") or counts.get("unknown")]
        rows.sort(key=lambda row: (-row[1].get("blocked", 0), -row[1].get("unknown", 0), row[0]))
        for name, counts in rows[:MOST_CONTAINERS]:
            trouble = [
                (f"{counts[key]:>7,} {key}", _OUTCOME_STYLES[key]) for key in ("blocked", "unknown") if counts.get(key)
            ]
            lead = [piece for each in trouble for piece in (each, ("  ", ""))]
            page.entry(2, lead, f"in {printable(name)}")
        if len(rows) > MOST_CONTAINERS:
            page.line((f"... and {len(rows) - MOST_CONTAINERS} more containers", "dim"), indent=4)


def _outcomes(page: Page, outcomes: Mapping[str, int], indent: int) -> None:
    names = [name for name in _OUTCOMES if outcomes.get(name)] + [name for name in outcomes if name not in _OUTCOMES]
    if not names:
        return
    pieces: list[tuple[str, str]] = []
    for name in names:
        if pieces:
            pieces.append((page.dot(), "dim"))
        pieces.append((f"{outcomes[name]:,} {printable(name).replace('_', ' ')}", _OUTCOME_STYLES.get(name, "")))
    page.line(*pieces, indent=indent)


def _container(row: Mapping[str, object]) -> str:
    return str(row.get("container") or row.get("dn") or row.get("distinguished_name") or "?")


def _counts(row: Mapping[str, object]) -> Mapping[str, int]:
    outcomes = row.get("outcomes")
    counts = outcomes if isinstance(outcomes, Mapping) else row
    return {key: value for key, value in counts.items() if type(value) is int}


# -- the end ------------------------------------------------------------------------------------------------------


def _conclusion(page: Page, report: Report) -> None:
    page.heading("Verdict")
    counts = report.summary
    words = [
        (f"{counts[status.value]} {_WORDS.get(status, status.value)}", _STYLES[status])
        for status in reversed(Status)
        if counts[status.value]
    ]
    pieces = [piece for word in words for piece in (word, (page.dot(), "dim"))][:-1]
    page.line(*(pieces or [("no check ran", "dim")]))
    for note in report.run.notes:
        page.entry(0, [("note  ", "bold yellow")], printable(note))
    for reason in report.run.undetermined_because:
        page.entry(0, [("undetermined because ", "dim")], printable(reason))
    word, style = _VERDICTS[report.verdict]
    page.line((word, style), (f"  {'; '.join(_verdict_reasons(report))}", ""))
    _next_step(page, report)


def _verdict_reasons(report: Report) -> Iterator[str]:
    blockers = [result for result in report.results if result.severity is Severity.BLOCKER]
    failed = sum(result.counts_as is Status.FAIL for result in blockers)
    untold = sum(result.counts_as in (Status.UNKNOWN, Status.SKIPPED) for result in blockers)
    if report.verdict is Verdict.NOT_READY:
        yield f"{failed} of {len(blockers)} blockers failed"
        if untold:
            yield f"{untold} could not be judged"
    elif report.verdict is Verdict.UNDETERMINED:
        yield f"{untold} of {len(blockers)} blockers could not be judged" if untold else "not enough was looked at"
    elif report.verdict is Verdict.READY_WITH_WARNINGS:
        yield "writeback can work"
    else:
        yield "nothing stands in the way of writeback"
    if report.waived:
        yield f"{report.waived} finding{'s' if report.waived > 1 else ''} waived"
    if report.run.interrupted:
        yield "interrupted"
    ran, registered = len({result.check for result in report.results}), report.run.selection.get("registered")
    if isinstance(registered, int) and ran < registered:
        yield f"{ran} of {registered} checks"
    if report.run.vantage is not True:
        yield f"seen from {printable(report.run.host)}"


def _next_step(page: Page, report: Report) -> None:
    """What to do first: the first blocker that failed, else that could not be judged, else an advisory's remedy."""
    lead = "next  "
    found = _first(report)
    if found is not None:
        result, finding = found
        about = f" ({printable(result.target)})" if result.target and result.target not in finding.summary else ""
        page.entry(0, [(lead, "bold")], f"{printable(result.check)}{about}: {printable(finding.summary)}")
        _remedy(page, finding.remedy, 0, " " * len(lead))
    elif report.run.interrupted:
        page.entry(0, [(lead, "bold")], "Run again; this run was interrupted.")
    elif report.verdict is Verdict.UNDETERMINED:
        page.entry(0, [(lead, "bold")], "Mend what is said above to be missing, then run again.")
    else:
        page.entry(0, [(lead, "bold")], "Nothing to mend.")


def _first(report: Report) -> tuple[Result, Finding] | None:
    wanted = [(Severity.BLOCKER, Status.FAIL), (Severity.BLOCKER, Status.UNKNOWN)]
    wanted += [(Severity.ADVISORY, status) for status in (Status.FAIL, Status.WARN, Status.UNKNOWN)]
    wanted.insert(2, (Severity.BLOCKER, Status.WARN))
    for severity, status in wanted:
        for result in report.results:
            for finding in result.findings:
                counts = finding.waiver is None and result.severity is severity
                if counts and finding.status is status and finding.remedy:
                    return result, finding
    return None
