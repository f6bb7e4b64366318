"""Attributes with many values come in parts, such as `member;range=0-1499` (MS-ADTS 3.1.1.3.1.3.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from preflight.directory.ldap_errors import unavailable

ReadRange = Callable[[str, str], Mapping[str, list[bytes]] | None]
"""Reads an attribute, described with a range, of the object with a name; None: the object is gone."""

_RANGE = re.compile(r"(?P<name>[^;]+);range=(?P<first>\d+)-(?P<last>\d+|\*)", re.IGNORECASE)
_PARTS = 100_000


def complete_ranges(distinguished_name: str, attributes: dict[str, list[bytes]], read: ReadRange) -> None:
    """Put all values of the attributes that came in part under their plain names.

    Raises:
        Unavailable: the rest can't be read, or doesn't fit (code "protocol-violation").
    """
    for described in [name for name in attributes if ";range=" in name.lower()]:
        match = _RANGE.fullmatch(described)
        values = attributes.pop(described)
        if match is None:
            raise unavailable("protocol-violation", distinguished_name, described)
        attributes[match["name"]] = _all_values(distinguished_name, match, values, read)


def _all_values(distinguished_name: str, match: re.Match[str], values: list[bytes], read: ReadRange) -> list[bytes]:
    name = match["name"]
    for _ in range(_PARTS):
        if match["last"] == "*":
            return values
        following = int(match["last"]) + 1
        answer = read(distinguished_name, f"{name};range={following}-*")
        parts = [
            (found, more)
            for described, more in (answer or {}).items()
            if (found := _RANGE.fullmatch(described)) and found["name"].lower() == name.lower()
        ]
        if len(parts) != 1 or int(parts[0][0]["first"]) != following:
            raise unavailable("protocol-violation", distinguished_name, f"{name} broke off after {following} values")
        match, more = parts[0]
        values += more
    raise unavailable("protocol-violation", distinguished_name, f"{name} has no end")
