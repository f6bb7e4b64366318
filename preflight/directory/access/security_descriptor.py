"""Security descriptors: MS-DTYP 2.4.6, as Active Directory stores them (nTSecurityDescriptor, self-relative).

Every length and offset is checked before it is followed: whatever the bytes are, the answer is a descriptor or one
`MalformedDescriptor`, in time proportional to their number.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from preflight.directory.access.sid import sid_to_text

SE_DACL_PRESENT = 0x0004
SE_DACL_PROTECTED = 0x1000
SE_SELF_RELATIVE = 0x8000

ACCESS_ALLOWED = 0x00
ACCESS_DENIED = 0x01
ACCESS_ALLOWED_OBJECT = 0x05
ACCESS_DENIED_OBJECT = 0x06
ACCESS_ALLOWED_CALLBACK = 0x09
ACCESS_DENIED_CALLBACK = 0x0A
ACCESS_ALLOWED_CALLBACK_OBJECT = 0x0B
ACCESS_DENIED_CALLBACK_OBJECT = 0x0C

ALLOW_TYPES = frozenset({0x00, 0x05, 0x09, 0x0B})
DENY_TYPES = frozenset({0x01, 0x06, 0x0A, 0x0C})
OBJECT_TYPES = frozenset({0x05, 0x06, 0x0B, 0x0C})
CALLBACK_TYPES = frozenset({0x09, 0x0A, 0x0B, 0x0C})
KNOWN_TYPES = ALLOW_TYPES | DENY_TYPES

ACL_REVISIONS = frozenset({2, 3, 4})

CONTAINER_INHERIT = 0x02
NO_PROPAGATE = 0x04
INHERIT_ONLY = 0x08
INHERITED = 0x10

OBJECT_TYPE_PRESENT = 0x1
INHERITED_OBJECT_TYPE_PRESENT = 0x2

_DESCRIPTOR = struct.Struct("<BBHIIII")  # revision, sbz1, control, offsets of owner, group, SACL, DACL
_ACL = struct.Struct("<BBHHH")  # revision, sbz1, size, count, sbz2
_ACE = struct.Struct("<BBH")  # type, flags, size
_UINT32 = struct.Struct("<I")


class MalformedDescriptor(ValueError):
    """The bytes are no security descriptor."""


@dataclass(frozen=True, slots=True)
class Ace:
    """An access control entry (MS-DTYP 2.4.4).

    Attributes:
        type: AceType; types other than `KNOWN_TYPES` carry no mask and no SID here.
        flags: AceFlags.
        mask: access mask as stored, generic bits not mapped.
        sid: the trustee; "" for an unknown type.
        object_type: a right, attribute, property set or class; None: everything that the mask names.
        inherited_object_type: the class of objects that inherit it; None: all.
        condition: ApplicationData of a callback ACE.
    """

    type: int
    flags: int
    mask: int
    sid: str
    object_type: UUID | None = None
    inherited_object_type: UUID | None = None
    condition: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> Ace:
        """One ACE; bytes beyond its SID are padding, or the condition of a callback ACE.

        Raises:
            MalformedDescriptor: it doesn't fit its own size.
        """
        return _ace(data, 0, len(data))

    @property
    def inherited(self) -> bool:
        return bool(self.flags & INHERITED)

    @property
    def inherit_only(self) -> bool:
        """It doesn't count on the object that holds it."""
        return bool(self.flags & INHERIT_ONLY)

    @property
    def allow(self) -> bool:
        return self.type in ALLOW_TYPES

    @property
    def deny(self) -> bool:
        return self.type in DENY_TYPES

    @property
    def conditional(self) -> bool:
        """Whether it counts depends on claims and attributes that can't be seen from outside."""
        return self.type in CALLBACK_TYPES

    @property
    def known(self) -> bool:
        return self.type in KNOWN_TYPES

    @property
    def sddl(self) -> str:
        """As SDDL (MS-DTYP 2.5.1): `(OA;CI;CR;00299570-...;bf967aba-...;S-1-5-21-...)`."""
        from preflight.directory.access.sddl import ace_to_sddl

        return ace_to_sddl(self)


@dataclass(frozen=True, slots=True)
class SecurityDescriptor:
    """Who owns an object and who may do what with it.

    Attributes:
        control: SECURITY_DESCRIPTOR_CONTROL.
        owner: SID; None: not part of what was read.
        group: SID; None: not part of what was read.
        dacl: the entries in stored order; () = an empty DACL, which grants nothing; None: no DACL came
            (SE_DACL_PRESENT off or no offset). Active Directory stores none without (MS-ADTS 6.1.3), so None means
            that it was not read.
    """

    control: int
    owner: str | None
    group: str | None
    dacl: tuple[Ace, ...] | None

    @classmethod
    def parse(cls, data: bytes) -> SecurityDescriptor:
        """The self-relative form. A SACL is not looked at.

        Raises:
            MalformedDescriptor: the bytes are no descriptor.
        """
        control, owner, group, dacl = parts_of(data)
        return cls(
            control,
            sid_to_text(owner) if owner else None,
            sid_to_text(group) if group else None,
            None if dacl is None else tuple(_inherited_by_many(dacl[at : at + size]) for at, size in ace_places(dacl)),
        )

    @property
    def protected(self) -> bool:
        """Inheritance is off: nothing granted above arrives here."""
        return bool(self.control & SE_DACL_PROTECTED)

    @property
    def canonical(self) -> bool:
        """Explicit entries before inherited ones, and among the explicit ones deny before allow.

        Worth a warning only: the directory decides in stored order, whatever that is.
        """
        ranks = [2 if ace.inherited else int(ace.allow) for ace in self.dacl or () if ace.known]
        return ranks == sorted(ranks)


