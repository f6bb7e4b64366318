"""What the history says, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from preflight.history.view import RecordedRun, Standing
from preflight.outputs import Appearance
from preflight.outputs.gist import VERDICTS, when, word
from preflight.outputs.page import STATUS_STYLES, Page
from preflight.outputs.text import cell_width, printable
from preflight.past import Period, rfc3339

FLAPPING = 3
"""Changes of status within the time looked at from which a check is called flapping."""


SHOWN_OF_ID = 8
"""Letters of a run's id that people see; `--show` takes them."""


@dataclass(frozen=True, slots=True)
class CheckHistory:
    """
    Attributes:
        periods: the last ones, where they were asked for.
    """

    standing: Standing
    periods: Sequence[Period] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """
    Attributes:
        days: how far back changes are counted.
        runs: how many are recorded.
        since: when the first of them started.
    """

    now: datetime
    days: float
    runs: int
    since: datetime | None
    last: RecordedRun | None
    checks: Sequence[CheckHistory]


def render(overview: Overview, appearance: Appearance) -> str:
    page = Page(max(appearance.width, 60), appearance.ascii_only)
    if overview.last is None or overview.since is None:
        page.line(("No run has been recorded yet.", ""))
        return page.text(appearance.colour)
    last = overview.last
    page.line((f"{overview.runs:,} run{'s' if overview.runs > 1 else ''} since {when(overview.since)}", "bold"))
    verdict = VERDICTS[last.verdict] + (", interrupted" if last.interrupted else "")
    page.entry(
        0, [("last run  ", "dim")], f"{age(overview.now - last.started)} ago: {verdict} (run {last.id[:SHOWN_OF_ID]})"
    )
    width = max((cell_width(printable(each.standing.check)) for each in overview.checks), default=0)
    target = None
    for each in sorted(overview.checks, key=lambda each: (each.standing.target, each.standing.check)):
        if each.standing.target != target:
            target = each.standing.target
            page.heading(printable(target) or "The run as a whole")
        _check(page, each, width, overview)
    return page.text(appearance.colour)


def _check(page: Page, history: CheckHistory, width: int, overview: Overview) -> None:
    standing = history.standing
    lead = [
        (f"{page.glyph(standing.status)} {word(standing.status):<8}", STATUS_STYLES[standing.status]),
        (f"{printable(standing.check):<{width}}  ", ""),
    ]
    facts = [f"for {age(overview.now - standing.since)}"]
    if standing.changes:
        times = f"{standing.changes} time{'s' if standing.changes > 1 else ''}"
        flapping = "flapping: " if standing.changes >= FLAPPING else ""
        facts.append(f"{flapping}changed {times} in {overview.days:g} days")
    if standing.median_s is not None and standing.p95_s is not None:
        facts.append(f"takes {seconds(standing.median_s)} (95% within {seconds(standing.p95_s)})")
    if overview.last is not None and standing.seen < overview.last.started:
        facts.append(f"last looked at {age(overview.now - standing.seen)} ago")
    page.entry(2, lead, page.dot().join(facts))
    for period in history.periods:
        until = when(period.until) if period.until is not None else "now"
        length = age((period.until or overview.now) - period.since)
        style = STATUS_STYLES[period.status]
        page.entry(4, [(f"{word(period.status):<8}", style)], f"{when(period.since)} to {until} ({length})")


def render_json(overview: Overview) -> str:
    last = overview.last
    document = {
        "runs": overview.runs,
        "since": rfc3339(overview.since) if overview.since is not None else None,
        "last": _run(last) | {"age_s": round((overview.now - last.started).total_seconds())} if last else None,
        "days": overview.days,
        "checks": [_check_dict(each) for each in overview.checks],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _check_dict(history: CheckHistory) -> Mapping[str, Any]:
    standing = history.standing
    return {
        "check": standing.check,
        "target": standing.target,
        "status": standing.status.value,
        "since": rfc3339(standing.since),
        "last_seen": rfc3339(standing.seen),
        "changes": standing.changes,
        "flapping": standing.changes >= FLAPPING,
        "duration_median_s": _rounded(standing.median_s),
        "duration_p95_s": _rounded(standing.p95_s),
        "periods": [
            {
                "status": period.status.value,
                "since": rfc3339(period.since),
                "until": rfc3339(period.until) if period.until is not None else None,
            }
            for period in history.periods
        ],
    }


def render_runs(runs: Sequence[RecordedRun], count: int, appearance: Appearance) -> str:
    """One line a run, the newest first."""
    page = Page(max(appearance.width, 60), appearance.ascii_only)
    for run in runs:
        selection = [f"--only {each}" for each in run.only] + [f"--skip {each}" for each in run.skip]
        facts = [VERDICTS[run.verdict] + (", interrupted" if run.interrupted else ""), *map(printable, selection)]
        took, profile = f"{seconds(run.duration_s):>7}", f"{printable(run.profile):<9}"
        lead = "  ".join((printable(run.id[:SHOWN_OF_ID]), when(run.started), took, profile, ""))
        page.entry(0, [(lead, "")], " ".join(facts))
    if len(runs) < count:
        page.line((f"... and {count - len(runs):,} before", "dim"))
    if not runs:
        page.line(("No run has been recorded yet.", ""))
    return page.text(appearance.colour)


def render_runs_json(runs: Sequence[RecordedRun]) -> str:
    return json.dumps([_run(run) for run in runs], indent=2, allow_nan=False) + "\n"


def _run(run: RecordedRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "started": rfc3339(run.started),
        "duration_s": round(run.duration_s, 3),
        "profile": run.profile,
        "only": list(run.only),
        "skip": list(run.skip),
        "verdict": run.verdict.value,
        "interrupted": run.interrupted,
    }


def age(length: timedelta) -> str:
    """In the two largest units: 3 d 4 h, 12 min, 40 s."""
    left = max(round(length.total_seconds()), 0)
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(filter(None, parts)) or "0 s"


def seconds(value: float) -> str:
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 100 else f"{value:.0f} s"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
