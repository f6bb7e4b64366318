"""Times as exports write them. What could mean two things is None: a wrong time is worse than none."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_ISO = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[T ]+"
    r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9})\d*)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_JSON = re.compile(r"\\?/Date\((-?\d{1,15})(?:[+-]\d{4})?\)\\?/", re.ASCII)
_LOCAL = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}),?[ \u00a0\u202f]+"
    r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?:[ \u00a0\u202f]*([AaPp])\.?[Mm]\.?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Dates:
    """Reads the times of one log; what the log shows of its own way to write dates counts for all of them.

    Times without a zone are read as this machine's, and `local` says that there were some.

    Attributes:
        local: whether a time without a zone has been read.
    """

    def __init__(self) -> None:
        self.local = False
        self._day_first: bool | None = None

    def learn(self, text: str) -> None:
        """Look at a date for what it shows of the order of day and month: 30/09/2026 can only be one."""
        match = _LOCAL.fullmatch(text.strip()[:60])
        if match is None or match[2] != "/" or self._day_first is not None:
            return
        first, second = int(match[1]), int(match[3])
        if first > 12 >= second:
            self._day_first = True
        elif second > 12 >= first:
            self._day_first = False

    def read(self, text: str) -> datetime | None:
        """The time in UTC; None: no time, or one that could be two."""
        text = text.strip()[:60]
        if not text:
            return None
        try:
            if match := _ISO.fullmatch(text):
                return self._iso(match)
            if match := _JSON.fullmatch(text):
                return _EPOCH + timedelta(milliseconds=int(match[1]))
            if match := _LOCAL.fullmatch(text):
                return self._written(match)
        except (ValueError, OverflowError, OSError):  # the 31st of February, the year 0, beyond the platform's clock
            return None
        return None

    def _iso(self, match: re.Match[str]) -> datetime | None:
        year, month, day, hour, minute = (int(match[number]) for number in range(1, 6))
        microsecond = int((match[7] or "0")[:6].ljust(6, "0"))
        naive = datetime(year, month, day, hour, minute, int(match[6] or 0), microsecond)
        zone = match[8]
        if zone is None:
            return self._here(naive)
        if zone in ("Z", "UTC"):
            return naive.replace(tzinfo=UTC)
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        return naive.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset)).astimezone(UTC)

    def _written(self, match: re.Match[str]) -> datetime | None:
        """Dots and hyphens: the day comes first, wherever they are used with the year last. A slash has to show."""
        first, second = int(match[1]), int(match[3])
        day_first = True if match[2] != "/" else self._slashed(match, first, second)
        if day_first is None:
            return None
        day, month = (first, second) if day_first else (second, first)
        hour = int(match[5])
        if match[8]:
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if match[8] in "Pp" else 0)
        return self._here(datetime(int(match[4]), month, day, hour, int(match[6]), int(match[7] or 0)))

    def _slashed(self, match: re.Match[str], first: int, second: int) -> bool | None:
        if first > 12:
            return True
        if second > 12:
            return False
        if first == second:
            return False  # whichever is which
        if self._day_first is not None:
            return self._day_first
        if match[8] and len(match[3]) == 1 and match[8] in "AP":
            return False  # 9/3/2026 2:34 PM: the United States write no zero before the day, the others who say PM do
        return None

    def _here(self, naive: datetime) -> datetime:
        self.local = True
        return naive.astimezone().astimezone(UTC)
