"""Source anchors: what ties a user in the directory to one in the cloud (domain.md section 7)."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import ClassVar

from preflight.directory.model import User
from preflight.directory.users.scope import Standing

CONSISTENCY_GUID = "mS-DS-ConsistencyGuid"
OBJECT_GUID = "objectGUID"
GUESSED = "mS-DS-ConsistencyGuid, else objectGUID"

LINKED_MAILBOX = 2
"""msExchRecipientTypeDetails: an account whose person is in another forest; it has no anchor."""

_KEY = 16


def anchor_attributes(attribute: str | None = None) -> tuple[str, ...]:
    """The attributes in which an anchor may stand, as `effective_anchor` takes it."""
    if attribute is None or attribute.lower() == CONSISTENCY_GUID.lower():
        return CONSISTENCY_GUID, OBJECT_GUID
    return (attribute,)


def effective_anchor(user: User, attribute: str | None = None) -> bytes:
    """The anchor's raw bytes; b"" where the user has none or it can't be read.

    Args:
        attribute: the configured anchor; None or mS-DS-ConsistencyGuid: that, else objectGUID.
    """
    if attribute is None or attribute.lower() == CONSISTENCY_GUID.lower():
        values = user.raw.get(CONSISTENCY_GUID) or user.raw.get(OBJECT_GUID)
    else:
        values = user.raw.get(attribute)
    return bytes(values[0]) if values else b""


def anchor_text(user: User, attribute: str | None = None) -> str:
    """As the cloud shows it: base64 of the bytes, or the text where the anchor is text."""
    anchor = effective_anchor(user, attribute)
    if attribute is None or attribute.lower() in (CONSISTENCY_GUID.lower(), OBJECT_GUID.lower()):
        return base64.b64encode(anchor).decode()
    return anchor.decode("utf-8", "replace")


class Anchors:
    """The anchors of the users seen, 16 bytes each; duplicates are looked for once, over all domains.

    Attributes:
        seen: users with an anchor.
        without: enabled users for whom none could be seen.
        unreadable: users whose own attributes may not be read, so that another anchor may stand unseen.
        written_by_connect: users whose mS-DS-ConsistencyGuid equals their own objectGUID, as Connect writes it.
        foreign: users whose mS-DS-ConsistencyGuid is something else.
    """

    attributes: frozenset[str] = frozenset(
        {
            CONSISTENCY_GUID,
            OBJECT_GUID,
            "userAccountControl",
            "msExchRecipientTypeDetails",
            "userPrincipalName",
            "mail",
            "sAMAccountName",
        }
    )
    hints: ClassVar[tuple[str, ...]] = ("userPrincipalName", "mail", "sAMAccountName")

    def __init__(self, attribute: str | None = None, *, across_forests: bool = False) -> None:
        self._attribute = attribute
        if attribute is not None:
            self.attributes = self.attributes | {attribute}
        self._across_forests = across_forests
        self._keys = bytearray()
        self._hint_keys = {hint: bytearray() for hint in self.hints} if across_forests else {}
        self.seen = 0
        self.without = 0
        self.unreadable = 0
        self.written_by_connect = 0
        self.foreign = 0

    def add(self, user: User, standing: Standing) -> None:
        if standing is Standing.OUT_OF_SCOPE or standing is Standing.EXCLUDED:
            return
        raw = user.raw
        if standing is Standing.UNKNOWN:
            self.unreadable += 1
        if "msExchRecipientTypeDetails" in raw and user.integer("msExchRecipientTypeDetails") == LINKED_MAILBOX:
            return
        anchor = effective_anchor(user, self._attribute)
        if not anchor:
            self.without += standing is Standing.IN_SCOPE
            return
        self.seen += 1
        if raw.get(CONSISTENCY_GUID):
            own = raw.get(OBJECT_GUID)
            if own and own[0] == raw[CONSISTENCY_GUID][0]:
                self.written_by_connect += 1
            else:
                self.foreign += 1
        self._keys += _key(anchor)
        if standing is Standing.IN_SCOPE:
            for hint, keys in self._hint_keys.items():
                values = raw.get(hint)
                if values:
                    keys += _key(values[0].lower())

    def keys(self) -> bytes:
        return bytes(self._keys)

    def hint_keys(self, hint: str) -> bytes:
        return bytes(self._hint_keys.get(hint, b""))


def anchor_key(anchor: bytes) -> bytes:
    """What duplicates are looked for by: equal but for case counts as equal here and is told apart afterwards."""
    return _key(anchor)


def repeated(keys: Sequence[bytes]) -> set[bytes]:
    """The 16-byte keys that stand more than once in all of these together.

    One bucket of 256 at a time, so that the memory for it stays small beside the keys themselves.
    """
    found: set[bytes] = set()
    buckets = [bytearray() for _ in range(256)]
    for each in keys:
        for key in _split(each):
            buckets[key[0]] += key
    for bucket in buckets:
        counts = Counter(_split(bytes(bucket)))
        found.update(key for key, count in counts.items() if count > 1)
    return found


def _split(keys: bytes) -> Iterator[bytes]:
    return (keys[at : at + _KEY] for at in range(0, len(keys), _KEY))


def _key(anchor: bytes) -> bytes:
    """A GUID's own bytes would do; but text anchors are compared without case, so all go through one hash."""
    folded = anchor if len(anchor) == _KEY else anchor.lower()
    return hashlib.blake2b(folded, digest_size=_KEY).digest()
