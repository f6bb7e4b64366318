"""TCP connections, many side by side in one thread, and why they failed."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass

# Winsock's own numbers, where Python's errno doesn't already stand for them.
_WSAEACCES, _WSAEADDRINUSE, _WSAENOBUFS = 10013, 10048, 10055

_REFUSED = {errno.ECONNREFUSED, 10061}
_RESET = {errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE, 10053, 10054}
_TIMED_OUT = {errno.ETIMEDOUT, 10060}
_DENIED = {errno.EACCES, errno.EPERM, _WSAEACCES}
# EINVAL is what Linux says for a blackhole route.
_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EINVAL, 10050, 10051, 10064, 10065}
_NO_FAMILY = {errno.EAFNOSUPPORT, 10047}
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EADDRINUSE, _WSAEADDRINUSE, _WSAENOBUFS, 10024}
_NO_LOCAL_ADDRESS = {errno.EADDRNOTAVAIL, 10049}


MOST_AT_ONCE = 400
"""Connections under way side by side; Windows watches no more than 512 sockets at once."""

_STARTED = {errno.EINPROGRESS, errno.EWOULDBLOCK, 10035}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One connection that was tried.

    Attributes:
        index: its place in the list of what was to be connected to.
        connection: non-blocking, and the receiver's to close; None: see `error`.
        error: see `classify`; TimeoutError where nothing came.
        started: on time.monotonic's clock.
    """

    index: int
    connection: socket.socket | None
    error: OSError | None
    started: float


def connect(address: str, port: int, seconds: float) -> socket.socket:
    """A connected socket.

    Raises:
        OSError: see `classify`; TimeoutError after `seconds`.
    """
    (attempt,) = connect_each([(address, port)], seconds)
    if attempt.connection is None:
        raise attempt.error or OSError(errno.EIO, "no connection")
    return attempt.connection


def connect_each(places: Sequence[tuple[str, int]], seconds: float) -> Generator[Attempt, None, None]:
    """Connect to every address and port at once, and yield each as soon as its outcome is known.

    All in the caller's thread. Each has `seconds` from its own start. Abandoning the iterator closes what is pending.
    """
    waiting = deque(enumerate(places))
    pending: dict[socket.socket, tuple[int, float]] = {}
    try:
        selector = selectors.DefaultSelector()
    except OSError as error:  # no file descriptor left
        now = time.monotonic()
        yield from (Attempt(index, None, error, now) for index, _ in waiting)
        return
    with selector:
        try:
            while waiting or pending:
                while waiting and len(pending) < MOST_AT_ONCE:
                    index, (address, port) = waiting.popleft()
                    started = time.monotonic()
                    try:
                        connection, done = _begin(address, port)
                    except OSError as error:
                        yield Attempt(index, None, error, started)
                        continue
                    if done:
                        yield Attempt(index, connection, None, started)
                        continue
                    pending[connection] = index, started
                    selector.register(connection, selectors.EVENT_WRITE)
                if not pending:
                    continue
                # Started in order, so the first is the first to run out of time.
                until = next(iter(pending.values()))[1] + seconds
                for key, _ in selector.select(max(0.0, until - time.monotonic())):
                    connection = key.fileobj  # type: ignore[assignment]  # what was registered above
                    selector.unregister(connection)
                    index, started = pending.pop(connection)
                    yield _ended(connection, index, started)
                now = time.monotonic()
                for connection, (index, started) in list(pending.items()):
                    if now < started + seconds:
                        break
                    selector.unregister(connection)
                    del pending[connection]
                    connection.close()
                    yield Attempt(index, None, TimeoutError(errno.ETIMEDOUT, "timed out"), started)
        finally:
            for connection in pending:
                connection.close()


def _begin(address: str, port: int) -> tuple[socket.socket, bool]:
    """A socket that is connecting, and whether it already is connected."""
    family, kind, protocol, _, place = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )[0]
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        number = connection.connect_ex(place)
        if number and number not in _STARTED:
            raise OSError(number, _explained(number))
    except BaseException:
        connection.close()
        raise
    return connection, number == 0


def _ended(connection: socket.socket, index: int, started: float) -> Attempt:
    number = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number == 0:
        return Attempt(index, connection, None, started)
    connection.close()
    return Attempt(index, None, OSError(number, _explained(number)), started)


def _explained(number: int) -> str:
    """What the operating system calls the error; Windows keeps those of sockets in a table of their own."""
    table: dict[int, str] = getattr(socket, "errorTab", {})
    return table.get(number) or os.strerror(number)


def classify(error: OSError, address: str, place: str, seconds: float) -> tuple[str, str]:
    """Code of `REASONS` and message for a connection to `place` that failed."""
    number = error.errno
    if isinstance(error, TimeoutError) or number in _TIMED_OUT:
        return "tcp-timeout", f"no answer from {place} within {seconds:g} s"
    if number in _REFUSED:
        return "tcp-refused", f"{place} refused the connection"
    if number in _RESET:
        return "tcp-reset", f"the connection to {place} was reset"
    if number in _DENIED:
        return "tcp-denied", f"this machine does not allow the connection to {place}"
    if number in _NO_FAMILY or (number in _NO_LOCAL_ADDRESS and ":" in address):
        return "tcp-unreachable", f"this machine has no address of its own to reach {place} from (IPv6 switched off?)"
    if number in _UNREACHABLE:
        return "tcp-unreachable", f"no route to {place}: {error.strerror}"
    if number in _EXHAUSTED or number in _NO_LOCAL_ADDRESS:
        return "tcp-exhausted", f"no local port or socket left for {place}: {error.strerror}"
    return "tcp-error", f"no connection to {place}: {error.strerror or error}"
