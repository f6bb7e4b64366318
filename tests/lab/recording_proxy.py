"""An LDAP proxy that writes down every operation that passes, and breaks what it is told to break.

It stands before a domain controller of the lab, ends TLS with a certificate of its own, and talks TLS to the DC::

    with RecordingProxy(forest.dc) as proxy:
        forest.write_configuration(path, controllers=proxy.controllers, ca_file=str(proxy.ca_file))
        ...                                                    # run the product
        assert {operation.name for operation in proxy.operations} <= {"bindRequest", "searchRequest", "unbindRequest"}
        assert proxy.count("bindRequest") == 1
        proxy.operations[0].dn                                 # ldap_message.Message: dn, filter, oid, mechanism, ...

It listens on the DC's own address, on free ports, so the product's `nameserver = forest.address` leads to it. Several
listeners look like several controllers; `mode="ldap"` is for StartTLS and for SASL with sealing (recorded as "sealed"
once that begins)::

    with RecordingProxy(forest.dc, listeners=4) as proxy:      # proxy.controllers: four ldaps:// URLs, same host
        proxy.listeners[0].refuse()                            # connection refused; .accept() ends it
        proxy.listeners[1].silent = True                       # accepts, then says nothing, not even TLS
        proxy.listeners[2].fault("cut", on="searchRequest", after=2, matching="805306368")
        proxy.fault("result", on="searchRequest", code=4)      # on every listener

A fault befalls the requests named `on` ("" = any) whose base, bind DN, filter or OID contains `matching`, and whose
filter is `filter` where one is given, after leaving the first `after` of them alone (counted over all connections of a
listener), `times` times (default: always):

=========== ===================================================================================================
cut         closes the connection instead of answering
reset       the same with a TCP reset
stall       never answers, this and whatever else comes on this connection; it stays open
delay       answers after `seconds`
garbage     answers with `data`, bytes that are no LDAP
answer      answers at once with result `code` and diagnostic `text`; the DC never sees the request
result      lets the DC answer, entries and all, and puts `code` in place of its result code (e.g. 4 sizeLimitExceeded,
            11 adminLimitExceeded, 51 busy, 8 strongerAuthRequired)
midway      lets the DC answer, and closes the connection after `size` bytes of the answer
=========== ===================================================================================================

A page of a search is a searchRequest of its own: after=2 on a paged search breaks the third page.
"""

from __future__ import annotations

import contextlib
import datetime
import select
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from lab.domain_controller import DomainController
from lab.ldap_message import START_TLS, Malformed, Message, frame_length, parse, response, with_code

GARBAGE = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
TICK = 0.1  # seconds: how soon a thread notices that the proxy closes
SLOWEST = 30.0  # seconds a peer may take over a handshake or a partial record


@dataclass(frozen=True, slots=True)
class Operation(Message):
    """A request that arrived.

    Attributes:
        listener: number of the listener.
        connection: number of the connection, over all listeners.
        tls: whether it came encrypted by TLS.
        at: time.monotonic() of its arrival.
    """

    listener: int = 0
    connection: int = 0
    tls: bool = True
    at: float = 0.0


@dataclass(slots=True)
class Fault:
    """See the module."""

    do: str
    on: str = ""
    after: int = 0
    times: int | None = None
    matching: str = ""
    filter: str = ""
    seconds: float = 0.0
    data: bytes = GARBAGE
    code: int = 0
    text: str = ""
    size: int = 0
    seen: int = field(default=0, init=False)
    lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def befalls(self, message: Message) -> bool:
        if self.on and message.name != self.on:
            return False
        if not any(self.matching in text for text in (message.dn, message.filter, message.oid)):
            return False
        if self.filter and message.filter != self.filter:
            return False
        with self.lock:
            self.seen += 1
            return self.seen > self.after and (self.times is None or self.seen <= self.after + self.times)


FAULTS = ("cut", "reset", "stall", "delay", "garbage", "answer", "result", "midway")


