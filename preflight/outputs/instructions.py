"""The steps of a plan as instructions: what one command, or one visit to one object, does; and its command lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from preflight.directory.access.guids import name_of
from preflight.directory.access.rights import Right
from preflight.directory.access.sddl import TRUSTEES
from preflight.directory.mending.fix_plan import Plan, Step
from preflight.directory.mending.forecast import Kind
from preflight.directory.users.judgement import REQUIRED_RIGHTS
from preflight.outputs import dsacls

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
        why += f" It holds for {trustee}, not for the connector account alone"
        why += (
            "." if first.trustee in TRUSTEES else "; to take that account out of the group, if it is one, would do too."
        )
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
