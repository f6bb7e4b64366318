"""The fewest changes to descriptors that would make every user ok, from what one reading saw. Nothing is changed here.

Protected accounts are left as they are, by design, and nothing is ever proposed for AdminSDHolder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from preflight.directory.access import guids
from preflight.directory.access.check import decide
from preflight.directory.access.rights import DEFAULT_SCHEMA, Answer, Right
from preflight.directory.access.security_descriptor import Ace, SecurityDescriptor
from preflight.directory.distinguished_name import ancestors, is_under, normalise
from preflight.directory.mending.cases import Cases
from preflight.directory.mending.fewest import Search
from preflight.directory.mending.forecast import (
    Case,
    Change,
    Changes,
    Forecast,
    Kind,
)
from preflight.directory.mending.repairs import Account, Listed, Repairs, Situation
from preflight.directory.model import Domain
from preflight.directory.users.judgement import Outcome

MOST_ALTERNATIVES = 40
"""Containers with inheritance off for which the grants are worked out that would do instead."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change to one descriptor.

    Attributes:
        distinguished_name: of the object that it is made on.
        why: one sentence.
        users: how many would stay blocked without it; 0 for Unexpire Password, which blocks nobody's reset.
        together: the same for all steps of its kind on the object at once.
        on_user: the object is a user; else a container.
        trustee: SID of the entry's.
        right: what is granted.
        object_class: of the objects below that inherit a grant; "" = it counts for the object alone.
        ace: the entry to remove or add, exactly; None for inheritance, and for a grant to a class of the forest's own.
        not_alone: the trustee has other explicit entries on the object, which must stay.
        clears_admin_count: adminCount is left over from when the user was protected, and is to be cleared too.
        instead: for inheritance, grants that would do in its place; for a grant, the same one in a smaller place that
            holds everybody who needs it today.
    """

    kind: Kind
    distinguished_name: str
    why: str
    users: int
    together: int = 0
    on_user: bool = False
    trustee: str = ""
    right: Right | None = None
    object_class: str = ""
    ace: Ace | None = None
    not_alone: bool = False
    clears_admin_count: bool = False
    instead: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What would make every user of a domain ok.

    Attributes:
        steps: entries to remove, then inheritance, then grants. None can be left out.
        outcomes: how many users in scope have which outcome today.
        mended: how many blocked users the steps make ok.
        protected: not mended by design.
        untold: users of whom it isn't known what they lack: not planned for.
        waiting: users whom a grant is on its way to already.
        beyond: blocked users whom no step mends, by reason.
        unnamed: blocked users with something on themselves to mend, too many to be named: plan again afterwards.
        notes: what else a person should know.
    """

    domain: str
    distinguished_name: str
    account: Account
    steps: tuple[Step, ...]
    outcomes: Mapping[Outcome, int]
    mended: int
    protected: Listed
    untold: tuple[Listed, ...] = ()
    waiting: Listed = field(default_factory=Listed)
    beyond: tuple[Listed, ...] = ()
    unnamed: int = 0
    notes: tuple[str, ...] = ()


def make_plan(repairs: Repairs) -> Plan:
    """The plan for everyone whom the fold has counted."""
    return _Planner(repairs).plan()


