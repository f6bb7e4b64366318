"""An LDAP server that says what a test tells it to, over real sockets: for what a real domain controller never does.

with LdapPeer(certificate=...) as peer:
    peer.on_search = lambda _: [entry("CN=x", cn=[b"x"]), done()]
    peer.port, peer.operations
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass

from preflight.directory.live.search_result import message_end, read_message


def ber(tag, *parts):
    content = b"".join(parts)
    length = len(content)
    head = bytes((length,)) if length < 0x80 else b"\x84" + length.to_bytes(4, "big")
    return bytes((tag,)) + head + content


def octets(value):
    return ber(0x04, value.encode() if isinstance(value, str) else value)


def integer(value, tag=0x02):
    return ber(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def entry(name, **attributes):
    """A SearchResultEntry without the message around it; odd names so: `entry("x", **{"member;range=0-1": [...]})`."""
    described = [ber(0x30, octets(key), ber(0x31, *map(octets, values))) for key, values in attributes.items()]
    return ber(0x64, octets(name), ber(0x30, *described))


def reference(*urls):
    return ber(0x73, *map(octets, urls))


def result(tag, code=0, message="", *, extra=b"", cookie=None):
    """An LDAPResult under the tag; (operation, controls)."""
    operation = ber(tag, integer(code, 0x0A), octets(""), octets(message), extra)
    if cookie is None:
        return operation, b""
    value = ber(0x30, integer(0), octets(cookie))
    return operation, ber(0xA0, ber(0x30, octets("1.2.840.113556.1.4.319"), octets(value)))


def done(code=0, message="", *, cookie=b""):
    return result(0x65, code, message, cookie=cookie)


def bind_result(code=0, message=""):
    return result(0x61, code, message)


ROOT_DSE = {
    "defaultNamingContext": ["DC=corp,DC=contoso,DC=test"],
    "rootDomainNamingContext": ["DC=corp,DC=contoso,DC=test"],
    "configurationNamingContext": ["CN=Configuration,DC=corp,DC=contoso,DC=test"],
    "supportedCapabilities": ["1.2.840.113556.1.4.800"],
    "dnsHostName": ["dc1.corp.contoso.test"],
}


@dataclass
class Request:
    message_id: int
    kind: str
    base: str = ""
    scope: int = 0
    cookie: bytes | None = None
    attributes: tuple = ()
    controls: tuple = ()


class LdapPeer:
    """Serves each connection on a thread of its own.

    Attributes:
        on_bind, on_search, on_extended: a request -> the parts of the answer; a number is a pause in seconds, None
            closes the connection, bytes in a list element of their own go out unframed by `raw(...)`.
        operations: what arrived, in order: "bindRequest", "searchRequest", ...
    """

    def __init__(self, *, context=None, root_dse=None):
        self.on_bind = lambda _: [bind_result()]
        self.on_search = lambda _: [done()]
        self.on_extended = lambda _: [result(0x78, 2, "not offered")]
        self.root_dse = ROOT_DSE if root_dse is None else root_dse
        self.operations = []
        self.requests = []
        self._context = context
        self._closing = threading.Event()
        self._open = set()
        self._lock = threading.Lock()

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def count(self, operation):
        return self.operations.count(operation)

    def _accept(self):
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        try:
            if self._context is not None:
                connection.settimeout(10)
                connection = self._context.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            return
        with self._lock:
            self._open.add(connection)
        try:
            connection.settimeout(60)
            self._talk(connection)
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            with contextlib.suppress(OSError):
                connection.close()

    def _talk(self, connection):
        received = bytearray()
        while not self._closing.is_set():
            end = message_end(received, 0, len(received))
            if end is None or end > len(received):
                data = connection.recv(65536)
                if not data:
                    return
                received += data
                continue
            request = _request(bytes(received[:end]))
            del received[:end]
            with self._lock:
                self.operations.append(request.kind)
                self.requests.append(request)
            if request.kind == "unbindRequest":
                return
            for part in self._answer(request):
                if part is None:
                    return
                if isinstance(part, int | float):
                    if self._closing.wait(part):
                        return
                    continue
                if isinstance(part, raw):
                    for piece in part.pieces:
                        connection.sendall(piece)
                        if part.pause and self._closing.wait(part.pause):
                            return
                    continue
                operation, controls = part if isinstance(part, tuple) else (part, b"")
                connection.sendall(ber(0x30, integer(request.message_id), operation, controls))

    def _answer(self, request):
        if request.kind == "bindRequest":
            return self.on_bind(request)
        if request.kind == "extendedReq":
            return self.on_extended(request)
        if request.base == "" and "tokenGroups" not in request.attributes:
            return [entry("", **self.root_dse), done(cookie=None)]
        return self.on_search(request)


class raw:
    """Bytes as they are, one piece after the other."""

    def __init__(self, *pieces, pause=0.0):
        self.pieces = pieces
        self.pause = pause


_KINDS = {0x60: "bindRequest", 0x42: "unbindRequest", 0x63: "searchRequest", 0x77: "extendedReq"}


def _request(data):
    message = read_message(data, 0, len(data))
    request = Request(message.message_id, _KINDS.get(message.operation, f"operation {message.operation:02x}"))
    controls = [part for _, part in _elements(data[message.stop :])]
    if controls:
        request.controls = tuple(_control(control) for _, control in _elements(controls[0]))
    if request.kind == "searchRequest":
        parts = [part for _, part in _elements(data[message.start : message.stop])]
        request.base = parts[0].decode()
        request.scope = parts[1][0]
        request.attributes = tuple(name.decode() for _, name in _elements(parts[7]))
        for control, _, value in request.controls:
            if control == "1.2.840.113556.1.4.319":
                [(_, content)] = _elements(value)
                request.cookie = list(_elements(content))[1][1]
    return request


def _control(content):
    parts = dict(_elements(content[2 + content[1] :]))
    return content[2 : 2 + content[1]].decode(), parts.get(0x01) == b"\xff", parts.get(0x04, b"")


def _elements(data):
    """The tags and contents of the BER elements that follow each other."""
    position = 0
    while position < len(data):
        tag, length = data[position], data[position + 1]
        position += 2
        if length >= 0x80:
            octets = length & 0x7F
            length = int.from_bytes(data[position : position + octets], "big")
            position += octets
        yield tag, data[position : position + length]
        position += length
