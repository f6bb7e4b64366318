"""A host and a port, as a person writes them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def is_address(host: str) -> bool:
    """Whether the host is an IPv4 or IPv6 address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def normalise_host(text: str) -> str:
    """A host name in lower case without its trailing dot, or an address in its shortest form.

    Raises:
        ValueError: neither a DNS name nor an address; the message says why.
    """
    if is_address(text):
        return str(ipaddress.ip_address(text))
    if text.startswith("*"):
        raise ValueError(f"{text!r} is a wildcard: name a concrete host")
    if any(character.isspace() for character in text):
        raise ValueError(f"{text!r} holds a blank")
    try:
        name = text.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise ValueError(f"{text!r} is no host name") from None
    labels = name.split(".")
    if not name or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{text!r} is no host name")
    # The system would read "10.1" as 10.0.0.1: whoever wrote it meant something else.
    if labels[-1].isdigit():
        raise ValueError(f"{text!r} is neither an IPv4 address nor a host name")
    return name


def _split_port(text: str) -> tuple[str, str | None]:
    """Host and port text; a bare IPv6 address has no port."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{text!r}: write an IPv6 address with a port as [address]:port")
        if ":" not in host or not is_address(host):
            raise ValueError(f"{text!r}: {host!r} is no IPv6 address")
        return host, rest[1:] if rest else None
    if text.count(":") > 1:
        if not is_address(text):
            raise ValueError(f"{text!r} is no IPv6 address; with a port, write [address]:port")
        return text, None
    host, colon, port = text.partition(":")
    return host, port if colon else None


def _parse_port(text: str, whole: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise ValueError(f"{whole!r}: {text!r} is no port (1 to 65535)")
    return int(text)


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """What is connected to.

    Attributes:
        host: a DNS name (lower case, no trailing dot) or an address.
        port: 1 to 65535.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, default_port: int = 443) -> Endpoint:
        """ "host", "host:port", an IPv4 or IPv6 address, "[IPv6]:port".

        Raises:
            ValueError: the message says what is wrong, with the text.
        """
        text = text.strip()
        if not text:
            raise ValueError("an empty host")
        if "://" in text or "/" in text or "@" in text:
            raise ValueError(f"{text!r} is a URL or a path: write host or host:port")
        host, port = _split_port(text)
        if not host:
            raise ValueError(f"{text!r} has no host")
        return cls(normalise_host(host), default_port if port is None else _parse_port(port, text))

    @property
    def is_address(self) -> bool:
        """Whether the host needs no name resolution."""
        return is_address(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
