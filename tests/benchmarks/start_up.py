"""How long a command line takes to come up."""

from __future__ import annotations

import sys

from benchmarks.measure import Measure, Outcome, by_turns, usage_of


def _help(rounds: int) -> Outcome:
    ours = [sys.executable, "-m", "preflight", "--help"]
    baseline = [sys.executable, "-c", "import typer, rich.console"]
    return by_turns(4 * rounds, lambda: usage_of(ours).wall, lambda: usage_of(baseline).wall)


MEASURES = [Measure("preflight --help / importing typer and rich.console, wall", 1.3, None, _help)]
