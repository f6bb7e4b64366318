"""The event logs that the configuration names."""

from __future__ import annotations

from datetime import UTC, datetime

from preflight.api import Target, Unavailable
from preflight.events import LogFacts, UnreadableLog
from preflight.events.watched import WatchedLogs, watch_logs
from preflight.resources.provider import Resources, provides

DEADLINE = 600.0
"""Seconds: a log of a gigabyte takes less than a minute."""
_MIB = 1 << 20


@provides("run", deadline=DEADLINE)
def event_logs(resources: Resources, _: Target) -> WatchedLogs:
    setting = resources.setting
    settings = setting.configuration.events
    staging = setting.configuration.sync_server.mode == "staging"
    now = setting.now or datetime.now(UTC)
    if not settings.logs:
        return WatchedLogs(None, None, now, settings.fresh, staging)

    def tell(facts: LogFacts) -> None:
        setting.say(f"{facts.name}: {facts.position / _MIB:,.0f} MiB read")

    try:
        return watch_logs(settings.logs, now, settings.fresh, staging, tell)
    except UnreadableLog as error:
        reason, __, remedy = str(error).partition(". ")
        raise Unavailable(reason.rstrip("."), code="log-unreadable", remedy=remedy or "Mend the path.") from None
    except OSError as error:
        raise Unavailable(
            f"an event log could not be read to its end: {error.strerror or error}",
            code="log-unreadable",
            remedy="Copy the log first, or export it: wevtutil epl Application application.evtx",
        ) from None
