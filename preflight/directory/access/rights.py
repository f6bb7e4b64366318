"""The rights that writeback stands on, and what can be said about one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from preflight.directory.access import guids
from preflight.directory.access.security_descriptor import Ace

LIST_CONTENTS = 0x4
SELF_WRITE = 0x8
READ_PROPERTY = 0x10
WRITE_PROPERTY = 0x20
LIST_OBJECT = 0x80
CONTROL_ACCESS = 0x100
READ_CONTROL = 0x20000


class Right(StrEnum):
    """A right on an object of the directory. The first four are columns of the per-user table."""

    RESET_PASSWORD = "reset_password"
    WRITE_LOCKOUT_TIME = "write_lockout_time"
    WRITE_PWD_LAST_SET = "write_pwd_last_set"
    CHANGE_PASSWORD = "change_password"
    """The user's own right to change his password: `RightsDecider` judges it with the user's own token."""
    CONNECTOR_CHANGE_PASSWORD = "connector_change_password"
    """The same right in the connector account's hand, in whose name Entra Connect changes passwords."""
    UNEXPIRE_PASSWORD = "unexpire_password"
    """Counts on the domain head only (MS-SAMR 3.1.1.8.7)."""
    REPLICATING_CHANGES = "replicating_changes"
    REPLICATING_CHANGES_ALL = "replicating_changes_all"
    LIST_CONTENTS = "list_contents"
    LIST_OBJECT = "list_object"
    READ_PROPERTY = "read_property"
    """All properties; entries about single properties or property sets don't count, whether they allow or deny."""
    READ_CONTROL = "read_control"

    @property
    def access(self) -> int:
        """The bit of an access mask (MS-ADTS 5.1.3.2)."""
        return _ACCESS[self][0]

    @property
    def guid(self) -> UUID | None:
        """Of the control access right or the attribute; None: a right on the object as a whole."""
        return _ACCESS[self][1]


_ACCESS: Mapping[Right, tuple[int, UUID | None]] = MappingProxyType(
    {
        Right.RESET_PASSWORD: (CONTROL_ACCESS, guids.RESET_PASSWORD),
        Right.WRITE_LOCKOUT_TIME: (WRITE_PROPERTY, guids.LOCKOUT_TIME),
        Right.WRITE_PWD_LAST_SET: (WRITE_PROPERTY, guids.PWD_LAST_SET),
        Right.CHANGE_PASSWORD: (CONTROL_ACCESS, guids.CHANGE_PASSWORD),
        Right.CONNECTOR_CHANGE_PASSWORD: (CONTROL_ACCESS, guids.CHANGE_PASSWORD),
        Right.UNEXPIRE_PASSWORD: (CONTROL_ACCESS, guids.UNEXPIRE_PASSWORD),
        Right.REPLICATING_CHANGES: (CONTROL_ACCESS, guids.REPLICATING_CHANGES),
        Right.REPLICATING_CHANGES_ALL: (CONTROL_ACCESS, guids.REPLICATING_CHANGES_ALL),
        Right.LIST_CONTENTS: (LIST_CONTENTS, None),
        Right.LIST_OBJECT: (LIST_OBJECT, None),
        Right.READ_PROPERTY: (READ_PROPERTY, None),
        Right.READ_CONTROL: (READ_CONTROL, None),
    }
)


class Answer(StrEnum):
    ALLOWED = "allowed"
    DENIED = "denied"
    UNKNOWN = "unknown"


DECISION_CODES: Mapping[str, str] = MappingProxyType(
    {
        "ace-allows": "an entry allows it",
        "owner": "the owner may read the descriptor",
        "ace-denied": "an entry denies it",
        "ace-missing": "no entry allows it",
        "conditional-ace": "it hangs on a conditional entry, which can't be evaluated from outside",
        "incomplete-token": "it hangs on an entry for someone of whom it isn't known whether the account belongs to it",
        "owner-rights": "it hangs on an entry for OWNER RIGHTS, which domain controllers judge differently",
        "owner-unknown": "it hangs on who owns the object, which could not be read",
        "object-sid-unknown": "it hangs on an entry for SELF, and the object's own SID could not be read",
        "class-guid": "it hangs on an entry about the object's class, where specifications and controllers differ",
        "unreadable": "the descriptor, or its DACL, could not be read",
        "malformed": "what came is no security descriptor",
    }
)
"""Why a decision is what it is, in words for a person."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What can be said about one right on one object.

    Attributes:
        code: one of `DECISION_CODES`.
        ace: the entry that decided, or on which an unknown answer hangs; None: no entry matched.
        index: its place in the DACL, from 0; None without an entry.
    """

    answer: Answer
    code: str
    ace: Ace | None = None
    index: int | None = None

    @property
    def allowed(self) -> bool:
        return self.answer is Answer.ALLOWED

    @property
    def denied(self) -> bool:
        return self.answer is Answer.DENIED

    @property
    def unknown(self) -> bool:
        return self.answer is Answer.UNKNOWN


Rights = Mapping[Right, Decision]

UNREADABLE = Decision(Answer.UNKNOWN, "unreadable")
MALFORMED = Decision(Answer.UNKNOWN, "malformed")


@dataclass(frozen=True, slots=True)
class AccessSchema:
    """What the access check needs of a forest's schema.

    Attributes:
        property_sets: the property set of an attribute (attributeSecurityGUID), by the attribute's schemaIDGUID; an
            attribute that isn't there is in none.
        classes: schemaIDGUID by class name; a forest's own classes that users are made of belong here.
    """

    property_sets: Mapping[UUID, UUID] = field(
        default_factory=lambda: MappingProxyType({guids.PWD_LAST_SET: guids.USER_ACCOUNT_RESTRICTIONS})
    )
    classes: Mapping[str, UUID] = field(default_factory=lambda: guids.CLASSES)

    def class_guid(self, name: str) -> UUID | None:
        """Of a class, however its name is capitalised; None: not known."""
        known = self.classes.get(name)
        if known is not None:
            return known
        return next((guid for known, guid in self.classes.items() if known.lower() == name.lower()), None)

    def names(self, right: Right) -> frozenset[UUID]:
        """The object types that mean the right: its own GUID, and its property set's (MS-ADTS 5.1.3.3.3)."""
        own = right.guid
        return frozenset(guid for guid in (own, self.property_sets.get(own) if own else None) if guid)


DEFAULT_SCHEMA = AccessSchema()
"""Active Directory's as it is shipped: lockoutTime is in no property set (MS-ADA1), pwdLastSet in a fixed one."""
