"""Who is in a group, and whose SID is in a user's token, from an export."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from descriptors import DOMAIN, sid

from preflight.directory.export.ldif import LdifDirectory
from preflight.directory.foreign_principals import names_in_member, sid_in_member
from preflight.directory.model import Token, User
from preflight.directory.users.membership import GROUP_ATTRIBUTES, members_of
from preflight.resources.people import GroupMembers

BASE = "DC=corp,DC=test"
SECURITY, DISTRIBUTION = -2147483646, 2
ANN, BOB = f"{DOMAIN}-1001", f"{DOMAIN}-1002"
INNER, OUTER, MAILING, OF_MAILING, OF_ALL, OF_EVERYONE, PRIMARY, OF_PRIMARY = (
    f"{DOMAIN}-{n}" for n in range(2001, 2009)
)


def entry(name: str, object_sid: str, *lines: str) -> str:
    encoded = base64.b64encode(sid(object_sid)).decode()
    return "\n".join([f"dn: CN={name},{BASE}", f"objectSid:: {encoded}", f"sAMAccountName: {name}", *lines, ""])


def person(name: str, object_sid: str, primary: str = "513") -> str:
    return entry(name, object_sid, "objectClass: user", "sAMAccountType: 805306368", f"primaryGroupID: {primary}")


def group(name: str, object_sid: str, *members: str, kind: int | None = SECURITY) -> str:
    type_line = [] if kind is None else [f"groupType: {kind}"]
    return entry(
        name, object_sid, "objectClass: group", *type_line, *(f"member: {member},{BASE}" for member in members)
    )


EXPORT = "\n".join(
    [
        person("Ann", ANN),
        person("Bob", BOB, primary="2007"),
        group("inner", INNER, "CN=Ann", "CN=outer"),
        group("outer", OUTER, "CN=inner"),
        group("mailing", MAILING, "CN=Ann", kind=DISTRIBUTION),
        group("of-mailing", OF_MAILING, "CN=mailing"),
        group("of-all", OF_ALL, "CN=S-1-5-11,CN=ForeignSecurityPrincipals"),
        group("of-everyone", OF_EVERYONE, "CN=Everyone,CN=WellKnown Security Principals,CN=Configuration"),
        group("primary", PRIMARY),
        group("of-primary", OF_PRIMARY, "CN=primary"),
    ]
)


@pytest.fixture
def directory(tmp_path: Path) -> LdifDirectory:
    path = tmp_path / "export.ldf"
    path.write_text(f"version: 1\n\n{EXPORT}\n")
    return LdifDirectory(path, "corp.test")


def user(directory: LdifDirectory, name: str) -> User:
    [found] = directory.find(name, ("objectSid", "primaryGroupID"))
    return found


@pytest.mark.parametrize(
    ("who", "of", "expected"),
    [
        ("Ann", INNER, True),
        ("Ann", OUTER, True),  # nested, in a circle
        ("Bob", OUTER, False),
        ("Ann", MAILING, False),  # a distribution group is in no token
        ("Ann", OF_MAILING, False),  # nor is what leads through one
        ("Bob", OF_ALL, True),  # Authenticated Users are in it
        ("Bob", OF_EVERYONE, True),
        ("Bob", PRIMARY, True),
        ("Bob", OF_PRIMARY, True),
        ("Ann", OF_PRIMARY, False),
        ("Ann", BOB, False),  # nobody belongs to another user
        ("Ann", f"{DOMAIN}-4711", None),  # not to be found
    ],
)
def test_a_token_holds_a_groups_sid_or_not(directory: LdifDirectory, who: str, of: str, expected: bool | None) -> None:
    assert GroupMembers(directory)(user(directory, who), of) is expected


def test_without_the_primary_group_a_group_that_may_be_it_is_unknown(directory: LdifDirectory) -> None:
    ann = user(directory, "Ann")
    hidden = User(ann.distinguished_name, {"objectSid": ann.raw["objectSid"]})
    assert GroupMembers(directory)(hidden, PRIMARY) is None
    assert GroupMembers(directory)(hidden, INNER) is True


def test_a_group_whose_kind_is_hidden_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "export.ldf"
    path.write_text("\n".join(["version: 1\n", person("Ann", ANN), group("odd", INNER, "CN=Ann", kind=None), ""]))
    directory = LdifDirectory(path, "corp.test")
    assert GroupMembers(directory)(user(directory, "Ann"), INNER) is None


def test_what_protects_runs_through_distribution_groups(directory: LdifDirectory) -> None:
    groups = directory.objects_by_sid([OF_MAILING], GROUP_ATTRIBUTES)
    assert members_of(directory, groups).path(user(directory, "Ann")) == ("of-mailing", "mailing")


@pytest.mark.parametrize("well_known", ["S-1-1-0", "S-1-5-11", "S-1-5-2", "S-1-5-15", "S-1-5-1000"])
def test_names_of_well_known_principals_lead_back_to_them(well_known: str) -> None:
    names = names_in_member([well_known], f"DC=child,{BASE}", BASE)
    assert len(names) == 2
    assert {sid_in_member(name) for name in names} == {well_known}


@pytest.mark.parametrize(
    "name", ["", "nonsense", f"CN=Everyone,{BASE}", f"CN=S-1-1-0,{BASE}", f"CN=ann,CN=ForeignSecurityPrincipals,{BASE}"]
)
def test_other_names_are_nobody_elses(name: str) -> None:
    assert sid_in_member(name) == ""


def test_a_sign_in_over_the_network_is_not_an_interactive_one() -> None:
    token = Token(frozenset({ANN}), complete=False, source="test")
    assert token.surely_outside("S-1-5-4")
    assert not token.surely_outside("S-1-5-32-545")
