from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ldap3.strategy.base import BaseStrategy
from ldap3.utils.asn1 import decode_message_fast
from ldap_peer import ber, bind_result, done, entry, integer, octets, result

from preflight.directory.live.search_result import (
    MAXIMUM_MESSAGE,
    EntryReader,
    MalformedResponse,
    entry_prefix,
    entry_spans,
    message_end,
    read_message,
    read_result,
)

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True)
VALUES = st.lists(st.binary(max_size=400), max_size=6)


def message(operation: bytes, controls: bytes = b"", message_id: int = 7) -> bytes:
    return ber(0x30, integer(message_id), operation, controls)


def read_entry(data: bytes, asked: tuple[str, ...] = ()) -> tuple[str, dict[str, list[bytes]]]:
    assert message_end(data, 0, len(data)) == len(data)
    found = read_message(data, 0, len(data))
    return EntryReader(asked).read(data, found.start, found.stop)


def ldap3_entry(data: bytes) -> dict:
    class Connection:
        server = None
        check_names = False
        empty_attributes = False

    strategy = BaseStrategy.__new__(BaseStrategy)
    strategy.connection = Connection()
    Connection.server = type("Server", (), {"schema": None, "custom_formatter": None})()
    return strategy.decode_response_fast(decode_message_fast(data))


@given(name=st.text(max_size=80), attributes=st.dictionaries(NAMES, VALUES, max_size=8))
def test_entries_are_read_as_ldap3_reads_them(name: str, attributes: dict[str, list[bytes]]) -> None:
    # ldap3 keeps names case-insensitively; two that differ by case can't come from a server.
    attributes = {key.lower(): values for key, values in attributes.items()}
    data = message(entry(name.encode("utf-8", "replace").decode(), **attributes))
    found, values = read_entry(data)
    expected = ldap3_entry(data)
    assert found == expected["dn"]
    assert values == {key: list(value or ()) for key, value in expected["raw_attributes"].items()}


def wide(tag: int, *parts: bytes) -> bytes:
    """As Active Directory writes what holds others: every length in four octets."""
    content = b"".join(parts)
    return bytes((tag, 0x84)) + len(content).to_bytes(4, "big") + content


ALIKE = st.dictionaries(
    st.sampled_from(["cn", "objectClass", "objectSid", "nTSecurityDescriptor", "member;range=0-1"]),
    st.lists(st.sampled_from([b"", b"a", b"b", b"c" * 28, b"d" * 127, b"e" * 128, b"f" * 300]), max_size=3),
    max_size=5,
)
"""So much alike that lengths and whole attributes come again."""


@given(users=st.lists(ALIKE, min_size=2, max_size=5), form=st.sampled_from([ber, wide]), data=st.data())
def test_a_reader_reads_an_entry_as_if_it_had_seen_no_other_before(
    users: list[dict[str, list[bytes]]], form: Callable[..., bytes], data: st.DataObject
) -> None:
    def content(user: dict[str, list[bytes]]) -> bytes:
        attributes = [form(0x30, octets(name), form(0x31, *map(octets, values))) for name, values in user.items()]
        return octets("CN=x") + form(0x30, *attributes)

    def read(reader: EntryReader, entry: bytes) -> object:
        try:
            return reader.read(entry, 0, len(entry))
        except MalformedResponse:
            return MalformedResponse

    experienced = EntryReader(("CN", "objectclass"))
    for user in users:
        found = read(experienced, content(user))
        assert found == read(EntryReader(("CN", "objectclass")), content(user)) != MalformedResponse
        for values in found[1].values():
            values.clear()  # they are the user's own: whoever changes them changes nobody else's
    damaged = bytearray(content(users[-1]))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    for entry_content in (bytes(damaged), cut):
        assert read(experienced, entry_content) == read(EntryReader(("CN", "objectclass")), entry_content)


@given(
    message_id=st.sampled_from([1, 127, 128, 255, 256, 0x7FFFFFFF]),
    size=st.sampled_from([0, 100, 200, 70_000]),
    form=st.sampled_from([ber, wide]),
    controls=st.sampled_from([b"", ber(0xA0)]),
    data=st.data(),
)
def test_where_an_entry_lies_is_found_as_by_reading_its_message(
    message_id: int, size: int, form: Callable[..., bytes], controls: bytes, data: st.DataObject
) -> None:
    whole = bytearray(form(0x30, integer(message_id), form(0x64, bytes(size)), controls))
    if size < 70_000:
        for _ in range(data.draw(st.integers(0, 2))):
            whole[data.draw(st.integers(0, min(len(whole), 24) - 1))] = data.draw(st.integers(0, 255))
    # What stands behind what came is there from before, and means nothing.
    stop = data.draw(st.sampled_from([len(whole), len(whole) - 1, 3]))
    for span in entry_spans(whole, 0, stop, entry_prefix(message_id), 1):
        end = message_end(whole, 0, stop)
        assert end is not None
        assert end <= stop
        found = read_message(whole, 0, end)
        assert (found.message_id, found.operation, found.start, found.stop, found.end) == (message_id, 0x64, *span, end)


