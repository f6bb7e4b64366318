"""The way to a domain controller: TCP, TLS and sealing, each within a deadline and with a named reason."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from preflight.api import Unavailable
from preflight.directory.ldap_errors import unavailable
from preflight.directory.live.deadline import Deadline, Timeouts
from preflight.directory.live.tls_stream import TlsStream

Resolve = Callable[[str], Sequence[str]]
"""The addresses of a host name. Raises Unavailable or OSError; an empty answer means that it doesn't resolve."""


class Sealing(Protocol):
    """Encryption of what is sent after a sign-in that negotiated it (RFC 4752 3, MS-ADTS 5.1.1.1.2)."""

    def seal(self, plain: bytes) -> bytes: ...

    def unseal(self, received: bytes) -> bytes:
        """What can be decrypted so far; b"" when a frame isn't whole yet."""


def system_addresses(host: str) -> Sequence[str]:
    """As the operating system resolves the name, in its order of preference."""
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in answers))


def tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Verifies the certificate and the name, always; TLS 1.2 or later.

    Args:
        ca_file: the only authorities to trust, PEM; None: the system's.

    Raises:
        Unavailable: the file can't be used (code "ca-file").
    """
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise unavailable("ca-file", str(ca_file), str(error)) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 switches on checks of RFC 5280's form that certificates of many AD CS installations don't pass.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


class Transport:
    """A connected socket whose every operation ends by `deadline`, which its user sets anew for each exchange.

    It has the few methods that ldap3 calls on a socket, so a connection of ldap3 works over it.
    """

    def __init__(self, connected: socket.socket, subject: str) -> None:
        self._socket: socket.socket | TlsStream = connected
        self._subject = subject
        self._sealing: Sealing | None = None
        self._unread = b""
        self.deadline = Deadline.after(0.0)

    @property
    def is_tls(self) -> bool:
        return isinstance(self._socket, TlsStream)

    def server_certificate(self) -> bytes | None:
        """The DER bytes; None without TLS."""
        return self._socket.getpeercert() if isinstance(self._socket, TlsStream) else None

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """The TLS handshake, by the deadline.

        Raises:
            Unavailable: with the reason.
        """
        plain = self._socket
        assert isinstance(plain, socket.socket)
        try:
            plain.settimeout(self.deadline.remaining_or_raise())
            self._socket = TlsStream(plain, context, host)  # the time-out bounds the handshake as a whole
        except (OSError, ValueError) as error:
            self.close()
            raise _tls_failure(error, self._subject) from None

    def start_sealing(self, sealing: Sealing) -> None:
        self._sealing = sealing

    def sendall(self, data: bytes) -> None:
        """Raises TimeoutError at the deadline, OSError when the connection is lost."""
        view = memoryview(self._sealing.seal(data) if self._sealing else data)
        while view:
            self._socket.settimeout(self.deadline.remaining_or_raise())
            view = view[self._socket.send(view) :]

    def recv_into(self, room: memoryview) -> int:
        """What has come, as far as there is room, at least one byte; how many, 0 when the peer closed the connection.

        Raises:
            TimeoutError: at the deadline.
            OSError: the connection is lost.
        """
        while not self._unread:
            self._socket.settimeout(self.deadline.remaining_or_raise())
            size = self._socket.recv_into(room)
            if self._sealing is None or not size:
                return size
            self._unread = self._sealing.unseal(bytes(room[:size]))
        size = min(len(room), len(self._unread))
        room[:size], self._unread = self._unread[:size], self._unread[size:]
        return size

    def is_quiet(self) -> bool:
        """Whether nothing came in while nothing was asked for: an idle connection that is heard from is dead."""
        if self._unread:
            return False
        self._socket.settimeout(0)
        try:
            self._socket.recv_into(memoryview(bytearray(1)))
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def shutdown(self, how: int) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(how)

    def close(self) -> None:
        """Close it; a second time does nothing."""
        with contextlib.suppress(OSError):
            self._socket.close()


def connect(host: str, port: int, resolve: Resolve, timeouts: Timeouts) -> Transport:
    """A TCP connection to the first address that answers.

    Raises:
        Unavailable: none does; the reason of each address is given.
    """
    subject = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    addresses = _addresses(host, subject, resolve, Deadline.after(timeouts.connect))
    failures: list[tuple[str, OSError]] = []
    deadline = Deadline.after(timeouts.connect)
    for position, address in enumerate(addresses):
        share = max(deadline.remaining, 0.0) / (len(addresses) - position)
        try:
            return Transport(_connected(address, port, share), subject)
        except OSError as error:
            failures.append((address, error))
    codes = list(dict.fromkeys(_tcp_code(error) for _, error in failures))
    detail = "; ".join(f"{address}: {error.strerror or error}" for address, error in failures)
    raise unavailable(codes[0], subject, detail)


def _addresses(host: str, subject: str, resolve: Resolve, deadline: Deadline) -> Sequence[str]:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return [host]
    try:
        addresses = deadline.call(lambda: resolve(host))
    except Unavailable as error:
        # Not the resolver's own remedy, which is for names on the internet.
        failed = unavailable("name-unresolved", subject)
        raise Unavailable(
            f"{subject}: {error.reason}", code=failed.code, remedy=failed.remedy, evidence=error.evidence
        ) from None
    except (OSError, UnicodeError) as error:
        raise unavailable("name-unresolved", subject, str(error)) from None
    if not addresses:
        raise unavailable("name-unresolved", subject)
    return addresses


def _connected(address: str, port: int, seconds: float) -> socket.socket:
    if seconds <= 0:
        raise TimeoutError("no time was left to try it")
    connection = socket.create_connection((address, port), timeout=seconds)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connection


def _tcp_code(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "tcp-timeout"
    if isinstance(error, ConnectionRefusedError):
        return "tcp-refused"
    if isinstance(error, ConnectionResetError):
        return "tcp-reset"
    if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EPERM, 10051, 10065, 10013):
        return "tcp-unreachable"
    return "tcp-error"


# OpenSSL's X509_V_ERR_* (x509_vfy.h).
_EXPIRED, _NOT_YET_VALID = {10}, {9}
_OTHER_NAME = {62, 64}
_NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
)
_VERSIONS = (
    "UNSUPPORTED_PROTOCOL",
    "PROTOCOL_VERSION",
    "NO_PROTOCOLS_AVAILABLE",
    "HANDSHAKE_FAILURE",
    "NO_SHARED_CIPHER",
)


def _tls_failure(error: OSError | ValueError, subject: str) -> Unavailable:
    if isinstance(error, ssl.SSLCertVerificationError):
        number = getattr(error, "verify_code", 0)
        if number in _EXPIRED:
            return unavailable("tls-expired", subject, error.verify_message)
        if number in _NOT_YET_VALID:
            return unavailable("tls-not-yet-valid", subject, error.verify_message)
        if number in _OTHER_NAME or "mismatch" in str(error).lower():
            return unavailable("tls-name-mismatch", subject, error.verify_message)
        return unavailable("tls-untrusted", subject, error.verify_message)
    if isinstance(error, TimeoutError):
        return unavailable("timed-out", subject, "during the TLS handshake")
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError):
        return unavailable("tls-closed", subject)
    detail = getattr(error, "reason", None) or str(error)
    if any(name in str(detail) for name in _NOT_TLS):
        return unavailable("not-tls", subject, str(detail))
    if any(name in str(detail) for name in _VERSIONS):
        return unavailable("tls-protocol", subject, str(detail))
    return unavailable("tls-error", subject, str(detail))
