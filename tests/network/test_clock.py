"""Clocks: the bounds of a reading, a server whose `Date` is moved, a controller's currentTime; and what is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from network.http_servers import answers, page
from network.servers import Peer

from preflight.api import Status
from preflight.directory.model import generalized_time
from preflight.network.clock import ClockReading, Clocks, duration
from preflight.network.clouds import DocumentedName
from preflight.network.dialer import SocketDialer
from preflight.network.model import Endpoint
from preflight.network.resolver import DnsResolver
from preflight.network.web import WebAnswers
from preflight.network.web_client import SocketWeb
from preflight.resources.web import _service_clock
from preflight_checks import in_step

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def service_clock(authority, moved, *headers):
    """The reading of a server whose `Date` is so far from this machine's clock."""
    shown = format_datetime(datetime.now(UTC) + moved, usegmt=True)
    wire = page("404 Not Found", "", f"Date: {shown}", *headers)
    with Peer(answers(authority.context("127.0.0.1"), wire)) as peer:
        dialer = SocketDialer(DnsResolver(), timeout=2.0, ca_file=authority.file)
        answer = SocketWeb(dialer).ask(dialer.reach(Endpoint("127.0.0.1", peer.port), tls=True))
    return _service_clock(WebAnswers({DocumentedName("a"): answer}, {}))


SITUATIONS = [
    ("in step", timedelta(), "ok", Status.PASS, "in step with"),
    ("half a minute", timedelta(seconds=30), "ok", Status.PASS, "behind"),
    ("two minutes ahead of us", timedelta(minutes=2), "clock-drifts", Status.WARN, "behind"),
    ("two minutes behind us", timedelta(minutes=-2), "clock-drifts", Status.WARN, "ahead of"),
    ("six minutes", timedelta(minutes=6), "clock-off", Status.FAIL, "behind"),
    ("an hour behind us", timedelta(hours=-1), "clock-off", Status.FAIL, "ahead of"),
    ("years", timedelta(days=4000), "clock-off", Status.FAIL, "behind"),
]


@pytest.mark.parametrize(
    ("moved", "code", "status", "says"), [r[1:] for r in SITUATIONS], ids=[r[0] for r in SITUATIONS]
)
def test_a_service_whose_date_is_moved(authority, moved, code, status, says):
    reading = service_clock(authority, moved)
    [finding] = in_step.function(Clocks(service=reading))
    assert (finding.code, finding.status) == (code, status)
    assert says in finding.summary
    assert status is Status.PASS or "w32tm /resync" in finding.remedy
    assert reading.least - SECOND <= -moved <= reading.most + SECOND, "the page was made before it was asked for"


@pytest.mark.parametrize("headers", [["Age: 300"], ["Server: squid"]])
def test_a_date_out_of_a_cache_or_of_a_web_filter_is_no_clock(authority, headers):
    assert service_clock(authority, timedelta(hours=1), *headers) is None


def test_the_time_that_a_reading_took_is_allowed_for():
    slow = ClockReading.between("dc1", NOW, NOW - 20 * SECOND, NOW + 30 * SECOND)
    assert (slow.least, slow.most, slow.surely) == (-21 * SECOND, 30 * SECOND, timedelta())
    shown = NOW + timedelta(minutes=5, seconds=10)
    assert ClockReading.between("dc1", shown, NOW, NOW + 20 * SECOND).surely < timedelta(minutes=5)


@pytest.mark.parametrize("shown", ["00010101000000Z", "99991231235959Z"])
def test_the_first_and_the_last_time_that_can_be_written_are_far_off(shown):
    reading = ClockReading.between("dc1", generalized_time(shown), NOW, NOW)
    assert [finding.code for finding in in_step.function(Clocks((reading,)))] == ["clock-off"]


def test_a_reading_that_took_minutes_tells_nothing():
    slow = ClockReading.between("dc1", NOW, NOW - timedelta(minutes=2), NOW + timedelta(minutes=2))
    [finding] = in_step.function(Clocks((slow,)))
    assert (finding.code, finding.status) == ("clock-unclear", Status.UNKNOWN)


def test_each_controller_is_compared_by_itself():
    good = ClockReading.between("dc1", NOW, NOW, NOW)
    off = ClockReading.between("dc2", NOW - timedelta(minutes=7), NOW, NOW)
    first, second = in_step.function(Clocks((good, off)))
    assert (first.code, second.code, second.subject) == ("ok", "clock-off", "dc2")


def test_no_clock_at_all_is_unknown_and_an_export_has_none():
    [finding] = in_step.function(Clocks(unread=(("dc1", "refused"),)))
    assert (finding.code, finding.status) == ("no-clock", Status.UNKNOWN)
    assert "dc1: refused" in finding.summary
    [finding] = in_step.function(Clocks(exported=("corp.contoso.com",)))
    assert finding.status is Status.NOT_APPLICABLE


MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, st.integers(-(10**7), 10**7), st.floats(0, 300), st.floats(0, 300))
def test_the_truth_lies_between_the_bounds(true_time, off, before, after):
    """The other clock is right and shows whole seconds; this machine's is `off` seconds ahead."""
    shown = true_time.replace(microsecond=0)
    mine = true_time + timedelta(seconds=off)
    reading = ClockReading.between("dc", shown, mine - timedelta(seconds=before), mine + timedelta(seconds=after))
    assert reading.least <= timedelta(seconds=off) <= reading.most
    assert reading.surely <= abs(timedelta(seconds=off)) <= reading.at_worst


def test_durations_are_readable():
    said = [duration(timedelta(seconds=each)) for each in (0, 4, 60, 192, 7500, 90061)]
    assert said == ["0 s", "4 s", "1 min", "3 min 12 s", "2 h 5 min", "1 d 1 h"]


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_none(text):
    time = generalized_time(text)
    assert time is None or time.tzinfo is UTC


def test_a_controllers_time():
    assert generalized_time("20261123221946.0Z") == datetime(2026, 11, 23, 22, 19, 46, tzinfo=UTC)
    assert generalized_time("20261123221946.0+0100") is None
