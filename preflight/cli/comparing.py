"""From the names of two reports to what changed between them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from preflight.cli.looking_back import history_file, stored_report
from preflight.cli.problem import Problem
from preflight.cli.saved import saved_report
from preflight.difference import compare
from preflight.exit_codes import EXIT_NOT_READY, EXIT_READY
from preflight.history.errors import HistoryError
from preflight.history.view import opened
from preflight.outputs.difference import render, render_json, render_markdown
from preflight.outputs.terminal import appearance_of, write
from preflight.report import Report

FORMATS = ("human", "json", "markdown")
FROM_HISTORY = "history:"


def compare_and_show(
    names: Sequence[str], *, config: Path | None, history: Path | None, format: str, fail_on: str
) -> int:
    """
    Raises:
        Problem: a usage error, or a report that can't be read.
    """
    if format not in FORMATS:
        raise Problem(f"--format {format}: unknown. Known: {', '.join(FORMATS)}.")
    if fail_on not in ("never", "new"):
        raise Problem(f"--fail-on {fail_on}: write never or new.")
    if len(names) > 2:
        raise Problem("two reports are compared, OLD and NEW; more were named.")
    new = _report(names[-1], config, history)
    if len(names) == 2:
        old = _report(names[0], config, history)
    else:
        before = run_before(history_file(config, history), new)
        if before is None:
            raise Problem("the history has no earlier run of the same profile and selection. Name the old report.")
        old = before
    difference = compare(old, new)
    if format == "json":
        text = render_json(difference)
    elif format == "markdown":
        text = render_markdown(difference)
    else:
        text = render(difference, appearance_of(sys.stdout, os.environ))
    write(sys.stdout, text)
    return EXIT_NOT_READY if fail_on == "new" and difference.alarming else EXIT_READY


def run_before(place: Path, report: Report) -> Report | None:
    """The last recorded run before this one with the same profile and selection.

    Raises:
        Problem: the history can't be read.
    """
    try:
        with opened(place) as history:
            found = history.last(before=report)
            return history.report(found) if found is not None else None
    except HistoryError as error:
        raise Problem(str(error)) from None


def _report(name: str, config: Path | None, history: Path | None) -> Report:
    if name.startswith(FROM_HISTORY):
        return stored_report(history_file(config, history), name.removeprefix(FROM_HISTORY))
    return saved_report(name)
