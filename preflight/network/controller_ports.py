"""The ports on which a sync server talks to domain controllers (domain.md section 2), and how each was reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from preflight.network.model import Reach, ServiceRecords

RPC_PORT = 135
DNS_PORT = 53


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a domain controller.

    Attributes:
        needed: writeback doesn't work without it.
        information: closed, it is worth a word only.
        without: what doesn't work while it is closed.
    """

    number: int
    name: str
    without: str
    needed: bool = False
    information: bool = False


CONTROLLER_PORTS = (
    Port(88, "Kerberos", "the sync service can't get tickets, so it can't sign in to read or to write", needed=True),
    Port(389, "LDAP", "the sync service can't read or write users (it signs and seals on this port)", needed=True),
    Port(445, "SMB", "writeback can't set the new password: the call goes over SMB", needed=True),
    Port(RPC_PORT, "RPC", "the installation wizard and password hash synchronisation fail"),
    Port(
        636, "LDAP over TLS", "only what reads with TLS from the first byte fails, as this tool may", information=True
    ),
    Port(3268, "global catalogue", "only searches over the whole forest fail", information=True),
)


@dataclass(frozen=True, slots=True)
class DynamicPort:
    """The port of the dynamic range on which a controller offers replication.

    Attributes:
        number: 0 where the endpoint mapper did not name it.
        reach: None where it isn't known, so that it wasn't tried.
        obstacle: why it isn't known.
    """

    number: int = 0
    reach: Reach | None = None
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class ControllerReach:
    """One domain controller.

    Attributes:
        role: "the PDC emulator", "configured" or "found in DNS".
        in_use: Connect turns to it, whatever others there are.
        ports: each of `CONTROLLER_PORTS`.
        dynamic: None where port 135 is closed.
    """

    host: str
    role: str
    in_use: bool
    ports: Mapping[int, Reach]
    dynamic: DynamicPort | None = None

    @property
    def has_what_is_needed(self) -> bool:
        return all(self.ports[port.number].connected for port in CONTROLLER_PORTS if port.needed)


@dataclass(frozen=True, slots=True)
class ResolverReach:
    """A DNS server in use: what it said of the domain's controllers (mostly by UDP), and its TCP port."""

    server: str
    answer: ServiceRecords
    tcp: Reach

    @property
    def answers(self) -> bool:
        return self.answer.code not in ("dns-timeout", "dns-error", "dns-malformed")


@dataclass(frozen=True, slots=True)
class ControllerPorts:
    """The controllers of one domain that Connect may turn to, and the DNS servers in use; none for an export."""

    domain: str
    controllers: tuple[ControllerReach, ...] = ()
    resolvers: tuple[ResolverReach, ...] = ()
    exported: bool = False
    notes: tuple[str, ...] = field(default=())
