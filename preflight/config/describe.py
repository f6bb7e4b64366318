"""The resolved settings, for `preflight config check`. Where a password comes from is shown, never the password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from preflight.config.settings import Configuration, ControllerAddress, DomainSettings, HistorySettings, NetworkSettings

_TLS = {"ldaps": "LDAPS", "starttls": "StartTLS", "none": "sealed by negotiate, no TLS"}


def to_public_dict(configuration: Configuration) -> dict[str, Any]:
    """The settings as plain JSON-serialisable data without secrets."""
    return {
        "source": None if configuration.source is None else str(configuration.source),
        "connector": {
            "account": configuration.connector.account,
            "source_anchor": configuration.connector.source_anchor,
        },
        "domains": [_domain(domain) for domain in configuration.domains],
        "network": {
            "cloud": configuration.network.cloud,
            "proxy": None if configuration.network.proxy is None else str(configuration.network.proxy),
            "timeout": configuration.network.timeout,
            "machine_config": _path(configuration.network.machine_config),
            "idle_seconds": configuration.network.idle_seconds,
        },
        "service_bus": {
            "namespaces": [str(namespace) for namespace in configuration.service_bus.namespaces],
            "relay_ports": list(configuration.service_bus.relay_ports),
            "relay_ports_required": configuration.service_bus.relay_ports_required,
        },
        "events": {
            "logs": [str(log) for log in configuration.events.logs],
            "fresh_s": configuration.events.fresh.total_seconds(),
        },
        "sync_server": {"mode": configuration.sync_server.mode or None},
        "waivers": _path(configuration.waivers),
        "monitor": {"audit_every_s": configuration.monitor.audit_every.total_seconds()},
        "history": _history_dict(configuration.history),
        "warnings": list(configuration.warnings),
    }


def describe(configuration: Configuration) -> str:
    """The settings as lines for a person, defaults spelled out."""
    rows: list[tuple[str, str]] = [
        ("configuration", "command line options" if configuration.source is None else str(configuration.source)),
        ("connector account", configuration.connector.account or "discovered"),
        ("source anchor", configuration.connector.source_anchor or "guessed from the data, and said so"),
    ]
    for domain in configuration.domains:
        rows += [("", ""), ("domain", domain.name), *_domain_rows(domain)]
    if not configuration.domains:
        rows += [("", ""), ("domain", "none: network checks only")]
    network, bus = configuration.network, configuration.service_bus
    rows += [
        ("", ""),
        ("cloud", network.cloud),
        ("proxy", _proxy(network)),
        ("time-out", f"{network.timeout:g} s"),
        ("left idle", f"{network.idle_seconds:g} s, where network.idle-survives is asked for"),
        ("relays", ", ".join(map(str, bus.namespaces)) or "the cloud's documented names"),
        ("relay ports", ", ".join(map(str, bus.relay_ports)) or "none"),
        ("", f"a closed relay port is a {'fail' if bus.relay_ports_required else 'warning'}"),
    ]
    if configuration.waivers is not None:
        rows.append(("waivers", str(configuration.waivers)))
    if configuration.events.logs:
        minutes = configuration.events.fresh.total_seconds() / 60
        rows.append(("event logs", ", ".join(map(str, configuration.events.logs))))
        rows.append(("", f"a heartbeat is fresh for {minutes:g} minutes"))
    if configuration.sync_server.mode:
        rows.append(("this sync server", configuration.sync_server.mode))
    hours = configuration.monitor.audit_every.total_seconds() / 3600
    rows.append(("users are read", f"every {hours:g} h with --profile monitor, else in every run"))
    if configuration.history is not None:
        rows.append(("history", _history(configuration.history)))
    lines = [f"{name:<18} {value}".rstrip() for name, value in rows]
    return "\n".join([*lines, *(f"warning: {warning}" for warning in configuration.warnings)]) + "\n"


def _proxy(network: NetworkSettings) -> str:
    if network.proxy is not None:
        source = network.proxy.password_source
        return f"{network.proxy}{f', password from {source}' if source else ''}"
    if network.machine_config is not None:
        return f"that of {network.machine_config}, else the environment's"
    return "the environment's, if any"


def _history(history: HistorySettings) -> str:
    if not history.enabled:
        return "not kept"
    place = "the platform's own place" if history.file is None else str(history.file)
    return f"{place}; {history.keep.total_seconds() / 86400:g} days, at most {history.most_bytes / 1e6:g} MB"


def _history_dict(history: HistorySettings | None) -> dict[str, Any] | None:
    if history is None:
        return None
    return {
        "file": _path(history.file),
        "keep_s": history.keep.total_seconds(),
        "max_mb": history.most_bytes / 1e6,
        "enabled": history.enabled,
    }


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _domain_rows(domain: DomainSettings) -> list[tuple[str, str]]:
    scope = [
        ("  connector account", domain.connector_account or ""),
        ("  search bases", "; ".join(domain.search_bases) or "the whole domain"),
        ("  excluded", "; ".join(domain.exclude) or "nothing"),
    ]
    scope = [row for row in scope if row[1]]
    if domain.ldif is not None:
        return [("  forest", domain.forest or "what the export says"), ("  export", str(domain.ldif)), *scope]
    trust = "the system's trust store" if domain.ca_file is None else str(domain.ca_file)
    return [
        ("  forest", domain.forest or "what its controller says"),
        ("  controllers", ", ".join(map(_controller, domain.controllers)) or "found by DNS (SRV records)"),
        ("  name server", "the system's" if domain.nameserver is None else str(domain.nameserver)),
        ("  sign-in", f"{domain.auth} as {domain.user or 'the logged-on user or ticket'}"),
        ("  password from", "not needed" if domain.password is None else str(domain.password)),
        ("  certificates", "not used: negotiate seals by itself" if domain.auth == "negotiate" else trust),
        *scope,
    ]


def _controller(address: ControllerAddress) -> str:
    return f"{address} ({_TLS[address.tls]})"


def _domain(domain: DomainSettings) -> dict[str, Any]:
    return {
        "name": domain.name,
        "forest": domain.forest,
        "controllers": [
            {"host": address.host, "port": address.port, "tls": address.tls} for address in domain.controllers
        ],
        "user": domain.user,
        "password_from": None if domain.password is None else str(domain.password),
        "auth": domain.auth,
        "ca_file": None if domain.ca_file is None else str(domain.ca_file),
        "search_bases": list(domain.search_bases),
        "exclude": list(domain.exclude),
        "nameserver": None if domain.nameserver is None else str(domain.nameserver),
        "connector_account": domain.connector_account,
        "ldif": None if domain.ldif is None else str(domain.ldif),
    }
