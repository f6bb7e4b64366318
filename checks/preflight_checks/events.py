"""The event logs of the sync server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from preflight.api import Finding, Severity, check, fail, not_applicable, passed, unknown, warn
from preflight.events import Digest
from preflight.events.digest import Cause
from preflight.events.watched import RECENT, WatchedLogs

_EXPORT = "Name the log itself, or a fresh export of it: wevtutil epl Application application.evtx"
_RESTART = "Restart-Service ADSync on the sync server, then look for event 31015"
_AHEAD = timedelta(minutes=5)
_DEADLINE = 600.0
_MOST_CAUSES = 10
_ALL_FAIL = 3
"""Attempts in a row of which none succeeded that are no accident."""

_COMMON = {
    "log-old": "the log ends too long ago to say anything about now",
    "log-ahead": "the log ends in the future: its clock, or the zone of its times, is another",
    "zone-unknown": "the log's times carry no zone, so nobody can say how long ago they are",
    "no-times": "the log's events carry no time that can be read",
}


def _nothing_to_judge(logs: WatchedLogs) -> Finding | None:
    """Why the logs say nothing about now; None: they do."""
    if logs.whole is None:
        return not_applicable("no event log is configured ([events] logs)")
    ends = logs.ends
    if ends is None:
        code, what, observed = "no-times", "no event has a time that can be read", "none"
    elif logs.local_times:
        code, what, observed = "zone-unknown", "the times carry no zone", "local times of some machine"
    elif ends - logs.now > _AHEAD:
        code, what, observed = "log-ahead", f"the log ends {_length(ends - logs.now)} in the future", _at(ends)
    elif logs.now - ends > logs.fresh:
        code, what, observed = "log-old", f"the log ends {_length(logs.now - ends)} ago", _at(ends)
    else:
        return None
    return unknown(
        code,
        f"{logs.names}: {what}, so nothing can be said about now",
        expected=f"a log that ends less than {_length(logs.fresh)} ago, with times in UTC (.evtx, XML, JSON)",
        observed=observed,
        remedy=_EXPORT,
    )


@check(
    id="events.service-running",
    title="The writeback service is running, as far as the event log says",
    severity=Severity.BLOCKER,
    each="run",
    codes={
        **_COMMON,
        "stopped": "the service was stopped (31016) and has not started since",
        "unhealthy": "a relay's service host does not run (31044), and nothing has worked since",
        "no-event": "the log holds no event of the service",
        "silent": "the service says nothing any more, without having been stopped",
        "version-outdated": "the log names a version of Connect that has stopped working",
        "staging-but-active": "the server is configured as staging, and its service is listening",
    },
    event_codes=("31015", "31016", "31044"),
    deadline=_DEADLINE,
)
def service_running(event_logs: WatchedLogs) -> Iterator[Finding]:
    """Looks at what the service wrote last into the Application log of the sync server: started (31015), stopped
    (31016), not healthy (31044), or signs that it works (31019, a reset that succeeded). The log is named in the
    configuration ([events] logs); without one there is nothing to look at. A log that ends long ago says nothing about
    now.

    On a server in staging mode ([sync_server] mode = "staging") the service is rightly silent. If it isn't, two active
    servers may break each other's connection.

    To mend: restart the service "Microsoft Azure AD Sync" on the sync server; where 31044 comes back, look at the way
    to the relays (network.relay-443) and at the clock; then switch writeback off and on again in the wizard.
    """
    if event_logs.staging:
        yield _in_staging(event_logs)
        return
    obstacle = _nothing_to_judge(event_logs)
    if obstacle is not None or event_logs.whole is None:
        yield obstacle or not_applicable("no event log is configured")
        return
    found = event_logs.whole
    if found.outdated:
        yield warn(
            "version-outdated",
            f"the log names Connect {', '.join(found.outdated)}, which has stopped working",
            subject="version",
            expected="at least 2.5.79.0",
            observed=", ".join(found.outdated),
            remedy="Install the latest release of Entra Connect, unless that was done since.",
        )
    yield _state(found)


def _in_staging(logs: WatchedLogs) -> Finding:
    service = logs.whole.service if logs.whole else None
    listening = service is not None and service.state == "running" and _nothing_to_judge(logs) is None
    if not listening:
        return not_applicable("a server in staging mode runs no writeback: silence is right")
    return warn(
        "staging-but-active",
        "the server is configured as staging, but its writeback service is listening",
        expected="no sign of life",
        observed=f"heartbeat {_at(service.heartbeat)}" if service and service.heartbeat else "it was started",
        remedy='Look in the wizard whether staging mode is on; else write [sync_server] mode = "active".',
    )


def _state(found: Digest) -> Finding:
    service = found.service
    match service.state:
        case "running":
            when = service.heartbeat or service.started or service.as_of
            return passed(f"the service is running: its last sign of life is of {_at(when)}")
        case "stopped":
            return fail(
                "stopped",
                f"the service was stopped {_at(service.stopped)} and has not started since",
                expected="event 31015 after 31016",
                observed=f"31016 at {_at(service.stopped)}, nothing after it",
                remedy=_RESTART,
                event_codes=("31016",),
            )
        case "unhealthy":
            return fail(
                "unhealthy",
                f"a relay's service host has not been running since {_at(service.unhealthy)}, the last event 31044",
                expected="31019 or a reset after 31044",
                observed=f"31044 at {_at(service.unhealthy)}, nothing good after it",
                remedy="Look at network.relay-443 and clock.in-step, then: Restart-Service ADSync",
                event_codes=("31044",),
            )
        case "silent":
            return unknown(
                "silent",
                "the service was not stopped, but it says nothing any more",
                expected="a heartbeat every 5 minutes",
                observed=f"the last sign of life long before the log ends {_at(service.as_of)}",
                remedy=_RESTART,
            )
    return unknown(
        "no-event",
        "the log holds no event by which the service could be judged",
        expected="events of the source PasswordResetService",
        observed="none that says whether it runs",
        remedy="Name the Application log of the active sync server; for one in staging mode write [sync_server] mode = "
        '"staging".',
    )


@check(
    id="events.heartbeat-fresh",
    title="The writeback service's last heartbeat in the event log is fresh",
    severity=Severity.BLOCKER,
    each="run",
    codes={
        **_COMMON,
        "heartbeat-old": "the log goes on, and the heartbeats have ended",
        "no-heartbeat": "the log holds no heartbeat at all",
    },
    event_codes=("31019", "31034", "31044"),
    deadline=_DEADLINE,
)
def heartbeat_fresh(event_logs: WatchedLogs) -> Iterator[Finding]:
    """Looks for the last heartbeat (31019) in the log that [events] logs names. The service sends one every 5 minutes;
    `fresh` (15 minutes) says how old it may be. A log that itself ends longer ago says nothing about now.

    A service that has lost its relay keeps running: nothing is stopped, nothing fails, but no request reaches it.

    To mend: restart the service "Microsoft Azure AD Sync"; look at the way to the relays (network.relay-443), and
    whether a proxy or firewall cuts idle connections (network.idle-survives).
    """
    if event_logs.staging:
        yield not_applicable("a server in staging mode runs no writeback: silence is right")
        return
    obstacle = _nothing_to_judge(event_logs)
    if obstacle is not None or event_logs.whole is None:
        yield obstacle or not_applicable("no event log is configured")
        return
    heartbeat = event_logs.whole.service.heartbeat
    if heartbeat is None:
        yield unknown(
            "no-heartbeat",
            "the log holds no heartbeat of the service",
            expected="event 31019 every 5 minutes",
            observed="none",
            remedy="Name the Application log of the active sync server; see events.service-running.",
            event_codes=("31019",),
        )
        return
    age = event_logs.now - heartbeat
    if age <= event_logs.fresh:
        yield passed(f"the last heartbeat was {_length(age)} ago", observed=_at(heartbeat))
        return
    yield fail(
        "heartbeat-old",
        f"the last heartbeat was {_length(age)} ago, and the log goes on",
        expected=f"one less than {_length(event_logs.fresh)} ago",
        observed=f"31019 at {_at(heartbeat)}; the log ends {_at(event_logs.ends)}",
        remedy=f"{_RESTART}; if it falls silent again: preflight run --only network",
        event_codes=("31019",),
        evidence={"age_s": age.total_seconds()},
    )


@check(
    id="events.failures",
    title="No reset or change failed in the last 24 hours of the event log",
    severity=Severity.ADVISORY,
    each="run",
    codes={
        **_COMMON,
        "attempts-failed": "resets or changes failed",
        "all-fail": "every reset and change failed",
        "log-damaged": "no failure is seen, but parts of the log could not be read",
    },
    event_codes=("31003", "31008", "31011", "33001", "33002", "33003", "33004", "33008"),
    deadline=_DEADLINE,
)
def failures(event_logs: WatchedLogs) -> Iterator[Finding]:
    """Looks at the resets and changes of the last 24 hours in the log that [events] logs names, and says for each cause
    (33xxx and the error code of the sync engine) how many failed and for whom. One person's refused password is no
    fault of the server; many failures of one cause, or nothing but failures, are.

    To mend: preflight explain <code> for the cause, preflight user <name> for one of those whom it hit.
    """
    if event_logs.staging:
        yield not_applicable("a server in staging mode runs no writeback")
        return
    obstacle = _nothing_to_judge(event_logs)
    if obstacle is not None or event_logs.recent is None:
        yield obstacle or not_applicable("no event log is configured")
        return
    found = event_logs.recent
    if found.failed >= _ALL_FAIL and not found.succeeded:
        yield fail(
            "all-fail",
            f"all {found.failed:,} resets and changes of the last {_length(RECENT)} failed",
            expected="some that succeed",
            observed="none",
            remedy="See the causes beside this one.",
        )
    yield from map(_cause, found.causes[:_MOST_CAUSES])
    if found.failed:
        return
    if event_logs.damaged:
        yield unknown(
            "log-damaged",
            "no failure is seen, but parts of the log could not be read",
            expected="a log without damage",
            observed="; ".join(place for log in event_logs.logs for place in log.damage)[:500] or "damage",
            remedy=_EXPORT,
        )
    elif found.succeeded:
        yield passed(f"all {found.succeeded:,} resets and changes of the last {_length(RECENT)} succeeded")
    else:
        yield not_applicable(f"nobody reset or changed a password in the last {_length(RECENT)} of the log")


def _cause(cause: Cause) -> Finding:
    code = " ".join(filter(None, (str(cause.event_id or ""), cause.hresult))) or "without a code"
    count = "1 failure" if cause.count == 1 else f"{cause.count:,} failures"
    return warn(
        "attempts-failed",
        f"{count} with {code}" + (f", the last {_at(cause.last)}" if cause.last else ""),
        subject=code,
        expected="none",
        observed=cause.reason[:500] or count,
        remedy=f"preflight explain {cause.event_id or cause.hresult or 31003}",
        evidence={"count": cause.count, "users": list(cause.users)},
        event_codes=(str(cause.event_id),) if cause.event_id else (),
    )


def _at(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time else "at an unknown time"


def _length(time: timedelta) -> str:
    seconds = time.total_seconds()
    for unit, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {name}"
    return f"{max(seconds, 0):.0f} seconds"