class Listener:
    """One port of the proxy: to a client, one domain controller."""

    def __init__(self, proxy: RecordingProxy, number: int, address: str) -> None:
        self._proxy = proxy
        self._number = number
        self.address = address
        self.silent = False
        self.faults: list[Fault] = []
        self._socket = _listen(address, 0)
        self.port: int = self._socket.getsockname()[1]
        self._refusing = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{'ldaps' if self._proxy.mode == 'ldaps' else 'ldap'}://{self._proxy.host}:{self.port}"

    def fault(self, do: str, **details: object) -> Fault:
        """Add a fault; its attribute `seen` counts the requests that it looked at."""
        if do not in FAULTS:
            raise ValueError(f"no fault {do!r}; there are {', '.join(FAULTS)}")
        fault = Fault(do, **details)  # type: ignore[arg-type]
        self.faults.append(fault)
        return fault

    def refuse(self) -> None:
        """Refuse new connections (ECONNREFUSED); those that are open stay."""
        self._refusing = True
        self._thread.join(10)

    def accept(self) -> None:
        """Accept again, on the same port."""
        if self._refusing:
            self._refusing = False
            self._socket = _listen(self.address, self.port)
            self._thread = threading.Thread(target=self._accept, daemon=True)
            self._thread.start()

    def close(self) -> None:
        self.refuse()

    def _accept(self) -> None:
        with self._socket as listening:
            while not (self._refusing or self._proxy.closing.is_set()):
                readable, _, _ = select.select([listening], [], [], TICK)
                if readable:
                    client, _ = listening.accept()
                    self._proxy.serve(client, self, self._number)


