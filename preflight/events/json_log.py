"""Events as JSON: `Get-WinEvent | ConvertTo-Json` of PowerShell 5 or 7; one object a line; a binary log's records."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.events.encoded_text import parts
from preflight.events.fields import chosen, make_event
from preflight.events.model import MOST_CHARACTERS, Event, LogFacts
from preflight.events.times import Dates

_WRAPPED = re.compile(r'\s*\{\s*"value"\s*:\s*(?=\[)')
"""PowerShell 5 may write an array as an object that has a value and a count."""
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}"]', re.DOTALL)
_NAMED = ("Value", "value", "DisplayName", "Name", "DateTime")
"""What a nested object shows of itself: PowerShell writes SIDs and some dates so."""


def read(text: io.TextIOWrapper, facts: LogFacts) -> Iterator[Event]:
    """The events that have to do with writeback."""
    dates = Dates()
    for written in _objects(text, facts):
        try:
            value = json.loads(written, strict=False)
        except (ValueError, RecursionError) as error:
            facts.lost(f"an object that is no JSON ({type(error).__name__})")
            continue
        event = event_of(value, dates, facts)
        if event is not None:
            yield event


def event_of(value: Mapping[str, Any], dates: Dates, facts: LogFacts) -> Event | None:
    """The event of one object, counted; None: not wanted, or no event."""
    whole = value.get("Event")
    return make_event(_of_record(whole) if isinstance(whole, dict) else _of_columns(value), dates, facts)


def _objects(text: io.TextIOWrapper, facts: LogFacts) -> Iterator[str]:
    """Each outermost object of the text, whatever stands between them."""
    kept = ""
    at = depth = 0
    start: int | None = None
    begun = False
    for part in parts(text):
        kept += part
        if not begun:
            begun = True
            wrapped = _WRAPPED.match(kept)
            at = wrapped.end() if wrapped else 0
        while (token := _TOKEN.search(kept, at)) is not None:
            if token[0] == '"':
                break  # a string that goes on in the next part
            at = token.end()
            if token[0] == "{":
                start = token.start() if depth == 0 else start
                depth += 1
            elif token[0] == "}" and depth:
                depth -= 1
                if depth == 0 and start is not None:
                    yield kept[start:at]
                    kept, at, start = kept[at:], 0, None
        else:
            at = len(kept)
        if start is None:
            unfinished = token.start() if token is not None else at
            kept, at = kept[unfinished:], 0
        elif start:
            kept, at, start = kept[start:], at - start, 0
        if len(kept) > MOST_CHARACTERS:
            facts.lost(f"an object of more than {MOST_CHARACTERS:,} characters; what follows was not read")
            return
    if start is not None:
        facts.lost("the last object breaks off: the export was cut short")


def _of_columns(value: Mapping[str, Any]) -> dict[str, str]:
    shown = ((name, _text(content)) for name, content in value.items())
    return chosen((name, text) for name, text in shown if text)


def _of_record(event: Mapping[str, Any]) -> dict[str, str]:
    """The form in which a reader of binary logs writes one event."""
    system = event.get("System")
    system = system if isinstance(system, dict) else {}
    data = event.get("EventData") or event.get("UserData")
    return {
        "time": _attribute(system.get("TimeCreated"), "SystemTime"),
        "source": _attribute(system.get("Provider"), "Name"),
        "event_id": _text(system.get("EventID")),
        "level": _text(system.get("Level")),
        "computer": _text(system.get("Computer")),
        "user": _attribute(system.get("Security"), "UserID"),
        "message": "\n".join(_strings(data)),
        "record_id": _text(system.get("EventRecordID")),
        "channel": _text(system.get("Channel")),
    }


def _attribute(value: object, name: str) -> str:
    attributes = value.get("#attributes") if isinstance(value, dict) else None
    return _text(attributes.get(name)) if isinstance(attributes, dict) else ""


def _strings(value: object) -> Iterator[str]:
    """Every text of an event's data, in order."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += [content for name, content in reversed(each.items()) if name != "#attributes"]
        elif isinstance(each, list):
            waiting += reversed(each)
        elif each is not None and str(each):
            yield str(each)


def _text(value: object) -> str:
    if isinstance(value, dict):
        if "#text" in value:
            return _text(value["#text"])
        return next((str(value[name]) for name in _NAMED if isinstance(value.get(name), (str, int))), "")
    if isinstance(value, list) or value is None:
        return ""
    return str(value)
