"""Reading event logs, on a terminal: how far, how fast, how long still."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import PurePath
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from preflight.events import LogFacts
from preflight.outputs.terminal import appearance_of, live_region
from preflight.outputs.text import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

REFRESH = 0.25
"""Seconds between two drawings."""
_MIB = 1 << 20


class EventsProgress:
    """A line and a bar, redrawn in place on stderr; gone when the logs are read."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        colour = appearance_of(stream, environ).colour
        self._facts: LogFacts | None = None
        self._since = self._drawn = time.monotonic()
        self._live = live_region(stream, colour, self._draw)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def read(self, facts: LogFacts) -> None:
        """A piece more has been read."""
        now = time.monotonic()
        if facts is not self._facts:
            self._facts, self._since = facts, now
        if now - self._drawn >= REFRESH:
            self._drawn = now
            self._live.refresh()

    def _draw(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        facts = self._facts
        if facts is None:
            return Text("")
        line = Text(self._line(facts), "bold", no_wrap=True, overflow="ellipsis")
        if not facts.size:
            return line
        below = Table.grid(padding=(0, 2, 0, 0))
        below.add_row(ProgressBar(total=facts.size, completed=min(facts.position, facts.size), width=20), line)
        return below

    def _line(self, facts: LogFacts) -> str:
        read = facts.position / _MIB
        of = f" of {facts.size / _MIB:,.0f}" if facts.size else ""
        line = f"{printable(PurePath(facts.name).name)}: {read:,.0f}{of} MiB, {facts.kept:,} kept"
        elapsed = time.monotonic() - self._since
        if elapsed < 1 or not facts.position or not facts.size:
            return line
        return f"{line}, {(facts.size - facts.position) / (facts.position / elapsed):,.0f} s left"
