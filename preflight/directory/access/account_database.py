"""What the legacy password call reads before it sets a password (SUP, P6 of domain.md)."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.directory.access.check import decide
from preflight.directory.access.rights import DECISION_CODES, Right
from preflight.directory.access.security_descriptor import Ace, MalformedDescriptor
from preflight.directory.model import Entry, Token

SAM_ATTRIBUTES = frozenset({"nTSecurityDescriptor", "objectClass"})

_RIGHTS = (
    (Right.LIST_CONTENTS, "list contents"),
    (Right.READ_PROPERTY, "read all properties"),
    (Right.READ_CONTROL, "read permissions"),
)


@dataclass(frozen=True, slots=True)
class SamReading:
    """Whether an account may read one object that the call looks at.

    Attributes:
        refused, unclear: rights, in words.
        denying: an entry that denies one; None: none does.
        why: why something is unclear.
    """

    place: str
    refused: tuple[str, ...]
    unclear: tuple[str, ...]
    denying: Ace | None = None
    why: str = ""


def sam_places(head: str) -> tuple[str, str, str]:
    """CN=Server,CN=System, the domain's head, CN=Builtin."""
    return f"CN=Server,CN=System,{head}", head, f"CN=Builtin,{head}"


def sam_reading(place: str, entry: Entry | None, token: Token) -> SamReading:
    """Judge an object that was read with SAM_ATTRIBUTES; None: not there, or not to be seen."""
    try:
        descriptor = entry.security_descriptor if entry is not None else None
    except MalformedDescriptor:
        descriptor = None
    object_class = entry.texts("objectClass")[-1] if entry is not None and entry.has("objectClass") else ""
    decisions = [
        (name, decide(descriptor, token, right, object_sid=None, object_class=object_class)) for right, name in _RIGHTS
    ]
    return SamReading(
        place,
        tuple(name for name, decision in decisions if decision.denied),
        tuple(name for name, decision in decisions if decision.unknown),
        next((decision.ace for _, decision in decisions if decision.denied and decision.ace is not None), None),
        ", ".join(sorted({DECISION_CODES[decision.code] for _, decision in decisions if decision.unknown})),
    )
