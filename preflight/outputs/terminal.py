"""What a stream can show, and writing to it without ever failing on a letter."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TextIO

from preflight.outputs import PLAIN, Appearance

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

NARROWEST, WIDEST = 80, 160

_GLYPHS = "✓✗·─…"


def appearance_of(stream: TextIO, environ: Mapping[str, str]) -> Appearance:
    """Colour on a terminal that can (NO_COLOR and TERM=dumb honoured), its width from 80 to 160 columns, glyphs where
    the stream's encoding has them."""
    ascii_only = not _encodes(_GLYPHS, stream.encoding or "ascii")
    if not stream.isatty():
        return Appearance(width=PLAIN.width, ascii_only=ascii_only)
    colour = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb" and not _legacy_console()
    return Appearance(colour, terminal_width(stream, environ), ascii_only)


def terminal_width(stream: TextIO, environ: Mapping[str, str]) -> int:
    """COLUMNS, else the terminal's columns; from NARROWEST to WIDEST."""
    columns = environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit():
        width = int(columns[:9])
    else:
        try:
            width = os.get_terminal_size(stream.fileno()).columns
        except (ValueError, OSError):
            width = NARROWEST
    return max(NARROWEST, min(width, WIDEST))


def live_region(stream: TextIO, colour: bool, draw: Callable[[], RenderableType]) -> Live:
    """A region that is drawn anew in place whenever it is refreshed, and leaves nothing behind."""
    from rich.console import Console
    from rich.live import Live

    console = Console(file=stream, force_terminal=True, no_color=not colour, markup=False, emoji=False, highlight=False)
    return Live(console=console, auto_refresh=False, transient=True, get_renderable=draw)


def write(stream: TextIO, text: str) -> None:
    """Write and flush; letters that the stream's encoding lacks are escaped (`\\u2713`), never an error."""
    encoding = stream.encoding or "ascii"
    stream.write(text if _encodes(text, encoding) else text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _legacy_console() -> bool:
    """A Windows console that would print escape sequences instead of obeying them."""
    if sys.platform != "win32":
        return False
    from rich.console import detect_legacy_windows

    return detect_legacy_windows()
