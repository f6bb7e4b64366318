"""The checks of the logs that the configuration names: about now, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import event_logs
import pytest
from event_logs import Log

from preflight.api import Check, Finding, Severity, Status, Target, Unavailable
from preflight.config import Configuration, ConfigurationError, EventSettings, describe, load, to_public_dict
from preflight.config.settings import SyncServerSettings
from preflight.events.watched import WatchedLogs, watch_logs
from preflight.resources import Resources, Setting
from preflight_checks.events import failures, heartbeat_fresh, service_running

NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)
FRESH = timedelta(minutes=15)
CHECKS = (service_running, heartbeat_fresh, failures)


def log_until(minutes_ago: float, story: Callable[[Log], None]) -> Log:
    """A log that begins two hours ago or earlier, with a story, and something else as its last event."""
    log = Log(NOW - timedelta(minutes=max(120, minutes_ago + 10)))
    log.noise()
    story(log)
    log.now = NOW - timedelta(minutes=minutes_ago)
    log.noise()
    return log


def said(
    check: Check, log: Log | None, tmp_path: Path, *, staging: bool = False, content: bytes | None = None
) -> list[Finding]:
    if log is None:
        return list(check.function(WatchedLogs(None, None, NOW, FRESH, staging)))
    file = tmp_path / "application.xml"
    file.write_bytes(content or event_logs.as_xml(log.events).encode())
    return list(check.function(watch_logs([file], NOW, FRESH, staging)))


def heartbeat(minutes_ago: float) -> Callable[[Log], None]:
    def beat(log: Log) -> None:
        log.now = NOW - timedelta(minutes=minutes_ago)
        log.heartbeat()

    return beat


def test_they_are_what_the_verdict_needs() -> None:
    assert [check.severity for check in CHECKS] == [Severity.BLOCKER, Severity.BLOCKER, Severity.ADVISORY]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_without_a_log_they_harm_no_verdict(check: Check, tmp_path: Path) -> None:
    [finding] = said(check, None, tmp_path)
    assert finding.status is Status.NOT_APPLICABLE
    assert "[events] logs" in finding.summary


def test_a_service_that_works(tmp_path: Path) -> None:
    log = log_until(1, heartbeat(4))
    assert [each.status for each in said(service_running, log, tmp_path)] == [Status.PASS]
    assert [each.status for each in said(heartbeat_fresh, log, tmp_path)] == [Status.PASS]
    assert [each.status for each in said(failures, log, tmp_path)] == [Status.NOT_APPLICABLE]


@pytest.mark.parametrize(
    ("story", "status", "code"),
    [
        (Log.stopped, Status.FAIL, "stopped"),
        (Log.unhealthy, Status.FAIL, "unhealthy"),
        (Log.heartbeat, Status.UNKNOWN, "silent"),
        (Log.noise, Status.UNKNOWN, "no-event"),
    ],
)
def test_a_service_that_does_not_work(story: Callable[[Log], None], status: Status, code: str, tmp_path: Path) -> None:
    [finding] = said(service_running, log_until(1, story), tmp_path)
    assert (finding.status, finding.code) == (status, code)
    assert finding.expected and finding.observed and finding.remedy
    assert code in service_running.codes


def test_heartbeats_that_have_ended_while_the_log_goes_on(tmp_path: Path) -> None:
    [finding] = said(heartbeat_fresh, log_until(1, heartbeat(40)), tmp_path)
    assert (finding.status, finding.code) == (Status.FAIL, "heartbeat-old")
    assert "40 minutes ago" in finding.summary
    [finding] = said(heartbeat_fresh, log_until(1, Log.started), tmp_path)
    assert (finding.status, finding.code) == (Status.UNKNOWN, "no-heartbeat")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_log_that_ends_long_ago_says_nothing_about_now(check: Check, tmp_path: Path) -> None:
    log = log_until(3 * 24 * 60, heartbeat(3 * 24 * 60 + 2))
    [finding] = said(check, log, tmp_path)
    assert (finding.status, finding.code) == (Status.UNKNOWN, "log-old")
    assert "3 days ago" in finding.summary


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_log_from_the_future_and_one_without_zones_say_nothing(check: Check, tmp_path: Path) -> None:
    [finding] = said(check, log_until(-60, heartbeat(4)), tmp_path)
    assert (finding.status, finding.code) == (Status.UNKNOWN, "log-ahead")
    log = log_until(1, heartbeat(4))
    [finding] = said(check, log, tmp_path, content=event_logs.as_csv(log.events, write_time=event_logs.german).encode())
    assert (finding.status, finding.code) == (Status.UNKNOWN, "zone-unknown")
    [finding] = said(check, log, tmp_path, content=event_logs.as_messages(log.events).encode())
    assert (finding.status, finding.code) == (Status.UNKNOWN, "no-times")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_in_staging_mode_silence_is_right(check: Check, tmp_path: Path) -> None:
    for story in (Log.noise, Log.stopped, heartbeat(60)):
        [finding] = said(check, log_until(1, story), tmp_path, staging=True)
        assert finding.status is Status.NOT_APPLICABLE


def test_a_staging_server_whose_service_listens_is_warned_of(tmp_path: Path) -> None:
    [finding] = said(service_running, log_until(1, heartbeat(3)), tmp_path, staging=True)
    assert (finding.status, finding.code) == (Status.WARN, "staging-but-active")


def test_failures_of_the_last_day_by_cause(tmp_path: Path) -> None:
    log = Log(NOW - timedelta(days=3))
    log.refused_reset("old@contoso.com", "old")
    log.now = NOW - timedelta(hours=2)
    log.reset("alice@contoso.com", "alice")
    log.later(minutes=1).refused_reset("bob@contoso.com", "bob")
    log.later(minutes=1).refused_reset("carol@contoso.com", "carol")
    log.now = NOW - timedelta(minutes=1)
    log.noise()
    [finding] = said(failures, log, tmp_path)
    assert (finding.status, finding.code, finding.subject) == (Status.WARN, "attempts-failed", "33008 0x80230619")
    assert finding.evidence == {"count": 2, "users": ["bob@contoso.com", "carol@contoso.com"]}
    assert finding.remedy == "preflight explain 33008"


def test_nothing_but_failures_fails(tmp_path: Path) -> None:
    def story(log: Log) -> None:
        for number in range(3):
            log.later(minutes=3).refused_reset(f"user{number}@contoso.com", str(number), 33004, "0x80230626")

    found = said(failures, log_until(1, story), tmp_path)
    assert [(each.status, each.code) for each in found] == [
        (Status.FAIL, "all-fail"),
        (Status.WARN, "attempts-failed"),
    ]


def test_a_good_day_passes_unless_the_log_is_damaged(tmp_path: Path) -> None:
    log = log_until(1, lambda log: log.reset("alice@contoso.com", "alice"))
    assert [each.status for each in said(failures, log, tmp_path)] == [Status.PASS]
    broken = event_logs.as_xml(log.events).replace("</EventData></Event>", "</EventDat></Event>", 1).encode()
    broken = broken.replace(b"MSExchange Common", b"PasswordResetService", 1)
    [finding] = said(failures, log, tmp_path, content=broken)
    assert (finding.status, finding.code) == (Status.UNKNOWN, "log-damaged")


def test_a_version_that_has_stopped_working_is_warned_of(tmp_path: Path) -> None:
    def story(log: Log) -> None:
        heartbeat(5)(log)
        log.engine_refused("0x80230626", "denied")

    log = log_until(1, story)
    old = event_logs.as_xml(log.events).replace("2.5.190.0", "2.4.0.0").encode()
    warned, passed = said(service_running, log, tmp_path, content=old)
    assert (warned.status, warned.code, passed.status) == (Status.WARN, "version-outdated", Status.PASS)


# From the configuration


def test_the_table_in_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "preflight.toml"
    file.write_text('[events]\nlogs = ["Application.evtx", "old/a.xml"]\nfresh = "30m"\n')
    settings = load(file).events
    assert settings == EventSettings((tmp_path / "Application.evtx", tmp_path / "old/a.xml"), timedelta(minutes=30))
    assert "Application.evtx" in describe(load(file))
    assert to_public_dict(load(file))["events"]["fresh_s"] == 1800


@pytest.mark.parametrize(
    ("table", "said_"),
    [
        ("logs = []", "the list is empty"),
        ('logs = "a.evtx"', "a list of strings"),
        ('logs = ["a"]\nfresh = "soon"', "no duration"),
        ('log = ["a"]', "Did you mean 'logs'"),
    ],
)
def test_what_the_table_can_not_be(table: str, said_: str, tmp_path: Path) -> None:
    file = tmp_path / "preflight.toml"
    file.write_text(f"[events]\n{table}\n")
    with pytest.raises(ConfigurationError, match=said_):
        load(file)


def _resource(*logs: Path, mode: str = "") -> WatchedLogs:
    configuration = Configuration(
        events=EventSettings(logs), sync_server=SyncServerSettings("staging" if mode == "staging" else "")
    )
    resources = Resources(Setting(configuration, environ={}))
    try:
        found: WatchedLogs = resources.get("event_logs", Target("run", ""))
        return found
    finally:
        resources.close()


def test_the_logs_are_read_once_for_all_checks(tmp_path: Path) -> None:
    file = tmp_path / "a.evtx"
    log = Log(datetime.now(UTC) - timedelta(minutes=5))
    log.reset("alice@contoso.com", "a")
    file.write_bytes(event_logs.as_evtx(log.events))
    found = _resource(file, mode="staging")
    assert found.whole is not None and found.whole.succeeded == 1
    assert found.recent is not None and found.recent.succeeded == 1
    assert found.staging
    assert _resource().whole is None


def test_a_log_that_can_not_be_read_is_unavailable_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        _resource(tmp_path / "none.evtx")
    assert caught.value.code == "log-unreadable"
    assert "none.evtx" in caught.value.reason
    assert caught.value.remedy
