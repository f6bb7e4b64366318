"""One user for a person: every step, each right with the entry that decided, and what would happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from preflight.api import Status
from preflight.directory.access.rights import Answer
from preflight.directory.prospect.moment import clock_time, deadline
from preflight.directory.prospect.step import Basis, Effect, Outlook, Step, Verdict
from preflight.directory.users.right_line import RightLine
from preflight.outputs import Appearance
from preflight.outputs.page import Page
from preflight.outputs.text import printable
from preflight.outputs.user_summary import without_entries
from preflight.user_comparison import Difference
from preflight.user_facts import UserReport

_STYLES = {Answer.ALLOWED: "green", Answer.DENIED: "bold red", Answer.UNKNOWN: "bold magenta"}
_RIGHTS = {
    "ok": "the connector account's rights let writeback reset this password",
    "blocked": "a reset by writeback fails",
    "unsupported": "a protected account: writeback does not support it",
    "unknown": "what decides could not be read or judged",
}
_GLYPHS = {
    Effect.FINE: (Status.PASS, "green"),
    Effect.WARNS: (Status.WARN, "yellow"),
    Effect.BLOCKS: (Status.FAIL, "bold red"),
    Effect.UNKNOWN: (Status.UNKNOWN, "bold magenta"),
    Effect.NOT_ASKED: (Status.NOT_APPLICABLE, "dim"),
}
_OUTLOOKS = {
    Outlook.WORKS: ("WORKS", "bold green"),
    Outlook.BLOCKED: ("BLOCKED", "bold red"),
    Outlook.UNKNOWN: ("COULD NOT TELL", "bold magenta"),
}
_REFUSED = {
    Basis.DIRECTORY: "refused by Active Directory",
    Basis.SPECIFICATION: "documented: refused by the writeback service or its policy hints",
}
_NAME_WIDTH = 27


def render(report: UserReport, appearance: Appearance, *, rights: bool) -> str:
    """The user; with `rights` every right, else only those that stand in the way."""
    page = Page(appearance.width, appearance.ascii_only)
    _header(page, report)
    if report.steps:
        page.heading("Steps")
        for step in report.steps:
            _step(page, step)
    shown = [line for line in report.lines if rights or line.decision.answer is not Answer.ALLOWED]
    if shown:
        page.heading("Rights")
        for line in shown:
            _right(page, line)
    row = report.row
    page.entry(2, [("by rights   ", "dim")], f"{row['outcome']}: {_reason(row) or _RIGHTS[str(row['outcome'])]}")
    _verdict(page, report.reset, report)
    change = report.change
    if change.step is not None and (change.step, change.outlook) == (report.reset.step, report.reset.outlook):
        by = f", {_REFUSED[change.step.basis_of(change.operation)]}" if change.outlook is Outlook.BLOCKED else ""
        page.blank()
        page.entry(0, [_word(change)], f"for the same reason{by if change.step.event_codes else ''}")
    else:
        _verdict(page, change, report)
    return page.text(appearance.colour)


def render_comparison(differences: Sequence[Difference], names: tuple[str, str], appearance: Appearance) -> str:
    """Side by side, the second being whom the first is compared with."""
    page = Page(appearance.width, appearance.ascii_only)
    one, other = map(printable, names)
    page.heading(f"{one} beside {other}")
    if not differences:
        page.entry(2, [], "Nothing that is looked at differs.")
    for each in differences:
        page.line((printable(each.name), "bold" if each.matters else ""), indent=2)
        page.entry(4, [(f"{one}: ", "dim")], printable(each.one))
        page.entry(4, [(f"{other}: ", "dim")], printable(each.other))
    return page.text(appearance.colour)


def _header(page: Page, report: UserReport) -> None:
    row = report.row
    page.line((printable(str(row["dn"])), "bold"))
    names = [str(row[key]) for key in ("sam_account_name", "user_principal_name", "object_class") if row[key]]
    page.entry(2, [("known as   ", "dim")], printable(", ".join(names)))
    page.entry(2, [("anchor     ", "dim")], printable(str(row["source_anchor"]) or "none that can be seen"))
    page.entry(2, [("enabled    ", "dim")], _yes_no(row["enabled"]))
    page.entry(2, [("protected  ", "dim")], _yes_no(row["protected"]))
    page.entry(2, [("connector  ", "dim")], printable(report.connector) or "not known")
    page.entry(2, [("rights     ", "dim")], f"read from {printable(report.origin)}", "dim")
    momentary = report.momentary
    if momentary is not None:
        note = f"; {printable(momentary.note)}" if momentary.note else ""
        page.entry(2, [("state      ", "dim")], f"read from {printable(momentary.origin)}{note}", "dim")
        page.entry(2, [("as of      ", "dim")], f"{clock_time(momentary.now)}, {momentary.clock}", "dim")


def _step(page: Page, step: Step) -> None:
    status, style = _GLYPHS[step.answer]
    lead = [(f"{page.glyph(status)} ", style), (f"{step.name:<{_NAME_WIDTH}}", "")]
    page.entry(2, lead, printable(without_entries(step.summary)), "dim" if step.answer is Effect.NOT_ASKED else "")
    if step.detail and step.answer is not Effect.FINE and not step.detail.startswith("("):
        page.entry(4 + _NAME_WIDTH, [], printable(step.detail), "dim")


def _verdict(page: Page, verdict: Verdict, report: UserReport) -> None:
    page.blank()
    step, warnings = verdict.step, [step.name for step in verdict.warnings]
    if step is None:
        note = f"; see the {'warnings' if len(warnings) > 1 else 'warning'}: {', '.join(warnings)}" if warnings else ""
        page.entry(0, [_word(verdict)], f"as far as can be seen{note}")
        return
    page.entry(0, [_word(verdict)], printable(without_entries(step.summary)))
    if verdict.outlook is Outlook.BLOCKED and step.event_codes:
        page.entry(2, [("event   ", "dim")], ", ".join(step.event_codes))
        page.entry(2, [("user    ", "dim")], step.sspr)
        page.entry(2, [("basis   ", "dim")], _REFUSED[step.basis_of(verdict.operation)])
    if step.remedy:
        page.entry(2, [("do      ", "dim")], printable(step.remedy))
    if verdict.until is not None and report.momentary is not None:
        page.entry(2, [("passes  ", "dim")], f"by itself; {deadline(verdict.until, report.momentary.now)}")


def _word(verdict: Verdict) -> tuple[str, str]:
    word, style = _OUTLOOKS[verdict.outlook]
    return f"{verdict.operation.value.upper()} {word}  ", style


def _reason(row: Mapping[str, object]) -> str:
    return printable(without_entries(str(row["reason"])))


def _right(page: Page, line: RightLine) -> None:
    answer = line.decision.answer
    name = line.right.value.replace("connector_", "").replace("_", " ")
    page.entry(
        2,
        [(f"{answer.value:<8} ", _STYLES[answer]), (f"{name} ", "bold")],
        f"({line.holder}): {printable(without_entries(line.reason))}",
    )
    if line.decided_by:
        page.entry(11, [("by ", "dim")], printable(line.decided_by), "dim")


def _yes_no(value: object) -> str:
    return (
        {True: "yes", False: "no"}.get(value, "could not be told") if isinstance(value, bool) else "could not be told"
    )
