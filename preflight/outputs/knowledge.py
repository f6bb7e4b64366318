"""What is known about a code, for a person and for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from preflight.knowledge import Cause, Entry, Level, Match, Procedure, entries_for
from preflight.knowledge.sources import spelled_out
from preflight.outputs import Appearance
from preflight.outputs.page import Page
from preflight.outputs.text import cell_width, printable

_STYLES = {Level.ERROR: "bold red", Level.WARNING: "bold yellow", Level.INFORMATION: "bold green"}
_INFERRED = "inferred"
_NOTE = "inferred: likely, but no source says so"
_HOW = "Run a check: preflight run --only CHECK. What it looks at: preflight explain CHECK. All, one after the other:"
_MOST_MATCHED = 4


def render(entries: Sequence[Entry], what: str, appearance: Appearance) -> str:
    """Every entry in full, the likeliest first; where there are several, at the head what tells them apart."""
    page = Page(appearance.width, appearance.ascii_only)
    if len(entries) > 1:
        _overview(page, entries, what)
    for number, entry in enumerate(entries):
        if number or len(entries) > 1:
            page.blank()
            page.line(("-" * page.width if page.ascii_only else "─" * page.width, "dim"))
        _entry(page, entry, entry.causes)
    return page.text(appearance.colour)


def render_matches(matches: Sequence[Match], appearance: Appearance, procedures: Sequence[Procedure] = ()) -> str:
    """What is to be done by hand, and the ranking; then the best in full, with the causes first that the text itself
    points to."""
    page = Page(appearance.width, appearance.ascii_only)
    if procedures:
        page.line(("By hand, step by step", "bold"))
        for procedure in procedures:
            page.entry(2, [("", "")], procedure.name, "bold")
            page.entry(5, [("see       ", "dim")], f"preflight explain {procedure.id}")
    if not matches:
        return page.text(appearance.colour)
    if procedures:
        page.blank()
    page.line(("Most likely first", "bold"))
    for number, match in enumerate(matches, 1):
        page.entry(2, [(f"{number}. ", "dim")], _title(match.entry), "bold")
        matched = ", ".join(map(printable, match.matched[:_MOST_MATCHED]))
        page.entry(5, [("matched   ", "dim")], matched)
        page.entry(5, [("see       ", "dim")], f"preflight explain {_only(match.entry)}")
    page.blank()
    _entry(page, matches[0].entry, matches[0].causes)
    return page.text(appearance.colour)


def render_procedure(procedure: Procedure, appearance: Appearance) -> str:
    page = Page(appearance.width, appearance.ascii_only)
    page.line((procedure.name, "bold"))
    page.entry(0, [("", "")], procedure.when)
    if procedure.warning:
        page.blank()
        page.entry(0, [("warning  ", "bold yellow")], procedure.warning)
    page.heading("Step by step")
    _numbered(page, procedure.steps)
    page.heading("Then verify")
    _bulleted(page, procedure.verify)
    page.blank()
    _references(page, procedure.reference)
    return page.text(appearance.colour)


def to_json(
    entries: Sequence[Entry], *, procedures: Sequence[Procedure] = (), checks: Sequence[Mapping[str, object]] = ()
) -> str:
    """One JSON document, in ASCII."""
    document = {
        "entries": [asdict(entry) for entry in entries],
        "procedures": [asdict(procedure) for procedure in procedures],
        "checks": list(checks),
    }
    return json.dumps(document, indent=2) + "\n"


def matches_to_json(matches: Sequence[Match], procedures: Sequence[Procedure] = ()) -> str:
    """One JSON document, in ASCII: the matches, the best first; and what is to be done by hand."""
    document = {
        "matches": [
            {
                "score": match.score,
                "matched": list(match.matched),
                "entry": asdict(match.entry) | {"causes": [asdict(cause) for cause in match.causes]},
            }
            for match in matches
        ],
        "procedures": [asdict(procedure) for procedure in procedures],
    }
    return json.dumps(document, indent=2) + "\n"


def _overview(page: Page, entries: Sequence[Entry], what: str) -> None:
    page.entry(0, [("", "")], f"{printable(what)} may be one of {len(entries)} things, the likeliest first:", "bold")
    for number, entry in enumerate(entries, 1):
        page.entry(2, [(f"{number}. ", "dim")], _title(entry), "bold")
        if entry.apart:
            page.entry(5, [("", "")], entry.apart)
        page.entry(5, [("only this: ", "dim")], f"preflight explain {_only(entry)}")
    page.entry(
        0, [("", "")], "With the event's text at hand: preflight explain --search TEXT puts the right one first."
    )


def _entry(page: Page, entry: Entry, causes: Sequence[Cause]) -> None:
    page.line((_title(entry), "bold"))
    place = entry.section if entry.source in entry.section else f"{entry.source}{page.dot()}{entry.section}"
    page.line((entry.level.value, _STYLES[entry.level]), (f"{page.dot()}{place}", "dim"))
    if len(entry.codes) > 1:
        page.entry(0, [("also      ", "dim")], ", ".join(entry.codes[1:]))
    page.blank()
    page.entry(0, [("", "")], entry.meaning + (f" ({_INFERRED})" if entry.inferred else ""))
    if causes:
        page.heading("Likely causes, the likeliest first" if len(causes) > 1 else "Likely cause")
        width = len(str(len(causes)))
        for number, cause in enumerate(causes, 1):
            _cause(page, f"{number:>{width}}. ", cause)
        if entry.checks:
            page.entry(2, [("", "")], f"{_HOW} preflight diagnose --code {_only(entry)}", "dim")
    if entry.steps:
        page.heading("What to do")
        for number, step in enumerate(entry.steps, 1):
            page.entry(2, [(f"{number}. ", "dim")], step.text)
            if step.procedure:
                page.entry(5, [("how  ", "dim")], f"preflight explain {step.procedure}", "cyan")
    if entry.verify:
        page.heading("Then verify")
        _bulleted(page, entry.verify)
    page.blank()
    _leads(page, entry)
    _references(page, entry.reference)
    if entry.inferred or entry.may_lead_to or any(cause.inferred for cause in causes):
        page.entry(0, [("", "")], _NOTE, "dim")


def _cause(page: Page, lead: str, cause: Cause) -> None:
    page.entry(2, [(lead, "dim")], cause.text + (f" ({_INFERRED})" if cause.inferred else ""))
    margin = 2 + len(lead)
    if cause.checks:
        page.entry(margin, [("check  ", "dim")], ", ".join(cause.checks), "cyan")
    if cause.user:
        page.entry(margin, [("user   ", "dim")], f"preflight user NAME says whether {cause.user}")
    if cause.manual:
        page.entry(margin, [("look   ", "dim")], cause.manual)


def _leads(page: Page, entry: Entry) -> None:
    if entry.leads_to:
        page.entry(0, [("leads to  ", "dim")], ", ".join(map(_named, entry.leads_to)))
    if entry.may_lead_to:
        page.entry(0, [("probably  ", "dim")], f"{', '.join(map(_named, entry.may_lead_to))} ({_INFERRED})")


def _named(code: str) -> str:
    """The code with its name, where it has one name."""
    entries = entries_for(code)
    return f"{code} {entries[0].name}" if len(entries) == 1 else code


def _references(page: Page, references: Sequence[str]) -> None:
    page.entry(0, [("source    ", "dim")], spelled_out(references))


def _numbered(page: Page, texts: Sequence[str]) -> None:
    width = cell_width(str(len(texts)))
    for number, text in enumerate(texts, 1):
        page.entry(2, [(f"{number:>{width}}. ", "dim")], text)


def _bulleted(page: Page, texts: Sequence[str]) -> None:
    for text in texts:
        page.entry(2, [("- ", "dim")], text)


def _title(entry: Entry) -> str:
    return f"{entry.code} {entry.name}".strip()


def _only(entry: Entry) -> str:
    """What means this entry and no other: a code of its own, else its id."""
    return next((code for code in entry.codes if len(entries_for(code)) == 1), entry.id)
