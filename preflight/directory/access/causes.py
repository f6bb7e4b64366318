"""Why a right didn't reach a user: where a grant stands that would have done, and what keeps it away.

What a container hands down is a prediction (MS-ADTS 6.1.3): here, and only here, InheritedObjectType and inheritance
flags matter. On an object itself the directory has already worked them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from preflight.directory.access import guids
from preflight.directory.access.check import Standing, View, decide, map_generic
from preflight.directory.access.rights import DEFAULT_SCHEMA, AccessSchema, Right
from preflight.directory.access.security_descriptor import (
    CONTAINER_INHERIT,
    INHERIT_ONLY,
    NO_PROPAGATE,
    Ace,
    SecurityDescriptor,
)
from preflight.directory.model import Token

CAUSE_CODES: Mapping[str, str] = MappingProxyType(
    {
        "ace-denied": "an entry denies it",
        "not-yet-inherited": "a grant stands above and nothing keeps it away: it has not been handed down yet",
        "inheritance-off": "a grant stands above, but inheritance is switched off in between",
        "inherit-only": "a grant stands on the user itself, but is handed down only and doesn't count there",
        "class-not-covered": "a grant stands above, but for another class of objects",
        "no-propagate": "a grant stands above, but is handed down by one level only",
        "not-inheritable": "a grant stands above, but is not handed down at all",
        "ace-missing": "no entry grants it, here or above",
        "unreadable": "a descriptor that may hold the grant could not be read",
    }
)
"""Why a right is missing, in words for a person."""

# A grant that needs the least to arrive explains best.
_BY_CLOSENESS = (
    "not-yet-inherited",
    "inheritance-off",
    "inherit-only",
    "class-not-covered",
    "no-propagate",
    "not-inheritable",
)

Chain = Sequence[tuple[str, SecurityDescriptor | None]]
"""The containers above an object, from its parent to the domain head; None: not readable."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a right is missing.

    Attributes:
        code: one of `CAUSE_CODES`.
        container: where to mend it: for "inheritance-off" where inheritance is switched off, for "ace-denied" where the
            entry is explicit, else where the grant stands or what could not be read. "": the user itself.
        detail: one sentence.
        ace: the grant that didn't arrive, or the entry that denies.
        origin: the container where that entry is explicit; "": the user itself; None: not known, or no entry.
    """

    code: str
    container: str
    detail: str
    ace: Ace | None = None
    origin: str | None = None


def grants(
    ace: Ace, right: Right, token: Token, object_class: str = "user", schema: AccessSchema = DEFAULT_SCHEMA
) -> bool:
    """Whether the entry surely allows the token the right, on an object of the class that has it or inherits it."""
    if not ace.allow:
        return False
    view = View(token, (right,), schema, Standing.OUTSIDE, (Standing.OUTSIDE, ""), object_class)
    effect = view.effect(replace(ace, flags=ace.flags & ~INHERIT_ONLY))
    return effect is not None and right in effect.sure


def would_inherit(ace: Ace, object_class: str, *, levels: int = 1, schema: AccessSchema = DEFAULT_SCHEMA) -> bool:
    """Whether an object of the class, that many levels below the container that holds the entry, inherits it.

    Every object of the directory is a container in the sense of MS-DTYP 2.5.3.4, so OBJECT_INHERIT counts for none.
    """
    return _obstacle(ace, object_class, levels, None, schema) == "not-yet-inherited"


def origin_of(ace: Ace, object_class: str, chain: Chain, schema: AccessSchema = DEFAULT_SCHEMA) -> str | None:
    """The container where an entry of an object is explicit: "" = on the object itself; None = not known.

    None also where the descriptor of a nearer container could not be read: the entry may stand there.
    """
    if not ace.inherited:
        return ""
    for level, (container, descriptor) in enumerate(chain, start=1):
        if descriptor is None or descriptor.dacl is None:
            return None
        for above in descriptor.dacl:
            if (
                not above.inherited
                and _same_meaning(above, ace)
                and would_inherit(above, object_class, levels=level, schema=schema)
            ):
                return container
    return None


def explain_missing(
    user_descriptor: SecurityDescriptor | None,
    object_class: str,
    container_chain: Chain,
    token: Token,
    right: Right,
    *,
    object_sid: str | None = "",
    schema: AccessSchema = DEFAULT_SCHEMA,
) -> Cause:
    """Why the token doesn't have the right on a user.

    Without a denying entry nothing of the user matters but `descriptor.protected`, its class, and a grant that stands
    on the user itself and is inherit-only (what containers hand down in that way is explained by them).
    """
    if user_descriptor is None or user_descriptor.dacl is None:
        return Cause("unreadable", "", "The user's descriptor could not be read.")
    decision = decide(user_descriptor, token, right, object_sid=object_sid, object_class=object_class, schema=schema)
    if decision.denied and decision.ace is not None:
        return explain_denied(decision.ace, object_class, container_chain, schema)
    idle = next(
        (
            ace
            for ace in user_descriptor.dacl
            if ace.flags & INHERIT_ONLY and not ace.inherited and grants(ace, right, token, object_class, schema)
        ),
        None,
    )
    return explain_absent(user_descriptor.protected, object_class, container_chain, token, right, schema, idle)


def explain_denied(ace: Ace, object_class: str, container_chain: Chain, schema: AccessSchema = DEFAULT_SCHEMA) -> Cause:
    """Where the entry that denies comes from."""
    origin = origin_of(ace, object_class, container_chain, schema)
    if origin is None:
        return Cause("ace-denied", "", f"{ace.sddl} denies it; it is inherited, from where could not be seen.", ace)
    where = f"is inherited from {origin}" if origin else "stands on the user itself"
    return Cause("ace-denied", origin, f"{ace.sddl} denies it; it {where}.", ace, origin)


def explain_absent(
    protected: bool,
    object_class: str,
    container_chain: Chain,
    token: Token,
    right: Right,
    schema: AccessSchema = DEFAULT_SCHEMA,
    idle: Ace | None = None,
) -> Cause:
    """Why no grant arrived on a user of the class, whose own inheritance is off (protected) or on.

    `idle`: a grant that stands on the user itself, inherit-only.
    """
    found = [
        (_BY_CLOSENESS.index(code), grant, code)
        for grant in _grants_above(protected, object_class, container_chain, token, right, schema)
        for code in (_obstacle(grant.ace, object_class, grant.levels, grant.blocked_at, schema),)
    ]
    if idle is not None:
        found.append((_BY_CLOSENESS.index("inherit-only"), _Grant(idle, "", 0, None), "inherit-only"))
    if found:
        _, grant, code = min(found, key=lambda one: (one[0], one[1].levels))
        return _cause(code, grant, object_class)
    unread = next((dn for dn, descriptor in container_chain if descriptor is None or descriptor.dacl is None), None)
    if unread is not None:
        return Cause("unreadable", unread, f"The descriptor of {unread} could not be read: a grant may stand there.")
    return Cause("ace-missing", "", "No entry grants it, on the user or on any container above.")


@dataclass(frozen=True, slots=True)
class _Grant:
    """A grant on a container.

    Attributes:
        levels: how far above the user.
        blocked_at: where inheritance is off in between, nearest to the user; "": the user itself; None: nowhere.
    """

    ace: Ace
    container: str
    levels: int
    blocked_at: str | None


def _grants_above(
    protected: bool, object_class: str, chain: Chain, token: Token, right: Right, schema: AccessSchema
) -> Iterator[_Grant]:
    blocked_at = "" if protected else None
    for level, (container, descriptor) in enumerate(chain, start=1):
        if descriptor is None:
            continue
        for ace in descriptor.dacl or ():
            if not ace.inherited and grants(ace, right, token, object_class, schema):
                yield _Grant(ace, container, level, blocked_at)
        if descriptor.protected and blocked_at is None:
            blocked_at = container


def _obstacle(ace: Ace, object_class: str, levels: int, blocked_at: str | None, schema: AccessSchema) -> str:
    if not ace.flags & CONTAINER_INHERIT:
        return "not-inheritable"
    if ace.flags & NO_PROPAGATE and levels > 1:
        return "no-propagate"
    if ace.inherited_object_type not in (None, schema.class_guid(object_class)):
        return "class-not-covered"
    return "not-yet-inherited" if blocked_at is None else "inheritance-off"


def _cause(code: str, grant: _Grant, object_class: str) -> Cause:
    stands = f"{grant.ace.sddl} stands on {grant.container or 'the user itself'}"
    if code == "inheritance-off":
        where = grant.blocked_at or ""
        off = f"inheritance is switched off on {where or 'the user itself'}"
        return Cause(code, where, f"{stands}, but {off}.", grant.ace, grant.container)
    if code == "class-not-covered":
        covered = guids.name_of(grant.ace.inherited_object_type) if grant.ace.inherited_object_type else "all"
        reason = (
            f"but is for objects of class {covered}, and this one is {object_class or 'of a class that is not known'}"
        )
    elif code == "inherit-only":
        reason = "but is inherit-only: it is for objects below, and doesn't count there"
    elif code == "no-propagate":
        reason = "but is handed down to direct children only"
    elif code == "not-inheritable":
        reason = "but counts for that container only"
    else:
        reason = (
            "and nothing keeps it away: wait for it to be handed down, or look at the domain controller that has it"
        )
    return Cause(code, grant.container, f"{stands}, {reason}.", grant.ace, grant.container)


def _same_meaning(one: Ace, other: Ace) -> bool:
    """Whether an inherited entry may be the copy of another: generic bits are mapped when it is handed down."""
    return (
        one.type == other.type
        and one.sid == other.sid
        and one.object_type == other.object_type
        and map_generic(one.mask) & 0x0FFFFFFF == map_generic(other.mask) & 0x0FFFFFFF
    )
