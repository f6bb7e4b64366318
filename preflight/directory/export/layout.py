"""The order in which the records of an export name their attributes, learned from the records themselves.

Whoever wrote an export wrote every record alike, only with more attributes here and fewer there. So a record is mostly
taken apart by one regular expression that names the attributes seen so far in their order, each of which may be
missing. It accepts nothing that it doesn't know to the letter: every other record is read line by line, and learned.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

_MOST_LAYOUTS = 8
_MOST_KINDS = 400
"""Attributes in a layout. Users have some 30 to 100; an expression with thousands would take seconds to make."""

_EAGER_LESSONS = 32
_REMEMBERED_RUNS = 4096
_SHORT_RUN = 256
_ADDED = b"changetype: add"
_PLAIN, _ENCODED = b" ", b": "


@dataclass(frozen=True, slots=True)
class _Kind:
    """The lines of one attribute.

    Attributes:
        name: with its colon.
        key: of the values; None: not asked for.
        separator: between name and value; b"": there may be several lines, some in base64 and some not.
    """

    name: bytes
    key: str | None
    separator: bytes

    @property
    def pattern(self) -> bytes:
        name = b"\\n" + re.escape(self.name)
        if self.name == _ADDED:
            return b"(?:%b$)?+" % name
        if self.key is None:
            return b"(?:%b.*+)*+" % name
        # A second space would belong to the separator, not to the value.
        if not self.separator:
            return b"((?:%b:?+ (?! ).*+)++)?+" % name
        return b"(?:%b%b((?! ).*+))?+" % (name, self.separator)


class _Layout:
    """Kinds of lines in one order."""

    def __init__(self, kinds: Sequence[_Kind]) -> None:
        self.kinds = kinds
        # What is done with each group of a match.
        asked = [kind for kind in kinds if kind.key]
        groups = [(group, kind.key or "", b"\n" + kind.name, kind.separator) for group, kind in enumerate(asked, 1)]
        self.plain = [(group, key) for group, key, _, separator in groups if separator == _PLAIN]
        self.encoded = [(group, key) for group, key, _, separator in groups if separator == _ENCODED]
        self.runs = [(group, key, before) for group, key, before, separator in groups if not separator]
        pattern = b"dn:(.*+)" + b"".join(kind.pattern for kind in kinds)
        self.match = re.compile(pattern, re.MULTILINE).fullmatch

    def with_kinds(self, kinds: Sequence[_Kind]) -> _Layout | None:
        """The layout that has these kinds, too; None: they stand in another order, or are too many."""
        places = {kind.name: place for place, kind in enumerate(self.kinds)}
        merged: list[_Kind] = []
        following = 0
        for kind in kinds:
            place = places.get(kind.name)
            if place is None:
                merged.append(kind)
                continue
            if place < following:
                return None
            known = self.kinds[place]
            merged += self.kinds[following:place]
            merged.append(kind if kind == known else _Kind(kind.name, kind.key, b""))
            following = place + 1
        merged += self.kinds[following:]
        return _Layout(merged) if len(merged) <= _MOST_KINDS else None


@dataclass(slots=True)
class Layouts:
    """
    Attributes:
        key_of: the key for the values of the attribute with a name: None where it isn't asked for, "" of `changetype`.
    """

    key_of: Callable[[bytes], str | None]
    _known: list[_Layout] = field(default_factory=list)
    _runs: dict[bytes, list[bytes]] = field(default_factory=dict)
    _unknown: int = 0

    def take_apart(self, record: bytes, raw: dict[str, list[bytes]]) -> bytes | None:
        """Put the values of an unfolded record into `raw`: what follows `dn:`, or None: it has to be read line by line
        (and `raw` may hold some values).

        Raises:
            binascii.Error: a value isn't base64.
        """
        match = None
        for layout in self._known:
            if match := layout.match(record):
                break
        if match is None:
            return None
        if layout is not self._known[0]:
            self._known.remove(layout)
            self._known.insert(0, layout)
        values = match.groups()
        expected = len(raw) + len(values) - 1 - values.count(None)
        for group, key in layout.plain:
            if (value := values[group]) is not None:
                raw[key] = [value]
        for group, key in layout.encoded:
            if (value := values[group]) is not None:
                raw[key] = [a2b_base64(value, strict_mode=True)]
        for group, key, before in layout.runs:
            if (value := values[group]) is not None:
                raw[key] = self._values(before, value)
        if len(raw) != expected:
            return None  # one attribute stands in two places
        name: bytes = values[0]
        return name

    def learn(self, record: bytes) -> None:
        """Know records like this one from now on, unless it is too odd, or too many were."""
        self._unknown += 1
        if self._unknown > _EAGER_LESSONS and self._unknown & (self._unknown - 1):
            return
        runs = [list(run) for _, run in groupby(map(self._kind_of, record.split(b"\n")[1:]), key=_name)]
        seen = [run[0] if len(run) == 1 or not run[0].key else _Kind(run[0].name, run[0].key, b"") for run in runs]
        if len({kind.name for kind in seen} - {b""}) < len(seen) or len(seen) > _MOST_KINDS:
            return
        for place, layout in enumerate(self._known):
            if merged := layout.with_kinds(seen):
                self._known[place] = merged
                return
        self._known = [_Layout(seen), *self._known[: _MOST_LAYOUTS - 1]]

    def _kind_of(self, line: bytes) -> _Kind:
        """Without a name: there is no layout with such a line."""
        name, colon, rest = line.partition(b":")
        key = self.key_of(name)
        if not colon or (key == "" and line != _ADDED):
            return _NONE
        if not key:
            return _Kind(_ADDED if key == "" else name + colon, None, b"")
        separator = _ENCODED if rest[:2] == _ENCODED else _PLAIN
        return _Kind(name + colon, key, separator) if rest.startswith(separator) else _NONE

    def _values(self, before: bytes, run: bytes) -> list[bytes]:
        """The values of lines that follow one another. Most users are of the same classes."""
        values = self._runs.get(run)
        if values is None:
            rests = run.split(before)[1:]
            values = [a2b_base64(rest[2:], strict_mode=True) if rest[:1] == b":" else rest[1:] for rest in rests]
            if len(run) <= _SHORT_RUN:
                if len(self._runs) >= _REMEMBERED_RUNS:
                    self._runs.clear()
                self._runs[run] = values
        return values.copy()


def _name(kind: _Kind) -> bytes:
    return kind.name


_NONE = _Kind(b"", None, b"")
