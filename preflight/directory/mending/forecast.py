"""What users would hold after changes to descriptors, before anybody makes them.

On an object, the directory has already worked out what is inherited; here it is predicted (MS-ADTS 6.1.3). Denying
entries are taken to come before allowing ones, wherever each is inherited from, as the specification sorts them. A
controller that keeps the nearer container's entries first allows more than that, and never less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from preflight.directory.access.causes import would_inherit
from preflight.directory.access.check import Effect, Standing, View, map_generic
from preflight.directory.access.rights import DEFAULT_SCHEMA, AccessSchema, Answer, Decision, Right
from preflight.directory.access.security_descriptor import (
    ACCESS_ALLOWED_OBJECT,
    CONTAINER_INHERIT,
    INHERIT_ONLY,
    INHERITED,
    Ace,
)
from preflight.directory.distinguished_name import ancestors, normalise
from preflight.directory.model import OWNER_RIGHTS, PRINCIPAL_SELF, Container, Token
from preflight.directory.users.judgement import REQUIRED_RIGHTS

ON_THE_USER = ""
NOT_SEEN = "?"
"""Origins of an entry that is no container's: it stands on the user himself, or it isn't seen where it came from."""


class Kind(StrEnum):
    """What a change does."""

    REMOVE_DENY = "remove-deny"
    INHERITANCE_ON = "inheritance-on"
    GRANT = "grant"


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one descriptor, or the same to those of all users of a case.

    Attributes:
        place: the container's normalised DN; "" with `case`.
        case: number of the case whose users it is made on.
        ace: the entry that is removed or added.
    """

    kind: Kind
    place: str
    case: int | None = None
    ace: Ace | None = None
    right: Right | None = None
    object_class: str = ""


class Changes:
    """Changes under consideration, in the order in which they were added."""

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self._all: dict[Change, None] = {}
        self._grants: dict[tuple[str, str], dict[Change, Ace]] = {}
        for change in changes:
            self.add(change)

    def add(self, change: Change) -> None:
        self._all[change] = None
        if change.kind is Kind.GRANT and change.ace is not None:
            self._grants.setdefault((change.place, change.object_class), {})[change] = change.ace

    def discard(self, change: Change) -> None:
        self._all.pop(change, None)
        self._grants.get((change.place, change.object_class), {}).pop(change, None)

    def granted(self, place: str, object_class: str) -> Iterable[Ace]:
        """What is granted below a place for a class."""
        return self._grants.get((place, object_class), {}).values()

    def __contains__(self, change: object) -> bool:
        return change in self._all

    def __iter__(self) -> Iterator[Change]:
        return iter(list(self._all))

    def __len__(self) -> int:
        return len(self._all)


NO_CHANGES = Changes()


@dataclass(frozen=True, slots=True)
class Place:
    """A container, as far as it decides.

    Attributes:
        inheritance_off: nothing from above arrives here or below.
        entries: explicit ones that may be handed down and may count.
        blind: its descriptor could not be read.
    """

    inheritance_off: bool = False
    entries: tuple[Ace, ...] = ()
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """Users for whom every change means the same.

    Attributes:
        lineage: the places above that may matter, the nearest first, with their distance (1, or 2 for farther).
        base: where a grant for them belongs by default.
        entries: that count now, with the place where each is explicit, and as it stands there.
        baseline: what the places above hand down by prediction, as long as nothing changes there: then `entries` is
            what the directory made of it. None: that isn't what the users hold, so the prediction is taken.
    """

    number: int
    lineage: tuple[tuple[str, int], ...]
    base: str
    view: View
    inheritance_off: bool
    entries: tuple[tuple[str, Ace], ...]
    initial: Mapping[Right, Answer]
    baseline: tuple[tuple[str, Ace], ...] | None

    @property
    def blocked(self) -> bool:
        return Answer.DENIED in self.initial.values()


