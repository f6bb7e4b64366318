"""Who counts: enabled, in scope, and not what Entra Connect itself leaves out."""

from __future__ import annotations

import pytest
from crowds import BASE, user
from hypothesis import given
from hypothesis import strategies as st

from preflight.directory.users.scope import NEVER_SYNCHRONISED_RECIPIENTS, Scope, Standing, never_synchronised


@pytest.mark.parametrize(
    ("attributes", "standing"),
    [
        ({}, Standing.IN_SCOPE),
        ({"userAccountControl": 0x202}, Standing.DISABLED),
        ({"userAccountControl": None}, Standing.UNKNOWN),
        ({"userAccountControl": b"many"}, Standing.UNKNOWN),
        ({"isCriticalSystemObject": "TRUE"}, Standing.OUT_OF_SCOPE),
        ({"isCriticalSystemObject": "true"}, Standing.OUT_OF_SCOPE),
        ({"isCriticalSystemObject": "FALSE"}, Standing.IN_SCOPE),
        ({"isCriticalSystemObject": "TRUE", "userAccountControl": None}, Standing.OUT_OF_SCOPE),
    ],
)
def test_standing(attributes, standing):
    assert Scope().standing(user(1, **attributes)) is standing


@pytest.mark.parametrize(
    "attributes",
    [
        {"sAMAccountName": "MSOL_0123abcd"},
        {"sAMAccountName": "msol_0123abcd"},
        {"sAMAccountName": "AAD_0123abcd"},
        {"sAMAccountName": "CAS_{0123}"},
        {"sAMAccountName": "SUPPORT_388945a0"},
        {"mailNickname": "SystemMailbox{1f05a927}"},
        {"mailNickname": "CAS_{1f05a927}"},
        {"msExchRecipientTypeDetails": 0x1000},
        {"msExchRecipientTypeDetails": 0x20000000},
        {"dn": f"CN=Ann\\0ACNF:0123abcd,OU=x,{BASE}"},
    ],
    ids=str,
)
def test_what_entra_connect_never_synchronises_is_named(attributes):
    assert never_synchronised(user(1, **attributes))


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"sAMAccountName": "AAD"},
        {"sAMAccountName": "xMSOL_1"},
        {"sAMAccountName": "CAS_x"},
        {"sAMAccountName": "MY_SUPPORT_388945a0"},
        {"sAMAccountName": None},
        {"mailNickname": "mySystemMailbox{"},
        {"msExchRecipientTypeDetails": 1},
        {"msExchRecipientTypeDetails": 2},
        {"msExchRecipientTypeDetails": "none"},
        {"dn": f"CN=ACNF:cafe,OU=x,{BASE}"},
        {"adminCount": 1},
    ],
    ids=str,
)
def test_what_is_synchronised_is_not_left_out(attributes):
    assert never_synchronised(user(1, **attributes)) == ""


@given(st.integers(-(2**40), 2**40))
def test_recipient_types_are_left_out_by_their_bits_alone(recipient):
    left_out = never_synchronised(user(1, msExchRecipientTypeDetails=recipient)) != ""
    assert left_out == bool(recipient & NEVER_SYNCHRONISED_RECIPIENTS)


@pytest.mark.parametrize(
    ("dn", "covered"),
    [
        (f"OU=People,{BASE}", True),
        (f"ou=berlin, OU=PEOPLE,{BASE}", True),
        (BASE, False),
        (f"OU=Sales,{BASE}", False),
        (f"OU=Service,OU=People,{BASE}", False),
        (f"OU=x,OU=Service,OU=People,{BASE}", False),
        (f"OU=Service\\,OU=People,{BASE}", False),
        (f"OU=NotPeople,{BASE}", False),
    ],
)
def test_search_bases_less_what_is_excluded(dn, covered):
    scope = Scope((f"OU=People,{BASE}",), (f"OU=Service,OU=People,{BASE}",))
    assert scope.covers(dn) is covered


def test_a_comma_in_a_name_is_no_way_out_of_an_exclusion():
    scope = Scope(exclude=(f"OU=Ex\\, pats,{BASE}",))
    assert scope.standing(user(1, dn=f"CN=Ann,OU=Ex\\2C pats,{BASE}")) is Standing.EXCLUDED
    assert scope.standing(user(1, dn=f"CN=Ann\\,OU=Ex\\, pats,{BASE}")) is Standing.IN_SCOPE


def test_without_search_bases_the_whole_domain_counts():
    assert Scope().covers(BASE)
    assert Scope().covers(f"OU=any,{BASE}")
