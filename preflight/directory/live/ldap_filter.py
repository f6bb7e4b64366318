"""Search filters (RFC 4515), with every value escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from preflight.directory.access.sid import sid_from_text

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,=@_-$")
_PER_FILTER = 50


def escape(value: str | bytes) -> str:
    r"""The value as it stands in a filter: everything special, and every byte beyond ASCII, as `\xx`."""
    octets = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return "".join(chr(octet) if octet in _PLAIN else f"\\{octet:02x}" for octet in octets)


def equal(attribute: str, value: str | bytes) -> str:
    return f"({attribute}={escape(value)})"


def sid_equal(sid: str) -> str:
    """Raises ValueError: the text is no SID."""
    return "(objectSid=" + "".join(f"\\{octet:02x}" for octet in sid_from_text(sid)) + ")"


def any_of(filters: Iterable[str]) -> str:
    terms = list(filters)
    return terms[0] if len(terms) == 1 else f"(|{''.join(terms)})"


def all_of(*filters: str) -> str:
    return f"(&{''.join(filters)})"


def batches(filters: Iterable[str]) -> Iterator[str]:
    """The filters joined by OR, at most 50 in each: few searches, none too long."""
    terms = list(filters)
    for start in range(0, len(terms), _PER_FILTER):
        yield any_of(terms[start : start + _PER_FILTER])
