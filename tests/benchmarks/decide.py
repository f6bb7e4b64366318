"""Parsing and deciding descriptors, against winacl's parser alone (a library for Windows' access control)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from benchmarks.measure import Measure, NotMeasured, Outcome, by_turns
from descriptors import DOMAIN, descriptor, sid

from preflight.directory.access.decider import RightsDecider
from preflight.directory.model import WELL_KNOWN_SIDS, Token, User
from preflight.resources.people import JUDGED_RIGHTS

T = TypeVar("T")

ENTRIES = 54
OURS, THEIRS = 5_000, 300
CONNECTOR = f"{DOMAIN}-1105"
_USER = "bf967aba-0de6-11d0-a285-00aa003049e2"
_RESET, _CHANGE = "00299570-246d-11d0-a768-00aa006e0529", "ab721a53-1e2f-11d0-9819-00aa0040529b"
_LOCKOUT, _LAST_SET = "28630ebf-41d5-11d1-a9c1-0000f80367c1", "bf967a0a-0de6-11d0-a285-00aa003049e2"


def descriptors(count: int) -> Sequence[bytes]:
    """No two alike, nor any two entries for a delegated right; what decides comes last, as what is inherited does."""
    dice = random.Random(count)
    made = []
    for _ in range(count):
        own = [f"(OA;;CR;{_CHANGE};;WD)", f"(OA;;CR;{_CHANGE};;PS)", "(A;;RPLCRC;;;AU)", "(A;;GA;;;SY)", "(A;;GA;;;DA)"]
        grants = [
            f"(OA;CIID;{right};{guid};{_USER};{CONNECTOR})"
            for right, guid in (("CRRP", _RESET), ("WP", _LOCKOUT), ("WPRP", _LAST_SET))
        ]
        others = [
            f"(OA;CIID;{dice.choice(('RP', 'WP', 'RPWP', 'CR'))};{_guid(dice)};{_USER};{DOMAIN}-{dice.getrandbits(31)})"
            if number % 3
            else f"(A;CIID;{dice.choice(('RPWP', 'GA', 'RPLC'))};;;{DOMAIN}-{dice.getrandbits(31)})"
            for number in range(ENTRIES - len(own) - len(grants))
        ]
        made.append(descriptor(owner="DA", group="DA", aces=[*own, *others, *grants]))
    return made


def _guid(dice: random.Random) -> str:
    return f"{dice.getrandbits(32):08x}-0de6-11d0-a285-00aa003049e2"


def _decisions(rounds: int) -> Outcome:
    try:
        from winacl.dtyp.security_descriptor import SECURITY_DESCRIPTOR
    except ImportError:
        raise NotMeasured("no winacl") from None
    raw = {"objectClass": [b"top", b"user"], "primaryGroupID": [b"513"]}
    made = descriptors(OURS)
    users = [
        User("CN=x", {**raw, "objectSid": [sid(f"{DOMAIN}-{2000 + number}")], "nTSecurityDescriptor": [data]})
        for number, data in enumerate(made)
    ]
    token = Token(WELL_KNOWN_SIDS | {CONNECTOR, f"{DOMAIN}-513"}, complete=True, source="benchmark")
    return by_turns(
        rounds,
        lambda: _rate(RightsDecider(token, JUDGED_RIGHTS), users),
        lambda: _rate(SECURITY_DESCRIPTOR.from_bytes, made[:THEIRS]),
        unit="/s",
        note=f"{ENTRIES} entries, {len(made[0])} bytes, no two alike; {len(JUDGED_RIGHTS)} rights",
    )


def _rate(do: Callable[[T], object], inputs: Sequence[T]) -> float:
    started = time.perf_counter()
    for each in inputs:
        do(each)
    return len(inputs) / (time.perf_counter() - started)


MEASURES = [
    Measure("descriptors parsed and decided / parsed by winacl, a second", 10, 20, _decisions, more_is_better=True)
]
