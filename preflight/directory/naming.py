"""What a person types, or an event holds, to name a user: the ways in which that can be read.

A name may have several readings, such as a UPN that is somebody else's mail address. All are followed, and whoever is
meant by one of them is shown.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from preflight.directory.access.sid import sid_from_text
from preflight.directory.distinguished_name import same
from preflight.directory.model import Entry

LONGEST = 4096
"""Characters; nothing longer names anybody."""

DISTINGUISHED_NAME = "distinguishedName"
GUID_BYTES = 16

_GUID = re.compile(r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.IGNORECASE)
_BASE64_OF_A_GUID = 24
_CLOUD_ANCHOR = re.compile(r"User_[0-9a-f-]{36}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a name: an attribute, and the value that it equals.

    Attributes:
        kind: in words, for a person.
        value: as the directory stores it; of text its UTF-8.
        binary: compared byte for byte; else without regard to case.
        unique: at most one user of a domain can be meant.
        domain: in which domain alone, by DNS or NetBIOS name; "" = wherever it is looked for.
        last_resort: counts only where no other reading means anybody.
    """

    kind: str
    attribute: str
    value: bytes
    binary: bool = False
    unique: bool = False
    domain: str = ""
    last_resort: bool = False

    def names(self, entry: Entry) -> bool:
        """Whether the entry is meant; its attribute must have been read."""
        if self.attribute == DISTINGUISHED_NAME:
            return same(entry.distinguished_name, self.value.decode("utf-8", "surrogatepass"))
        values = entry.raw.get(self.attribute, ())
        return self.value in values if self.binary else _folded(self.value) in map(_folded, values)


def readings(who: str, anchors: Collection[str] = ()) -> tuple[Reading, ...]:
    r"""Every way to read the name: a DN, SID, objectGUID, UPN or sAMAccountName, also `DOMAIN\name`.

    Args:
        anchors: the attributes that may hold the source anchor. With these a mail address is a name, too, and so is an
            anchor as an event spells it: base64 of the raw bytes (a GUID little-endian), or text where it is text.
    """
    who = who.strip()
    return tuple(_readings(who, anchors)) if who and len(who) <= LONGEST else ()


def is_cloud_anchor(who: str) -> bool:
    """Whether it is the cloud's own id of a user, which stands in events beside the anchor and nowhere in AD."""
    return _CLOUD_ANCHOR.fullmatch(who.strip()) is not None


def _readings(who: str, anchors: Collection[str]) -> Iterator[Reading]:
    if who.upper().startswith("S-1-"):
        try:
            yield Reading("SID", "objectSid", sid_from_text(who), binary=True, unique=True)
        except ValueError:
            return
    elif guid := _GUID.fullmatch(who):
        yield Reading("objectGUID", "objectGUID", UUID(guid[1]).bytes_le, binary=True, unique=True)
    else:
        yield from _anchors(who, anchors)
        if "=" in who:
            yield Reading("distinguished name", DISTINGUISHED_NAME, _bytes(who), unique=True)
        else:
            yield from _account_names(who, mail=bool(anchors))


def _anchors(who: str, anchors: Collection[str]) -> Iterator[Reading]:
    raw = _guid_in_base64(who)
    for attribute in anchors:
        if attribute.lower() in _GUID_ANCHORS:
            if raw is not None:
                yield Reading(f"source anchor ({attribute})", attribute, raw, binary=True)
        else:
            yield Reading(f"source anchor ({attribute})", attribute, _bytes(who))


def _account_names(who: str, *, mail: bool) -> Iterator[Reading]:
    domain, backslash, name = who.rpartition("\\")
    if backslash:
        if name and domain:
            yield Reading("sAMAccountName", "sAMAccountName", _bytes(name), unique=True, domain=domain)
        return
    address = name.removeprefix(name[:5]) if mail and name[:5].lower() == "smtp:" else name
    local, at, suffix = address.rpartition("@")
    if not at:
        yield Reading("sAMAccountName", "sAMAccountName", _bytes(name), unique=True)
        return
    yield Reading("userPrincipalName", "userPrincipalName", _bytes(address))
    if mail:
        yield Reading("mail", "mail", _bytes(address))
        yield Reading("proxyAddresses", "proxyAddresses", _bytes(f"smtp:{address}"))
    if local and suffix:
        # Every account also has an implicit UPN (MS-ADTS 5.1.1.1.1), which gives way to one that somebody really has.
        yield Reading("implicit UPN", "sAMAccountName", _bytes(local), unique=True, domain=suffix, last_resort=True)


_GUID_ANCHORS = frozenset({"ms-ds-consistencyguid", "objectguid"})


def _guid_in_base64(text: str) -> bytes | None:
    if len(text) != _BASE64_OF_A_GUID:
        return None
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == GUID_BYTES else None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _folded(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape").casefold()
