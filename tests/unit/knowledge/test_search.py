"""From text as it stands in an event or a dialog to the entry that it belongs to."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.knowledge import catalogue, causes_for, entry, procedures_for, search

TRACKING = "TrackingId: 7e1f3c52-0b1a-4d3e-9a55-6d2f1f9f3a10, "
CONTEXT = (
    ", Context: cloudAnchor: User_2f1b6a57-5f0e-4a53-8d2e-0f6a6d0b1c9e, SourceAnchorValue: Vxv4jVfdRkmd5gQv8gq3ig==, "
    "UserPrincipalName: alice@corp.contoso.com, unblockUser: True, Details: "
)


def best(text: str) -> str:
    return search(text)[0].entry.id


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("token provider", "service-bus-error"),
        (
            "Error connecting to ServiceBus: The token provider was unable to provide a security token while accessing "
            "'https://contoso.servicebus.windows.net'.",
            "service-bus-error",
        ),
        (
            'BAIL: MMS(4924): 0x80230619 - "A restriction prevents the password from being changed to the current one '
            'specified."',
            "password-policy-refused",
        ),
        (
            "MMS(3040): admaexport.cpp(2837): The server does not contain any LDAP password policy control.",
            "no-policy-hints",
        ),
        (
            f"{TRACKING}Reason: Synchronization Engine returned an error hr=80230402, message=An attempt to get an "
            f"object failed because there are duplicated entries with the same anchor{CONTEXT}",
            "duplicate-anchor",
        ),
        (
            f"{TRACKING}Synchronization Engine returned an error hr=800700CE, message=The filename or extension is too "
            f"long.{CONTEXT}",
            "connector-password-too-long",
        ),
        (
            f"{TRACKING}Synchronization Engine returned an error hr=80230626, message=The password could not be "
            f"updated because the management agent credentials were denied access.{CONTEXT}at "
            "Microsoft.CredentialManagement.OnPremisesPasswordReset.PasswordResetService.ChangePassword(String user)",
            "change-denied",
        ),
        (
            "0x80230626 ERR_: MMS(1234): admaexport.cpp(2944): Failed to acquire user information: CN=alice, "
            "ERROR_ACCESS_DENIED",
            "sam-read-denied",
        ),
        (
            "0x8023061f (The operation failed because password synchronization is not enabled on this Management "
            "Agent.)",
            "forest-added-later",
        ),
        ("ADPermissionsError", "ad-permissions"),
        ("The access was denied access to perform the operation on a privileged account.", "ad-permissions"),
        ("Multiple matches found for the object", "multiple-matches"),
        ("The object could not be found", "object-not-found"),
        ("The remote certificate is invalid according to the validation procedure.", "listener-failed"),
        ("Error getting auth token.", "auth-token-failed"),
        (
            "SSPR_0029: We are unable to reset your password due to an error in your on-premises configuration.",
            "sspr-on-premises-admin",
        ),
        (
            "SSPR_0030: We can't reset your password due to a poor connection to your on-premises environment.",
            "sspr-connectivity",
        ),
        ("SSPR_0012: You are not a member of a group enabled for password reset.", "sspr-not-in-group"),
        (
            "SSPR_0012: Your organization is missing the required license(s) necessary to perform password reset.",
            "sspr-not-licensed",
        ),
        ("Event ID: 403", "adsync-logon-user"),
        ("Your administrator has not enabled you to use this feature", "registration-not-enabled"),
        ("HRESULT -2145188327", "password-policy-refused"),
        ("error:33005", "ad-account-disabled"),
        ("The account is locked out", "ad-account-locked"),
        ("wrong old password", "ad-incorrect-password"),
        ("clock skew", "adsync-unexpected"),
    ],
)
def test_the_right_entry_comes_first(text: str, id: str) -> None:
    assert best(text) == id
    assert best(text.upper()) == id
    assert best(text.replace(" ", "\r\n  ")) == id


@pytest.mark.parametrize("entry", [entry for entry in catalogue().entries if entry.codes], ids=lambda entry: entry.id)
def test_every_code_in_a_sentence_finds_its_entries(entry) -> None:
    for code in entry.codes:
        found = search(f"It said: event {code}. What now?")
        assert entry in [match.entry for match in found]
        assert all(match.certain for match in found), "words alone don't count beside a code"


@pytest.mark.parametrize("entry", catalogue().entries, ids=lambda entry: entry.id)
def test_every_sign_of_an_entry_finds_it(entry) -> None:
    for sign in entry.signs:
        assert entry.id in [match.entry.id for match in search(f"Yesterday: {sign}, said the log.")], sign


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "the and of",
        "pizza with extra cheese",
        "The Windows Update service entered the running state.",
        "a process id MMS(6329) alone is no event",
        "1.2.33004.5",
        "at 10:33004",
        "\x00\x1b[31m",
        "9",
    ],
)
def test_what_is_unknown_has_no_match(text: str) -> None:
    assert not search(text)


def test_the_text_moves_its_own_cause_to_the_front() -> None:
    permissions = entry("ad-permissions")
    text = "33004 ... Failed to acquire user information: CN=alice, ERROR_ACCESS_DENIED"
    assert causes_for(permissions, text)[0].checks == ("permissions.sam-read",)
    assert causes_for(permissions, "33004") == permissions.causes
    [match] = [match for match in search(text) if match.entry is permissions]
    assert match.causes == causes_for(permissions, text)


def test_the_word_beside_a_code_tells_nothing() -> None:
    assert [match.entry for match in search("event 33004 error")][:3] == [match.entry for match in search("33004")][:3]
    assert best("event 6329") == "password-policy-refused"


def test_a_rare_code_tells_more_than_a_shared_one() -> None:
    found = search("6329 0x80230619")
    assert found[0].entry.id == "password-policy-refused"
    assert found[0].score > 1.5 * found[1].score


@given(st.text(max_size=2000))
def test_no_text_breaks_a_search(text: str) -> None:
    found = search(text)
    assert found == search(text)
    assert [match.score for match in found] == sorted((match.score for match in found), reverse=True)
    assert all(match.matched and set(match.causes) == set(match.entry.causes) for match in found)


@given(
    st.lists(
        st.sampled_from(
            ["33004", "6329", "0x80230619", "-2145188327", "SSPR_0029", "event", "id", ":", "\n", "\x1b", "(", "İ"]
        )
    )
)
def test_codes_in_any_order_are_found(pieces: list[str]) -> None:
    found = {match.entry.id for match in search(" ".join(pieces), most=100)}
    assert ("33004" not in pieces) or "ad-permissions" in found


def test_a_huge_text_takes_no_time() -> None:
    started = time.perf_counter()
    search("0x8" * 500_000)
    search("event " * 300_000)
    search("(" * 1_000_000)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("disable and re-enable", ["re-enable-writeback"]),
        ("effective access", ["verify-permission"]),
        ("support code", ["ask-support"]),
        ("services.msc", ["restart-sync-service"]),
        ("pizza", []),
        ("", []),
        ("the", []),
        ("support code " + "x" * 80, []),
    ],
)
def test_what_is_to_be_done_by_hand_is_found_by_its_words(text: str, ids: list[str]) -> None:
    assert [each.id for each in procedures_for(text)] == ids
