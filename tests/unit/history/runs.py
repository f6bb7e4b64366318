"""Runs to be recorded; as a program, one that records them and says so.

python runs.py FILE COUNT      # prints the id of each run when it is on disk
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from preflight.api import Finding, Severity, Status, fail, passed
from preflight.history.recording import Limits, record
from preflight.report import Report, Result, Run, UserSummary

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
DOMAIN = "corp.contoso.com"
TOOL = {"name": "writeback-preflight", "version": "1.0"}


def finding(status: Status) -> Finding:
    if status is Status.PASS:
        return passed("fine")
    if status is Status.FAIL:
        return fail("bad", "it is bad", expected="good", observed="bad", remedy="mend it")
    return Finding(status, "blocked" if status is Status.SKIPPED else "odd", "it is odd")


def result(check: str, status: Status, target: str = DOMAIN, *, took: float = 0.25, **changes: object) -> Result:
    facts = {
        "check": check,
        "target": target,
        "status": status,
        "severity": Severity.BLOCKER,
        "title": check,
        "role": "selected",
        "duration_s": took,
        "blocked_by": (),
        "findings": (finding(status),),
    }
    return Result(**(facts | changes))


def report(
    started: datetime = NOW,
    statuses: Mapping[str, Status] | None = None,
    *,
    results: tuple[Result, ...] = (),
    users: tuple[UserSummary, ...] = (),
    **changes: object,
) -> Report:
    """A run that began then, with these checks on the domain."""
    run = {
        "id": str(uuid.uuid4()),
        "started": started,
        "duration_s": 2.5,
        "host": "SYNC01",
        "profile": "monitor",
        "selection": {"only": [], "skip": [], "checks": 2, "registered": 2},
        "interrupted": False,
    }
    found = tuple(result(check, status) for check, status in (statuses or {}).items())
    return Report(TOOL, Run(**(run | changes)), (*found, *results), users)


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


def main() -> None:
    file, count = Path(sys.argv[1]), int(sys.argv[2])
    for number in range(count):
        status = Status.FAIL if number % 3 else Status.PASS
        made = report(datetime.now(UTC), {f"dc.check-{each}": status for each in range(20)})
        note = record(file, made, Limits(), now=datetime.now(UTC))
        if note:
            print("note", note, file=sys.stderr, flush=True)
        print(made.run.id, flush=True)


if __name__ == "__main__":
    main()
