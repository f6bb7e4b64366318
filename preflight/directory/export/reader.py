"""LDIF content records (RFC 2849) as a stream: what ldifde and ldapsearch write.

The file is read in blocks and cut into records; a record is looked at only as far as its reader asks. One regular
expression takes a record like those before it apart (`layout`), values are unfolded and decoded only for the
attributes asked for, and long values that come again (most users carry the same descriptor) are decoded once.
Memory is bounded by the largest record, and that by `LARGEST_RECORD`.

Accepted: UTF-8 with or without a byte order mark, UTF-16 (`ldifde -u`), gzip, LF and CRLF, comments, a version
line, folding anywhere, what ldapsearch says around the entries, `changetype: add` (ldifde writes it). Refused:
every other change record, and values that stand in another file or at an address (`:<`): nothing but the export is
ever opened.
"""

from __future__ import annotations

import binascii
import codecs
import gzip
import re
import stat
import string
import zlib
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn, TypeVar

from preflight.directory.export.layout import Layouts
from preflight.directory.model import Entry

T = TypeVar("T")

LARGEST_RECORD = 64 << 20
"""Bytes between two blank lines. Above that a file is no LDIF (or a trap)."""

_BLOCK = 1 << 18
_LONG_VALUE = 512
_REMEMBERED_BYTES = 4 << 20
_REMEMBERED_NAMES = 4096
_REMEMBERED_LENGTHS = 1024
_MOST_FOLDS = 2000
_REMEMBERED_CUTS = 4096
_TAIL = 96
_BEGINNING = 36
"""Characters that hold a descriptor's header and its ACL's (28 bytes)."""

_PLACE = 13
"""Bits in which it is kept where in its record a descriptor begins."""

_NEAR = 4096
"""How far behind a record's beginning its descriptor is looked for."""

_BETWEEN = b"\n\n"
_ALPHABET = frozenset(string.ascii_letters.encode() + string.digits.encode() + b"+/")
"""Of base64, without its padding."""

_GIVE_AN_EXPORT = (
    "Give an export made by ldifde or ldapsearch: entries that begin with 'dn:', a blank line between them."
)
_GIVE_NO_CHANGES = (
    "Give an export of entries (made by ldifde -f or ldapsearch), not a file of changes that waits to be imported."
)
_EXPORT_AGAIN = "The file is damaged or was cut off: export again."

_LINE = re.compile(rb"^([^:\n]*+)(:?)(.*+(?:\n .*+)*+)", re.MULTILINE)
"""A line with its continuations: up to the first colon, the colon, and the rest."""

_ATTRIBUTE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9.-]*+(?:;[A-Za-z0-9=*.-]++)*+")
_PREAMBLE = re.compile(rb"(?:\n|#.*+(?:\n .*+)*+(?:\n|\Z)|(?i:version):[ ]*+1[ ]*+(?:\n|\Z))*+")
_DESCRIPTOR_NAME = "nTSecurityDescriptor"
_DESCRIPTOR = f"\n{_DESCRIPTOR_NAME}:: ".encode()
_FOLLOWING_LINE = re.compile(rb"\n(?! )")
_AROUND_ENTRIES = re.compile(rb"(?i:search|result|ref):")
_DN = re.compile(rb"(?i:d(?:\n )?n(?:\n )?:)")
_RESULT = re.compile(rb"^result: *(\d+) ?(.*)", re.MULTILINE | re.IGNORECASE)


class LdifError(ValueError):
    """The file can't be read as LDIF content.

    Attributes:
        path: the file.
        line: counted from 1; None where the trouble isn't in a line.
        what: what is wrong, a sentence without its full stop.
        remedy: what to do about it.
    """

    def __init__(self, path: Path, line: int | None, what: str, remedy: str = _GIVE_AN_EXPORT) -> None:
        where = f"{path}, line {line}" if line else f"{path}"
        super().__init__(f"{where}: {what}. {remedy}")
        self.path = path
        self.line = line
        self.what = what
        self.remedy = remedy


class MalformedRecord(Exception):
    """As `LdifError`, raised where only the record is at hand.

    Attributes:
        lines_before: lines of the record before the one that is wrong.
    """

    def __init__(self, what: str, remedy: str = _GIVE_AN_EXPORT, lines_before: int = 0) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.lines_before = lines_before


