"""What sockets answered, and the rest of what a network says. Facts only: checks judge them.

Nothing here raises for a broken network: a name that doesn't resolve and a host that doesn't answer are answers,
with a code of `REASONS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from preflight.network.certificate import Certificate
from preflight.network.endpoint import Endpoint
from preflight.network.names import Resolution, ServiceRecord, ServiceRecords
from preflight.network.reasons import DNS_CODES, OK, PROBE_CODES, REASONS, Reason

__all__ = [
    "DNS_CODES",
    "OK",
    "PROBE_CODES",
    "REASONS",
    "Endpoint",
    "Hop",
    "Probe",
    "Reach",
    "Reason",
    "Resolution",
    "Roots",
    "ServiceRecord",
    "ServiceRecords",
    "TlsFacts",
    "Trial",
]


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """A TLS handshake and the certificate that the other side showed.

    Attributes:
        version: "TLSv1.3"; "" if the handshake did not end.
        cipher: the cipher suite's name; "" if the handshake did not end.
        subject: of the certificate, "CN=..., O=..."; "" where it could not be read.
        issuer: who signed it; a company's name here means that a proxy or firewall intercepts TLS.
        names: the DNS names and addresses it is made out to (subjectAltName).
        trusted: whether it passed verification: chain, dates and name.
        chain: the certificates that were sent, the server's own first; the root is usually not among them.
    """

    version: str = ""
    cipher: str = ""
    subject: str = ""
    issuer: str = ""
    names: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None
    trusted: bool = False
    chain: tuple[Certificate, ...] = ()


Roots = Literal["machine", "public", "none"]
"""Whose roots verify a certificate: this machine's, the public ones (Mozilla's, by certifi), or nobody's: the handshake
alone is of interest, and nothing is sent over it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A handshake out of the ordinary with one address of an endpoint that is known to answer.

    Attributes:
        address: of the endpoint, or of the proxy that leads to it.
        version: "TLSv1.2" or "TLSv1.3", offered alone; "": whatever both sides can.
    """

    endpoint: Endpoint
    address: str
    roots: Roots = "machine"
    version: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a probe: "tcp", "proxy" (the CONNECT request), "tls".

    Attributes:
        peer: whom it talked to.
        code: "ok", or a code of `REASONS`.
        duration: seconds that this step took.
    """

    kind: str
    peer: str
    code: str
    duration: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """One address of an endpoint, tried once.

    Attributes:
        address: whom the socket was connected to: an address of the endpoint or of the proxy; "" where a
            name didn't resolve.
        via: "direct", "proxy HOST:PORT" or "recorded".
        code: "ok" if everything asked for worked, else the first broken hop's.
        message: one sentence on what went wrong, with the names; "" if ok.
        duration: seconds, all hops.
        tls: None unless TLS was asked for and a certificate was seen.
        hops: what was tried, in order; the last one is the broken one.
        source: the local address and port, for whoever reads a firewall's log; "" unless connected.
    """

    endpoint: Endpoint
    address: str
    via: str
    code: str
    message: str = ""
    duration: float = 0.0
    tls: TlsFacts | None = None
    hops: tuple[Hop, ...] = ()
    source: str = ""

    @property
    def connected(self) -> bool:
        """Everything asked for (connection, proxy, TLS) worked."""
        return self.code == OK

    @property
    def reason(self) -> Reason | None:
        """Meaning and remedy of the code; None if connected."""
        return REASONS.get(self.code)


@dataclass(frozen=True, slots=True)
class Reach:
    """An endpoint with all its addresses.

    Attributes:
        probes: at least one; one for each address. Where the name doesn't resolve: one without an address.
        resolution: of the endpoint's name; None where a proxy resolves it.
        note: something that a person should know although it is no failure; "" for none.
    """

    endpoint: Endpoint
    probes: tuple[Probe, ...]
    resolution: Resolution | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not self.probes:
            raise ValueError(f"{self.endpoint}: no probe, so nothing was seen")

    @property
    def connected(self) -> bool:
        """At least one address answered as asked."""
        return any(probe.connected for probe in self.probes)

    @property
    def failures(self) -> tuple[Probe, ...]:
        """The addresses that didn't; some of them although `connected`: dead addresses among several."""
        return tuple(probe for probe in self.probes if not probe.connected)

    @property
    def code(self) -> str:
        """ "ok" if connected, else the code of the probe that got furthest."""
        return OK if self.connected else self.furthest.code

    @property
    def message(self) -> str:
        """ "" if connected, else the message of the probe that got furthest."""
        return "" if self.connected else self.furthest.message

    @property
    def furthest(self) -> Probe:
        """The probe that tells most: one that connected, else the one with most hops (the first of them)."""
        return max(self.probes, key=lambda probe: (probe.connected, len(probe.hops)))

    @property
    def reason(self) -> Reason | None:
        """Meaning and remedy of the code; None if connected."""
        return REASONS.get(self.code)

    @property
    def via(self) -> str:
        return self.probes[0].via