def parts_of(data: bytes) -> tuple[int, bytes, bytes, bytes | None]:
    """Control bits, owner and group SID (b"" where absent) and the DACL (None where absent), as bytes.

    Raises:
        MalformedDescriptor: header, SIDs or the ACL's size don't fit. The ACL itself is not looked at (`ace_places`).
    """
    if len(data) < _DESCRIPTOR.size:
        raise MalformedDescriptor(f"a security descriptor has at least {_DESCRIPTOR.size} bytes, this one {len(data)}")
    revision, _, control, owner_at, group_at, _, dacl_at = _DESCRIPTOR.unpack_from(data)
    if revision != 1 or not control & SE_SELF_RELATIVE:
        raise MalformedDescriptor(f"not a self-relative security descriptor: {data[:4].hex()}")
    owner = _sid(data, owner_at, len(data)) if owner_at else b""
    group = _sid(data, group_at, len(data)) if group_at else b""
    if not dacl_at or not control & SE_DACL_PRESENT:
        return control, owner, group, None
    if dacl_at < _DESCRIPTOR.size or dacl_at + _ACL.size > len(data):
        raise MalformedDescriptor(f"the DACL's offset {dacl_at} lies outside the {len(data)} bytes")
    _, _, size, _, _ = _ACL.unpack_from(data, dacl_at)
    if not _ACL.size <= size <= len(data) - dacl_at:
        raise MalformedDescriptor(f"the DACL says {size} bytes, there are {len(data) - dacl_at}")
    return control, owner, group, data[dacl_at : dacl_at + size]


def ace_places(dacl: bytes) -> list[tuple[int, int]]:
    """Offset and size of each entry of a DACL, as `parts_of` gives it.

    Raises:
        MalformedDescriptor: an entry reaches beyond the ACL or is shorter than its header, or this is no ACL.
    """
    revision, _, _, count, _ = _ACL.unpack_from(dacl)
    if revision not in ACL_REVISIONS:
        raise MalformedDescriptor(f"no revision of an ACL: {revision}")
    places = []
    at = _ACL.size
    for index in range(count):
        if at + _ACE.size > len(dacl):
            raise MalformedDescriptor(f"the DACL promises {count} entries and ends after {index}")
        _, _, size = _ACE.unpack_from(dacl, at)
        if size < _ACE.size or at + size > len(dacl):
            raise MalformedDescriptor(f"entry {index} says {size} bytes, the DACL has {len(dacl) - at} left")
        places.append((at, size))
        at += size
    return places


@lru_cache(maxsize=10_000)
def _inherited_by_many(entry: bytes) -> Ace:
    """An entry of a DACL, parsed once: containers hold what those above them hand down."""
    return Ace.parse(entry)


def _ace(data: bytes, at: int, size: int) -> Ace:
    end = at + size
    if size < _ACE.size:
        raise MalformedDescriptor(f"an access control entry of {size} bytes")
    kind, flags, _ = _ACE.unpack_from(data, at)
    if kind not in KNOWN_TYPES:
        return Ace(kind, flags, 0, "")
    mask = _uint32(data, at + 4, end)
    at += 8
    object_type = inherited_object_type = None
    if kind in OBJECT_TYPES:
        present = _uint32(data, at, end)
        at += 4
        if present & OBJECT_TYPE_PRESENT:
            object_type = _guid(data, at, end)
            at += 16
        if present & INHERITED_OBJECT_TYPE_PRESENT:
            inherited_object_type = _guid(data, at, end)
            at += 16
    sid = _sid(data, at, end)
    condition = data[at + len(sid) : end] if kind in CALLBACK_TYPES else b""
    return Ace(kind, flags, mask, sid_to_text(sid), object_type, inherited_object_type, condition)


def _uint32(data: bytes, at: int, end: int) -> int:
    if at + 4 > end:
        raise MalformedDescriptor("an access control entry ends before its fields do")
    value: int = _UINT32.unpack_from(data, at)[0]
    return value


def _guid(data: bytes, at: int, end: int) -> UUID:
    if at + 16 > end:
        raise MalformedDescriptor("an access control entry ends within a GUID")
    return UUID(bytes_le=data[at : at + 16])


def _sid(data: bytes, at: int, end: int) -> bytes:
    if at + 8 > end or data[at] != 1 or data[at + 1] > 15 or at + 8 + 4 * data[at + 1] > end:
        raise MalformedDescriptor(f"no security identifier at byte {at}")
    return data[at : at + 8 + 4 * data[at + 1]]