def read_entries(path: Path, attributes: Collection[str] | None = None) -> Iterator[Entry]:
    """The entries of an export, in its order.

    Args:
        attributes: those to decode, in any case; None: all. Values are keyed by the name as asked for, without
            options such as `;binary`; but a part of a ranged attribute keeps its range (`member;range=0-1499`).

    Raises:
        LdifError: also midway; entries already yielded are good.
    """
    parse = RecordParser(attributes)
    return LdifFile(path).map(lambda record, _: Entry(*parse(record)))


class Marks:
    """Where the records of a file stand, and which of them are marked: 4 bytes a record, and 4 more if it is."""

    def __init__(self) -> None:
        self._sizes = array("I")
        self._values = array("I")

    def add(self, size: int, start: int, end: int, *, marked: bool) -> None:
        """The next record: its size with what stands before it, and where in it alone its descriptor's value lies."""
        self._sizes.append(size << 1 | marked)
        if marked:
            # A value that is too far or too long to be told is looked for again.
            told = start < 1 << _PLACE and end - start < 1 << (32 - _PLACE)
            self._values.append((end - start) << _PLACE | start if told else 0)

    def __iter__(self) -> Iterator[tuple[int, int, int, int]]:
        """Of those marked: position (as `LdifFile` counts), size, and where in it the descriptor's value lies."""
        at = 0
        values = iter(self._values)
        for entry in self._sizes:
            size = entry >> 1
            if entry & 1:
                value = next(values)
                start = value & (1 << _PLACE) - 1
                yield at, size, start, start + (value >> _PLACE)
            at += size + len(_BETWEEN)


