"""A few connections to one domain controller, each used by one thread at a time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from preflight.directory.ldap_errors import unavailable
from preflight.directory.live.connection import LdapConnection
from preflight.directory.live.deadline import Deadline


class ConnectionPool:
    """Lends connections; broken ones are dropped, new ones opened up to the limit.

    Args:
        open: a connection, signed in.
        wait: seconds that a borrower waits for others to give one back.
        current: whether a connection leads to the controller in use; others are dropped when they come back.
    """

    def __init__(
        self,
        open: Callable[[], LdapConnection],
        subject: str,
        *,
        limit: int = 4,
        wait: float,
        current: Callable[[LdapConnection], bool] = lambda _: True,
    ) -> None:
        self._open = open
        self._current = current
        self._subject = subject
        self._limit = limit
        self._wait = wait
        self._changed = threading.Condition()
        self._idle: list[LdapConnection] = []
        self._lent: set[LdapConnection] = set()
        self._opening = 0
        self._closed = False

    @contextmanager
    def borrow(self) -> Iterator[LdapConnection]:
        """A connection for the block.

        Raises:
            Unavailable: none could be opened, or all were in use for too long.
        """
        connection = self._take()
        try:
            yield connection
        finally:
            self._give_back(connection)

    def add(self, connection: LdapConnection) -> None:
        """Lend this one, too: it is open and signed in."""
        self._give_back(connection)

    def close(self) -> None:
        """Unbind the idle connections; lent ones are cut off, and closed by who borrowed them."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            for connection in self._lent:
                connection.transport.shutdown(socket.SHUT_RDWR)
            self._changed.notify_all()
        for connection in idle:
            connection.unbind()

    def _take(self) -> LdapConnection:
        deadline = Deadline.after(self._wait)
        with self._changed:
            while True:
                if self._closed:
                    raise unavailable("closed", self._subject)
                while self._idle:
                    connection = self._idle.pop()
                    if connection.is_reusable and self._current(connection):
                        self._lent.add(connection)
                        return connection
                    connection.close()
                if len(self._lent) + self._opening < self._limit:
                    self._opening += 1
                    break
                if not self._changed.wait(max(deadline.remaining, 0.0)) and deadline.remaining <= 0:
                    raise unavailable("timed-out", self._subject, "all connections are in use")
        opened: LdapConnection | None = None
        try:
            opened = self._open()
        finally:
            with self._changed:
                self._opening -= 1
                if opened is not None:
                    self._lent.add(opened)
                self._changed.notify()
                closed = self._closed
        if closed:
            self._give_back(opened)
            raise unavailable("closed", self._subject)
        return opened

    def _give_back(self, connection: LdapConnection) -> None:
        reusable = connection.is_reusable and self._current(connection)
        with self._changed:
            self._lent.discard(connection)
            keep = reusable and not self._closed
            if keep:
                self._idle.append(connection)
            self._changed.notify()
        if not keep:
            connection.close()
