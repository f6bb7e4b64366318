"""From what the event logs of the sync server say to what to suspect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from preflight.diagnosis.model import Instructions, Path, Suspicion
from preflight.diagnosis.path import by_hand, path_from
from preflight.events import Digest
from preflight.events.advice import advice
from preflight.knowledge import Entry, entries_for

MOST_CAUSES = 3
"""Causes of failures that are followed, the most frequent first."""


def path_from_logs(found: Digest, registered: Iterable[str]) -> Path:
    """What the logs name outright, whether the service runs, then the causes of what failed."""
    there = frozenset(registered)
    causes = path_from("", tuple(_entries(found)), there)
    return Path(_known(found), (*_named_outright(found), _service(found, there), *causes.suspicions), causes.entries)


def _known(found: Digest) -> str:
    names = ", ".join(log.name for log in found.logs) or "the event log"
    attempts = found.succeeded + found.failed
    return f"{names}: {found.failed:,} of {attempts:,} attempts failed"


def _named_outright(found: Digest) -> Iterator[Suspicion]:
    if found.outdated:
        versions = ", ".join(found.outdated)
        yield Suspicion(
            f"Entra Connect {versions} stopped working on 2026-09-30",
            "the log names that version",
            person=by_hand("install-latest"),
        )


def _service(found: Digest, there: frozenset[str]) -> Suspicion:
    checks = ("events.service-running", "events.heartbeat-fresh")
    told = tuple(advice(found))
    return Suspicion(
        "The service does not run, or has lost its connection",
        f"the log's last word of it is “{found.service.state}”",
        tuple(id for id in checks if id in there),
        Instructions(told) if told else None,
    )


def _entries(found: Digest) -> Iterator[Entry]:
    known: dict[str, Entry] = {}
    for cause in found.causes[:MOST_CAUSES]:
        for code in filter(None, (str(cause.event_id or ""), cause.hresult)):
            known |= {entry.id: entry for entry in entries_for(code)}
    yield from known.values()
