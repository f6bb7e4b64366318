"""A connection that is left idle and then used: whether something on the way has forgotten it or cut it off."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socket import socket

NEEDED = 360.0
"""Seconds that firewall and proxy must leave an idle connection alone (domain.md section 2)."""

DEFAULT_IDLE = 400.0
LONGEST_IDLE = 3600.0

ALIVE = "alive"

IDLE_CODES: Mapping[str, str] = MappingProxyType(
    {
        "cut-reset": "an idle connection was reset: a firewall or proxy cut it off and said so",
        "cut-silently": "an idle connection seemed open, but nothing came back on it: a firewall has forgotten it",
        "cut-closed": "an idle connection was closed without TLS's own goodbye: by a proxy or firewall on the way",
        "service-closed": "the service itself ended the idle connection, so nothing was seen of firewalls and proxies",
    }
)
"""What became of a connection that is not alive."""

_STEPS = (60.0, 120.0, 240.0, NEEDED + 5)
_SLICE = 0.25
_CUT = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)


@dataclass(frozen=True, slots=True)
class Held:
    """One connection and what became of it.

    Attributes:
        wanted: seconds that it was to be idle.
        code: "alive", a code of `IDLE_CODES`, a code of `REASONS` where it could not be made, or "interrupted".
        survived: seconds for which it is known to have been good. 0 where its end showed only when it was used.
        message: one sentence on what went wrong; "" if alive.
        source: the local address and port, for whoever reads a firewall's log.
        destination: the address and port that it was connected to.
    """

    wanted: float
    code: str
    survived: float = 0.0
    message: str = ""
    source: str = ""
    destination: str = ""

    @property
    def cut(self) -> bool:
        """Something on the way cut it."""
        return self.code.startswith("cut-")


def waits(seconds: float) -> tuple[float, ...]:
    """How long the connections that are held side by side are idle: the longest as asked, shorter ones to find out
    where a firewall's limit lies."""
    return (*(step for step in _STEPS if step < seconds - 1), seconds)


def longest_survived(held: Sequence[Held]) -> float:
    """Seconds for which one of them is known to have been good; 0 for none."""
    return max((each.survived for each in held), default=0.0)


def hold(
    connection: socket, wanted: float, request: bytes, seconds: float, stop: threading.Event
) -> tuple[str, float, str]:
    """Leave the connection alone, then send the request: code, seconds survived and message of a `Held`.

    Args:
        seconds: from the request until its answer has to begin.
    """
    import ssl

    if isinstance(connection, ssl.SSLSocket):
        # Tells TLS's goodbye from a connection that was merely closed.
        connection.suppress_ragged_eofs = False  # type: ignore[attr-defined]  # unknown to typeshed
    started = time.monotonic()
    until = started + wanted
    while (left := until - time.monotonic()) > 0:
        if stop.is_set():
            return "interrupted", 0.0, "the run was ended before"
        try:
            connection.settimeout(min(_SLICE, left))
            _peek(connection)
            connection.setblocking(False)  # what came may be TLS's own business, with nothing to read in it
            if not connection.recv(1):
                after = time.monotonic() - started
                return "service-closed", after, f"the other side of TLS said goodbye after {after:.0f} s"
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
            continue
        except OSError as error:
            code, how = _end(error)
            after = time.monotonic() - started
            return code, after, f"the connection was {how} after {after:.0f} s of idleness"
    return _use(connection, wanted, request, seconds)


def _use(connection: socket, idle: float, request: bytes, seconds: float) -> tuple[str, float, str]:
    try:
        connection.settimeout(seconds)
        connection.sendall(request)
        _peek(connection)
        connection.recv(1)  # a word, or TLS's goodbye: either came all the way
    except TimeoutError:
        return "cut-silently", 0.0, f"after {idle:.0f} s of idleness a request stayed without answer for {seconds:g} s"
    except OSError as error:
        code, how = _end(error)
        return code, 0.0, f"the connection was {how} when it was used after {idle:.0f} s of idleness"
    return ALIVE, idle, ""


def _peek(connection: socket) -> None:
    """Wait for something to read, and let a reset be seen as one: through TLS it looks like a mere end (Python's
    SSL_read_ex).

    Raises:
        OSError: the connection was reset, or nothing came in time.
    """
    import socket

    socket.socket.recv(connection, 1, socket.MSG_PEEK)


def _end(error: OSError) -> tuple[str, str]:
    return ("cut-reset", "reset") if isinstance(error, _CUT) else ("cut-closed", "closed")
