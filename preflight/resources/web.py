"""The password-reset web service and the relays by HTTP; and the clocks, one of which is the service's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

from preflight.api import Target, Unavailable
from preflight.directory.topology import ControllerProbes
from preflight.network.clock import ClockReading, Clocks
from preflight.network.clouds import CLOUDS
from preflight.network.endpoint import Endpoint
from preflight.network.idle import LONGEST_IDLE
from preflight.network.model import Reach
from preflight.network.port import Dialer
from preflight.network.relays import Relay, RelayReach
from preflight.network.together import all_at_once
from preflight.network.web import Answer, IdleConnections, Web, WebAnswers
from preflight.resources.directories import settings_of
from preflight.resources.provider import Resources, provides
from preflight.resources.ways import HTTPS

_SAID_EVERY = 10.0


@provides("run")
def web(resources: Resources, _: Target) -> Web:
    way = resources.get("dialer")
    if isinstance(way, Web):
        return way  # a recorded network
    from preflight.network.web_client import SocketWeb

    return SocketWeb(way, timeout=resources.setting.configuration.network.timeout)


@provides("run")
def web_answers(resources: Resources, _: Target) -> WebAnswers:
    way: Dialer = resources.get("dialer")
    client: Web = resources.get("web")
    names = CLOUDS[resources.setting.configuration.network.cloud].web_services
    services = {Endpoint(name.host, HTTPS): name for name in names}
    reaches = dict(way.reach_all(list(services), tls=True)) if services else {}
    try:
        relays: RelayReach = resources.get("relay_reach")
        found = {relay: reach for relay, reach in relays.reaches.items() if reach.connected}
    except Unavailable:
        if not services:
            raise
        found = {}  # what is in the way is the finding of the checks of the relays

    def ask(reach: Reach) -> Callable[[], Answer]:
        return lambda: client.ask(reach)

    seconds = 3 * resources.setting.configuration.network.timeout
    tasks = {reach.endpoint: ask(reach) for reach in (*reaches.values(), *found.values())}
    answers = all_at_once(tasks, seconds)

    def answer(reach: Reach) -> Answer:
        late = f"{reach.endpoint}: no answer within {seconds:g} s"
        return answers.get(reach.endpoint) or Answer(reach.endpoint, reach.via, "http-timeout", late)

    return WebAnswers(
        {name: answer(reaches[endpoint]) for endpoint, name in services.items()},
        {relay: answer(reach) for relay, reach in found.items()},
    )


@provides("relay")
def upgrade_answer(resources: Resources, target: Target) -> Answer:
    client: Web = resources.get("web")
    return client.upgrade(_reach_of(resources, target))


@provides("relay", deadline=LONGEST_IDLE + 300.0)
def idle_connections(resources: Resources, target: Target) -> IdleConnections:
    client: Web = resources.get("web")
    reach = _reach_of(resources, target)
    seconds = resources.setting.configuration.network.idle_seconds
    ended = threading.Event()
    resources.on_close(ended.set)
    finished = threading.Event()
    threading.Thread(target=_say_how_long, args=(resources, target, seconds, finished, ended), daemon=True).start()
    try:
        return IdleConnections(seconds, tuple(client.hold(reach, seconds, ended)), reach.via)
    finally:
        finished.set()


def _say_how_long(
    resources: Resources, target: Target, seconds: float, finished: threading.Event, ended: threading.Event
) -> None:
    """Progress: who watches for minutes wants to know that something is awaited."""
    passed = 0.0
    while passed < seconds and not ended.is_set():
        resources.setting.say(f"{target.name}: connections idle for {passed:.0f} of {seconds:g} s")
        if finished.wait(_SAID_EVERY):
            return
        passed += _SAID_EVERY


def _reach_of(resources: Resources, target: Target) -> Reach:
    relay: Relay = resources.get("relay", target)
    relays: RelayReach = resources.get("relay_reach")
    return relays.reaches[relay]


@provides("run", deadline=90.0)
def clocks(resources: Resources, _: Target) -> Clocks:
    """Those of the domain controllers, and the service's unless the run was told not to ask it."""
    readings: list[ClockReading] = []
    unread: list[tuple[str, str]] = []
    exported: list[str] = []
    for domain in resources.domains():
        if settings_of(resources, domain).ldif is not None:
            exported.append(domain.name)
            continue
        try:
            _read_controllers(resources.get("controller_probes", domain), readings, unread)
        except Unavailable as error:
            unread.append((domain.name, error.reason))
    service = None
    recorded = resources.setting.network is not None and isinstance(resources.setting.network[1], Web)
    if resources.setting.ask_service or recorded:
        try:
            service = _service_clock(resources.get("web_answers"))
        except Unavailable as error:
            unread.append(("the service", error.reason))
    return Clocks(tuple(readings), service, tuple(unread), tuple(exported))


def _read_controllers(probes: ControllerProbes, readings: list[ClockReading], unread: list[tuple[str, str]]) -> None:
    for probe in probes.probes:
        name = (probe.root_dse.host if probe.root_dse else "") or probe.controller.name
        shown = probe.root_dse.current_time if probe.root_dse else None
        if probe.root_dse is None:
            unread.append((name, probe.message))
        elif shown is None or probe.read_at is None:
            unread.append((name, "its rootDSE has no currentTime"))
        else:
            readings.append(ClockReading.between(name, shown, *probe.read_at))


def _service_clock(answers: WebAnswers) -> ClockReading | None:
    """The reading that took the least time. A page of somebody else's has somebody else's clock."""
    readings = []
    for answer in answers.all:
        if not answer.reached:
            continue
        if answer.skew is not None:
            skew = timedelta(seconds=answer.skew)
            readings.append(ClockReading(answer.endpoint.host, skew, skew))
        elif answer.date is not None and answer.sent is not None and answer.received is not None:
            readings.append(ClockReading.between(answer.endpoint.host, answer.date, answer.sent, answer.received))
    return min(readings, key=lambda reading: reading.most - reading.least, default=None)
