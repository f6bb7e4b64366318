"""Writes .evtx files for tests: no package does, and Windows is not at hand.

After the published notes on the format (libevtx, "Windows XML Event Log (EVTX)"; MS-EVEN6 2.2.12 for binary XML):
a file header of 4096 bytes, then chunks of 64 KiB that hold records of binary XML. Nothing is templated: each record
spells its elements out, which every reader has to understand. What comes out is read back by the `evtx` package.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

HEADER = 4096
CHUNK = 1 << 16
_RECORDS = 512
"""Where the records begin in a chunk."""
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    """An event as a program hands it to the log: insertion strings, no rendered message."""

    time: datetime
    source: str
    event_id: int
    strings: Sequence[str]
    level: int = 4
    computer: str = "SYNC01.corp.contoso.com"
    names: Sequence[str] = field(default=())
    """Of the strings, where the source's manifest has them."""


def evtx(entries: Iterable[Entry], first_id: int = 1) -> bytes:
    """A whole log."""
    chunks = list(_chunks(entries, first_id))
    count = sum(number for number, _ in chunks)
    return _file_header(len(chunks), first_id + count) + b"".join(chunk for _, chunk in chunks)


def file_header(chunks: int, next_id: int = 1) -> bytes:
    return _file_header(chunks, next_id)


def _file_header(chunks: int, next_id: int) -> bytes:
    head = struct.pack(
        "<8sQQQIHHHH76sI", b"ElfFile\0", 0, max(chunks - 1, 0), next_id, 128, 1, 3, HEADER, chunks & 0xFFFF, b"", 0
    )
    return (head + struct.pack("<I", zlib.crc32(head[:120]))).ljust(HEADER, b"\0")


def _chunks(entries: Iterable[Entry], first_id: int) -> Iterable[tuple[int, bytes]]:
    record_id, start = first_id, first_id
    data, last = bytearray(), _RECORDS
    for entry in entries:
        record = _record(entry, record_id, _RECORDS + len(data))
        if _RECORDS + len(data) + len(record) > CHUNK:
            yield record_id - start, _chunk(bytes(data), start, record_id - 1, last)
            data, start, last = bytearray(), record_id, _RECORDS
            record = _record(entry, record_id, _RECORDS)
        last = _RECORDS + len(data)
        data += record
        record_id += 1
    if data:
        yield record_id - start, _chunk(bytes(data), start, record_id - 1, last)


def _chunk(data: bytes, first: int, last: int, last_offset: int) -> bytes:
    free = _RECORDS + len(data)
    head = struct.pack(
        "<8sQQQQIIII64sI", b"ElfChnk\0", first, last, first, last, 128, last_offset, free, zlib.crc32(data), b"", 0
    )
    tables = bytes(_RECORDS - 128)
    head += struct.pack("<I", zlib.crc32(head[:120] + tables))
    return (head + tables + data).ljust(CHUNK, b"\0")


def _record(entry: Entry, record_id: int, offset: int) -> bytes:
    xml = _Fragment(offset + 24).event(entry, record_id)
    size = 24 + len(xml) + 4
    padding = -size % 8
    size += padding
    ticks = (entry.time - _EPOCH).total_seconds() * 10_000_000
    head = struct.pack("<4sIQQ", b"**\0\0", size, record_id, int(ticks))
    return head + xml + bytes(padding) + struct.pack("<I", size)


class _Fragment:
    """Binary XML under way; it refers to names by where they stand in the chunk."""

    def __init__(self, offset: int) -> None:
        self._offset = offset
        self._bytes = bytearray(b"\x0f\x01\x01\x00")

    def event(self, entry: Entry, record_id: int) -> bytes:
        time = entry.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
        names = list(entry.names) or [""] * len(entry.strings)
        system = (
            ("Provider", {"Name": entry.source}, None),
            ("EventID", {"Qualifiers": "0"}, str(entry.event_id)),
            ("Level", {}, str(entry.level)),
            ("Task", {}, "0"),
            ("Keywords", {}, "0x80000000000000"),
            ("TimeCreated", {"SystemTime": time}, None),
            ("EventRecordID", {}, str(record_id)),
            ("Channel", {}, "Application"),
            ("Computer", {}, entry.computer),
            ("Security", {}, None),
        )
        data = tuple(
            ("Data", {"Name": name} if name else {}, string) for name, string in zip(names, entry.strings, strict=True)
        )
        self._element(
            "Event",
            {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"},
            (("System", {}, system), ("EventData", {}, data)),
        )
        self._bytes += b"\0"
        return bytes(self._bytes)

    def _element(self, name: str, attributes: dict[str, str], content: object) -> None:
        self._bytes.append(0x41 if attributes else 0x01)  # outside a template without its dependency id
        size_at = self._reserve()
        self._name(name)
        if attributes:
            list_at = self._reserve()
            for number, (key, value) in enumerate(attributes.items(), 1):
                self._bytes.append(0x46 if number < len(attributes) else 0x06)
                self._name(key)
                self._text(value)
            self._fill(list_at)
        if content is None:
            self._bytes += b"\x03"
        else:
            self._bytes += b"\x02"
            if isinstance(content, str):
                self._text(content)
            else:
                for each in content:  # type: ignore[attr-defined]
                    self._element(*each)
            self._bytes += b"\x04"
        self._fill(size_at)

    def _name(self, name: str) -> None:
        hashed = 0
        for character in name:
            hashed = (hashed * 65599 + ord(character)) & 0xFFFFFFFF
        self._bytes += struct.pack("<I", self._offset + len(self._bytes) + 4)
        self._bytes += struct.pack("<IHH", 0, hashed & 0xFFFF, len(name)) + name.encode("utf-16-le") + b"\0\0"

    def _text(self, text: str) -> None:
        encoded = text.encode("utf-16-le")
        self._bytes += struct.pack("<BBH", 0x05, 0x01, len(encoded) // 2) + encoded

    def _reserve(self) -> int:
        self._bytes += bytes(4)
        return len(self._bytes)

    def _fill(self, at: int) -> None:
        struct.pack_into("<I", self._bytes, at - 4, len(self._bytes) - at)
