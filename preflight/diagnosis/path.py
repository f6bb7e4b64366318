"""What to suspect, and in which order: from a code, a symptom, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from preflight.diagnosis.model import Instructions, Path, Suspicion
from preflight.knowledge import Cause, Entry, procedure

OLDEST_THAT_WORKS = "2.5.79.0"
"""Connect below it stopped working on 2026-09-30."""

_ORDER = "the documented order of troubleshooting"

_ACTIVE_SERVER = Instructions(
    (
        "On this server, open Azure AD Connect (the wizard), Configure, View or export current configuration: staging "
        "mode must be off. Exactly one server may be active: two break each other's connection.",
        f"In Programs and Features, look at the version of Microsoft Entra Connect: {OLDEST_THAT_WORKS} or later. "
        "Older ones stopped working on 2026-09-30.",
    ),
    verify=("Events 31015 (service started) and 31019 (heartbeat) in the Application log.",),
)
_FRAMEWORK = Instructions(
    (
        "In an elevated PowerShell on the sync server: "
        "(Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\NET Framework Setup\\NDP\\v4\\Full').Release must be 528040 or "
        "more (.NET Framework 4.8).",
        "TLS 1.2 must be on for .NET: SchUseStrongCrypto and SystemDefaultTlsVersions are 1 below "
        "HKLM:\\SOFTWARE\\Microsoft\\.NETFramework\\v4.0.30319.",
    ),
)


def usual_path(registered: Iterable[str]) -> Path:
    """Where nothing particular is known: the order of the documentation, which begins with the server itself."""
    there = frozenset(registered)
    return Path(
        "nothing in particular",
        tuple(
            Suspicion(title, _ORDER, tuple(id for id in checks if id in there), person)
            for title, checks, person in _usual()
        ),
    )


def _usual() -> Sequence[tuple[str, tuple[str, ...], Instructions | None]]:
    return (
        ("This is not the active sync server, or its version no longer works", (), _ACTIVE_SERVER),
        (
            "The network does not let the server out",
            (
                "dns.relays-resolve",
                "network.relay-443",
                "network.proxy",
                "network.web-service",
                "network.tls-not-intercepted",
                "network.websocket",
                "network.revocation",
                "clock.in-step",
            ),
            None,
        ),
        ("TLS 1.2 or .NET 4.8 is missing", ("network.tls-versions",), _FRAMEWORK),
        (
            "The service does not run, or has lost its connection",
            ("events.service-running", "events.heartbeat-fresh"),
            None,
        ),
        ("A fault that a restart of the service mends", (), by_hand("restart-sync-service")),
        ("A fault that disabling and re-enabling writeback mends", (), by_hand("re-enable-writeback")),
        ("A fault of this version", (), by_hand("install-latest")),
        ("Something that the events name", ("events.failures",), None),
        (
            "The directory refuses",
            (
                "dc.discovered",
                "dc.reachable",
                "dc.ports",
                "dc.policy-hints",
                "dc.writable",
                "directory.bind",
                "account.connector-usable",
                "permissions.reset-password",
                "permissions.write-lockout-time",
                "permissions.write-pwd-last-set",
                "permissions.unexpire-password",
                "permissions.sam-read",
                "anchors.unique",
                "policy.minimum-age",
            ),
            by_hand("verify-permission"),
        ),
    )


def path_from(known: str, entries: Sequence[Entry], registered: Iterable[str]) -> Path:
    """The causes of the entries, the likeliest of each before the second ones, then what mends where none is found."""
    there = frozenset(registered)
    suspicions: dict[tuple[str, tuple[str, ...]], Suspicion] = {}
    for entry, cause in _likeliest_first(entries):
        suspicion = Suspicion(
            cause.text.rstrip("."),
            _because(entry, cause.inferred),
            tuple(id for id in cause.checks if id in there),
            _for_a_person(cause),
        )
        suspicions.setdefault((suspicion.title, suspicion.checks), suspicion)
    for entry in entries:
        if entry.steps:
            title = f"None of these: what mends “{_label(entry)}” otherwise"
            suspicions.setdefault((title, ()), Suspicion(title, _because(entry), (), _steps_of(entry)))
    return Path(known, tuple(suspicions.values()), tuple((entry.code, entry.name, entry.meaning) for entry in entries))


def joined(known: str, paths: Sequence[Path]) -> Path:
    """Several paths as one, each suspicion once."""
    suspicions = {(each.title, each.checks): each for path in paths for each in path.suspicions}
    entries = {entry: None for path in paths for entry in path.entries}
    return Path(known, tuple(suspicions.values()), tuple(entries))


def _likeliest_first(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Cause]]:
    for place in range(max((len(entry.causes) for entry in entries), default=0)):
        for entry in entries:
            if place < len(entry.causes):
                yield entry, entry.causes[place]


def _because(entry: Entry, inferred: bool = False) -> str:
    return f"{_label(entry)}{' (inferred: no source says so)' if inferred else ''}"


def _label(entry: Entry) -> str:
    return f"{entry.code} {entry.name}".strip()


def _for_a_person(cause: Cause) -> Instructions | None:
    steps = [cause.manual] if cause.manual else []
    if cause.user:
        steps.append(f"For one person, ask preflight user NAME: it says whether {cause.user}.")
    return Instructions(tuple(steps)) if steps else None


def _steps_of(entry: Entry) -> Instructions:
    """The steps of the entry, with those of the procedures that they name."""
    steps: list[str] = []
    warnings: list[str] = []
    for step in entry.steps:
        steps.append(step.text)
        spelled = procedure(step.procedure) if step.procedure else None
        if spelled is not None:
            steps += spelled.steps
            warnings += [spelled.warning] if spelled.warning else []
    return Instructions(tuple(steps), " ".join(warnings), entry.verify)


def by_hand(name: str) -> Instructions | None:
    """A procedure of the knowledge."""
    spelled = procedure(name)
    return Instructions(spelled.steps, spelled.warning, spelled.verify) if spelled is not None else None
