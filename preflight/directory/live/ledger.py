"""Who has been refused in a run, or got no answer: binds of one user wait for each other, and after a refusal none is
sent again, by no check, controller, or later round of `--wait`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from preflight.directory.ldap_errors import SignInFailed, unavailable
from preflight.directory.live.deadline import Deadline

_UNANSWERED_BINDS = 2


@dataclass(slots=True)
class _Turn:
    """What is known of one user's binds in this run."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    refusal: SignInFailed | None = None
    unanswered: int = 0


class BindLedger:
    """Remembers, for all directories of a run, whose sign-in was refused. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: dict[str, _Turn] = {}

    @property
    def refused(self) -> bool:
        """Whether somebody was refused: he won't be signed in any more in this run."""
        with self._lock:
            return any(turn.refusal is not None for turn in self._turns.values())

    @contextmanager
    def turn(self, principal: str, subject: str, deadline: Deadline) -> Iterator[None]:
        """Send this user's bind inside: nobody else's of the same user is under way meanwhile.

        An `invalidCredentials` that is raised inside is raised for everyone who asks later.

        Raises:
            SignInFailed: the user was refused before.
            Unavailable: another's bind of the same user didn't end by the deadline, or binds were not answered.
        """
        with self._lock:
            turn = self._turns.setdefault(principal.casefold(), _Turn())
        if not turn.lock.acquire(timeout=max(deadline.remaining, 0.0)):
            raise unavailable("bind-in-progress", subject)
        try:
            if turn.refusal is not None:
                raise turn.refusal.again()
            if turn.unanswered >= _UNANSWERED_BINDS:
                raise unavailable("bind-outcome-unknown", subject)
            turn.unanswered += 1
            try:
                yield
            except CredentialsRefused as error:
                turn.unanswered = 0
                turn.refusal = error.refusal
                raise error.refusal.again() from None
            except SignInFailed:
                turn.unanswered = 0
                raise
            turn.unanswered = 0
        finally:
            turn.lock.release()


class CredentialsRefused(Exception):
    """The user and password were sent and refused: they must not be sent again."""

    def __init__(self, refusal: SignInFailed) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
