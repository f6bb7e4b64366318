"""What is asked once the relays have answered: certificates, TLS versions, revocation, latency. And who says what
about their names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from preflight.api import Target, Unavailable
from preflight.network.chains import Handshakes, trials_of
from preflight.network.clouds import CLOUDS
from preflight.network.endpoint import Endpoint
from preflight.network.lookups import Lookup
from preflight.network.model import Resolution
from preflight.network.port import Dialer, Resolver
from preflight.network.relays import Relay, RelayHandshakes, RelayLatency, RelayReach, RevocationAnswers
from preflight.network.revocation import addresses_of
from preflight.network.together import all_at_once
from preflight.resources.provider import Resources, provides
from preflight.resources.ways import HTTPS, relay_list


@provides("run")
def relay_handshakes(resources: Resources, _: Target) -> RelayHandshakes:
    way: Dialer = resources.get("dialer")
    reach: RelayReach = resources.get("relay_reach")
    planned = {relay: trials_of(each) for relay, each in reach.reaches.items()}
    probes = way.try_all([trial for _, trials in planned.values() for trial in trials])
    now = None if way.origin == "recorded" else datetime.now(UTC)

    def of(relay: Relay) -> Handshakes:
        machine, trials = planned[relay]
        public = next((probes[trial] for trial in trials if trial.roots == "public"), None)
        versions = {trial.version: probes[trial] for trial in trials if trial.version}
        return Handshakes(machine, public, versions, now)

    return RelayHandshakes({relay: of(relay) for relay in planned})


@provides("run")
def relay_latency(resources: Resources, _: Target) -> RelayLatency:
    way: Dialer = resources.get("dialer")
    reach: RelayReach = resources.get("relay_reach")
    measured = way.latencies(list(reach.reaches.values()))
    return RelayLatency({relay: measured.get(relay.endpoint, ()) for relay in reach.reaches})


@provides("run")
def revocation(resources: Resources, _: Target) -> RevocationAnswers:
    way: Dialer = resources.get("dialer")
    reach: RelayReach = resources.get("relay_reach")
    chains = [probe.tls.chain for each in reach.reaches.values() for probe in each.probes if probe.tls is not None]
    return RevocationAnswers(tuple(way.ask_revocation(addresses_of(chains)).values()), len(chains))


@provides("run")
def lookups(resources: Resources, _: Target) -> tuple[Lookup, ...]:
    way: Dialer = resources.get("dialer")
    names: Resolver = resources.get("resolver")
    timeout = resources.setting.configuration.network.timeout
    try:
        relays = [relay.endpoint for relay in relay_list(resources)]
    except Unavailable:
        relays = []
    cloud = CLOUDS[resources.setting.configuration.network.cloud]
    endpoints = dict.fromkeys([*relays, *(Endpoint(name.host, HTTPS) for name in cloud.web_services)])
    proxies = {endpoint.host: way.proxy_for(endpoint) or "" for endpoint in endpoints if not endpoint.is_address}
    servers = _configured_servers(resources)
    tasks = {
        (host, server): partial(resolver.resolve, host)
        for host, proxy in proxies.items()
        if not proxy
        for server, resolver in {"": names, **servers}.items()
    }
    answers = all_at_once(tasks, 4 * timeout)
    late = partial(Resolution, code="dns-timeout", message="no answer in time")
    return tuple(
        Lookup(host, proxy=proxy)
        if proxy
        else Lookup(
            host,
            answers.get((host, "")) or late(host),
            {server: answers.get((host, server)) or late(host) for server in servers},
        )
        for host, proxy in proxies.items()
    )


def _configured_servers(resources: Resources) -> Mapping[str, Resolver]:
    """The name servers of the domains, which the run's resolver isn't."""
    if resources.setting.network is not None:
        return {}
    from preflight.network.resolver import DnsResolver

    configuration = resources.setting.configuration
    named = {str(domain.nameserver) for domain in configuration.domains if domain.nameserver is not None}
    return {server: DnsResolver(server, lifetime=configuration.network.timeout) for server in sorted(named)}
