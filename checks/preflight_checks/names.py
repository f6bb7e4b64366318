"""What resolvers say about the names of the service, compared."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import Finding, Severity, check, fail, not_applicable, passed, unknown, warn
from preflight.network.lookups import Lookup
from preflight.network.names import ODDITIES, Resolution


@check(
    id="dns.resolvers-agree",
    title="DNS and this machine agree on the names of the service",
    severity=Severity.ADVISORY,
    each="run",
    codes={
        "sinkhole": "a filter answers with an address that leads nowhere",
        "private-address": "an address of a private network, where no private link is announced",
        "system-unresolved": "DNS answers, and the operating system's resolver does not",
        "servers-differ": "a name server of the configuration answers otherwise",
        **ODDITIES,
    },
    event_codes=("31044", "32002"),
)
def resolvers_agree(lookups: tuple[Lookup, ...]) -> Iterator[Finding]:
    """Compares what DNS and the operating system say about each relay and each name of the web service, and what the
    domains' own name servers (`nameserver`) say.

    Programs take the operating system's answer, which the hosts file, a name resolution policy or a search domain may
    change. A filter may answer with an address that leads nowhere (0.0.0.0, 127.0.0.1), and a zone of one's own with
    a private one. Private addresses are right only behind a private link, which shows in the chain of names
    (privatelink.servicebus.windows.net). A name that nobody resolves is the finding of `dns.relays-resolve`.

    To mend: take the name out of the hosts file, the filter or the local zone; let every DNS server forward it.
    """
    if not lookups:
        yield not_applicable("every relay is configured as an address")
    for lookup in lookups:
        if lookup.proxy:
            yield not_applicable(f"{lookup.name} is resolved by the proxy {lookup.proxy}", subject=lookup.name)
        elif lookup.resolution is not None:
            yield from _judged(lookup, lookup.resolution)


def _judged(lookup: Lookup, resolution: Resolution) -> Iterator[Finding]:
    oddities = [*_addresses(lookup), *_resolvers(lookup, resolution)]
    yield from oddities
    if oddities:
        return
    if not resolution.resolved:
        yield not_applicable(f"{lookup.name} does not resolve: {resolution.message}", subject=lookup.name)
        return
    link = ", by a private link" if lookup.private_link else ""
    yield passed(
        f"{lookup.name} is {', '.join(lookup.addresses)} to everybody who was asked{link}",
        subject=lookup.name,
        evidence=_evidence(lookup, resolution),
    )


def _addresses(lookup: Lookup) -> Iterator[Finding]:
    assert lookup.resolution is not None
    if lookup.sinkholes:
        yield fail(
            "sinkhole",
            f"{lookup.name} is answered with {', '.join(lookup.sinkholes)}, which leads nowhere",
            subject=lookup.name,
            expected="the service's own addresses",
            observed=_who_says(lookup, lookup.sinkholes),
            remedy=f"Allow {lookup.name} in the DNS filter, or take it out of the hosts file.",
            evidence=_evidence(lookup, lookup.resolution),
        )
    elif lookup.private and not lookup.private_link:
        yield warn(
            "private-address",
            f"{lookup.name} is answered with the private address {', '.join(lookup.private)}",
            subject=lookup.name,
            expected="public addresses, or a chain of names through privatelink",
            observed=_who_says(lookup, lookup.private),
            remedy="If a private link is meant, nothing; else take the name out of the local zone or filter.",
            evidence=_evidence(lookup, lookup.resolution),
        )


def _resolvers(lookup: Lookup, resolution: Resolution) -> Iterator[Finding]:
    if resolution.code == "system-unresolved":
        yield fail(
            "system-unresolved",
            f"{lookup.name}: {resolution.message}",
            subject=lookup.name,
            expected="the operating system, whose answer programs take, knows the name",
            observed="it does not",
            remedy="Check the hosts file, the name resolution policy and the DNS client service of this machine.",
            evidence=_evidence(lookup, resolution),
        )
    for oddity in resolution.oddities:
        judge = unknown if oddity == "system-late" else warn
        yield judge(
            oddity,
            f"{lookup.name}: {resolution.note}",
            subject=lookup.name,
            expected="one answer from everybody",
            observed=ODDITIES[oddity],
            remedy=_REMEDIES[oddity],
            evidence=_evidence(lookup, resolution),
        )
    for server, other in lookup.disagreeing.items():
        theirs = ", ".join(other.addresses) or other.message
        mine = ", ".join(resolution.connectable) or resolution.message
        yield warn(
            "servers-differ",
            f"{lookup.name}: the name server {server} says {theirs}, this machine {mine}",
            subject=f"{lookup.name} {server}",
            expected="one answer from everybody: the sync server may ask either",
            observed=f"{server}: {theirs}",
            remedy=f"Let {server} forward the name to the internet; find out which servers the sync server asks.",
            evidence=_evidence(lookup, resolution),
        )


_REMEDIES = {
    "half-answer": "Check the DNS server: clients wait for the half that does not come.",
    "system-late": "See which DNS server of this machine does not answer (ipconfig /all, /etc/resolv.conf).",
    "system-differs": "Look for the name in the hosts file and in the name resolution policy.",
    "hosts-only": "Take the name out of the hosts file: the service's addresses change without notice.",
    "search-domain": "Remove the wildcard record from the search domain, or the search domain from this machine.",
}


def _who_says(lookup: Lookup, addresses: tuple[str, ...]) -> str:
    assert lookup.resolution is not None
    says = {lookup.resolution.server or "DNS": lookup.resolution.addresses}
    says |= {"the operating system": lookup.resolution.system_addresses or ()}
    says |= {server: other.addresses for server, other in lookup.others.items()}
    who = [name for name, said in says.items() if set(said) & set(addresses)]
    return f"{', '.join(addresses)}, says {' and '.join(who) or 'DNS'}"


def _evidence(lookup: Lookup, resolution: Resolution) -> dict[str, object]:
    return {
        "addresses": list(resolution.addresses),
        "system_addresses": list(resolution.system_addresses or ()),
        "cname_chain": list(resolution.cname_chain),
        "server": resolution.server,
        **({"note": resolution.note} if resolution.note else {}),
        **({"others": {server: _said(each) for server, each in lookup.others.items()}} if lookup.others else {}),
    }


def _said(resolution: Resolution) -> list[str] | str:
    return list(resolution.addresses) if resolution.resolved else resolution.code
