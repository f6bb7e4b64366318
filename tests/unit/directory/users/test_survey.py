"""One reading of the users: who counts, what a broken reading leaves, and that memory doesn't grow with the domain."""

from __future__ import annotations

import gc
import random
import threading
import tracemalloc
from collections import Counter

import pytest
from crowds import BASE, EVERYTHING, NOTHING, CrowdDirectory, surveyed, user
from descriptors import descriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.api import Unavailable
from preflight.directory.access.rights import Answer, Right
from preflight.directory.users.blocked import MOST_CAUSES, Blocked
from preflight.directory.users.scope import Scope, Standing


def crowd(count: int, **attributes):
    return [user(number, **attributes) for number in range(count)]


def seen_by(directory: CrowdDirectory, scope: Scope | None = None):
    """How often each user was judged, and the survey."""
    judged: Counter[str] = Counter()
    survey = surveyed(directory, scope, sink=lambda judgement, _: judged.update([judgement.user.account_name]))
    _ = survey[Blocked]
    return judged, survey


# Once, by whoever asks first


def test_the_users_are_read_once_for_everybody_who_asks():
    directory = CrowdDirectory(lambda: crowd(30))
    survey = surveyed(directory)
    threads = [threading.Thread(target=survey.ensure_complete) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert directory.readings == 1
    assert survey[Blocked].outcomes == {"ok": 30}
    assert survey.seen == 30
    assert survey.complete


def test_a_fold_that_could_not_be_made_is_raised_and_the_others_are_read():
    survey = surveyed(CrowdDirectory(lambda: crowd(3)))
    survey._folds[dict] = Unavailable("no token", code="connector-unknown")
    with pytest.raises(Unavailable, match="no token"):
        _ = survey[dict]
    assert survey[Blocked].outcomes == {"ok": 3}
    assert survey.so_far(dict) is None


def test_nobody_seen_is_not_a_pass():
    survey = surveyed(CrowdDirectory(lambda: ()))
    with pytest.raises(Unavailable, match="no user was seen") as caught:
        survey.ensure_complete()
    assert caught.value.code == "nobody-seen"
    assert not survey.complete
    assert not survey[Blocked].clear(Right.RESET_PASSWORD)


def test_standings_are_counted_and_only_those_in_scope_count():
    users = [
        user(1),
        user(2, userAccountControl=0x202),
        user(3, isCriticalSystemObject="TRUE"),
        user(4, dn=f"CN=x,OU=Service,{BASE}"),
        user(5, userAccountControl=None),
    ]
    _, survey = seen_by(CrowdDirectory(lambda: users), Scope(exclude=(f"ou=service,{BASE}",)))
    assert survey.standings == dict.fromkeys(Standing, 1)
    assert survey[Blocked].outcomes == {"ok": 1, "disabled": 1, "out_of_scope": 1, "excluded": 1, "unknown": 1}
    assert survey[Blocked].tallies[Right.RESET_PASSWORD].unknown == 1


# A controller that dies


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(0, 60),
    page=st.integers(1, 13),
    breaks=st.lists(st.integers(0, 6), max_size=3),
    seed=st.integers(0, 2**32),
)
def test_whenever_controllers_die_nobody_is_lost_and_nobody_doubled(count, page, breaks, seed):
    """Each controller answers in an order of its own."""
    shuffling = random.Random(seed)
    users = crowd(count)
    directory = CrowdDirectory(lambda: shuffling.sample(users, len(users)), breaks=(*breaks, None), page=page)
    judged, survey = seen_by(directory)
    assert judged == Counter(user.account_name for user in users)
    assert survey.seen == count == survey[Blocked].in_scope
    assert len(directory.left) <= len(breaks)


@pytest.mark.parametrize("identity", [None, b"short"], ids=["absent", "malformed"])
def test_users_without_a_readable_guid_are_known_by_their_name(identity):
    users = [user(number, objectGUID=identity) for number in range(10)]
    upper = [user(number, objectGUID=identity, dn=users[number].distinguished_name.upper()) for number in range(10)]
    answers = iter([users, upper])
    judged, _ = seen_by(CrowdDirectory(lambda: next(answers), breaks=(2, None), page=3))
    assert set(judged.values()) == {1}
    assert len(judged) == 10


