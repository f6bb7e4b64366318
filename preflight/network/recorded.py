"""A network that was recorded: the two protocols answered from a JSON document, without a socket.

Every answer says so: `via` is "recorded". What the document doesn't hold is unavailable, never guessed.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar, get_args

from preflight.api import Unavailable
from preflight.network.certificate import Certificate
from preflight.network.endpoint import is_address, normalise_host
from preflight.network.idle import Held
from preflight.network.latency import Latency
from preflight.network.model import (
    OK,
    REASONS,
    Endpoint,
    Hop,
    Probe,
    Reach,
    Resolution,
    Roots,
    ServiceRecord,
    ServiceRecords,
    TlsFacts,
    Trial,
)
from preflight.network.port import Dialer
from preflight.network.proxy import Proxy
from preflight.network.resolver import unresolved
from preflight.network.revocation import REVOCATION_CODES, RevocationAddress, RevocationAnswer
from preflight.network.web import WEB_REASONS, Answer, not_connected
from preflight.network.websocket import UPGRADE_REASONS

FORMAT = "preflight-network-recording"
VERSION = 1
RECORDED = "recorded"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Recording:
    """What a network answered once.

    Attributes:
        names: resolutions by name.
        services: SRV records by name.
        endpoints: probes by endpoint; recorded with TLS where they hold `tls`.
        answers: to an HTTP request, by endpoint.
        upgrades: to a request for a WebSocket.
        trials: handshakes out of the ordinary.
        revocation: answers of revocation lists and responders, by address.
        note: where it comes from.
    """

    names: Mapping[str, Resolution] = field(default_factory=dict)
    services: Mapping[str, ServiceRecords] = field(default_factory=dict)
    endpoints: Mapping[Endpoint, Reach] = field(default_factory=dict)
    note: str = ""
    answers: Mapping[Endpoint, Answer] = field(default_factory=dict)
    upgrades: Mapping[Endpoint, Answer] = field(default_factory=dict)
    trials: Mapping[Trial, Probe] = field(default_factory=dict)
    revocation: Mapping[str, RevocationAnswer] = field(default_factory=dict)

    def to_json(self) -> str:
        document = {
            "format": FORMAT,
            "version": VERSION,
            "note": self.note,
            "names": {name: _resolution_to_dict(answer) for name, answer in sorted(self.names.items())},
            "services": {name: _services_to_dict(answer) for name, answer in sorted(self.services.items())},
            "endpoints": {
                str(endpoint): [_probe_to_dict(probe) for probe in reach.probes]
                for endpoint, reach in sorted(self.endpoints.items())
            },
            "answers": {str(endpoint): _answer_to_dict(answer) for endpoint, answer in sorted(self.answers.items())},
            "upgrades": {str(endpoint): _answer_to_dict(answer) for endpoint, answer in sorted(self.upgrades.items())},
            "revocation": {
                url: _without_empty(kind=each.address.kind, code=each.code, message=each.message, status=each.status)
                for url, each in self.revocation.items()
            },
            "trials": [
                {"endpoint": str(trial.endpoint), "address": trial.address, "roots": trial.roots}
                | _without_empty(version=trial.version)
                | {"answer": _probe_to_dict(probe)}
                for trial, probe in self.trials.items()
            ],
        }
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Recording:
        """Read what `to_json` wrote, or a person by hand: members that are left out have their plain value.

        Raises:
            ValueError: no recording, of a newer version, or with a member that makes no sense.
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"the network recording is no JSON: {error}") from None
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError(f"this is no network recording (format is not {FORMAT})")
        if document.get("version") != VERSION:
            raise ValueError(
                f"a network recording of version {document.get('version')!r}; this program reads {VERSION}"
            )
        try:
            names = {name: _resolution(name, value) for name, value in document.get("names", {}).items()}
            services = {name: _services(name, value) for name, value in document.get("services", {}).items()}
            endpoints = {}
            for place, probes in document.get("endpoints", {}).items():
                endpoint = Endpoint.parse(place)
                resolution = names.get(endpoint.host)
                endpoints[endpoint] = Reach(endpoint, tuple(_probe(endpoint, p) for p in probes), resolution)
            trials = dict(_trial(value) for value in document.get("trials", []))
            answers, upgrades = (
                {Endpoint.parse(place): _answer(Endpoint.parse(place), value) for place, value in given.items()}
                for given in (document.get("answers", {}), document.get("upgrades", {}))
            )
            return cls(
                names,
                services,
                endpoints,
                str(document.get("note", "")),
                trials=trials,
                answers=answers,
                upgrades=upgrades,
                revocation={url: _revocation(url, value) for url, value in document.get("revocation", {}).items()},
            )
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise ValueError(f"the network recording can't be used: {error}") from None


