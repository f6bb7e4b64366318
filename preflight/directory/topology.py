"""Which domain controllers there are, how they were found, and what each says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from preflight.directory.model import CrossReference, DomainController, RootDse


@dataclass(frozen=True, slots=True)
class Discovery:
    """The search for the controllers of one domain.

    Attributes:
        source: "configured", "dns" (SRV records) or "export".
        record: the SRV record that was asked for; "" if none was.
        code: "ok", or why there is none: a DNS code.
        pdc_host: the holder of the PDC emulator role as far as DNS or the configuration says; "" = not known.
        pdc_obstacle: why it isn't known.
    """

    domain: str
    controllers: tuple[DomainController, ...]
    source: str
    record: str = ""
    code: str = "ok"
    message: str = ""
    remedy: str = ""
    pdc_host: str = ""
    pdc_obstacle: str = ""


@dataclass(frozen=True, slots=True)
class ControllerProbe:
    """One controller, asked for its rootDSE without signing in.

    Attributes:
        root_dse: None: it didn't answer, or isn't a domain controller of the domain.
        code, message, remedy: why not; code "ok" otherwise.
        alive: something answered there: only the way in which this machine reads (TLS, its port) is obstructed, which
            says nothing of Connect's own way on port 389, signed and sealed.
        read_at: by this machine's clock, when the reading of the rootDSE began and when it had ended; None for a
            controller out of an export.
    """

    controller: DomainController
    root_dse: RootDse | None
    code: str = "ok"
    message: str = ""
    remedy: str = ""
    alive: bool = True
    read_at: tuple[datetime, datetime] | None = None

    @property
    def answers(self) -> bool:
        return self.root_dse is not None


@dataclass(frozen=True, slots=True)
class ControllerProbes:
    """All controllers of a domain, probed side by side, by the name of their target."""

    domain: str
    probes: tuple[ControllerProbe, ...]
    pdc_host: str

    def of(self, name: str) -> ControllerProbe:
        return next(probe for probe in self.probes if probe.controller.name == name)

    def is_pdc(self, probe: ControllerProbe) -> bool:
        """Whether the probe's controller holds the PDC emulator role, by the name it was found by or gives itself."""
        names = {probe.controller.host.lower(), (probe.root_dse.host if probe.root_dse else "").lower()} - {""}
        return bool(self.pdc_host) and self.pdc_host.lower().rstrip(".") in names

    @property
    def answering(self) -> Sequence[ControllerProbe]:
        return [probe for probe in self.probes if probe.answers]


@dataclass(frozen=True, slots=True)
class ForestTopology:
    """The domains of a forest beside the ones that are configured.

    Attributes:
        domains: as CN=Partitions lists them.
        configured: DNS names, lower case.
        pdc_host: of this domain, by fSMORoleOwner; "" = not readable.
    """

    domains: tuple[CrossReference, ...]
    configured: frozenset[str]
    pdc_host: str
