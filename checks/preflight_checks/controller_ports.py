"""The ports between sync server and domain controllers, and controllers that can't be written to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from preflight.api import Finding, Severity, check, fail, not_applicable, passed, unknown, warn
from preflight.directory.site import MachineSite
from preflight.directory.topology import ControllerProbes
from preflight.network.controller_ports import (
    CONTROLLER_PORTS,
    ControllerPorts,
    ControllerReach,
    Port,
    ResolverReach,
)
from preflight.network.model import Reach
from preflight.network.reasons import REASONS


@check(
    id="dc.ports",
    title="The ports of the domain controllers and DNS servers are open",
    severity=Severity.BLOCKER,
    each="domain",
    requires=("dc.discovered",),
    codes={
        "needed-port-closed": "a port that writeback needs is not reached on a controller that Connect uses",
        "spare-port-closed": "a needed port is not reached on a controller that Connect may do without",
        "rpc-closed": "the endpoint mapper (135) is not reached",
        "dynamic-port-closed": "the port of the dynamic range on which replication is offered is not reached",
        "dynamic-port-unknown": "the endpoint mapper did not say where replication is offered",
        "information": "a port is closed that writeback does not need",
        "resolver-silent": "a DNS server in use does not answer",
        "resolver-tcp-closed": "a DNS server in use answers, but not over TCP",
        "no-resolver": "no DNS server in use is known",
        "not-all-tried": "the ports of further controllers were not tried",
    },
    event_codes=("33004", "31003", "611"),
    deadline=120.0,
)
def ports(controller_ports: ControllerPorts) -> Iterator[Finding]:
    """Opens a TCP connection to each port that Entra Connect uses on the domain controllers, the PDC emulator included,
    and asks each DNS server in use.

    Needed are 88 (Kerberos), 389 (LDAP, signed and sealed) and 445 (SMB, by which writeback sets the password). 135 and
    the dynamic range (49152-65535; the endpoint mapper is asked for the port of replication) serve the wizard and
    password hash synchronisation: closed is a warning. 636 and 3268 are information. DNS is asked of the servers in
    use, not of every controller. A controller that DNS names beside others, and that is not the PDC emulator, is one
    that Connect may do without: closed is a warning there.

    To mend: allow the port from the sync server to the controller in every firewall on the way, the controller's own
    included.
    """
    if controller_ports.exported:
        yield not_applicable(f"{controller_ports.domain} is read from an export: no controller is contacted")
        return
    others = any(each.has_what_is_needed for each in controller_ports.controllers)
    for controller in controller_ports.controllers:
        yield from _of_controller(controller, others)
    yield from _of_resolvers(controller_ports.resolvers)
    for note in controller_ports.notes:
        yield warn(
            "not-all-tried",
            note,
            expected="every controller",
            observed=note,
            remedy="Name the ones that Connect prefers as `controllers`.",
        )


def _of_controller(controller: ControllerReach, others: bool) -> Iterator[Finding]:
    for port in CONTROLLER_PORTS:
        reach = controller.ports[port.number]
        subject = str(reach.endpoint)
        if reach.connected:
            yield passed(f"{subject} ({port.name}) is open, on {controller.role}", subject=subject)
        elif port.information:
            yield passed(
                f"{subject} ({port.name}) is closed ({reach.code}): {port.without}", subject=subject, code="information"
            )
        elif not port.needed:
            yield _closed(warn, "rpc-closed", port, reach, controller)
        elif controller.in_use or not others:
            yield _closed(fail, "needed-port-closed", port, reach, controller)
        else:
            yield _closed(warn, "spare-port-closed", port, reach, controller)
    dynamic = controller.dynamic
    if dynamic is None:
        return
    if dynamic.reach is None:
        yield warn(
            "dynamic-port-unknown",
            f"{controller.host} does not say on which port it offers replication: {dynamic.obstacle}",
            subject=controller.host,
            expected="the endpoint mapper on port 135 names the port",
            observed=dynamic.obstacle,
            remedy="Look for a firewall that inspects RPC. Password hash synchronisation needs it, writeback does not.",
        )
    elif dynamic.reach.connected:
        yield passed(
            f"{dynamic.reach.endpoint} (replication, in the dynamic range) is open", subject=str(dynamic.reach.endpoint)
        )
    else:
        yield _closed(warn, "dynamic-port-closed", _DYNAMIC, dynamic.reach, controller)


_DYNAMIC = Port(0, "replication, in the dynamic range", "password hash synchronisation and the wizard fail")


def _closed(judge: Callable[..., Finding], code: str, port: Port, reach: Reach, controller: ControllerReach) -> Finding:
    reason = REASONS.get(reach.code)
    return judge(
        code,
        f"{reach.endpoint} ({port.name}, on {controller.role}) is not reached: {reach.message}; {port.without}",
        subject=str(reach.endpoint),
        expected=f"TCP {reach.endpoint.port} is open from the sync server",
        observed=reason.meaning if reason else reach.code,
        remedy=f"Allow TCP {reach.endpoint.port} from the sync server to {controller.host}"
        + (" (and the range 49152-65535)." if port is _DYNAMIC else "."),
        evidence={"reason": reach.code},
    )


def _of_resolvers(resolvers: tuple[ResolverReach, ...]) -> Iterator[Finding]:
    if not resolvers:
        yield warn(
            "no-resolver",
            "the DNS servers of this machine could not be found out",
            expected="at least one DNS server",
            observed="none",
            remedy="Check the DNS servers of this machine, or set `nameserver`.",
        )
    others = any(each.answers for each in resolvers)
    for resolver in resolvers:
        if not resolver.answers:
            yield (warn if others else fail)(
                "resolver-silent",
                f"the DNS server {resolver.server} does not answer: {resolver.answer.message}",
                subject=resolver.server,
                expected="an answer from every DNS server in use",
                observed=resolver.answer.message,
                remedy=f"Allow UDP and TCP 53 from the sync server to {resolver.server}, or take it out of the list.",
                evidence={"reason": resolver.answer.code},
            )
        elif not resolver.tcp.connected:
            yield warn(
                "resolver-tcp-closed",
                f"the DNS server {resolver.server} answers by UDP, but TCP is closed: {resolver.tcp.message}",
                subject=resolver.server,
                expected="TCP 53 is open too: long answers, such as the records of many controllers, need it",
                observed=resolver.tcp.message,
                remedy=f"Allow TCP 53 from the sync server to {resolver.server}.",
                evidence={"reason": resolver.tcp.code},
            )
        else:
            yield passed(f"the DNS server {resolver.server} answers by UDP and TCP", subject=resolver.server)


@check(
    id="dc.writable",
    title="Connect is not sent to a read-only domain controller",
    severity=Severity.BLOCKER,
    each="domain",
    requires=("dc.discovered", "dc.reachable"),
    codes={
        "read-only-configured": "a configured controller is read-only",
        "read-only-site": "the site that this machine lies in has read-only controllers alone",
        "site-unknown": "it could not be told which controllers this machine is sent to",
        "nobody-asked": "no controller said whether it can be written to",
    },
    event_codes=("33001", "33004"),
)
def writable(controller_probes: ControllerProbes, machine_site: MachineSite) -> Iterator[Finding]:
    """Looks in the controllers' own rootDSEs whether they are read-only, and to which ones this machine is sent.

    Entra Connect does not support read-only controllers: a password can't be set there. That one exists does no harm,
    for it is registered for its own site only. It fails where one is configured, or where the site of this machine has
    no other. The site is what a controller says when asked by UDP 389, and its controllers are those that DNS names.

    To mend: name writable controllers in Connect (connector, "Configure Directory Partitions", preferred controllers),
    or give the sync server's subnet to a site that has one.
    """
    answering = controller_probes.answering
    for probe in answering:
        name = (probe.root_dse.host if probe.root_dse else "") or probe.controller.name
        if probe.root_dse is None or not probe.root_dse.is_read_only:
            yield passed(f"{name} is writable", subject=name)
        elif probe.controller.found_by == "configured":
            yield fail(
                "read-only-configured",
                f"{name} is configured and read-only: no password can be set there",
                subject=name,
                expected="a writable controller",
                observed="supportedCapabilities says that it is read-only",
                remedy="Take it out of `controllers`, and out of Entra Connect's preferred controllers.",
            )
        else:
            yield not_applicable(f"{name} is read-only, which harms nobody by itself", subject=name)
    if not answering:
        yield unknown(
            "nobody-asked",
            f"no controller of {controller_probes.domain} could be asked whether it can be written to",
            subject=controller_probes.domain,
            expected="an answer",
            observed="none",
            remedy="See dc.reachable.",
        )
    if machine_site.matters:
        yield from _by_site(machine_site)


def _by_site(site: MachineSite) -> Iterator[Finding]:
    writable_ones = [each.host for each in site.controllers if each.read_only is False]
    read_only = [each.host for each in site.controllers if each.read_only]
    silent = [each.host for each in site.controllers if each.read_only is None]
    if writable_ones:
        yield passed(f"{site.name}, the site of this machine, has {', '.join(writable_ones)}", subject=site.name)
    elif read_only and not silent:
        yield fail(
            "read-only-site",
            f"{site.name}, the site of this machine, has read-only controllers alone: Connect is sent to one",
            subject=site.name,
            expected=f"a writable controller in {site.name}",
            observed=", ".join(read_only),
            remedy="Give the sync server's subnet to a site with a writable controller, or name preferred ones in "
            "Entra Connect.",
        )
    elif site.name and not site.controllers and not site.obstacle:
        yield passed(f"{site.name}, the site of this machine, has no controller of its own", subject=site.name)
    else:
        obstacle = site.obstacle or f"{', '.join(silent)} did not say whether it can be written to"
        yield warn(
            "site-unknown",
            f"not told to which controllers this machine is sent: {obstacle}",
            subject=site.name,
            expected="the site of this machine, and its controllers",
            observed=obstacle,
            remedy="On the sync server: nltest /dsgetsite, and nltest /dsgetdc:DOMAIN /writable",
        )
