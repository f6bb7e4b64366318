"""Connections: each address of each name, directly or through a proxy, with or without TLS.

No Happy Eyeballs: one address that answers must not hide another that doesn't.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from functools import cached_property
from pathlib import Path
from socket import socket
from ssl import SSLContext

from preflight.network.endpoint import is_address
from preflight.network.model import Endpoint, Hop, Probe, Reach, Resolution, TlsFacts
from preflight.network.port import Resolver
from preflight.network.proxy import Proxy, ask_to_connect
from preflight.network.reasons import OK
from preflight.network.tcp import classify, connect
from preflight.network.tls import describe, looking_context, shake_hands, verifying_context
from preflight.network.together import all_at_once

MOST_ADDRESSES = 32
"""Addresses of one name that are tried; more is no relay's and no domain controller's, and is noted."""

GRACE = 1.0
"""Seconds over its time-outs after which a probe is given up that ended by none of them."""


class SocketDialer:
    """A `Dialer` on real sockets.

    Args:
        resolver: for the names of endpoints reached directly, and of proxies.
        timeout: seconds for one probe: connection, proxy and TLS together. Its name resolution comes before.
        proxy: for all endpoints, or a function of the endpoint (the environment exempts some); None: direct.
        ca_file: verify TLS against these certificates alone, not the system's trust store.

    Raises:
        ValueError: the file holds no certificates.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        timeout: float = 5.0,
        proxy: Proxy | Callable[[Endpoint], Proxy | None] | None = None,
        ca_file: Path | None = None,
    ) -> None:
        self._resolver = resolver
        self._timeout = timeout
        self._proxy = proxy
        self._ca_file = ca_file
        if ca_file is not None:
            _ = self._verifying

    @property
    def origin(self) -> str:
        if self._proxy is None:
            return "direct"
        return f"proxy {self._proxy}" if isinstance(self._proxy, Proxy) else "direct or by the environment's proxy"

    def proxy_for(self, endpoint: Endpoint) -> str | None:
        proxy = self._route(endpoint)
        return None if proxy is None else str(proxy)

    def reach(self, endpoint: Endpoint, *, tls: bool = False) -> Reach:
        return self.reach_all([endpoint], tls=tls)[endpoint]

    def reach_all(self, endpoints: Collection[Endpoint], *, tls: bool = False) -> Mapping[Endpoint, Reach]:
        if tls:
            _ = self._verifying  # made once, before many threads want it
        routes = {endpoint: self._route(endpoint) for endpoint in endpoints}
        names = {(proxy.endpoint if proxy else endpoint).host for endpoint, proxy in routes.items()}
        resolutions = {name: self._resolve_soon(name) for name in names}

        def task(endpoint: Endpoint, proxy: Proxy | None) -> Callable[[], Reach]:
            resolution = resolutions[(proxy.endpoint if proxy else endpoint).host]
            return lambda: self._reach(endpoint, proxy, resolution, tls)

        tasks = {endpoint: task(endpoint, proxy) for endpoint, proxy in routes.items()}
        reached = all_at_once(tasks, 2 * self._timeout + 3 * GRACE)
        return {endpoint: reached.get(endpoint) or self._given_up(endpoint) for endpoint in routes}

    def open(self, endpoint: Endpoint, address: str, *, tls: bool = True) -> tuple[Probe, socket | None]:
        """One connection that stays open, with TLS verified: whoever asked closes it. None: the probe says why.

        Args:
            address: of the endpoint, or of the proxy that leads to it, as an earlier probe found it.
        """
        way = _Way(endpoint, address, self._route(endpoint), self._timeout)
        try:
            facts = self._encrypt(way) if way.open() and tls else None
            probe = way.probe(facts)
            return probe, way.release() if probe.connected else None
        finally:
            way.close()

    @cached_property
    def _verifying(self) -> SSLContext:
        return verifying_context(self._ca_file)

    @cached_property
    def _looking(self) -> SSLContext:
        return looking_context()

    def _route(self, endpoint: Endpoint) -> Proxy | None:
        return self._proxy(endpoint) if callable(self._proxy) else self._proxy

    def _resolve_soon(self, name: str) -> Future[Resolution]:
        """One question for each name, however many ports it has."""
        future: Future[Resolution] = Future()
        if is_address(name):
            future.set_result(Resolution(name, OK, (name,), via="literal"))
            return future

        def run() -> None:
            try:
                future.set_result(self._resolver.resolve(name))
            except Exception as error:  # noqa: BLE001  (raised again where the result is asked for)
                future.set_exception(error)

        threading.Thread(target=run, name=f"resolve {name}", daemon=True).start()
        return future

    def _reach(self, endpoint: Endpoint, proxy: Proxy | None, asked: Future[Resolution], tls: bool) -> Reach:
        name = (proxy.endpoint if proxy else endpoint).host
        try:
            resolution = asked.result(self._timeout + GRACE)
        except TimeoutError:
            resolution = Resolution(name, "dns-timeout", message=f"no DNS answer for {name} in time")
        own = resolution if proxy is None else None
        if not resolution.resolved:
            return Reach(endpoint, (_unresolved(endpoint, proxy, resolution),), own)
        addresses = tuple(dict.fromkeys(resolution.connectable))
        tasks: dict[str, Callable[[], Probe]] = {
            address: lambda address=address: self._probe(endpoint, address, proxy, tls)  # type: ignore[misc]
            for address in addresses[:MOST_ADDRESSES]
        }
        if len(tasks) == 1:  # the usual case needs no further thread
            probes = {address: task() for address, task in tasks.items()}
        else:
            probes = all_at_once(tasks, self._timeout + GRACE)
        left_out = len(addresses) - len(tasks)
        return Reach(
            endpoint,
            tuple(probes.get(address) or self._given_up(endpoint, address).probes[0] for address in tasks),
            own,
            f"{left_out} of its {len(addresses)} addresses were not tried" if left_out else "",
        )

    def _probe(self, endpoint: Endpoint, address: str, proxy: Proxy | None, tls: bool) -> Probe:
        way = _Way(endpoint, address, proxy, self._timeout)
        facts = None
        try:
            if way.open() and tls:
                facts = self._encrypt(way)
            return way.probe(facts)
        finally:
            way.close()

    def _encrypt(self, way: _Way) -> TlsFacts | None:
        started = time.monotonic()
        assert way.connection is not None
        host = way.endpoint.host
        way.connection, shaken = shake_hands(way.connection, host, self._verifying, way.left())
        if shaken.untrusted:
            facts = self._look(way)
            if facts is not None:
                shaken = describe(host, shaken, facts)
        way.add("tls", str(way.endpoint), shaken.code, started, shaken.message)
        return shaken.facts

    def _look(self, way: _Way) -> TlsFacts | None:
        """The certificate that failed verification, by a second connection in the time that is left; None: not seen."""
        way.close()
        again = _Way(way.endpoint, way.address, way.proxy, way.left())
        try:
            if not again.open() or again.connection is None:
                return None
            again.connection, shaken = shake_hands(again.connection, way.endpoint.host, self._looking, again.left())
            return shaken.facts
        finally:
            again.close()

    def _given_up(self, endpoint: Endpoint, address: str = "") -> Reach:
        """The answer of last resort: something outlasted its own time-out."""
        proxy = self._route(endpoint)
        code = "tcp-timeout" if proxy is None else "proxy-timeout"
        message = f"no answer from {endpoint} in time"
        return Reach(endpoint, (Probe(endpoint, address, _via(proxy), code, message, self._timeout),))


