"""A reading that has begun before those who count are ready: taken once, and only by whom it serves."""

from __future__ import annotations

import pytest
from crowds import BASE, CrowdDirectory, surveyed, user

from preflight.api import Unavailable
from preflight.directory.users.blocked import Blocked
from preflight.directory.users.early import EarlyReading
from preflight.directory.users.survey import attributes_for

ENOUGH = attributes_for([Blocked.attributes])


def crowded(count: int, breaks: tuple[int | None, ...] = (None,)) -> CrowdDirectory:
    return CrowdDirectory(lambda: [user(number) for number in range(count)], page=10, breaks=breaks)


def test_a_survey_goes_on_with_the_reading_that_has_begun():
    directory = crowded(35)
    early = EarlyReading(directory, ENOUGH, None)
    survey = surveyed(directory, early=lambda: early)
    assert survey[Blocked].outcomes == {"ok": 35}
    assert survey.complete
    assert directory.readings == 1


@pytest.mark.parametrize(("attributes", "base"), [({"objectSid"}, None), (ENOUGH, f"OU=People,{BASE}")])
def test_a_reading_of_something_else_is_given_up(attributes, base):
    directory = crowded(35)
    early = EarlyReading(directory, attributes, base)
    survey = surveyed(directory, early=lambda: early)
    assert survey[Blocked].outcomes == {"ok": 35}
    assert directory.readings == 2


@pytest.mark.parametrize("page", [0, 1, 2])
def test_where_it_fails_another_controller_goes_on_and_nobody_is_lost_or_doubled(page):
    directory = crowded(35, breaks=(page, None))
    early: list[EarlyReading] = []

    def begun() -> EarlyReading:
        early.append(EarlyReading(directory, ENOUGH, None))
        return early[0]

    survey = surveyed(directory, early=begun)
    assert survey[Blocked].outcomes == {"ok": 35}
    assert survey.complete
    assert directory.left == ["controller 0"]


def test_without_another_controller_its_failure_is_what_is_missing():
    directory = crowded(35, breaks=(0,))
    survey = surveyed(directory, early=lambda: EarlyReading(directory, ENOUGH, None))
    with pytest.raises(Unavailable, match="broke off after 0 users") as caught:
        survey.ensure_complete()
    assert caught.value.code == "connection-lost"


def test_a_domain_without_users_has_no_first_page():
    directory = crowded(0)
    with pytest.raises(Unavailable, match="no user was seen"):
        surveyed(directory, early=lambda: EarlyReading(directory, ENOUGH, None)).ensure_complete()
