"""Moments and spans as a person says them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def clock_time(moment: datetime) -> str:
    """In UTC, and as this machine's clock on the wall would show it where that differs."""
    here = moment.astimezone()
    shown = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{shown} ({here:%H:%M} here)" if here.utcoffset() else shown


def deadline(until: datetime, now: datetime) -> str:
    """`until 14:05 UTC (in 3 h 12 min)`; with the day where it isn't today, and the local time where that differs."""
    here = until.astimezone()
    local = f"{_shown(here, now.astimezone())} here, " if here.utcoffset() else ""
    return f"until {_shown(until.astimezone(UTC), now.astimezone(UTC))} UTC ({local}in {span(until - now)})"


def span(length: timedelta) -> str:
    """In its two largest units, rounded up to whole minutes: whoever waits that long has waited long enough."""
    minutes = max(0, -(-length // timedelta(minutes=1)))
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"))
    said = [f"{count} {unit}" for count, unit in parts[0 if days else 1 :][:2] if count]
    return " ".join(said) or "0 min"


def _shown(moment: datetime, now: datetime) -> str:
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M}"
