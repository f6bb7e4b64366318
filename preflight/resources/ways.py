"""The network: relays, names, and the ways to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from preflight.api import Target, Unavailable
from preflight.network.clouds import CLOUDS
from preflight.network.endpoint import Endpoint
from preflight.network.model import Resolution
from preflight.network.port import Dialer, Resolver
from preflight.network.relays import Relay, RelayNames, RelayPorts, RelayReach
from preflight.network.together import all_at_once
from preflight.resources.provider import Resources, finds, provides
from preflight.resources.proxies import proxy_of

HTTPS = 443


@provides("run")
def resolver(resources: Resources, _: Target) -> Resolver:
    if resources.setting.network is not None:
        return resources.setting.network[0]
    from preflight.network.resolver import DnsResolver

    return DnsResolver(lifetime=resources.setting.configuration.network.timeout)


@provides("run")
def dialer(resources: Resources, _: Target) -> Dialer:
    if resources.setting.network is not None:
        return resources.setting.network[1]
    from preflight.network.dialer import SocketDialer

    return SocketDialer(
        resources.get("resolver"),
        timeout=resources.setting.configuration.network.timeout,
        proxy=proxy_of(resources),
        sign_ins=resources.setting.proxy_sign_ins,
    )


def relay_list(resources: Resources) -> Sequence[Relay]:
    """The configured relays, else the documented ones.

    Raises:
        Unavailable: none is documented for this cloud.
    """
    configuration = resources.setting.configuration
    way: Dialer = resources.get("dialer")
    if configuration.service_bus.namespaces:
        endpoints = [(endpoint, False) for endpoint in configuration.service_bus.namespaces]
    else:
        cloud = CLOUDS[configuration.network.cloud]
        endpoints = [(Endpoint(name.host, HTTPS), True) for name in cloud.relays]
        if not endpoints:
            raise Unavailable(
                f"no relay of {cloud.title} is documented by name ({', '.join(cloud.patterns)})",
                code="no-relay-known",
                remedy="Set [service_bus] namespaces to those in the text of events 31019 and 31034.",
            )
    return [Relay(endpoint, documented, way.proxy_for(endpoint) or "") for endpoint, documented in endpoints]


@finds("relay")
def relays(resources: Resources, within: Target) -> Sequence[Target]:
    return [Target("relay", str(relay), within) for relay in relay_list(resources)]


@provides("relay")
def relay(resources: Resources, target: Target) -> Relay:
    return next(relay for relay in relay_list(resources) if str(relay) == target.name)


@provides("run")
def relay_names(resources: Resources, _: Target) -> RelayNames:
    names: Resolver = resources.get("resolver")
    asked = [relay for relay in relay_list(resources) if not relay.proxy and not relay.endpoint.is_address]
    timeout = resources.setting.configuration.network.timeout

    def resolve(host: str) -> Callable[[], Resolution]:
        return lambda: names.resolve(host)

    answers = all_at_once({relay.host: resolve(relay.host) for relay in asked}, 4 * timeout)
    return RelayNames(
        {
            relay: answers.get(relay.host)
            or Resolution(relay.host, "dns-timeout", message=f"no answer about {relay.host} in {4 * timeout:g} s")
            for relay in asked
        }
    )


@provides("run")
def relay_reach(resources: Resources, _: Target) -> RelayReach:
    way: Dialer = resources.get("dialer")
    every = relay_list(resources)
    reaches = way.reach_all([relay.endpoint for relay in every], tls=True)
    return RelayReach({relay: reaches[relay.endpoint] for relay in every}, way.origin)


@provides("run")
def relay_ports(resources: Resources, _: Target) -> RelayPorts:
    way: Dialer = resources.get("dialer")
    settings = resources.setting.configuration.service_bus
    every = {relay: [Endpoint(relay.host, port) for port in settings.relay_ports] for relay in relay_list(resources)}
    reaches = way.reach_all([endpoint for endpoints in every.values() for endpoint in endpoints])
    return RelayPorts(
        {relay: tuple(reaches[endpoint] for endpoint in endpoints) for relay, endpoints in every.items()},
        settings.relay_ports_required,
        settings.relay_ports,
    )
