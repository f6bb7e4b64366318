"""How long something may take as a whole, however many steps it has."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds, each for the whole of what it names.

    Attributes:
        connect: resolving the name, then one TCP connection (each address of a name has its share).
        handshake: TLS, from the first byte to the verified certificate.
        bind: signing in, all its round trips and the ticket from the KDC included.
        page: one page of a search, from the request to its last byte.
    """

    connect: float = 5.0
    handshake: float = 10.0
    bind: float = 20.0
    page: float = 60.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time (of the monotonic clock) by which something must be over.

    A time-out per read isn't enough: a peer that sends a byte a second never runs into it.
    """

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds)

    @property
    def remaining(self) -> float:
        """Seconds left; zero or less when it has passed."""
        return self.at - time.monotonic()

    def remaining_or_raise(self) -> float:
        """Seconds left.

        Raises:
            TimeoutError: none are.
        """
        left = self.remaining
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left

    def call(self, function: Callable[[], T]) -> T:
        """The function's outcome, if it comes in time.

        For library calls that take no time-out (the system's resolver, Kerberos). A call that doesn't end in time
        is left behind on a daemon thread, which ends with it or with the process.

        Raises:
            TimeoutError: it did not end in time.
        """
        left = self.remaining_or_raise()
        outcome: list[T] = []
        failure: list[BaseException] = []

        def run() -> None:
            try:
                outcome.append(function())
            except BaseException as error:  # noqa: BLE001 - handed on to the caller
                failure.append(error)

        thread = threading.Thread(target=run, name="preflight-bounded-call", daemon=True)
        thread.start()
        thread.join(left)
        if thread.is_alive():
            raise TimeoutError("the call did not end in time")
        if failure:
            raise failure[0]
        return outcome[0]
