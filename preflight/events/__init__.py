"""Event logs of the sync server: read in any form, attempts paired, and summed up. Knows nothing of the engine."""

from preflight.events.attempts import Attempt
from preflight.events.digest import Digest, Filter, digest
from preflight.events.message import Message, parse_message
from preflight.events.model import Event, LogFacts, UnreadableLog, is_relevant
from preflight.events.opening import Reading, events_in, read_events

__all__ = [
    "Attempt",
    "Digest",
    "Event",
    "Filter",
    "LogFacts",
    "Message",
    "Reading",
    "UnreadableLog",
    "digest",
    "events_in",
    "is_relevant",
    "parse_message",
    "read_events",
]
