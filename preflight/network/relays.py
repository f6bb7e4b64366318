"""The relays of Service Bus that the sync server listens on: the tenant's own, or documented examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from preflight.network.chains import Handshakes
from preflight.network.endpoint import Endpoint
from preflight.network.latency import Latency
from preflight.network.model import Reach, Resolution
from preflight.network.revocation import RevocationAnswer


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay.

    Attributes:
        endpoint: its HTTPS endpoint.
        documented: an example from Microsoft's documentation, not known to be the tenant's.
        proxy: the proxy that leads to it; "" = reached directly.
    """

    endpoint: Endpoint
    documented: bool
    proxy: str = ""

    @property
    def host(self) -> str:
        return self.endpoint.host

    def __str__(self) -> str:
        return str(self.endpoint)


@dataclass(frozen=True, slots=True)
class RelayNames:
    """What the names of all relays resolve to; a relay behind a proxy has no entry."""

    resolutions: Mapping[Relay, Resolution]

    def any_documented_resolves(self) -> bool:
        return any(each.resolved for relay, each in self.resolutions.items() if relay.documented)


@dataclass(frozen=True, slots=True)
class RelayReach:
    """How all relays were reached on HTTPS, handshake included."""

    reaches: Mapping[Relay, Reach]
    origin: str = ""

    def any_documented_answers(self) -> bool:
        return any(each.connected for relay, each in self.reaches.items() if relay.documented)


@dataclass(frozen=True, slots=True)
class RelayPorts:
    """The further ports of all relays.

    Attributes:
        required: the configuration wants them open.
    """

    reaches: Mapping[Relay, tuple[Reach, ...]]
    required: bool = False
    ports: tuple[int, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class RelayHandshakes:
    """TLS with all relays, tried in every way."""

    handshakes: Mapping[Relay, Handshakes]


@dataclass(frozen=True, slots=True)
class RelayLatency:
    """How long connections to all relays take, by address; none for a relay behind a proxy or that doesn't answer."""

    latencies: Mapping[Relay, tuple[Latency, ...]]


@dataclass(frozen=True, slots=True)
class RevocationAnswers:
    """
    Attributes:
        chains: how many certificate chains were seen.
    """

    answers: tuple[RevocationAnswer, ...]
    chains: int
