"""The audit while it runs, on a terminal: container by container, how many users, how fast, how long still."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from preflight.directory.users.judgement import Judgement
from preflight.outputs.terminal import appearance_of, live_region
from preflight.outputs.text import cell_width, printable
from preflight.outputs.user_summary import short_name

if TYPE_CHECKING:
    from rich.console import Group

REFRESH = 0.25
"""Seconds between two drawings."""

MOST_CONTAINERS = 12


class AuditProgress:
    """A table and a bar, redrawn in place on stderr; gone when the audit is done."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        appearance = appearance_of(stream, environ)
        self._expected: dict[str, int] = {}
        self._ascii_only = appearance.ascii_only
        self._width = appearance.width
        self._domain = ""
        self._seen = 0
        self._containers: dict[str, Counter[str]] = {}
        self._first: tuple[int, float] | None = None
        self._drawn = 0.0
        self._live = live_region(stream, appearance.colour, self._draw)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def judged(self, judgement: Judgement) -> None:
        """One user more."""
        counts = self._containers.get(judgement.container)
        if counts is None:
            counts = self._containers[judgement.container] = Counter()
        counts["disabled" if judgement.enabled is False else judgement.outcome.value] += 1

    def expect(self, domain: str, count: int) -> None:
        """So many users the domain has."""
        self._expected[domain] = count

    def read(self, domain: str, seen: int) -> None:
        """A page more has been read."""
        if domain != self._domain:
            self._domain, self._first = domain, None
        self._seen = seen
        now = time.monotonic()
        self._first = self._first or (seen, now)
        if now - self._drawn >= REFRESH:
            self._drawn = now
            self._live.refresh()

    def _draw(self) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("container", no_wrap=True, overflow="ellipsis")
        columns = ("ok", "blocked", "unsupported", "unknown", "disabled")
        styles = {"ok": "green", "blocked": "bold red", "unsupported": "yellow", "unknown": "magenta"}
        for column in columns:
            table.add_column(column, justify="right", no_wrap=True)
        busiest = sorted(self._containers.items(), key=lambda each: (-each[1]["blocked"], -each[1].total(), each[0]))
        for dn, counts in busiest[:MOST_CONTAINERS]:
            cells = [
                Text(f"{counts[column]:,}" if counts[column] else "", styles.get(column, "dim")) for column in columns
            ]
            table.add_row(Text(printable(short_name(dn))), *cells)
        if len(busiest) > MOST_CONTAINERS:
            table.add_row(Text(f"({len(busiest) - MOST_CONTAINERS:,} more containers)", "dim"))
        line = Text(self._line(), "bold", no_wrap=True, overflow="ellipsis")
        expected = self._expected.get(self._domain, 0)
        if not expected:
            return Group(table, Text(), line)
        width = max(10, min(40, self._width - 2 - cell_width(line.plain)))
        bar = ProgressBar(total=expected, completed=min(self._seen, expected), width=width)
        below = Table.grid(padding=(0, 2, 0, 0))
        below.add_row(bar, line)
        return Group(table, Text(), below)

    def _line(self) -> str:
        if self._first is None:
            return "connecting"
        expected = self._expected.get(self._domain, 0)
        total = f" of {expected:,}" if expected else ""
        line = f"{printable(self._domain)}: {self._seen:,}{total} users"
        before, since = self._first  # signing in and the first page say nothing about the pages to come
        elapsed, read = time.monotonic() - since, self._seen - before
        if elapsed <= 0 or read <= 0:
            return line
        rate = read / elapsed
        left = expected - self._seen
        return f"{line}, {rate:,.0f}/s" + (f", {_duration(left / rate)} left" if left > 0 else "")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
