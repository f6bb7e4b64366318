"""The report as a Nagios plugin says it: one line with performance data, then what isn't well.

The format is that of the Monitoring Plugins Development Guidelines, "Plugin Output for Nagios".
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.outputs.plugin import details, figures, headline, in_trouble, one_line, state_of, state_of_report
from preflight.report import Report

MOST_LINES = 15
"""Behind the first. Nagios keeps 8 KB of a plugin's output."""


def render(report: Report) -> str:
    """The exit code that goes with it is `plugin.exit_code_of`."""
    first = f"WRITEBACK {state_of_report(report).name} - {one_line(headline(report))}"
    lines = list(_rest(report))
    if len(lines) > MOST_LINES:
        lines[MOST_LINES:] = [f"and {len(lines) - MOST_LINES:,} more"]
    return "\n".join([f"{first} | {' '.join(_performance(report))}", *lines]) + "\n"


def _performance(report: Report) -> Iterator[str]:
    """label=value[unit];[warning];[critical];[least]: nobody may be blocked, and no blocker may fail."""
    for name, value, unit in figures(report):
        critical = "0" if name in ("blockers_failed", "users_blocked") else ""
        yield f"{name}={value:.15g}{unit};;{critical};0"


def _rest(report: Report) -> Iterator[str]:
    for text in (*report.run.notes, *report.run.undetermined_because):
        yield f"note: {one_line(text)}"
    for result in in_trouble(report.results):
        yield f"[{state_of(result).name}] {one_line(details(result))}"
