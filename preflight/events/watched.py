"""The logs that the configuration names, as the checks look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from preflight.events.digest import Digest, Digester, Filter
from preflight.events.model import LogFacts
from preflight.events.opening import Watch, read_events

RECENT = timedelta(hours=24)
"""How far back failures count."""


@dataclass(frozen=True, slots=True)
class WatchedLogs:
    """
    Attributes:
        whole: what the logs say in all; None: the configuration names none.
        recent: what they say of the time since RECENT ago.
        now: when they were read.
        fresh: how long ago the last heartbeat, and the logs' end, may be.
        staging: the server is configured as one in staging mode, which runs no writeback.
    """

    whole: Digest | None
    recent: Digest | None
    now: datetime
    fresh: timedelta
    staging: bool = False

    @property
    def ends(self) -> datetime | None:
        """The time of the last event, of whatever source."""
        return self.whole.service.as_of if self.whole else None

    @property
    def local_times(self) -> bool:
        """Whether times carry no zone, so that nobody can say how long ago they are."""
        return any(log.local_times for log in self.logs)

    @property
    def damaged(self) -> bool:
        return any(log.damaged or log.damaged_chunks for log in self.logs)

    @property
    def logs(self) -> Sequence[LogFacts]:
        return self.whole.logs if self.whole else ()

    @property
    def names(self) -> str:
        return ", ".join(log.name for log in self.logs)


def watch_logs(
    paths: Sequence[Path], now: datetime, fresh: timedelta, staging: bool, watch: Watch | None = None
) -> WatchedLogs:
    """Read the logs once, for both.

    Raises:
        UnreadableLog, OSError
    """
    reading = read_events(paths, watch) if watch else read_events(paths)
    whole, recent = Digester(Filter()), Digester(Filter(since=now - RECENT))
    for event in reading:
        whole.add(event)
        recent.add(event)
    return WatchedLogs(whole.finish(reading.logs, None), recent.finish(reading.logs, None), now, fresh, staging)