@pytest.mark.parametrize("form", [ber, wide])
def test_usual_entries_are_found_at_once(form: Callable[..., bytes]) -> None:
    data = b"before" + form(0x30, integer(300), form(0x64, bytes(600))) + b"after"
    [(start, stop)] = entry_spans(data, 6, len(data), entry_prefix(300), 10)
    assert data[start:stop] == bytes(600)


@pytest.mark.parametrize(("there", "most", "expected"), [(0, 10, 3), (0, 2, 2), (1, 10, 2), (700, 10, 1)])
def test_entries_that_follow_one_another_are_found_up_to_the_first_that_is_not_all_there(
    there: int, most: int, expected: int
) -> None:
    data = b"".join(message(ber(0x64, bytes((number,)) * 600)) for number in range(3))
    spans = entry_spans(data, 0, len(data) - there, entry_prefix(7), most)
    assert [data[start:stop] for start, stop in spans] == [bytes((number,)) * 600 for number in range(expected)]


@given(st.integers(min_value=0, max_value=70_000))
@example(127)
@example(128)
@example(65_535)
@example(65_536)
def test_values_of_every_length_come_back_whole(length: int) -> None:
    value = bytes(length)
    assert read_entry(message(entry("CN=x", photo=[value, b"after"])))[1] == {"photo": [value, b"after"]}


def test_names_are_spelled_as_they_were_asked_for() -> None:
    data = message(entry("CN=x", sAMAccountName=[b"x"], other=[b"y"]))
    assert read_entry(data, ("samaccountname",))[1] == {"samaccountname": [b"x"], "other": [b"y"]}


def test_a_part_of_an_attribute_keeps_its_range_and_is_pointed_out() -> None:
    data = message(entry("CN=x", **{"member;range=0-1": [b"a", b"b"]}))
    reader = EntryReader(("member",))
    found = read_message(data, 0, len(data))
    assert reader.read(data, found.start, found.stop)[1] == {"member;range=0-1": [b"a", b"b"]}
    assert reader.has_ranges


def test_a_result_comes_with_its_message_its_cookie_and_sasl_credentials() -> None:
    operation, controls = done(4, "too many\x00", cookie=b"next")
    data = message(operation, controls)
    found = read_result(data, read_message(data, 0, len(data)))
    assert (found.code, found.message, found.cookie) == (4, "too many", b"next")

    operation, controls = result(0x61, 14, extra=ber(0x87, b"token"))
    data = message(operation, controls)
    found = read_result(data, read_message(data, 0, len(data)))
    assert (found.code, found.sasl_credentials, found.cookie) == (14, b"token", None)


@pytest.mark.parametrize("start", [b"", b"\x30", b"\x30\x84\x00\x00"])
def test_a_message_whose_length_is_not_there_yet_has_no_end(start: bytes) -> None:
    assert message_end(start, 0, len(start)) is None


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 400",
        b"\x30\x80\x00\x00",
        b"\x30\x85\x00\x00\x00\x00\x01",
        b"\x30\x84" + (MAXIMUM_MESSAGE + 1).to_bytes(4, "big"),
    ],
    ids=["http", "indefinite", "five octets", "too long"],
)
def test_what_is_no_message_or_too_long_is_refused_before_it_is_read(start: bytes) -> None:
    with pytest.raises(MalformedResponse):
        message_end(start, 0, len(start))


@pytest.mark.parametrize(
    "operation",
    [
        ber(0x64, octets("CN=x")),
        ber(0x64, octets("CN=x"), ber(0x30, b"\x30\x20\x04\x01x")),
        ber(0x64, octets("CN=x"), ber(0x30, ber(0x30, octets("cn"), ber(0x31, b"\x04\x10ab")))),
        ber(0x64, octets("CN=x"), ber(0x30, ber(0x30, octets("cn"), ber(0x31, b"\x02\x01\x00")))),
        ber(0x64, octets("CN=x"), ber(0x30, ber(0x30, octets("cn"), ber(0x31, b"\x04")))),
        ber(0x64, octets("CN=x"), ber(0x30, ber(0x30, octets("cn"), ber(0x31), b"\x04\x00"))),
        ber(0x64, octets("CN=x"), ber(0x30), octets("more")),
        ber(0x64),
    ],
)
def test_an_entry_whose_parts_do_not_fit_is_malformed(operation: bytes) -> None:
    with pytest.raises(MalformedResponse):
        read_entry(message(operation))


@given(data=st.data())
def test_damaged_messages_are_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(
        message(entry("CN=x,DC=y", objectSid=[b"\x01" * 28], nTSecurityDescriptor=[b"d" * 300]))
        + message(*done(0, "fine", cookie=b"c"))
        + message(*bind_result(49, "no"))
    )
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(whole)
    position = 0
    try:
        while (end := message_end(damaged, position, len(damaged))) is not None and end <= len(damaged):
            found = read_message(damaged, position, end)
            if found.operation == 0x64:
                name, attributes = EntryReader(()).read(damaged, found.start, found.stop)
                assert isinstance(name, str)
                assert sum(len(value) for values in attributes.values() for value in values) <= len(damaged)
            else:
                read_result(damaged, found)
            position = end
    except MalformedResponse:
        pass
