"""`preflight user`: one person, found by any name, each right with the entry that decides it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lab.auditing import user
from lab.forest import RESET_PASSWORD, Forest

BEA = "CN=Bea Sales,OU=Sales"


@pytest.mark.parametrize("name", ["dn", "sam", "upn", "down-level", "sid"])
def test_a_user_is_found_by_every_name(forest: Forest, tmp_path: Path, name: str) -> None:
    dn = forest.dn(BEA)
    [person] = [person for person in forest.people if person.dn == dn]
    names = {
        "dn": dn,
        "sam": person.account.upper(),
        "upn": f"{person.account}@{forest.domain}",
        "down-level": f"CORP\\{person.account}",
        "sid": forest.admin.sid_of(person.account),
    }
    done = user(forest, tmp_path, names[name], "--rights")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(dn)
    assert done.stdout.count("allowed") == 6
    assert f"on {forest.base_dn}" in " ".join(done.stdout.split())


def test_names_with_every_special_character_are_found_by_their_dn(forest: Forest, tmp_path: Path) -> None:
    for person in forest.people[:20]:
        if any(character in person.dn for character in '\\"<#;'):
            done = user(forest, tmp_path, person.dn, "--format", "json")
            assert done.returncode == 0, done.stderr
            [found] = json.loads(done.stdout)
            assert (found["dn"], found["outcome"]) == (person.dn, "ok")


def test_who_is_blocked_sees_the_entry_and_where_it_stands(own_forest: Forest, tmp_path: Path) -> None:
    with own_forest.undoing():
        own_forest.admin.add_aces(own_forest.dn("OU=Sales"), f"(OD;CI;CR;{RESET_PASSWORD};;<{own_forest.connector}>)")
        done = user(own_forest, tmp_path, own_forest.dn(BEA), "--format", "json")
    assert done.returncode == 3
    [found] = json.loads(done.stdout)
    rights = {(right["right"], right["holder"]): right for right in found["rights"]}
    reset = rights["reset_password", "the connector account"]
    assert (reset["answer"], reset["code"]) == ("denied", "ace-denied")
    assert reset["decided_by"].endswith(f" on {own_forest.dn('OU=Sales')}")
    assert rights["write_lockout_time", "the connector account"]["answer"] == "allowed"
    assert rights["unexpire_password", "the connector account"]["on"] == own_forest.base_dn


def test_a_disabled_user_is_not_served_although_the_rights_are_there(forest: Forest, tmp_path: Path) -> None:
    done = user(forest, tmp_path, forest.dn("CN=Jo Emea,OU=Emea,OU=Sales"))
    assert done.returncode == 3
    assert "33005" in done.stdout
    assert "by rights   ok" in done.stdout


def test_a_protected_user_is_unsupported(own_forest: Forest, tmp_path: Path) -> None:
    with own_forest.undoing():
        own_forest.admin.add_member("Account Operators", own_forest.dn(BEA))
        done = user(own_forest, tmp_path, own_forest.dn(BEA))
    assert done.returncode == 3
    assert "by rights   unsupported" in done.stdout
    assert "RESET BLOCKED  a protected account, as a member of Account Operators" in done.stdout
    assert "33004, 31003" in done.stdout


def test_nobody_of_that_name_is_a_usage_error_with_advice(forest: Forest, tmp_path: Path) -> None:
    done = user(forest, tmp_path, "nobody@corp.contoso.test")
    assert done.returncode == 2
    assert "33002" in done.stderr
    assert done.stdout == ""


def test_a_domain_that_cannot_be_searched_leaves_it_open(forest: Forest, tmp_path: Path) -> None:
    done = user(forest, tmp_path, "user16", controllers=[f"ldaps://{forest.host}:9"])
    assert done.returncode == 4
    assert "could not be searched" in done.stderr
