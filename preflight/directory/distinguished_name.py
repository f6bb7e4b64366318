r"""Distinguished names as Active Directory writes them (RFC 4514), taken apart and compared.

Names are strings all through the program; this module is the only place that knows about commas in them. A
name whose text has no backslash or quote, which is nearly every name, is handled by one regular expression.

Spaces around separators, a semicolon as separator, quoted values (RFC 2253 and before) and several attributes in
one RDN are accepted; nothing in here writes them. Every function raises `MalformedName` for what is no
distinguished name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator


class MalformedName(ValueError):
    """The text is no distinguished name (or no domain name)."""

    def __init__(self, text: str, why: str) -> None:
        shown = text if len(text) <= 200 else text[:200] + "..."
        super().__init__(f"{shown!r} is not a distinguished name: {why}")


_TYPE = r"(?:[A-Za-z][A-Za-z0-9-]*+|[0-9]++(?:\.[0-9]++)*+)"
_PLAIN_RDN = _TYPE + r'=(?![ #])[^\\",;+<>\x00-\x1f]*+(?<! )'
_PLAIN = re.compile(f"{_PLAIN_RDN}(?:,{_PLAIN_RDN})*+")
"""A name that is its own normal form, but for case."""

_PLAIN_LINES = re.compile(f"{_PLAIN.pattern}(?:\n{_PLAIN.pattern})*+")

_SIMPLE_RDN = _TYPE + r'=(?![ #])(?:[^\\",;+<>\x00-\x1f]++|\\[\\",;+<>])*+(?<! )'
_SIMPLE = re.compile(f"{_SIMPLE_RDN}(?:,{_SIMPLE_RDN})*+")
"""The same with escaped separators, as in `CN=Smith\\, John`: in some directories most names are like that."""

_SIMPLE_ESCAPE = re.compile(r"\\(.)")

_ATTRIBUTE = re.compile(rf"[ ]*+({_TYPE})[ ]*+=[ ]*+")
_RDN = re.compile(r'(?:[^\\",;]++|\\.|"(?:[^\\"]++|\\.)*+")*+', re.DOTALL)
_ASSERTION = re.compile(r'(?:[^\\"+]++|\\.|"(?:[^\\"]++|\\.)*+")*+', re.DOTALL)
_ESCAPE = re.compile(r'\\(?:([ "#+,;<=>\\])|((?:[0-9A-Fa-f]{2})(?:\\[0-9A-Fa-f]{2})*+))|\\|"', re.DOTALL)
_SPECIAL = re.compile(r'[\\",;+<>\x00-\x1f]|^[ #]| \Z')
_WRITTEN_AS_HEX = re.compile(r"[\x00-\x1f]")


def split(distinguished_name: str) -> tuple[str, ...]:
    """The relative distinguished names, the object's own first, as spelled; none of the rootDSE's empty name."""
    if _PLAIN.fullmatch(distinguished_name):
        return tuple(distinguished_name.split(","))
    if not distinguished_name.strip(" "):
        return ()
    rdns = tuple(rdn for rdn, _ in _scan(distinguished_name))
    for rdn in rdns:
        _assertions(rdn)
    return rdns


def parent(distinguished_name: str) -> str:
    """The name of the object above, as spelled; "" where there is none. Looks at the first RDN only."""
    if "\\" not in distinguished_name and '"' not in distinguished_name and ";" not in distinguished_name:
        rdn, comma, rest = distinguished_name.partition(",")
        if not (rdn or comma):
            return ""
        if rdn.find("=") > 0 and (rest or not comma):
            return rest.lstrip(" ")
        raise MalformedName(distinguished_name, "an RDN without attribute and value")
    rdn, following = next(_scan(distinguished_name))
    _assertions(rdn)
    return distinguished_name[following:].lstrip(" ")


def ancestors(distinguished_name: str) -> Iterator[str]:
    """The names of the objects above, the nearest first, as spelled."""
    above = parent(distinguished_name)
    while above:
        yield above
        above = parent(above)


def normalise(distinguished_name: str) -> str:
    r"""The form in which two names of one object are equal.

    Case is folded, spaces around separators are dropped, escapes are unified: `\,` and `\2C` become `\2c`. So a
    comma in a normal form always separates, and `endswith` and `partition(",")` may be used on it.
    """
    if _PLAIN.fullmatch(distinguished_name):
        return distinguished_name.casefold()
    if _SIMPLE.fullmatch(distinguished_name):
        return _SIMPLE_ESCAPE.sub(_as_hex_pair, distinguished_name.casefold())
    if not distinguished_name.strip(" "):
        return ""
    return ",".join(_normal_rdn(rdn) for rdn, _ in _scan(distinguished_name))


def same(one: str, other: str) -> bool:
    """Whether two names are of one object; what is no distinguished name is equal to itself alone."""
    try:
        return normalise(one) == normalise(other)
    except MalformedName:
        return one == other


def normal_lines(names: str) -> Iterable[str]:
    """The normal forms of many names, one a line; what is no name stays as it is, and equals itself only."""
    if _PLAIN_LINES.fullmatch(names):
        # Nearly always; many at a time cost a third of what they cost one by one.
        return names.casefold().split("\n")
    return map(normal_form, names.split("\n"))


def normal_form(name: str) -> str:
    """As `normalise`; what is no name stays as it is."""
    try:
        return normalise(name)
    except MalformedName:
        return name


def is_under(distinguished_name: str, base: str) -> bool:
    """Whether the object is the base or stands below it. Everything stands below the empty name."""
    name, above = normalise(distinguished_name), normalise(base)
    return not above or name == above or name.endswith("," + above)


def rdn_value(distinguished_name: str) -> str:
    r"""The value of the object's own RDN, unescaped: `Smith, J` of `CN=Smith\, J,DC=x`; "" of the empty name."""
    if not distinguished_name.strip(" "):
        return ""
    rdn, _ = next(_scan(distinguished_name))
    return _assertions(rdn)[0][1]


