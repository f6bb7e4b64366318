"""Connections: each address of each name, directly or through a proxy, with or without TLS.

No Happy Eyeballs: one address that answers must not hide another that doesn't.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from socket import socket
from ssl import SSLContext

from preflight.network.endpoint import is_address
from preflight.network.latency import Latency, measure
from preflight.network.model import Endpoint, Hop, Probe, Reach, Resolution, TlsFacts, Trial
from preflight.network.port import Resolver
from preflight.network.proxy import Proxy
from preflight.network.proxy_sign_in import ProxySignIn
from preflight.network.reasons import OK
from preflight.network.revocation import RevocationAddress, RevocationAnswer, ask
from preflight.network.tcp import Attempt, classify, connect, connect_each
from preflight.network.tls import describe, looking_context, public_context, shake_hands, verifying_context
from preflight.network.together import Together, all_at_once

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
        public_ca_file: what `Trial.roots` "public" means, if not Mozilla's roots.
        sign_ins: what earlier rounds of this run know about signing in to proxies.

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
        public_ca_file: Path | None = None,
        sign_ins: dict[Proxy, ProxySignIn] | None = None,
    ) -> None:
        self._resolver = resolver
        self._timeout = timeout
        self._proxy = proxy
        self._ca_file = ca_file
        self._public_ca_file = public_ca_file
        self._lock = threading.Lock()
        self._contexts: dict[tuple[str, str], SSLContext] = {}
        self._sign_ins = {} if sign_ins is None else sign_ins
        if ca_file is not None:
            _ = self._verifying

    def by(self, proxy: Proxy | None) -> SocketDialer:
        """The same by another way: through that proxy, or directly (None)."""
        other = SocketDialer(self._resolver, timeout=self._timeout, proxy=proxy, public_ca_file=self._public_ca_file)
        other._ca_file = self._ca_file
        other._contexts, other._sign_ins, other._lock = self._contexts, self._sign_ins, self._lock
        return other

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
        # What starts from the same name goes together: one question for it, however many ports it has.
        by_name: dict[str, list[Endpoint]] = {}
        for endpoint, proxy in routes.items():
            name = (proxy.endpoint if proxy else endpoint).host
            by_name.setdefault("" if is_address(name) else name, []).append(endpoint)
        together: Together[str, dict[Endpoint, Reach]] = Together()
        for name in filter(None, by_name):
            together.start(name, partial(self._reach_name, name, by_name[name], routes, tls))
        reached = self._reach_resolved(
            [(endpoint, routes[endpoint], _literal(endpoint, routes[endpoint])) for endpoint in by_name.get("", ())],
            tls,
        )
        for answers in together.results(2 * self._timeout + 3 * GRACE).values():
            reached |= answers
        return {endpoint: reached.get(endpoint) or self._given_up(endpoint) for endpoint in routes}

    def open(self, endpoint: Endpoint, address: str, *, tls: bool = True) -> tuple[Probe, socket | None]:
        """One connection that stays open, with TLS verified: whoever asked closes it. None: the probe says why.

        Args:
            address: of the endpoint, or of the proxy that leads to it, as an earlier probe found it.
        """
        way = self._way(endpoint, address)
        try:
            facts = self._encrypt(way) if way.open() and tls else None
            probe = way.probe(facts)
            return probe, way.release() if probe.connected else None
        finally:
            way.close()

    def try_all(self, trials: Collection[Trial]) -> Mapping[Trial, Probe]:
        tasks = {trial: partial(self._try, trial) for trial in trials}
        probes = all_at_once(tasks, self._timeout + GRACE)
        return {trial: probes.get(trial) or self._given_up(trial.endpoint, trial.address).probes[0] for trial in trials}

    def latencies(self, reaches: Collection[Reach]) -> Mapping[Endpoint, tuple[Latency, ...]]:
        direct = {
            reach.endpoint: [probe.address for probe in reach.probes if probe.hops and probe.hops[0].code == OK]
            for reach in reaches
            if self._route(reach.endpoint) is None
        }
        places = [(address, endpoint.port) for endpoint, addresses in direct.items() for address in addresses]
        measured = measure(places, self._timeout)
        return {
            endpoint: tuple(measured[address, endpoint.port] for address in addresses)
            for endpoint, addresses in direct.items()
        }

    def ask_revocation(self, addresses: Collection[RevocationAddress]) -> Mapping[RevocationAddress, RevocationAnswer]:
        tasks = {address: partial(self._ask_revocation, address) for address in addresses}
        answers = all_at_once(tasks, 2 * self._timeout + 2 * GRACE)
        late = RevocationAnswer
        return {each: answers.get(each) or late(each, "http-timeout", "it did not end in time") for each in addresses}

    @property
    def _verifying(self) -> SSLContext:
        return self._context("machine", "")

    def _context(self, roots: str, version: str) -> SSLContext:
        """Made once for all threads: reading the roots takes 50 ms."""
        with self._lock:
            context = self._contexts.get((roots, version))
            if context is None:
                if roots == "none":
                    context = looking_context(version)
                else:
                    public = roots == "public"
                    context = public_context(self._public_ca_file) if public else verifying_context(self._ca_file)
                self._contexts[roots, version] = context
        return context

    def _route(self, endpoint: Endpoint) -> Proxy | None:
        return self._proxy(endpoint) if callable(self._proxy) else self._proxy

    def _way(self, endpoint: Endpoint, address: str) -> _Way:
        proxy = self._route(endpoint)
        if proxy is None:
            return _Way(endpoint, address, None, None, self._timeout)
        with self._lock:
            sign_in = self._sign_ins.setdefault(proxy, ProxySignIn(proxy))
        return _Way(endpoint, address, proxy, sign_in, self._timeout)

    def _reach_name(
        self, name: str, endpoints: Sequence[Endpoint], routes: Mapping[Endpoint, Proxy | None], tls: bool
    ) -> dict[Endpoint, Reach]:
        answer = all_at_once({name: lambda: self._resolver.resolve(name)}, self._timeout + GRACE)
        resolution = answer.get(name) or Resolution(name, "dns-timeout", message=f"no DNS answer for {name} in time")
        return self._reach_resolved([(endpoint, routes[endpoint], resolution) for endpoint in endpoints], tls)

    def _reach_resolved(
        self, wanted: Sequence[tuple[Endpoint, Proxy | None, Resolution]], tls: bool
    ) -> dict[Endpoint, Reach]:
        """Every address of every endpoint at once: connecting in this thread, what follows in one for each."""
        ways: list[_Way] = []
        probes: dict[tuple[Endpoint, str], Probe] = {}
        for endpoint, _, resolution in wanted:
            for address in _tried(resolution):
                ways.append(self._way(endpoint, address))
        onward: Together[tuple[Endpoint, str], Probe] = Together()
        for attempt in connect_each([(way.address, way.port) for way in ways], self._timeout):
            way = ways[attempt.index]
            way.adopt(attempt)
            key = way.endpoint, way.address
            if way.connection is None or (way.proxy is None and not tls):
                probes[key] = way.probe(None)
                way.close()
            else:
                onward.start(key, partial(self._finish, way, tls))
        probes |= onward.results(self._timeout + GRACE)
        return {endpoint: self._reach(endpoint, proxy, resolution, probes) for endpoint, proxy, resolution in wanted}

    def _reach(
        self,
        endpoint: Endpoint,
        proxy: Proxy | None,
        resolution: Resolution,
        probes: Mapping[tuple[Endpoint, str], Probe],
    ) -> Reach:
        own = resolution if proxy is None else None
        if not resolution.resolved:
            return Reach(endpoint, (_unresolved(endpoint, proxy, resolution),), own)
        tried = _tried(resolution)
        left_out = len(dict.fromkeys(resolution.connectable)) - len(tried)
        return Reach(
            endpoint,
            tuple(probes.get((endpoint, address)) or self._given_up(endpoint, address).probes[0] for address in tried),
            own,
            f"{left_out} of its {left_out + len(tried)} addresses were not tried" if left_out else "",
        )

    def _finish(self, way: _Way, tls: bool) -> Probe:
        facts = None
        try:
            if (way.proxy is None or way.tunnel()) and tls:
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
        again = way.again()
        try:
            if not again.open() or again.connection is None:
                return None
            looking = self._context("none", "")
            again.connection, shaken = shake_hands(again.connection, way.endpoint.host, looking, again.left())
            return shaken.facts
        finally:
            again.close()

    def _ask_revocation(self, address: RevocationAddress) -> RevocationAnswer:
        endpoint = address.endpoint
        if endpoint is None:
            return RevocationAnswer(address, "name-unresolved", f"{address.url} names no host")
        proxy = self._route(endpoint)
        place = proxy.endpoint if proxy else endpoint
        resolution = _literal(endpoint, proxy) if place.is_address else self._resolver.resolve(place.host)
        if not resolution.resolved:
            failed = _unresolved(endpoint, proxy, resolution)
            return RevocationAnswer(address, failed.code, failed.message, failed.via)
        authorization = "" if proxy is None else self._way(endpoint, place.host).authorization
        until = time.monotonic() + self._timeout
        attempts = connect_each([(each, place.port) for each in _tried(resolution)], self._timeout)
        with closing(attempts):
            for attempt in attempts:
                if attempt.connection is not None:
                    with attempt.connection as connection:
                        return ask(connection, address, proxy, until, authorization)
                failure = attempt
        code, message = classify(failure.error or OSError("no connection"), "", str(place), self._timeout)
        return RevocationAnswer(address, "proxy-unreachable" if proxy else code, message, _via(proxy))

    def _try(self, trial: Trial) -> Probe:
        context = self._context(trial.roots, trial.version)
        way = self._way(trial.endpoint, trial.address)
        facts = None
        try:
            if way.open() and way.connection is not None:
                started = time.monotonic()
                way.connection, shaken = shake_hands(way.connection, trial.endpoint.host, context, way.left())
                way.add("tls", str(trial.endpoint), shaken.code, started, shaken.message)
                facts = shaken.facts
            return way.probe(facts)
        finally:
            way.close()

    def _given_up(self, endpoint: Endpoint, address: str = "") -> Reach:
        """The answer of last resort: something outlasted its own time-out."""
        proxy = self._route(endpoint)
        code = "tcp-timeout" if proxy is None else "proxy-timeout"
        message = f"no answer from {endpoint} in time"
        return Reach(endpoint, (Probe(endpoint, address, _via(proxy), code, message, self._timeout),))


class _Way:
    """The way to one address of one endpoint, hop by hop, under one deadline."""

    def __init__(
        self, endpoint: Endpoint, address: str, proxy: Proxy | None, sign_in: ProxySignIn | None, seconds: float
    ) -> None:
        self.endpoint = endpoint
        self.address = address
        self.proxy = proxy
        self.connection: socket | None = None
        self._sign_in = sign_in
        self._started = time.monotonic()
        self._seconds = seconds
        self._hops: list[Hop] = []
        self._source = ""

    @property
    def port(self) -> int:
        """The port that the socket is connected to."""
        return (self.proxy.endpoint if self.proxy else self.endpoint).port

    @property
    def authorization(self) -> str:
        """What the proxy is known to want in the header of a request of plain HTTP; "" for nothing."""
        return self._sign_in.basic if self._sign_in else ""

    def again(self) -> _Way:
        """The same way once more, in the time that is left."""
        return _Way(self.endpoint, self.address, self.proxy, self._sign_in, self.left())

    def left(self) -> float:
        return max(0.0, self._started + self._seconds - time.monotonic())

    def add(self, kind: str, peer: str, code: str, started: float, message: str = "") -> bool:
        self._hops.append(Hop(kind, peer, code, time.monotonic() - started, message))
        return code == OK

    def open(self) -> bool:
        """Connect, through the proxy if there is one; whether that worked."""
        for attempt in connect_each([(self.address, self.port)], self.left()):
            self.adopt(attempt)
        return self.connection is not None and (self.proxy is None or self.tunnel())

    def adopt(self, attempt: Attempt) -> None:
        """Take over a connection that was tried."""
        self._started = attempt.started
        peer = str(Endpoint(self.address, self.port))
        if attempt.connection is not None:
            self.connection = attempt.connection
            self._source = _source(attempt.connection)
            self.add("tcp", peer, OK, attempt.started)
            return
        target = self.proxy.endpoint if self.proxy else self.endpoint
        place = peer if target.is_address else f"{target} at {self.address}"
        error = attempt.error or OSError("no connection")
        code, message = classify(error, self.address, place, self._seconds)
        if self.proxy is not None:
            code, message = "proxy-unreachable", f"no way to the proxy: {message}"
        self.add("tcp", peer, code, attempt.started, message)

    def tunnel(self) -> bool:
        """Have the proxy connect to the endpoint; whether it did."""
        started = time.monotonic()
        assert self.proxy is not None and self._sign_in is not None and self.connection is not None
        try:
            code, message = self._sign_in.tunnel(self.connection, self._reconnect, self.endpoint, started + self.left())
        except OSError as error:
            code, message = classify(error, self.address, f"the proxy {self.proxy}", self._seconds)
            code, message = "proxy-unreachable", f"no second connection to the proxy: {message}"
        return self.add("proxy", str(self.proxy), code, started, message)

    def release(self) -> socket | None:
        """The connection, for somebody else to use and close."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.settimeout(self._seconds)
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

    def _reconnect(self) -> socket:
        """In place of the connection on which the proxy asked to sign in."""
        self.close()
        self.connection = connect(self.address, self.port, self.left())
        self._source = _source(self.connection)
        return self.connection


def _tried(resolution: Resolution) -> tuple[str, ...]:
    return tuple(dict.fromkeys(resolution.connectable))[:MOST_ADDRESSES]


def _literal(endpoint: Endpoint, proxy: Proxy | None) -> Resolution:
    host = (proxy.endpoint if proxy else endpoint).host
    return Resolution(host, OK, (host,), via="literal")


def _source(connection: socket) -> str:
    host, port = connection.getsockname()[:2]
    return str(Endpoint(host, port))


def _via(proxy: Proxy | None) -> str:
    return "direct" if proxy is None else f"proxy {proxy}"


def _unresolved(endpoint: Endpoint, proxy: Proxy | None, resolution: Resolution) -> Probe:
    code = "name-unresolved" if proxy is None else "proxy-unresolved"
    message = resolution.message or f"{resolution.name} does not resolve"
    return Probe(endpoint, "", _via(proxy), code, f"{message} ({resolution.code})", resolution.duration)
