"""The site that this machine lies in, as a domain controller sees it (MS-ADTS 6.3.3, the "LDAP ping" over UDP)."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

PORT = 389
_RESPONSE_EX = 23
"""LOGON_SAM_LOGON_RESPONSE_EX (MS-ADTS 6.3.1.3)."""

_ATTEMPTS = 3
_MOST = 65535
_SEQUENCE, _SET, _OCTETS, _SEARCH_RESULT_ENTRY = 0x30, 0x31, 0x04, 0x64


class NoSite(Exception):
    """The site is not known; the message says why."""


@dataclass(frozen=True, slots=True)
class SiteController:
    """A controller that DNS names for a site. `read_only` None: it did not say."""

    host: str
    read_only: bool | None


@dataclass(frozen=True, slots=True)
class MachineSite:
    """The site of this machine in one domain.

    Attributes:
        name: "" = not known.
        controllers: those that DNS names for it.
        obstacle: why something of it isn't known; "" for nothing.
        matters: controllers are chosen by site: neither configured nor out of an export.
    """

    name: str = ""
    controllers: tuple[SiteController, ...] = ()
    obstacle: str = ""
    matters: bool = True


def site_of_this_machine(address: str, domain: str, seconds: float) -> str:
    """Ask a controller in which site it sees this machine. One datagram, repeated twice.

    Raises:
        NoSite: no answer, or this machine's subnet belongs to no site.
    """
    request = _request(domain)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    until = time.monotonic() + seconds
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((address, PORT))
            for attempt in range(_ATTEMPTS):
                asking.settimeout(max((until - time.monotonic()) / (_ATTEMPTS - attempt), 0.001))
                asking.send(request)
                try:
                    return read_site(asking.recv(_MOST))
                except TimeoutError:
                    continue
    except OSError as error:
        raise NoSite(f"{address} can't be asked for the site by UDP {PORT}: {error.strerror or error}") from None
    raise NoSite(f"{address} does not answer by UDP {PORT} for which site this machine lies in")


def read_site(packet: bytes) -> str:
    """The client's site in a controller's answer.

    Raises:
        NoSite: it names none, or is no answer of a controller.
    """
    try:
        netlogon = _netlogon(packet)
        if netlogon is None or struct.unpack_from("<H", netlogon)[0] != _RESPONSE_EX:
            raise NoSite("the controller does not say in which site this machine lies")
        # Behind operation, padding, flags and GUID: forest, domain, host, their short names, user, both sites.
        at, names = 24, []
        for _ in range(8):
            name, at = _name(netlogon, at)
            names.append(name)
    except (struct.error, IndexError, ValueError):
        raise NoSite("the controller's answer about the site can't be read") from None
    if not names[7]:
        raise NoSite("this machine's address belongs to no site")
    return names[7]


def _request(domain: str) -> bytes:
    """A search of the rootDSE for Netlogon, with NtVer 6 (the extended answer)."""
    filters = _element(0xA3, _element(_OCTETS, b"DnsDomain") + _element(_OCTETS, domain.encode("ascii", "replace")))
    filters += _element(0xA3, _element(_OCTETS, b"NtVer") + _element(_OCTETS, struct.pack("<I", 6)))
    search = (
        _element(_OCTETS, b"")
        + b"\x0a\x01\x00\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00"  # base, never, no limits, values too
        + _element(0xA0, filters)
        + _element(_SEQUENCE, _element(_OCTETS, b"Netlogon"))
    )
    return _element(_SEQUENCE, b"\x02\x01\x01" + _element(0x63, search))


def _element(tag: int, value: bytes) -> bytes:
    length = len(value)
    size = bytes([length]) if length < 0x80 else b"\x82" + struct.pack(">H", length)
    return bytes([tag]) + size + value


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4:
                raise ValueError("no length")
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if at + length > len(data):
            raise ValueError("cut off")
        yield tag, data[at : at + length]
        at += length


def _netlogon(packet: bytes) -> bytes | None:
    for _, message in _elements(packet):
        for tag, entry in _elements(message):
            if tag != _SEARCH_RESULT_ENTRY:
                continue
            for kind, attributes in _elements(entry):
                if kind == _SEQUENCE:
                    for _, attribute in _elements(attributes):
                        values = [value for each, value in _elements(attribute) if each == _SET]
                        for _, value in _elements(values[0] if values else b""):
                            return value
    return None


def _name(data: bytes, at: int) -> tuple[str, int]:
    """A name as DNS packs it (RFC 1035 4.1.4): labels, or a pointer to where the rest of it stands."""
    labels, behind, jumps = [], 0, 0
    while data[at]:
        if data[at] & 0xC0:
            behind = behind or at + 2
            at = (data[at] & 0x3F) << 8 | data[at + 1]
            jumps += 1
            if jumps > 16:
                raise ValueError("a name that leads round and round")
            continue
        labels.append(data[at + 1 : at + 1 + data[at]].decode("utf-8", "replace"))
        at += 1 + data[at]
    return ".".join(labels), behind or at + 1
