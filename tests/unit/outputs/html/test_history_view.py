"""What earlier runs add to the HTML report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.outputs import samples

from preflight.api import Status
from preflight.outputs.html.history import HEIGHT, WIDTH, history
from preflight.past import Past, Period, TrendPoint

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_no_history_no_section():
    assert history(samples.green()) is None


def test_a_short_outage_is_seen_in_the_timeline():
    view = history(samples.watched())
    [line] = view.changed
    assert (line.check, line.now.word, line.changes) == ("network.relay-443", "pass", 2)
    assert line.says == "pass since 2026-11-18 03:45:00 UTC"
    first, outage, last = line.periods
    assert outage.width >= 3
    assert outage.height > first.height
    assert first.start == 0
    assert last.start + last.width == pytest.approx(WIDTH, abs=1)


def test_what_is_bad_comes_first_and_what_never_changed_stands_apart():
    periods = (
        Period("a.good", "", Status.PASS, START),
        Period("b.mended", "", Status.FAIL, START, START + timedelta(1)),
        Period("b.mended", "", Status.PASS, START + timedelta(1)),
        Period("c.bad", "", Status.FAIL, START),
        Period("d.elsewhere", "", Status.NOT_APPLICABLE, START),
    )
    view = history(replace(samples.green(), past=Past(9, START, periods)))
    assert [line.check for line in view.changed] == ["c.bad", "b.mended"]
    assert [line.check for line in view.steady] == ["a.good", "d.elsewhere"]


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=80))
def test_a_trend_stays_within_its_drawing(readings):
    points = tuple(TrendPoint("d", START + timedelta(minutes=at), {"blocked": count}) for at, count in readings)
    [trend] = history(replace(samples.green(), past=Past(9, START, (), points))).trends
    places = [tuple(map(float, pair.split(","))) for pair in trend.line.split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
    assert max(count for _, count in readings) <= trend.top
    assert len(trend.table) + trend.left_out == len(readings)
