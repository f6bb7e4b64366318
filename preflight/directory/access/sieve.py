"""Which entries of a DACL can matter, told from the raw bytes.

Descriptors are many and entries that matter are few, so a decision begins here. A sieve may let through what doesn't
matter (the evaluator drops it), never hold back what does. It checks every length as the parser does, and gives up on
anything out of the ordinary.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Container, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter

from preflight.directory.access.security_descriptor import (
    ACCESS_ALLOWED_OBJECT,
    ACL_REVISIONS,
    INHERIT_ONLY,
    KNOWN_TYPES,
    OBJECT_TYPES,
    ace_places,
)
from preflight.directory.access.sid import sid_from_text, sid_to_text
from preflight.directory.model import OWNER_RIGHTS, PRINCIPAL_SELF, Token

# AceType, AceFlags, AceSize, mask, and what follows: an object ACE's flags, or the first bytes of the SID.
_unpack_ace = struct.Struct("<BBHII").unpack_from
_unpack_acl = struct.Struct("<BBHHH").unpack_from

_SID_SIZE = {1 | count << 8: 8 + 4 * count for count in range(16)}
"""Bytes of a SID by its first two: revision 1 and the count of sub-authorities."""

_SID_AT = (12, 28, 28, 44)
"""Offset of an object ACE's SID by the GUIDs that its flags say are there."""


def _shapes(kinds: bytes, fields: Iterable[tuple[bytes, int]]) -> bytes:
    """Entries of these types that have these fields, with their lengths, between mask and SID, and nothing behind it.

    SIDs have 1, 2 or 5 sub-authorities: well-known ones, those of BUILTIN, those of domains.
    """
    sizes = [
        re.escape(struct.pack("<H", 16 + length + 4 * count))
        + b".{4}"
        + between
        + b"\x01[%c].{%d}" % (count, 6 + 4 * count)
        for between, length in fields
        for count in (5, 2, 1)
    ]
    return b"[%b].(?:%b)" % (kinds, b"|".join(sizes))


_ENTRY = b"(?:%b|%b)" % (
    _shapes(b"\x05\x06", ((b"[\1\2]\0\0\0.{16}", 20), (b"\3\0\0\0.{32}", 36), (b"\0{4}", 4))),
    _shapes(b"\x00\x01", ((b"", 0),)),
)
_that_was_found = itemgetter(1)
_ENTRY_OR_NONE = re.compile(b"(?:%b)?" % _ENTRY, re.DOTALL)


def _ordinary_entries(bits: int, objects: frozenset[bytes] | None) -> re.Pattern[bytes]:
    """Finds entry after entry: b"" for one that can't matter, those that may as bytes; and as the last, whatever there
    is from the first on that has no ordinary shape."""
    without_bits = b"".join(
        _class(value for value in range(256) if not value & bits >> 8 * at & 0xFF) for at in range(4)
    )
    passed_by = [b"." + _class(value for value in range(256) if value & INHERIT_ONLY), b".{4}" + without_bits]
    if objects is not None:
        named = b"|".join(re.escape(guid) for guid in sorted(objects))
        passed_by.append(b"[\x05\x06].{7}[\1\3]\0\0\0" + (b"(?!%b)" % named if named else b""))
    return re.compile(b"(?=%b)%b|(%b|.+)" % (b"|".join(passed_by), _ENTRY, _ENTRY), re.DOTALL)


def _class(values: Iterable[int]) -> bytes:
    """Any one of these bytes."""
    return b"[%b]" % b"".join(b"\\x%02x" % value for value in values)


Entries = list[tuple[int, bytes]]
"""Entries as bytes, each with its place in the DACL, in stored order."""


