"""Whose certificates a relay shows: judged twice, by the roots that this machine trusts and by those of the public.

A chain that this machine trusts and the public doesn't is an inspecting proxy or firewall whose root was installed
here; the other way round, public roots are missing on this machine (event 31034).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from preflight.network.certificate import Certificate
from preflight.network.model import Probe, Reach, TlsFacts, Trial
from preflight.network.reasons import OK

VERSIONS = ("TLSv1.2", "TLSv1.3")
SOON = timedelta(days=30)

CHAIN_CODES: Mapping[str, str] = {
    "intercepted": "this machine trusts the certificate and the public does not: TLS is inspected on the way",
    "missing-public-roots": "the public trusts the certificate and this machine does not: its roots are missing here",
    "self-signed": "the certificate vouches for itself",
    "untrusted-issuer": "neither this machine nor the public knows the issuer",
    "chain-incomplete": "the server does not send the certificates between its own and the root",
    "certificate-dates": "the certificate is not valid now",
    "other-name": "the certificate is made out to another name",
    "not-compared": "the certificate could not be looked at twice",
}


@dataclass(frozen=True, slots=True)
class Handshakes:
    """TLS with one relay, tried in every way.

    Attributes:
        machine: verified by this machine's roots; None: no handshake was begun.
        public: verified by the public's; None: not tried.
        versions: by version, each offered alone; empty: not tried.
        seen_at: None for a recording, whose dates don't count.
    """

    machine: Probe | None
    public: Probe | None = None
    versions: Mapping[str, Probe] = field(default_factory=dict)
    seen_at: datetime | None = None

    @property
    def facts(self) -> TlsFacts | None:
        """The certificate, if it was seen."""
        return next((probe.tls for probe in (self.machine, self.public) if probe and probe.tls), None)

    @property
    def chain(self) -> tuple[Certificate, ...]:
        return self.facts.chain if self.facts else ()

    @property
    def expires_soon(self) -> bool:
        """Whether a certificate of the chain is valid for less than 30 days more."""
        ends = [certificate.not_after for certificate in self.chain]
        return self.seen_at is not None and bool(ends) and min(ends) - self.seen_at < SOON

    @property
    def verdict(self) -> str:
        """ "ok" or a code of `CHAIN_CODES`. Only where a handshake was begun."""
        assert self.machine is not None
        code = self.machine.code
        if code in ("tls-expired", "tls-not-yet-valid"):
            return "certificate-dates"
        if code == "tls-name-mismatch":
            return "other-name"
        if self.public is None or code not in (OK, "tls-untrusted") or self.public.code not in (OK, "tls-untrusted"):
            return "not-compared"
        if code == OK:
            return OK if self.public.code == OK else "intercepted"
        return "missing-public-roots" if self.public.code == OK else self._unknown_to_both()

    def _unknown_to_both(self) -> str:
        if not self.chain:
            return "untrusted-issuer"
        if self.chain[0].self_signed:
            return "self-signed"
        # A public authority says where its own certificate is fetched; a firewall that signs by itself hardly ever.
        last = self.chain[-1]
        return "chain-incomplete" if last.issuers and not last.self_signed else "untrusted-issuer"


def trials_of(reach: Reach) -> tuple[Probe | None, tuple[Trial, ...]]:
    """The probe whose handshake is looked into, and the further handshakes that this takes."""
    probe = next((probe for probe in (reach.furthest, *reach.probes) if _shook_hands(probe)), None)
    if probe is None:
        return None, ()
    public = Trial(reach.endpoint, probe.address, "public")
    return probe, (public, *(Trial(reach.endpoint, probe.address, "none", version) for version in VERSIONS))


def _shook_hands(probe: Probe) -> bool:
    return probe.code == OK or probe.code.startswith("tls-")


def shown(certificate: Certificate) -> str:
    """A certificate in one line of evidence."""
    return (
        f"{certificate.subject or 'no subject'}, issued by {certificate.issuer or 'nobody named'}, "
        f"valid until {certificate.not_after:%Y-%m-%d}"
    )
