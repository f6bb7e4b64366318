"""The domain controllers: found, reached, and able to judge a password as writeback asks."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import Finding, Later, Severity, Unavailable, check, fail, not_applicable, passed, unknown, warn
from preflight.directory.model import POLICY_HINTS, POLICY_HINTS_DEPRECATED
from preflight.directory.topology import ControllerProbe, ControllerProbes, Discovery, ForestTopology

_FOUND_BY = {"dns": "found in DNS", "configured": "configured", "export": "in the export"}


@check(
    id="dc.discovered",
    title="The domain's controllers are known",
    severity=Severity.BLOCKER,
    each="domain",
    codes={
        "name-unresolved": "DNS does not lead to a domain controller",
        "no-controllers": "there is no domain controller",
        "pdc-unknown": "the PDC emulator is not known",
        "pdc-not-looked-at": "the PDC emulator is not among the controllers that are looked at",
        "not-in-export": "the export does not hold what a controller says of itself",
        "forest-not-read": "the forest's list of domains could not be read",
        "domain-not-configured": "the forest has a domain that is not looked at",
    },
)
def discovered(
    discovery: Discovery, controller_probes: Later[ControllerProbes], topology: Later[ForestTopology]
) -> Iterator[Finding]:
    """Finds the domain controllers: as configured, else from the SRV records that domain controllers register in DNS.

    Names the PDC emulator, on which states are read and to which Connect turns, and compares the forest's list of
    domains with the configured ones: users of a domain that nobody looks at would go unjudged.

    To mend: let this machine ask the domain's DNS servers (`nameserver`), or name `controllers`; add a `[[domain]]`
    for each domain of the forest.
    """
    if discovery.code != "ok" or not discovery.controllers:
        yield fail(
            "name-unresolved" if discovery.code != "ok" else "no-controllers",
            f"no domain controller of {discovery.domain} is found: {discovery.message or 'there is none'}",
            subject=discovery.domain,
            expected=f"domain controllers from {discovery.record or 'the configuration'}",
            observed=discovery.message or "none",
            remedy=discovery.remedy
            or "Check the domain's name, set `nameserver` to one of its DNS servers, or name `controllers`.",
            evidence={"record": discovery.record, "code": discovery.code},
        )
        return
    if discovery.source == "export" and discovery.message:
        # Not unknown: what the controllers would say is the business of `dc.policy-hints`; the users can be judged.
        yield warn(
            "not-in-export",
            f"the export says nothing of the controllers: {discovery.message}",
            subject=discovery.domain,
            expected="the rootDSE of each controller",
            observed=discovery.message,
            remedy=discovery.remedy,
        )
        return
    for controller in discovery.controllers:
        yield passed(f"{controller.name} is {_FOUND_BY[controller.found_by]}", subject=controller.name)
    try:
        forest = topology()
    except Unavailable as obstacle:
        # Not unknown: whatever keeps the directory from being read is the finding of `directory.bind`, and the
        # controllers, which are known, are to be asked all the same.
        yield warn(
            "forest-not-read",
            f"the domains of the forest and the PDC emulator could not be read: {obstacle.reason}",
            subject=discovery.domain,
            expected="a directory that can be read",
            observed=obstacle.reason,
            remedy=obstacle.remedy or "See directory.bind.",
        )
        return
    yield from _pdc(forest.pdc_host or discovery.pdc_host, discovery, controller_probes())
    for domain in forest.domains:
        if domain.name not in forest.configured:
            yield warn(
                "domain-not-configured",
                f"{domain.name} belongs to the same forest and is not looked at: its users are not judged",
                subject=domain.name,
                expected="every domain of the forest whose users are synchronised is configured",
                observed=f"{domain.name} ({domain.netbios_name}) is in CN=Partitions and has no [[domain]]",
                remedy=f'Add [[domain]] with name = "{domain.name}", or leave it if none of its users is synchronised.',
            )


def _pdc(pdc_host: str, discovery: Discovery, probes: ControllerProbes) -> Iterator[Finding]:
    if not pdc_host:
        yield warn(
            "pdc-unknown",
            f"the PDC emulator of {discovery.domain} is not known",
            subject=discovery.domain,
            expected="fSMORoleOwner of the domain's head, or the SRV record of the PDC emulator",
            observed=discovery.pdc_obstacle or "not readable",
            remedy="Let the reader read the domain's head, and check the record _ldap._tcp.pdc._msdcs of the domain.",
        )
    elif any(ControllerProbes(probes.domain, probes.probes, pdc_host).is_pdc(probe) for probe in probes.probes):
        yield passed(f"{pdc_host} is the PDC emulator", subject=pdc_host)
    else:
        yield warn(
            "pdc-not-looked-at",
            f"the PDC emulator {pdc_host} is not among the controllers that are looked at",
            subject=pdc_host,
            expected="the PDC emulator is looked at: Connect turns to it whatever controllers it prefers",
            observed=f"configured: {', '.join(controller.name for controller in discovery.controllers)}",
            remedy=f'Add "{pdc_host}" to `controllers`, or leave `controllers` out.',
        )


@check(
    id="dc.reachable",
    title="The domain controller answers",
    severity=Severity.BLOCKER,
    each="domain-controller",
    requires=("dc.discovered",),
    codes={
        "not-reached": "no connection, or no answer",
        "not-verified": "something answers, but not over TLS that can be verified",
        "not-a-domain-controller": "what answers is no domain controller",
        "wrong-domain": "what answers is a controller of another domain",
        "one-of-several-down": "one controller of several, not the PDC emulator, does not answer",
    },
    event_codes=("33004", "SSPR_0030"),
)
def reachable(controller_probe: ControllerProbe, controller_probes: ControllerProbes) -> Iterator[Finding]:
    """Connects to each domain controller over LDAP with verified TLS (or port 389, where the sign-in is sealed) and
    asks what it is, without signing in.

    A controller that is down is a fault if it is the PDC emulator or if no other answers; else a warning, as Connect
    turns to another one. A controller that is there, but could not be asked over verified TLS, is unknown: Connect
    itself reads on port 389, signed and sealed, and needs no certificate.

    To mend: start the controller, open the port, or renew its certificate, as the reason says.
    """
    controller = controller_probe.controller
    if controller.found_by == "export" and controller_probe.root_dse is None:
        yield not_applicable(f"{controller.host} is an export", subject=controller.name)
        return
    if controller_probe.answers:
        root_dse = controller_probe.root_dse
        name = root_dse.host if root_dse else ""
        role = ", the PDC emulator" if controller_probes.is_pdc(controller_probe) else ""
        if controller.found_by == "export":
            yield not_applicable(f"{name} is read from an export{role}", subject=controller.name)
        else:
            yield passed(f"{name or controller.name} answers on {controller.name}{role}", subject=controller.name)
        return
    spare = bool(controller_probes.answering) and not controller_probes.is_pdc(controller_probe)
    mistaken = controller_probe.code in ("not-a-domain-controller", "wrong-domain")
    if spare and not mistaken:
        judge, code = warn, "one-of-several-down"
    elif controller_probe.alive and not mistaken:
        judge, code = unknown, "not-verified"
    else:
        judge, code = fail, controller_probe.code if mistaken else "not-reached"
    only_tls = controller_probe.code.startswith(("tls-", "starttls-"))
    verb = _VERBS[code] if code != "not-verified" or only_tls else "does not answer, though port 389 is open"
    yield judge(
        code,
        f"{controller.name} {verb}: {controller_probe.message}",
        subject=controller.name,
        expected=f"a domain controller of {controller_probes.domain} on {controller.name}",
        observed=controller_probe.message,
        remedy=(controller_probe.remedy or "Check that it runs and that this machine may reach the port.")
        + (_OTHER_WAY[only_tls] if code == "not-verified" else ""),
        evidence={"reason": controller_probe.code},
    )


_VERBS = {
    "not-reached": "does not answer",
    "one-of-several-down": "does not answer",
    "not-verified": "is there, but could not be asked",
    "not-a-domain-controller": "does not answer as a domain controller",
    "wrong-domain": "does not answer as a domain controller of the domain",
}
_SEALED = ' Or read without TLS, signed and sealed on port 389, as Connect itself does: auth = "negotiate".'
_OTHER_WAY = {
    True: f"{_SEALED} Writeback does not need the controller's certificate, so this alone says nothing of it.",
    False: f"{_SEALED} Writeback does not need this port, so this alone says nothing of it.",
}


@check(
    id="dc.policy-hints",
    title="The domain controller knows the policy-hints control",
    severity=Severity.BLOCKER,
    each="domain-controller",
    requires=("dc.reachable",),
    codes={
        "control-missing": "neither policy-hints control is there",
        "current-only": "only the current control is there, not the one that the event's text names",
        "not-asked": "a controller that does not answer was not asked",
        "not-in-export": "the export does not hold what a controller says of itself",
    },
    event_codes=("6329", "33001"),
)
def policy_hints(controller_probe: ControllerProbe) -> Iterator[Finding]:
    """Looks for the policy-hints control in each controller's own supportedControl.

    Entra Connect sets passwords with this control, so that the controller applies history and minimum age as for a
    change. 1.2.840.113556.1.4.2066 is the deprecated identifier (Windows Server 2008 R2 on) that event 6329 names,
    1.2.840.113556.1.4.2239 the current one (2012 on), with the same meaning. A controller without either fails every
    reset: "does not contain any LDAP password policy control". Read-only controllers are not asked.

    To mend: bring the controller to a supported version of Windows Server (2008 before R2 needed hotfix KB2386717).
    """
    controller = controller_probe.controller
    root_dse = controller_probe.root_dse
    if root_dse is None and controller.found_by == "export":
        yield unknown(
            "not-in-export",
            f"which controls the controllers know is not in {controller.host}",
            subject=controller.name,
            expected="the rootDSE of each controller",
            observed=controller_probe.message,
            remedy=controller_probe.remedy,
        )
        return
    if root_dse is None:
        yield warn(
            "not-asked",
            f"{controller.name} does not answer, so it could not be asked",
            subject=controller.name,
            expected="an answer",
            observed=controller_probe.message,
            remedy="Run again when the controller is back.",
        )
        return
    name = root_dse.host or controller.name
    if root_dse.is_read_only:
        yield not_applicable(f"{name} is read-only: Connect doesn't write to it", subject=name)
        return
    controls = root_dse.supported_controls
    evidence = {"2066": POLICY_HINTS_DEPRECATED in controls, "2239": POLICY_HINTS in controls}
    if POLICY_HINTS_DEPRECATED in controls:
        both = " and the current 2239" if POLICY_HINTS in controls else ", not the current 2239"
        yield passed(f"{name} knows policy hints (2066{both})", subject=name, evidence=evidence)
    elif POLICY_HINTS in controls:
        yield warn(
            "current-only",
            f"{name} knows only the current policy-hints control (2239)",
            subject=name,
            expected=f"{POLICY_HINTS_DEPRECATED}, which the event's text names, beside {POLICY_HINTS}",
            observed=f"{POLICY_HINTS} alone; whether every version of Connect accepts that is not documented",
            remedy="Try a reset. If event 6329 says that there is no password policy control, update Entra Connect.",
            evidence=evidence,
        )
    else:
        yield fail(
            "control-missing",
            f"{name} does not know the policy-hints control",
            subject=name,
            expected=f"{POLICY_HINTS_DEPRECATED} or {POLICY_HINTS} in supportedControl",
            observed=f"neither, among {len(controls)} controls",
            remedy="Bring the controller to a supported version of Windows Server and its latest updates "
            "(Windows Server 2008 before R2: service pack 2 and hotfix KB2386717).",
            evidence=evidence,
        )
