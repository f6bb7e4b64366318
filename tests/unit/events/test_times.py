"""Times as exports write them, and those that could mean two things."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.events.times import Dates

NOON = datetime(2026, 9, 30, 12, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-30T12:34:56Z",
        "2026-09-30T12:34:56.0000000Z",
        "2026-09-30T14:34:56.0000000+02:00",
        "2026-09-30 04:34:56 -0800",
        "2026-09-30T12:34:56Z UTC".removesuffix(" UTC"),
        "/Date(1790771696000)/",
        "\\/Date(1790771696000+0200)\\/",
    ],
)
def test_times_with_a_zone(text: str) -> None:
    dates = Dates()
    assert dates.read(text) == NOON
    assert not dates.local


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-30 12:34:56",
        "2026/09/30 12:34:56",
        "9/30/2026 12:34:56 PM",
        "09/30/2026 12:34:56",
        "30/09/2026 12:34:56",
        "30.09.2026 12:34:56",
        "30.9.2026, 12:34:56",
        "30-9-2026 12:34:56",
        "30-09-2026 12:34:56",
        "9/30/2026 12:34:56\u202fPM",
    ],
)
def test_times_without_a_zone_are_this_machines_and_said_to_be(text: str) -> None:
    dates = Dates()
    assert dates.read(text) == datetime(2026, 9, 30, 12, 34, 56).astimezone()
    assert dates.local


@pytest.mark.parametrize(
    "text",
    [
        "03/09/2026 12:34:56",
        "10/11/2026 2:34:56 PM",
        "3/09/2026 2:34:56 pm",
        "",
        "yesterday",
        "31.02.2026 10:00:00",
        "2026-13-01T00:00:00Z",
        "0000-00-00T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "/Date(999999999999999)/",
        "13/13/2026 10:00:00",
        "9/30/2026 13:00:00 PM",
        "9" * 500,
    ],
)
def test_what_is_no_time_or_could_be_two_is_none(text: str) -> None:
    assert Dates().read(text) is None


def test_midnight_and_noon_of_the_twelve_hour_clock() -> None:
    dates = Dates()
    for text, hour in (("9/30/2026 12:00:00 AM", 0), ("9/30/2026 12:00:00 PM", 12), ("9/30/2026 1:00:00 PM", 13)):
        assert dates.read(text) == datetime(2026, 9, 30, hour).astimezone()


def test_a_date_that_can_only_be_one_shows_how_the_others_are_meant() -> None:
    for shown, month in (("30/09/2026 10:00:00", 9), ("09/30/2026 10:00:00", 3)):
        dates = Dates()
        dates.learn("no date at all")
        dates.learn(shown)
        assert dates.read("03/09/2026 12:00:00") == datetime(2026, month, 12 - month, 12).astimezone()


def test_united_states_write_no_zero_before_the_day() -> None:
    assert Dates().read("9/3/2026 2:34:56 PM") == datetime(2026, 9, 3, 14, 34, 56).astimezone()


@given(st.text(max_size=70) | st.from_regex(r"[\d/.: APM+ZT-]{0,40}", fullmatch=True))
def test_nothing_breaks_it(text: str) -> None:
    read = Dates().read(text)
    assert read is None or read.tzinfo is not None
