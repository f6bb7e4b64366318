"""The audit for a person: container by container, then the causes, then one line and the next step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from preflight.audit_report import Audit, DomainAudit
from preflight.directory.users.blocked import CauseGroup
from preflight.directory.users.judgement import Outcome
from preflight.outputs import Appearance
from preflight.outputs.page import Page
from preflight.outputs.text import cell_width, printable

MOST_CONTAINERS = 40
MOST_GOOD_CONTAINERS = 20
"""Lines of the table: containers with blocked or unknown users, and of all if fewer of those."""
MOST_CAUSES = 20

_COLUMNS = (
    ("ok", "green"),
    ("blocked", "bold red"),
    ("unsupported", "yellow"),
    ("unknown", "magenta"),
    ("disabled", "dim"),
)


def render(audit: Audit, appearance: Appearance) -> str:
    page = Page(appearance.width, appearance.ascii_only)
    for domain in audit.domains:
        _domain(page, domain)
    _conclusion(page, audit)
    return page.text(appearance.colour)


def _domain(page: Page, domain: DomainAudit) -> None:
    page.heading(f"{printable(domain.domain)}: {domain.seen:,} users seen")
    if domain.origin:
        page.entry(2, [("read from  ", "dim")], printable(domain.origin), "dim")
    if domain.token:
        page.entry(2, [("token      ", "dim")], printable(domain.token), "dim")
    if domain.by_container:
        page.blank()
        table(page, domain.by_container.items())
    for title, style, groups in (("Blocked", "bold red", domain.blocked), ("Unknown", "magenta", domain.untold)):
        if groups:
            page.blank()
            page.line((title, style), indent=2)
            _causes(page, groups)
    apart = {key: domain.outcomes.get(key, 0) for key in ("out_of_scope", "excluded")}
    if any(apart.values()):
        page.blank()
        said = [f"{apart['out_of_scope']:,} never synchronised by Entra Connect" if apart["out_of_scope"] else ""]
        said += [f"{apart['excluded']:,} excluded by the configuration" if apart["excluded"] else ""]
        page.entry(2, [("left out   ", "dim")], ", ".join(filter(None, said)), "dim")
    if domain.obstacle:
        page.blank()
        page.entry(2, [("not all    ", "bold magenta")], printable(domain.obstacle))
        if domain.remedy:
            page.entry(2, [("           ", "")], printable(domain.remedy))


def table(page: Page, containers: Iterable[tuple[str, Mapping[str, int]]]) -> None:
    """A line a container, those with blocked users first, and their sum."""

    def trouble(entry: tuple[str, Mapping[str, int]]) -> tuple[int, int, str]:
        dn, outcomes = entry
        return -outcomes.get("blocked", 0), -outcomes.get("unknown", 0), dn.lower()

    rows = sorted(containers, key=trouble)
    in_trouble = sum(1 for _, outcomes in rows if outcomes.get("blocked") or outcomes.get("unknown"))
    lines = max(MOST_GOOD_CONTAINERS, min(MOST_CONTAINERS, in_trouble))
    shown = [(printable(short_name(dn)), outcomes) for dn, outcomes in rows[:lines]]
    if rest := rows[lines:]:
        shown.append((f"({len(rest):,} more)", _sum(outcomes for _, outcomes in rest)))
    widths = {name: max(len(name), 7) + 2 for name, _ in _COLUMNS}
    room = min(page.width - 2 - sum(widths.values()), max(24, *(cell_width(name) for name, _ in shown)))
    heads = [(f"{name:>{widths[name]}}", "dim") for name, _ in _COLUMNS]
    rule = ("-" if page.ascii_only else "─") * (room + sum(widths.values()))
    page.line((f"{'container':<{room}}", "dim"), *heads, indent=2)
    page.line((rule, "dim"), indent=2)
    nothing = page.dot().strip()
    for name, outcomes in shown:
        page.line((fitted(name, room, page.ascii_only), ""), *_cells(outcomes, widths, nothing), indent=2)
    if len(shown) > 1:
        page.line((rule, "dim"), indent=2)
        total = _cells(_sum(outcomes for _, outcomes in rows), widths, nothing)
        page.line((fitted(f"{len(rows):,} containers", room, page.ascii_only), "bold"), *total, indent=2)


def _cells(outcomes: Mapping[str, int], widths: Mapping[str, int], nothing: str) -> list[tuple[str, str]]:
    return [
        (
            f"{f'{outcomes[name]:,}' if outcomes.get(name) else nothing:>{widths[name]}}",
            style if outcomes.get(name) else "dim",
        )
        for name, style in _COLUMNS
    ]


def _sum(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for outcomes in several:
        for name, count in outcomes.items():
            total[name] = total.get(name, 0) + count
    return total


_DOMAIN = re.compile(r"(?:(?<!\\),DC=[^,=]+)+$", re.IGNORECASE)
_ENTRY = re.compile(r"\([A-Z]{1,2};[^;()]*;[^;()]*;[^;()]*;[^;()]*;[^;()]*\)")


def short_name(dn: str) -> str:
    """A container's name without its domain's, which stands above the table."""
    return _DOMAIN.sub("", dn) if not dn.upper().startswith("DC=") else dn


def fitted(name: str, room: int, ascii_only: bool) -> str:
    """Exactly so many columns: filled up, or cut with an ellipsis."""
    if cell_width(name) > room:
        ellipsis = "..." if ascii_only else "…"
        while cell_width(name) + len(ellipsis) > room:
            name = name[:-1]
        name += ellipsis
    return name + " " * (room - cell_width(name))


def without_entries(detail: str) -> str:
    """A reason for a person; the entry itself, long and in SDDL, is shown apart from it."""
    plain = _ENTRY.sub("the entry", detail)
    return f"The entry{plain[9:]}" if plain.startswith("the entry") else plain


def _causes(page: Page, groups: Sequence[CauseGroup]) -> None:
    merged = _merged(groups)
    for group, rights in merged[:MOST_CAUSES]:
        count = "1 user" if group.count == 1 else f"{group.count:,} users"
        page.entry(2, [(f"{count:>12}  ", "bold")], f"{group.cause.code}: {', '.join(rights)}", "bold")
        page.entry(16, [], printable(without_entries(group.cause.detail)))
        if group.cause.ace is not None and not group.cause.ace.allow:
            page.entry(16, [("entry  ", "dim")], printable(group.cause.ace.sddl), "dim")
        for number, example in enumerate(group.examples[:2]):
            page.entry(16, [("       " if number else "e.g.   ", "dim")], printable(example), "dim")
    if len(merged) > MOST_CAUSES:
        page.entry(16, [], f"and {len(merged) - MOST_CAUSES} more causes: see the table (-o csv=users.csv)")


def _merged(groups: Sequence[CauseGroup]) -> list[tuple[CauseGroup, list[str]]]:
    """Groups of the same users for the same reason, with the rights that they lack."""
    merged: dict[tuple[object, ...], tuple[CauseGroup, list[str]]] = {}
    for group in groups:
        key = (group.cause.code, without_entries(group.cause.detail), group.count, tuple(group.examples))
        _, rights = merged.setdefault(key, (group, []))
        rights.append(group.right.value.replace("_", " "))
    return list(merged.values())


def _conclusion(page: Page, audit: Audit) -> None:
    total = {outcome: sum(domain.count(outcome) for domain in audit.domains) for outcome in Outcome}
    counted = sum(total.values())
    page.heading("Verdict")
    word, style = {
        0: ("ALL OK", "bold green"),
        3: ("BLOCKED", "bold red"),
        4: ("COULD NOT TELL", "bold magenta"),
        130: ("INTERRUPTED", "bold magenta"),
    }[audit.exit_code]
    if counted:
        parts = [f"{total[Outcome.OK]:,} of {counted:,} users in scope can be reset by writeback"]
    else:
        parts = ["no user in scope was seen"]
    parts += [f"{total[Outcome.BLOCKED]:,} blocked"] if total[Outcome.BLOCKED] else []
    parts += [f"{total[Outcome.UNSUPPORTED]:,} protected (unsupported)"] if total[Outcome.UNSUPPORTED] else []
    parts += [f"{total[Outcome.UNKNOWN]:,} could not be judged"] if total[Outcome.UNKNOWN] else []
    parts += ["not everybody was seen"] if any(domain.obstacle for domain in audit.domains) else []
    page.entry(0, [(f"{word}  ", style)], "; ".join(parts))
    if audit.interrupted:
        page.entry(0, [("next  ", "bold")], "Run it again to see everybody.")
    elif total[Outcome.BLOCKED]:
        page.entry(0, [("next  ", "bold")], "preflight fix-plan prints the fewest grants that would mend it.")
    elif audit.exit_code == 4:
        page.entry(0, [("next  ", "bold")], "Mend what is said above to be missing, then run again.")
    else:
        page.entry(0, [("next  ", "bold")], "Nothing to mend.")
