"""One user for a person: what would happen, and each right with the entry that decided."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.directory.access.rights import Answer
from preflight.outputs import Appearance
from preflight.outputs.page import Page
from preflight.outputs.text import printable
from preflight.outputs.user_summary import without_entries
from preflight.user_facts import RightLine, UserReport

_STYLES = {Answer.ALLOWED: "green", Answer.DENIED: "bold red", Answer.UNKNOWN: "bold magenta"}
_OUTCOMES = {
    "ok": ("OK", "bold green", "the connector account's rights let writeback reset this password"),
    "blocked": ("BLOCKED", "bold red", "a reset by writeback fails"),
    "unsupported": ("UNSUPPORTED", "bold yellow", "a protected account: writeback does not support it"),
    "unknown": ("COULD NOT TELL", "bold magenta", "what decides could not be read or judged"),
}


def render(report: UserReport, appearance: Appearance, *, rights: bool) -> str:
    """The user; with `rights` every right, else only those that stand in the way."""
    page = Page(appearance.width, appearance.ascii_only)
    row = report.row
    page.line((printable(str(row["dn"])), "bold"))
    names = [str(row[key]) for key in ("sam_account_name", "user_principal_name", "object_class") if row[key]]
    page.entry(2, [("known as   ", "dim")], printable(", ".join(names)))
    page.entry(2, [("anchor     ", "dim")], printable(str(row["source_anchor"]) or "none that can be seen"))
    page.entry(2, [("enabled    ", "dim")], _yes_no(row["enabled"]))
    page.entry(2, [("protected  ", "dim")], _yes_no(row["protected"]))
    page.entry(2, [("connector  ", "dim")], printable(report.connector))
    page.entry(2, [("read from  ", "dim")], printable(report.origin), "dim")
    shown = [line for line in report.lines if rights or line.decision.answer is not Answer.ALLOWED]
    if shown:
        page.heading("Rights")
        for line in shown:
            _right(page, line)
    page.blank()
    word, style, meaning = _OUTCOMES[str(row["outcome"])]
    if report.scope_note:
        page.entry(0, [("NOT SERVED  ", "bold yellow")], printable(report.scope_note))
        page.entry(0, [("by rights   ", "dim")], f"{word.lower()}: {_reason(row) or meaning}")
    else:
        page.entry(0, [(f"{word}  ", style)], _reason(row) or meaning)
    return page.text(appearance.colour)


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