class LdifFile:
    """An export, read from its beginning as often as asked, by several threads if need be.

    Attributes:
        cut_off: the file ends in the middle of a line; known once it was read to its end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cut_off = False

    def map(self, function: Callable[[bytes, bytes], T], marks: Marks | None = None) -> Iterator[T]:
        """What the function makes of each record, and of the same without its descriptor's value, in which nothing has
        to be looked for. A record: the lines from `dn:` on, ended by LF, folded as in the file.

        Args:
            marks: is told which records the function made something true of.

        Raises:
            LdifError: the file can't be read, holds no entry, or the function raised `MalformedRecord`.
        """
        empty = True
        offset = 0
        cut = _Cutter()
        for block in self._blocks():
            at = offset
            for piece, start, end in cut(block):
                record = piece
                try:
                    if piece[:3] != b"dn:":
                        record, start, end = _without_preamble(piece, start, end)
                    if record:
                        result = function(record, record[:start] + record[end:] if end else record)
                except MalformedRecord as error:
                    raise self._located(error, at, piece, record) from None
                if marks is not None:
                    marks.add(len(piece), start, end, marked=bool(record and result))
                if record:
                    empty = False
                    yield result
                at += len(piece) + len(_BETWEEN)
            offset += len(block) + len(_BETWEEN)
        if empty:
            raise LdifError(self.path, None, "the file holds no entry")

    def map_marked(self, function: Callable[[bytes, int, int], T], marks: Marks) -> Iterator[T]:
        """What the function makes of each marked record, and of where in it the value of its descriptor lies (0 and 0:
        nobody knows). The file must be as it was: nothing is looked for in what stands between.

        Raises:
            LdifError: as `map`.
        """
        chunks = self._chunks()
        held = b""
        offset = 0
        for start, size, value_start, value_end in marks:
            while start + size > offset + len(held):
                chunk = next(chunks, b"")
                if not chunk:
                    raise LdifError(self.path, None, "it became shorter while it was being read", _EXPORT_AGAIN)
                passed = min(start - offset, len(held))
                held = held[passed:] + chunk
                offset += passed
            piece = held[start - offset : start - offset + size]
            record = piece
            try:
                if piece[:3] != b"dn:":
                    record, _, _ = _without_preamble(piece)
                result = function(record, value_start, value_end)
            except MalformedRecord as error:
                raise self._located(error, start, piece, record) from None
            yield result

    def _located(self, error: MalformedRecord, at: int, piece: bytes, record: bytes) -> LdifError:
        """The error with its line, in a piece of the file that begins at a position."""
        skipped = piece.count(b"\n") - record.count(b"\n")
        return LdifError(self.path, self._line_at(at) + skipped + error.lines_before, error.what, error.remedy)

    def _blocks(self) -> Iterator[bytes]:
        """The file in pieces of whole records, without the blank line between two pieces."""
        tail = b""
        held: list[bytes] = []
        size = offset = 0
        for chunk in self._chunks():
            if b"\0" in chunk:
                line = self._line_at(offset + chunk.index(b"\0"))
                raise LdifError(self.path, line, "a NUL byte, so a binary file or a damaged one")
            offset += len(chunk)
            chunk = tail + chunk
            cut = chunk.rfind(b"\n\n")
            if cut < 0:
                # The last byte may be the first of two line ends.
                held.append(chunk[:-1])
                tail = chunk[-1:]
                size += len(held[-1])
                if size > LARGEST_RECORD:
                    line = self._line_at(offset - size)
                    raise LdifError(self.path, line, f"no blank line within {LARGEST_RECORD >> 20} MB")
                continue
            while cut and chunk[cut - 1 : cut] == b"\n":
                cut -= 1
            yield b"".join((*held, chunk[:cut])) if held else chunk[:cut]
            held.clear()
            size = 0
            tail = chunk[cut + 2 :]
        last = b"".join((*held, tail))
        self.cut_off = bool(last) and not last.endswith(b"\n")
        yield last.rstrip(b"\n")

    def _chunks(self) -> Iterator[bytes]:
        """The file as UTF-8 with LF at the end of lines, cut anywhere."""
        held = b""
        for chunk in self._utf8():
            chunk = held + chunk
            held = b""
            if b"\r" in chunk:
                if chunk.endswith(b"\r"):
                    held, chunk = b"\r", chunk[:-1]
                chunk = chunk.replace(b"\r\n", b"\n")
            if chunk:
                yield chunk

    def _utf8(self) -> Iterator[bytes]:
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):
                raise LdifError(self.path, None, "not a file" if self.path.exists() else "no such file")
            with self.path.open("rb") as file:
                compressed = file.read(2) == b"\x1f\x8b"
                file.seek(0)
                if compressed:
                    with gzip.GzipFile(fileobj=file) as stream:
                        yield from _transcoded(stream)
                else:
                    yield from _transcoded(file)
        except OSError as error:
            why = error.strerror or str(error)
            raise LdifError(self.path, None, f"it can't be read: {why}", "Give a file that can be read.") from error
        except (EOFError, zlib.error) as error:
            raise LdifError(self.path, None, f"it can't be uncompressed: {error}", _EXPORT_AGAIN) from error
        except UnicodeDecodeError as error:
            raise LdifError(self.path, None, f"it isn't UTF-16: {error.reason}", _EXPORT_AGAIN) from error

    def _line_at(self, offset: int) -> int:
        """The number of the line at a position of `_chunks`: reads again, for errors only."""
        line = 1
        for chunk in self._chunks():
            line += chunk.count(b"\n", 0, max(offset, 0))
            offset -= len(chunk)
            if offset <= 0:
                break
        return line


def _transcoded(stream: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    first = stream.read(_BLOCK)
    if first.startswith(codecs.BOM_UTF8):
        first = first[3:]
    encoding = _utf16(first[:2])
    if not encoding:
        while first:
            yield first
            first = stream.read(_BLOCK)
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    first = first.removeprefix(codecs.BOM_UTF16_LE).removeprefix(codecs.BOM_UTF16_BE)
    while first:
        yield decoder.decode(first).encode()
        first = stream.read(_BLOCK)
    decoder.decode(b"", final=True)


def _utf16(start: bytes) -> str:
    """UTF-16 by its byte order mark, or by a zero byte beside an ASCII character."""
    if start == codecs.BOM_UTF16_LE or (len(start) == 2 and 0 == start[1] < start[0]):
        return "utf-16-le"
    if start == codecs.BOM_UTF16_BE or (len(start) == 2 and 0 == start[0] < start[1]):
        return "utf-16-be"
    return ""


def _without_preamble(piece: bytes, start: int = 0, end: int = 0) -> tuple[bytes, int, int]:
    """The record without comments and version line before it, and where in it lies what lies between two places of the
    piece (0 and 0: nothing); b"" where there is no entry."""
    record = _record_of(piece)
    if not record or not end:
        return record, 0, 0
    before = len(piece) - len(record)  # the end is the same
    return record, start - before, end - before


def _record_of(piece: bytes) -> bytes:
    preamble = _PREAMBLE.match(piece)
    start = preamble.end() if preamble else 0
    record = piece[start:]
    if not record:
        return b""
    if name := _DN.match(record):
        return b"dn:" + record[name.end() :]
    lines_before = piece.count(b"\n", 0, start)
    if _AROUND_ENTRIES.match(record):
        result = _RESULT.search(record)
        if result and int(result[1][:9]):
            why = f"{result[2].decode('utf-8', 'replace').strip()} ({int(result[1][:9])})"
            remedy = "Export again, in pages (ldapsearch -E pr=1000/noprompt) and without a limit."
            raise MalformedRecord(
                f"the search behind this export failed: {why}; entries are missing", remedy, lines_before
            )
        return b""
    shown = record.partition(b"\n")[0][:60].decode("utf-8", "replace")
    if record[:1] == b" ":
        raise MalformedRecord(f"a folded line without its beginning: {shown!r}", _EXPORT_AGAIN, lines_before)
    raise MalformedRecord(f"an entry should begin here with 'dn:', not with {shown!r}", _GIVE_AN_EXPORT, lines_before)


def name_of(record: bytes) -> str:
    """The distinguished name of a record, nothing else looked at.

    Raises:
        MalformedRecord: it can't be decoded.
    """
    line = _LINE.match(record)
    if line is None or line[1] != b"dn":
        return _NAMES(record)[0]
    return _NAMES.name(line[3])


def value_at(record: bytes, start: int) -> bytes:
    """The value of the line that begins at a position, decoded.

    Raises:
        MalformedRecord: it can't be.
    """
    line = _LINE.match(record, start)
    return _NAMES.value(line[3]) if line else b""


class _Cutter:
    """Cuts blocks at blank lines. A descriptor is most of a user's record, so it is passed over."""

    def __init__(self) -> None:
        self._ends = _Ends()

    def __call__(self, block: bytes) -> Iterator[tuple[bytes, int, int]]:
        """The pieces between blank lines, and where in them the value of their descriptor lies, 0 and 0 without one."""
        at, size = 0, len(block)
        find, find_end = block.find, self._ends.find
        while at <= size:
            place = find(_DESCRIPTOR, at, at + _NEAR)
            start = stop = at
            if place >= 0 and find(_BETWEEN, at, place + 1) < 0:
                start = place + len(_DESCRIPTOR)
                stop = find_end(block, start)
            end = find(_BETWEEN, stop)
            if end < 0:
                end = size
            yield block[at:end], start - at, stop - at
            at = end + len(_BETWEEN)


