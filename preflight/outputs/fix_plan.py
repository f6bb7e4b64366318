"""A plan of repairs for a person: numbered steps with their reason and the commands to copy; and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from preflight.directory.mending.fix_plan import Plan
from preflight.directory.mending.repairs import Listed
from preflight.directory.users.judgement import Outcome
from preflight.outputs import Appearance
from preflight.outputs.instructions import DomainPlan, Instruction, instructions
from preflight.outputs.page import Page
from preflight.outputs.text import printable


def render(domains: Sequence[DomainPlan], appearance: Appearance) -> str:
    page = Page(appearance.width, appearance.ascii_only)
    for domain in domains:
        _domain(page, domain)
    _conclusion(page, domains)
    return page.text(appearance.colour)


def render_json(domains: Sequence[DomainPlan]) -> str:
    return json.dumps({"domains": [_to_dict(domain) for domain in domains]}, indent=2, ensure_ascii=True) + "\n"


# The page


def _domain(page: Page, domain: DomainPlan) -> None:
    page.heading(printable(domain.domain))
    if domain.origin:
        page.entry(2, [("read from  ", "dim")], printable(domain.origin), "dim")
    plan = domain.plan
    if plan is not None:
        page.entry(2, [("account    ", "dim")], printable(plan.account.name or plan.account.distinguished_name), "dim")
        page.entry(2, [("users      ", "dim")], _users(plan), "dim")
        for number, instruction in enumerate(instructions(domain), start=1):
            _show(page, number, instruction)
        _apart(page, plan)
    if domain.obstacle:
        page.blank()
        page.entry(
            2, [("not all    ", "bold magenta")], printable(f"{domain.obstacle.rstrip('.')}. {domain.remedy}".strip())
        )


def _show(page: Page, number: int, instruction: Instruction) -> None:
    page.blank()
    page.entry(0, [(f"{number:>3}. ", "bold")], printable(instruction.title), "bold")
    mends = {0: "", 1: " Mends 1 user."}.get(instruction.users, f" Mends {instruction.users:,} users.")
    page.entry(5, [], printable(instruction.why) + mends)
    for command in instruction.commands:
        page.line((printable(command), "cyan"), indent=5)
    if instruction.by_hand:
        page.entry(5, [], printable(instruction.by_hand), "" if not instruction.commands else "dim")
    words, commands = instruction.instead
    if commands:
        page.entry(5, [], printable(words), "dim")
        for command in commands:
            page.line((printable(command), "dim"), indent=5)


def _apart(page: Page, plan: Plan) -> None:
    """Whom the plan leaves as they are, and why."""
    rows: list[tuple[str, Listed, str]] = []
    if plan.protected.count:
        rows.append(
            ("protected  ", plan.protected, "not mended by design: writeback does not support protected accounts")
        )
    rows += [("unknown    ", each, f"not planned for: {each.reason}") for each in plan.untold]
    rows += [("beyond     ", each, f"blocked, and not planned for: {each.reason}") for each in plan.beyond]
    if plan.waiting.count:
        reason = "a grant is on its way to them: wait up to an hour; if it is still so, look for replication faults"
        rows.append(("waiting    ", plan.waiting, reason))
    if rows or plan.unnamed or plan.notes:
        page.blank()
    for word, listed, reason in rows:
        page.entry(2, [(word, "dim")], printable(f"{_counted(listed.count)} {reason}"))
        page.entry(13, [("for example ", "dim")], "; ".join(printable(each) for each in listed.examples[:2]), "dim")
    if plan.unnamed:
        text = f"{_counted(plan.unnamed)} more have to be mended one by one. Run this again after these steps."
        page.entry(2, [("not named  ", "dim")], text)
    for note in plan.notes:
        page.entry(2, [("note       ", "dim")], printable(note))


def _conclusion(page: Page, domains: Sequence[DomainPlan]) -> None:
    plans = [domain.plan for domain in domains if domain.plan is not None]
    steps = sum(1 for domain in domains for _ in instructions(domain))
    mended = sum(plan.mended for plan in plans)
    unread = any(domain.obstacle for domain in domains)
    page.heading("Plan")
    if unread:
        page.entry(0, [("INCOMPLETE  ", "bold magenta")], "Not everybody was seen: the plan is for those who were.")
    if steps:
        numbers = "1 step" if steps == 1 else f"{steps:,} steps"
        page.entry(0, [(f"{numbers}  ", "bold")], f"would make {mended:,} blocked users ok. Nothing has been changed.")
        page.entry(
            0, [("next  ", "bold")], "Review, run them as an administrator of the domain, then: preflight audit."
        )
    elif not unread:
        blocked = sum(plan.outcomes.get(Outcome.BLOCKED, 0) for plan in plans)
        page.entry(
            0,
            [("NOTHING TO DO  ", "bold green")],
            "Nobody is blocked." if not blocked else "There is no step that would mend those who are blocked.",
        )


def _users(plan: Plan) -> str:
    counts = {outcome.value: plan.outcomes.get(outcome, 0) for outcome in Outcome}
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "none in scope"


def _counted(count: int) -> str:
    return "1 user" if count == 1 else f"{count:,} users"


# JSON


def _to_dict(domain: DomainPlan) -> dict[str, object]:
    plan = domain.plan
    return {
        "domain": domain.domain,
        "read_from": domain.origin,
        "obstacle": domain.obstacle,
        "account": plan.account.name if plan else "",
        "outcomes": {outcome.value: count for outcome, count in plan.outcomes.items()} if plan else {},
        "mended": plan.mended if plan else 0,
        "steps": [_step(number, each) for number, each in enumerate(instructions(domain), start=1)],
        "protected": _listed(plan.protected) if plan else None,
        "unknown": [_listed(each) for each in plan.untold] if plan else [],
        "beyond": [_listed(each) for each in plan.beyond] if plan else [],
        "waiting": _listed(plan.waiting) if plan else None,
        "not_named": plan.unnamed if plan else 0,
        "notes": list(plan.notes) if plan else [],
    }


def _step(number: int, instruction: Instruction) -> dict[str, object]:
    first = instruction.steps[0]
    return {
        "number": number,
        "kind": first.kind.value,
        "distinguished_name": first.distinguished_name,
        "title": instruction.title,
        "why": instruction.why,
        "users": instruction.users,
        "commands": list(instruction.commands),
        "by_hand": instruction.by_hand,
        "changes": [
            {
                "trustee": step.trustee,
                "right": step.right.value if step.right is not None else "",
                "object_class": step.object_class,
                "ace": step.ace.sddl if step.ace is not None else "",
                "clear_admin_count": step.clears_admin_count,
            }
            for step in instruction.steps
        ],
        "instead": {"why": instruction.instead[0], "commands": list(instruction.instead[1])},
    }


def _listed(listed: Listed) -> dict[str, object]:
    return {"reason": listed.reason, "count": listed.count, "examples": list(listed.examples)}
