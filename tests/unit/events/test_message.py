"""The grammar of the service's messages, as they stand in documentation, issues and articles."""

from __future__ import annotations

import base64
import time
import uuid

import event_logs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.events.message import MOST_LOOKED_AT, Message, guid_of, hresults_of, parse_message

TRACKING = "0b0e4f5c-7b1a-4c2d-9e3f-112233445566"
ANCHOR = "User_9c6fbec9-2ac9-4800-9382-0690a2cc69ea"
GUID = uuid.UUID("9c6fbec9-2ac9-4800-9382-0690a2cc69ea")
BASE64 = base64.b64encode(GUID.bytes_le).decode()
POLICY = (
    "Synchronization Engine returned an error hr=80230619, message=A restriction prevents the password from being "
    "changed to the current one specified."
)
EXCEPTION = f"Microsoft.CredentialManagement.OnPremisesPasswordReset.Shared.PasswordResetException: {POLICY}\r\n   at X"


def test_a_start_names_the_user_as_its_only_detail() -> None:
    read = parse_message(f"TrackingId: {TRACKING.upper()}, PasswordResetRequestStart, Details: user1@contoso.com")
    assert read == Message(
        tracking_id=TRACKING,
        name="PasswordResetRequestStart",
        user_principal_name="user1@contoso.com",
        details="user1@contoso.com",
    )


def test_a_success_has_its_context_within_the_details() -> None:
    read = parse_message(
        f"TrackingId: {TRACKING}, PasswordResetSuccess, Details: Context: cloudAnchor: {ANCHOR}, SourceAnchorValue: "
        f"{BASE64}, UserPrincipalName: user1@contoso.com, unblockUser: True"
    )
    assert read.name == "PasswordResetSuccess"
    assert (read.cloud_anchor, read.source_anchor, read.anchor_guid) == (ANCHOR, BASE64, GUID)
    assert (read.user_principal_name, read.unblock) == ("user1@contoso.com", True)


def test_a_reset_by_an_administrator_names_both() -> None:
    read = parse_message(
        f"TrackingId: {TRACKING}, ResetUserPasswordByAdminSuccess, Details: Context: cloudAnchor: {ANCHOR}, "
        f"SourceAnchorValue: {BASE64}, AdminUpn: root@contoso.com, UserPrincipalName: user1@contoso.com, "
        "ForcePasswordChange: False"
    )
    assert (read.admin, read.user_principal_name) == ("root@contoso.com", "user1@contoso.com")


def test_an_error_has_its_reason_first_and_the_exception_last() -> None:
    read = parse_message(
        f"TrackingId: {TRACKING}, Reason: {POLICY}, Context: cloudAnchor:{ANCHOR}, SourceAnchorValue: {BASE64}, "
        f"UserPrincipalName: bob@contoso.com, Details: {EXCEPTION}"
    )
    assert read.reason == POLICY
    assert (read.cloud_anchor, read.user_principal_name) == (ANCHOR, "bob@contoso.com")
    assert read.details == EXCEPTION
    assert read.hresults == ("0x80230619",)


def test_the_sync_engine_names_the_users_anchor_and_its_version() -> None:
    read = parse_message(
        'An unexpected error has occurred during a password set operation.\r\n "ERR_: MMS(7720): '
        "..\\ObjectSearcher.cpp(461): AD Object is not present.\r\nBAIL: MMS(7720): ..\\ObjectSearcher.cpp(491): "
        "0x80230405 (The operation failed because the object cannot be found):\r\n"
        f'AAD anchor = {ANCHOR}Azure AD Sync 2.1.20.0"'
    )
    assert (read.cloud_anchor, read.connect_version, read.hresults) == (ANCHOR, "2.1.20.0", ("0x80230405",))
    assert (read.tracking_id, read.version) == ("", "")


