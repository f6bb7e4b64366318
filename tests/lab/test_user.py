"""`preflight user`: one person, found by any name, each right with the entry that decides it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lab.auditing import user
from lab.forest import RESET_PASSWORD, Forest
from lab.recording_proxy import RecordingProxy

BEA = "CN=Bea Sales,OU=Sales"
BEA_ACCOUNT = "user16"


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


def test_a_hostile_name_is_a_value_and_shown_as_one(forest: Forest, tmp_path: Path) -> None:
    for who in ("*)(objectClass=*", "*", "\x1b[2J\nRESET WORKS", "S-1-5-" + "9" * 300, "x" * 5000, "User_" + "0" * 36):
        done = user(forest, tmp_path, who)
        assert (done.returncode, done.stdout) == (2, ""), who
        assert "\x1b" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert len(done.stderr) < 500


def test_two_whom_a_name_means_are_both_shown_and_neither_is_compared(own_forest: Forest, tmp_path: Path) -> None:
    one, two = own_forest.people[:2]
    with own_forest.undoing():
        own_forest.admin.modify(two.dn, mail=f"{one.account}@other.test")
        own_forest.admin.modify(one.dn, proxyAddresses=f"SMTP:{one.account}@other.test")
        done = user(own_forest, tmp_path, f"{one.account}@other.test", "--format", "json")
        compared = user(own_forest, tmp_path, BEA_ACCOUNT, "--compare", f"{one.account}@other.test")
    assert {found["dn"] for found in json.loads(done.stdout)} == {one.dn, two.dn}
    assert "2 users have that name" in done.stderr
    assert compared.returncode == 2
    assert "means 2 users" in compared.stderr


def test_beside_somebody_for_whom_it_works_the_entry_and_the_container_differ(
    own_forest: Forest, tmp_path: Path
) -> None:
    ann = own_forest.people[0].account
    with own_forest.undoing():
        own_forest.admin.add_aces(own_forest.dn("OU=Sales"), f"(OD;CI;CR;{RESET_PASSWORD};;<{own_forest.connector}>)")
        done = user(own_forest, tmp_path, own_forest.dn(BEA), "--compare", ann, "--format", "json")
        same = user(own_forest, tmp_path, ann, "--compare", ann)
    found = json.loads(done.stdout)
    differing = {each["name"]: each for each in found["differences"]}
    assert done.returncode == 3
    assert found["differences"][0]["name"] == "reset-password"
    assert "OD;CIID" in differing["reset-password"]["one"]
    assert (differing["container"]["one"], differing["container"]["other"]) == (
        own_forest.dn("OU=Sales"),
        own_forest.dn("OU=People"),
    )
    assert (found["user"]["reset"]["outlook"], found["beside"]["reset"]["outlook"]) == ("blocked", "works")
    assert "Nothing that is looked at differs" in same.stdout


def test_states_are_read_on_the_pdc_emulator_by_its_clock(forest: Forest, tmp_path: Path) -> None:
    done = user(forest, tmp_path, forest.dn(BEA), "--format", "json")
    [found] = json.loads(done.stdout)
    assert found["state"]["read_from"].endswith(", the PDC emulator")
    assert found["state"]["note"] == ""
    assert found["state"]["clock"] == "by the controller's clock"
    assert abs(datetime.fromisoformat(found["state"]["now"]) - datetime.now(UTC)) < timedelta(minutes=2)


def test_another_domain_with_the_same_anchor_blocks_and_with_the_same_name_warns(
    own_forest: Forest, second_forest: Forest, tmp_path: Path
) -> None:
    twin = second_forest.people[0]
    [(_, raw)] = second_forest.admin.search(twin.dn, attributes=["objectGUID"], scope="base")
    other = second_forest.domain_table(connector_account=second_forest.connector)
    with own_forest.undoing():
        own_forest.admin.modify(own_forest.dn(BEA), **{"mS-DS-ConsistencyGuid": raw["objectGUID"]})
        done = user(own_forest, tmp_path, own_forest.dn(BEA), "--format", "json", others=[other])
    [found] = json.loads(done.stdout)
    steps = {step["step"]: step for step in found["steps"]}
    assert (found["reset"]["outlook"], found["reset"]["step"]) == ("blocked", "anchor")
    assert {"33003", "hr=80230402"} <= set(found["reset"]["event_codes"])
    assert twin.dn in steps["anchor"]["summary"]
    assert steps["one-forest"]["answer"] == "warns"  # user16 is there, too


def test_a_reader_who_sees_no_account_attributes_can_not_tell(own_forest: Forest, tmp_path: Path) -> None:
    with own_forest.undoing():
        own_forest.admin.modify(own_forest.dn("CN=Pre-Windows 2000 Compatible Access,CN=Builtin"), member=None)
        done = user(own_forest, tmp_path, own_forest.dn(BEA), "--format", "json")
    assert done.returncode == 4
    [found] = json.loads(done.stdout)
    assert (found["reset"]["outlook"], found["reset"]["step"]) == ("unknown", "scope")
    open_steps = {step["step"] for step in found["steps"] if step["answer"] == "unknown"}
    assert {"scope", "enabled", "locked", "minimum-age"} <= open_steps


def test_a_controller_that_stops_midway_leaves_it_open(forest: Forest, tmp_path: Path) -> None:
    for searches in (3, 8, 15):
        with RecordingProxy(forest.dc) as proxy:
            proxy.fault("cut", on="searchRequest", after=searches)
            done = user(forest, tmp_path, forest.dn(BEA), controllers=proxy.controllers, ca_file=str(proxy.ca_file))
            assert proxy.count("searchRequest") > searches
        assert done.returncode == 4, done.stdout
        assert done.stdout == ""
        assert "could not be searched" in done.stderr
        assert "Traceback" not in done.stderr
