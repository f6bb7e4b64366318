"""One endpoint hop by hop, up to the first that is broken, and the sentence for whoever runs that hop."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from preflight.network.clouds import RELAY_NAMESPACE, RELAY_PORTS
from preflight.network.endpoint import Endpoint
from preflight.network.model import Probe, Reach
from preflight.network.port import Dialer, Resolver
from preflight.network.reasons import OK, REASONS, Reason
from preflight.network.web import WEB_REASONS, Answer, Web
from preflight.network.websocket import UPGRADE_REASONS

_TCP_ONLY = frozenset({53, 88, 135, 389, 445, 464, 3268, *RELAY_PORTS})
_TLS_ONLY = frozenset({636, 3269})

_PROTOCOLS = {
    "dns": "DNS (UDP and TCP 53)",
    "tcp": "TCP",
    "proxy": "HTTP CONNECT over TCP",
    "tls": "TLS over TCP",
    "http": "HTTPS (TLS over TCP)",
    "websocket": "WebSocket over HTTPS",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One hop, tried once.

    Attributes:
        kind: "dns", "tcp", "proxy", "tls", "http" or "websocket".
        peer: whom it talked to.
        code: "ok", or why not.
        duration: seconds.
        message: what went wrong; else what was seen, in a few words.
        broken: the way ends here. A dead address among several is bad and not yet the end.
    """

    kind: str
    peer: str
    code: str
    duration: float
    message: str = ""
    broken: bool = False

    @property
    def reason(self) -> Reason | None:
        return REASONS.get(self.code) or WEB_REASONS.get(self.code) or UPGRADE_REASONS.get(self.code)


@dataclass(frozen=True, slots=True)
class Trace:
    """The way to an endpoint.

    Attributes:
        started: UTC; a firewall's log is searched by it.
        via: "direct" or "proxy HOST:PORT".
        source: this machine's address, with the port where a connection was made.
        destination: the address and port that the last connection was made to, or was to be.
        steps: in order; the last one is the broken one, if any.
    """

    endpoint: Endpoint
    started: datetime
    via: str
    source: str
    destination: str
    steps: tuple[Step, ...] = field(default=())

    @property
    def broken(self) -> Step | None:
        return next((step for step in self.steps if step.broken), None)

    @property
    def sentence(self) -> str:
        """For the firewall's or proxy's people: when, from where, to where, how, and what came of it. "" if reached."""
        step = self.broken
        if step is None:
            return ""
        to = step.peer if step.kind == "dns" else self.destination or str(self.endpoint)
        host, _, port = to.rpartition(":")
        for_whom = "" if self.endpoint.host in to else f" for {self.endpoint}"
        way = "" if self.via == "direct" else f" by the {self.via}"
        remedy = f" {step.reason.remedy}" if step.reason else ""
        return (
            f"{self.started:%Y-%m-%dT%H:%M:%SZ}: from {self.source or 'this machine'} to {host or to}"
            + (f" port {port}" if host else "")
            + f"{for_whom}{way}, protocol {_PROTOCOLS[step.kind]}, observed: {step.message or step.code} ({step.code})."
            + remedy
        )


def trace(endpoint: Endpoint, resolver: Resolver, dialer: Dialer, web: Web, *, websocket: bool = False) -> Trace:
    """Follow the way to the endpoint: as far as its port goes (TCP; TLS; HTTP on all others), with a WebSocket for a
    relay or where one is asked for.

    Raises:
        Unavailable: the proxy that the environment names can't be used.
    """
    started = datetime.now(UTC)
    proxy = dialer.proxy_for(endpoint)
    via = f"proxy {proxy}" if proxy else "direct"
    name = Endpoint.parse(proxy).host if proxy else endpoint.host
    steps: list[Step] = []
    if not Endpoint(name, endpoint.port).is_address:
        steps.append(_resolved(name, resolver))
        if steps[-1].broken:
            server = steps[-1].peer
            return Trace(endpoint, started, via, _source(server), server, tuple(steps))
    tls = endpoint.port not in _TCP_ONLY
    reach = dialer.reach(endpoint, tls=tls)
    steps += _connected(reach)
    best = reach.furthest
    destination = best.hops[0].peer if best.hops else ""
    source = best.source or _source(destination)
    if reach.connected and tls and endpoint.port not in _TLS_ONLY:
        steps.append(_asked("http", web.ask, reach))
        if not steps[-1].broken and (websocket or RELAY_NAMESPACE.fullmatch(endpoint.host)):
            steps.append(_asked("websocket", web.upgrade, reach))
    return Trace(endpoint, started, via, source, destination, tuple(steps))


def _resolved(name: str, resolver: Resolver) -> Step:
    begun = time.monotonic()
    resolution = resolver.resolve(name)
    took = time.monotonic() - begun
    server = resolution.server or resolver.origin
    if not resolution.resolved:
        return Step("dns", server, resolution.code, took, resolution.message, broken=True)
    aliases = f" by {', '.join(resolution.cname_chain)}" if resolution.cname_chain else ""
    note = f" ({resolution.note})" if resolution.note else ""
    return Step("dns", server, OK, took, f"{name} is {', '.join(resolution.connectable)}{aliases}{note}")


def _connected(reach: Reach) -> list[Step]:
    """The hops of every address; of one that leads nowhere while another does, the last one is bad, not the end."""
    best = reach.furthest
    others = [probe for probe in reach.probes if probe is not best]
    return [step for probe in (*others, best) for step in _hops(probe, ends=probe is best)]


def _hops(probe: Probe, *, ends: bool) -> list[Step]:
    if not probe.hops:
        return [Step("dns", str(probe.endpoint), probe.code, probe.duration, probe.message, broken=ends)]
    seen: Mapping[str, str] = {"tcp": f"from {probe.source}" if probe.source else ""}
    if probe.tls is not None:
        issuer = f", issued by {probe.tls.issuer}" if probe.tls.issuer else ""
        seen = {**seen, "tls": f"{probe.tls.version}{issuer}"}
    return [
        Step(
            hop.kind,
            hop.peer,
            hop.code,
            hop.duration,
            hop.message if hop.code != OK else seen.get(hop.kind, ""),
            broken=ends and hop.code != OK,
        )
        for hop in probe.hops
    ]


def _asked(kind: str, ask: Callable[[Reach], Answer], reach: Reach) -> Step:
    begun = time.monotonic()
    answer = ask(reach)
    took = time.monotonic() - begun
    if not answer.reached:
        return Step(kind, str(reach.endpoint), answer.code, took, answer.message, broken=True)
    server = f", {answer.headers['server']}" if answer.headers.get("server") else ""
    return Step(kind, str(reach.endpoint), OK, took, f"HTTP {answer.status}{server}")


def _source(destination: str) -> str:
    """The address that this machine would send from; no packet is sent to find it out."""
    try:
        to = Endpoint.parse(destination, 53)
        family = socket.AF_INET6 if ":" in to.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as unsent:
            unsent.connect((to.host, to.port))
            return str(unsent.getsockname()[0])
    except (OSError, ValueError):
        return ""
