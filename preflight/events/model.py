"""What there is in an event log, whatever form it was exported in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

MOST_CHARACTERS = 1 << 20
"""Of one event as exported. Windows itself cuts a message off at 31,839 characters: more is damage, or an attack."""

MOST_DAMAGE_TOLD = 5
"""Places of damage that are told one by one; all are counted."""

WRITEBACK = "PasswordResetService"
SYNC = "ADSync"
HASH_SYNC = "Directory Synchronization"
SECURITY = "Microsoft-Windows-Security-Auditing"

SOURCES = (WRITEBACK, SYNC, HASH_SYNC)
"""Who writes about writeback into the Application log of the sync server; the third is the password hash sync."""

RESET_ATTEMPTED = 4724
"""In a domain controller's Security log: somebody tried to reset a password."""

_PASSWORD = re.compile(r"(://[^\s/?#:]{0,256}+):[^\s/?#]{0,512}@")
"""In an address; it may hold an at sign, and so may the name before it."""

_WANTED = frozenset(source.lower() for source in SOURCES)


class UnreadableLog(Exception):
    """A log can't be read at all; the text says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        time: when it was written, UTC; None: the log doesn't say, or says it in a way that could mean two things.
        source: the provider's name; "" where a text doesn't say.
        event_id: 0 where a text doesn't say.
        level: as in the log: "Error", "2", "Fehler"; "" unknown.
        computer: whose log it is.
        user: a SID or name, if the event has one.
        message: as rendered; in a binary log the insertion strings, a line each. The password of an address (that of a
            proxy, say: `http://user:password@host`) is left out, as far as it shows by its form.
        record_id: its number in the log; None: unknown.
        channel: "Application", "Security".
    """

    time: datetime | None
    source: str
    event_id: int
    level: str = ""
    computer: str = ""
    user: str = ""
    message: str = ""
    record_id: int | None = None
    channel: str = ""

    def __post_init__(self) -> None:
        if "://" in self.message:
            object.__setattr__(self, "message", _PASSWORD.sub(r"\1:***@", self.message))


@dataclass(slots=True)
class LogFacts:
    """What was seen of one log so far.

    Attributes:
        name: the file's, "-" for standard input.
        format: as a person says it.
        size: bytes; 0: unknown.
        position: bytes read.
        seen: events of every source.
        kept: those that have to do with writeback.
        damaged: events that could not be read, as far as their number is known.
        damaged_chunks: stretches of a binary log (64 KiB) that could not be read at all.
        damage: the first of these, in words.
        untimed: kept events whose time is missing or could mean two things.
        local_times: the log's times carry no zone: they were read as this machine's.
        first, last: the times of the earliest and the latest event, of every source.
    """

    name: str
    format: str = ""
    size: int = 0
    position: int = 0
    seen: int = 0
    kept: int = 0
    damaged: int = 0
    damaged_chunks: int = 0
    damage: list[str] = field(default_factory=list)
    untimed: int = 0
    local_times: bool = False
    first: datetime | None = None
    last: datetime | None = None

    def saw(self, time: datetime | None) -> None:
        """One event more, wanted or not."""
        self.seen += 1
        self.spans(time)

    def spans(self, time: datetime | None) -> None:
        """The log reaches to this time."""
        if time is None:
            return
        if self.first is None or time < self.first:
            self.first = time
        if self.last is None or time > self.last:
            self.last = time

    def lost(self, what: str, events: int = 1) -> None:
        """Something could not be read."""
        self.damaged += events
        if len(self.damage) < MOST_DAMAGE_TOLD:
            self.damage.append(what)


def is_relevant(source: str, event_id: int) -> bool:
    """Whether an event has to do with writeback. Without a source only what its text says can tell: kept."""
    if not source:
        return True
    lowered = source.lower()
    return lowered in _WANTED or (lowered == SECURITY.lower() and event_id == RESET_ATTEMPTED)
