"""What earlier runs add to a report: since when each check is as it is, and how many users were blocked when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from preflight.api import Status


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which one check said the same of one target, run after run.

    Attributes:
        since: the first run that said so.
        until: the first run that said otherwise; None: it is so still.
    """

    check: str
    target: str
    status: Status
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """How the users of one domain came out at one reading: counts by outcome."""

    domain: str
    at: datetime
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Past:
    """An excerpt of the history of runs.

    Attributes:
        runs: how many runs it tells of.
        since: when the oldest of them started.
        periods: per check and target, the oldest first.
        trend: the oldest first.
    """

    runs: int
    since: datetime
    periods: tuple[Period, ...] = ()
    trend: tuple[TrendPoint, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "runs": self.runs,
            "since": rfc3339(self.since),
            "periods": [
                {
                    "check": period.check,
                    "target": period.target,
                    "status": period.status.value,
                    "since": rfc3339(period.since),
                    "until": rfc3339(period.until) if period.until is not None else None,
                }
                for period in self.periods
            ],
            "trend": [
                {"domain": point.domain, "at": rfc3339(point.at), "outcomes": dict(point.outcomes)}
                for point in self.trend
            ],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Past:
        """
        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is no such excerpt.
        """
        return cls(
            runs=int(document["runs"]),
            since=datetime.fromisoformat(document["since"]),
            periods=tuple(
                Period(
                    each["check"],
                    each["target"],
                    Status(each["status"]),
                    datetime.fromisoformat(each["since"]),
                    datetime.fromisoformat(each["until"]) if each.get("until") else None,
                )
                for each in document["periods"]
            ),
            trend=tuple(
                TrendPoint(each["domain"], datetime.fromisoformat(each["at"]), dict(each["outcomes"]))
                for each in document["trend"]
            ),
        )


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
