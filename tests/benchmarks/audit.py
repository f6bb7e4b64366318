"""Auditing a live domain, against OpenLDAP's `ldapsearch` (C) and a plain loop of ldap3 on the same controller."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.live import Bench, bench
from benchmarks.measure import ENDED_WITHIN, Measure, NotMeasured, Outcome, by_turns, usage_of

from preflight.directory.users.judgement import JUDGE_ATTRIBUTES, ROW_ATTRIBUTES
from preflight.directory.users.scope import SCOPE_ATTRIBUTES

USERS = 15_000
FEW, TIMES = 1_000, 16
AUDITED = (0, 3)
"""Exit codes of an audit that saw everybody."""
READING = Path(__file__).with_name("reading.py")

ATTRIBUTES = sorted(SCOPE_ATTRIBUTES | JUDGE_ATTRIBUTES | ROW_ATTRIBUTES)
"""What an audit asks of a user."""


def _wall(rounds: int) -> Outcome:
    with bench(USERS) as on:
        return by_turns(
            rounds,
            lambda: usage_of(on.preflight("audit"), on.environment, AUDITED).wall,
            lambda: usage_of(on.ldapsearch(ATTRIBUTES), on.environment).wall,
            note=f"{len(ATTRIBUTES)} attributes, pages of 1,000, LDAPS",
        )


def _wall_with_rows(rounds: int) -> Outcome:
    with bench(USERS) as on:
        table = f"csv={on.folder / 'users.csv'}"
        return by_turns(
            rounds,
            lambda: usage_of(on.preflight("audit", "-o", table), on.environment, AUDITED).wall,
            lambda: usage_of(on.ldapsearch(ATTRIBUTES), on.environment).wall,
            note="one row a user",
        )


def _processor(rounds: int) -> Outcome:
    thousands = USERS / 1000
    with bench(USERS) as on:
        return by_turns(
            rounds,
            lambda: usage_of(on.preflight("audit"), on.environment, AUDITED).cpu / thousands,
            lambda: usage_of(on.ldap3_loop(), on.environment).cpu / thousands,
            note="seconds of processor for 1,000 users, start-up included on both sides",
        )


def _growth(rounds: int) -> Outcome:
    with bench(FEW) as few, bench(TIMES * FEW) as many:
        return by_turns(
            rounds,
            lambda: _reading(many),
            lambda: TIMES * _reading(few),
            note="from asking for the first page to the last judgement; without start-up and sign-in, which don't grow",
        )


def _reading(on: Bench) -> float:
    """Seconds that reading and judging all users took."""
    command = [sys.executable, str(READING), str(on.folder / "preflight.toml")]
    done = subprocess.run(
        command, env=on.environment_with_ours(), capture_output=True, text=True, timeout=ENDED_WITHIN, check=False
    )
    if done.returncode:
        raise NotMeasured(done.stderr.strip().rpartition("\n")[2] or "the reading failed")
    return float(done.stdout)


MEASURES = [
    Measure("audit of 15,000 users, live / ldapsearch, wall", 1.15, 1.0, _wall),
    Measure("audit of 15,000 users with -o csv=..., live / ldapsearch, wall", 1.15, 1.0, _wall_with_rows),
    Measure("audit of 15,000 users, live / plain ldap3 loop, processor", 0.4, 0.2, _processor),
    Measure("reading 16,000 users, live / 16 times reading 1,000, wall", 1.1, 1.0, _growth),
]
