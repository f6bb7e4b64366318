"""The ports of the domain controllers, tried from this machine; and the site that it lies in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from preflight.api import Target, Unavailable
from preflight.config import DomainSettings
from preflight.directory.model import DomainController
from preflight.directory.site import MachineSite, NoSite, SiteController, site_of_this_machine
from preflight.directory.topology import ControllerProbes, Discovery, ForestTopology
from preflight.network.controller_ports import (
    CONTROLLER_PORTS,
    DNS_PORT,
    RPC_PORT,
    ControllerPorts,
    ControllerReach,
    DynamicPort,
    ResolverReach,
)
from preflight.network.dialer import SocketDialer
from preflight.network.endpoint import Endpoint
from preflight.network.model import Reach, ServiceRecords
from preflight.network.port import Resolver
from preflight.network.together import Together, all_at_once
from preflight.resources.directories import CONTROLLERS_RECORD, LDAP_PORT, settings_of, timeouts_of
from preflight.resources.provider import Resources, provides

MOST_CONTROLLERS = 32
"""Controllers that DNS names and whose ports are tried; the PDC emulator and the configured ones come first."""


@provides("domain", deadline=120.0)
def controller_ports(resources: Resources, target: Target) -> ControllerPorts:
    settings = settings_of(resources, target)
    found: Discovery = resources.get("discovery", target)
    if settings.ldif is not None:
        return ControllerPorts(settings.name, exported=True)
    timeout = resources.setting.configuration.network.timeout
    names: Resolver = resources.get("names", target)
    dialer = SocketDialer(names, timeout=timeout)  # never through the proxy: controllers are inside
    parts: Mapping[str, Callable[[], object]] = {
        "controllers": lambda: _controllers(resources, target, found, dialer, timeout),
        "resolvers": lambda: _resolvers(settings, dialer, timeout),
    }
    done = all_at_once(parts, 100.0)
    controllers, resolvers = done.get("controllers"), done.get("resolvers")
    if not isinstance(controllers, tuple) or not isinstance(resolvers, tuple):
        raise Unavailable("the ports could not be tried in time", code="timed-out")
    left_out = len(found.controllers) - MOST_CONTROLLERS
    note = f"{left_out} more controllers that DNS names were not tried" if left_out > 0 else ""
    return ControllerPorts(settings.name, controllers, resolvers, notes=(note,) if note else ())


@provides("domain")
def machine_site(resources: Resources, target: Target) -> MachineSite:
    """As the first controller sees it that answers."""
    settings = settings_of(resources, target)
    probes: ControllerProbes = resources.get("controller_probes", target)
    if any(probe.controller.found_by != "dns" for probe in probes.probes):
        return MachineSite(matters=False)
    names: Resolver = resources.get("names", target)
    timeout = resources.setting.configuration.network.timeout
    if not probes.answering:
        raise Unavailable(f"no controller of {settings.name} answers, so none says the site of this machine")
    try:
        address = names.addresses(probes.answering[0].controller.host)[0]
        name = site_of_this_machine(address, settings.name, timeout)
    except (NoSite, Unavailable) as error:
        return MachineSite(obstacle=str(error))
    found = names.services(f"_ldap._tcp.{name}._sites.dc._msdcs.{settings.name}")
    if not found.resolved:
        none = found.code in ("nxdomain", "no-answer")
        return MachineSite(name, obstacle="" if none else found.message)
    known = {probe.root_dse.host.lower(): probe.root_dse.is_read_only for probe in probes.probes if probe.root_dse}
    hosts = [each.target for each in found.records]
    asked = all_at_once(
        {host: _asking(names, host, resources) for host in hosts if host.lower() not in known}, 4 * timeout
    )
    return MachineSite(name, tuple(SiteController(host, known.get(host.lower(), asked.get(host))) for host in hosts))


def _asking(names: Resolver, host: str, resources: Resources) -> Callable[[], bool | None]:
    """Whether a controller is read-only, by its own rootDSE, in the clear on port 389: nothing secret is in it."""
    from preflight.directory.live.ldap import read_root_dse

    def ask() -> bool | None:
        controller = DomainController(host, LDAP_PORT, "none", "dns")
        try:
            found = read_root_dse(controller, resolve=names.addresses, timeouts=timeouts_of(resources))
        except Unavailable:
            return None
        return found.is_read_only

    return ask


def _controllers(
    resources: Resources, target: Target, found: Discovery, dialer: SocketDialer, timeout: float
) -> tuple[ControllerReach, ...]:
    """Those that are known at once; then the PDC emulator, if it turns out to be another one."""
    hosts = {each.host: each.found_by for each in found.controllers[:MOST_CONTROLLERS]}
    reached = _reach(hosts, found.pdc_host, dialer, timeout)
    pdc_host = found.pdc_host or _pdc_of(resources, target)
    if pdc_host and not any(_same(pdc_host, host) for host in hosts) and found.source == "configured":
        reached = (*reached, *_reach({pdc_host: "directory"}, pdc_host, dialer, timeout))
    return reached


def _pdc_of(resources: Resources, target: Target) -> str:
    """By the directory; "": it can't be read, which is another check's finding."""
    try:
        forest: ForestTopology = resources.get("topology", target)
    except Unavailable:
        return ""
    return forest.pdc_host


def _reach(
    hosts: Mapping[str, str], pdc_host: str, dialer: SocketDialer, timeout: float
) -> tuple[ControllerReach, ...]:
    endpoints = {host: [Endpoint(host, port.number) for port in CONTROLLER_PORTS] for host in hosts}
    reaches = dialer.reach_all([each for some in endpoints.values() for each in some])
    mappers = {host: reaches[Endpoint(host, RPC_PORT)] for host in hosts}
    tasks = {host: _mapping(dialer, reach, timeout) for host, reach in mappers.items() if reach.connected}
    dynamic = all_at_once(tasks, 4 * timeout)
    late = DynamicPort(obstacle="the endpoint mapper did not answer in time")
    return tuple(
        ControllerReach(
            host,
            "the PDC emulator" if pdc_host and _same(host, pdc_host) else _ROLES[found_by],
            found_by == "configured" or bool(pdc_host and _same(host, pdc_host)),
            {each.port: reaches[each] for each in endpoints[host]},
            dynamic.get(host, late) if host in tasks else None,
        )
        for host, found_by in hosts.items()
    )


_ROLES = {"configured": "configured", "dns": "found in DNS", "directory": "the PDC emulator", "export": "in the export"}


def _mapping(dialer: SocketDialer, mapper: Reach, timeout: float) -> Callable[[], DynamicPort]:
    from preflight.network.endpoint_mapper import REPLICATION, MapperError, port_of

    def run() -> DynamicPort:
        probe, connection = dialer.open(mapper.endpoint, mapper.furthest.address, tls=False)
        if connection is None:
            return DynamicPort(obstacle=probe.message)
        with connection:
            try:
                port = port_of(connection, REPLICATION, time.monotonic() + timeout)
            except MapperError as error:
                return DynamicPort(obstacle=str(error))
        return DynamicPort(port, dialer.reach(Endpoint(mapper.endpoint.host, port)))

    return run


def _resolvers(settings: DomainSettings, dialer: SocketDialer, timeout: float) -> tuple[ResolverReach, ...]:
    from preflight.network.resolver import DnsResolver

    record = f"{CONTROLLERS_RECORD}.{settings.name}"
    servers = [settings.nameserver] if settings.nameserver is not None else system_nameservers()

    def ask(server: Endpoint) -> Callable[[], ServiceRecords]:
        return lambda: DnsResolver(str(server), lifetime=timeout).services(record)

    # A server that drops everything costs one time-out, not one for UDP and another one for TCP.
    connecting: Together[str, Mapping[Endpoint, Reach]] = Together()
    connecting.start("tcp", lambda: dialer.reach_all(servers))
    answers = all_at_once({server: ask(server) for server in servers}, timeout + 2)
    reaches = connecting.results(2 * timeout + 4)["tcp"]
    silent = ServiceRecords(record, "dns-timeout", message="no answer in time")
    return tuple(ResolverReach(str(each), answers.get(each, silent), reaches[each]) for each in servers)


def system_nameservers() -> Sequence[Endpoint]:
    """The DNS servers of this machine; none where they can't be found out."""
    import dns.exception
    import dns.resolver

    try:
        servers = dns.resolver.Resolver().nameservers
    except (dns.exception.DNSException, OSError):
        return ()
    return [Endpoint(server, DNS_PORT) for server in dict.fromkeys(servers) if isinstance(server, str)]


def _same(one: str, other: str) -> bool:
    return one.lower().rstrip(".") == other.lower().rstrip(".")