def test_namespaces_and_the_version_of_the_library() -> None:
    read = parse_message(
        f"TrackingId: {TRACKING}, Sent to sb://Contoso-SSPR-ncu.servicebus.windows.net/x, Details: Version: 5.0.500.1"
    )
    assert read.namespaces == ("contoso-sspr-ncu.servicebus.windows.net",)
    assert read.version == "5.0.500.1"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("hr=80230619, message=x", ("0x80230619",)),
        ("HR=800700CE", ("0x800700ce",)),
        ("hr=0x80230626 and 0x80230626 again, then 0x8023061F", ("0x80230626", "0x8023061f")),
        ("0x00000005 0x80070002", ("0x80070002",)),
        ("0x802306191 is longer", ()),
        ("no code: 80230619", ()),
    ],
)
def test_codes_of_errors(text: str, codes: tuple[str, ...]) -> None:
    assert hresults_of(text) == codes


@pytest.mark.parametrize("anchor", ["", "E12345", "x" * 22 + "==" + "x", "not base64!!!!!!!!!!!!!!", "Zm9v"])
def test_an_anchor_that_holds_no_guid_stays_as_it_is(anchor: str) -> None:
    assert guid_of(anchor) is None
    assert parse_message(f"SourceAnchorValue: {anchor}, UserPrincipalName: a@b").source_anchor == anchor


def test_what_an_exception_says_is_nobodys_name() -> None:
    read = parse_message(
        f"TrackingId: {TRACKING}, Context: cloudAnchor: {ANCHOR}, UserPrincipalName: bob@contoso.com, "
        "Details: X: UserPrincipalName: eve@contoso.com, TrackingId: ffffffff-ffff-ffff-ffff-ffffffffffff"
    )
    assert (read.user_principal_name, read.tracking_id) == ("bob@contoso.com", TRACKING)


_PLAIN = st.text(st.sampled_from("abcXYZ019 .-'äß"), min_size=1, max_size=30).map(str.strip).filter(bool)


@given(
    tracking=st.uuids(),
    cloud=st.uuids(),
    anchor=st.uuids(),
    user=st.from_regex(r"[a-zäß0-9.'-]{1,20}@[a-z0-9.-]{1,20}", fullmatch=True),
    reason=_PLAIN,
    details=_PLAIN,
    unblock=st.none() | st.booleans(),
)
def test_whatever_is_written_by_the_grammar_is_read(
    tracking: uuid.UUID, cloud: uuid.UUID, anchor: uuid.UUID, user: str, reason: str, details: str, unblock: bool | None
) -> None:
    source = base64.b64encode(anchor.bytes_le).decode()
    more = "" if unblock is None else f", unblockUser: {unblock}"
    read = parse_message(
        f"TrackingId: {tracking}, Reason: {reason}, Context: cloudAnchor: User_{cloud}, SourceAnchorValue: {source}, "
        f"UserPrincipalName: {user}{more}, Details: {details}"
    )
    assert (read.tracking_id, read.cloud_anchor, read.anchor_guid) == (str(tracking), f"User_{cloud}", anchor)
    assert (read.user_principal_name, read.reason, read.details, read.unblock) == (user, reason, details, unblock)


@given(st.text() | st.text(st.sampled_from("TrackingId: , Details:hr=0x8@-_User")))
def test_nothing_breaks_it(text: str) -> None:
    parse_message(text)


@pytest.mark.parametrize(
    "piece", ["TrackingId: ", "Details: Context: ", "a@", "User_", "0x", "hr=", "Version: 1.", "A"]
)
def test_a_hostile_text_costs_little_time(piece: str) -> None:
    text = piece * (4 * MOST_LOOKED_AT // len(piece))
    begun = time.perf_counter()
    parse_message(text)
    assert time.perf_counter() - begun < 2


def test_every_message_of_the_story_is_understood() -> None:
    for event in event_logs.two_days():
        read = parse_message(event.message)
        if event.source == event_logs.SERVICE:
            assert read.tracking_id, event
        if 31001 <= event.event_id <= 31003 or event.event_id >= 33000:
            assert read.user_principal_name.endswith("@contoso.com"), event
