"""The report as a Checkmk local check says it: one service for the verdict, and one for each area.

Not one for each check and target: few services, whose names stay the same while controllers come and go, can be
discovered once; the text names the checks. The format is that of docs.checkmk.com, "Local checks".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.outputs import gist
from preflight.outputs.plugin import (
    SERVICE,
    State,
    details,
    figures,
    headline,
    in_trouble,
    one_line,
    state_of,
    state_of_report,
    worst,
)
from preflight.report import Report

MOST_DETAILS = 10
"""Of one service."""


def render(report: Report) -> str:
    """The exit code that goes with it is `plugin.exit_code_of`."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    metrics = "|".join(f"{name}={value:.15g}" for name, value, _ in figures(report))
    remarks = (*report.run.notes, *report.run.undetermined_because)
    yield _line(state_of_report(report), SERVICE, metrics, headline(report), *remarks)
    for area, results in gist.by_area(report.results):
        bad = in_trouble(results)
        first, *others = map(details, bad) if bad else ["all is well"]
        summary = f"{len(results) - len(bad)} of {len(results)} results are ok; {first}"
        yield _line(worst(map(state_of, results)), f"{SERVICE} {gist.area_title(area)}", "-", summary, *others)


def _line(state: State, name: str, metrics: str, summary: str, *details: str) -> str:
    r"""State, name, metrics, text; in the text, `\n` parts the summary from each of the details."""
    shown = [one_line(each) for each in (summary, *details[:MOST_DETAILS])]
    if len(details) > MOST_DETAILS:
        shown.append(f"and {len(details) - MOST_DETAILS:,} more")
    return f'{state:d} "{_UNFIT_FOR_A_NAME.sub("_", one_line(name))}" {metrics} ' + "\\n".join(shown)


_UNFIT_FOR_A_NAME = re.compile(r"[^\w .-]")
