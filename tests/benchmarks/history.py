"""Histories of runs every fifteen minutes: a year must be told as quickly as a month."""

from __future__ import annotations

import json
import random
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

from benchmarks.measure import Measure, Outcome, by_turns, usage_of

from preflight.api import Status, fail, passed
from preflight.history.recording import Limits, record
from preflight.report import Report

EVERY = timedelta(minutes=15)
MONTH, YEAR = 30 * 96, 365 * 96
TROUBLE = 0.002
"""The part of the results that come out otherwise than in the run before."""

_BAD = fail("bad", "it is bad", expected="good", observed="bad", remedy="mend it")


def generated(file: Path, runs: int, *, now: datetime) -> None:
    """A history of so many runs up to now, of the sample's checks; each result changes now and then."""
    generator = random.Random(runs)
    sample = Report.from_dict(json.loads(files("preflight.demo").joinpath("report.json").read_text("utf-8")))
    sample = replace(sample, users=())
    bad = [False] * len(sample.results)
    for number in range(runs):
        started = now - EVERY * (runs - number)
        bad = [state != (generator.random() < TROUBLE) for state in bad]
        results = tuple(
            replace(
                result,
                status=Status.FAIL if state else Status.PASS,
                duration_s=generator.expovariate(2.0),
                findings=(_BAD if state else passed("fine", evidence={"ms": generator.random()}),),
            )
            for result, state in zip(sample.results, bad, strict=True)
        )
        run = replace(sample.run, id=str(uuid.UUID(int=generator.getrandbits(128))), started=started, profile="monitor")
        record(file, replace(sample, run=run, results=results), Limits(most_bytes=10**10), now=started)


@contextmanager
def month_and_year() -> Iterator[tuple[Path, Path]]:
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="preflight-bench-", dir=_in_memory()) as name:
        month, year = Path(name) / "month.sqlite3", Path(name) / "year.sqlite3"
        generated(month, MONTH, now=now)
        generated(year, YEAR, now=now)
        yield month, year


def _in_memory() -> str | None:
    """Where writing 35,040 transactions to disk doesn't wait for one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _year(rounds: int) -> Outcome:
    with month_and_year() as (month, year):

        def seconds(file: Path) -> float:
            return usage_of([sys.executable, "-m", "preflight", "history", "--history", str(file)]).wall

        sizes = f"{year.stat().st_size / 1e6:.0f} MB and {month.stat().st_size / 1e6:.0f} MB"
        return by_turns(2 * rounds, lambda: seconds(year), lambda: seconds(month), note=sizes)


MEASURES = [Measure("preflight history over a year of 35,040 runs / over a month, wall", 1.2, 1.05, _year)]
