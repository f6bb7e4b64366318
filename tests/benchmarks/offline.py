"""Auditing an LDIF export, against a loop that only unfolds its lines; and how memory grows with the users."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.export import CONNECTOR, DOMAIN_NAME, export_of
from benchmarks.measure import Measure, NotMeasured, Outcome, by_turns, peak_of, usage_of
from lab.domain_controller import REPOSITORY

LDIF_LOOP = REPOSITORY.parent / "shared" / "baselines" / "ldif_loop.py"
MANY, FEW = 200_000, 2_000
MOST_MEMORY = 120 * 10**6
AUDITED = (0, 3)
"""Exit codes of an audit that saw everybody."""


def audit_of(export: Path) -> Sequence[str]:
    account = ["--domain", DOMAIN_NAME, "--connector", CONNECTOR]
    return [sys.executable, "-m", "preflight", "audit", "--ldif", str(export), *account, "--quiet"]


def _speed(rounds: int) -> Outcome:
    if not LDIF_LOOP.is_file():
        raise NotMeasured(f"no {LDIF_LOOP}")
    export = export_of(MANY)
    rounds = min(rounds, 3)
    return by_turns(
        rounds,
        lambda: MANY / usage_of(audit_of(export), codes=AUDITED).wall,
        lambda: MANY / usage_of([sys.executable, str(LDIF_LOOP), str(export)]).wall,
        unit="users/s",
        note=f"{export.stat().st_size >> 20} MB; {rounds} rounds",
    )


def _memory(rounds: int) -> Outcome:
    many, few = export_of(MANY), export_of(FEW)
    outcome = by_turns(
        min(rounds, 2),
        lambda: peak_of(audit_of(many), codes=AUDITED) / 10**6,
        lambda: peak_of(audit_of(few), codes=AUDITED) / 10**6,
        unit="MB",
        note=f"peak of the process; at most {MOST_MEMORY // 10**6} MB; 2 rounds",
    )
    if outcome.ours * 10**6 > MOST_MEMORY:
        raise NotMeasured(f"{outcome.ours:.0f} MB is more than {MOST_MEMORY // 10**6} MB")
    return outcome


MEASURES = [
    Measure("audit of 200,000 users, LDIF / loop that unfolds lines, users a second", 0.5, 0.8, _speed, True),
    Measure("memory for 200,000 users, LDIF / 2,000 users, peak", 1.3, 1.05, _memory),
]
