"""One TCP connection to one address, and why it failed."""

from __future__ import annotations

import errno
import socket

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


def connect(address: str, port: int, seconds: float) -> socket.socket:
    """A connected socket.

    Raises:
        OSError: see `classify`; TimeoutError after `seconds`.
    """
    family, kind, protocol, _, place = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )[0]
    connection = socket.socket(family, kind, protocol)
    try:
        connection.settimeout(max(seconds, 0.001))
        connection.connect(place)
    except BaseException:
        connection.close()
        raise
    return connection


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