class _Planner:
    def __init__(self, repairs: Repairs) -> None:
        self.repairs = repairs
        self.domain: Domain = repairs.judge.domain
        self.head = normalise(self.domain.distinguished_name)
        self.forecast = Forecast(repairs.containers, self.head, repairs.judge.token, repairs.account.sid)
        self.cases = Cases(repairs, self.forecast, self.head)

    def plan(self) -> Plan:
        cases = self.cases
        weights = {case.number: cases.users(case) for case in cases.all}
        search = Search(self.forecast, cases.all, weights)
        changes = search.run()
        for number in sorted(search.stuck):
            for situation in cases.situations(number):
                cases.set_aside(situation, "no change that can be seen from here would surely mend them")
        steps = list(self._with_company(_once([*self._unexpire(), *self._steps(search, changes)])))
        planned = [case for case in cases.all if case.blocked and case.number not in search.stuck]
        unsure = sum(weights[case.number] for case in planned if self.forecast.unsure(case, changes))
        numbers = {change.case for change in changes if change.case is not None}
        on_users = [situation for number in numbers for situation in cases.situations(number)]
        unnamed = sum(
            self.repairs.situations[situation] - len(self.repairs.names.get(situation, ())) for situation in on_users
        )
        return Plan(
            domain=self.domain.name,
            distinguished_name=self.domain.distinguished_name,
            account=self.repairs.account,
            steps=tuple(sorted(steps, key=_order)),
            outcomes=dict(self.repairs.outcomes),
            mended=sum(weights[case.number] for case in planned) - unnamed - unsure,
            protected=self.repairs.protected,
            untold=tuple(self.repairs.untold.values()),
            waiting=cases.waiting,
            beyond=tuple(cases.beyond.values()),
            unnamed=unnamed,
            notes=self._notes(unsure),
        )

    # Steps

    def _steps(self, search: Search, changes: Changes) -> Iterable[Step]:
        asked = 0
        needing: dict[tuple[Kind, str], dict[int, Case]] = {}
        for change in changes:
            if change.case is None:
                found = needing.setdefault((change.kind, change.place), {})
                found.update({case.number: case for case in search.needed_by(change, changes) if case.blocked})
        for change in changes:
            if change.case is not None:
                yield from self._on_each_user(change, changes)
                continue
            concerned = search.needed_by(change, changes)
            needed_by = [case for case in concerned if case.blocked]
            users = sum(self.cases.users(case) for case in needed_by)
            together = sum(map(self.cases.users, needing[change.kind, change.place].values()))
            step = replace(self._on_container(change, users), together=together)
            if not needed_by:
                spared = sum(self.cases.users(case) for case in concerned)
                step = replace(step, why=f"{step.why} Inheritance, once on, would bring it to {spared} users.")
            if change.kind is Kind.INHERITANCE_ON and asked < MOST_ALTERNATIVES:
                asked += 1
                instead = search.instead_of(change, changes)
                step = replace(step, instead=tuple(self._on_container(each, users) for each in instead))
            elif change.kind is Kind.GRANT:
                step = replace(step, instead=self._narrower(change, needed_by, search, changes, users))
            yield step

    def _on_container(self, change: Change, users: int) -> Step:
        dn = self.cases.spelled(change.place)
        if change.kind is Kind.REMOVE_DENY:
            assert change.ace is not None
            return Step(
                change.kind,
                dn,
                f"This entry denies {_denied(change.ace)}.",
                users,
                trustee=change.ace.sid,
                ace=change.ace,
            )
        if change.kind is Kind.INHERITANCE_ON:
            return Step(change.kind, dn, "Inheritance is off here: what is granted above does not arrive.", users)
        assert change.right is not None
        return Step(
            change.kind,
            dn,
            "Nothing grants it to them.",
            users,
            trustee=self.repairs.account.sid,
            right=change.right,
            object_class=change.object_class,
            ace=change.ace if DEFAULT_SCHEMA.class_guid(change.object_class) else None,
        )

    def _on_each_user(self, change: Change, changes: Changes) -> Iterable[Step]:
        assert change.case is not None
        for situation in self.cases.situations(change.case):
            for dn in self.repairs.names.get(situation, ()):
                if change.kind is Kind.INHERITANCE_ON:
                    why = (
                        "Inheritance is still off from when this was a protected account."
                        if situation.orphaned
                        else "Inheritance is off on the user: what is granted above does not arrive."
                    )
                    yield Step(change.kind, dn, why, 1, 1, on_user=True, clears_admin_count=situation.orphaned)
                elif change.ace is not None:
                    yield Step(
                        change.kind,
                        dn,
                        f"This entry on the user denies {_denied(change.ace)}.",
                        1,
                        1,
                        on_user=True,
                        trustee=change.ace.sid,
                        ace=change.ace,
                        not_alone=self._keeps_entries(change.ace.sid, situation, changes, change.case),
                    )

    def _narrower(
        self, change: Change, needed_by: Sequence[Case], search: Search, changes: Changes, users: int
    ) -> tuple[Step, ...]:
        """The same grant on the nearest container that holds everybody who needs it, if that isn't the place itself."""
        containers = [situation.container for case in needed_by for situation in self.cases.situations(case.number)]
        if not containers:
            return ()
        first = containers[0]
        common = next(
            (place for place in (first, *ancestors(first)) if all(is_under(each, place) for each in containers)), ""
        )
        name = normalise(common)
        if not common or name == change.place or not is_under(common, self.cases.spelled(change.place)):
            return ()
        moved = replace(change, place=name)
        lineages_know_it = all(any(each == name for each, _ in case.lineage) for case in needed_by)
        if lineages_know_it:
            changes.discard(change)
            changes.add(moved)
            enough = search.sufficient(changes)
            changes.discard(moved)
            changes.add(change)
        else:  # a container without entries of its own and with inheritance on: what it grants arrives as from above
            enough = True
        return (self._on_container(moved, users),) if enough else ()

    def _keeps_entries(self, sid: str, situation: Situation, changes: Changes, number: int) -> bool:
        """Whether the trustee has entries on these users that aren't removed."""
        return sid in situation.not_alone or any(
            ace.sid == sid
            and ace.deny
            and situation.stands_on_the_user(ace)
            and Change(Kind.REMOVE_DENY, "", number, ace) not in changes
            for ace in situation.entries
        )

    def _with_company(self, steps: Sequence[Step]) -> Iterable[Step]:
        """Removals from containers, with whether the trustee has entries there that aren't removed."""
        for step in steps:
            if step.kind is Kind.REMOVE_DENY and not step.on_user:
                removed = [each.ace for each in steps if each.distinguished_name == step.distinguished_name]
                step = replace(step, not_alone=self._others(step, removed))
            yield step

    def _others(self, step: Step, removed: Sequence[Ace | None]) -> bool:
        container = self.repairs.containers.get(normalise(step.distinguished_name))
        descriptor = container.security_descriptor if container is not None else None
        if descriptor is None:
            descriptor = self.domain.security_descriptor
        dacl = descriptor.dacl if descriptor is not None else None
        return any(ace.sid == step.trustee and not ace.inherited and ace not in removed for ace in dacl or ())

    def _unexpire(self) -> Iterable[Step]:
        """Unexpire Password counts on the domain's head alone (MS-SAMR 3.1.1.8.7)."""
        descriptor = self.domain.security_descriptor
        removed: list[Ace] = []
        while descriptor is not None:
            decision = decide(
                descriptor,
                self.repairs.judge.token,
                Right.UNEXPIRE_PASSWORD,
                object_sid=self.domain.sid,
                object_class="domainDNS",
            )
            if decision.answer is not Answer.DENIED:
                break
            if decision.ace is None:
                yield self._unexpire_grant()
                break
            removed.append(decision.ace)
            descriptor = _without(descriptor, decision.ace)
        for ace in removed:
            yield Step(
                Kind.REMOVE_DENY,
                self.domain.distinguished_name,
                f"This entry denies {_denied(ace)}: new passwords would be expired at once.",
                0,
                trustee=ace.sid,
                ace=ace,
            )

    def _unexpire_grant(self) -> Step:
        return Step(
            Kind.GRANT,
            self.domain.distinguished_name,
            "Nothing grants it: every password that writeback sets would be expired at once.",
            0,
            trustee=self.repairs.account.sid,
            right=Right.UNEXPIRE_PASSWORD,
            ace=self.forecast.grant(Right.UNEXPIRE_PASSWORD, ""),
        )

    # Words and numbers

    def _notes(self, unsure: int) -> tuple[str, ...]:
        notes = []
        if unsure:
            notes.append(
                f"{unsure} more to whom the steps give what they surely lack; whether that is all can't be told."
            )
        descriptor = self.domain.security_descriptor
        decision = decide(
            descriptor,
            self.repairs.judge.token,
            Right.UNEXPIRE_PASSWORD,
            object_sid=self.domain.sid,
            object_class="domainDNS",
        )
        if decision.answer is Answer.UNKNOWN:
            notes.append(f"Whether Unexpire Password is granted on {self.domain.distinguished_name} can't be told.")
        return tuple(notes)


