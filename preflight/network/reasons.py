"""Why a name does not resolve or an endpoint is not reached: one table for probes, checks and explanations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

OK = "ok"


@dataclass(frozen=True, slots=True)
class Reason:
    """What a code means.

    Attributes:
        meaning: one sentence, without names: what happened and what that points to.
        remedy: what a person can do about it.
    """

    meaning: str
    remedy: str


_DNS = {
    "nxdomain": Reason(
        "DNS says that the name does not exist",
        "Check the spelling; if other networks resolve it, let the DNS server forward the name to the internet.",
    ),
    "no-answer": Reason(
        "the name exists in DNS but holds no record of the kind that was asked for",
        "Check the name; if other networks get an answer, look for a local zone or filter that hides it.",
    ),
    "servfail": Reason(
        "the DNS server could not answer (SERVFAIL): its forwarders or the zone's servers fail it",
        "Check the DNS server's forwarders, its way out to the internet, and DNSSEC validation.",
    ),
    "dns-refused": Reason(
        "the DNS server refuses to answer this machine (REFUSED)",
        "Allow this machine to query the server recursively, or use the DNS server meant for it.",
    ),
    "dns-timeout": Reason(
        "no valid answer came from a DNS server in time",
        "Let this machine reach its DNS servers on UDP and TCP port 53, and check that they run.",
    ),
    "dns-malformed": Reason(
        "the answer from the DNS server's address is no valid DNS answer",
        "Look for a device between this machine and its DNS server that answers in the server's place.",
    ),
    "dns-error": Reason(
        "the question could not be put to DNS",
        "Check the DNS servers configured on this machine.",
    ),
    "system-unresolved": Reason(
        "DNS answers, but the operating system's resolver, which programs use, does not",
        "Check the hosts file, the name resolution policy and the DNS client service of this machine.",
    ),
    "name-unresolved": Reason(
        "the name does not resolve, so there is no address to connect to",
        "Make the name resolve on this machine, or configure the proxy that resolves it.",
    ),
}

_TCP = {
    "tcp-refused": Reason(
        "the connection was refused at once: nothing listens there, or a firewall rejects it",
        "Allow outbound TCP to the host and port; if it is allowed, check that the service runs.",
    ),
    "tcp-timeout": Reason(
        "no answer to the connection request: a firewall drops it, or the host is down",
        "Allow outbound TCP to the host and port in every firewall on the way.",
    ),
    "tcp-reset": Reason(
        "the connection was reset: a device on the way or the host cut it off",
        "Look for a firewall or an intrusion prevention rule that resets connections to the host.",
    ),
    "tcp-unreachable": Reason(
        "there is no route to the address, or a firewall says so",
        "Check the default gateway, the routes, and firewall rules that reject with an ICMP message.",
    ),
    "tcp-denied": Reason(
        "this machine itself forbids the connection: its own firewall, endpoint protection or a route",
        "Allow the outbound connection in the firewall or endpoint protection of this machine.",
    ),
    "tcp-exhausted": Reason(
        "this machine has no free local port or socket left",
        "Find the program that holds the connections (netstat -ano), or widen the dynamic port range.",
    ),
    "tcp-error": Reason(
        "the operating system could not make the connection",
        "See the message; check the network settings of this machine.",
    ),
}

_TLS = {
    "tls-untrusted": Reason(
        "the certificate was not issued by an authority that this machine trusts",
        "If the issuer is a TLS-inspecting proxy or firewall, exempt the host from inspection; otherwise "
        "install the missing root certificate.",
    ),
    "tls-name-mismatch": Reason(
        "the certificate is made out to another name",
        "If a device on the way answers in the host's place, let the connection through; otherwise "
        "check the name and the server's certificate.",
    ),
    "tls-expired": Reason(
        "the certificate has expired, or the clock of this machine is ahead",
        "Check the clock of this machine, then have the certificate renewed.",
    ),
    "tls-not-yet-valid": Reason(
        "the certificate is not valid yet: the clock of this machine is probably behind",
        "Set the clock of this machine (w32tm /resync), then try again.",
    ),
    "tls-protocol": Reason(
        "what answers does not speak TLS, or no version of it that this machine accepts",
        "Check that the port is a TLS port and that TLS 1.2 is enabled at both ends.",
    ),
    "tls-alert": Reason(
        "the other side refused the TLS handshake",
        "Compare TLS versions and ciphers at both ends; look for a device that terminates TLS on the way.",
    ),
    "tls-reset": Reason(
        "the connection was reset during the TLS handshake: typical of a firewall that reads the server name",
        "Allow the host by name in the firewall or web filter, without TLS inspection.",
    ),
    "tls-closed": Reason(
        "the other side closed the connection during the TLS handshake",
        "Allow the host by name in the firewall or web filter; check that the service behind the port runs.",
    ),
    "tls-timeout": Reason(
        "the connection stands, but the TLS handshake did not end in time",
        "Look for a device that accepts connections but drops what follows (inspection, packet size).",
    ),
    "tls-error": Reason(
        "the TLS handshake failed",
        "See the message; compare the TLS settings at both ends.",
    ),
}

_PROXY = {
    "proxy-unresolved": Reason(
        "the name of the proxy does not resolve",
        "Correct the proxy's name in the configuration, or make it resolve on this machine.",
    ),
    "proxy-unreachable": Reason(
        "no connection to the proxy itself",
        "Check the proxy's address and port, and that this machine may connect to it.",
    ),
    "proxy-forbidden": Reason(
        "the proxy forbids the connection (403)",
        "Allow CONNECT to the host and port in the proxy's rules.",
    ),
    "proxy-authentication": Reason(
        "the proxy asks for credentials, or does not accept those it got (407)",
        "Let this machine pass the proxy without signing in, or configure credentials that it accepts.",
    ),
    "proxy-bad-gateway": Reason(
        "the proxy could not connect to the host (502 or 503)",
        "Check that the proxy itself resolves and reaches the host.",
    ),
    "proxy-gateway-timeout": Reason(
        "the proxy got no answer from the host (504)",
        "Let the proxy out to the host and port in the firewall behind it.",
    ),
    "proxy-status": Reason(
        "the proxy answered the CONNECT request with another status than success",
        "See the status; check that the proxy allows CONNECT to this host and port.",
    ),
    "proxy-garbage": Reason(
        "what answers at the proxy's address is no HTTP proxy",
        "Check the proxy's port; a SOCKS or TLS port cannot be used here.",
    ),
    "proxy-closed": Reason(
        "the proxy cut the connection instead of answering the CONNECT request",
        "Check the proxy's log and rules for this host and port.",
    ),
    "proxy-timeout": Reason(
        "the proxy accepted the connection but did not answer the CONNECT request in time",
        "Check the proxy's log; it may be waiting for a host that its own firewall drops.",
    ),
}

REASONS: Mapping[str, Reason] = MappingProxyType({**_DNS, **_TCP, **_TLS, **_PROXY})
"""Every code but "ok" that a `Resolution`, a `ServiceRecords` or a `Probe` can carry."""

DNS_CODES: Mapping[str, str] = MappingProxyType({code: reason.meaning for code, reason in _DNS.items()})
"""What a `Resolution` or `ServiceRecords` can carry, in the form in which a check declares its codes."""

PROBE_CODES: Mapping[str, str] = MappingProxyType(
    {code: REASONS[code].meaning for code in ("name-unresolved", *_TCP, *_TLS, *_PROXY)}
)
"""What a `Probe` can carry, in the form in which a check declares its codes."""
