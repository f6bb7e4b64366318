"""The way from this machine to the relays of Service Bus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from preflight.api import Finding, Later, Severity, Unavailable, check, fail, not_applicable, passed, warn
from preflight.network.latency import Latency
from preflight.network.model import Reach
from preflight.network.reasons import DNS_CODES, PROBE_CODES, REASONS
from preflight.network.relays import Relay, RelayLatency, RelayNames, RelayPorts, RelayReach

_NAME_CODES = {code: REASONS[code].meaning for code in DNS_CODES}
_WAY_CODES = {code: REASONS[code].meaning for code in PROBE_CODES}

_CONNECTIVITY = ("31044", "32002", "32014", "SSPR_0030")


@check(
    id="dns.relays-resolve",
    title="The names of the Service Bus relays resolve",
    severity=Severity.BLOCKER,
    each="relay",
    codes={**_NAME_CODES, "documented-name-unresolved": "a documented example does not resolve, others do"},
    event_codes=_CONNECTIVITY,
)
def relays_resolve(relay: Relay, relay_names: RelayNames) -> Iterator[Finding]:
    """Asks DNS, and the operating system, for the addresses of each Service Bus relay.

    The sync server holds outbound connections to its tenant's relays; a name that doesn't resolve is a relay that is
    never reached. Configured names (`[service_bus] namespaces`) must all resolve: the service listens on two relays
    and reports 31044 as soon as either is down. Without a configuration the documented names are asked for. They are
    regional examples, so one of them may be missing without fault of the site; all of them missing is a fault.

    Behind a proxy the proxy resolves names, and the check does not apply.

    To mend: let the DNS server forward to the internet, or remove the local zone that hides the name.
    """
    if relay.proxy:
        yield not_applicable(f"{relay.host} is resolved by the proxy {relay.proxy}", subject=relay.host)
        return
    if relay.endpoint.is_address:
        yield not_applicable(f"{relay.host} is configured as an address", subject=relay.host)
        return
    resolution = relay_names.resolutions[relay]
    evidence = {
        "addresses": list(resolution.addresses),
        "cname_chain": list(resolution.cname_chain),
        "server": resolution.server,
    }
    if resolution.resolved:
        note = f" ({resolution.note})" if resolution.note else ""
        yield passed(
            f"{relay.host} resolves to {', '.join(resolution.addresses)}{note}", subject=relay.host, evidence=evidence
        )
    elif relay.documented and relay_names.any_documented_resolves():
        yield warn(
            "documented-name-unresolved",
            f"{relay.host}, a documented example, does not resolve: {resolution.message}",
            subject=relay.host,
            expected="an address; as other documented names resolve, this one may simply have been retired",
            observed=resolution.message,
            remedy=_own_namespaces(),
            evidence=evidence,
        )
    else:
        reason = REASONS[resolution.code]
        yield fail(
            resolution.code,
            f"{relay.host} does not resolve: {resolution.message}",
            subject=relay.host,
            expected="at least one address",
            observed=reason.meaning,
            remedy=reason.remedy,
            evidence=evidence,
        )


@check(
    id="network.relay-443",
    title="The Service Bus relays are reached on HTTPS 443",
    severity=Severity.BLOCKER,
    each="relay",
    requires=("dns.relays-resolve",),
    codes={
        **_WAY_CODES,
        "address-dead": "one address of several does not answer",
        "documented-relay-down": "a documented example does not answer, others do",
        "loss": "some connections get lost on the way, or come about late",
        "latency-unmeasured": "how long connections take could not be measured",
    },
    event_codes=_CONNECTIVITY,
)
def relay_443(relay: Relay, relay_reach: RelayReach, relay_latency: Later[RelayLatency]) -> Iterator[Finding]:
    """Opens a connection to each relay on HTTPS 443, directly or through the proxy, and verifies its certificate.

    This is the one port that writeback needs. Each address of each name is tried, a few times where it answers: how
    long that takes is in the evidence, and a request that had to be sent again is a warning. Configured relays must
    all answer. Of the documented ones all down is a fault, some down a warning, and all up proves only that the
    wildcard rule `*.servicebus.windows.net` works on these names, not on the tenant's own: those stand in the text of
    events 31019 and 31034 on the sync server.

    To mend: allow outbound TCP 443 from the sync server, without TLS inspection and with an idle time-out of at
    least 6 minutes, to the relays.
    """
    reach = relay_reach.reaches[relay]
    evidence = _evidence(reach)
    if reach.connected:
        proven = "; not proven for your tenant's own namespaces" if relay.documented else ""
        tls = reach.furthest.tls
        version = f", {tls.version}" if tls else ""
        latencies: Sequence[Latency] = ()
        try:
            latencies = relay_latency().latencies[relay]
        except Unavailable as obstacle:
            yield warn(
                "latency-unmeasured",
                f"{relay}: how long connections take could not be measured: {obstacle.reason}",
                subject=str(relay),
                expected="a few connections one after the other",
                observed=obstacle.reason,
                remedy=obstacle.remedy or "Run again.",
            )
        evidence["latency_ms"] = {each.address: _milliseconds(each) for each in latencies if each.durations}
        yield passed(f"{relay} answers ({_via(reach)}{version}){proven}", subject=str(relay), evidence=evidence)
        for each in latencies:
            if each.lost:
                yield warn(
                    "loss",
                    f"{relay}: of {each.tries} connections to {each.address}, {each.lost} got lost on the way",
                    subject=f"{relay} {each.address}",
                    expected="every connection comes about at once",
                    observed=f"{each.failed} did not come about; slowest {each.maximum:.1f} s",
                    remedy="Look for an overloaded line or firewall, or a rule that limits new connections.",
                    evidence=_milliseconds(each),
                )
        for probe in reach.failures:
            yield warn(
                "address-dead",
                f"{relay}: the address {probe.address} does not answer: {probe.message}",
                subject=f"{relay} {probe.address}",
                expected="every address of the name answers, as a client may be given any of them",
                observed=probe.message,
                remedy=_remedy(probe.code),
            )
    elif relay.documented and relay_reach.any_documented_answers():
        yield warn(
            "documented-relay-down",
            f"{relay}, a documented example, is not reached: {reach.message}",
            subject=str(relay),
            expected="a connection; as other documented relays answer, this one may simply have been retired",
            observed=reach.message,
            remedy=_own_namespaces(),
            evidence=evidence,
        )
    else:
        yield fail(
            reach.code,
            f"{relay} is not reached: {reach.message}",
            subject=str(relay),
            expected=f"a verified TLS connection to {relay}",
            observed=reach.reason.meaning if reach.reason else reach.code,
            remedy=_remedy(reach.code),
            evidence=evidence,
        )


@check(
    id="network.relay-ports",
    title="The relays are reached on the ports that event 32011 names",
    severity=Severity.ADVISORY,
    each="relay",
    requires=("dns.relays-resolve",),
    codes=_WAY_CODES,
    event_codes=("32011",),
)
def relay_ports(relay: Relay, relay_ports: RelayPorts) -> Iterator[Finding]:
    """Opens a TCP connection to each relay on ports 9350 to 9354 (`[service_bus] relay_ports`).

    These ports stand in the text of event 32011, from 2017 until today, and nowhere else: the relay falls back to
    HTTPS 443 where they are closed. So a closed one is a warning, unless the configuration says
    `relay_ports_required = true`.

    To mend: allow outbound TCP 9350-9354 from the sync server to the relays, or leave it at 443.
    """
    reaches = relay_ports.reaches[relay]
    if not reaches:
        yield not_applicable("no further ports are configured")
        return
    judge = fail if relay_ports.required else warn
    for reach in reaches:
        if reach.connected:
            yield passed(f"{reach.endpoint} is open ({_via(reach)})", subject=str(reach.endpoint))
        else:
            yield judge(
                reach.code,
                f"{reach.endpoint} is not reached: {reach.message}",
                subject=str(reach.endpoint),
                expected="an open port"
                if relay_ports.required
                else "an open port, or none at all: the relay falls back to HTTPS 443",
                observed=reach.reason.meaning if reach.reason else reach.code,
                remedy=_remedy(reach.code),
                evidence=_evidence(reach),
            )


def _milliseconds(latency: Latency) -> dict[str, object]:
    return {
        "min": round(latency.minimum * 1000, 1),
        "median": round(latency.median * 1000, 1),
        "max": round(latency.maximum * 1000, 1),
        "tries": latency.tries,
        "lost": latency.lost,
    }


def _via(reach: Reach) -> str:
    probe = reach.furthest
    return f"{probe.via}, {probe.address}" if probe.address else probe.via


def _evidence(reach: Reach) -> dict[str, object]:
    return {
        "probes": [
            {
                "address": probe.address,
                "via": probe.via,
                "code": probe.code,
                "message": probe.message,
                "duration_s": round(probe.duration, 3),
                **({"tls": probe.tls.version, "issuer": probe.tls.issuer} if probe.tls else {}),
            }
            for probe in reach.probes
        ],
        **({"note": reach.note} if reach.note else {}),
    }


def _remedy(code: str) -> str:
    return REASONS[code].remedy if code in REASONS else "See the probes in the evidence."


def _own_namespaces() -> str:
    return (
        "Put your tenant's own namespaces, which stand in the text of events 31019 and 31034 on the sync server, "
        "into [service_bus] namespaces."
    )