class RecordedResolver:
    """A `Resolver` that answers from a recording."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    @property
    def origin(self) -> str:
        return RECORDED

    def resolve(self, name: str) -> Resolution:
        try:
            host = normalise_host(name)
        except ValueError as error:
            return Resolution(name, "dns-error", message=str(error), via=RECORDED)
        if is_address(host):
            return Resolution(host, OK, (host,), via="literal")
        return replace(_known(self._recording.names, host, lambda: f"name {host}"), via=RECORDED)

    def services(self, name: str) -> ServiceRecords:
        host = name.removesuffix(".").lower()
        return replace(_known(self._recording.services, host, lambda: f"SRV records of {host}"), via=RECORDED)

    def addresses(self, host: str) -> Sequence[str]:
        resolution = self.resolve(host)
        if not resolution.resolved:
            raise unresolved(resolution)
        return resolution.connectable


class RecordedDialer:
    """A `Dialer` and a `Web` that answer from a recording."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    @property
    def origin(self) -> str:
        return RECORDED

    def proxy_for(self, endpoint: Endpoint) -> str | None:  # noqa: ARG002  (the protocol's)
        return None

    def reach(self, endpoint: Endpoint, *, tls: bool = False) -> Reach:
        reach = _known(self._recording.endpoints, endpoint, lambda: f"connection to {endpoint}")
        if tls and any(probe.connected and probe.tls is None for probe in reach.probes):
            raise Unavailable(f"the recording holds no TLS handshake with {endpoint}", code="not-recorded")
        return replace(reach, probes=tuple(replace(probe, via=RECORDED) for probe in reach.probes))

    def reach_all(self, endpoints: Collection[Endpoint], *, tls: bool = False) -> Mapping[Endpoint, Reach]:
        return {endpoint: self.reach(endpoint, tls=tls) for endpoint in endpoints}

    def try_all(self, trials: Collection[Trial]) -> Mapping[Trial, Probe]:
        return {
            trial: replace(_known(self._recording.trials, trial, lambda: f"trial of {trial.endpoint}"), via=RECORDED)  # noqa: B023
            for trial in trials
        }

    def ask(self, reach: Reach) -> Answer:
        if not reach.connected:
            return not_connected(reach)
        return _known(self._recording.answers, reach.endpoint, lambda: f"HTTP answer of {reach.endpoint}")

    def upgrade(self, reach: Reach) -> Answer:
        if not reach.connected:
            return not_connected(reach)
        return _known(self._recording.upgrades, reach.endpoint, lambda: f"WebSocket answer of {reach.endpoint}")

    def hold(self, reach: Reach, seconds: float, stop: threading.Event) -> Sequence[Held]:  # noqa: ARG002
        return ()  # a recording holds no connections

    def latencies(self, reaches: Collection[Reach]) -> Mapping[Endpoint, tuple[Latency, ...]]:
        return {
            reach.endpoint: tuple(
                Latency(probe.address, (probe.duration,)) for probe in reach.probes if probe.connected
            )
            for reach in reaches
        }

    def ask_revocation(self, addresses: Collection[RevocationAddress]) -> Mapping[RevocationAddress, RevocationAnswer]:
        return {
            address: replace(_known(self._recording.revocation, address.url, lambda: address.url), address=address)  # noqa: B023
            for address in addresses
        }

    def by(self, proxy: Proxy | None) -> Dialer:  # noqa: ARG002  (the protocol's)
        raise Unavailable("a recording knows one way only", code="not-recorded")


