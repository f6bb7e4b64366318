"""`make bench`: every measure, one table, and the same as JSON.

    PYTHONPATH=tests python -m benchmarks [--only WORD] [--rounds 5] [--json FILE]

Ratios only: seconds say more about the machine than about the program.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import audit, decide, history, live, monitor, network, offline, start_up
from benchmarks.measure import Measure, NotMeasured, Outcome

MODULES = (start_up, network, live, monitor, audit, offline, decide, history)
MEASURES = [measure for module in MODULES for measure in module.MEASURES]


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure against known programs.")
    parser.add_argument("--only", default="", metavar="WORD", help="measures that have this in their name")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    rows = []
    print(f"{'ratio':>7}  {'must':>6}  {'aim':>6}  {'ours':>9}  {'other':>9}  ")
    for measure in MEASURES:
        if arguments.only in measure.name:
            rows.append(taken(measure, arguments.rounds))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        made = {"when": datetime.now(UTC).isoformat(timespec="seconds"), "python": platform.python_version()}
        machine = {"cpus": os.cpu_count(), "load": os.getloadavg()}
        arguments.json.write_text(json.dumps({**made, **machine, "measures": rows}, indent=2) + "\n", encoding="utf-8")
    return 0


def taken(measure: Measure, rounds: int) -> dict[str, object]:
    goals = {"name": measure.name, "must": measure.must, "aim": measure.aim}
    try:
        outcome = measure.take(rounds)
    except NotMeasured as error:
        print(f"{'-':>7}  {measure.must:>6}  {measure.aim or '':>6}  {measure.name}: not measured: {error}", flush=True)
        return {**goals, "ratio": None, "note": str(error)}
    reached = measure.reached(outcome.ratio, measure.must)
    print(row(measure, outcome, "" if reached else "  MISSED"), flush=True)
    return {
        **goals,
        "ratio": round(outcome.ratio, 3),
        "reached": reached,
        "ours": outcome.ours,
        "other": outcome.baseline,
        "unit": outcome.unit,
        "note": outcome.note,
    }


def row(measure: Measure, outcome: Outcome, mark: str) -> str:
    figures = (f"{each:.3g} {outcome.unit}" for each in (outcome.ours, outcome.baseline))
    ours, other = figures
    note = f" ({outcome.note})" if outcome.note else ""
    return (
        f"{outcome.ratio:>7.2f}  {measure.must:>6}  {measure.aim or '':>6}  {ours:>9}  {other:>9}  "
        f"{measure.name}{note}{mark}"
    )


if __name__ == "__main__":
    sys.exit(main())