def test_the_last_controller_dies_and_what_was_seen_stays():
    directory = CrowdDirectory(lambda: crowd(30), breaks=(1, 2), page=10)
    judged, survey = seen_by(directory)
    with pytest.raises(Unavailable, match="broke off after 20 users: controller 1: the connection was lost") as caught:
        survey.ensure_complete()
    assert caught.value.code == "connection-lost"
    assert caught.value.evidence["users_seen"] == 20 == len(judged) == survey.seen
    assert not survey.complete


@pytest.mark.parametrize("name", ["CN,DC=y", "=x,DC=y"])
def test_a_name_that_is_none_ends_the_reading_and_nobody_is_passed_over_for_it(name):
    users = [user(1), user(2, dn=name), user(3)]
    judged, survey = seen_by(CrowdDirectory(lambda: users, breaks=(None, None)))
    assert len(judged) < 3
    with pytest.raises(Unavailable, match="broke off after") as caught:
        survey.ensure_complete()
    assert caught.value.code == "malformed-name"
    assert not survey.complete


def test_how_many_were_not_seen_is_said_where_somebody_counted_them():
    survey = surveyed(CrowdDirectory(lambda: crowd(30), breaks=(2,), page=10))
    survey.expected = 30
    with pytest.raises(Unavailable, match="after 20 of 30 users, 10 were not seen") as caught:
        survey.ensure_complete()
    assert caught.value.evidence["users_not_seen"] == 10


def test_each_search_base_is_read_even_if_another_breaks_off():
    class OneBaseFails(CrowdDirectory):
        def users(self, attributes, search_base=None):
            if search_base == "OU=gone":
                raise Unavailable("no such object", code="no-such-object")
            return super().users(attributes, search_base)

    judged, survey = seen_by(OneBaseFails(lambda: crowd(5)), Scope(search_bases=("OU=gone", "OU=there")))
    assert len(judged) == 5
    with pytest.raises(Unavailable, match="under OU=gone broke off after 0 users"):
        survey.ensure_complete()


# Many


def peak_of(count: int, *, live: bool, sddl: str = EVERYTHING) -> int:
    shared = descriptor(sddl)
    directory = CrowdDirectory(lambda: (user(number, bytes(shared)) for number in range(count)), live=live)
    gc.collect()
    tracemalloc.start()
    try:
        survey = surveyed(directory, sink=lambda *_: None)
        assert survey[Blocked].outcomes.total() == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("live", "count"), [(False, 100_000), (True, 30_000)], ids=["an export", "a live directory"])
def test_memory_does_not_grow_with_the_users(live, count):
    small, large = peak_of(2_000, live=live), peak_of(count, live=live)
    kept = 16 * count * 9 // 8 if live else 0
    assert large - kept <= 1.3 * small


def test_distinct_causes_and_examples_are_kept_in_bounds():
    """10,000 descriptors, each with a denying entry of its own."""
    count = 10_000

    def users():
        for number in range(count):
            entry = f"(D;;0x{0x100 | number << 9:x};;;WD)"
            yield user(number, "O:DAG:DAD:" + entry + EVERYTHING[EVERYTHING.index("(") :])

    survey = surveyed(CrowdDirectory(users))
    blocked = survey[Blocked]
    assert blocked.outcomes == {"blocked": count}
    assert blocked.tallies[Right.RESET_PASSWORD].denied == count
    assert sum(group.count for group in blocked.causes(Right.RESET_PASSWORD)) == count
    groups = [group for right in blocked.judge.rights for group in blocked.causes(right, Answer.DENIED)]
    assert MOST_CAUSES < len(groups) <= MOST_CAUSES + 10
    assert all(len(group.examples) <= 5 for group in groups)


def test_a_descriptor_of_60_kilobytes_is_judged_to_its_last_entry():
    entries = "".join(f"(A;;RPWP;;;S-1-5-21-9-8-7-{number})" for number in range(1_600))
    big = descriptor("O:DAG:DAD:" + entries + EVERYTHING[EVERYTHING.index("(") :])
    assert 57_000 < len(big) < 65_535
    nearly = descriptor("O:DAG:DAD:" + entries + NOTHING[NOTHING.index("(") :])
    survey = surveyed(CrowdDirectory(lambda: [user(1, big), user(2, nearly), user(3, big[:-40])]))
    assert survey[Blocked].outcomes == {"ok": 1, "blocked": 1, "unknown": 1}