def _known(answers: Mapping[Any, T], key: object, what: Callable[[], str]) -> T:
    try:
        return answers[key]
    except KeyError:
        raise Unavailable(f"the recording holds no {what()}", code="not-recorded") from None


def _resolution_to_dict(answer: Resolution) -> dict[str, object]:
    system = answer.system_addresses
    return _without_empty(
        code=answer.code,
        addresses=list(answer.addresses),
        cname_chain=list(answer.cname_chain),
        server=answer.server,
        duration=round(answer.duration, 6),
        message=answer.message,
        note=answer.note,
        oddities=list(answer.oddities),
    ) | ({} if system is None else {"system_addresses": list(system)})


def _services_to_dict(answer: ServiceRecords) -> dict[str, object]:
    return _without_empty(
        code=answer.code,
        records=[[record.priority, record.weight, record.port, record.target] for record in answer.records],
        server=answer.server,
        duration=round(answer.duration, 6),
        message=answer.message,
    )


def _probe_to_dict(probe: Probe) -> dict[str, object]:
    hops = [_without_empty(kind=hop.kind, peer=hop.peer, code=hop.code, message=hop.message) for hop in probe.hops]
    return _without_empty(
        address=probe.address,
        code=probe.code,
        message=probe.message,
        duration=round(probe.duration, 6),
        tls=None if probe.tls is None else _tls_to_dict(probe.tls),
        hops=hops,
        source=probe.source,
    )


def _answer_to_dict(answer: Answer) -> dict[str, object]:
    return _without_empty(
        code=answer.code,
        message=answer.message,
        status=answer.status,
        headers=dict(answer.headers),
        page=answer.page,
        skew=answer.skew,
    )


def _tls_to_dict(facts: TlsFacts) -> dict[str, object]:
    return _without_empty(
        version=facts.version,
        cipher=facts.cipher,
        subject=facts.subject,
        issuer=facts.issuer,
        names=list(facts.names),
        not_before=facts.not_before.isoformat() if facts.not_before else "",
        not_after=facts.not_after.isoformat() if facts.not_after else "",
        trusted=facts.trusted,
        chain=[_certificate_to_dict(certificate) for certificate in facts.chain],
    )


def _certificate_to_dict(certificate: Certificate) -> dict[str, object]:
    return _without_empty(
        subject=certificate.subject,
        issuer=certificate.issuer,
        names=list(certificate.names),
        not_before=certificate.not_before.isoformat(),
        not_after=certificate.not_after.isoformat(),
        crls=list(certificate.crls),
        ocsp=list(certificate.ocsp),
        issuers=list(certificate.issuers),
    )


def _without_empty(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value not in ("", [], {}, None, 0.0, False)}


def _resolution(name: str, value: Mapping[str, Any]) -> Resolution:
    system = value.get("system_addresses")
    addresses = _texts(value, "addresses")
    code = _code(value)
    if (code == OK) != bool(addresses):
        raise ValueError(f"{name}: addresses go with the code ok, and only with it")
    return Resolution(
        name=name,
        code=code,
        addresses=addresses,
        cname_chain=_texts(value, "cname_chain"),
        server=str(value.get("server", "")),
        duration=float(value.get("duration", 0.0)),
        message=str(value.get("message", "")),
        system_addresses=None if system is None else _texts(value, "system_addresses"),
        note=str(value.get("note", "")),
        via=RECORDED,
        oddities=_texts(value, "oddities"),
    )


def _services(name: str, value: Mapping[str, Any]) -> ServiceRecords:
    code = _code(value)
    records = tuple(
        ServiceRecord(str(target), int(port), int(priority), int(weight))
        for priority, weight, port, target in value.get("records", [])
    )
    if (code == OK) != bool(records):
        raise ValueError(f"{name}: records go with the code ok, and only with it")
    server, duration = str(value.get("server", "")), float(value.get("duration", 0.0))
    return ServiceRecords(name, code, records, server, duration, str(value.get("message", "")), RECORDED)


