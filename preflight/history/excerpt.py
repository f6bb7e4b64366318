"""What a report is given of its past: since when each of its checks is as it is, and the trend of its users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from preflight.history.view import History
from preflight.past import Past, TrendPoint
from preflight.report import Report

WINDOW = timedelta(days=30)
MOST_PERIODS = 50
"""Of one check on one target: the last ones."""
MOST_POINTS = 100
"""Of one domain."""


def past_of(history: History, report: Report, now: datetime) -> Past | None:
    """The last 30 days of what is in the report; None where nothing was recorded in them."""
    since = now - WINDOW
    first = history.first(since)
    if first is None:
        return None
    domains = [users.domain for users in report.users]
    keys = dict.fromkeys((result.check, result.target) for result in report.results)
    return Past(
        runs=history.count(since),
        since=first.started,
        periods=tuple(period for key in keys for period in history.periods(*key, since, MOST_PERIODS)),
        trend=tuple(sorted(_thinned(history.trend(domains, since)), key=lambda point: point.at)),
    )


def _thinned(points: Sequence[TrendPoint]) -> Iterator[TrendPoint]:
    """At most so many of a domain, evenly spread, the first and the last among them."""
    by_domain = sorted(points, key=lambda point: (point.domain, point.at))
    for _, group in groupby(by_domain, lambda point: point.domain):
        found = list(group)
        if len(found) <= MOST_POINTS:
            yield from found
        else:
            yield from (found[i * (len(found) - 1) // (MOST_POINTS - 1)] for i in range(MOST_POINTS))
