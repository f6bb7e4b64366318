"""Opens logs: what form one has is told by its content, never by its name."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from preflight.events import binary_log, clixml, csv_log, json_log, plain_text, xml_log
from preflight.events.encoded_text import decoded, encoding_of
from preflight.events.model import Event, LogFacts, UnreadableLog

STANDARD_INPUT = "-"

_LOOKED_AT = 1 << 16
"""Bytes of a log's beginning that tell its form."""

Watch = Callable[[LogFacts], None]


def _unwatched(_: LogFacts) -> None:
    """Nobody is watching."""


class Reading:
    """Several logs as one stream of events, one file after the other, each in its own order.

    Attributes:
        logs: what was seen of each so far.
    """

    def __init__(self, paths: Sequence[Path | str], watch: Watch = _unwatched) -> None:
        self._paths = tuple(paths)
        self._watch = watch
        self.logs: list[LogFacts] = []

    def __iter__(self) -> Iterator[Event]:
        """
        Raises:
            UnreadableLog: a log can't be opened, or holds nothing that could be an event.
        """
        self.logs.clear()
        for path in self._paths:
            facts = LogFacts(str(path))
            self.logs.append(facts)
            with _opened(path, facts) as stream:
                yield from events_in(stream, facts, self._watch)
            if not facts.seen and facts.format == _TEXT:
                raise UnreadableLog(f"{facts.name}: holds no event. {_KNOWN}")


def read_events(paths: Sequence[Path | str], watch: Watch = _unwatched) -> Reading:
    """The events of these logs that have to do with writeback; "-" is standard input.

    Args:
        watch: is shown from time to time how far a log has been read.
    """
    return Reading(paths, watch)


def events_in(stream: BinaryIO, facts: LogFacts, watch: Watch = _unwatched) -> Iterator[Event]:
    """The events of an open log that have to do with writeback.

    Raises:
        UnreadableLog: it holds nothing, or is packed.
    """
    start = _beginning(stream)
    if not start:
        raise UnreadableLog(f"{facts.name}: is empty. {_KNOWN}")
    for magic, at, what in _OTHERS:
        if start.startswith(magic, at):
            raise UnreadableLog(f"{facts.name}: {what}")
    counted = cast(BinaryIO, io.BufferedReader(_Counted(start, stream, facts, watch), _LOOKED_AT))
    if start.startswith(binary_log.MAGIC):
        facts.format = "event log (.evtx)"
        yield from binary_log.read(counted, facts)
        return
    facts.format, read = _form_of(start.decode(encoding_of(start), "replace").removeprefix("\ufeff"))
    with decoded(counted, start) as text:
        yield from read(text, facts)


_TEXT = "text"
_KNOWN = (
    "An event log is read as .evtx, as XML (wevtutil qe Application /f:RenderedXml), as what Export-Csv, "
    "ConvertTo-Json or Export-Clixml make of Get-WinEvent, or as text from the Event Viewer."
)
_OTHERS = (
    (b"PK\x03\x04", 0, "is a zip archive. Unpack it first."),
    (b"\x1f\x8b", 0, "is packed (gzip). Unpack it first."),
    (b"LfLe", 4, "is a log of Windows XP or 2003 (.evt). Convert it: wevtutil epl old.evt new.evtx /lf:true"),
)


def _form_of(start: str) -> tuple[str, Callable[[io.TextIOWrapper, LogFacts], Iterator[Event]]]:
    """The form of a text by its beginning, and what reads it."""
    shown = start.lstrip()
    if shown.startswith(("#< CLIXML", "<")) and clixml.NAMESPACE in start[:2_000]:
        return "PowerShell CLIXML", clixml.read
    if shown.startswith("<"):
        return "XML", xml_log.read
    if re.match(r"(?:\[\s*)?\{\s*\"|\[\s*\]", shown):
        return "JSON", json_log.read
    if csv_log.separator_of(csv_log.header_of(start)):
        return "CSV", csv_log.read
    return _TEXT, plain_text.read


def _beginning(stream: BinaryIO) -> bytes:
    """As much as tells the form; a pipe gives it piece by piece."""
    start = b""
    while len(start) < _LOOKED_AT:
        part = stream.read(_LOOKED_AT - len(start))
        if not part:
            break
        start += part
    return start


class _Counted(io.RawIOBase):
    """A stream from its beginning, which has been read already; it keeps the log's position."""

    def __init__(self, start: bytes, stream: BinaryIO, facts: LogFacts, watch: Watch) -> None:
        self._start = memoryview(start)
        self._stream = stream
        self._facts = facts
        self._watch = watch

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part: bytes | memoryview = self._start[: len(buffer)]
        if part:
            self._start = self._start[len(part) :]
        else:
            part = self._stream.read(len(buffer))
        buffer[: len(part)] = part
        self._facts.position += len(part)
        self._watch(self._facts)
        return len(part)


@contextmanager
def _opened(path: Path | str, facts: LogFacts) -> Iterator[BinaryIO]:
    if str(path) == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    path = Path(path)
    try:
        if path.is_dir():
            raise UnreadableLog(f"{path}: is a directory. Name the logs in it.")
        stream = path.open("rb")
    except FileNotFoundError:
        raise UnreadableLog(f"{path}: there is no such file. Check the path.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise UnreadableLog(
            f"{path}: can't be read ({reason}). Grant this account read access, or copy the file first: Windows keeps "
            "the logs in use to itself."
        ) from None
    with stream:
        facts.size = path.stat().st_size if path.is_file() else 0
        yield stream