class RecordingProxy:
    """See the module.

    Args:
        dc: the DC behind it.
        listeners: how many.
        mode: "ldaps", or "ldap" (plain, StartTLS offered, to the DC's port 389).
        host: the name in the certificate and in `controllers`; default: the DC's.
        address: where to listen; default: the DC's own address.
        not_after: when the certificate expires; default: not soon.
    """

    def __init__(
        self,
        dc: DomainController,
        *,
        listeners: int = 1,
        mode: str = "ldaps",
        host: str = "",
        address: str = "",
        not_after: datetime.datetime | None = None,
    ) -> None:
        self.mode = mode
        self.host = host or dc.host
        self.closing = threading.Event()
        self._dc = dc
        self._directory = tempfile.TemporaryDirectory(prefix="recording-proxy-")
        self.ca_file = Path(self._directory.name) / "ca.pem"
        self._context = self._make_context(address or dc.address, not_after)
        self._lock = threading.Lock()
        self._operations: list[Operation] = []
        self._connections: list[threading.Thread] = []
        self.listeners = [Listener(self, number, address or dc.address) for number in range(listeners)]

    def __enter__(self) -> RecordingProxy:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection and wait for the threads."""
        self.closing.set()
        for listener in self.listeners:
            listener.close()
        for thread in self._connections:
            thread.join(10)
        self._directory.cleanup()

    @property
    def controllers(self) -> list[str]:
        """For `controllers` in preflight.toml."""
        return [listener.url for listener in self.listeners]

    @property
    def operations(self) -> list[Operation]:
        """All requests so far, in the order of their arrival."""
        with self._lock:
            return list(self._operations)

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return len(self._connections)

    def count(self, name: str, *, listener: int | None = None) -> int:
        return sum(operation.name == name and listener in (None, operation.listener) for operation in self.operations)

    def forget(self) -> None:
        """Begin a new record."""
        with self._lock:
            self._operations.clear()

    def fault(self, do: str, **details: object) -> None:
        """The same fault on every listener, each with a count of its own."""
        for listener in self.listeners:
            listener.fault(do, **details)

    def mend(self) -> None:
        """No more faults, silence or refusals."""
        for listener in self.listeners:
            listener.faults.clear()
            listener.silent = False
            listener.accept()

    # For the listeners

    def serve(self, client: socket.socket, listener: Listener, number: int) -> None:
        connection = _Connection(self, self._dc, self._context, client, listener, number, len(self._connections))
        thread = threading.Thread(target=connection.run, daemon=True)
        self._connections.append(thread)
        thread.start()

    def record(self, operation: Operation) -> None:
        with self._lock:
            self._operations.append(operation)

    def _make_context(self, address: str, not_after: datetime.datetime | None) -> ssl.SSLContext:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(self.host, address, "localhost", not_after=not_after).configure_cert(context)
        return context


class _Closed(Exception):
    """The connection is over."""


class _Connection:
    """One client and the connection to the DC that is opened for it; one thread moves bytes both ways."""

    def __init__(
        self,
        proxy: RecordingProxy,
        dc: DomainController,
        context: ssl.SSLContext,
        client: socket.socket,
        listener: Listener,
        listener_number: int,
        number: int,
    ) -> None:
        self._proxy = proxy
        self._dc = dc
        self._context = context
        self._client = client
        self._listener = listener
        self._listener_number = listener_number
        self._number = number
        self._upstream: socket.socket | None = None
        self._stalled = False
        self._codes: dict[int, int] = {}  # result codes to put into answers, by message id
        self._allowance: int | None = None  # bytes of answers that may still pass

    def run(self) -> None:
        try:
            # A peer that resets, sends rubbish or distrusts the certificate is an everyday thing to a proxy.
            with contextlib.suppress(OSError, _Closed, Malformed):
                self._run()
        finally:
            self._client.close()
            if self._upstream is not None:
                self._upstream.close()

    def _run(self) -> None:
        self._client.settimeout(SLOWEST)
        while self._listener.silent:
            self._wait_or_close()
        self._upstream = socket.create_connection((self._dc.address, 636 if self._tls_first else 389), timeout=SLOWEST)
        if self._tls_first:
            self._client = self._context.wrap_socket(self._client, server_side=True)
            self._upstream = self._wrap_upstream(self._upstream)
        buffers: dict[socket.socket, bytearray] = {}
        while not self._proxy.closing.is_set():
            for peer in self._readable():
                buffer = buffers.setdefault(peer, bytearray())
                data = peer.recv(65536)
                if not data:
                    raise _Closed
                buffer += data
                from_client = peer is self._client
                for frame in _frames(buffer):
                    self._from_client(frame) if from_client else self._from_upstream(frame)

    @property
    def _tls_first(self) -> bool:
        return self._proxy.mode == "ldaps"

    def _readable(self) -> list[socket.socket]:
        peers = [peer for peer in (self._client, self._upstream) if peer is not None]
        pending = [peer for peer in peers if isinstance(peer, ssl.SSLSocket) and peer.pending()]
        return pending or select.select(peers, [], [], TICK)[0]

    def _wait_or_close(self) -> None:
        if self._proxy.closing.wait(TICK):
            raise _Closed

    def _from_client(self, frame: bytes) -> None:
        message = parse(frame)
        fields = {name: getattr(message, name) for name in Message.__slots__}
        tls = isinstance(self._client, ssl.SSLSocket)
        self._proxy.record(
            Operation(
                **fields,
                listener=self._listener_number,
                connection=self._number,
                tls=tls,
                at=time.monotonic(),
            )
        )
        if self._stalled:
            return
        for fault in list(self._listener.faults):
            if fault.befalls(message) and self._suffer(fault, message):
                return
        assert self._upstream is not None
        self._upstream.sendall(frame)
        if message.name == "extendedReq" and message.oid == START_TLS:
            self._start_tls()

    def _suffer(self, fault: Fault, message: Message) -> bool:
        """True: the DC doesn't get the request."""
        match fault.do:
            case "cut":
                raise _Closed
            case "reset":
                _reset_on_close(self._client)
                raise _Closed
            case "stall":
                self._stalled = True
            case "delay":
                end = time.monotonic() + fault.seconds
                while time.monotonic() < end:
                    self._wait_or_close()
                return False
            case "garbage":
                self._client.sendall(fault.data)
            case "answer":
                self._client.sendall(response(message.id, message.name, fault.code, fault.text))
            case "result":
                self._codes[message.id] = fault.code
                return False
            case "midway":
                self._allowance = fault.size
                return False
        return True

    def _from_upstream(self, frame: bytes) -> None:
        if self._stalled:
            return
        if self._codes and frame[:1] == b"\x30":
            answer = parse(frame)
            if answer.code is not None and answer.id in self._codes:
                frame = with_code(frame, self._codes.pop(answer.id))
        if self._allowance is not None:
            frame, self._allowance = frame[: self._allowance], self._allowance - len(frame)
        self._client.sendall(frame)
        if self._allowance is not None and self._allowance <= 0:
            raise _Closed

    def _start_tls(self) -> None:
        """Both sides, once the DC has agreed."""
        assert self._upstream is not None
        answer = bytearray()
        while frame_length(answer) is None or len(answer) < frame_length(answer):
            data = self._upstream.recv(4096)
            if not data:
                raise _Closed
            answer += data
        self._client.sendall(answer)
        if parse(bytes(answer)).code == 0:
            self._client = self._context.wrap_socket(self._client, server_side=True)
            self._upstream = self._wrap_upstream(self._upstream)

    def _wrap_upstream(self, plain: socket.socket) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self._dc.ca_file))
        return context.wrap_socket(plain, server_hostname=self._dc.host)


def _frames(buffer: bytearray) -> Iterator[bytes]:
    while (length := frame_length(buffer)) is not None and len(buffer) >= length:
        frame = bytes(buffer[:length])
        del buffer[:length]
        yield frame


def _listen(address: str, port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((address, port))
    listening.listen(64)
    return listening


def _reset_on_close(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
