"""From options to what the history says."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from preflight.cli.configuring import configured
from preflight.cli.keeping import place_of
from preflight.cli.options import Settings
from preflight.cli.performing import output_files, show
from preflight.cli.problem import Problem
from preflight.config import Configuration, ConfigurationError, locate
from preflight.history.errors import HistoryError
from preflight.history.view import History, RecordedRun, opened
from preflight.outputs.history import CheckHistory, Overview, render, render_json, render_runs, render_runs_json
from preflight.outputs.terminal import appearance_of, write
from preflight.plan import matches, nearest
from preflight.report import Report

MOST_PERIODS = 100
MOST_RUNS = 100
_MOST_DAYS = 3660.0


def show_history(
    check: str | None,
    *,
    config: Path | None,
    file: Path | None,
    days: float,
    runs: bool,
    show_run: str | None,
    format: str,
    outputs: Sequence[str],
) -> int:
    """
    Raises:
        Problem: a usage or configuration error, or a history that can't be read.
    """
    if sum((check is not None, runs, show_run is not None)) > 1:
        raise Problem("CHECK, --runs and --show don't go together: ask for one of them.")
    place = history_file(config, file)
    if show_run is not None:
        files = output_files(format, outputs)
        show(stored_report(place, show_run), format, files)
        return 0
    if format not in ("human", "json"):
        raise Problem(f"--format {format}: only with --show. Known here: human, json.")
    if outputs:
        raise Problem("-o goes with --show only: it writes a report.")
    if not 0 < days <= _MOST_DAYS:  # false for nan, too
        raise Problem(f"--days {days:g}: choose a number above 0 and up to {_MOST_DAYS:g}.")
    try:
        with opened(place) as history:
            text = _runs(history, format) if runs else _overview(history, check, days, format)
    except HistoryError as error:
        raise Problem(str(error)) from None
    write(sys.stdout, text)
    return 0


def history_file(config: Path | None, option: Path | None) -> Path:
    """Where the history is, by options and configuration."""
    try:
        named = locate(config, os.environ) if option is None else config
    except ConfigurationError as error:
        raise Problem(str(error)) from None
    configuration = configured(Settings(config=named)) if named is not None else Configuration()
    return place_of(configuration, option)


def stored_report(place: Path, run: str) -> Report:
    """The report of a run in the history.

    Raises:
        Problem: there is no such run, or it can't be read.
    """
    try:
        with opened(place) as history:
            return history.report(history.find(run))
    except HistoryError as error:
        raise Problem(str(error)) from None


def _overview(history: History, pattern: str | None, days: float, format: str) -> str:
    now = datetime.now(UTC)
    since = now - timedelta(days=days)
    standings = history.standings(since)
    chosen = [each for each in standings if pattern is None or matches(each.check, pattern)]
    if pattern is not None and not chosen:
        similar = nearest(pattern, {each.check for each in standings})
        raise Problem(f"the history has no check {pattern!r}.{f' Did you mean {similar!r}?' if similar else ''}")
    checks = [
        CheckHistory(each, history.periods(each.check, each.target, since, MOST_PERIODS) if pattern is not None else ())
        for each in chosen
    ]
    overview = Overview(now, days, history.count(), _start(history.first()), history.last(), tuple(checks))
    if format == "json":
        return render_json(overview)
    return render(overview, appearance_of(sys.stdout, os.environ))


def _runs(history: History, format: str) -> str:
    found = history.runs(MOST_RUNS)
    if format == "json":
        return render_runs_json(found)
    return render_runs(found, history.count(), appearance_of(sys.stdout, os.environ))


def _start(run: RecordedRun | None) -> datetime | None:
    return run.started if run is not None else None
