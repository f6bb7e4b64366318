"""From a code, however somebody spells it, to its entries."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.knowledge import Entry, catalogue, entries_for, entry, names, procedure, reached_from
from preflight.knowledge.spelling import spellings

ENTRIES = catalogue().entries
CODES = sorted({(entry.id, code) for entry in ENTRIES for code in entry.codes})
NAMES = sorted({(entry.id, name) for entry in ENTRIES for name in (entry.name, *entry.aliases)})


def ids(what: str | int) -> list[str]:
    return [entry.id for entry in entries_for(what)]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("33004", "ad-permissions"),
        (33004, "ad-permissions"),
        ("event 33004", "ad-permissions"),
        ("Event ID: 33004", "ad-permissions"),
        ("EventID=33004", "ad-permissions"),
        ("PasswordResetService 33004", "ad-permissions"),
        ("ADPermissionsError", "ad-permissions"),
        ("adpermissionserror", "ad-permissions"),
        ("33004 ADPermissionsError", "ad-permissions"),
        ("33004 (ADPermissionsError)", "ad-permissions"),
        ("ADMutliMatchError", "ad-multiple-matches"),
        ("ADMultiMatchError", "ad-multiple-matches"),
        ("SSPR_0029", "sspr-on-premises-admin"),
        ("sspr-29", "sspr-on-premises-admin"),
        ("SSPR 0029", "sspr-on-premises-admin"),
        ("29", "sspr-on-premises-admin"),
        ("OnPremisesAdminActionRequired = 29", "sspr-on-premises-admin"),
        ("0x80230619", "password-policy-refused"),
        ("80230619", "password-policy-refused"),
        ("80230619h", "password-policy-refused"),
        ("hr=80230619", "password-policy-refused"),
        ("HRESULT: 0X80230619.", "password-policy-refused"),
        ("-2145188327", "password-policy-refused"),
        ("hr=-2145188327", "password-policy-refused"),
        ("2149778969", "password-policy-refused"),
        ("6329 80230619", "password-policy-refused"),
        ("6329 0x8023061f", "forest-added-later"),
        ("hr=800700CE", "connector-password-too-long"),
        ("-2147024690", "connector-password-too-long"),
        ("HR 8023042", "duplicate-anchor"),
        ("8023042", "duplicate-anchor"),
        ("hr=80230402", "duplicate-anchor"),
        ("SSPR_0012 UserNotLicensed", "sspr-not-licensed"),
        ("SSPR_0012 UserNotMemberOfScopedAccessGroup", "sspr-not-in-group"),
        ("multiple matches", "multiple-matches"),
        ("Multiple Matches Found", "multiple-matches"),
        ("User cannot change password", "change-denied"),
        ("admaexport.cpp(2837)", "no-policy-hints"),
    ],
)
def test_every_spelling_finds_its_entry(typed: str | int, meant: str) -> None:
    assert ids(typed) == [meant]


def test_a_shared_code_finds_all_the_likeliest_first() -> None:
    assert ids("6329") == [
        "password-policy-refused",
        "reset-denied",
        "change-denied",
        "sam-read-denied",
        "no-policy-hints",
        "forest-added-later",
        "duplicate-anchor",
    ]
    assert ids("0x80230626") == ["reset-denied", "change-denied"]
    assert ids("SSPR_0012") == ["sspr-not-licensed", "sspr-not-in-group"]
    assert ids("error processing request") == ["registration-error", "reset-error"]


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "event",
        "33004 33008",
        "33004 nonsense",
        "6329 SSPR_0029",
        "330040",
        "3300",
        "0x8023",
        "sspr",
        "9" * 600,
    ],
)
def test_what_is_not_known_is_not_guessed(typed: str) -> None:
    assert ids(typed) == []


def test_the_digits_of_a_negative_number_are_no_event() -> None:
    assert ids("-33004") == []
    assert spellings("-2145188327") == ("0x80230619",)


@given(
    st.sampled_from(CODES),
    st.sampled_from(["", "event ", "Event ID: ", "EventID=", "error ", "#", "code ", "  ", '"', "("]),
    st.sampled_from(["", ".", ":", ",", '"', ")", "  ", "\n"]),
    st.booleans(),
)
def test_every_code_is_found_however_it_stands(coded: tuple[str, str], before: str, behind: str, upper: bool) -> None:
    id, code = coded
    text = f"{before}{code.upper() if upper else code.lower()}{behind}"
    assert id in ids(text)


@given(st.sampled_from([coded for coded in CODES if coded[1].startswith("0x")]), st.integers(0, 4))
def test_every_hresult_is_found_in_every_notation(coded: tuple[str, str], notation: int) -> None:
    id, code = coded
    number = int(code, 16)
    spelled = [f"{number:x}", f"{number:X}", f"0X{number:X}", str(number), str(number - (1 << 32))][notation]
    assert id in ids(spelled)
    assert id in ids(f"hr={spelled}")


@given(st.sampled_from(NAMES), st.sampled_from(["", " ", "-", "_"]), st.booleans())
def test_every_name_is_found_in_pieces_and_in_either_case(named: tuple[str, str], between: str, upper: bool) -> None:
    id, name = named
    pieces = re.sub(r"(?<=[a-z])(?=[A-Z])", between, name)
    assert id in ids(pieces.upper() if upper else pieces.lower())


@given(st.text(max_size=600) | st.integers())
def test_no_text_breaks_a_lookup(text: str | int) -> None:
    assert all(found in ENTRIES for found in entries_for(text))
    assert procedure(str(text)) is None or procedure(str(text)) in catalogue().procedures


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_an_id_means_its_entry(entry: Entry) -> None:
    assert entry in entries_for(entry.id)
    assert entry.id in names()


def test_an_entry_is_had_by_its_id() -> None:
    assert entry("ad-permissions").code == "33004"
    with pytest.raises(KeyError):
        entry("nothing")


def test_procedures_are_found_by_id_and_name() -> None:
    for each in catalogue().procedures:
        assert procedure(each.id) is each
        assert procedure(each.name.upper()) is each
    assert procedure("nothing") is None


def test_a_check_is_reached_from_the_entries_that_name_it() -> None:
    found = reached_from("dc.policy-hints")
    assert entry("no-policy-hints") in found
    assert all("dc.policy-hints" in each.checks for each in found)
    assert not reached_from("no.such-check")
