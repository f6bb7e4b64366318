"""Events out of named fields: what Get-WinEvent, Get-EventLog and the Event Viewer call their columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

from preflight.events.model import MOST_CHARACTERS, Event, LogFacts, is_relevant
from preflight.events.times import Dates

_NAMES = {
    "time": ("TimeCreated", "TimeGenerated", "Date and Time", "Date", "Datum und Uhrzeit", "Datum en tijd", "Datum"),
    "source": ("ProviderName", "Source", "Quelle", "Bron"),
    "event_id": ("Id", "EventID", "Event ID", "Ereignis-ID", "Gebeurtenis-id", "Gebeurtenis-ID"),
    "level": ("LevelDisplayName", "EntryType", "Level", "Ebene", "Niveau"),
    "computer": ("MachineName", "Computer"),
    "user": ("UserId", "UserName", "User", "Benutzer", "Gebruiker"),
    "message": ("Message", "Description", "Beschreibung", "Beschrijving"),
    "record_id": ("RecordId", "Index", "Event Record ID"),
    "channel": ("LogName", "Log Name", "Log", "Protokollname", "Logboeknaam"),
}
_COLUMNS: Mapping[str, tuple[str, int]] = MappingProxyType(
    {name.lower(): (key, rank) for key, names in _NAMES.items() for rank, name in enumerate(names)}
)
"""The field of an event by the lower-case name of a column (English, German, Dutch), and which to prefer of several."""

T = TypeVar("T")

_NUMBER = re.compile(r"\s*(\d{1,20})\s*", re.ASCII)
MOST_EVENT_ID = 0xFFFF


def chosen(columns: Iterable[tuple[str, T]]) -> dict[str, T]:
    """By the field of `Event` what the columns hold for it, each given with its name; of several the better one."""
    found: dict[str, tuple[int, T]] = {}
    for name, content in columns:
        key, rank = _COLUMNS.get(name.strip().lower(), ("", 0))
        if key and (key not in found or rank < found[key][0]):
            found[key] = (rank, content)
    return {key: content for key, (_, content) in found.items()}


def number(text: str) -> int | None:
    """A whole number that an event can have."""
    match = _NUMBER.fullmatch(text)
    return int(match[1]) if match else None


def make_event(fields: Mapping[str, str], dates: Dates, facts: LogFacts) -> Event | None:
    """The event of these fields (named as in `Event`), counted; None: not wanted, or no event at all.

    What has no number, and what is too long, is counted as damaged.
    """
    event_id = number(fields.get("event_id", ""))
    if event_id is None or event_id > MOST_EVENT_ID:
        facts.lost("an entry without the number of its event")
        return None
    written = fields.get("time", "")
    time = dates.read(written)
    facts.saw(time)
    facts.local_times = facts.local_times or dates.local
    source = fields.get("source", "").strip()
    if not is_relevant(source, event_id):
        return None
    message = fields.get("message", "")
    if len(message) > MOST_CHARACTERS:
        facts.lost(f"event {event_id} has a message of {len(message):,} characters")
        return None
    facts.kept += 1
    facts.untimed += time is None
    return Event(
        time=time,
        source=source,
        event_id=event_id,
        level=fields.get("level", "").strip(),
        computer=fields.get("computer", "").strip(),
        user=fields.get("user", "").strip(),
        message=message.strip(),
        record_id=number(fields.get("record_id", "")),
        channel=fields.get("channel", "").strip(),
    )
