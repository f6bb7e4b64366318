"""The access check of a domain controller: MS-ADTS 5.1.3.3.3 and 5.1.3.3.4, MS-DTYP 2.5.3.2.

Entries are walked in stored order and the first that matches decides. What can't be known from outside (conditions, the
rest of an incomplete token, points where controllers differ) makes an entry *doubtful*: where a doubtful entry could
turn the answer, the answer is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from preflight.directory.access import guids
from preflight.directory.access.rights import (
    DEFAULT_SCHEMA,
    LIST_CONTENTS,
    LIST_OBJECT,
    READ_CONTROL,
    READ_PROPERTY,
    SELF_WRITE,
    UNREADABLE,
    WRITE_PROPERTY,
    AccessSchema,
    Answer,
    Decision,
    Right,
)
from preflight.directory.access.security_descriptor import INHERIT_ONLY, Ace, SecurityDescriptor
from preflight.directory.model import CREATOR_GROUP, CREATOR_OWNER, OWNER_RIGHTS, PRINCIPAL_SELF, Token

GENERIC_ALL = 0x10000000
GENERIC_EXECUTE = 0x20000000
GENERIC_WRITE = 0x40000000
GENERIC_READ = 0x80000000

# MS-ADTS 5.1.3.2: what the generic bits stand for on an object of the directory.
_GENERIC = (
    (GENERIC_ALL, 0xF01FF),
    (GENERIC_EXECUTE, READ_CONTROL | LIST_CONTENTS),
    (GENERIC_WRITE, READ_CONTROL | WRITE_PROPERTY | SELF_WRITE),
    (GENERIC_READ, READ_CONTROL | LIST_CONTENTS | READ_PROPERTY | LIST_OBJECT),
)


def map_generic(mask: int) -> int:
    """The mask with its generic bits spelled out."""
    for bit, meaning in _GENERIC:
        if mask & bit:
            mask |= meaning
    return mask


def mask_for(accesses: Iterable[int]) -> int:
    """The bits with which a mask may hold one of the accesses, generic ones included."""
    wanted = 0
    for access in accesses:
        wanted |= access
    for bit, meaning in _GENERIC:
        if meaning & wanted:
            wanted |= bit
    return wanted


class Standing(IntEnum):
    """Whether a SID is in a token."""

    OUTSIDE = 0
    INSIDE = 1
    DOUBTFUL = 2


def standing(token: Token, sid: str | None) -> Standing:
    """None: it isn't known which SID; "": there is none."""
    if sid is None:
        return Standing.DOUBTFUL
    if sid in token.sids:
        return Standing.INSIDE
    return Standing.OUTSIDE if not sid or token.surely_outside(sid) else Standing.DOUBTFUL


def object_sid_standing(token: Token, object_sid: str | None) -> tuple[Standing, str]:
    """Whether SELF is in the token, and the code that says why it is doubtful."""
    return standing(token, object_sid), "object-sid-unknown" if object_sid is None else "incomplete-token"


@dataclass(frozen=True, slots=True)
class Effect:
    """What one entry does in one view.

    Attributes:
        sure: rights for which it counts.
        doubtful: rights for which it may count.
        doubt: why, as a decision's code.
    """

    ace: Ace
    sure: frozenset[Right]
    doubtful: frozenset[Right]
    doubt: str