class _Way:
    """The way to one address of one endpoint, hop by hop, under one deadline."""

    def __init__(self, endpoint: Endpoint, address: str, proxy: Proxy | None, seconds: float) -> None:
        self.endpoint = endpoint
        self.address = address
        self.proxy = proxy
        self.connection: socket | None = None
        self._started = time.monotonic()
        self._seconds = seconds
        self._hops: list[Hop] = []
        self._source = ""

    def left(self) -> float:
        return max(0.0, self._started + self._seconds - time.monotonic())

    def add(self, kind: str, peer: str, code: str, started: float, message: str = "") -> bool:
        self._hops.append(Hop(kind, peer, code, time.monotonic() - started, message))
        return code == OK

    def open(self) -> bool:
        return self._connect() and (self.proxy is None or self._tunnel(self.proxy))

    def release(self) -> socket | None:
        """The connection, for somebody else to use and close."""
        connection, self.connection = self.connection, None
        return connection

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def probe(self, tls: TlsFacts | None) -> Probe:
        last = self._hops[-1]
        return Probe(
            endpoint=self.endpoint,
            address=self.address,
            via=_via(self.proxy),
            code=last.code,
            message=last.message,
            duration=time.monotonic() - self._started,
            tls=tls,
            hops=tuple(self._hops),
            source=self._source,
        )

    def _connect(self) -> bool:
        started = time.monotonic()
        target = self.proxy.endpoint if self.proxy else self.endpoint
        peer = str(Endpoint(self.address, target.port))
        try:
            self.connection = connect(self.address, target.port, self.left())
            self._source = _source(self.connection)
        except OSError as error:
            place = peer if target.is_address else f"{target} at {self.address}"
            code, message = classify(error, self.address, place, self._seconds)
            if self.proxy is not None:
                code, message = "proxy-unreachable", f"no way to the proxy: {message}"
            return self.add("tcp", peer, code, started, message)
        return self.add("tcp", peer, OK, started)

    def _tunnel(self, proxy: Proxy) -> bool:
        started = time.monotonic()
        assert self.connection is not None
        code, message = ask_to_connect(self.connection, proxy, self.endpoint, started + self.left())
        return self.add("proxy", str(proxy), code, started, message)


def _source(connection: socket) -> str:
    host, port = connection.getsockname()[:2]
    return str(Endpoint(host, port))


def _via(proxy: Proxy | None) -> str:
    return "direct" if proxy is None else f"proxy {proxy}"


def _unresolved(endpoint: Endpoint, proxy: Proxy | None, resolution: Resolution) -> Probe:
    code = "name-unresolved" if proxy is None else "proxy-unresolved"
    message = resolution.message or f"{resolution.name} does not resolve"
    return Probe(endpoint, "", _via(proxy), code, f"{message} ({resolution.code})", resolution.duration)
