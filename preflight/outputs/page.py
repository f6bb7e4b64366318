"""A page of styled lines for a terminal or a file, wrapped to a width."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from preflight.api import Status
from preflight.outputs.text import cell_width, wrap

LEAST_ROOM = 30
"""Columns that a text needs beside its lead; with fewer it goes below."""

_GLYPHS = {
    Status.PASS: ("✓", "+"),
    Status.FAIL: ("✗", "x"),
    Status.WARN: ("!", "!"),
    Status.UNKNOWN: ("?", "?"),
    Status.SKIPPED: ("-", "-"),
    Status.NOT_APPLICABLE: ("·", "."),
}

STATUS_STYLES = {
    Status.PASS: "green",
    Status.FAIL: "bold red",
    Status.WARN: "bold yellow",
    Status.UNKNOWN: "bold magenta",
    Status.SKIPPED: "dim",
    Status.NOT_APPLICABLE: "dim",
}
"""For rich."""


class Page:
    """Lines under way, wrapped to the width."""

    def __init__(self, width: int, ascii_only: bool) -> None:
        self.width = width
        self.ascii_only = ascii_only
        self._lines: list[Text] = []

    def blank(self) -> None:
        self._lines.append(Text())

    def heading(self, title: str) -> None:
        self.blank()
        self._lines.append(Text(title, "bold"))

    def line(self, *pieces: tuple[str, str], indent: int = 0) -> None:
        """One line of (text, style) pieces, not wrapped."""
        self._lines.append(Text.assemble(" " * indent, *pieces))

    def entry(self, indent: int, lead: Sequence[tuple[str, str]], text: str, style: str = "") -> None:
        """A lead, and beside it the text, wrapped and hanging."""
        margin = indent + sum(cell_width(piece) for piece, _ in lead)
        if self.width - margin < LEAST_ROOM:  # too little room beside the lead: below it
            self.line(*lead, indent=indent)
            margin, lead = indent + 2, [("  ", "")]
        for number, each in enumerate(wrap(text, self.width - margin)):
            if number == 0:
                self.line(*lead, (each, style), indent=indent)
            else:
                self.line((each, style), indent=margin)

    def glyph(self, status: Status) -> str:
        return _GLYPHS[status][self.ascii_only]

    def dot(self) -> str:
        return " - " if self.ascii_only else " · "

    def text(self, colour: bool) -> str:
        stream = io.StringIO()
        console = Console(
            file=stream,
            width=self.width,
            force_terminal=colour,
            color_system="standard" if colour else None,
            no_color=not colour,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
            _environ={},  # what NO_COLOR and COLUMNS say was decided by the caller
        )
        for line in self._lines:
            line.rstrip()
            console.print(line, soft_wrap=True)
        return stream.getvalue()
