"""What to do first about what the logs show, the most telling first."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.events.digest import FRESH, Cause, Digest
from preflight.knowledge import Entry, entries_for

_RESTART = 'Restart the service "Microsoft Azure AD Sync" (Restart-Service ADSync) and look for event 31015.'
MOST_CAUSES_ADVISED = 3
_PLAIN = re.compile(r"[\w.+-]{1,100}@[\w.-]{1,200}")
"""A name that no shell takes for anything else: what is printed as a command may be copied."""


def advice(found: Digest) -> list[str]:
    """Sentences for a person; empty: nothing to mend."""
    return [*_about_the_service(found), *_about_failures(found)]


def _about_the_service(found: Digest) -> Iterator[str]:
    service = found.service
    if found.outdated:
        yield (
            f"Install the latest release of Entra Connect: {', '.join(found.outdated)} stands in the log, and versions "
            "below 2.5.79.0 stopped working on 2026-09-30."
        )
    if service.state == "absent" and not found.failed:
        yield (
            "No event of PasswordResetService is in the log. Is it the Application log of the active sync server, and "
            "does it reach far enough back? On a server in staging mode that silence is right."
        )
    elif service.state == "unknown" and not found.failed:
        yield "The log shows neither that the service runs nor that something failed: take one that reaches further."
    elif service.state == "stopped":
        yield f"The service was stopped and has not started again. {_RESTART}"
    elif service.state == "unhealthy":
        yield (
            "The service has lost a relay (31044). Look at the way to it, and at the clock: preflight run --only "
            "network --only clock --namespaces-from LOG. Then restart the service."
        )
    elif service.state == "silent":
        minutes = FRESH.total_seconds() / 60
        yield f"No sign of life for more than {minutes:.0f} minutes before the log ends. {_RESTART}"
    if service.start_failed is not None and (service.started is None or service.start_failed > service.started):
        yield f"The sync engine could not start writeback (6800): preflight explain 6800. {_RESTART}"
    if service.onboarding in ("off", "switching off", "switching off failed", "switching on"):
        yield (
            f"Writeback is not on: the last word of the log is '{service.onboarding}'. Switch it on in the wizard of "
            "Entra Connect, under optional features."
        )
    if len(found.computers) > 1 and service.heartbeats:
        yield (
            f"The logs are of {len(found.computers)} servers ({', '.join(found.computers[:4])}): two active ones break "
            "each other's connection. All but one belong into staging mode."
        )


def known_as(cause: Cause) -> Entry | None:
    """What is known of a cause: of its event, else of its error code."""
    for code in (str(cause.event_id or ""), cause.hresult):
        for entry in entries_for(code) if code else ():
            return entry
    return None


def _about_failures(found: Digest) -> Iterator[str]:
    for cause in found.causes[:MOST_CAUSES_ADVISED]:
        code = f"{cause.event_id}" if cause.event_id else cause.hresult
        more = f" and preflight explain {cause.hresult}" if cause.event_id and cause.hresult else ""
        plain = next((user for user in cause.users if _PLAIN.fullmatch(user)), "")
        about = f"; for one of them: preflight user {plain}" if plain else ""
        times = "1 failure" if cause.count == 1 else f"{cause.count:,} failures"
        entry = known_as(cause)
        step = f" {entry.steps[0].text}" if entry is not None and entry.steps else ""
        yield f"{times} with {code}: preflight explain {code}{more}{about}.{step}"
    if found.refused_by_controller:
        yield (
            f"{found.refused_by_controller:,} times 4724 in a controller's Security log: where it is an audit failure "
            "with the connector account as its subject, the request arrived and policy refused it."
        )
