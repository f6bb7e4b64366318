"""From tables to settings: what each key may be, what it defaults to, and which keys exclude each other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from preflight.config import addresses
from preflight.config.document import Document, Table, read_document
from preflight.config.domain import read_domain
from preflight.config.namespaces import read_namespaces
from preflight.config.schedule import read_duration, read_history, read_monitor
from preflight.config.settings import (
    RELAY_PORTS,
    Cloud,
    Configuration,
    Connector,
    DomainSettings,
    EventSettings,
    NetworkSettings,
    PasswordFromEnvironment,
    PasswordFromFile,
    ProxySettings,
    ServiceBusSettings,
    SyncServerMode,
    SyncServerSettings,
)
from preflight.config.values import REFUSED, account, address, file, not_empty
from preflight.network.idle import DEFAULT_IDLE, LONGEST_IDLE, NEEDED

ENVIRONMENT_VARIABLE = "PREFLIGHT_CONFIG"

LONGEST_TIMEOUT = 120.0
"""Seconds. Nothing that answers later than this will carry a password reset."""

_CLOUDS = ("public", "us-government", "china")


def locate(option: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file: `--config`, else PREFLIGHT_CONFIG, else none. The working directory is never searched,
    since a file found there could send credentials to a stranger's host."""
    if option is not None:
        return option
    named = environ.get(ENVIRONMENT_VARIABLE, "")
    return Path(named) if named else None


def load(path: Path) -> Configuration:
    """Read and check a configuration file. Sends nothing.

    Raises:
        ConfigurationError
    """
    document, values = read_document(path)
    return _configuration(document, values)


def from_options(
    domain: str | None = None,
    user: str | None = None,
    *,
    controllers: Sequence[str] = (),
    auth: str | None = None,
    password_env: str | None = None,
    password_file: str | None = None,
    ca_file: str | None = None,
    nameserver: str | None = None,
    ldif: str | None = None,
    connector_account: str | None = None,
    cloud: str | None = None,
    proxy: str | None = None,
    timeout: float | None = None,
) -> Configuration:
    """The start without a file: one domain, or none for network checks alone. Paths start from the working directory.

    Raises:
        ConfigurationError: it names the option.
    """
    options = {
        "name": domain,
        "user": user,
        "controllers": list(controllers) or None,
        "auth": auth,
        "password_env": password_env,
        "password_file": password_file,
        "ca_file": ca_file,
        "nameserver": nameserver,
        "ldif": ldif,
        "connector_account": connector_account,
    }
    network = {"cloud": cloud, "proxy": proxy, "timeout": timeout}
    about_domain = {key: value for key, value in options.items() if value is not None}
    values: dict[str, Any] = {"network": {key: value for key, value in network.items() if value is not None}}
    if about_domain:
        values["domain"] = [about_domain]
    return _configuration(Document(None, Path.cwd()), values)


def adjusted(
    configuration: Configuration,
    *,
    idle: float | None = None,
    namespaces_from: Path | None = None,
    machine_config: str | None = None,
    waivers: Path | None = None,
) -> Configuration:
    """The configuration with what the command line says for this run only.

    Raises:
        ConfigurationError: it names the option.
    """
    if idle is not None:
        table = Table(Document(None, Path.cwd()), "network", {"idle_seconds": idle})
        configuration = replace(
            configuration, network=replace(configuration.network, idle_seconds=_idle_seconds(table))
        )
    if namespaces_from is not None:
        bus = configuration.service_bus
        names = tuple(dict.fromkeys([*bus.namespaces, *read_namespaces(namespaces_from)]))
        configuration = replace(configuration, service_bus=replace(bus, namespaces=names))
    if machine_config is not None:
        table = Table(Document(None, Path.cwd()), "network", {"machine_config": machine_config})
        network = replace(configuration.network, machine_config=file(table, "machine_config"))
        configuration = replace(configuration, network=network)
    return configuration if waivers is None else replace(configuration, waivers=waivers)


def _configuration(document: Document, values: Mapping[str, Any]) -> Configuration:
    root = Table(document, "", values)
    root.only(
        ("connector", "domain", "network", "service_bus", "events", "sync_server", "waivers", "history", "monitor")
    )
    warnings: list[str] = []
    domains: dict[str, DomainSettings] = {}
    for table in root.tables("domain"):
        settings = read_domain(table, warnings)
        if settings.name in domains:
            raise table.error(
                "name", f"the domain {settings.name} is configured twice", "Keep one [[domain]] table for each domain."
            )
        domains[settings.name] = settings
    return Configuration(
        connector=_connector(root.table("connector")),
        domains=tuple(domains.values()),
        network=_network(root.table("network"), warnings),
        service_bus=_service_bus(root.table("service_bus")),
        events=_events(root.table("events")),
        sync_server=_sync_server(root.table("sync_server")),
        waivers=_waivers(root.table("waivers")),
        history=read_history(root.table("history")) if "history" in root else None,
        monitor=read_monitor(root.table("monitor")),
        source=document.file,
        warnings=tuple(warnings),
    )