def assertions(rdn: str) -> list[tuple[str, str]]:
    """The attribute types of an RDN with their values, unescaped: one, or several where plus signs join them."""
    return _assertions(rdn)


def escape_value(text: str) -> str:
    """The text as the value of an RDN (RFC 4514 section 2.4), control characters as hex pairs."""
    escaped = re.sub(r'[\\",;+<>=]', r"\\\g<0>", text)
    escaped = _WRITTEN_AS_HEX.sub(lambda match: f"\\{ord(match[0]):02X}", escaped)
    if text.endswith(" ") and len(text) > 1:
        escaped = escaped[:-1] + "\\ "
    return "\\" + escaped if text.startswith((" ", "#")) else escaped


def domain_to_dn(domain: str) -> str:
    """The name of a domain's head: `corp.contoso.com` is `DC=corp,DC=contoso,DC=com`."""
    labels = domain.strip().removesuffix(".").split(".")
    if not all(labels):
        raise MalformedName(domain, "and no DNS name of a domain either")
    return ",".join(f"DC={escape_value(label)}" for label in labels)


def dn_to_domain(distinguished_name: str) -> str:
    """The DNS name, lower case, of the object's domain: the DC components that the name ends in."""
    labels: list[str] = []
    for rdn in reversed(split(distinguished_name)):
        (attribute, value), *more = _assertions(rdn)
        if attribute.upper() != "DC" or more or not value:
            break
        labels.append(value.lower())
    if not labels:
        raise MalformedName(distinguished_name, "of an object in a domain: it doesn't end in DC components")
    return ".".join(reversed(labels))


def _scan(distinguished_name: str) -> Iterator[tuple[str, int]]:
    """Each RDN without the spaces around it, and the position after its separator."""
    start, end = 0, len(distinguished_name)
    last = len(distinguished_name.rstrip(" ")) - 1
    while True:
        match = _RDN.match(distinguished_name, start)
        stop = match.end() if match else start
        if stop < end and distinguished_name[stop] not in ",;":
            why = "a quote isn't closed" if distinguished_name[stop] == '"' else "it ends in a backslash"
            raise MalformedName(distinguished_name, why)
        rdn = distinguished_name[start:stop].lstrip(" ")
        if not rdn:
            raise MalformedName(distinguished_name, "an RDN without attribute and value")
        if last == stop < end:
            raise MalformedName(distinguished_name, "it ends in a separator")
        yield _without_trailing_spaces(rdn), stop + 1
        if stop >= end:
            return
        start = stop + 1


def _assertions(rdn: str) -> list[tuple[str, str]]:
    """The attribute types of an RDN with their unescaped values: one, or several joined by plus signs."""
    assertions: list[tuple[str, str]] = []
    start = 0
    while True:
        match = _ASSERTION.match(rdn, start)
        stop = match.end() if match else start
        attribute = _ATTRIBUTE.match(rdn, start, stop)
        if not attribute:
            raise MalformedName(rdn, "an RDN without attribute and value")
        assertions.append((attribute[1], _unescape(_without_trailing_spaces(rdn[attribute.end() : stop]))))
        if stop >= len(rdn):
            return assertions
        start = stop + 1


def _without_trailing_spaces(text: str) -> str:
    """An escaped space at the end belongs to the value."""
    bare = text.rstrip(" ")
    backslashes = len(bare) - len(bare.rstrip("\\"))
    return bare + " " if backslashes % 2 and len(bare) < len(text) else bare


def _unescape(value: str) -> str:
    if "\\" not in value and '"' not in value:
        return value
    if value[0] == '"':
        value = value[1:-1] if value[-1] == '"' and len(value) > 1 else value
    try:
        return _ESCAPE.sub(_unescaped, value)
    except UnicodeDecodeError as error:
        raise MalformedName(value, "its hex pairs aren't UTF-8") from error
    except ValueError as error:
        raise MalformedName(value, str(error)) from error


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return match[1]
    if match[2]:
        return bytes.fromhex(match[2].replace("\\", "")).decode("utf-8")
    if match[0] == '"':
        raise ValueError("a quote stands inside a value")
    raise ValueError("a backslash stands before a character that can't be escaped")


def _normal_rdn(rdn: str) -> str:
    parts = []
    for attribute, value in _assertions(rdn):
        folded = value.casefold()
        parts.append(f"{attribute.casefold()}={_SPECIAL.sub(_as_hex, folded)}")
    return "+".join(sorted(parts))


def _as_hex(match: re.Match[str]) -> str:
    return f"\\{ord(match[0]):02x}"


def _as_hex_pair(match: re.Match[str]) -> str:
    return f"\\{ord(match[1]):02x}"