class Forecast:
    """Predicts decisions. Not to be shared by threads.

    Args:
        containers: by normalised DN.
        head: normalised DN of the domain's.
        trustee: SID of the account that grants are for.
    """

    def __init__(
        self,
        containers: Mapping[str, Container],
        head: str,
        token: Token,
        trustee: str,
        schema: AccessSchema = DEFAULT_SCHEMA,
    ) -> None:
        self._containers = containers
        self._head = head
        self._token = token
        self._trustee = trustee
        self._schema = schema
        self._places: dict[str, Place] = {}
        self._views: dict[tuple[Standing, tuple[Standing, str], str], View] = {}
        self._effects: dict[tuple[int, Ace], Effect | None] = {}

    def place(self, name: str) -> Place:
        """A container by its normalised DN."""
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = self._look_at(self._containers.get(name))
        return place

    def chain(self, container: str) -> list[str]:
        """Normalised DNs from the container up to the domain's head."""
        names = []
        for dn in (container, *ancestors(container)):
            name = normalise(dn)
            names.append(name)
            if name == self._head:
                break
        return names

    def view(self, owner: Standing, itself: tuple[Standing, str], object_class: str) -> View:
        """From where users are looked at whose owner, and who themselves, stand so to the account's token."""
        key = (owner, itself, object_class)
        if key not in self._views:
            self._views[key] = View(self._token, REQUIRED_RIGHTS, self._schema, owner, itself, object_class)
        return self._views[key]

    def grant(self, right: Right, object_class: str) -> Ace:
        """The entry that a grant for all objects of the class below a container adds; "" = for that object alone."""
        inherited = self._schema.class_guid(object_class) if object_class else None
        flags = CONTAINER_INHERIT | INHERIT_ONLY if object_class else 0
        return Ace(ACCESS_ALLOWED_OBJECT, flags, right.access, self._trustee, right.guid, inherited)

    def problems(self, case: Case, changes: Changes) -> dict[Right, tuple[str, Ace] | None]:
        """The rights that would be missing, with the entry that would deny them and its place; None: no entry grants.

        A right that can't be told today may stay so; one that is there must stay.
        """
        found: dict[Right, tuple[str, Ace] | None] = {}
        entries = self._entries(case, changes)
        for right, decision in self.decide(case.view, [ace for _, ace in entries]).items():
            if not _good(case.initial[right], decision):
                denies = decision.ace is not None and decision.ace.deny
                found[right] = entries[decision.index] if denies and decision.index is not None else None
        return found

    def unsure(self, case: Case, changes: Changes) -> bool:
        """Whether something about a right can't be told after the changes."""
        decisions = self.decide(case.view, [ace for _, ace in self._entries(case, changes)])
        return any(decision.answer is Answer.UNKNOWN for decision in decisions.values())

    def decide(self, view: View, entries: Sequence[Ace]) -> dict[Right, Decision]:
        effects = []
        for index, ace in enumerate(entries):
            effect = self._effect(view, ace)
            if effect is not None:
                effects.append((index, effect))
        return view.resolve(effects)

    def counts(self, view: View, ace: Ace) -> bool:
        """Whether the entry, on a user, has to do with what a reset needs."""
        effect = self._effect(view, ace)
        return effect is not None and bool(effect.sure or effect.doubtful)

    def handed_down(
        self, lineage: Sequence[tuple[str, int]], object_class: str, changes: Changes
    ) -> tuple[tuple[str, Ace], ...]:
        """What arrives at an object, the nearest container's first, with the container where each is explicit."""
        return tuple(self._arriving(lineage, object_class, changes))

    def _arriving(
        self, lineage: Sequence[tuple[str, int]], object_class: str, changes: Changes
    ) -> Iterator[tuple[str, Ace]]:
        for name, level in lineage:
            place = self.place(name)
            for ace in place.entries:
                if Change(Kind.REMOVE_DENY, name, ace=ace) not in changes and would_inherit(
                    ace, object_class, levels=level, schema=self._schema
                ):
                    yield name, ace
            for ace in changes.granted(name, object_class):
                yield name, ace
            if place.inheritance_off and Change(Kind.INHERITANCE_ON, name) not in changes:
                return

    def _entries(self, case: Case, changes: Changes) -> list[tuple[str, Ace]]:
        """The entries that would count, with the place where each is explicit."""
        here = [
            (origin, ace)
            for origin, ace in case.entries
            if origin != ON_THE_USER or Change(Kind.REMOVE_DENY, "", case.number, ace) not in changes
        ]
        if case.inheritance_off and Change(Kind.INHERITANCE_ON, "", case.number) not in changes:
            return here
        arriving = self.handed_down(case.lineage, case.view.object_class, changes)
        if not case.inheritance_off and arriving == case.baseline:
            return here
        own = [entry for entry in here if entry[0] == ON_THE_USER and not entry[1].flags & INHERITED]
        return [*own, *sorted(arriving, key=lambda entry: not entry[1].deny)]

    def _effect(self, view: View, ace: Ace) -> Effect | None:
        key = (id(view), ace)  # views live as long as the forecast does
        if key not in self._effects:
            self._effects[key] = view.effect(replace(ace, flags=ace.flags & ~INHERIT_ONLY))
        return self._effects[key]

    def _look_at(self, container: Container | None) -> Place:
        descriptor = container.security_descriptor if container is not None else None
        if descriptor is None or descriptor.dacl is None:
            return Place(blind=True)
        entries = tuple(ace for ace in descriptor.dacl if not ace.inherited and self._may_count(ace))
        return Place(descriptor.protected, entries)

    def _may_count(self, ace: Ace) -> bool:
        if not ace.known or not ace.flags & CONTAINER_INHERIT:
            return False
        if ace.sid not in (PRINCIPAL_SELF, OWNER_RIGHTS) and self._token.surely_outside(ace.sid):
            return False
        mask = map_generic(ace.mask)
        return any(mask & right.access for right in REQUIRED_RIGHTS)


def meaning(ace: Ace) -> tuple[object, ...]:
    """Equal for an entry and its inherited copy, whose generic bits were mapped when it was handed down."""
    return ace.type, ace.sid, ace.object_type, map_generic(ace.mask) & 0x0FFFFFFF, ace.condition


def _good(initial: Answer, decision: Decision) -> bool:
    return decision.answer is Answer.ALLOWED or (initial is not Answer.ALLOWED and decision.answer is Answer.UNKNOWN)