def _events(table: Table) -> EventSettings:
    """Nothing is opened here: the log in use changes all the time, and an export may come later."""
    table.only(("logs", "fresh"))
    logs = not_empty(table, "logs", "Leave it out where no log is to be looked at.")
    return EventSettings(
        logs=tuple(dict.fromkeys(table.document.base / log for log in logs)),
        fresh=read_duration(table, "fresh", EventSettings().fresh),
    )


def _sync_server(table: Table) -> SyncServerSettings:
    table.only(("mode",))
    return SyncServerSettings(cast(SyncServerMode, table.choice("mode", ("active", "staging"), "")))


def _waivers(table: Table) -> Path | None:
    table.only(("file",))
    return file(table, "file")


def _connector(table: Table) -> Connector:
    table.only(("account", "source_anchor"), REFUSED)
    anchor = table.string("source_anchor")
    if anchor is not None and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", anchor):
        raise table.error(
            "source_anchor", "this is no attribute's name", 'Such as "mS-DS-ConsistencyGuid" or "objectGUID".'
        )
    return Connector(account(table, "account"), anchor)


_PROXY_SIGN_IN = ("proxy_user", "proxy_password_env", "proxy_password_file")
_NETWORK_KEYS = ("cloud", "proxy", *_PROXY_SIGN_IN, "machine_config", "timeout", "idle_seconds")


def _network(table: Table, warnings: list[str]) -> NetworkSettings:
    table.only(_NETWORK_KEYS, REFUSED)
    timeout = table.number("timeout", NetworkSettings().timeout)
    if not 0 < timeout <= LONGEST_TIMEOUT:  # false for nan, too
        raise table.error(
            "timeout",
            f"{timeout:g} is not a usable time-out" if abs(timeout) < 1e300 else "this is not a usable time-out",
            f"It is in seconds: more than 0, at most {LONGEST_TIMEOUT:g}; the default is 5.",
        )
    text = table.string("proxy")
    proxy = None if text is None else address(table, "proxy", text, addresses.proxy)
    if proxy is not None and proxy.password is not None and table.document.file is not None:
        warnings.append(
            f"{table.document.where(table.path('proxy'))}: the proxy's URL holds a password. Better leave proxy out "
            "and set the environment variable HTTPS_PROXY to the URL."
        )
    cloud = cast(Cloud, table.choice("cloud", _CLOUDS, "public"))
    return NetworkSettings(
        cloud, _with_sign_in(table, proxy), float(timeout), _idle_seconds(table), file(table, "machine_config")
    )


def _with_sign_in(table: Table, proxy: ProxySettings | None) -> ProxySettings | None:
    """The proxy with proxy_user, and where the password is."""
    given = [key for key in _PROXY_SIGN_IN if key in table]
    if not given:
        return proxy
    if proxy is None:
        raise table.error(given[0], "this is about a proxy, and none is named", "Add proxy beside it.")
    if proxy.user is not None:
        raise table.error(given[0], "the proxy's URL holds a user already", "Write it in one place only.")
    user, variable = table.string("proxy_user"), table.string("proxy_password_env")
    path = file(table, "proxy_password_file")
    if user is None:
        raise table.error(given[0], "the proxy's user is missing", 'Add proxy_user = "svc-sync@contoso.com".')
    if variable is not None and path is None:
        return replace(proxy, user=user, password_source=PasswordFromEnvironment(variable))
    if path is not None and variable is None:
        return replace(proxy, user=user, password_source=PasswordFromFile(path))
    raise table.error(
        "proxy_user", "its password comes from one place", "Set either proxy_password_env or proxy_password_file."
    )


def _idle_seconds(table: Table) -> float:
    seconds = table.number("idle_seconds", DEFAULT_IDLE)
    if not 1 <= seconds <= LONGEST_IDLE:
        raise table.error(
            "idle_seconds",
            f"{seconds:g} is not a usable time" if abs(seconds) < 1e300 else "this is not a usable time",
            f"In seconds, from 1 to {LONGEST_IDLE:g}; the default is {DEFAULT_IDLE:g}, and {NEEDED:g} are needed.",
        )
    return float(seconds)


def _service_bus(table: Table) -> ServiceBusSettings:
    table.only(("namespaces", "namespaces_from", "relay_ports", "relay_ports_required"), REFUSED)
    names = not_empty(table, "namespaces", "Leave it out to try the cloud's documented names.")
    found = [address(table, "namespaces", name, lambda text: addresses.endpoint(text, 443)) for name in names]
    events = table.string("namespaces_from")
    if events is not None:
        found += read_namespaces(table.document.base / events)
    ports = table.integers("relay_ports", RELAY_PORTS)
    if wrong := [port for port in ports if not 1 <= port <= 65535]:
        shown = wrong[0] if abs(wrong[0]) < 10**9 else "this"
        raise table.error("relay_ports", f"{shown} is no port", "A port is a number from 1 to 65535.")
    return ServiceBusSettings(
        namespaces=tuple(dict.fromkeys(found)),
        relay_ports=tuple(dict.fromkeys(ports)),
        relay_ports_required=table.boolean("relay_ports_required", False),
    )
