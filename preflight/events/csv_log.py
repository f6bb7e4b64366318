"""Events as comma-separated values: `Get-WinEvent | Export-Csv`, and what the Event Viewer saves as CSV."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Sequence

from preflight.events.encoded_text import lines
from preflight.events.fields import chosen, make_event
from preflight.events.model import MOST_CHARACTERS, Event, LogFacts
from preflight.events.times import Dates

_TYPE = "#TYPE"
_LOOKED_AHEAD = 2_000
"""Rows whose dates are compared before the first is read: 30/09/2026 shows how 03/09/2026 is meant."""


def separator_of(line: str) -> str | None:
    """What separates the columns, if the line is a header that names an event's number; else None."""
    for separator in (",", ";", "\t"):
        if "event_id" in _columns(_split(line, separator)):
            return separator
    return None


def header_of(start: str) -> str:
    """The line that names the columns; before it PowerShell 5 writes the type of the objects."""
    first, _, rest = start.removeprefix("\ufeff").partition("\n")
    return rest.partition("\n")[0] if first.startswith(_TYPE) else first


def read(text: io.TextIOWrapper, facts: LogFacts) -> Iterator[Event]:
    """The events that have to do with writeback."""
    numbered = lines(text, MOST_CHARACTERS)
    header = next(numbered, "")
    if header.startswith(_TYPE):
        header = next(numbered, "")
    separator = separator_of(header) or ","
    columns = _columns(_split(header, separator))
    rows = _rows(numbered, separator, facts)
    dates = Dates()
    ahead = list(itertools.islice(rows, _LOOKED_AHEAD))
    for row in ahead:
        if columns.get("time", len(row)) < len(row):
            dates.learn(row[columns["time"]])
    width = max(columns.values(), default=0)
    for row in itertools.chain(ahead, rows):
        if not row:
            continue
        if len(row) <= columns["event_id"]:
            facts.lost("a row with too few columns")
            continue
        fields = {name: row[at] for name, at in columns.items() if at < len(row)}
        if "message" not in fields and len(row) > width + 1:
            fields["message"] = row[-1]  # the Event Viewer names no column for it
        event = make_event(fields, dates, facts)
        if event is not None:
            yield event


def _columns(names: Sequence[str]) -> dict[str, int]:
    """Where which field stands."""
    return chosen((name.strip().strip('"'), at) for at, name in enumerate(names))


def _split(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line.strip("\r\n")], delimiter=separator), [])
    except csv.Error:
        return []


def _rows(numbered: Iterator[str], separator: str, facts: LogFacts) -> Iterator[list[str]]:
    reader = csv.reader(numbered, delimiter=separator)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # a field longer than the module allows: a quotation mark that isn't closed
            facts.lost(f"a row that is no CSV ({error})")
            continue
        yield row
