"""Progress on stderr while a run is under way: a live region on a terminal, else a line for each finished check.

Observers of the engine. Nothing of it reaches stdout, and nothing stays on a terminal: the report follows.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from preflight.api import Check, Status, Target
from preflight.outputs.terminal import appearance_of, live_region, write
from preflight.outputs.text import printable
from preflight.plan import Plan
from preflight.report import Result

if TYPE_CHECKING:
    from rich.text import Text

MOST_SHOWN = 6
"""Running checks on the screen at once, the longest-running first."""

REFRESH = 0.2
"""Seconds between two drawings."""


def progress(stream: TextIO, environ: Mapping[str, str]) -> LineProgress | LiveProgress:
    """What fits the stream; to be used as a context manager around the run."""
    live = stream.isatty() and environ.get("TERM") != "dumb"
    return LiveProgress(stream, environ) if live else LineProgress(stream)


class LineProgress:
    """A plain line for each finished check."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    def planned(self, plan: Plan) -> None:
        self._line(f"running {len(plan.checks)} checks")

    def started(self, check: Check, target: Target) -> None:
        """Said when it has finished."""

    def finished(self, result: Result) -> None:
        target = f" {printable(result.target)}" if result.target else ""
        self._line(f"{result.status.value:<14} {printable(result.check)}{target} ({result.duration_s:.1f} s)")

    def tick(self) -> None:
        """Nothing moves between two lines."""

    def say(self, text: str) -> None:
        """What a long check is at. Not shown: a log would fill up."""

    def _line(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # whoever read it has gone; the run goes on
            write(self._stream, text + "\n")


class LiveProgress:
    """How many checks have ended how, and which are running, redrawn in place."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        appearance = appearance_of(stream, environ)
        self._counts: dict[Status, int] = {}
        self._running: dict[tuple[str, str], float] = {}
        self._said = ""
        self._drawn = 0.0
        self._live = live_region(stream, appearance.colour, self._draw)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def planned(self, plan: Plan) -> None:  # noqa: ARG002 - how many results there will be isn't known yet
        self._refresh()

    def started(self, check: Check, target: Target) -> None:
        self._running[check.id, target.name] = time.monotonic()

    def finished(self, result: Result) -> None:
        self._running.pop((result.check, result.target), None)
        self._counts[result.status] = self._counts.get(result.status, 0) + 1
        self._refresh()

    def tick(self) -> None:
        if time.monotonic() - self._drawn >= REFRESH:
            self._refresh()

    def say(self, text: str) -> None:
        """What a long check is at, such as "corp.contoso.com: 4,000 users"; shown until the next."""
        self._said = text

    def _refresh(self) -> None:
        self._drawn = time.monotonic()
        self._live.refresh()

    def _draw(self) -> Text:
        from rich.text import Text

        done = sum(self._counts.values())
        counts = ", ".join(
            f"{self._counts[status]} {status.value}" for status in reversed(Status) if status in self._counts
        )
        lines = [f"{done} done ({counts})" if counts else "starting"]
        now = time.monotonic()
        running = sorted(self._running.items(), key=lambda each: each[1])
        for (check, target), since in running[:MOST_SHOWN]:
            lines.append(f"  {check} {target}".rstrip() + f" ({now - since:.0f} s)")
        if len(running) > MOST_SHOWN:
            lines.append(f"  and {len(running) - MOST_SHOWN} more")
        if self._said:
            lines.append(f"  {self._said}")
        return Text("\n".join(map(printable, lines)), style="dim", no_wrap=True, overflow="crop")
