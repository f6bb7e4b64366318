"""This machine's clock beside another one that was read over the network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MOST = timedelta(minutes=5)
"""Kerberos refuses more (Windows' default; a policy can change it)."""

MUCH = timedelta(minutes=1)

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Another clock, and how far this machine's is from it. Positive: this machine is ahead.

    The other clock was read somewhere between a question and its answer, and shows whole seconds: so the difference
    lies between two bounds.

    Attributes:
        whose: "dc1.corp.contoso.com", "api.passwordreset.microsoftonline.com".
        least, most: the bounds, least <= most.
    """

    whose: str
    least: timedelta
    most: timedelta

    @classmethod
    def between(cls, whose: str, shown: datetime, asked: datetime, answered: datetime) -> ClockReading:
        """
        Args:
            shown: what the other clock said, in whole seconds.
            asked, answered: by this machine's clock.
        """
        return cls(whose, asked - shown - _SECOND, answered - shown)

    @property
    def surely(self) -> timedelta:
        """The smallest difference that the reading allows, without its sign; zero where the clocks may agree."""
        if self.least <= timedelta() <= self.most:
            return timedelta()
        return min(abs(self.least), abs(self.most))

    @property
    def at_worst(self) -> timedelta:
        """The largest one."""
        return max(abs(self.least), abs(self.most))

    @property
    def ahead(self) -> bool:
        return self.least + self.most > timedelta()

    def __str__(self) -> str:
        """ "3 min 12 s ahead of dc1", for a person."""
        if self.surely < _SECOND:
            return f"in step with {self.whose}"
        return f"{duration(self.surely)} {'ahead of' if self.ahead else 'behind'} {self.whose}"


@dataclass(frozen=True, slots=True)
class Clocks:
    """This machine's clock beside all the others that could be read.

    Attributes:
        controllers: by domain controller.
        service: the password-reset service's or a relay's; None: not read.
        unread: for each clock that could not be read, its owner and why.
        exported: domains that are read from an export, which has no clock.
    """

    controllers: tuple[ClockReading, ...] = ()
    service: ClockReading | None = None
    unread: tuple[tuple[str, str], ...] = ()
    exported: tuple[str, ...] = ()


def duration(length: timedelta) -> str:
    """Hours, minutes and seconds, the larger two: "2 h 5 min", "3 min 12 s", "4 s"."""
    seconds = round(length.total_seconds())
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    first = next((index for index, (number, _) in enumerate(parts) if number), len(parts) - 1)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number) or "0 s"
