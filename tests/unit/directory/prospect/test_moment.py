"""Moments as a person says them, in UTC and where this machine stands."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.directory.prospect.moment import clock_time, deadline, span

NOW = datetime(2026, 6, 1, 10, 53, tzinfo=UTC)


@pytest.fixture
def zone(monkeypatch):
    def put(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield put
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(hours=3, minutes=12), "3 h 12 min"),
        (timedelta(seconds=1), "1 min"),
        (timedelta(days=1), "1 d"),
        (timedelta(days=2, hours=3, minutes=59), "2 d 3 h"),
        (timedelta(hours=2), "2 h"),
        (timedelta(), "0 min"),
        (timedelta(seconds=-5), "0 min"),
    ],
)
def test_spans(length, said):
    assert span(length) == said


def test_a_deadline_names_the_day_only_where_it_is_another(zone):
    zone("UTC")
    assert deadline(datetime(2026, 6, 1, 14, 5, tzinfo=UTC), NOW) == "until 14:05 UTC (in 3 h 12 min)"
    assert deadline(datetime(2026, 6, 2, 14, 5, tzinfo=UTC), NOW).startswith("until 2026-06-02 14:05 UTC (in 1 d")


def test_where_the_machine_has_another_time_both_are_said(zone):
    zone("XXX-2")
    assert deadline(datetime(2026, 6, 1, 14, 5, tzinfo=UTC), NOW) == "until 14:05 UTC (16:05 here, in 3 h 12 min)"
    late = deadline(datetime(2026, 6, 1, 22, 30, tzinfo=UTC), NOW)
    assert late == "until 22:30 UTC (2026-06-02 00:30 here, in 11 h 37 min)"
    assert clock_time(NOW) == "2026-06-01 10:53:00 UTC (12:53 here)"


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=900)))
def test_nobody_who_waits_as_long_as_is_said_comes_too_early(length):
    units = {"d": timedelta(days=1), "h": timedelta(hours=1), "min": timedelta(minutes=1)}
    words = span(length).split()
    said = sum((int(count) * units[unit] for count, unit in zip(words[::2], words[1::2], strict=True)), timedelta())
    assert said >= length - timedelta(hours=1) if "d" in words else said >= length
