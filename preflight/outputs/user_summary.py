"""The audit for a person: container by container, then the causes, then one line and the next step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from preflight.audit_report import Audit, DomainAudit
from preflight.directory.blocked import CauseGroup
from preflight.directory.judgement import Outcome
from preflight.outputs import Appearance
from preflight.outputs.page import Page
from preflight.outputs.text import cell_width, printable

MOST_CONTAINERS = 40
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


def table(page: Page, containers: Iterable[tuple[str, dict[str, int]]]) -> None:
    """A line a container, those with blocked users first."""

    def trouble(entry: tuple[str, dict[str, int]]) -> tuple[int, int, str]:
        dn, outcomes = entry
        return -outcomes.get("blocked", 0), -outcomes.get("unknown", 0), dn.lower()

    rows = sorted(containers, key=trouble)
    shown, rest = rows[:MOST_CONTAINERS], rows[MOST_CONTAINERS:]
    if rest:
        others: dict[str, int] = {}
        for _, outcomes in rest:
            for key, count in outcomes.items():
                others[key] = others.get(key, 0) + count
        shown.append((f"({len(rest):,} more containers)", others))
    numbers = sum(max(len(name), 7) + 2 for name, _ in _COLUMNS)
    room = max(24, min(page.width - 4 - numbers, max(cell_width(printable(dn)) for dn, _ in shown)))
    heads = [(f"  {name:>{max(len(name), 7)}}", "dim") for name, _ in _COLUMNS]
    page.line((f"{'container':<{room}}", "dim"), *heads, indent=2)
    for dn, outcomes in shown:
        cells = []
        for name, style in _COLUMNS:
            count = outcomes.get(name, 0)
            cells.append(
                (f"  {f'{count:,}' if count else page.dot().strip():>{max(len(name), 7)}}", style if count else "dim")
            )
        page.line((_fitted(printable(dn), room), ""), *cells, indent=2)


def _fitted(dn: str, room: int) -> str:
    """Its end tells containers of one domain apart less than its beginning: cut the end."""
    while cell_width(dn) > room:
        dn = dn[: max(1, len(dn) - 1 - max(0, cell_width(dn) - room - 1))]
        if cell_width(dn) <= room - 3:
            dn += "..."
            break
        dn = dn[:-1]
    return dn + " " * (room - cell_width(dn))


def _causes(page: Page, groups: Sequence[CauseGroup]) -> None:
    merged = _merged(groups)
    for group, rights in merged[:MOST_CAUSES]:
        count = "1 user" if group.count == 1 else f"{group.count:,} users"
        page.line((f"{count:>12}  ", "bold"), (f"{group.cause.code}: {', '.join(rights)}", "bold"), indent=2)
        page.entry(16, [], printable(group.cause.detail))
        page.entry(16, [("for example ", "dim")], "; ".join(printable(each) for each in group.examples[:2]), "dim")
    if len(merged) > MOST_CAUSES:
        page.entry(4, [], f"and {len(merged) - MOST_CAUSES} more causes: see the table (-o csv=users.csv)")


def _merged(groups: Sequence[CauseGroup]) -> list[tuple[CauseGroup, list[str]]]:
    """Groups of the same users for the same reason, with the rights that they lack."""
    merged: dict[tuple[object, ...], tuple[CauseGroup, list[str]]] = {}
    for group in groups:
        key = (group.cause.code, group.cause.detail, group.count, tuple(group.examples))
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
    parts = [f"{total[Outcome.OK]:,} of {counted:,} users in scope can be reset by writeback"]
    parts += [f"{total[Outcome.BLOCKED]:,} blocked"] if total[Outcome.BLOCKED] else []
    parts += [f"{total[Outcome.UNSUPPORTED]:,} protected (unsupported)"] if total[Outcome.UNSUPPORTED] else []
    parts += [f"{total[Outcome.UNKNOWN]:,} could not be judged"] if total[Outcome.UNKNOWN] else []
    parts += ["not everybody was seen"] if any(domain.obstacle for domain in audit.domains) else []
    page.entry(0, [(f"{word}  ", style)], "; ".join(parts))
    if total[Outcome.BLOCKED]:
        page.entry(0, [("next  ", "bold")], "preflight fix-plan prints the fewest grants that would mend it.")
    elif audit.exit_code == 4:
        page.entry(0, [("next  ", "bold")], "Mend what is said above to be missing, then run again.")
    else:
        page.entry(0, [("next  ", "bold")], "Nothing to mend.")
