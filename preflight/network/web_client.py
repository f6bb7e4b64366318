"""HTTP requests by the library requests, over connections that the dialer has made and verified.

The dialer knows the way (addresses, proxy and its sign-in, certificates) and tells each failure by name; the library
speaks HTTP on the open connection and never opens one of its own.
"""

from __future__ import annotations

import base64
import os
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from socket import IPPROTO_TCP, SHUT_RDWR, TCP_NODELAY, socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from preflight.network.block_page import LONGEST_PAGE, date_of, judged
from preflight.network.dialer import SocketDialer
from preflight.network.idle import Held, hold, waits
from preflight.network.model import Endpoint, Probe, Reach
from preflight.network.together import all_at_once
from preflight.network.web import WEB_REASONS, Answer, not_connected
from preflight.network.websocket import RELAY_PATH, handshake_headers, judged_upgrade
from preflight.version import __version__

AGENT = f"writeback-preflight/{__version__}"

_TOLD = ("server", "via", "location", "content-type", "date", "age", "upgrade", "connection", "sec-websocket-accept")
_TOLD_LENGTH = 300
_TEXT_LENGTH = 500


class SocketWeb:
    """A `Web` on real sockets.

    Args:
        timeout: seconds for an answer, from the request to the last byte that is read of it.
    """

    def __init__(self, dialer: SocketDialer, *, timeout: float = 5.0) -> None:
        self._dialer = dialer
        self._timeout = timeout

    def ask(self, reach: Reach) -> Answer:
        return self._request(reach, "/", {})

    def upgrade(self, reach: Reach) -> Answer:
        key = base64.b64encode(os.urandom(16)).decode("ascii")
        return self._request(reach, RELAY_PATH, handshake_headers(key), key)

    def hold(self, reach: Reach, seconds: float, stop: threading.Event) -> tuple[Held, ...]:
        tasks = {wanted: self._holding(reach, wanted, stop) for wanted in waits(seconds)}
        ended = all_at_once(tasks, seconds + 4 * self._timeout)
        return tuple(
            ended.get(wanted) or Held(wanted, "interrupted", 0.0, "it did not end in time") for wanted in tasks
        )

    def _holding(self, reach: Reach, wanted: float, stop: threading.Event) -> Any:
        def run() -> Held:
            probe, connection = self._open(reach)
            if connection is None:
                return Held(wanted, probe.code, 0.0, probe.message)
            request = f"HEAD / HTTP/1.1\r\nHost: {_host(reach.endpoint)}\r\nUser-Agent: {AGENT}\r\n\r\n"
            with connection:
                code, survived, message = hold(connection, wanted, request.encode("ascii"), self._timeout, stop)
            return Held(wanted, code, survived, message, probe.source, probe.hops[0].peer)

        return run

    def _open(self, reach: Reach) -> tuple[Probe, socket | None]:
        probe, connection = self._dialer.open(reach.endpoint, reach.furthest.address)
        if connection is not None:
            # Else the request waits for the receipt of the handshake's last word, 40 ms on Linux, 200 on Windows.
            connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        return probe, connection

    def _request(self, reach: Reach, path: str, headers: Mapping[str, str], key: str = "") -> Answer:
        if not reach.connected:
            return not_connected(reach)
        probe, connection = self._open(reach)
        if connection is None:
            return Answer(reach.endpoint, probe.via, probe.code, probe.message)
        with _Within(connection, self._timeout) as limit, connection:
            return _answer(reach.endpoint, probe.via, connection, path, headers, key, limit)


class _Within:
    """Cuts a connection off when its time is over, however its bytes drip."""

    def __init__(self, connection: socket, seconds: float) -> None:
        self.seconds = seconds
        self.over = False
        self._connection = connection
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Within:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _cut(self) -> None:
        self.over = True
        try:
            # Of the socket below TLS: the TLS object belongs to the thread that reads.
            socket.shutdown(self._connection, SHUT_RDWR)
        except OSError:
            return


