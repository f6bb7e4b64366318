"""Runs on a schedule: where their history is kept, for how long, and how often every user is read."""

from __future__ import annotations

import re
from datetime import timedelta

from preflight.config.document import Table
from preflight.config.settings import HistorySettings, MonitorSettings

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=3660)
_LEAST_MB, _MOST_MB = 1, 100_000


def duration(text: str) -> timedelta:
    """`90s`, `5m`, `24h` or `400d`.

    Raises:
        ValueError: what is wrong, and how a duration is written.
    """
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)([smhd])", text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no duration. Write a number and s, m, h or d: 90s, 5m, 24h, 400d.")
    length = timedelta(**{_UNITS[found[2]]: float(found[1])})
    if not timedelta(0) < length <= _LONGEST:
        raise ValueError(f"{text!r} is no usable duration. Choose one above 0 and up to {_LONGEST.days}d.")
    return length


def read_history(table: Table) -> HistorySettings:
    table.only(("file", "keep", "max_mb", "enabled"))
    name = table.string("file")
    most = table.number("max_mb", HistorySettings().most_bytes / 1_000_000)
    if not _LEAST_MB <= most <= _MOST_MB:  # false for nan, too
        raise table.error("max_mb", "this is no usable size", f"In megabytes, from {_LEAST_MB} to {_MOST_MB}.")
    return HistorySettings(
        file=None if name is None else table.document.base / name,
        keep=read_duration(table, "keep", HistorySettings().keep),
        most_bytes=round(most * 1_000_000),
        enabled=table.boolean("enabled", True),
    )


def read_monitor(table: Table) -> MonitorSettings:
    table.only(("audit_every",))
    return MonitorSettings(read_duration(table, "audit_every", MonitorSettings().audit_every))


def read_duration(table: Table, key: str, default: timedelta) -> timedelta:
    """A length of time, written as `duration` reads it."""
    text = table.string(key)
    if text is None:
        return default
    try:
        return duration(text)
    except ValueError as error:
        what, _, remedy = str(error).partition(". ")
        raise table.error(key, what, remedy) from None
