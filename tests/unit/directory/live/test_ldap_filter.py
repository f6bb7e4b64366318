from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ldap3 import DEREF_NEVER
from ldap3.operation.search import search_operation
from ldap3.utils.asn1 import encode

from preflight.directory.access.sid import sid_from_text
from preflight.directory.live import ldap_filter


def encoded(filter: str) -> bytes:
    """The filter as it goes over the wire."""
    arguments = {"auto_escape": False, "auto_encode": False, "size_limit": 0, "time_limit": 0, "types_only": False}
    request = search_operation("", filter, 2, DEREF_NEVER, ["1.1"], **arguments)
    return bytes(encode(request["filter"]))


@given(st.binary(min_size=1, max_size=60))
@example(b"*")
@example(b"\\2a)(cn=*")
@example(b" leading and trailing ")
@example("Jürgen Groß".encode())
@example(bytes(range(256))[:120])
def test_any_value_reaches_the_server_as_it_is(value: bytes) -> None:
    wire = encoded(ldap_filter.equal("cn", value))
    # equalityMatch [3] of attribute and value, nothing else.
    assert wire == b"\xa3" + bytes((len(value) + 6,)) + b"\x04\x02cn\x04" + bytes((len(value),)) + value


def test_a_sid_is_asked_for_in_its_binary_form() -> None:
    assert sid_from_text("S-1-5-32-544") in encoded(ldap_filter.sid_equal("S-1-5-32-544"))
    with pytest.raises(ValueError, match="not a security identifier"):
        ldap_filter.sid_equal("S-1-*)(cn=*")


@given(st.integers(0, 160))
def test_batches_hold_every_term_once_and_few_each(count: int) -> None:
    terms = [ldap_filter.equal("cn", f"n{number}") for number in range(count)]
    batches = list(ldap_filter.batches(terms))
    assert len(batches) == -(-count // 50)
    assert all(batch.count("(cn=") <= 50 for batch in batches)
    assert all(sum(batch.count(term) for batch in batches) == 1 for term in terms)
