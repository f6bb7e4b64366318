"""The settings, resolved: what the rest of the program is given. Nothing here reads a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from preflight.network.endpoint import Endpoint
from preflight.network.idle import DEFAULT_IDLE
from preflight.secret import Secret

Auth = Literal["simple", "kerberos", "negotiate"]
Tls = Literal["ldaps", "starttls", "none"]
Cloud = Literal["public", "us-government", "china"]
SyncServerMode = Literal["active", "staging", ""]

LDAPS_PORT = 636
LDAP_PORT = 389


@dataclass(frozen=True, slots=True)
class ControllerAddress:
    """Where a domain controller answers LDAP.

    Attributes:
        tls: "ldaps" (TLS from the first byte), "starttls", or "none": no TLS because the sign-in seals (negotiate).
    """

    host: str
    port: int
    tls: Tls

    def __str__(self) -> str:
        return str(Endpoint(self.host, self.port))


@dataclass(frozen=True, slots=True)
class PasswordFromEnvironment:
    variable: str

    def __str__(self) -> str:
        return f"the environment variable {self.variable}"


@dataclass(frozen=True, slots=True)
class PasswordFromFile:
    path: Path

    def __str__(self) -> str:
        return f"the file {self.path}"


@dataclass(frozen=True, slots=True)
class PasswordFromPrompt:
    def __str__(self) -> str:
        return "a prompt on the terminal"


PasswordSource = PasswordFromEnvironment | PasswordFromFile | PasswordFromPrompt


@dataclass(frozen=True, slots=True)
class Connector:
    """Entra Connect's account and anchor, for every forest unless a domain says otherwise.

    Attributes:
        account: a sAMAccountName, UPN, DN or SID; None: to be discovered.
        source_anchor: an attribute's name; None: to be guessed, and said so.
    """

    account: str | None = None
    source_anchor: str | None = None


@dataclass(frozen=True, slots=True)
class DomainSettings:
    """One domain and how to read it.

    Attributes:
        name: its DNS name, lower case.
        forest: the forest root domain's DNS name, lower case; None: what its DC says.
        controllers: empty: found by DNS.
        user: None: the logged-on user or ticket.
        password: where the password comes from; None: none is needed.
        ca_file: None: the system's trust store.
        search_bases: DNs, none below another; empty: the whole domain.
        exclude: DNs of subtrees that are left out.
        nameserver: None: the system's.
        connector_account: this domain's own; None: the one of `Connector`.
        ldif: an export read instead of a live DC.
    """

    name: str
    forest: str | None = None
    controllers: tuple[ControllerAddress, ...] = ()
    user: str | None = None
    password: PasswordSource | None = None
    auth: Auth = "negotiate"
    ca_file: Path | None = None
    search_bases: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    nameserver: Endpoint | None = None
    connector_account: str | None = None
    ldif: Path | None = None

    def controller_at(self, host: str) -> ControllerAddress:
        """The address of a controller that DNS named: sealed on 389 under negotiate, else TLS on 636."""
        if self.auth == "negotiate":
            return ControllerAddress(host, LDAP_PORT, "none")
        return ControllerAddress(host, LDAPS_PORT, "ldaps")


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """An HTTP proxy that is asked to CONNECT.

    Attributes:
        password: written into the URL.
        password_source: where it comes from otherwise; None: nowhere.
    """

    endpoint: Endpoint
    user: str | None = None
    password: Secret | None = None
    password_source: PasswordSource | None = None

    def __str__(self) -> str:
        return f"http://{self.user + ':***@' if self.user is not None else ''}{self.endpoint}"


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """
    Attributes:
        proxy: None: that of `machine_config`, else the environment's, if any.
        machine_config: .NET's machine.config on the sync server, whose proxy the sync service uses; None: not given.
        timeout: seconds a single connection attempt, DNS query or answer may take.
        idle_seconds: how long `network.idle-survives` leaves connections idle.
    """

    cloud: Cloud = "public"
    proxy: ProxySettings | None = None
    timeout: float = 5.0
    idle_seconds: float = DEFAULT_IDLE
    machine_config: Path | None = None


HTTPS_PORT = 443
RELAY_PORTS = (9350, 9351, 9352, 9353, 9354)


@dataclass(frozen=True, slots=True)
class ServiceBusSettings:
    """
    Attributes:
        namespaces: the tenant's own; empty: the cloud's documented examples.
        relay_ports: further ports of the relays, named in the text of event 32011.
        relay_ports_required: whether a closed one is a fail rather than a warning.
    """

    namespaces: tuple[Endpoint, ...] = ()
    relay_ports: tuple[int, ...] = RELAY_PORTS
    relay_ports_required: bool = False


@dataclass(frozen=True, slots=True)
class EventSettings:
    """
    Attributes:
        logs: event logs of the sync server, in any form; empty: the checks of them have nothing to look at.
        fresh: how long ago the last heartbeat, and the logs' end, may be; heartbeats come every 5 minutes.
    """

    logs: tuple[Path, ...] = ()
    fresh: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class SyncServerSettings:
    """The server with Entra Connect on which this configuration is used.

    Attributes:
        mode: in "staging" mode it runs no writeback, and its service is rightly silent; "": not said.
    """

    mode: SyncServerMode = ""


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """Where and how long runs are kept.

    Attributes:
        file: None: the platform's own place.
        most_bytes: when the file has more, the oldest runs go.
        enabled: false: nothing is recorded, with --profile monitor either.
    """

    file: Path | None = None
    keep: timedelta = timedelta(days=400)
    most_bytes: int = 200_000_000
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """
    Attributes:
        audit_every: with --profile monitor every user is read so often; in between the last results are carried along.
    """

    audit_every: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything a run was told.

    Attributes:
        waivers: the file of waivers; None: nothing is waived.
        history: None: there is no such table, so runs of the profile "monitor" only are recorded.
        source: the file it came from; None: options alone.
        warnings: one sentence each: usable, but a person should know.
    """

    connector: Connector = Connector()
    domains: tuple[DomainSettings, ...] = ()
    network: NetworkSettings = NetworkSettings()
    service_bus: ServiceBusSettings = ServiceBusSettings()
    events: EventSettings = EventSettings()
    sync_server: SyncServerSettings = SyncServerSettings()
    waivers: Path | None = None
    history: HistorySettings | None = None
    monitor: MonitorSettings = MonitorSettings()
    source: Path | None = None
    warnings: tuple[str, ...] = field(default=())

    def connector_account(self, domain: DomainSettings) -> str | None:
        """The connector account as configured for that domain; None: to be discovered."""
        return domain.connector_account or self.connector.account
