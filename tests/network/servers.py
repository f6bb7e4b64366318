"""Real servers on loopback which answer well, badly, slowly or not at all."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator

from dnslib import AAAA, CNAME, QTYPE, RCODE, RR, SRV, A, DNSRecord

Behaviour = Callable[[socket.socket, threading.Event], None]


class Peer:
    """A TCP server that does to each connection what `behaviour` says, until the test ends."""

    def __init__(self, behaviour: Behaviour, family: socket.AddressFamily = socket.AF_INET) -> None:
        self._behaviour = behaviour
        self._stop = threading.Event()
        self._listener = socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family)
        self._listener.settimeout(0.05)
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.accepted = 0
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.accepted += 1
            thread = threading.Thread(target=self._handle, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _handle(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection, contextlib.suppress(OSError):
            self._behaviour(connection, self._stop)

    def __enter__(self) -> Peer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()
        for thread in self._threads:
            thread.join()


def quiet(connection: socket.socket, stop: threading.Event) -> None:
    """Hold the connection and say nothing."""
    stop.wait(30)


def reset(connection: socket.socket, stop: threading.Event) -> None:
    """Wait for the first bytes, then reset."""
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(connection: socket.socket, stop: threading.Event) -> None:
    """Take what comes, then close in an orderly way."""
    connection.recv(65536)


def says(answer: bytes) -> Behaviour:
    """Send the answer at once, whatever is asked, then wait for the other side to close."""

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(answer)
        with contextlib.suppress(OSError):
            while connection.recv(65536):
                pass

    return behave


def drips(answer: bytes, pause: float) -> Behaviour:
    """A byte, a pause, a byte."""

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        for position in range(len(answer)):
            connection.sendall(answer[position : position + 1])
            if stop.wait(pause):
                return

    return behave


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """A port that answers no connection request: a listener whose backlog is full."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        time.sleep(0.05)
        yield listener.getsockname()[1]


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


Answerer = Callable[[DNSRecord, bool], bytes | None]


class NameServer:
    """A DNS server on UDP and TCP; `answer` gets the query and whether it came by TCP; None = silence."""

    def __init__(self, answer: Answerer, address: str = "127.0.0.1", port: int = 0) -> None:
        self.asked: list[tuple[str, str, bool]] = []
        server = self

        class OverUdp(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, sock = self.request
                reply = server.reply(data, False, answer)
                if reply is not None:
                    sock.sendto(reply, self.client_address)

        class OverTcp(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                (length,) = struct.unpack("!H", self.rfile.read(2))
                reply = server.reply(self.rfile.read(length), True, answer)
                if reply is not None:
                    self.wfile.write(struct.pack("!H", len(reply)) + reply)

        while True:
            self._udp = socketserver.ThreadingUDPServer((address, port), OverUdp)
            try:
                self._tcp = socketserver.ThreadingTCPServer(self._udp.server_address, OverTcp)
                break
            except OSError:  # the number is free for UDP only
                self._udp.server_close()
                if port:
                    raise
        self.port: int = self._udp.server_address[1]
        self.address = f"127.0.0.1:{self.port}"

    def reply(self, data: bytes, tcp: bool, answer: Answerer) -> bytes | None:
        query = DNSRecord.parse(data)
        self.asked.append((str(query.q.qname), QTYPE[query.q.qtype], tcp))
        return answer(query, tcp)

    def __enter__(self) -> NameServer:
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.02,)) for server in (self._udp, self._tcp)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()


def names(records: dict[str, list[str]]) -> Answerer:
    """Answers as a recursive server does: {"a.example": ["CNAME b.example"], "b.example": ["A 192.0.2.1"]}."""
    kinds = {"A": A, "AAAA": AAAA, "CNAME": CNAME}

    def answer(query: DNSRecord, tcp: bool) -> bytes:
        reply = query.reply()
        name, wanted = str(query.q.qname).rstrip(".").lower(), QTYPE[query.q.qtype]
        while True:
            if name not in records:
                reply.header.rcode = RCODE.NXDOMAIN
                break
            alias = None
            for record in records[name]:
                kind, _, value = record.partition(" ")
                if kind == wanted == "SRV":
                    priority, weight, port, target = value.split()
                    data = SRV(int(priority), int(weight), int(port), target)
                    reply.add_answer(RR(name, QTYPE.SRV, rdata=data, ttl=1))
                elif kind in (wanted, "CNAME"):
                    reply.add_answer(RR(name, getattr(QTYPE, kind), rdata=kinds[kind](value), ttl=1))
                    alias = value if kind == "CNAME" else None
            if alias is None:
                break
            name = alias
        return bytes(reply.pack())

    return answer


def refuses(rcode: int) -> Answerer:
    def answer(query: DNSRecord, tcp: bool) -> bytes:
        reply = query.reply()
        reply.header.rcode = rcode
        return bytes(reply.pack())

    return answer
