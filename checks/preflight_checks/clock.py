"""The clock of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from preflight.api import Finding, Severity, check, fail, not_applicable, passed, unknown, warn
from preflight.network.clock import MOST, MUCH, ClockReading, Clocks, duration

_VAGUE = timedelta(minutes=1)
"""A reading that leaves more open than this tells nothing."""


@check(
    id="clock.in-step",
    title="This machine's clock is in step with the domain controllers and the service",
    severity=Severity.BLOCKER,
    each="run",
    requires=("dc.reachable",),
    codes={
        "clock-off": "this machine's clock is more than 5 minutes off",
        "clock-drifts": "this machine's clock is more than 1 minute off",
        "clock-unclear": "the reading took so long that it tells nothing",
        "no-clock": "no other clock could be read",
    },
    event_codes=("33004", "31034"),
)
def in_step(clocks: Clocks) -> Iterator[Finding]:
    """Compares this machine's clock with each domain controller's, which its rootDSE shows, and with the `Date` of the
    service's answer. The time that the reading took is allowed for.

    Kerberos refuses tickets where the clocks are more than 5 minutes apart (a policy can set another limit), so the
    sync server can't sign in; a clock that is far off also makes certificates look expired or not yet valid, and breaks
    the onboarding to the service.

    To mend: w32tm /resync on the machine whose clock is wrong, and have it follow the domain (w32tm /config
    /syncfromflags:domhier /update); the PDC emulator follows an outside source.
    """
    readings = [*clocks.controllers, *([clocks.service] if clocks.service else [])]
    for reading in readings:
        yield _judged(reading)
    if readings:
        return
    if clocks.exported and not clocks.unread:
        yield not_applicable(f"{', '.join(clocks.exported)} is read from an export, which has no clock")
        return
    why = "; ".join(f"{who}: {reason}" for who, reason in clocks.unread) or "nobody was asked"
    yield unknown(
        "no-clock",
        f"no other clock could be read: {why}",
        expected="the time of a domain controller or of the service",
        observed="none",
        remedy="See dc.reachable and network.web-service.",
    )


def _judged(reading: ClockReading) -> Finding:
    evidence = {"least_s": reading.least.total_seconds(), "most_s": reading.most.total_seconds()}
    if reading.surely <= MUCH:
        if reading.most - reading.least > _VAGUE and reading.at_worst > MUCH:
            return unknown(
                "clock-unclear",
                f"the clock of {reading.whose} was read too slowly to compare it",
                subject=reading.whose,
                expected=f"a reading that takes less than {duration(_VAGUE)}",
                observed=f"it took {duration(reading.most - reading.least)}",
                remedy="Run again; look for what makes the answers slow.",
                evidence=evidence,
            )
        return passed(f"this machine's clock is {reading}", subject=reading.whose, evidence=evidence)
    off = reading.surely > MOST
    return (fail if off else warn)(
        "clock-off" if off else "clock-drifts",
        f"this machine's clock is {reading}",
        subject=reading.whose,
        expected=f"at most {duration(MOST)} apart, as Kerberos wants by default"
        if off
        else f"less than {duration(MUCH)} apart: at {duration(MOST)} Kerberos refuses to work",
        observed=f"{duration(reading.surely)} {'ahead' if reading.ahead else 'behind'}",
        remedy="Find out which clock is wrong (compare the others above), then on that machine: w32tm /resync",
        evidence=evidence,
    )
