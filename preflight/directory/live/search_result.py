"""Reading LDAP answers: a small reader of BER (RFC 4511 4.1.1, 4.5.2) that hands out raw values and trusts no length.

ldap3's decoder builds an object per element and takes most of the time of a large search; raw values are all that
`Entry` wants. Whatever is malformed, nested wrongly or larger than the caps raises `MalformedResponse`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

MAXIMUM_MESSAGE = 64 * 1024 * 1024
"""Bytes of one LDAP message. Active Directory cuts long attributes into ranges; entries stay far below this."""

ENTRY, DONE, REFERENCE, BIND_RESPONSE, EXTENDED_RESPONSE = 0x64, 0x65, 0x73, 0x61, 0x78
PAGED_RESULTS = b"1.2.840.113556.1.4.319"

_SEQUENCE, _SET, _OCTETS, _INTEGER, _BOOLEAN, _ENUMERATED = 0x30, 0x31, 0x04, 0x02, 0x01, 0x0A
_CONTROLS, _REFERRAL, _SASL_CREDENTIALS = 0xA0, 0xA3, 0x87
_SMALLEST_ENTRY = 16
_REMEMBERED_NAMES = 4096
_REMEMBERED_HEADS = 4096
_REMEMBERED_LISTS = 1024
_LONGEST_REMEMBERED = 512


class MalformedResponse(ValueError):
    """The bytes are no LDAP message, or larger than any that a domain controller sends."""


@dataclass(frozen=True, slots=True)
class Message:
    """Where the parts of a message lie in its bytes: the operation's content, then the controls' (empty: none)."""

    message_id: int
    operation: int
    start: int
    stop: int
    end: int


@dataclass(frozen=True, slots=True)
class Result:
    """An LDAPResult (RFC 4511 4.1.9) with what may follow it.

    Attributes:
        sasl_credentials: of a bind response; None where there are none.
        cookie: of the paged results control (RFC 2696); None: the server sent no such control.
    """

    code: int
    matched_dn: str
    message: str
    sasl_credentials: bytes | None
    cookie: bytes | None


def message_end(data: bytes | bytearray, start: int, stop: int) -> int | None:
    """Where the message that starts here ends; None while its length isn't there yet.

    Args:
        stop: where the data that is there ends.
    """
    available = stop - start
    if available < 2:
        return None
    if data[start] != _SEQUENCE:
        raise MalformedResponse(f"an LDAP message begins with 30, not {data[start]:02x}")
    first = data[start + 1]
    if first < 0x80:
        return start + 2 + first
    octets = first & 0x7F
    if not 1 <= octets <= 4:
        raise MalformedResponse("a length in a form that LDAP doesn't use")
    if available < 2 + octets:
        return None
    length = int.from_bytes(data[start + 2 : start + 2 + octets], "big")
    if length > MAXIMUM_MESSAGE:
        raise MalformedResponse(f"a message of {length} bytes")
    return start + 2 + octets + length


def read_message(data: bytes | bytearray, start: int, end: int) -> Message:
    """The parts of the message at data[start:end]."""
    tag, position, stop = _header(data, start, end)
    if tag != _SEQUENCE or stop != end:
        raise MalformedResponse("not an LDAP message")
    tag, id_start, id_stop = _header(data, position, end)
    if tag != _INTEGER:
        raise MalformedResponse("a message without an identifier")
    message_id = _integer(data, id_start, id_stop)
    operation, start, stop = _header(data, id_stop, end)
    return Message(message_id, operation, start, stop, end)


def entry_prefix(message_id: int) -> bytes:
    """What follows a message's length where the message is an entry in the answer to this request."""
    identifier = message_id.to_bytes((message_id.bit_length() + 8) // 8, "big")
    return bytes((_INTEGER, len(identifier))) + identifier + bytes((ENTRY,))


def entry_spans(data: bytes | bytearray, start: int, stop: int, prefix: bytes, most: int) -> list[tuple[int, int]]:
    """Where the contents of the entries that follow one another from here lie; each message ends with its entry.

    The last is where the next message isn't all there, or has another form than nearly all entries have: then
    `read_message` tells what it is.

    Args:
        stop: where the data that is there ends.
        prefix: `entry_prefix` of the request.
        most: how many are looked for.
    """
    spans: list[tuple[int, int]] = []
    size = len(prefix)
    while len(spans) < most and stop - start >= _SMALLEST_ENTRY and data[start] == _SEQUENCE:
        form = data[start + 1]
        octets = form & 0x7F
        body = start + 2 + octets
        # Samba writes lengths of 2 octets, Active Directory always of 4.
        if form not in (0x82, 0x84) or not data.startswith(prefix, body):
            break
        at = body + size
        content = at + 1 + octets
        end = body + int.from_bytes(data[start + 2 : body], "big")
        if end > stop or content > end or data[at] != form:
            break
        if content + int.from_bytes(data[at + 1 : content], "big") != end:
            break
        spans.append((content, end))
        start = end
    return spans


def read_result(data: bytes | bytearray, message: Message) -> Result:
    """The result of a message that carries one: the end of a search, a bind or extended response."""
    end = message.stop
    tag, start, stop = _header(data, message.start, end)
    if tag != _ENUMERATED:
        raise MalformedResponse("a result without a code")
    code = _integer(data, start, stop)
    matched, position = _octets(data, stop, end)
    text, position = _octets(data, position, end)
    credentials: bytes | None = None
    while position < end:
        tag, start, position = _header(data, position, end)
        if tag == _SASL_CREDENTIALS:
            credentials = bytes(data[start:position])
    return Result(
        code,
        matched.decode("utf-8", "replace"),
        # Active Directory ends its messages with a zero byte.
        text.decode("utf-8", "replace").rstrip("\x00"),
        credentials,
        _cookie(data, message.stop, message.end),
    )


class EntryReader:
    """Reads the entries of one search, names spelled as they were asked for.

    Attributes:
        has_ranges: whether an answer held part of an attribute's values (`member;range=0-1499`, MS-ADTS
            3.1.1.3.1.3.3): those stand under the name as answered.
    """

    def __init__(self, attributes: Collection[str]) -> None:
        self._asked = {name.lower(): name for name in attributes}
        self._names: dict[bytes, str] = {}
        self._heads: dict[bytes, tuple[str, int, bool]] = {}
        """By the bytes up to an attribute's first value: its name, its length, and whether it has one value."""
        self._lists: dict[bytes, list[bytes]] = {}
        """The values of whole attributes that have several, by their bytes."""
        self.has_ranges = False

    def read(self, data: bytes, start: int, end: int) -> tuple[str, dict[str, list[bytes]]]:
        """The distinguished name and the attributes of the entry whose content is data[start:end]."""
        try:
            return self._read(data, start, end)
        except IndexError:
            raise MalformedResponse("an entry ends in the middle of an element") from None

    def _read(self, data: bytes, start: int, end: int) -> tuple[str, dict[str, list[bytes]]]:
        name, position = _octets(data, start, end)
        tag, position, attributes_end = _header(data, position, end)
        if tag != _SEQUENCE or attributes_end != end:
            raise MalformedResponse("an entry without a list of attributes")
        known_heads, known_lists = self._heads, self._lists
        attributes: dict[str, list[bytes]] = {}
        while position < end:
            # This runs for every attribute of every user. Most begin with bytes that were taken apart before.
            form = data[position + 1]
            if form < 0x80:
                size = 8 + data[position + 3]
            elif form == 0x84:
                size = 16 + data[position + 7]
            else:
                size = 14 + data[position + 5]
            known = known_heads.get(data[position : position + size])
            if known is not None:
                spelling, length, single = known
                stop = position + length
                if stop > end:
                    raise MalformedResponse("an element that reaches beyond what holds it")
                if single:
                    attributes[spelling] = [data[position + size : stop]]
                    position = stop
                    continue
                values = known_lists.get(data[position:stop])
                if values is not None:
                    attributes[spelling] = values.copy()
                    position = stop
                    continue
            spelling, values, stop = self._attribute(data, position, end, size)
            attributes[spelling] = values
            position = stop
        return name.decode("utf-8", "replace"), attributes

    def _attribute(self, data: bytes, start: int, end: int, head: int) -> tuple[str, list[bytes], int]:
        """The attribute at data[start:end], taken apart: its name, its values, and where it stops.

        Args:
            head: the size of what comes before the first value, if lengths have the forms that they usually have.
        """
        tag, position, attribute_end = _header(data, start, end)
        if tag != _SEQUENCE:
            raise MalformedResponse("an attribute that is no sequence")
        described, position = _octets(data, position, attribute_end)
        tag, position, values_end = _header(data, position, attribute_end)
        if tag != _SET or values_end != attribute_end:
            raise MalformedResponse("an attribute without a set of values")
        values: list[bytes] = []
        first = 0
        while position < values_end:
            tag, value_start, position = _header(data, position, values_end)
            if tag != _OCTETS:
                raise MalformedResponse("a value that is no octet string")
            first = first or value_start
            values.append(data[value_start:position])
        spelling = self._names.get(described) or self._spelling(described)
        if first - start == head and described in self._names:
            self._remember(data[start:first], spelling, data[start:attribute_end], values)
        return spelling, values, attribute_end

    def _remember(self, head: bytes, spelling: str, whole: bytes, values: list[bytes]) -> None:
        """How an attribute goes on that begins with these bytes, which hold all lengths up to the first value's.

        Of several values, such as the classes of an object, most users have the same: they are remembered as a whole.
        """
        if len(self._heads) < _REMEMBERED_HEADS:
            self._heads[head] = spelling, len(whole), len(values) == 1
        if len(values) > 1 and len(whole) <= _LONGEST_REMEMBERED and len(self._lists) < _REMEMBERED_LISTS:
            self._lists[whole] = values.copy()

    def _spelling(self, described: bytes) -> str:
        answered = described.decode("utf-8", "replace")
        if ";range=" in answered.lower():
            self.has_ranges = True
            return answered
        spelling = self._asked.get(answered.lower(), answered)
        if len(self._names) < _REMEMBERED_NAMES:
            self._names[described] = spelling
        return spelling


def _header(data: bytes | bytearray, position: int, end: int) -> tuple[int, int, int]:
    """The tag of the element at the position, and where its content starts and stops."""
    if position + 2 > end:
        raise MalformedResponse("an element that ends before its length")
    tag = data[position]
    length = data[position + 1]
    position += 2
    if length >= 0x80:
        octets = length & 0x7F
        if not 1 <= octets <= 4 or position + octets > end:
            raise MalformedResponse("a length in a form that LDAP doesn't use")
        length = int.from_bytes(data[position : position + octets], "big")
        position += octets
    stop = position + length
    if stop > end:
        raise MalformedResponse("an element that reaches beyond what holds it")
    return tag, position, stop


def _octets(data: bytes | bytearray, position: int, end: int) -> tuple[bytes, int]:
    tag, start, stop = _header(data, position, end)
    if tag != _OCTETS:
        raise MalformedResponse(f"an octet string was expected, not {tag:02x}")
    return bytes(data[start:stop]), stop


def _integer(data: bytes | bytearray, start: int, stop: int) -> int:
    if not 1 <= stop - start <= 8:
        raise MalformedResponse("an integer of a length that LDAP doesn't use")
    return int.from_bytes(data[start:stop], "big", signed=True)


def _cookie(data: bytes | bytearray, position: int, end: int) -> bytes | None:
    """The cookie of the paged results control among the controls at data[position:end]."""
    if position == end:
        return None
    tag, position, stop = _header(data, position, end)
    if tag != _CONTROLS or stop != end:
        raise MalformedResponse("something else than controls after the operation")
    while position < end:
        tag, start, position = _header(data, position, end)
        if tag != _SEQUENCE:
            raise MalformedResponse("a control that is no sequence")
        control, inner = _octets(data, start, position)
        if control != PAGED_RESULTS:
            continue
        tag, value_start, value_stop = _header(data, inner, position)
        if tag == _BOOLEAN:
            tag, value_start, value_stop = _header(data, value_stop, position)
        if tag != _OCTETS:
            raise MalformedResponse("a paged results control without a value")
        tag, value_start, value_stop = _header(data, value_start, value_stop)
        if tag != _SEQUENCE:
            raise MalformedResponse("a paged results control of another form")
        _, _, size_stop = _header(data, value_start, value_stop)
        cookie, _ = _octets(data, size_stop, value_stop)
        return cookie
    return None
