"""TLS to the relays: whose certificates come back, which versions get through, where revocation is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import Finding, Severity, check, fail, not_applicable, passed, unknown, warn
from preflight.network.chains import CHAIN_CODES, VERSIONS, Handshakes, shown
from preflight.network.reasons import REASONS
from preflight.network.relays import Relay, RelayHandshakes, RevocationAnswers
from preflight.network.revocation import REVOCATION_CODES

_EXEMPT = "Exempt {host} from TLS inspection in the firewall or proxy: inspection is not supported for writeback."
_ROOTS = (
    "Install the public root certificates on this machine: let Windows fetch them (certutil -syncWithWU, or the "
    "automatic root update), or import the root that the chain ends in."
)


@check(
    id="network.tls-not-intercepted",
    title="Nobody inspects TLS between this machine and the relays",
    severity=Severity.BLOCKER,
    each="relay",
    requires=("dns.relays-resolve",),
    codes={**CHAIN_CODES, "expires-soon": "a certificate of the chain ends within 30 days"},
    event_codes=("31034",),
)
def tls_not_intercepted(relay: Relay, relay_handshakes: RelayHandshakes) -> Iterator[Finding]:
    """Looks at each relay's certificates twice: with the roots that this machine trusts, and with those that the public
    trusts (Mozilla's).

    TLS inspection is not supported for writeback. A chain that this machine trusts and the public does not is a proxy
    or firewall whose root was installed here; its name is in the finding. The other way round, public roots are
    missing on this machine, which the service reports as event 31034, "the remote certificate is invalid". A server
    that leaves out its intermediate certificates is told apart by the address at which a public authority offers them.

    To mend: exempt the relays from inspection (`*.servicebus.windows.net`), or install the missing public roots.
    """
    seen = relay_handshakes.handshakes[relay]
    if seen.machine is None:
        yield not_applicable(f"{relay} was not reached as far as TLS", subject=str(relay))
        return
    code = seen.verdict
    if code == "ok":
        facts = seen.facts
        assert facts is not None
        yield passed(
            f"{relay} shows a public certificate, issued by {facts.issuer}", subject=str(relay), evidence=_chain(seen)
        )
        if seen.expires_soon:
            ends = min(seen.chain, key=lambda certificate: certificate.not_after)
            yield warn(
                "expires-soon",
                f"{relay}: the certificate of {ends.subject or relay.host} ends on {ends.not_after:%Y-%m-%d}",
                subject=str(relay),
                expected="a certificate for 30 days more",
                observed=shown(ends),
                remedy="The service renews its certificates; look again in a week, and check this machine's clock.",
                evidence=_chain(seen),
            )
        return
    judge = unknown if code in ("not-compared", "chain-incomplete") else fail
    yield judge(
        code,
        f"{relay}: {_sentence(code, seen)}",
        subject=str(relay),
        expected="a chain that both this machine and the public trust",
        observed=_observed(seen),
        remedy=_remedy(code, relay, seen),
        evidence=_chain(seen),
    )


def _sentence(code: str, seen: Handshakes) -> str:
    assert seen.machine is not None
    issuer = (seen.chain[-1].issuer if seen.chain else "") or (seen.facts.issuer if seen.facts else "")
    match code:
        case "intercepted":
            return f"TLS is inspected by {issuer or 'somebody without a name'}"
        case "missing-public-roots":
            return f"this machine does not trust the public authority {issuer}"
        case "self-signed":
            return f"the certificate of {seen.chain[0].subject or 'nobody'} vouches for itself"
        case "untrusted-issuer":
            return f"neither this machine nor the public knows the issuer {issuer or '(none named)'}"
        case "chain-incomplete":
            return f"the chain ends at {seen.chain[-1].subject or 'its first certificate'}, before its root's"
        case "not-compared" if seen.machine.code in ("ok", "tls-untrusted"):
            other = seen.public
            return f"the second look at the certificate failed: {other.message if other else 'it was not taken'}"
    return seen.machine.message


def _observed(seen: Handshakes) -> str:
    probes = {"this machine": seen.machine, "the public's roots": seen.public}
    return "; ".join(
        f"{who}: {'trusted' if probe.code == 'ok' else REASONS[probe.code].meaning}"
        for who, probe in probes.items()
        if probe is not None
    )


def _remedy(code: str, relay: Relay, seen: Handshakes) -> str:
    match code:
        case "missing-public-roots":
            return _ROOTS
        case "chain-incomplete":
            return (
                "Look with a browser on this machine whether the chain is whole there; Windows fetches what is missing "
                "from " + (seen.chain[-1].issuers[0] if seen.chain and seen.chain[-1].issuers else "its issuer") + "."
            )
        case "certificate-dates" | "not-compared":
            assert seen.machine is not None
            probe = seen.machine if seen.machine.code in REASONS else seen.public
            return REASONS[probe.code].remedy if probe and probe.code in REASONS else "Run again."
    return _EXEMPT.format(host=relay.host)


def _chain(seen: Handshakes) -> dict[str, object]:
    facts = seen.facts
    if facts is None:
        return {}
    return {
        "chain": [shown(certificate) for certificate in seen.chain],
        "names": list(facts.names),
        "version": facts.version,
        "cipher": facts.cipher,
    }


@check(
    id="network.tls-versions",
    title="TLS 1.2 or 1.3 gets through to the relays",
    severity=Severity.ADVISORY,
    each="relay",
    requires=("dns.relays-resolve",),
    codes={
        "no-version": "neither TLS 1.2 nor TLS 1.3 gets through",
        "only-1.3": "only TLS 1.3 gets through",
        "1.3-cut": "TLS 1.2 gets through, and a connection that offers TLS 1.3 is cut",
        "not-tried": "the versions could not be tried",
    },
    event_codes=("31034",),
)
def tls_versions(relay: Relay, relay_handshakes: RelayHandshakes) -> Iterator[Finding]:
    """Offers each relay TLS 1.2 alone, then TLS 1.3 alone.

    The sync service needs TLS 1.2; .NET on Windows before Server 2022 has no 1.3. That a relay does not offer 1.3 is
    fine, but a connection that is cut because it offers 1.3 points to an old device on the way. What this machine's
    own settings (SCHANNEL in the registry) allow the service is not visible from here.

    To mend: update or bypass the device on the way that stops a version; enable TLS 1.2 at both ends.
    """
    tried = relay_handshakes.handshakes[relay].versions
    subject = str(relay)
    if not tried:
        yield not_applicable(f"{relay} was not reached as far as TLS", subject=subject)
        return
    good = [version for version in VERSIONS if tried[version].code == "ok"]
    evidence = {version: probe.message or "ok" for version, probe in tried.items()}
    observed = "; ".join(f"{version}: {evidence[version]}" for version in VERSIONS)
    cut = {version for version in VERSIONS if tried[version].code in _CUT}
    if not good and any(not probe.code.startswith("tls-") for probe in tried.values()):
        yield unknown(
            "not-tried",
            f"{relay}: the versions could not be tried: {observed}",
            subject=subject,
            expected="an answer to TLS 1.2 and to TLS 1.3",
            observed=observed,
            remedy="See network.relay-443; run again.",
            evidence=evidence,
        )
    elif not good:
        yield fail(
            "no-version",
            f"{relay} answers neither TLS 1.2 nor TLS 1.3",
            subject=subject,
            expected="TLS 1.2",
            observed=observed,
            remedy="Look for a device on the way that ends TLS itself and knows only older versions.",
            evidence=evidence,
        )
    elif good == ["TLSv1.3"]:
        yield warn(
            "only-1.3",
            f"{relay} answers TLS 1.3 and not TLS 1.2, which is all that older Windows can",
            subject=subject,
            expected="TLS 1.2",
            observed=observed,
            remedy="Allow TLS 1.2 on the way, or run the sync service on Windows Server 2022 or later.",
            evidence=evidence,
        )
    elif good == ["TLSv1.2"] and "TLSv1.3" in cut:
        yield warn(
            "1.3-cut",
            f"{relay}: a connection that offers TLS 1.3 is cut",
            subject=subject,
            expected="TLS 1.3, or an orderly refusal of it",
            observed=observed,
            remedy="Look for a device on the way that does not know TLS 1.3, and update it.",
            evidence=evidence,
        )
    else:
        yield passed(f"{relay} answers {' and '.join(good)}", subject=subject, evidence=evidence)


_CUT = ("tls-reset", "tls-closed", "tls-timeout")


@check(
    id="network.revocation",
    title="Revocation lists and responders are reached on port 80",
    severity=Severity.ADVISORY,
    each="run",
    codes=REVOCATION_CODES,
    event_codes=("31034",),
)
def revocation_reached(revocation: RevocationAnswers) -> Iterator[Finding]:
    """Asks for the revocation lists (CRL) and responders (OCSP) that the relays' certificates name, over plain HTTP,
    through the proxy where one is in use.

    Windows asks there whether a certificate was revoked. Where port 80 is closed, connections get slow, or fail if the
    service insists on an answer.

    To mend: allow outbound TCP 80 from the sync server to the hosts named, or let the proxy fetch them.
    """
    if not revocation.answers:
        why = "name no address for revocation" if revocation.chains else "were not seen: no relay was reached"
        yield not_applicable(f"the relays' certificates {why}")
    for answer in revocation.answers:
        url, kind = answer.address.url, {"crl": "the revocation list", "ocsp": "the responder"}[answer.address.kind]
        evidence = {"kind": answer.address.kind, "via": answer.via, "status": answer.status}
        if answer.code == "ok":
            yield passed(f"{kind} {url} answers ({answer.via})", subject=url, evidence=evidence)
        else:
            yield warn(
                answer.code,
                f"{kind} {url} is not reached: {answer.message}",
                subject=url,
                expected="an answer over plain HTTP",
                observed=REVOCATION_CODES[answer.code],
                remedy=f"Allow outbound TCP 80 to {answer.address.endpoint}, or GET {url} in the proxy's rules.",
                evidence=evidence,
            )
