"""Which way each setting sends the relays, and what comes of every way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from preflight.network.model import Reach
from preflight.network.relays import Relay

CONFIGURATION, ENVIRONMENT, MACHINE_CONFIG = "[network] proxy", "HTTPS_PROXY", "machine.config"
DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class ProxySource:
    """Where a proxy is, or could be, set.

    Attributes:
        name: one of the three above.
        says: for people: "proxy HOST:PORT", "direct", or why nothing can be read from it.
        ways: by relay, "proxy HOST:PORT" or "direct"; empty where it doesn't decide.
        problem: why it can't be read; "" if it could.
    """

    name: str
    says: str
    ways: Mapping[Relay, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def decides(self) -> bool:
        return bool(self.ways)


@dataclass(frozen=True, slots=True)
class ProxyWays:
    """
    Attributes:
        sources: those that are set.
        taken: by relay, the way that this run took.
        reaches: by relay and way; "direct" too where a proxy is set anywhere.
        ports: by relay, the code of each port that was asked for by the way taken.
    """

    sources: tuple[ProxySource, ...] = ()
    taken: Mapping[Relay, str] = field(default_factory=dict)
    reaches: Mapping[Relay, Mapping[str, Reach]] = field(default_factory=dict)
    ports: Mapping[Relay, Mapping[int, str]] = field(default_factory=dict)

    @property
    def machine_config(self) -> ProxySource | None:
        return next((source for source in self.sources if source.name == MACHINE_CONFIG), None)

    def service_way(self, relay: Relay) -> str:
        """The way that the sync service takes: machine.config's if it is known and decides, else the run's."""
        source = self.machine_config
        return source.ways[relay] if source is not None and source.decides else self.taken[relay]

    def disagreement(self, relay: Relay) -> Mapping[str, str]:
        """What each setting says, where they don't all say the same."""
        said = {source.name: source.ways[relay] for source in self.sources if source.decides}
        return said if len(set(said.values())) > 1 else {}
