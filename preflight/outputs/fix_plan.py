"""A plan of repairs for a person: numbered steps with their reason and the commands to copy; and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from preflight.directory.fix_plan import Plan, Step
from preflight.directory.forecast import Kind
from preflight.directory.guids import name_of
from preflight.directory.judgement import REQUIRED_RIGHTS, Outcome
from preflight.directory.repairs import Listed
from preflight.directory.rights import Right
from preflight.directory.sddl import TRUSTEES
from preflight.outputs import Appearance, dsacls
from preflight.outputs.page import Page
from preflight.outputs.text import printable

_WELL_KNOWN = {"WD": "Everyone", "AU": "Authenticated Users", "PS": "SELF", "BA": "Administrators", "NU": "NETWORK"}

_BY_HAND = "Active Directory Users and Computers, View > Advanced Features, Properties > Security > Advanced"


@dataclass(frozen=True, slots=True)
class DomainPlan:
    """The plan of one domain, and how far what it was made from goes.

    Attributes:
        plan: None: nothing could be read.
        names: DOMAIN\\name of trustees by SID, as far as they could be found.
        obstacle: why not everybody was seen; "" = everybody was.
        remedy: for that.
    """

    domain: str
    plan: Plan | None
    names: Mapping[str, str]
    origin: str = ""
    obstacle: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Instruction:
    """Steps that one command, or one visit to one object, does.

    Attributes:
        commands: whole lines, to be copied; () where only hands can do it.
        by_hand: what to do instead, or besides; "" = nothing.
        instead: an alternative, in words, and its commands.
    """

    steps: tuple[Step, ...]
    title: str
    why: str
    commands: tuple[str, ...]
    by_hand: str = ""
    instead: tuple[str, tuple[str, ...]] = ("", ())

    @property
    def users(self) -> int:
        return max(step.together for step in self.steps)


def instructions(domain: DomainPlan) -> Iterator[Instruction]:
    """The plan's steps, taken together where one command does several."""
    if domain.plan is None:
        return
    for _, steps in groupby(domain.plan.steps, key=_together):
        yield _instruction(tuple(steps), domain.plan, domain.names)


def render(domains: Sequence[DomainPlan], appearance: Appearance) -> str:
    page = Page(appearance.width, appearance.ascii_only)
    for domain in domains:
        _domain(page, domain)
    _conclusion(page, domains)
    return page.text(appearance.colour)


def render_json(domains: Sequence[DomainPlan]) -> str:
    return json.dumps({"domains": [_to_dict(domain) for domain in domains]}, indent=2, ensure_ascii=True) + "\n"


# Instructions


def _together(step: Step) -> tuple[object, ...]:
    return (
        step.kind,
        step.distinguished_name,
        step.trustee if step.kind is Kind.REMOVE_DENY else "",
        bool(step.object_class),
    )


def _instruction(steps: tuple[Step, ...], plan: Plan, names: Mapping[str, str]) -> Instruction:
    return {Kind.REMOVE_DENY: _removal, Kind.INHERITANCE_ON: _inheritance, Kind.GRANT: _grant}[steps[0].kind](
        steps, plan, names
    )


def _removal(steps: tuple[Step, ...], plan: Plan, names: Mapping[str, str]) -> Instruction:
    first = steps[0]
    named = plan.account.name if first.trustee == plan.account.sid else names.get(first.trustee, "")
    trustee = named or _WELL_KNOWN.get(TRUSTEES.get(first.trustee, ""), first.trustee)
    entries = "entry" if len(steps) == 1 else "entries"
    title = f"Remove the denying {entries} for {trustee} from {first.distinguished_name}"
    found = [step.ace.sddl for step in steps if step.ace is not None]
    why = " ".join(dict.fromkeys(step.why for step in steps))
    if first.trustee != plan.account.sid:
        why += f" It holds for everybody in {trustee}, not for the connector account alone; to take"
        why += " that account out of it would do too, if it is a member."
    by_hand = f"By hand ({_BY_HAND}), remove exactly: {' '.join(found)}"
    if first.not_alone:
        return Instruction(
            steps, title, why, (), f"{by_hand}. dsacls /R would take the trustee's other entries there too."
        )
    commands = _commands(lambda: (dsacls.remove_trustee(first.distinguished_name, named),))
    what = f"Removes exactly: {' '.join(found)}"
    return Instruction(steps, title, why, commands, what if commands else by_hand)


