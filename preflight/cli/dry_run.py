"""The text of `preflight run --dry-run`: which hosts, ports and searches, as whom. Nothing is sent or read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from preflight.api import Unavailable
from preflight.cli.keeping import MONITOR
from preflight.config import Configuration, DomainSettings
from preflight.directory.distinguished_name import domain_to_dn
from preflight.directory.port import USER_ACCOUNT
from preflight.directory.users.anchors import Anchors
from preflight.directory.users.blocked import Blocked
from preflight.directory.users.connector import CONNECTOR_ATTRIBUTES
from preflight.directory.users.membership import GROUP_ATTRIBUTES
from preflight.directory.users.scope import SCOPE_ATTRIBUTES
from preflight.network.clouds import CLOUDS
from preflight.network.endpoint import Endpoint
from preflight.network.proxy import Proxy
from preflight.outputs.text import printable
from preflight.plan import Plan
from preflight.resources.directories import CONTROLLERS_RECORD, PDC_RECORD
from preflight.resources.proxies import route_of

_FOLD_CHECKS = ("permissions.", "anchors.")


@dataclass(frozen=True, slots=True)
class PlannedSearch:
    """An LDAP search that a run may send.

    Attributes:
        needed_by: beginnings of check ids.
        base: with {domain}, {forest} for the DNs.
    """

    what: str
    needed_by: tuple[str, ...]
    base: str
    scope: str
    filter: str
    attributes: Iterable[str]


SEARCHES = (
    PlannedSearch(
        "what the controller says of itself", ("dc.", "directory."), '""', "base", "(objectClass=*)", ("*", "+")
    ),
    PlannedSearch(
        "the head of the domain, its policy and its descriptor",
        ("directory.", "account.", "permissions.", "policy.", "anchors.", "dc.discovered"),
        "{domain}",
        "base",
        "(objectClass=*)",
        ("minPwdAge", "maxPwdAge", "lockoutDuration", "...", "fSMORoleOwner", "nTSecurityDescriptor"),
    ),
    PlannedSearch(
        "the forest's settings and who holds the PDC role",
        ("directory.", "account.", "permissions.", "policy.", "anchors.", "dc.discovered"),
        "CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,{forest}; the PDC's server object",
        "base",
        "(objectClass=*)",
        ("dSHeuristics", "dNSHostName"),
    ),
    PlannedSearch(
        "the domains of the forest",
        ("dc.discovered",),
        "CN=Partitions,CN=Configuration,{forest}",
        "one level",
        "(objectClass=crossRef)",
        ("dnsRoot", "nCName", "nETBIOSName", "systemFlags"),
    ),
    PlannedSearch(
        "the connector account and its groups",
        ("account.", "permissions."),
        "{domain}",
        "subtree",
        f"(&(sAMAccountType={USER_ACCOUNT})(...)), then its groups by SID and member",
        sorted(CONNECTOR_ATTRIBUTES),
    ),
    PlannedSearch(
        "protected groups and what is nested in them",
        ("account.", "permissions."),
        "{domain}",
        "subtree",
        "(|(objectSid=...)), (|(distinguishedName=...))",
        sorted(GROUP_ATTRIBUTES),
    ),
    PlannedSearch(
        "everything that can hold users",
        ("permissions.", "anchors."),
        "{domain}",
        "subtree, paged",
        "(|(objectClass=organizationalUnit)(objectClass=container)...)",
        ("objectClass", "nTSecurityDescriptor"),
    ),
    PlannedSearch(
        "fine-grained password policies",
        ("policy.",),
        "CN=Password Settings Container,CN=System,{domain}",
        "base, one level",
        "(objectClass=*)",
        ("msDS-MinimumPasswordAge", "msDS-PSOAppliesTo", "..."),
    ),
    PlannedSearch(
        "what the password call reads first",
        ("permissions.sam-read",),
        "CN=Server,CN=System,{domain}; Pre-Windows 2000 Compatible Access",
        "base; by SID",
        "(objectClass=*), (objectSid=S-1-5-32-554)",
        ("nTSecurityDescriptor", "member"),
    ),
)


def describe_run(plan: Plan, configuration: Configuration, environ: Mapping[str, str]) -> str:
    """What a run of the plan would do, in the order in which it would do it."""
    lines = [f"Nothing is sent. A run of these {len(plan.checks)} checks would:", ""]
    kinds = {planned.check.each for planned in plan.checks}
    lines += [f"  {planned.check.id} ({planned.role})" for planned in plan.checks]
    if plan.profile == MONITOR and plan.folds:
        hours = configuration.monitor.audit_every.total_seconds() / 3600
        lines += ["", f"users are read unless the history says that they were within {hours:g} h"]
    if "relay" in kinds or _asks_the_service(plan):
        lines += ["", *_relays(plan, configuration, environ)]
    if kinds & {"domain", "domain-controller"} or "anchors.unique" in plan:
        for domain in configuration.domains:
            lines += ["", *_domain(plan, configuration, domain)]
        if not configuration.domains:
            lines += ["", "no domain is configured: the directory checks could not look at anything"]
    if any(planned.check.id.startswith("events.") for planned in plan.checks):
        lines += [f"read {log}; no packet" for log in configuration.events.logs]
    return "\n".join(printable(line) for line in lines) + "\n"


def _relays(plan: Plan, configuration: Configuration, environ: Mapping[str, str]) -> Iterator[str]:
    cloud = CLOUDS[configuration.network.cloud]
    own = configuration.service_bus.namespaces
    endpoints = own or tuple(Endpoint(name.host, 443) for name in cloud.relays)
    yield f"Relays of Service Bus ({'configured' if own else f'documented examples of {cloud.title}'}):"
    if not endpoints:
        yield "  none is documented by name: set [service_bus] namespaces"
    ports = configuration.service_bus.relay_ports if "network.relay-ports" in plan else ()
    route = route_of(configuration, environ)
    for endpoint in endpoints:
        more = f"; ports {', '.join(map(str, ports))}" if ports else ""
        yield f"  {_way(endpoint, route)} with TLS{more}"
    if "network.relay-443" in plan:
        yield "  a few more connections to each address, for the latency"
    if "network.tls-not-intercepted" in plan or "network.tls-versions" in plan:
        yield "  three more handshakes with each: other roots, TLS 1.2 alone, TLS 1.3 alone"
    if "network.revocation" in plan:
        yield "  HTTP on port 80 with the hosts that their certificates name for revocation"
    if "network.proxy" in plan:
        yield "  where a proxy is set: each relay directly and by every proxy that is set, to compare"
    if _asks_the_service(plan):
        for name in cloud.web_services:
            yield f"  {_way(Endpoint(name.host, 443), route)} with TLS"
        yield "  GET / of each that TLS reaches"
    if "network.websocket" in plan:
        yield "  a request for a WebSocket to each relay, and nothing on it"
    if "network.idle-survives" in plan:
        yield f"  some connections to each relay, left idle for up to {configuration.network.idle_seconds:g} s"


def _asks_the_service(plan: Plan) -> bool:
    """For its own sake, or for its clock."""
    return "network.web-service" in plan or ("clock.in-step" in plan and not plan.skips("network.web-service"))


def _way(endpoint: Endpoint, route: Callable[[Endpoint], Proxy | None]) -> str:
    try:
        proxy = route(endpoint)
    except Unavailable as error:
        return f"TCP {endpoint} through a proxy: {error.reason}"
    if proxy is not None:
        return f"CONNECT {endpoint} through the proxy {proxy.endpoint}"
    return f"TCP {endpoint}" if endpoint.is_address else f"DNS A, AAAA and TCP {endpoint}"


def _domain(plan: Plan, configuration: Configuration, domain: DomainSettings) -> Iterator[str]:
    yield f"Domain {domain.name}:"
    if domain.ldif is not None:
        yield f"  read {domain.ldif}; no packet"
        return
    yield from _controllers(domain)
    if "dc.ports" in plan:
        yield "  connect  each controller and the PDC emulator, TCP 88, 389, 445, 135, 636, 3268; the port of"
        yield "           replication, which 135 is asked for; each DNS server in use, UDP and TCP 53"
    if "dc.writable" in plan and not domain.controllers:
        yield "  ask      a controller by UDP 389 for this machine's site, and its controllers for their rootDSEs"
    password = f", password from {domain.password}" if domain.password is not None else ""
    yield f"  sign in  as {domain.user or 'the logged-on user or ticket'} by {domain.auth}{password}"
    yield "           at the controller in use; a wrong password is sent once, to one controller"
    dns = {"domain": domain_to_dn(domain.name), "forest": domain_to_dn(domain.forest or domain.name)}
    for search in SEARCHES:
        if any(planned.check.id.startswith(search.needed_by) for planned in plan.checks):
            yield from _search(search, dns)
    if any(planned.check.folds for planned in plan.checks):
        for base in domain.search_bases or (dns["domain"],):
            attributes = sorted(_user_attributes(plan, configuration))
            yield from _search(
                PlannedSearch(
                    "the users, 1000 a page",
                    _FOLD_CHECKS,
                    base,
                    "subtree, paged",
                    f"(sAMAccountType={USER_ACCOUNT})",
                    attributes,
                ),
                dns,
            )
    yield "  then unbind. No other LDAP operation is ever sent; nothing is written."


def _controllers(domain: DomainSettings) -> Iterator[str]:
    asked = str(domain.nameserver) if domain.nameserver is not None else "the system's resolver"
    if domain.controllers:
        for controller in domain.controllers:
            yield f"  connect  {controller} ({_TLS[controller.tls]}), name resolved by {asked}"
        return
    yield f"  ask DNS  SRV {CONTROLLERS_RECORD}.{domain.name} and {PDC_RECORD}.{domain.name} ({asked})"
    default = domain.controller_at("HOST")
    yield f"  connect  every controller found, port {default.port} ({_TLS[default.tls]})"


_TLS = {"ldaps": "LDAPS, verified", "starttls": "StartTLS, verified", "none": "sealed by negotiate"}


def _search(search: PlannedSearch, dns: Mapping[str, str]) -> Iterator[str]:
    yield f"  search   {search.what}"
    yield f"           base {search.base.format(**dns)}, scope {search.scope}"
    yield f"           filter {search.filter}"
    yield f"           attributes {', '.join(search.attributes)}"


def _user_attributes(plan: Plan, configuration: Configuration) -> set[str]:
    attributes = set(SCOPE_ATTRIBUTES)
    for fold in plan.folds:
        attributes |= getattr(fold, "attributes", frozenset())
    if configuration.connector.source_anchor and {Anchors, Blocked} & set(plan.folds):
        attributes.add(configuration.connector.source_anchor)
    return attributes
