import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.directory.access.sid import domain_of, sid_from_text, sid_to_text


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("S-1-1-0", "010100000000000100000000"),
        ("S-1-5-32-554", "01020000000000052000 00002a020000"),
        ("S-1-0x010000000000-7", "010101000000000007000000"),
    ],
)
def test_a_sid_is_text_and_bytes(text, data):
    assert sid_from_text(text) == bytes.fromhex(data)
    assert sid_to_text(bytes.fromhex(data)) == text


@given(st.integers(0, 2**48 - 1), st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=15))
def test_bytes_survive_the_way_through_text(authority, numbers):
    data = bytes((1, len(numbers))) + authority.to_bytes(6, "big")
    data += b"".join(number.to_bytes(4, "little") for number in numbers)
    assert sid_from_text(sid_to_text(data)) == data


@given(st.binary(max_size=80))
def test_whatever_the_bytes_there_is_a_sid_or_a_value_error(data):
    try:
        assert sid_to_text(data).startswith("S-1-")
    except ValueError as error:
        assert "not a security identifier" in str(error)


@pytest.mark.parametrize("text", ["", "S-1", "S-2-5-18", "S-1-5-4294967296", "S-1-x-1", "alice", "S-1-5" + "-1" * 16])
def test_text_that_is_no_sid_is_refused(text):
    with pytest.raises(ValueError, match="not a security identifier"):
        sid_from_text(text)


def test_a_user_belongs_to_the_domain_that_its_sid_begins_with():
    assert domain_of("S-1-5-21-1-2-3-1105") == "S-1-5-21-1-2-3"
