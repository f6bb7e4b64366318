"""The network part: everything healthy on loopback against a bare concurrent connect, everything dropped against one
time-out."""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Measure, NotMeasured, Outcome
from network.servers import NameServer, black_hole, names

from preflight.config import Configuration, NetworkSettings, ServiceBusSettings
from preflight.engine import Engine
from preflight.network.dialer import SocketDialer
from preflight.network.model import Endpoint
from preflight.network.resolver import DnsResolver
from preflight.plan import make_plan
from preflight.registry import Registry
from preflight.resources import Resources, Setting

HOSTS, PORTS = 12, 6
TIMEOUT = 5.0
CONNECT_LOOP = os.environ.get("CONNECT_LOOP", "../shared/baselines/connect_loop.py")


@contextlib.contextmanager
def listeners() -> Iterator[list[Endpoint]]:
    """Twelve hosts on loopback with six open ports each."""
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server((f"127.0.0.{host}", 0), backlog=64))
            for host in range(1, HOSTS + 1)
            for _ in range(PORTS)
        ]
        yield [Endpoint(*each.getsockname()[:2]) for each in sockets]


def healthy(rounds: int) -> Outcome:
    """Reaching 12 x 6 open ports, each looked at on its own, by asyncio's bare connect of the same."""
    baseline = Path(CONNECT_LOOP)
    if not baseline.is_file():
        raise NotMeasured(f"there is no {baseline} (CONNECT_LOOP names it)")
    ours, other = [], []
    for _ in range(rounds):
        with listeners() as endpoints:
            command = [sys.executable, str(baseline), str(TIMEOUT), *map(str, endpoints)]
            said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split()
            if said[0] != str(len(endpoints)):
                raise NotMeasured(f"{baseline} connected to {said[0]} of {len(endpoints)}")
            other.append(float(said[1]))
        with listeners() as endpoints:
            dialer = SocketDialer(DnsResolver(), timeout=TIMEOUT)
            started = time.perf_counter()
            reached = dialer.reach_all(endpoints)
            ours.append(time.perf_counter() - started)
            if not all(reach.connected for reach in reached.values()):
                raise NotMeasured("not every port was reached")
    return Outcome(statistics.median(ours), statistics.median(other), note=f"{HOSTS} hosts, {PORTS} ports each")


def black_holed(rounds: int) -> Outcome:
    """A whole run of the network checks with every endpoint dropped, by one connect time-out."""
    del rounds  # it waits most of its time: once is enough
    before = threading.active_count()
    with black_hole() as port, contextlib.ExitStack() as stack:
        zone = {f"relay{number}.example": ["A 127.0.0.1"] for number in range(HOSTS)}
        dns = stack.enter_context(NameServer(names(zone)))
        resolver = DnsResolver(dns.address, lifetime=TIMEOUT)
        endpoints = tuple(Endpoint(name, port) for name in zone)
        configuration = Configuration(
            network=NetworkSettings(timeout=TIMEOUT),
            # The same dropped port under as many numbers as there are ports: each is connected to on its own.
            service_bus=ServiceBusSettings(endpoints, tuple(_holes(stack, PORTS - 1))),
        )
        plan = make_plan(Registry.installed().checks, only=["network.*", "dns.*"], skip=_SERVICE)
        network = (resolver, SocketDialer(resolver, timeout=TIMEOUT))
        resources = Resources(Setting(configuration, plan.folds, environ={}, network=network))
        started = time.perf_counter()
        outcome = Engine(plan, resources).run()
        took = time.perf_counter() - started
        resources.close()
        timed_out = [result for result in outcome.results if result.check == "network.relay-443"]
        if {finding.code for result in timed_out for finding in result.findings} != {"tcp-timeout"}:
            raise NotMeasured("not everything was dropped")
    left = threading.active_count() - before
    return Outcome(took, TIMEOUT, note=f"{HOSTS} names, {PORTS} ports each; {left} threads left")


_SERVICE = ["network.web-service", "network.websocket", "network.idle-survives"]
"""They ask a service on the internet, which a benchmark must not."""


def _holes(stack: contextlib.ExitStack, count: int) -> list[int]:
    return [stack.enter_context(black_hole()) for _ in range(count)]


MEASURES = [
    Measure("healthy network: reach_all / a bare concurrent connect", 1.5, 1.0, healthy),
    Measure("dropped network: the network checks / one connect time-out", 1.15, 1.05, black_holed),
]