class _OpenConnection(HTTPSConnection):
    """A connection of the library's that was opened by somebody else."""

    opened: socket

    def connect(self) -> None:
        self.sock = self.opened
        self.is_verified = True  # by the dialer, which refuses any other


class _OnOpenConnection(HTTPAdapter):
    """Sends requests over that one connection."""

    def __init__(self, connection: socket) -> None:
        super().__init__(max_retries=0)
        self._connection = connection

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> Any:
        connection = self._connection

        class Connection(_OpenConnection):
            opened = connection

        class Pool(HTTPSConnectionPool):
            ConnectionCls = Connection

        return Pool("opened.invalid", maxsize=1, retries=False)


def _answer(
    endpoint: Endpoint,
    via: str,
    connection: socket,
    path: str,
    headers: Mapping[str, str],
    key: str,
    limit: _Within,
) -> Answer:
    until = time.monotonic() + limit.seconds
    sent = datetime.now(UTC)
    with requests.Session() as session:
        session.trust_env = False
        session.headers.clear()
        session.mount("https://", _OnOpenConnection(connection))
        given = {
            "Host": _host(endpoint),
            "User-Agent": AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            **headers,
        }
        try:
            response = session.get(
                f"https://{_host(endpoint)}{path}",
                headers=given,
                timeout=limit.seconds,
                stream=True,
                allow_redirects=False,
            )
            received = datetime.now(UTC)
            if limit.over:  # the library takes a header that was cut off for a whole one
                raise requests.Timeout
            page = b"" if response.status_code == 101 else _page(response, until)
        except (requests.RequestException, ValueError, OSError) as error:
            code = "http-timeout" if limit.over or isinstance(error, requests.Timeout) else _what_broke(error)
            return Answer(endpoint, via, code, f"{endpoint.host}: {WEB_REASONS[code].meaning}")
        finally:
            connection.close()
        return _seen(endpoint, via, response, page, key, sent, received)


def _seen(
    endpoint: Endpoint,
    via: str,
    response: requests.Response,
    page: bytes,
    key: str,
    sent: datetime,
    received: datetime,
) -> Answer:
    headers = {name.lower(): value[:LONGEST_PAGE] for name, value in response.headers.items()}
    code, message, text = judged(endpoint, response.status_code, headers, page, headers.get("content-type", ""))
    if key and code == "ok":
        code, message = judged_upgrade(endpoint, response.status_code, headers, text, key)
    return Answer(
        endpoint=endpoint,
        via=via,
        code=code,
        message=message,
        status=response.status_code,
        headers={name: _printable(headers[name]) for name in _TOLD if name in headers},
        page=text[:_TEXT_LENGTH],
        date=date_of(headers),
        sent=sent,
        received=received,
    )


def _page(response: requests.Response, until: float) -> bytes:
    """The beginning of the page; a page that breaks off was an answer all the same."""
    page = b""
    try:
        while len(page) < LONGEST_PAGE and time.monotonic() < until:
            read = response.raw.read(min(4096, LONGEST_PAGE - len(page)))
            if not read:
                break
            page += read
    except Exception:  # noqa: BLE001, S110 - the header was there; what broke is the page only
        pass
    return page


def _what_broke(error: Exception) -> str:
    """Closed without a word, or with words that are not HTTP. The library wraps the first cause more than once."""
    seen: list[BaseException] = [error]
    for cause in seen:
        if isinstance(cause, ConnectionError | TimeoutError):
            return "http-closed"
        inner = [*cause.args, cause.__cause__, cause.__context__, getattr(cause, "reason", None)]
        seen += [each for each in inner if isinstance(each, BaseException) and each not in seen]
        if len(seen) > 20:
            break
    return "http-garbage"


def _host(endpoint: Endpoint) -> str:
    return str(endpoint) if endpoint.port != 443 else str(endpoint).rpartition(":")[0]


def _printable(value: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in value)[:_TOLD_LENGTH]
