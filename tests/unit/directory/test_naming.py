"""What may name a user: every form that people type and events hold, and nothing read into what is none."""

from __future__ import annotations

import base64
import re
from uuid import UUID

import pytest
from descriptors import DOMAIN, sid
from hypothesis import given
from hypothesis import strategies as st

from preflight.directory.live import ldap_filter
from preflight.directory.model import Entry
from preflight.directory.naming import DISTINGUISHED_NAME, LONGEST, Reading, is_cloud_anchor, readings
from preflight.directory.users.anchors import anchor_attributes

GUID = UUID("12345678-9abc-def0-1234-56789abcdef0")
GUESSED = anchor_attributes()
ANCHOR = base64.b64encode(GUID.bytes_le).decode()


def read(who: str, anchors=GUESSED) -> list[tuple[str, bytes, str]]:
    return [(each.attribute, each.value, each.domain) for each in readings(who, anchors)]


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("alice", [("sAMAccountName", b"alice", "")]),
        ("  alice ", [("sAMAccountName", b"alice", "")]),
        ("CORP\\alice", [("sAMAccountName", b"alice", "CORP")]),
        (
            "a@x.test",
            [
                ("userPrincipalName", b"a@x.test", ""),
                ("mail", b"a@x.test", ""),
                ("proxyAddresses", b"smtp:a@x.test", ""),
                ("sAMAccountName", b"a", "x.test"),
            ],
        ),
        ("CN=a,DC=x", [(DISTINGUISHED_NAME, b"CN=a,DC=x", "")]),
        (f"{DOMAIN}-1105", [("objectSid", sid(f"{DOMAIN}-1105"), "")]),
        (str(GUID), [("objectGUID", GUID.bytes_le, "")]),
        (f"{{{GUID}}}".upper(), [("objectGUID", GUID.bytes_le, "")]),
        ("", []),
        ("CORP\\", []),
        ("\\alice", []),
        ("S-1-nonsense", []),
        ("x" * (LONGEST + 1), []),
    ],
)
def test_a_name_is_read_as_what_it_may_be(who, expected):
    assert read(who) == expected


def test_an_address_is_read_with_its_type():
    assert read("SMTP:a@x.test")[1:3] == [("mail", b"a@x.test", ""), ("proxyAddresses", b"smtp:a@x.test", "")]


def test_an_anchor_of_raw_bytes_is_looked_for_wherever_it_may_stand():
    found = read(ANCHOR)
    assert found[:2] == [("mS-DS-ConsistencyGuid", GUID.bytes_le, ""), ("objectGUID", GUID.bytes_le, "")]
    assert ("employeeID", ANCHOR.encode(), "") in read(ANCHOR, anchor_attributes("employeeID"))


def test_a_text_anchor_is_read_beside_the_account_name_and_both_count():
    assert read("4711", ("employeeID",)) == [("employeeID", b"4711", ""), ("sAMAccountName", b"4711", "")]


def test_the_connector_account_has_names_of_accounts_only():
    assert read("a@x.test", ()) == [("userPrincipalName", b"a@x.test", ""), ("sAMAccountName", b"a", "x.test")]
    assert read(ANCHOR, ()) == [(DISTINGUISHED_NAME, ANCHOR.encode(), "")]


@pytest.mark.parametrize("text", ["AAAA", "=" * 24, "A" * 24, ANCHOR[:-1], ANCHOR.replace("=", "*"), ANCHOR + "="])
def test_what_is_no_guid_in_base64_is_no_anchor(text):
    assert not [each for each in readings(text, GUESSED) if each.binary]


def test_the_cloud_s_own_id_is_known_as_such():
    assert is_cloud_anchor(f" User_{GUID}")
    assert not is_cloud_anchor(str(GUID))


@given(st.text(max_size=80), st.sampled_from([(), GUESSED, ("employeeID",)]))
def test_every_text_can_be_read_and_each_reading_means_who_has_that_value(who, anchors):
    for each in readings(who, anchors):
        if each.attribute != DISTINGUISHED_NAME:
            assert each.names(Entry("CN=x", {each.attribute: [b"other", each.value]}))
        assert not each.names(Entry("CN=somebody else,DC=elsewhere", {each.attribute: [b"\x00other"]}))
        assert not each.names(Entry("CN=x", {}))


@given(st.text(max_size=80) | st.sampled_from(["*)(objectClass=*", "*", "\x00)(|", "a@*)(cn=*"]))
def test_nothing_of_a_name_is_syntax_of_a_filter(who):
    for each in readings(who, ("employeeID", *GUESSED)):
        text = ldap_filter.equal(each.attribute, each.value)
        assert re.fullmatch(r"\([A-Za-z-]+=(?:[\w.,=@$-]|\\[0-9a-f]{2})*\)", text, re.ASCII)


@given(st.binary(min_size=16, max_size=16))
def test_every_guid_is_found_by_its_text_and_by_its_base64(raw):
    entry = Entry("CN=x", {"objectGUID": [raw]})
    for who in (str(UUID(bytes_le=raw)), base64.b64encode(raw).decode()):
        assert any(each.names(entry) for each in readings(who, GUESSED)), who


def test_case_counts_in_bytes_alone():
    assert Reading("", "mail", "ÄB@x".encode()).names(Entry("", {"mail": ["äb@X".encode()]}))
    assert not Reading("", "objectGUID", b"A" * 16, binary=True).names(Entry("", {"objectGUID": [b"a" * 16]}))
