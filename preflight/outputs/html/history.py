"""What earlier runs add: a timeline per check, and the trend of blocked users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from preflight.api import Status
from preflight.outputs import gist
from preflight.outputs.html.marks import MARKS, Mark
from preflight.outputs.text import printable
from preflight.past import Period, TrendPoint
from preflight.report import Report

MOST_TIMELINES = 200
MOST_PERIODS = 400
"""Of one timeline; the latest."""
MOST_POINTS = 60
"""Lines of the table beside a trend; the latest."""
WIDTH, HEIGHT = 1000, 160
"""Of a drawing, in its own units."""

COUNTED = ("blocked", "unknown", "ok")

_HEIGHTS = {Status.FAIL: 20, Status.UNKNOWN: 15, Status.WARN: 12, Status.SKIPPED: 8, Status.NOT_APPLICABLE: 4}
"""How tall a period is drawn: told apart without colour, too. A pass is 7."""


@dataclass(frozen=True, slots=True)
class PeriodView:
    """
    Attributes:
        start, width: of WIDTH.
        height: of 20.
    """

    mark: Mark
    start: float
    width: float
    height: int
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """
    Attributes:
        now: as it is at the end.
        since: since when it is so.
    """

    check: str
    target: str
    now: Mark
    since: str
    changes: int
    says: str
    periods: tuple[PeriodView, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """The blocked users of one domain over time.

    Attributes:
        line: the points of a polyline, "x,y x,y".
        area: the same, closed at the bottom.
        dots: the points, where there are few.
        top: the count at the upper edge.
        table: the latest readings: when, and how many of COUNTED.
    """

    domain: str
    says: str
    line: str
    area: str
    dots: tuple[tuple[float, float], ...]
    top: int
    first: str
    last: str
    table: tuple[tuple[str, tuple[int, ...]], ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class HistoryView:
    """
    Attributes:
        changed: timelines that are bad now or have changed; `steady` are the others.
    """

    runs: int
    since: str
    until: str
    changed: tuple[Timeline, ...]
    steady: tuple[Timeline, ...]
    left_out: int
    trends: tuple[Trend, ...]


def history(report: Report) -> HistoryView | None:
    past = report.past
    if past is None:
        return None
    moments = [report.run.started, *(period.since for period in past.periods)]
    moments += [period.until for period in past.periods if period.until is not None]
    begin, end = min(past.since, *moments), max(moments)
    grouped: dict[tuple[str, str], list[Period]] = {}
    for period in past.periods:
        grouped.setdefault((period.check, period.target), []).append(period)
    lines = sorted((_timeline(periods, begin, end) for periods in grouped.values()), key=_interest)
    shown = lines[:MOST_TIMELINES]
    return HistoryView(
        runs=past.runs,
        since=gist.when(past.since),
        until=gist.when(end),
        changed=tuple(line for line in shown if not _steady(line)),
        steady=tuple(line for line in shown if _steady(line)),
        left_out=len(lines) - len(shown),
        trends=tuple(_trends(past.trend)),
    )


def _steady(line: Timeline) -> bool:
    return not line.changes and line.now in (MARKS[Status.PASS], MARKS[Status.NOT_APPLICABLE])


def _interest(line: Timeline) -> tuple[int, int]:
    """The worst first, then what changed most often."""
    rank = next(status.rank for status, mark in MARKS.items() if mark == line.now)
    return -rank, -line.changes


def _timeline(periods: Sequence[Period], begin: datetime, end: datetime) -> Timeline:
    ordered = sorted(periods, key=lambda period: period.since)
    last = ordered[-1]
    since = gist.when(last.since)
    views = tuple(_period(period, begin, end) for period in ordered[-MOST_PERIODS:])
    word = gist.word(last.status)
    return Timeline(
        check=printable(last.check),
        target=printable(last.target),
        now=MARKS[last.status],
        since=since,
        changes=len(ordered) - 1,
        says=f"{word} since {since}" if last.until is None else f"last {word}, until {gist.when(last.until)}",
        periods=views,
    )


def _period(period: Period, begin: datetime, end: datetime) -> PeriodView:
    start, stop = (_place(moment, begin, end) for moment in (period.since, period.until or end))
    return PeriodView(
        mark=MARKS[period.status],
        start=min(start, WIDTH - 3),
        width=max(round(stop - start, 1), 3),  # a short outage is still seen
        height=_HEIGHTS.get(period.status, 7),
        since=gist.when(period.since),
        until=gist.when(period.until) if period.until is not None else "now",
    )


def _place(moment: datetime, begin: datetime, end: datetime) -> float:
    length = (end - begin).total_seconds()
    return round(WIDTH * (moment - begin).total_seconds() / length, 1) if length > 0 else 0.0


def _trends(points: Iterable[TrendPoint]) -> Iterable[Trend]:
    grouped: dict[str, list[TrendPoint]] = {}
    for point in points:
        grouped.setdefault(point.domain, []).append(point)
    for domain, found in grouped.items():
        yield _trend(domain, sorted(found, key=lambda point: point.at))


def _trend(domain: str, points: Sequence[TrendPoint]) -> Trend:
    counts = [point.outcomes.get("blocked", 0) for point in points]
    begin, end, top = points[0].at, points[-1].at, _round_up(max(counts))
    placed = [
        (_place(point.at, begin, end), round(HEIGHT * (1 - count / top), 1))
        for point, count in zip(points, counts, strict=True)
    ]
    if len(placed) == 1:
        placed.append((float(WIDTH), placed[0][1]))
    line = " ".join(f"{x:g},{y:g}" for x, y in placed)
    table = tuple(
        (gist.when(point.at), tuple(point.outcomes.get(name, 0) for name in COUNTED))
        for point in reversed(points[-MOST_POINTS:])
    )
    return Trend(
        domain=printable(domain),
        says=f"{counts[-1]:,} blocked users at the last of {len(points):,} readings;"
        f" at the first {counts[0]:,}, at most {max(counts):,}.",
        line=line,
        area=f"0,{HEIGHT} {line} {placed[-1][0]:g},{HEIGHT}",
        dots=tuple(placed) if len(points) <= 40 else (),
        top=top,
        first=_day(begin),
        last=_day(end),
        table=table,
        left_out=max(len(points) - MOST_POINTS, 0),
    )


def _round_up(count: int) -> int:
    """1, 2 or 5 times a power of ten, not less than the count."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step >= count:
                return factor * step
        step *= 10


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
