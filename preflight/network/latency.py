"""How long connections to an address take, and how many of them get lost."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from preflight.network.tcp import connect_each
from preflight.network.together import all_at_once

TRIES = 4
STAGGER = 0.05
"""Seconds between the starts, so that a rule that counts connections in a burst sees none."""

SENT_AGAIN = 0.9
"""Seconds above the quickest: no way is that uneven. The request was lost and sent again, after a second on Linux and
Windows alike (RFC 6298 2.1)."""


@dataclass(frozen=True, slots=True)
class Latency:
    """A few connections to one address and port.

    Attributes:
        durations: seconds of each connection that came about, in the order of starting.
        failed: how many didn't.
    """

    address: str
    durations: tuple[float, ...]
    failed: int = 0

    @property
    def tries(self) -> int:
        return len(self.durations) + self.failed

    @property
    def lost(self) -> int:
        """Connections whose request was lost on the way at least once. 0 where none came about: that is no loss."""
        if not self.durations:
            return 0
        least = min(self.durations)
        return self.failed + sum(duration - least > SENT_AGAIN for duration in self.durations)

    @property
    def minimum(self) -> float:
        return min(self.durations)

    @property
    def median(self) -> float:
        return statistics.median(self.durations)

    @property
    def maximum(self) -> float:
        return max(self.durations)


def measure(places: Sequence[tuple[str, int]], seconds: float) -> Mapping[tuple[str, int], Latency]:
    """`TRIES` connections to each, all under way at once; takes `seconds` at most and a little for the stagger."""

    def round_of(number: int) -> Mapping[tuple[str, int], float | None]:
        waiting = threading.Event()
        waiting.wait(number * STAGGER)
        took: dict[tuple[str, int], float | None] = dict.fromkeys(places)
        for attempt in connect_each(places, seconds):
            if attempt.connection is not None:
                took[places[attempt.index]] = time.monotonic() - attempt.started
                attempt.connection.close()
        return took

    rounds = all_at_once({number: partial(round_of, number) for number in range(TRIES)}, seconds + 1.0)
    answered = [rounds[number] for number in sorted(rounds)]
    return {
        place: Latency(
            place[0],
            tuple(took for each in answered if (took := each[place]) is not None),
            sum(each[place] is None for each in answered),
        )
        for place in dict.fromkeys(places)
    }
