"""For whom writeback fails, counted by right, cause and container."""

from __future__ import annotations

import pytest
from crowds import BASE, CONNECTOR, EVERYTHING, NOTHING, RESET, judge, user

from preflight.directory.access.rights import Answer, Right
from preflight.directory.users.blocked import MOST_EXAMPLES, Blocked
from preflight.directory.users.scope import Standing

NO_RESET = f"O:DAG:DAD:(OD;;CR;{RESET};;WD)(A;CIID;CRWP;;;{CONNECTOR})"


def fold(*users, standing=Standing.IN_SCOPE, **options):
    blocked = Blocked(judge(), **options)
    for each in users:
        blocked.add(each, standing)
    return blocked


def test_users_with_one_cause_stand_in_one_group():
    blocked = fold(*(user(number, NO_RESET) for number in range(120)), user(200))
    [group] = blocked.causes(Right.RESET_PASSWORD)
    assert (group.count, group.cause.code) == (120, "ace-denied")
    assert len(group.containers) == 50
    assert len(group.examples) == MOST_EXAMPLES
    assert group.classes == {"user": 120}
    assert not blocked.causes(Right.WRITE_LOCKOUT_TIME)
    tally = blocked.tallies[Right.RESET_PASSWORD]
    assert (tally.allowed, tally.denied, tally.unknown) == (1, 120, 0)
    assert blocked.outcomes == {"blocked": 120, "ok": 1}


def test_the_largest_group_comes_first():
    blocked = fold(user(1, NOTHING), *(user(number, NO_RESET) for number in range(2, 5)))
    assert [group.count for group in blocked.causes(Right.RESET_PASSWORD)] == [3, 1]


@pytest.mark.parametrize(
    ("users", "clear"),
    [
        ([], False),
        ([user(1)], True),
        ([user(1), user(2, NO_RESET)], False),
        ([user(1, nTSecurityDescriptor=None)], False),
    ],
)
def test_clear_needs_somebody_and_everybody(users, clear):
    assert fold(*users).clear(Right.RESET_PASSWORD) is clear


def test_a_disabled_user_has_a_row_and_no_say():
    taken = []
    blocked = fold(
        user(1, NOTHING, userAccountControl=0x202),
        standing=Standing.DISABLED,
        sink=lambda judgement, _: taken.append(judgement),
    )
    assert len(taken) == 1
    assert blocked.outcomes == {"disabled": 1}
    assert blocked.tallies[Right.RESET_PASSWORD].denied == 0
    assert not blocked.rows
    assert blocked.in_scope == 0


@pytest.mark.parametrize("standing", [Standing.OUT_OF_SCOPE, Standing.EXCLUDED])
def test_who_is_out_of_scope_is_counted_and_has_no_row(standing):
    taken = []
    blocked = fold(user(1, NOTHING), standing=standing, sink=lambda judgement, _: taken.append(judgement))
    assert not taken
    assert blocked.outcomes == {standing.value: 1}
    assert not blocked.by_container


def test_an_unreadable_user_is_unknown_for_every_right():
    blocked = fold(user(1, nTSecurityDescriptor=None), user(2, userAccountControl=None), standing=Standing.UNKNOWN)
    for right in (Right.RESET_PASSWORD, Right.WRITE_LOCKOUT_TIME, Right.WRITE_PWD_LAST_SET):
        assert blocked.tallies[right].unknown == 2
        assert sum(group.count for group in blocked.causes(right, Answer.UNKNOWN)) == 2


def test_blocked_rows_are_kept_up_to_a_number():
    blocked = fold(*(user(number, NO_RESET) for number in range(10)), most_rows=4)
    assert [row["sam_account_name"] for row in blocked.rows] == [f"user{number:06}" for number in range(4)]


def test_an_orphan_with_rights_is_remembered():
    blocked = fold(user(1, EVERYTHING, adminCount=1), user(2, EVERYTHING))
    assert blocked.orphans == 1
    assert blocked.orphan_examples == [f"CN=User 000001,OU=Site 01,{BASE}"]


def test_each_container_has_its_causes_and_a_few_examples():
    people = [user(number, NO_RESET, dn=f"CN=User {number},OU=Sales,{BASE}") for number in range(7)]
    unread = user(8, nTSecurityDescriptor=None, dn=f"CN=User 8,OU=Sales,{BASE}")
    blocked = fold(*people, unread, user(9, dn=f"CN=User 9,OU=Good,{BASE}"))
    assert list(blocked.troubles) == [f"OU=Sales,{BASE}"]
    trouble = blocked.troubles[f"OU=Sales,{BASE}"]
    assert trouble.causes == {"ace-denied": 7}
    assert [example["outcome"] for example in trouble.examples] == ["blocked"] * 5 + ["unknown"]
    assert trouble.examples[0] == {"dn": f"CN=User 0,OU=Sales,{BASE}", "outcome": "blocked", "code": "ace-denied"}
