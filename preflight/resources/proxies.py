"""The proxy: where it is set, and whether the ways that the settings name lead to the relays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from preflight.api import Target, Unavailable
from preflight.config import Configuration, ConfigurationError, ProxySettings, read_from
from preflight.config.settings import PasswordFromPrompt
from preflight.network.endpoint import Endpoint
from preflight.network.machine_config import MachineConfig
from preflight.network.model import Reach
from preflight.network.port import Dialer
from preflight.network.proxy import Credentials, Proxy, proxy_from_environment
from preflight.network.proxy_ways import CONFIGURATION, DIRECT, ENVIRONMENT, MACHINE_CONFIG, ProxySource, ProxyWays
from preflight.network.relays import Relay, RelayPorts, RelayReach
from preflight.network.together import all_at_once
from preflight.resources.provider import Resources, provides

Route = Callable[[Endpoint], Proxy | None]


def proxy_of(resources: Resources) -> Route:
    """The configured proxy for every endpoint; else what .NET's machine.config says about each, if it is given and
    says it; else what the environment says.

    Raises:
        Unavailable: (the function) the proxy of the environment cannot be read.
    """
    return route_of(resources.setting.configuration, resources.setting.environ)


def route_of(configuration: Configuration, environ: Mapping[str, str]) -> Route:
    """The same, before a run."""
    routes = _routes(configuration, environ)
    if CONFIGURATION in routes:
        return routes[CONFIGURATION]
    if MACHINE_CONFIG in routes:
        return routes[MACHINE_CONFIG]
    return routes[ENVIRONMENT]


@provides("run")
def proxy_ways(resources: Resources, _: Target) -> ProxyWays:
    from preflight.resources.ways import relay_list

    routes = _routes(resources.setting.configuration, resources.setting.environ)
    try:
        config, problem = _machine_config(resources.setting.configuration), ""
    except ValueError as error:
        config, problem = None, str(error)
    environment_set = any(
        resources.setting.environ.get(name) for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    )
    given = {
        CONFIGURATION: CONFIGURATION in routes,
        MACHINE_CONFIG: resources.setting.configuration.network.machine_config is not None,
        ENVIRONMENT: environment_set,
    }
    way: Dialer = resources.get("dialer")
    if not any(given.values()) or way.origin == "recorded":
        return ProxyWays()
    relays = relay_list(resources)
    sources = []
    for name in (name for name, is_given in given.items() if is_given):
        if name not in routes:
            sources.append(ProxySource(name, problem or str(config), problem=problem))
            continue
        says = {relay: _way(routes[name](relay.endpoint)) for relay in relays}
        sources.append(ProxySource(name, ", ".join(dict.fromkeys(says.values())), says))
    taken = {relay: f"proxy {relay.proxy}" if relay.proxy else DIRECT for relay in relays}
    if {*taken.values(), *(way for source in sources for way in source.ways.values())} <= {DIRECT}:
        return ProxyWays(tuple(sources), taken)
    return _tried(resources, routes, ProxyWays(tuple(sources), taken))


def _tried(resources: Resources, routes: Mapping[str, Route], known: ProxyWays) -> ProxyWays:
    """With every way tried, all at once; the one that the run takes was tried already."""
    dialer: Dialer = resources.get("dialer")
    proxies: dict[str, Proxy | None] = {DIRECT: None}
    wanted: dict[str, list[Relay]] = {}
    for relay, taken in known.taken.items():
        for way in {DIRECT, *(source.ways[relay] for source in known.sources if source.decides)} - {taken}:
            wanted.setdefault(way, []).append(relay)
        for route in routes.values():
            proxy = route(relay.endpoint)
            proxies.setdefault(_way(proxy), proxy)

    def by(way: str) -> Mapping[Endpoint, Reach]:
        return dialer.by(proxies[way]).reach_all([relay.endpoint for relay in wanted[way]], tls=True)

    def ports() -> Mapping[Relay, Mapping[int, str]]:
        found: RelayPorts = resources.get("relay_ports")
        return {relay: {each.endpoint.port: each.code for each in reaches} for relay, reaches in found.reaches.items()}

    seconds = 4 * resources.setting.configuration.network.timeout
    others = all_at_once({way: partial(by, way) for way in wanted}, seconds)
    own: RelayReach = resources.get("relay_reach")
    reaches = {relay: {known.taken[relay]: reach} for relay, reach in own.reaches.items()}
    for way, relays in wanted.items():
        if way not in others:
            raise Unavailable(f"the way {way} could not be tried in time", code="timed-out")
        for relay in relays:
            reaches[relay][way] = others[way][relay.endpoint]
    return ProxyWays(known.sources, known.taken, reaches, ports())


def _routes(configuration: Configuration, environ: Mapping[str, str]) -> dict[str, Route]:
    """Of the settings that decide; the environment always does, be it for the direct way."""
    network = configuration.network
    routes: dict[str, Route] = {}
    if network.proxy is not None:
        proxy = _configured(network.proxy, environ)
        routes[CONFIGURATION] = lambda _: proxy
    try:
        config = _machine_config(configuration)
    except ValueError:
        config = None  # the finding of network.proxy
    if config is not None and config.decides:
        routes[MACHINE_CONFIG] = config.way

    def from_environment(endpoint: Endpoint) -> Proxy | None:
        try:
            return proxy_from_environment(endpoint, environ)
        except ValueError as error:
            raise Unavailable(
                f"the proxy that the environment names can't be used: {error}",
                code="proxy-unreadable",
                remedy="Correct HTTPS_PROXY, or set [network] proxy.",
            ) from None

    return {**routes, ENVIRONMENT: from_environment}


def _machine_config(configuration: Configuration) -> MachineConfig | None:
    path = configuration.network.machine_config
    return None if path is None else MachineConfig.read(path)


def _configured(settings: ProxySettings, environ: Mapping[str, str]) -> Proxy:
    if settings.user is None:
        return Proxy(settings.endpoint)
    password = settings.password
    source = settings.password_source
    if source is not None and not isinstance(source, PasswordFromPrompt):
        try:
            password = read_from(source, f"The password of {settings.user} (proxy)", environ, "proxy_")
        except ConfigurationError as error:
            raise Unavailable(str(error), code="password-unreadable", remedy="Set it, then run again.") from None
    return Proxy(settings.endpoint, Credentials(settings.user, password.reveal() if password else ""))


def _way(proxy: Proxy | None) -> str:
    return DIRECT if proxy is None else f"proxy {proxy}"
