"""What the logs say as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import event_logs
import pytest
from event_logs import FIXTURES, RELAYS, SYNC, Log, Written

from preflight.events import Digest, Event, Filter, digest, read_events
from preflight.events.digest import is_outdated

BEGIN = datetime(2026, 9, 30, 8, tzinfo=UTC)


def digested(events: Sequence[Written], only: Filter | None = None, now: datetime | None = None) -> Digest:
    return digest(
        (Event(each.time, each.source, each.event_id, computer=each.computer, message=each.message) for each in events),
        only=only,
        now=now,
    )


def test_the_story_is_summed_up() -> None:
    reading = read_events([FIXTURES / "wevtutil.xml"])
    found = digest(reading, reading.logs)
    assert (found.succeeded, found.failed, found.unfinished, found.headless) == (6, 3, 1, 0)
    assert found.attempts["onboarding"] == {"succeeded": 1}
    assert found.by_day == {"2026-09-28": (2, 2), "2026-09-29": (4, 1)}
    assert sum(found.by_hour) == found.failed
    assert [(each.event_id, each.hresult, each.count) for each in found.causes] == [
        (33008, "0x80230619", 2),
        (33004, "0x80230626", 1),
    ]
    assert [(each.user, each.failed) for each in found.users[:2]] == [("bob@contoso.com", 2), ("carol@contoso.com", 1)]
    assert set(found.namespaces) == set(RELAYS)
    assert found.versions == ("2.5.190.0", event_logs.VERSION)
    assert (found.outdated, found.repeated, found.unattached) == ((), 0, 0)
    assert found.median == pytest.approx(2.5)
    assert found.service.state == "running"
    assert found.service.onboarding == "on"
    assert len(found.logs) == 1 and found.service.as_of == found.logs[0].last


@pytest.mark.parametrize("name", ["application.evtx", "powershell7.json", "clixml.xml", "rendered.utf16.xml"])
def test_every_form_sums_up_to_the_same(name: str) -> None:
    one, other = read_events([FIXTURES / "wevtutil.xml"]), read_events([FIXTURES / name])
    expected, found = digest(one, one.logs), digest(other, other.logs)
    assert found.causes == expected.causes
    assert found.attempts == expected.attempts
    assert found.service == expected.service
    assert (found.median, found.percentile_95) == (expected.median, expected.percentile_95)


def test_the_same_log_in_two_forms_is_counted_once() -> None:
    reading = read_events([FIXTURES / "application.evtx", FIXTURES / "powershell7.json"])
    found = digest(reading, reading.logs)
    assert (found.succeeded, found.failed) == (6, 3)
    assert found.repeated == found.logs[1].kept


# Is the service up?


def _state(*steps: str) -> str:
    log = Log(BEGIN)
    for step in steps:
        log.later(minutes=5)
        getattr(log, step)()
    return digested(log.events).service.state


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        (("started",), "running"),
        (("started", "heartbeat"), "running"),
        (("heartbeat", "stopped"), "stopped"),
        (("stopped", "started"), "running"),
        (("heartbeat", "unhealthy"), "unhealthy"),
        (("unhealthy", "heartbeat"), "running"),
        (("unhealthy", "stopped"), "stopped"),
        (("heartbeat", "noise", "noise", "noise"), "running"),
        (("noise",), "absent"),
        ((), "absent"),
        (("unhealthy",), "unhealthy"),
    ],
)
def test_the_latest_sign_counts(steps: tuple[str, ...], state: str) -> None:
    assert _state(*steps) == state


def test_silence_before_the_log_ends_is_told() -> None:
    log = Log(BEGIN)
    log.heartbeat()
    log.later(hours=3).noise()
    found = digested(log.events)
    assert found.service.state == "silent"
    assert found.service.age == timedelta(hours=3).total_seconds()


def test_of_a_live_log_the_age_is_judged_now() -> None:
    log = Log(BEGIN)
    log.heartbeat()
    assert digested(log.events, now=BEGIN + timedelta(minutes=4)).service.state == "running"
    found = digested(log.events, now=BEGIN + timedelta(minutes=40))
    assert (found.service.state, found.service.age, found.live) == ("silent", 2400.0, True)


def test_the_longest_time_without_a_heartbeat() -> None:
    log = Log(BEGIN)
    for minutes in (5, 5, 180, 5):
        log.later(minutes=minutes).heartbeat()
    assert digested(log.events).service.longest_gap == (180 * 60.0, BEGIN + timedelta(minutes=10))
    assert digested(log.events[::-1]).service.longest_gap == (180 * 60.0, BEGIN + timedelta(minutes=10))


@pytest.mark.parametrize(
    ("ids", "state"),
    [
        ((31004, 31005), "on"),
        ((31004,), "switching on"),
        ((31004, 31005, 31012, 31013), "off"),
        ((31012, 31014), "switching off failed"),
        ((), "unknown"),
    ],
)
def test_whether_writeback_is_switched_on(ids: tuple[int, ...], state: str) -> None:
    log = Log(BEGIN)
    for number in ids:
        log.later(seconds=5).write(event_logs.SERVICE, number, f"TrackingId: {event_logs.guid('x')}, Details: ")
    assert digested(log.events).service.onboarding == state


@pytest.mark.parametrize(
    ("version", "outdated"),
    [
        ("2.5.78.0", True),
        ("1.6.16.0", True),
        ("2.5.79.0", False),
        ("2.6.1.0", False),
        ("5.0.400.1", False),
        ("", False),
        ("0.1", False),
    ],
)
def test_a_version_that_has_stopped_working(version: str, outdated: bool) -> None:
    assert is_outdated(version) is outdated


# Filters and bounds


def test_filters() -> None:
    story = event_logs.two_days()
    bob = digested(story, Filter(user="bob@contoso.com"))
    assert (bob.succeeded, bob.failed) == (0, 2)
    one = digested(story, Filter(tracking_id=event_logs.guid("bob 2")))
    assert (one.succeeded, one.failed) == (0, 1)
    second = digested(story, Filter(since=datetime(2026, 9, 29, tzinfo=UTC)))
    assert list(second.by_day) == ["2026-09-29"]
    first = digested(story, Filter(until=datetime(2026, 9, 29, tzinfo=UTC)))
    assert list(first.by_day) == ["2026-09-28"]
    assert (first.failed, second.failed) == (2, 1)


def test_what_goes_beyond_a_bound_is_still_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    module = __import__("preflight.events.digest", fromlist=["MOST_USERS"])
    for name in ("MOST_USERS", "MOST_CAUSES", "MOST_NAMES"):
        monkeypatch.setattr(module, name, 5)
    log = Log(BEGIN)
    for number in range(40):
        log.later(seconds=9).begun(f"user{number}@contoso.com", str(number))
        reason = f"Synchronization Engine returned an error hr=802306{number:02x}, message=x."
        log.later(seconds=1).refused(f"user{number}@contoso.com", str(number), 33001, reason)
        log.heartbeat(f"relay{number}.servicebus.windows.net")
    found = digested(log.events)
    assert found.failed == 40
    assert sum(cause.count for cause in found.causes) == 40
    assert len(found.causes) <= 6
    assert (len(found.users), found.users_uncounted) == (5, 35)
    assert len(found.namespaces) == 5


def test_refusals_that_a_controller_has_logged() -> None:
    event = Event(BEGIN, "Microsoft-Windows-Security-Auditing", 4724, message="MSOL_0a1b2c3d")
    assert digest([event]).refused_by_controller == 1


def test_the_sync_engine_that_could_not_start_writeback() -> None:
    log = Log(BEGIN)
    log.write(SYNC, 6800, "The password writeback endpoint did not start.", "Error")
    assert digested(log.events).service.start_failed == BEGIN
