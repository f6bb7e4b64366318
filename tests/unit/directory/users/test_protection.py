"""Protected accounts: by group, by nesting, by themselves; adminCount alone proves nothing."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from crowds import BASE, domain, user
from descriptors import DOMAIN, sid
from hypothesis import given
from hypothesis import strategies as st

from preflight.directory.distinguished_name import normalise
from preflight.directory.model import Entry
from preflight.directory.users.protection import BUILTIN_GROUPS, OPERATORS, read_protection

ADMINS = f"CN=Domain Admins,CN=Users,{BASE}"
OPS = f"CN=Account Operators,CN=Builtin,{BASE}"
NEST, LIST = f"CN=Nest,OU=Groups,{BASE}", f"CN=List,OU=Groups,{BASE}"
ANN = user(1, dn=f"CN=Ann,OU=x,{BASE}")


def group(dn: str, group_sid: str, members: Collection[str] = (), kind: int = -2147483646) -> Entry:
    raw = {
        "objectSid": [sid(group_sid)],
        "objectClass": [b"top", b"group"],
        "groupType": [str(kind).encode()],
        "sAMAccountName": [dn[3:].partition(",")[0].encode()],
    }
    if members:
        raw["member"] = [member.encode() for member in members]
    return Entry(dn, raw)


class Groups:
    """As much of a directory as protection reads."""

    name = "corp.contoso.test"

    def __init__(self, *extra: Entry, hidden: Collection[str] = ()) -> None:
        builtin = [group(f"CN=B{at},CN=Builtin,{BASE}", each) for at, each in enumerate(BUILTIN_GROUPS)]
        found = {entry.sid(): entry for entry in [*builtin, group(ADMINS, f"{DOMAIN}-512", [BASE]), *extra]}
        self.entries = [entry for key, entry in found.items() if key not in hidden]

    def objects_by_sid(self, sids, attributes):
        return [entry for entry in self.entries if entry.sid() in sids]

    def matching(self, attribute, values, attributes, *, users_only=False):
        assert attribute == "distinguishedName"
        names = {normalise(value.decode()) for value in values}
        return [entry for entry in self.entries if normalise(entry.distinguished_name) in names]


def protection(*extra: Entry, ds_heuristics: str | None = "", hidden: Collection[str] = ()):
    head = domain()
    object.__setattr__(head, "ds_heuristics", ds_heuristics)
    return read_protection(Groups(*extra, hidden=hidden), head)


def test_a_member_is_protected_by_the_path_of_groups():
    found = protection(
        group(ADMINS, f"{DOMAIN}-512", [NEST]),
        group(NEST, f"{DOMAIN}-2001", [LIST]),
        group(LIST, f"{DOMAIN}-2002", [ANN.distinguished_name], kind=2),  # a distribution group
    )
    assert found.protects(ANN) is True
    assert found.path(ANN) == ("Domain Admins", "Nest", "List")


def test_groups_in_a_circle_end():
    found = protection(
        group(ADMINS, f"{DOMAIN}-512", [NEST]),
        group(NEST, f"{DOMAIN}-2001", [ADMINS, NEST, ANN.distinguished_name]),
    )
    assert found.protects(ANN) is True


def test_the_primary_group_protects_although_no_member_says_so():
    assert protection().protects(user(2, primaryGroupID=512)) is True
    assert protection().protects(user(2, primaryGroupID=513)) is False


@pytest.mark.parametrize("rid", [500, 502])
def test_administrator_and_krbtgt_are_protected_by_themselves(rid):
    builtin = user(1, objectSid=sid(f"{DOMAIN}-{rid}"))
    assert protection().protects(builtin) is True
    assert protection().path(builtin) == ()


def test_admin_count_alone_proves_nothing():
    assert protection().protects(user(1, adminCount=1)) is False
    found = protection(group(ADMINS, f"{DOMAIN}-512", [ANN.distinguished_name]))
    assert found.protects(user(1, dn=ANN.distinguished_name, adminCount=0)) is True


@pytest.mark.parametrize(
    ("digit", "excluded"), [("0", False), ("1", True), ("2", False), ("f", True), ("F", True), ("?", False)]
)
def test_operators_that_ds_heuristics_excludes_protect_nobody(digit, excluded):
    operators = group(OPS, "S-1-5-32-548", [ANN.distinguished_name])
    assert protection(operators, ds_heuristics="0" * 15 + digit).protects(ANN) is not excluded


@given(st.text(max_size=20))
def test_any_ds_heuristics_leaves_administrators_protected(text):
    found = protection(group(ADMINS, f"{DOMAIN}-512", [ANN.distinguished_name]), ds_heuristics=text)
    assert found.protects(ANN) is True


def test_what_may_not_be_read_leaves_only_admin_count_zero_surely_unprotected():
    found = protection(hidden=["S-1-5-32-544"])
    assert "not every protected group" in found.doubt
    assert found.protects(ANN) is False  # adminCount would be readable, and is not set
    assert found.protects(user(1, adminCount=1)) is None
    assert found.protects(user(1, userAccountControl=None)) is None


def test_where_ds_heuristics_is_not_readable_an_operator_is_in_doubt_and_nobody_else():
    operators = group(OPS, "S-1-5-32-548", [ANN.distinguished_name])
    found = protection(operators, ds_heuristics=None)
    assert "dSHeuristics" in found.doubt
    assert found.protects(ANN) is None
    assert found.protects(user(1, adminCount=1)) is False
    administrators = protection(group(ADMINS, f"{DOMAIN}-512", [ANN.distinguished_name]), ds_heuristics=None)
    assert administrators.protects(ANN) is True


def test_groups_without_readable_members_prove_nothing():
    found = protection(group(ADMINS, f"{DOMAIN}-512"))
    assert "members" in found.obstacle


def test_the_bits_of_the_operators_are_those_of_the_specification():
    assert {f"S-1-5-32-{rid}": 1 << at for at, rid in enumerate((548, 549, 550, 551))} == OPERATORS
