"""Events as text: copied from the Event Viewer, `wevtutil qe /f:text`, Format-List, or nothing but a message."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace

from preflight.events.encoded_text import lines
from preflight.events.fields import chosen, make_event
from preflight.events.message import parse_message
from preflight.events.model import MOST_CHARACTERS, WRITEBACK, Event, LogFacts
from preflight.events.operations import event_id_of
from preflight.events.times import Dates
from preflight.events.xml_log import parse

_FIELD = re.compile(r"\s{0,4}([A-Za-z][A-Za-z -]{1,30}?)\s*:(?:\s+(.*))?", re.DOTALL)
_NUMBERED = re.compile(r"\s*Event\s?\[\d{1,12}\]:?\s*")
"""How wevtutil begins each event."""
_XML_FOLLOWS = re.compile(r"\s*(?:Event Xml|Ereignis-XML|Gebeurtenis-XML)\s*:\s*", re.IGNORECASE)
_TRACKED = re.compile(r"(?<![A-Za-z])TrackingId\s*:")
_UNDESCRIBED = re.compile(r"Event ID (\d{1,5}) from source ([A-Za-z][\w .-]{0,60}?) cannot be found")
"""What Windows shows where the source isn't installed."""
_MOST_LINE = 1 << 17


def read(text: io.TextIOWrapper, facts: LogFacts) -> Iterator[Event]:
    """The events that have to do with writeback."""
    dates = Dates()
    for entry in _entries(text, facts):
        yield from entry.events(dates, facts)


class _Entry:
    """One event under way: named fields, then its message, then perhaps its XML."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.message: list[str] = []
        self.xml: list[str] = []
        self.size = 0

    def events(self, dates: Dates, facts: LogFacts) -> Iterator[Event]:
        """None where nothing is told of one; several where one message follows the other."""
        message = "\n".join(self.message).strip()
        if "event_id" not in self.fields and "source" not in self.fields:
            yield from _bare(message, facts)
            return
        event = make_event({**self.fields, "message": message}, dates, facts)
        if event is not None:
            yield self._completed(event)

    def _completed(self, event: Event) -> Event:
        """With what only the XML below the text says exactly: the time with its zone, the number of the record."""
        exact = parse("\n".join(self.xml), Dates(), LogFacts("")) if self.xml else None
        if exact is None or exact.event_id != event.event_id:
            return event
        return replace(event, time=exact.time or event.time, record_id=exact.record_id)


def _entries(text: io.TextIOWrapper, facts: LogFacts) -> Iterator[_Entry]:
    entry = _Entry()
    first = ""  # the field that each event of this text begins with
    place = "fields"
    for line in lines(text, _MOST_LINE):
        line = line.rstrip("\r\n")
        entry.size += len(line) + 1
        if entry.size > MOST_CHARACTERS:
            facts.lost(f"an event of more than {MOST_CHARACTERS:,} characters")
            entry, place = _Entry(), "fields"
        if place == "xml":
            entry.xml.append(line)
            place = "after" if "</Event>" in line else place
            continue
        if _XML_FOLLOWS.fullmatch(line):
            place = "xml"
            continue
        key, value = _field(line)
        numbered = _NUMBERED.fullmatch(line)
        if numbered or (key and key == first and first in entry.fields):
            yield entry
            entry, place = _Entry(), "fields"
        if numbered:
            continue
        if place == "fields" and key == "message" and entry.fields:
            place = "message"
            entry.message.append(value)
        elif place == "fields" and key and key != "message":
            first = first or key
            entry.fields.setdefault(key, value)
        elif place == "message" or not entry.fields or _TRACKED.search(line):
            place = "message" if entry.fields else place
            entry.message.append(line.strip() if line.startswith(" " * 8) else line)
    yield entry


def _field(line: str) -> tuple[str, str]:
    """The field of an event that the line names, and its value; ("", "") for any other line."""
    match = _FIELD.fullmatch(line)
    if match is None:
        return "", ""
    return next(iter(chosen([(match[1], (match[2] or "").strip())]).items()), ("", ""))


def _bare(text: str, facts: LogFacts) -> Iterator[Event]:
    """Messages alone, each from one tracking id to the next."""
    if not text:
        return
    starts = [match.start() for match in _TRACKED.finditer(text)] or [0]
    undescribed = _UNDESCRIBED.search(text)
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        message = text[start:end].strip()
        parsed = parse_message(message)
        event_id, source = event_id_of(parsed.name), WRITEBACK if parsed.tracking_id else ""
        if undescribed and len(starts) == 1:
            event_id, source = int(undescribed[1]), undescribed[2]
        if not (event_id or source or parsed.hresults or parsed.namespaces):
            continue  # some other text
        facts.saw(None)
        facts.kept += 1
        facts.untimed += 1
        yield Event(time=None, source=source, event_id=event_id, message=message)
