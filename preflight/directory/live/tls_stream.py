"""TLS over a connected socket, through memory.

A domain controller sends a page of a search in thousands of records. `ssl.SSLSocket` fetches each with two system calls
of its own; here the system is asked for as much as there is, and all whole records in it are decrypted at once.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable

_READ_SIZE = 256 * 1024


class TlsStream:
    """Has the methods of a socket that a connection needs. A time-out is for the whole of one call.

    Raises:
        OSError, ssl.SSLError: the handshake failed; the socket is its caller's to close.
    """

    def __init__(self, connected: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._socket = connected
        self._timeout = connected.gettimeout()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._encrypted = memoryview(bytearray(_READ_SIZE))
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._shake_hands()

    def settimeout(self, seconds: float | None) -> None:
        self._timeout = seconds

    def getpeercert(self) -> bytes | None:
        """The DER bytes of the server's certificate."""
        return self._tls.getpeercert(binary_form=True)

    def send(self, data: bytes | memoryview) -> int:
        """How much of it was sent."""
        written = self._tls.write(data)
        self._flush(self._deadline())
        return written

    def recv_into(self, room: memoryview) -> int:
        """All that is there, as far as there is room for it, at least one byte; how many, 0 when the peer closed the
        connection."""
        deadline = self._deadline()
        read: Callable[[int, memoryview], int] = self._tls.read  # type: ignore[assignment]  # as it is with a buffer
        size, received = len(room), 0
        while received < size:
            try:
                length = read(size, room[received:])  # one record at most comes at a time
            except ssl.SSLWantReadError:
                if received:
                    break
                self._fill(deadline)
                continue
            except ssl.SSLEOFError:
                break  # closed without saying goodbye, as many servers do
            except ssl.SSLError:
                if received:
                    break  # the next call meets it again
                raise
            if not length:
                break
            received += length
        return received

    def shutdown(self, how: int) -> None:
        self._socket.shutdown(how)

    def close(self) -> None:
        self._socket.close()

    def _shake_hands(self) -> None:
        deadline = self._deadline()
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush(deadline)
                self._fill(deadline)
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self._flush(deadline)  # the alert that tells the server why
                raise
            else:
                self._flush(deadline)
                return

    def _fill(self, deadline: float | None) -> None:
        self._flush(deadline)  # answers to what the server asked meanwhile, such as new keys
        self._bound(deadline)
        size = self._socket.recv_into(self._encrypted)
        if size:
            self._incoming.write(self._encrypted[:size])
        else:
            self._incoming.write_eof()

    def _flush(self, deadline: float | None) -> None:
        if self._outgoing.pending:
            self._bound(deadline)
            self._socket.sendall(self._outgoing.read())

    def _deadline(self) -> float | None:
        return None if self._timeout is None else time.monotonic() + self._timeout

    def _bound(self, deadline: float | None) -> None:
        """
        Raises:
            TimeoutError: the time is over, though not where no time was given to begin with.
        """
        if deadline is None or not self._timeout:
            self._socket.settimeout(self._timeout)
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left)
