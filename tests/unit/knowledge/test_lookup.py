"""From a code, however somebody spells it, to its entries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.knowledge import catalogue, entries_for, procedure


def ids(what: str | int) -> list[str]:
    return [entry.id for entry in entries_for(what)]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("SSPR_0029", "sspr-on-premises-admin"),
        ("sspr-29", "sspr-on-premises-admin"),
        ("SSPR 0029", "sspr-on-premises-admin"),
        ("29", "sspr-on-premises-admin"),
        ("OnPremisesAdminActionRequired = 29", "sspr-on-premises-admin"),
        ("onpremisesadminactionrequired", "sspr-on-premises-admin"),
        ("0x80230619", "password-policy-refused"),
        ("80230619", "password-policy-refused"),
        ("80230619h", "password-policy-refused"),
        ("hr=80230619", "password-policy-refused"),
        ("-2145188327", "password-policy-refused"),
        ("2149778969", "password-policy-refused"),
        ("6329 80230619", "password-policy-refused"),
        ("HR 8023042", "duplicate-anchor"),
        ("hr=80230402", "duplicate-anchor"),
        ("SSPR_0012 UserNotLicensed", "sspr-not-licensed"),
        ("User cannot change password", "change-denied"),
    ],
)
def test_every_spelling_finds_its_entry(typed: str, meant: str) -> None:
    assert ids(typed) == [meant]


@given(st.text(max_size=600))
def test_no_text_breaks_a_lookup(text: str) -> None:
    assert all(found in catalogue().entries for found in entries_for(text))
    procedure(text)
