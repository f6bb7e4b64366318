"""Events as PowerShell serialises objects: `Get-WinEvent | Export-Clixml`."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from xml.parsers import expat

from preflight.events.encoded_text import parts
from preflight.events.fields import chosen, make_event
from preflight.events.model import MOST_CHARACTERS, Event, LogFacts
from preflight.events.times import Dates

NAMESPACE = "http://schemas.microsoft.com/powershell/2004/04"

_OUTER, _PROPERTY = 2, 4
"""How deep objects stand (Objs, Obj), and their properties (Objs, Obj, Props, S)."""
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_INVALID = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_PREFIX = "#< CLIXML"
_SHOWN = "ToString"


def read(text: io.TextIOWrapper, facts: LogFacts) -> Iterator[Event]:
    """The events that have to do with writeback."""
    dates = Dates()
    objects = _Objects()
    first = True
    for part in parts(text):
        if first:
            part, first = part.lstrip().removeprefix(_PREFIX).lstrip(), False
        try:
            objects.feed(_INVALID.sub("\ufffd", part))
        except (expat.ExpatError, _Refused) as error:
            facts.lost(f"what follows could not be read: {error}")
            broken = True
        else:
            broken = False
        for fields in objects.taken():
            event = make_event(fields, dates, facts)
            if event is not None:
                yield event
        if broken:
            return
    if objects.open:
        facts.lost("the last object breaks off: the export was cut short")


class _Refused(Exception):
    """No log looks like this."""


class _Objects:
    """The fields of each outermost object, as the parser comes past them."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._depth = 0
        self._size = 0
        self._name = ""
        self._nested = False
        self._text: list[str] = []
        self._properties: list[tuple[str, str]] = []
        self._done: list[dict[str, str]] = []

    @property
    def open(self) -> bool:
        return self._depth > 0

    def feed(self, part: str) -> None:
        self._size += len(part)
        self._parser.Parse(part, False)
        if self._size > 2 * MOST_CHARACTERS:
            raise _Refused(f"an object of more than {2 * MOST_CHARACTERS:,} characters")

    def taken(self) -> list[dict[str, str]]:
        """The objects that have come to their end since the last call."""
        done, self._done = self._done, []
        return done

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == _OUTER:
            self._properties, self._size = [], 0
        elif self._depth == _PROPERTY and tag != "T":
            self._name, self._text, self._nested = attributes.get("N", ""), [], False
        elif self._depth == _PROPERTY + 1:
            # Of an object within an object (a SID, a level) what it says of itself.
            self._nested = tag != _SHOWN
            self._text = [] if not self._nested else self._text

    def _characters(self, text: str) -> None:
        if self._name and not self._nested and self._depth >= _PROPERTY:
            self._text.append(text)

    def _end(self, _: str) -> None:
        if self._depth == _PROPERTY and self._name:
            self._properties.append((self._name, _unescaped("".join(self._text))))
            self._name = ""
        elif self._depth > _PROPERTY:
            self._nested = True
        elif self._depth == _OUTER:
            fields = chosen(each for each in self._properties if each[1])
            if fields:
                self._done.append(fields)
            self._properties, self._size = [], 0
        self._depth -= 1

    def _doctype(self, *_: object) -> None:
        raise _Refused("it declares a document type, which no export does")


def _unescaped(text: str) -> str:
    """`_x000D__x000A_` is a line end; a single character each, so that pairs of surrogates are joined again."""
    if "_x" not in text:
        return text
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