class _Ends:
    """Finds where folded descriptors end. They begin with the places and sizes of their parts (MS-DTYP 2.4.6), so those
    that begin alike are mostly equally long, and folded alike."""

    def __init__(self) -> None:
        # By the beginning: length, the first fold, how far from there to the next, and what stands at all the folds.
        self._known: dict[bytes, tuple[int, int, int, bytes, bytes]] = {}

    def find(self, data: bytes, start: int) -> int:
        """Where the value that starts here ends.

        It is taken for known only where lines end at the folds and nowhere else, so no other line counts as part of it.
        """
        known = self._known.get(data[start : start + _BEGINNING])
        if known is not None:
            length, first, width, feeds, spaces = known
            end = start + length
            if (
                data[end : end + 1] == b"\n"
                and data[end : end + 2] != b"\n "
                and data[start + first : end : width] == feeds
                and data[start + first + 1 : end : width] == spaces
                and data.count(b"\n", start, end) == len(feeds)
            ):
                return end
        end = data.find(b"\n", start)
        if end >= 0 and data[end : end + 2] != b"\n ":
            return end  # not folded, as in many exports
        following = _FOLLOWING_LINE.search(data, start)
        end = following.start() if following else len(data)
        self._learn(data[start:end])
        return end

    def _learn(self, value: bytes) -> None:
        folds = value.count(b"\n")
        first = value.find(b"\n")
        width = value.find(b"\n", first + 1) - first
        regular = 1 < folds < _MOST_FOLDS and value[first::width] == b"\n" * folds
        if regular and len(self._known) < _REMEMBERED_LENGTHS:
            self._known[value[:_BEGINNING]] = len(value), first, width, b"\n" * folds, b" " * folds


class _OddLine(Exception):
    """A line that one expression doesn't take apart: a comment, a name that is folded itself, or no LDIF."""


