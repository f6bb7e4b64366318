"""Anchors that stand more than once: over all domains, each member shown."""

from __future__ import annotations

from uuid import UUID

import pytest
from crowds import BASE, CrowdDirectory, user

from preflight.api import Unavailable
from preflight.directory.users.anchors import Anchors
from preflight.directory.users.duplicates import MOST_SHOWN, Surveyed, search_anchors
from preflight.directory.users.scope import Scope
from preflight.directory.users.survey import Survey

SAME = UUID(int=77).bytes_le
GUID = "mS-DS-ConsistencyGuid"


def surveyed(name: str, users, *, forest="one", across=False, attribute=None, **options) -> Surveyed:
    directory = CrowdDirectory(lambda: users, **options)
    directory.name = name
    folds = {Anchors: Anchors(attribute, across_forests=across)}
    survey = Survey(directory, Scope(), folds, domain_dn=BASE, containers=directory.containers)
    return Surveyed(directory, survey, Scope(), forest)


def test_two_enabled_users_with_one_anchor_are_a_fault_and_both_are_shown():
    found = search_anchors([surveyed("a.test", [user(1, **{GUID: SAME}), user(2, **{GUID: SAME}), user(3)])], None)
    [duplicate] = found.duplicates
    assert duplicate.is_fault
    assert [str(member) for member in duplicate.members] == [
        f"CN=User 000001,OU=Site 01,{BASE} (a.test, enabled)",
        f"CN=User 000002,OU=Site 02,{BASE} (a.test, enabled)",
    ]
    assert (found.seen, found.guessed) == (3, True)


def test_twins_in_two_domains_are_found():
    found = search_anchors([surveyed("a.test", [user(1)]), surveyed("b.test", [user(1)])], None)
    [duplicate] = found.duplicates
    assert [member.domain for member in duplicate.members] == ["a.test", "b.test"]
    assert found.domains == ("a.test", "b.test")


def test_a_disabled_twin_is_no_fault():
    users = [user(1, **{GUID: SAME}), user(2, **{GUID: SAME}, userAccountControl=0x202)]
    [duplicate] = search_anchors([surveyed("a.test", users)], None).duplicates
    assert not duplicate.is_fault
    assert duplicate.enabled == 1


def test_a_twin_that_may_be_enabled_counts_as_enabled():
    users = [user(1, **{GUID: SAME}), user(2, **{GUID: SAME}, userAccountControl=None)]
    [duplicate] = search_anchors([surveyed("a.test", users)], None).duplicates
    assert duplicate.is_fault


def test_equal_but_for_case_is_told_apart():
    users = [user(1, employeeID="abc"), user(2, employeeID="ABC")]
    [duplicate] = search_anchors([surveyed("a.test", users, attribute="employeeID")], "employeeID").duplicates
    assert duplicate.by_case
    assert not duplicate.is_fault
    assert duplicate.shown == "ABC"


@pytest.mark.parametrize(("forests", "hints"), [(("one", "two"), 1), (("one", "one"), 0)])
def test_one_name_in_two_forests_is_a_hint_in_one_forest_nothing(forests, hints):
    domains = [
        surveyed(f"{name}.test", [user(at, mail="ann@x.test")], forest=forest, across=True)
        for at, (name, forest) in enumerate(zip("ab", forests, strict=True))
    ]
    assert len([hint for hint in search_anchors(domains, None).hints if hint.attribute == "mail"]) == hints


def test_a_domain_that_broke_off_is_an_obstacle_and_what_was_seen_is_compared():
    users = [user(1, **{GUID: SAME}), user(2, **{GUID: SAME})]
    whole = surveyed("a.test", users)
    broken = surveyed("b.test", [user(3), user(4)], breaks=(1,), page=1)
    found = search_anchors([whole], None, [Unavailable("c.test was not compared")])
    assert len(found.duplicates) == 1
    assert len(found.obstacles) == 1
    alone = search_anchors([broken], None)
    assert "broke off after 1" in alone.obstacles[0].reason
    assert alone.duplicates == ()


def test_members_of_very_many_duplicates_are_kept_in_bounds():
    count = MOST_SHOWN + 200
    users = [
        user(number * 10 + twin, **{GUID: UUID(int=number).bytes_le}) for number in range(count) for twin in (0, 1)
    ]
    assert len(search_anchors([surveyed("a.test", users)], None).duplicates) == MOST_SHOWN