@dataclass(frozen=True, slots=True)
class View:
    """From where a DACL is looked at: everything that decides what an entry does, the DACL itself apart.

    Attributes:
        rights: those that are judged.
        owner: whether the object's owner is in the token.
        self_: whether the object's own SID is, with the code for a doubt.
        object_class: name of the object's most specific class; "" = not known.
    """

    token: Token
    rights: tuple[Right, ...]
    schema: AccessSchema
    owner: Standing
    self_: tuple[Standing, str]
    object_class: str

    def effect(self, ace: Ace) -> Effect | None:
        """None: it doesn't count."""
        if not ace.known or ace.flags & INHERIT_ONLY:
            return None
        trustee, doubt = self._trustee(ace.sid)
        if trustee is Standing.OUTSIDE:
            return None
        sure, doubtful = set(), set()
        mask = map_generic(ace.mask)
        for right in self.rights:
            if mask & right.access:
                means = self._means(ace.object_type, right)
                if means is Standing.INSIDE:
                    sure.add(right)
                elif means is Standing.DOUBTFUL:
                    doubtful.add(right)
        if ace.conditional or trustee is Standing.DOUBTFUL:
            code = "conditional-ace" if ace.conditional else doubt
            return Effect(ace, frozenset(), frozenset(sure | doubtful), code)
        return Effect(ace, frozenset(sure), frozenset(doubtful), "class-guid")

    def decide(self, aces: Iterable[tuple[int, Ace]]) -> dict[Right, Decision]:
        """The decisions on a DACL, whose entries come with their places, in stored order."""
        effects = [(index, effect) for index, ace in aces if (effect := self.effect(ace)) is not None]
        return self.resolve(effects)

    def resolve(self, effects: Sequence[tuple[int, Effect]]) -> dict[Right, Decision]:
        decisions = {right: _walk(effects, right) for right in self.rights}
        if Right.READ_CONTROL in decisions:
            limited = any(effect.ace.sid == OWNER_RIGHTS for _, effect in effects)
            decisions[Right.READ_CONTROL] = self._of_owner(decisions[Right.READ_CONTROL], limited)
        return decisions

    def _trustee(self, sid: str) -> tuple[Standing, str]:
        if sid == PRINCIPAL_SELF:
            return self.self_
        if sid == OWNER_RIGHTS:
            # Windows counts it for whoever holds the owner's SID, Samba 4.17 for nobody.
            return (Standing.DOUBTFUL if self.owner else Standing.OUTSIDE), "owner-rights"
        if sid in (CREATOR_OWNER, CREATOR_GROUP):
            return Standing.OUTSIDE, ""
        return standing(self.token, sid), "incomplete-token"

    def _means(self, object_type: UUID | None, right: Right) -> Standing:
        """Whether an entry with that object type is about the right."""
        if object_type is None or object_type in self.schema.names(right):
            return Standing.INSIDE
        of_class = self._names_class(object_type)
        if of_class is Standing.INSIDE and right.access in (READ_PROPERTY, WRITE_PROPERTY):
            return Standing.INSIDE
        # Windows lets a control access right match its object's class; the specification and Samba don't.
        return Standing.DOUBTFUL if of_class else Standing.OUTSIDE

    def _names_class(self, object_type: UUID) -> Standing:
        own = self.schema.class_guid(self.object_class)
        if own is not None:
            return Standing.INSIDE if object_type == own else Standing.OUTSIDE
        if object_type in self.schema.classes.values():
            return Standing.OUTSIDE if self.object_class else Standing.DOUBTFUL
        return Standing.OUTSIDE if object_type in guids.NAMES else Standing.DOUBTFUL

    def _of_owner(self, decision: Decision, limited: bool) -> Decision:
        """The owner may read the descriptor whatever the DACL says, unless it has an entry for OWNER RIGHTS."""
        if decision.allowed or self.owner is Standing.OUTSIDE:
            return decision
        if limited:
            return Decision(Answer.UNKNOWN, "owner-rights", decision.ace, decision.index)
        if self.owner is Standing.INSIDE:
            return Decision(Answer.ALLOWED, "owner")
        return Decision(Answer.UNKNOWN, "owner-unknown")


def _walk(effects: Sequence[tuple[int, Effect]], right: Right) -> Decision:
    doubts: dict[bool, tuple[int, Effect]] = {}  # the first doubtful entry that allows, and that denies
    for index, effect in effects:
        if right in effect.sure:
            allow = effect.ace.allow
            if (not allow) in doubts:
                return _doubt(doubts[not allow])
            code = "ace-allows" if allow else "ace-denied"
            return Decision(Answer.ALLOWED if allow else Answer.DENIED, code, effect.ace, index)
        if right in effect.doubtful:
            doubts.setdefault(effect.ace.allow, (index, effect))
    return _doubt(doubts[True]) if True in doubts else Decision(Answer.DENIED, "ace-missing")


def _doubt(place: tuple[int, Effect]) -> Decision:
    index, effect = place
    return Decision(Answer.UNKNOWN, effect.doubt, effect.ace, index)


def decide(
    descriptor: SecurityDescriptor | None,
    token: Token,
    right: Right,
    *,
    object_sid: str | None,
    object_class: str,
    schema: AccessSchema = DEFAULT_SCHEMA,
) -> Decision:
    """What the domain controller would decide about one right on one object.

    A missing descriptor, or one that came without its DACL, is `unknown` with code "unreadable". (By the
    specification a missing DACL grants everything; but Active Directory stores none without, so it was not read.)

    Args:
        token: of whoever asks, in the object's domain.
        object_sid: the object's own SID, which SELF stands for; None: not known; "": it has none (a container).
        object_class: name of its most specific structural class; "": not known.
    """
    if descriptor is None or descriptor.dacl is None:
        return UNREADABLE
    view = View(
        token=token,
        rights=(right,),
        schema=schema,
        owner=standing(token, descriptor.owner),
        self_=object_sid_standing(token, object_sid),
        object_class=object_class,
    )
    return view.decide(enumerate(descriptor.dacl))[right]