class RecordParser:
    """Takes records apart, decoding the attributes asked for. One for each thread and reading: it learns as it goes."""

    def __init__(self, attributes: Collection[str] | None, *, spelling: Collection[str] = ()) -> None:
        """
        Args:
            attributes: those to decode; None: all.
            spelling: how names are to be spelled, of all attributes; others as first seen.
        """
        self._asked = None if attributes is None else {name.lower(): name for name in attributes}
        self._spelled = {name.lower(): name for name in spelling}
        # What the text before a colon means: the key of its values, None: not asked for, "": changetype.
        self._keys: dict[bytes, str | None] = {}
        self._decoded: dict[bytes, bytes] = {}
        self._decoded_bytes = 0
        self._ends = _Ends()
        self._cuts: dict[int, int] = {}
        self._layouts = Layouts(self._key)
        named = self._asked if self._asked is not None else {_DESCRIPTOR_NAME.lower(): _DESCRIPTOR_NAME} | self._spelled
        self._descriptor = named.get(_DESCRIPTOR_NAME.lower(), "")

    def __call__(self, record: bytes, start: int = 0, end: int = 0) -> tuple[str, dict[str, list[bytes]]]:
        """The distinguished name, and the values asked for.

        Args:
            start, end: where the value of the record's descriptor lies, if that is known.

        Raises:
            MalformedRecord: it isn't LDIF, is a change, or a value asked for can't be decoded.
        """
        try:
            return self._quickly(record, start, end)
        except (_OddLine, MalformedRecord, binascii.Error):
            pass  # looked into line by line, where line numbers are right
        try:
            return self._taken_apart(record, _LINE.findall(record))
        except _OddLine:
            return self._taken_apart(record, _logical_lines(record))

    def _quickly(self, record: bytes, start: int, end: int) -> tuple[str, dict[str, list[bytes]]]:
        """As a record like those before it; what is odd, malformed or new is raised."""
        raw: dict[str, list[bytes]] = {}
        rest = record
        if not end and (at := record.find(_DESCRIPTOR)) >= 0:
            start = at + len(_DESCRIPTOR)
            end = self._ends.find(record, start)
        if end:
            # The descriptor is most of a user's record, so it is cut out first.
            if self._descriptor:
                raw[self._descriptor] = [self._from_base64(record, start, end)]
            rest = record[: start - len(_DESCRIPTOR)] + record[end:]
        # No layout has a line that begins with a space, so a folded record is noticed, and costs a second look.
        if (name := self._layouts.take_apart(rest, raw)) is None and b"\n " in rest:
            rest = rest.replace(b"\n ", b"")
            name = self._layouts.take_apart(rest, raw)
        if name is None:
            self._layouts.learn(rest)
            raise _OddLine
        return self.name(name), raw

    def _taken_apart(
        self, record: bytes, found: Iterable[tuple[bytes, bytes, bytes]]
    ) -> tuple[str, dict[str, list[bytes]]]:
        raw: dict[str, list[bytes]] = {}
        keys = self._keys
        lines = iter(found)
        name, colon, rest = next(lines)
        if name != b"dn" or not colon:
            raise _OddLine
        try:
            distinguished_name = self.name(rest)
            for name, colon, rest in lines:
                if not colon:
                    raise _OddLine
                try:
                    key = keys[name]
                except KeyError:
                    key = self._key(name)
                if not key:
                    if key is not None and rest.strip(b" ").lower() != b"add":
                        what = f"a change record (changetype {rest.strip().decode('utf-8', 'replace')[:20]})"
                        raise MalformedRecord(what, _GIVE_NO_CHANGES)
                    continue
                value = rest[1:] if rest[:1] == b" " != rest[1:2] and b"\n" not in rest else self.value(rest)
                if key in raw:
                    raw[key].append(value)
                else:
                    raw[key] = [value]
        except MalformedRecord as error:
            error.lines_before = record.count(b"\n", 0, max(record.find(name + colon + rest), 0))
            raise
        return distinguished_name, raw

    def _key(self, name: bytes) -> str | None:
        if not _ATTRIBUTE.fullmatch(name):
            raise _OddLine
        spelled, *options = name.decode().split(";")
        folded = spelled.lower()
        if folded in ("dn", "control"):
            raise _OddLine
        key: str | None
        if folded == "changetype":
            key = ""
        elif self._asked is not None:
            key = self._asked.get(folded)
        elif len(self._spelled) < _REMEMBERED_NAMES:
            key = self._spelled.setdefault(folded, spelled)
        else:
            key = spelled
        if key:
            ranges = [option.lower() for option in options if option.lower().startswith("range=")]
            if ranges and ranges != ["range=0-*"]:
                key = f"{key};{ranges[0]}"
        if len(self._keys) < _REMEMBERED_NAMES:
            self._keys[name] = key
        return key

    def name(self, rest: bytes) -> str:
        """The distinguished name from what follows `dn:`."""
        try:
            return self.value(rest).decode()
        except UnicodeDecodeError:
            raise MalformedRecord("the name of this entry isn't UTF-8", _EXPORT_AGAIN) from None

    def value(self, rest: bytes) -> bytes:
        """The value from what follows an attribute's colon."""
        if rest[:1] == b"\n":
            rest = rest.replace(b"\n ", b"")
        if rest[:1] == b":":
            text = rest[1:].lstrip(b" ")
            return self._from_base64(text, 0, len(text))
        if rest[:1] == b"<":
            what = "the value isn't in the export, it stands at an address (':<'), which is never opened"
            raise MalformedRecord(what, "Export with the values themselves.")
        if b"\n" in rest:
            rest = rest.replace(b"\n ", b"")
        return rest.lstrip(b" ")

    def _from_base64(self, record: bytes, start: int, end: int) -> bytes:
        """The value whose base64 is record[start:end]."""
        size = end - start
        if size < _LONG_VALUE:
            return _strictly_decoded(record[start:end])
        place = start + (self._cuts.get(size) or self._cut(record[start:end]))
        if record[place - 1] in _ALPHABET and record[place] in _ALPHABET:
            try:
                return self._remembered(record[start:place]) + self._remembered(record[place:end])
            except MalformedRecord:
                return _decoded(record[start:end])
        return _decoded(record[start:end])

    def _cut(self, text: bytes) -> int:
        """Where to cut a long value in two that can be decoded apart: a descriptor's end is its owner, its beginning
        a DACL, and others have each. Values of one length are mostly folded alike, so it is remembered for a length."""
        for cut in range(len(text) - _TAIL, len(text) - _TAIL - 8, -1):
            if (cut - 2 * text.count(b"\n ", 0, cut)) % 4 == 0 and {text[cut - 1], text[cut]} <= _ALPHABET:
                break
        if len(self._cuts) < _REMEMBERED_CUTS:
            self._cuts[len(text)] = cut
        return cut

    def _remembered(self, part: bytes) -> bytes:
        value = self._decoded.get(part)
        if value is None:
            value = _decoded(part)
            self._decoded_bytes += 2 * len(part)
            if self._decoded_bytes > _REMEMBERED_BYTES:
                self._decoded.clear()
                self._decoded_bytes = 2 * len(part)
            self._decoded[part] = value
        return value


