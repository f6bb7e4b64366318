"""The domains: their controllers, and the directory that answers for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from preflight.api import Target, Unavailable
from preflight.config import DomainSettings
from preflight.directory.distinguished_name import dn_to_domain, domain_to_dn, normalise
from preflight.directory.live.deadline import Timeouts
from preflight.directory.model import Container, Domain, DomainController, FineGrainedPolicies, RootDse
from preflight.directory.port import Directory
from preflight.directory.reader import Reader, same_account
from preflight.directory.topology import ControllerProbe, ControllerProbes, Discovery, ForestTopology
from preflight.network.endpoint import Endpoint
from preflight.network.together import all_at_once
from preflight.resources.provider import Resources, finds, provides

if TYPE_CHECKING:
    from preflight.directory.live.ldap import LiveDirectory
    from preflight.network.port import Resolver

CONTROLLERS_RECORD = "_ldap._tcp.dc._msdcs"
PDC_RECORD = "_ldap._tcp.pdc._msdcs"
LDAP_PORT = 389


def settings_of(resources: Resources, target: Target) -> DomainSettings:
    """The configuration of the domain that the target is or lies in."""
    domain = target.at("domain")
    return next(each for each in resources.setting.configuration.domains if domain and each.name == domain.name)


@finds("domain")
def domains(resources: Resources, within: Target) -> Sequence[Target]:
    return [Target("domain", domain.name, within) for domain in resources.setting.configuration.domains]


@finds("domain-controller")
def controllers(resources: Resources, within: Target) -> Sequence[Target]:
    found: Discovery = resources.get("discovery", within)
    return [Target("domain-controller", controller.name, within) for controller in found.controllers]


@provides("domain")
def names(resources: Resources, target: Target) -> Resolver:
    """The resolver for this domain's hosts: its own name server, else the run's."""
    nameserver = settings_of(resources, target).nameserver
    if nameserver is None or resources.setting.network is not None:
        resolver: Resolver = resources.get("resolver")
        return resolver
    from preflight.network.resolver import DnsResolver

    return DnsResolver(str(nameserver), lifetime=resources.setting.configuration.network.timeout)


@provides("domain")
def discovery(resources: Resources, target: Target) -> Discovery:
    settings = settings_of(resources, target)
    if settings.ldif is not None:
        return _in_export(resources, target, settings)
    if settings.controllers:
        return Discovery(
            settings.name,
            tuple(DomainController(each.host, each.port, each.tls, "configured") for each in settings.controllers),
            "configured",
            pdc_obstacle="the controllers are configured, so DNS was not asked",
        )
    return _in_dns(resources.get("names", target), settings)


def _in_export(resources: Resources, target: Target, settings: DomainSettings) -> Discovery:
    """The controllers whose rootDSE is in the export; without any, the export itself stands for them."""
    hosts = [root_dse.host for root_dse in _exported(resources, target)]
    unnamed = settings.ldif.name if settings.ldif is not None else ""
    return Discovery(
        settings.name,
        tuple(
            DomainController(host or f"controller {number}", 389, "none", "export")
            for number, host in enumerate(hosts or [unnamed])
        ),
        "export",
        message="" if hosts else f"{unnamed} holds no entry with an empty DN, which a controller's rootDSE would be",
        remedy='Export each controller\'s rootDSE too (base "", scope base, attributes + and *).',
    )


def _in_dns(resolver: Resolver, settings: DomainSettings) -> Discovery:
    record = f"{CONTROLLERS_RECORD}.{settings.name}"
    found = resolver.services(record)
    pdc = resolver.services(f"{PDC_RECORD}.{settings.name}")
    pdc_host = pdc.records[0].target if pdc.records else ""
    hosts = list(dict.fromkeys([*([pdc_host] if pdc_host else []), *(each.target for each in found.records)]))
    reason = found.reason
    return Discovery(
        settings.name,
        tuple(
            DomainController(at.host, at.port, at.tls, "dns", is_pdc=host == pdc_host if pdc_host else None)
            for host in hosts
            for at in (settings.controller_at(host),)
        ),
        "dns",
        record=record,
        code="ok" if hosts else found.code,
        message=found.message if not hosts else "",
        remedy=(reason.remedy + " Or name `controllers`, or set `nameserver` to one of the domain's DNS servers.")
        if reason
        else "",
        pdc_host=pdc_host,
        pdc_obstacle=pdc.message,
    )


@provides("domain")
def controller_probes(resources: Resources, target: Target) -> ControllerProbes:
    found: Discovery = resources.get("discovery", target)
    settings = settings_of(resources, target)
    timeout = resources.setting.configuration.network.timeout
    if settings.ldif is not None:
        answers: Sequence[RootDse | None] = _exported(resources, target) or (None,)
        probes = tuple(
            ControllerProbe(controller, root_dse, "ok" if root_dse else "not-in-export", found.message, found.remedy)
            for controller, root_dse in zip(found.controllers, answers, strict=True)
        )
    else:

        def probe(controller: DomainController) -> Callable[[], ControllerProbe]:
            return lambda: _probe(resources, target, settings, controller)

        answered = all_at_once({each: probe(each) for each in found.controllers}, 6 * timeout)
        probes = tuple(
            answered.get(each)
            or ControllerProbe(
                each,
                None,
                "timed-out",
                f"{each.name}: no answer within {6 * timeout:g} s",
                "Check that it runs, and the network on the way; or name another controller.",
                alive=False,
            )
            for each in found.controllers
        )
    return ControllerProbes(settings.name, probes, found.pdc_host)


def _probe(
    resources: Resources, target: Target, settings: DomainSettings, controller: DomainController
) -> ControllerProbe:
    from preflight.directory.live.ldap import read_root_dse

    # In time for `_alive` to look at port 389, before the probe as a whole is given up.
    timeout = resources.setting.configuration.network.timeout
    began = datetime.now(UTC)
    try:
        root_dse = read_root_dse(
            controller,
            resolve=resources.get("names", target).addresses,
            ca_file=settings.ca_file,
            timeouts=replace(timeouts_of(resources), page=2 * timeout),
        )
    except Unavailable as error:
        return ControllerProbe(
            controller, None, error.code, error.reason, error.remedy, _alive(resources, target, controller, error)
        )
    if not root_dse.is_active_directory:
        return ControllerProbe(
            controller,
            None,
            "not-a-domain-controller",
            f"{controller.name} speaks LDAP and is no domain controller of Active Directory",
            "Name a domain controller: host, ldaps://host:636, or ldap://host:389.",
        )
    if normalise(root_dse.domain_dn) != normalise(domain_to_dn(settings.name)):
        return ControllerProbe(
            controller,
            None,
            "wrong-domain",
            f"{controller.name} is a controller of {dn_to_domain(root_dse.domain_dn)}, not of {settings.name}",
            "Correct the domain's name or its controllers.",
        )
    return ControllerProbe(controller, root_dse, read_at=(began, datetime.now(UTC)))


def _alive(resources: Resources, target: Target, controller: DomainController, error: Unavailable) -> bool:
    """Whether there is a controller all the same: TLS was spoken, or port 389 is open."""
    from preflight.network.dialer import SocketDialer

    if error.code.startswith(("tls-", "starttls-")):
        return True
    if controller.tls != "ldaps":
        return False
    timeout = resources.setting.configuration.network.timeout
    plain = Endpoint(controller.host, LDAP_PORT)
    return SocketDialer(resources.get("names", target), timeout=timeout).reach(plain).connected


@provides("domain-controller")
def controller_probe(resources: Resources, target: Target) -> ControllerProbe:
    probes: ControllerProbes = resources.get("controller_probes", target)
    return probes.of(target.name)


@provides("domain")
def reader(resources: Resources, target: Target) -> Reader:
    settings = settings_of(resources, target)
    user = settings.user or ""
    connector = resources.setting.configuration.connector_account(settings) or ""
    return Reader(
        settings.name,
        user,
        "export" if settings.ldif is not None else settings.auth,
        same_account(user, connector),
    )


@provides("domain", deadline=90.0)
def directory(resources: Resources, target: Target) -> Directory:
    """The domain, connected and signed in: the controllers that answer, the PDC emulator first unless configured."""
    settings = settings_of(resources, target)
    if settings.ldif is not None:
        from preflight.directory.export.ldif import LdifDirectory

        return LdifDirectory(settings.ldif, settings.name, settings.forest)
    probes: ControllerProbes = resources.get("controller_probes", target)
    answering = [probe.controller for probe in probes.probes if probe.answers]
    if not answering:
        first = probes.probes[0] if probes.probes else None
        raise Unavailable(
            f"no domain controller of {settings.name} answers"
            + (f": {'; '.join(probe.message for probe in probes.probes)}" if first else ""),
            code=first.code if first else "no-controller",
            remedy=first.remedy if first else "",
        )
    return live_directory(resources, target, answering)


def live_directory(resources: Resources, target: Target, controllers: Sequence[DomainController]) -> LiveDirectory:
    """Connected to the first of these that answers, and signed in as configured.

    Raises:
        Unavailable
    """
    from preflight.directory.live.ldap import Credentials, LiveDirectory, SignIn

    settings = settings_of(resources, target)
    password = resources.setting.passwords.get(settings.name)
    live = LiveDirectory(
        settings.name,
        controllers,
        SignIn(settings.auth, Credentials(settings.user, password) if settings.user and password else None),
        ledger=resources.setting.binds,
        resolve=resources.get("names", target).addresses,
        ca_file=settings.ca_file,
        timeouts=timeouts_of(resources),
    )
    resources.on_close(live.close)
    live.root_dse()
    return live


@provides("domain")
def domain(resources: Resources, target: Target) -> Domain:
    found: Directory = resources.get("directory", target)
    return found.domain()


@provides("domain")
def topology(resources: Resources, target: Target) -> ForestTopology:
    found: Directory = resources.get("directory", target)
    head: Domain = resources.get("domain", target)
    return ForestTopology(
        tuple(found.forest_domains()),
        frozenset(each.name for each in resources.setting.configuration.domains),
        head.pdc_host,
    )


@provides("domain")
def containers(resources: Resources, target: Target) -> dict[str, Container]:
    found: Directory = resources.get("directory", target)
    return dict(found.containers())


@provides("domain")
def fine_grained(resources: Resources, target: Target) -> FineGrainedPolicies:
    found: Directory = resources.get("directory", target)
    return found.fine_grained_policies()


def _exported(resources: Resources, target: Target) -> Sequence[RootDse]:
    from preflight.directory.export.ldif import LdifDirectory

    export = resources.get("directory", target)
    return export.controllers_root_dse() if isinstance(export, LdifDirectory) else ()


def timeouts_of(resources: Resources) -> Timeouts:
    timeout = resources.setting.configuration.network.timeout
    return Timeouts(connect=timeout, handshake=2 * timeout, bind=4 * timeout, page=12 * timeout)
