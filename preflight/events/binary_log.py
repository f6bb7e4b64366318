"""Events as Windows keeps them: .evtx. Records are decoded by the `evtx` package; what is damaged is counted here.

The file is handed to the package some chunks at a time (64 KiB, each complete in itself): memory stays flat, progress
is known, a chunk that is destroyed costs no other, and what its header promises is held against what comes.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any, BinaryIO

from preflight.events.json_log import event_of
from preflight.events.model import SECURITY, SOURCES, Event, LogFacts, UnreadableLog
from preflight.events.times import Dates

MAGIC = b"ElfFile\0"

_CHUNK_MAGIC = b"ElfChnk\0"
_FILE_HEADER = 4096
_CHUNK = 1 << 16
_AT_ONCE = 16
_MOST_RECORDS = 2_000
"""Of one chunk: the smallest record takes more than 32 bytes."""

_WANTED = tuple(f'"{source}"' for source in (*SOURCES, SECURITY))


def read(stream: BinaryIO, facts: LogFacts) -> Iterator[Event]:
    """The events that have to do with writeback.

    Raises:
        UnreadableLog: the package that decodes the format isn't installed.
    """
    if find_spec("evtx") is None:
        raise UnreadableLog(
            f"{facts.name}: to read a log in its binary form the package evtx is needed: pip install "
            "evtx. Or export it as XML on a Windows machine: "
            "wevtutil qe Application.evtx /lf:true /f:RenderedXml > events.xml"
        )
    package = import_module("evtx")
    dates = Dates()
    header = stream.read(_FILE_HEADER)
    if len(header) < _FILE_HEADER:
        facts.lost("the file ends within its header", 0)
    while chunks := _next_chunks(stream, facts):
        yield from _events(package, chunks, dates, facts)


def _next_chunks(stream: BinaryIO, facts: LogFacts) -> list[bytes]:
    """Some chunks that hold records; none: the file is at its end."""
    chunks: list[bytes] = []
    while not chunks:
        part = stream.read(_CHUNK * _AT_ONCE)
        if not part:
            break
        for at in range(0, len(part), _CHUNK):
            chunk = part[at : at + _CHUNK]
            if len(chunk) < _CHUNK and chunk.strip(b"\0"):
                facts.damaged_chunks += 1
                facts.lost("the file ends within a chunk: it was cut short", 0)
                chunk = chunk.ljust(_CHUNK, b"\0")  # its records up to there may still be read
            if chunk.startswith(_CHUNK_MAGIC):
                chunks.append(chunk)
            elif chunk.strip(b"\0"):  # zeros: room that Windows has not used yet
                facts.damaged_chunks += 1
                facts.lost("a chunk (64 KiB) that is none, and so holds no readable event", 0)
    return chunks


def _events(package: Any, chunks: list[bytes], dates: Dates, facts: LogFacts) -> Iterator[Event]:
    expected = sum(_records_in(chunk) for chunk in chunks)
    records = 0
    times: list[str] = []
    log = io.BytesIO(_header_for(len(chunks)) + b"".join(chunks))
    iterator = iter(package.PyEvtxParser(log, number_of_threads=1).records_json())
    failures = 0
    while failures <= len(chunks) * _MOST_RECORDS:
        try:
            record = next(iterator)
        except StopIteration:
            break
        except (RuntimeError, OSError, ValueError) as error:
            failures += 1
            if failures == 1:
                facts.lost(_first_line(error), 0)
            continue
        records += 1
        times.append(record["timestamp"])
        data = record["data"]
        if any(name in data for name in _WANTED):
            yield from _event(data, dates, facts)
        else:
            facts.seen += 1
    if times:
        facts.spans(dates.read(min(times).removesuffix(" UTC")))
        facts.spans(dates.read(max(times).removesuffix(" UTC")))
    missing = max(expected - records, failures)
    if missing and not failures:
        facts.lost("records that their chunk should hold are not there", 0)
    facts.damaged += missing


def _event(data: str, dates: Dates, facts: LogFacts) -> Iterator[Event]:
    try:
        value = json.loads(data)
    except ValueError:
        facts.lost("a record that could not be decoded")
        return
    event = event_of(value, dates, facts)
    if event is not None:
        yield event


def _records_in(chunk: bytes) -> int:
    """How many records the chunk says that it holds; 0 where that can't be."""
    first, last = struct.unpack_from("<QQ", chunk, 8)
    number = last - first + 1
    return number if 0 < number <= _MOST_RECORDS else 0


def _header_for(chunks: int) -> bytes:
    """The header of a log of so many chunks (MS-EVEN6 leaves it to the libevtx project's notes)."""
    head = struct.pack("<8sQQQIHHHH76xI", MAGIC, 0, chunks - 1, 1, 128, 1, 3, _FILE_HEADER, chunks, 0)
    return (head + struct.pack("<I", zlib.crc32(head[:120]))).ljust(_FILE_HEADER, b"\0")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
