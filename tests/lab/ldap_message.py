"""LDAP messages as bytes (RFC 4511), as much of them as a recorder needs: who asks for what.

Made for tests, apart from the product's decoder on purpose: what is recorded must not depend on what is tested.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

OPERATIONS = {
    0x60: "bindRequest",
    0x61: "bindResponse",
    0x42: "unbindRequest",
    0x63: "searchRequest",
    0x64: "searchResEntry",
    0x65: "searchResDone",
    0x73: "searchResRef",
    0x66: "modifyRequest",
    0x67: "modifyResponse",
    0x68: "addRequest",
    0x69: "addResponse",
    0x4A: "delRequest",
    0x6B: "delResponse",
    0x6C: "modDNRequest",
    0x6D: "modDNResponse",
    0x6E: "compareRequest",
    0x6F: "compareResponse",
    0x50: "abandonRequest",
    0x77: "extendedReq",
    0x78: "extendedResp",
    0x79: "intermediateResponse",
}
RESPONSE_TO = {
    "bindRequest": 0x61,
    "searchRequest": 0x65,
    "modifyRequest": 0x67,
    "addRequest": 0x69,
    "delRequest": 0x6B,
    "modDNRequest": 0x6D,
    "compareRequest": 0x6F,
    "extendedReq": 0x78,
}
SCOPES = ("base", "one", "sub")
START_TLS = "1.3.6.1.4.1.1466.20037"


class Malformed(ValueError):
    """Not BER, or not LDAP."""


@dataclass(frozen=True, slots=True)
class Message:
    """One LDAPMessage.

    Attributes:
        name: of the operation, as in RFC 4511; "sealed" for what SASL has encrypted.
        dn: of a bind, the base of a search, the object of a change.
        filter: of a search, as text.
        attributes: that a search asks for.
        mechanism: of a bind: "simple", "anonymous" or the SASL mechanism.
        oid: of an extended request.
        controls: OIDs of the controls.
        critical: those of them that are critical.
        control_values: the value of each control, b"" where it has none.
        code: the result code of a response; None for anything else.
    """

    id: int
    name: str
    dn: str = ""
    scope: str = ""
    filter: str = ""
    attributes: tuple[str, ...] = ()
    mechanism: str = ""
    oid: str = ""
    controls: tuple[str, ...] = ()
    code: int | None = None
    critical: tuple[str, ...] = ()
    control_values: tuple[bytes, ...] = ()


def frame_length(buffer: bytes) -> int | None:
    """Length of the first message, header included; None while that isn't known yet."""
    if len(buffer) < 2:
        return None
    if buffer[0] != 0x30:  # SASL security layer: four bytes of length (RFC 4422 3.7)
        return 4 + int.from_bytes(buffer[:4], "big") if len(buffer) >= 4 else None
    if buffer[1] < 0x80:
        return 2 + buffer[1]
    size = buffer[1] & 0x7F
    if len(buffer) < 2 + size:
        return None
    return 2 + size + int.from_bytes(buffer[2 : 2 + size], "big")


def parse(frame: bytes) -> Message:
    """Raises: Malformed."""
    if frame[:1] != b"\x30":
        return Message(0, "sealed")
    try:
        [(_, content)] = elements(frame)
        (_, number), (tag, operation), *rest = elements(content)
        controls = [_control(control) for _, control in elements(rest[0][1])] if rest else []
        return replace(
            _operation(int.from_bytes(number, "big"), tag, operation, tuple(oid for oid, _, _ in controls)),
            critical=tuple(oid for oid, critical, _ in controls if critical),
            control_values=tuple(value for _, _, value in controls),
        )
    except (ValueError, IndexError, KeyError) as error:
        raise Malformed(f"{error}: {frame[:40].hex()}") from error


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element in a row."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length >= 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        if at + length > len(data):
            raise Malformed("an element ends after its container")
        yield tag, data[at : at + length]
        at += length