@dataclass(frozen=True, slots=True)
class Sieve:
    """What an entry must have to be let through.

    Attributes:
        bits: at least one of these, in its mask.
        objects: no object type or one of these; None: any.
        trustees: one of these SIDs.
        open_bits: with one of these bits and
        open_objects: no object type or one of these (None: any) every trustee will do.
    """

    bits: int
    objects: frozenset[bytes] | None
    trustees: Container[bytes]
    open_bits: int = 0
    open_objects: frozenset[bytes] | None = frozenset()
    _ordinary: re.Pattern[bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        either = None if self.objects is None or self.open_objects is None else self.objects | self.open_objects
        object.__setattr__(self, "_ordinary", _ordinary_entries(self.bits, either))

    def select(self, dacl: bytes) -> tuple[Entries, Entries]:
        """The entries of the trustees, and those of others that `open_bits` let through.

        Raises:
            MalformedDescriptor: an entry doesn't fit.
        """
        selected = self._select_ordinary(dacl) or self._select(dacl)
        if selected is None:
            return [(index, dacl[at : at + size]) for index, (at, size) in enumerate(ace_places(dacl))], []
        return selected

    def _select_ordinary(self, dacl: bytes) -> tuple[Entries, Entries] | None:
        """The same as `_select`, several times as fast; None: not every entry is of an ordinary shape."""
        revision, _, _, count, _ = _unpack_acl(dacl)
        found = self._ordinary.findall(dacl, 8)
        if revision not in ACL_REVISIONS or len(found) != count or (found and not _ENTRY_OR_NONE.fullmatch(found[-1])):
            return None
        selected: Entries = []
        strangers: Entries = []
        trustees, open_bits = self.trustees, self.open_bits
        for index, entry in filter(_that_was_found, enumerate(found)):
            kind, _, _, mask, word = _unpack_ace(entry)
            if kind < ACCESS_ALLOWED_OBJECT:
                word = 0
                trusted = entry[8:] in trustees
            else:
                trusted = entry[_SID_AT[word & 3] :] in trustees
            if trusted or mask & open_bits:
                wanted = self.objects if trusted else self.open_objects
                if not word & 1 or wanted is None or entry[12:28] in wanted:
                    (selected if trusted else strangers).append((index, entry))
        return selected, strangers

    def _select(self, dacl: bytes) -> tuple[Entries, Entries] | None:
        """None: there is something out of the ordinary, broken or an unknown type: let the parser look at it."""
        selected: Entries = []
        strangers: Entries = []
        bits, objects, trustees = self.bits, self.objects, self.trustees
        open_bits, open_objects = self.open_bits, self.open_objects
        at, end = 8, len(dacl)
        revision, _, _, count, _ = _unpack_acl(dacl)
        if revision not in ACL_REVISIONS:
            return None
        try:
            for index in range(count):
                kind, flags, size, mask, word = _unpack_ace(dacl, at)
                if kind in OBJECT_TYPES:
                    sid_at = at + _SID_AT[word & 3]
                    sid_end = sid_at + _SID_SIZE[dacl[sid_at] | dacl[sid_at + 1] << 8]
                elif kind in KNOWN_TYPES:
                    sid_at = at + 8
                    sid_end = sid_at + _SID_SIZE[word & 0xFFFF]
                    word = 0
                else:
                    return None
                after = at + size
                if sid_end > after or after > end:
                    return None
                if mask & bits and not flags & INHERIT_ONLY:
                    trusted = dacl[sid_at:sid_end] in trustees
                    if trusted or mask & open_bits:
                        wanted = objects if trusted else open_objects
                        if not word & 1 or wanted is None or dacl[at + 12 : at + 28] in wanted:
                            (selected if trusted else strangers).append((index, dacl[at:after]))
                at = after
        except (struct.error, IndexError, KeyError):
            return None
        return selected, strangers


def trustees_of(token: Token, others: Collection[str]) -> Container[bytes]:
    """The SIDs that may be in the token, those of others, and the two that are judged by rules of their own."""
    always = {PRINCIPAL_SELF, OWNER_RIGHTS, *others}
    if token.complete:
        return frozenset(sid_from_text(sid) for sid in token.sids | always)
    return _NotOutside(token, always)


class _NotOutside:
    """All but those that are surely outside an incomplete token."""

    def __init__(self, token: Token, always: Collection[str]) -> None:
        def possible(sid: bytes) -> bool:
            text = sid_to_text(sid)
            return text in always or not token.surely_outside(text)

        self._possible = lru_cache(maxsize=8192)(possible)

    def __contains__(self, sid: object) -> bool:
        return isinstance(sid, bytes) and self._possible(sid)
