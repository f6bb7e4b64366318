"""Web servers, and proxies that look into TLS, on loopback: each says what the test gives it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

from network.conftest import encrypted
from network.servers import Behaviour

from preflight.network.websocket import accepted


def request_of(connection: socket.socket) -> bytes:
    """The header of a request."""
    request = b""
    while not request.endswith(b"\r\n\r\n") and (byte := connection.recv(1)):
        request += byte
    return request


def page(status: str, body: str = "", *headers: str, kind: str = "text/html") -> bytes:
    content = body.encode()
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(content)}", *headers, "", ""]
    return "\r\n".join(head).encode() + content


def answers(context: ssl.SSLContext, *parts: bytes, log: list[bytes] | None = None) -> Behaviour:
    """Over TLS: reads a request, says the parts, then waits for the other side to close."""

    def speak(connection: ssl.SSLSocket) -> None:
        request = request_of(connection)
        if log is not None and request:
            log.append(request)
        for part in parts:
            connection.sendall(part)
        with contextlib.suppress(OSError):
            while connection.recv(65536):
                pass

    return encrypted(context, speak)


def relay(context: ssl.SSLContext, refusal: bytes | None = None) -> Behaviour:
    """Takes WebSockets as a relay does; 426 where none is asked for; `refusal`: its answer to those who ask."""

    def speak(connection: ssl.SSLSocket) -> None:
        lines = request_of(connection).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        key = next((line.split(": ")[1] for line in lines if line.lower().startswith("sec-websocket-key")), "")
        if headers.get("upgrade") != "websocket" or "upgrade" not in headers.get("connection", ""):
            connection.sendall(page("426 Upgrade Required", "", "Upgrade: websocket"))
        elif refusal is not None:
            connection.sendall(refusal)
        else:
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + f"Sec-WebSocket-Accept: {accepted(key)}\r\n\r\n".encode()
            )
        with contextlib.suppress(OSError):
            connection.recv(1)

    return encrypted(context, speak)


def inspecting(
    own: ssl.SSLContext, onward: ssl.SSLContext, port: int, strip: tuple[str, ...] = ("upgrade",)
) -> Behaviour:
    """A gateway that ends TLS with a certificate of its own, and takes headers away before it passes a request on."""

    def speak(connection: ssl.SSLSocket) -> None:
        lines = request_of(connection).decode().split("\r\n")
        kept = [line for line in lines if line.partition(":")[0].lower() not in strip]
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            onward.wrap_socket(plain, server_hostname="127.0.0.1") as service,
        ):
            service.sendall("\r\n".join(kept).encode())
            while data := service.recv(65536):
                connection.sendall(data)
                if b"\r\n\r\n" in data:
                    break

    return encrypted(own, speak)


def drips_over_tls(context: ssl.SSLContext, answer: bytes, pause: float, stop: threading.Event) -> Behaviour:
    def speak(connection: ssl.SSLSocket) -> None:
        request_of(connection)
        for position in range(len(answer)):
            connection.sendall(answer[position : position + 1])
            if stop.wait(pause):
                return

    return encrypted(context, speak)