def _decoded(text: bytes) -> bytes:
    """A long folded value. The decoder steps over line ends, and over rubbish: then the length tells."""
    try:
        value = binascii.a2b_base64(text)
    except binascii.Error:
        return _strictly_decoded(text)
    characters = len(text) - 2 * text.count(b"\n ")
    padding = 2 if text.endswith(b"==") else text.endswith(b"=")
    if characters % 4 or len(value) != characters // 4 * 3 - padding:
        return _strictly_decoded(text)
    return value


def _strictly_decoded(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text.replace(b"\n ", b"").strip(b" "), strict_mode=True)
    except binascii.Error as error:
        raise MalformedRecord(f"the value isn't whole base64 ({error})", _EXPORT_AGAIN) from None


def _logical_lines(record: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """The lines of a record, unfolded, without comments; each is LDIF and none begins another entry."""
    lines: list[tuple[int, list[bytes]]] = []
    for number, line in enumerate(record.split(b"\n")):
        if line[:1] == b" " and lines:
            lines[-1][1].append(line[1:])
        else:
            lines.append((number, [line]))
    found: list[tuple[bytes, bytes, bytes]] = []
    for number, parts in lines:
        text = b"".join(parts)
        if text[:1] == b"#":
            continue
        name, colon, rest = text.partition(b":")
        if not colon or not _ATTRIBUTE.fullmatch(name):
            _refuse_line(text, number)
        if (name.lower() == b"dn") == bool(found):
            _refuse_second_entry(number)
        if name.lower() == b"control":
            raise MalformedRecord("a change record (it has a control)", _GIVE_NO_CHANGES, number)
        found.append((name, colon, rest))
    return found


def _refuse_line(text: bytes, number: int) -> NoReturn:
    if text.strip() == b"-":
        raise MalformedRecord("a change record (it has a '-' line)", _GIVE_NO_CHANGES, number)
    shown = text[:60].decode("utf-8", "replace")
    raise MalformedRecord(f"no 'attribute: value' but {shown!r}", _EXPORT_AGAIN, number)


def _refuse_second_entry(number: int) -> NoReturn:
    raise MalformedRecord("a second 'dn:' in one entry: the blank line before it is missing", _EXPORT_AGAIN, number)


_NAMES = RecordParser(())