def _once(steps: Iterable[Step]) -> list[Step]:
    """Without an entry that is to go for two reasons: the one that more users need stays."""
    found: dict[tuple[object, ...], Step] = {}
    for step in steps:
        key = (step.kind, normalise(step.distinguished_name), step.ace, step.right, step.object_class)
        if key not in found or found[key].users < step.users:
            found[key] = step
    return list(found.values())


def _without(descriptor: SecurityDescriptor, ace: Ace) -> SecurityDescriptor:
    return replace(descriptor, dacl=tuple(each for each in descriptor.dacl or () if each != ace))


def _denied(ace: Ace) -> str:
    return guids.name_of(ace.object_type) if ace.object_type else "more than one right"


_KINDS = {Kind.REMOVE_DENY: 0, Kind.INHERITANCE_ON: 1, Kind.GRANT: 2}
_RIGHTS = {right: place for place, right in enumerate(Right)}


def _order(step: Step) -> tuple[object, ...]:
    """Containers from the domain's head downwards, then users."""
    return (
        _KINDS[step.kind],
        step.on_user,
        normalise(step.distinguished_name).count(","),
        normalise(step.distinguished_name),
        step.object_class != "user",
        step.object_class,
        -1 if step.right is None else _RIGHTS[step.right],
        step.ace.sddl if step.ace is not None else "",
    )
