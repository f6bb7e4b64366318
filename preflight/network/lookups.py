"""What several resolvers say about one name, side by side."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from preflight.network.model import Resolution

PRIVATE_LINK = "privatelink."
"""In the chain of names where a private address is meant (Azure Private Link)."""

_SINKHOLES = [ipaddress.ip_network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "::/128", "::1/128")]
# Not `is_private`, which also means networks that are only ever documentation.
_PRIVATE = [
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7")
] + [ipaddress.ip_network("fe80::/10")]


@dataclass(frozen=True, slots=True)
class Lookup:
    """A name that must resolve to the service's public addresses.

    Attributes:
        resolution: by the run's resolver, with what the operating system says.
        others: by the name servers that the configuration names, by their address.
        proxy: the proxy that resolves it instead; "" = this machine does.
    """

    name: str
    resolution: Resolution | None = None
    others: Mapping[str, Resolution] = field(default_factory=dict)
    proxy: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """All that anybody says, each once."""
        return tuple(dict.fromkeys(address for each in self._all() for address in _said(each)))

    @property
    def sinkholes(self) -> tuple[str, ...]:
        """Addresses that lead nowhere: a filter answers with them for names that it blocks."""
        return tuple(address for address in self.addresses if _in(address, _SINKHOLES))

    @property
    def private(self) -> tuple[str, ...]:
        """Addresses of private networks."""
        return tuple(address for address in self.addresses if _in(address, _PRIVATE))

    @property
    def private_link(self) -> bool:
        """Whether the chain of names says that a private address is meant."""
        return any(PRIVATE_LINK in f"{link}." for each in self._all() for link in each.cname_chain)

    @property
    def disagreeing(self) -> Mapping[str, Resolution]:
        """Name servers of the configuration with another answer than the run's resolver."""
        if self.resolution is None:
            return {}
        mine = set(self.resolution.connectable)
        return {
            server: each
            for server, each in self.others.items()
            if each.resolved != self.resolution.resolved or (each.resolved and not mine & set(each.addresses))
        }

    def _all(self) -> Iterable[Resolution]:
        return (each for each in (self.resolution, *self.others.values()) if each is not None)


def _said(resolution: Resolution) -> tuple[str, ...]:
    return (*resolution.addresses, *(resolution.system_addresses or ()))


def _in(address: str, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    plain = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(plain, "ipv4_mapped", None)
    return any((mapped or plain) in network for network in networks)