def element(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def response(message_id: int, request: str, code: int, text: str = "") -> bytes:
    """A whole answer: result code, no matched DN, a diagnostic message."""
    result = element(0x0A, bytes([code])) + element(0x04, b"") + element(0x04, text.encode())
    number = message_id.to_bytes(message_id.bit_length() // 8 + 1, "big")
    return element(0x30, element(0x02, number) + element(RESPONSE_TO[request], result))


def with_code(frame: bytes, code: int) -> bytes:
    """The same response with another result code."""
    [(_, content)] = elements(frame)
    number, (tag, operation), *rest = elements(content)
    if operation[:2] != b"\x0a\x01":
        raise Malformed("no result code")
    changed = operation[:2] + bytes([code]) + operation[3:]
    return element(0x30, b"".join(element(*each) for each in (number, (tag, changed), *rest)))


def _operation(number: int, tag: int, content: bytes, controls: tuple[str, ...]) -> Message:
    name = OPERATIONS.get(tag)
    if name is None:
        raise Malformed(f"no operation has the tag {tag:#x}")
    if name == "bindRequest":
        _, (_, dn), (choice, credentials) = elements(content)
        simple = "simple" if credentials else "anonymous"
        mechanism = _text(_first(credentials)) if choice == 0xA3 else simple
        return Message(number, name, dn=_text(dn), mechanism=mechanism, controls=controls)
    if name == "searchRequest":
        base, scope, _, _, _, _, condition, attributes = elements(content)
        return Message(
            number,
            name,
            dn=_text(base[1]),
            scope=SCOPES[scope[1][0]],
            filter=filter_text(*condition),
            attributes=tuple(_text(value) for _, value in elements(attributes[1])),
            controls=controls,
        )
    if name == "extendedReq":
        return Message(number, name, oid=_text(_first(content)), controls=controls)
    if name == "delRequest":
        return Message(number, name, dn=_text(content), controls=controls)
    if name in ("modifyRequest", "addRequest", "modDNRequest", "compareRequest"):
        return Message(number, name, dn=_text(_first(content)), controls=controls)
    if content[:2] == b"\x0a\x01":
        return Message(number, name, controls=controls, code=content[2])
    return Message(number, name, controls=controls)


def filter_text(tag: int, content: bytes) -> str:
    """A search filter as RFC 4515 writes it."""
    if tag in (0xA0, 0xA1, 0xA2):
        return f"({'&|!'[tag - 0xA0]}{''.join(filter_text(*part) for part in elements(content))})"
    if tag == 0x87:
        return f"({_text(content)}=*)"
    if tag == 0xA4:
        (_, name), (_, parts) = elements(content)
        pieces = [(kind, _value(piece)) for kind, piece in elements(parts)]
        start = "" if pieces[0][0] == 0x80 else "*"
        end = "" if pieces[-1][0] == 0x82 else "*"
        return f"({_text(name)}={start}{'*'.join(piece for _, piece in pieces)}{end})"
    if tag == 0xA9:
        parts = dict(elements(content))
        rule = f":{_text(parts[0x81])}" if 0x81 in parts else ""
        dn = ":dn" if parts.get(0x84, b"\0") != b"\0" else ""
        return f"({_text(parts.get(0x82, b''))}{dn}{rule}:={_value(parts[0x83])})"
    sign = {0xA3: "=", 0xA5: ">=", 0xA6: "<=", 0xA8: "~="}.get(tag)
    if sign is None:
        raise Malformed(f"no filter has the tag {tag:#x}")
    (_, name), (_, value) = elements(content)
    return f"({_text(name)}{sign}{_value(value)})"


def _first(data: bytes) -> bytes:
    for _, content in elements(data):
        return content
    raise Malformed("an element is missing")


def _value(value: bytes) -> str:
    text = _text(value)
    return "".join(f"\\{ord(c):02x}" if c in "()*\\\0" else c for c in text)


def _control(control: bytes) -> tuple[str, bool, bytes]:
    """OID, criticality and value (RFC 4511 4.1.11)."""
    (_, oid), *rest = elements(control)
    parts = dict(rest)
    return _text(oid), parts.get(0x01, b"\0") != b"\0", parts.get(0x04, b"")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
