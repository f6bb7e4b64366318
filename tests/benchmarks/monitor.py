"""A monitor run on a healthy directory, between two readings of its users, against its own slowest probe."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.live import Bench, bench
from benchmarks.measure import AS_INSTALLED, Measure, NotMeasured, Outcome, by_turns, peak_of, usage_of

USERS = 5_000
MOST_MEMORY = 100_000_000
IMPORTED = (
    "preflight.cli.running",
    "preflight.run",
    "preflight_checks",
    "preflight.directory.live.ldap",
    "dns.resolver",
)
"""What a run has imported when it ends, though much of it only when it is needed."""


@contextmanager
def monitored() -> Iterator[tuple[Bench, Sequence[str]]]:
    """The forest, and a monitor run of it whose users have been read."""
    with bench(USERS) as on:
        configuration = on.folder / "preflight.toml"
        history = '\n[history]\nfile = "history.sqlite3"\n'
        configuration.write_text(configuration.read_text("utf-8") + history, "utf-8")
        command = on.preflight("run", "--profile", "monitor", "--skip", "network", "--skip", "dns", "--format", "json")
        usage_of(command, on.environment)
        yield on, command


def _slowest_probe(on: Bench, command: Sequence[str]) -> float:
    """Seconds of the check that took longest, in a run of its own."""
    environment = {**on.environment_with_ours(), **AS_INSTALLED}
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    results = json.loads(done.stdout)["results"]
    if not any("as_of" in result for result in results):
        raise NotMeasured("the users were read again")
    return max(float(result["duration_s"]) for result in results if "as_of" not in result)


def _wall(rounds: int) -> Outcome:
    with monitored() as (on, command):
        start = [sys.executable, "-c", f"import {', '.join(IMPORTED)}"]
        return by_turns(
            2 * rounds,
            lambda: usage_of(command, on.environment).wall,
            lambda: _slowest_probe(on, command) + usage_of(start).wall,
            note="start-up: Python with what a run imports",
        )


def _memory(rounds: int) -> Outcome:
    with monitored() as (on, command):
        return by_turns(
            rounds,
            lambda: peak_of(command, on.environment) / 1e6,
            lambda: MOST_MEMORY / 1e6,
            unit="MB",
        )


MEASURES = [
    Measure("monitor run, users read before / its slowest probe and start-up, wall", 1.5, 1.2, _wall),
    Measure("monitor run, peak memory / 100 MB", 1.0, 0.7, _memory),
]