def _revocation(url: str, value: Mapping[str, Any]) -> RevocationAnswer:
    code, status = value.get("code"), value.get("status")
    if code != OK and code not in REVOCATION_CODES:
        raise ValueError(f"{code!r} is no code of an answer about revocation")
    address = RevocationAddress(url, str(value.get("kind", "crl")))
    number = None if status is None else int(status)
    return RevocationAnswer(address, str(code), str(value.get("message", "")), RECORDED, number)


def _trial(value: Mapping[str, Any]) -> tuple[Trial, Probe]:
    roots, version = value["roots"], value.get("version", "")
    if roots not in get_args(Roots) or version not in ("", "TLSv1.2", "TLSv1.3"):
        raise ValueError(f"{roots!r} and {version!r} are no trial's roots and version")
    endpoint = Endpoint.parse(value["endpoint"])
    trial = Trial(endpoint, str(value["address"]), roots, version)
    return trial, replace(_probe(endpoint, value["answer"], verified=roots != "none"), address=trial.address)


def _probe(endpoint: Endpoint, value: Mapping[str, Any], *, verified: bool = True) -> Probe:
    tls = _tls(value["tls"]) if "tls" in value else None
    if verified and _code(value) == OK and tls is not None and not tls.trusted:
        raise ValueError(f"{endpoint}: the code ok needs a trusted certificate")
    return Probe(
        endpoint=endpoint,
        address=str(value.get("address", "")),
        via=RECORDED,
        code=_code(value),
        message=str(value.get("message", "")),
        duration=float(value.get("duration", 0.0)),
        tls=tls,
        hops=tuple(
            Hop(str(hop["kind"]), str(hop.get("peer", "")), _code(hop), message=str(hop.get("message", "")))
            for hop in value.get("hops", [])
        ),
        source=str(value.get("source", "")),
    )


def _answer(endpoint: Endpoint, value: Mapping[str, Any]) -> Answer:
    code, status = value.get("code"), value.get("status")
    if code != OK and code not in {**REASONS, **WEB_REASONS, **UPGRADE_REASONS}:
        raise ValueError(f"{code!r} is no code of an HTTP answer")
    if code == OK and status is None:
        raise ValueError(f"{endpoint}: the code ok needs a status")
    headers = value.get("headers", {})
    return Answer(
        endpoint=endpoint,
        via=RECORDED,
        code=str(code),
        message=str(value.get("message", "")),
        status=None if status is None else int(status),
        headers={str(name).lower(): str(text) for name, text in headers.items()},
        page=str(value.get("page", "")),
        skew=None if value.get("skew") is None else float(value["skew"]),
    )


def _tls(value: Mapping[str, Any]) -> TlsFacts:
    def date(name: str) -> datetime | None:
        return datetime.fromisoformat(value[name]) if value.get(name) else None

    return TlsFacts(
        version=str(value.get("version", "")),
        cipher=str(value.get("cipher", "")),
        subject=str(value.get("subject", "")),
        issuer=str(value.get("issuer", "")),
        names=_texts(value, "names"),
        not_before=date("not_before"),
        not_after=date("not_after"),
        trusted=bool(value.get("trusted", False)),
        chain=tuple(_certificate(each) for each in value.get("chain", [])),
    )


def _certificate(value: Mapping[str, Any]) -> Certificate:
    return Certificate(
        subject=str(value.get("subject", "")),
        issuer=str(value.get("issuer", "")),
        names=_texts(value, "names"),
        not_before=datetime.fromisoformat(value["not_before"]),
        not_after=datetime.fromisoformat(value["not_after"]),
        crls=_texts(value, "crls"),
        ocsp=_texts(value, "ocsp"),
        issuers=_texts(value, "issuers"),
    )


def _texts(value: Mapping[str, Any], name: str) -> tuple[str, ...]:
    texts = value.get(name, [])
    if not isinstance(texts, list):
        raise ValueError(f"{name} is no list")
    return tuple(str(text) for text in texts)


def _code(value: Mapping[str, Any]) -> str:
    """Has to be given: a recording must not say "ok" by leaving something out."""
    code = value.get("code")
    if code != OK and code not in REASONS:
        raise ValueError(f"{code!r} is no code of a network answer")
    return str(code)