def _inheritance(steps: tuple[Step, ...], plan: Plan, _: Mapping[str, str]) -> Instruction:
    step = steps[0]
    dn = step.distinguished_name
    title = f"Switch inheritance on: {dn}"
    why = step.why
    if step.clears_admin_count:
        title = f"Clear adminCount and switch inheritance on: {dn}"
        why += " Make sure first that the user shall not be protected."
    commands = _commands(
        lambda: (
            *((dsacls.clear_admin_count(dn),) if step.clears_admin_count else ()),
            dsacls.inheritance_on(dn),
        )
    )
    instead: tuple[str, tuple[str, ...]] = ("", ())
    if step.instead:
        places = [tuple(each) for _, each in groupby(step.instead, key=_together)]
        instead = ("Where it is off on purpose, leave it and grant below it instead:", _grants(places, plan))
    return Instruction(steps, title, why, commands, "" if commands else _unwritable(dn), instead)


def _grant(steps: tuple[Step, ...], plan: Plan, _: Mapping[str, str]) -> Instruction:
    dn = steps[0].distinguished_name
    account = plan.account.name or "the connector account"
    title = (
        f"Grant {account} {' and '.join(_rights_by_class(steps))}{' below' if steps[0].object_class else ' on'} {dn}"
    )
    why = " ".join(dict.fromkeys(step.why for step in steps))
    commands = _grants([steps], plan)
    by_hand = "" if commands else f"{_unwritable(dn)} Entries to add: {_entries(steps)}"
    words, others = _instead_of_grant(steps, plan)
    return Instruction(steps, title, why, commands, by_hand, (words, others))


def _rights_by_class(steps: Sequence[Step]) -> Iterator[str]:
    for object_class, group in groupby(steps, key=lambda step: step.object_class):
        rights = ", ".join(_named(step) for step in group)
        yield f"{rights} on every {object_class}" if object_class else rights


def _instead_of_grant(steps: tuple[Step, ...], plan: Plan) -> tuple[str, tuple[str, ...]]:
    narrower = sorted((each for step in steps for each in step.instead), key=lambda each: each.distinguished_name)
    if narrower and all(step.instead for step in steps):
        places = [tuple(each) for _, each in groupby(narrower, key=_together)]
        return "Smaller, and enough for everybody who needs it today:", _grants(places, plan)
    dn, users = steps[0].distinguished_name, [step for step in steps if step.object_class == "user"]
    if {step.right for step in users} == set(REQUIRED_RIGHTS) and plan.account.distinguished_name:
        rest = [step for step in steps if step.object_class != "user"]
        cmdlet = _commands(lambda: (dsacls.connect_cmdlet(dn, plan.account.distinguished_name),))
        if cmdlet:
            return "Or, in PowerShell on the sync server:", (*cmdlet, *(_grants([rest], plan) if rest else ()))
    return "", ()


def _grants(places: Sequence[Sequence[Step]], plan: Plan) -> tuple[str, ...]:
    return _commands(lambda: tuple(dsacls.grant(steps, plan.account.name) for steps in places))


def _commands(write: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """The commands; none where a name in them can't be written safely."""
    try:
        return write()
    except dsacls.Unwritable:
        return ()


def _unwritable(dn: str) -> str:
    return f"A name in it can't be written safely in a command. By hand ({_BY_HAND}) on {dn}."


def _named(step: Step) -> str:
    right = step.right
    if right is None or right.guid is None:
        return ""
    return (
        name_of(right.guid)
        if right in (Right.RESET_PASSWORD, Right.UNEXPIRE_PASSWORD)
        else f"write {name_of(right.guid)}"
    )


def _entries(steps: Sequence[Step]) -> str:
    return " ".join(step.ace.sddl for step in steps if step.ace is not None)


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
        page.entry(2, [("not all    ", "bold magenta")], printable(f"{domain.obstacle} {domain.remedy}".strip()))


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
