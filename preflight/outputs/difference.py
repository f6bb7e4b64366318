"""What changed between two reports: for people, for a ticket, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from preflight.difference import Change, Difference, Kind
from preflight.outputs import Appearance
from preflight.outputs.gist import VERDICTS, joined, when, word
from preflight.outputs.page import STATUS_STYLES, Page
from preflight.outputs.text import printable
from preflight.past import rfc3339
from preflight.report import Report

MOST_CHANGES = 50
"""Of one kind, for people."""

_TITLES = {
    Kind.NEW: "New",
    Kind.WORSE: "Worse",
    Kind.UNSEEN: "Not seen this time",
    Kind.UNCHANGED: "Unchanged",
    Kind.BETTER: "Better",
    Kind.GONE: "Gone",
}


def render(difference: Difference, appearance: Appearance) -> str:
    page = Page(max(appearance.width, 60), appearance.ascii_only)
    for name, report in (("old", difference.old), ("new", difference.new)):
        page.entry(0, [(f"{name}  ", "dim")], _about(report))
    for kind in Kind:
        changes = difference.of(kind)
        if changes:
            page.heading(f"{_TITLES[kind]} ({len(changes):,})")
        for change in changes[:MOST_CHANGES]:
            _change(page, change)
        if len(changes) > MOST_CHANGES:
            page.line((f"... and {len(changes) - MOST_CHANGES:,} more: --format json has them all", "dim"), indent=2)
    page.blank()
    page.line((_conclusion(difference), "bold"))
    return page.text(appearance.colour)


def _about(report: Report) -> str:
    return f"{when(report.run.started)} on {printable(report.run.host)}: {VERDICTS[report.verdict]}"


def _change(page: Page, change: Change) -> None:
    status = change.after or change.before
    style = STATUS_STYLES[status] if status is not None else ""
    glyph = page.glyph(status) if status is not None else " "
    page.entry(2, [(f"{glyph} ", style)], joined(_place(change), _steps(change)), style)
    page.entry(4, (), printable(change.summary), "dim" if change.kind is Kind.UNCHANGED and not change.was else "")
    if change.was:
        page.entry(4, [("was: ", "dim")], printable(change.was), "dim")


def _place(change: Change) -> str:
    target = f" ({printable(change.target)})" if change.target else ""
    host = f", seen from {printable(change.host)}" if change.host else ""
    return f"{printable(change.check)}{target}{host}:"


def _steps(change: Change) -> str:
    """From which status to which."""
    if change.before is None or change.after is None or change.before is change.after:
        status = change.after or change.before
        return word(status) if status is not None else ""
    return f"{word(change.before)}, now {word(change.after)}"


def _conclusion(difference: Difference) -> str:
    counts = [f"{len(found):,} {_TITLES[kind].lower()}" for kind in Kind if (found := difference.of(kind))]
    good = f"{difference.good:,} checks good before and now"
    if difference.told_less:
        good += "; the new report could tell less"
    return "; ".join([*counts, good]) if counts else f"Nothing changed; {good}"


def render_markdown(difference: Difference) -> str:
    """For a ticket: one table a kind."""
    return "\n\n".join(_blocks(difference)) + "\n"


def _blocks(difference: Difference) -> Iterator[str]:
    from preflight.outputs.markdown import text

    yield "# Password writeback: what changed"
    yield f"Old: {text(_about(difference.old))}  \nNew: {text(_about(difference.new))}"
    for kind in Kind:
        if changes := difference.of(kind):
            yield f"## {_TITLES[kind]} ({len(changes):,})"
            yield "\n".join(["| status | check | where | what |", "|---|---|---|---|", *_rows(changes)])
        if len(changes) > MOST_CHANGES:
            yield f"... and {len(changes) - MOST_CHANGES:,} more."
    yield f"{_conclusion(difference)}."


def _rows(changes: Sequence[Change]) -> Iterator[str]:
    from preflight.outputs.markdown import cell

    for change in changes[:MOST_CHANGES]:
        where = f"{change.target}, seen from {change.host}" if change.host else change.target
        was = f" (was: {change.was})" if change.was else ""
        yield f"| {_steps(change)} | {cell(change.check)} | {cell(where)} | {cell(change.summary + was)} |"


def render_json(difference: Difference) -> str:
    document = {
        "old": _run(difference.old),
        "new": _run(difference.new),
        "counts": {kind.value: len(difference.of(kind)) for kind in Kind} | {"good": difference.good},
        "changes": [_change_dict(change) for change in difference.changes],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _run(report: Report) -> Mapping[str, Any]:
    return {
        "id": report.run.id,
        "started": rfc3339(report.run.started),
        "host": report.run.host,
        "verdict": report.verdict.value,
    }


def _change_dict(change: Change) -> Mapping[str, Any]:
    return {
        "kind": change.kind.value,
        "check": change.check,
        "target": change.target,
        "host": change.host,
        "fingerprint": change.fingerprint,
        "before": change.before.value if change.before is not None else None,
        "after": change.after.value if change.after is not None else None,
        "summary": change.summary,
        "was": change.was,
    }
