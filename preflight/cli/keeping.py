"""Keeping a run: where the history is, and what it adds to the report."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from preflight.cli.problem import Problem, say
from preflight.config import Configuration, HistorySettings
from preflight.history.errors import HistoryError
from preflight.history.excerpt import past_of
from preflight.history.location import default_file
from preflight.history.recording import Limits, record
from preflight.history.view import opened
from preflight.report import Report

MONITOR = "monitor"
"""The profile of runs on a schedule: they are recorded unasked."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Where runs are recorded, and for how long."""

    file: Path
    limits: Limits


def kept(configuration: Configuration, *, profile: str, option: Path | None, refused: bool) -> Kept | None:
    """Where this run is to be recorded; None: nowhere.

    A run writes nothing unasked: it is recorded where --history or a [history] table says so, and with the profile
    "monitor", whose carried results and changes come from there.

    Raises:
        Problem: --history beside --no-history.
    """
    if refused and option is not None:
        raise Problem("--history and --no-history don't go together: leave one out.")
    settings = configuration.history or HistorySettings()
    asked = configuration.history is not None or profile == MONITOR
    if refused or (option is None and not (asked and settings.enabled)):
        return None
    return Kept(place_of(configuration, option), Limits(settings.keep, settings.most_bytes))


def place_of(configuration: Configuration, option: Path | None) -> Path:
    """The history's file: --history, else the configuration's, else the platform's.

    Raises:
        Problem: the account has no place of its own.
    """
    settings = configuration.history or HistorySettings()
    try:
        return option or settings.file or default_file(os.environ)
    except RuntimeError:
        raise Problem("this account has no home for a history: give --history FILE or --no-history.") from None


def last_audit(where: Kept | None, name: str) -> Report | None:
    """The report of the last run that read the users under that name; None where there is none, or no way to know."""
    if where is None:
        return None
    try:
        with opened(where.file) as history:
            found = history.last_audit(name)
            return history.report(found) if found is not None else None
    except HistoryError:
        return None  # recording will say what is wrong; without a history the users are read


def previous(where: Kept | None, report: Report) -> Report | None:
    """The last recorded run like this one; None where there is none, which is said."""
    obstacle = "no earlier run of the same profile and selection is recorded"
    if where is not None:
        try:
            with opened(where.file) as history:
                found = history.last(before=report)
                if found is not None:
                    return history.report(found)
        except HistoryError as error:
            obstacle = str(error)
    say(f"note: nothing to compare with, so the verdict alone decides: {obstacle}")
    return None


def recorded(report: Report, where: Kept | None, *, audit: str = "") -> Report:
    """Record the report, and give it its past. What goes wrong there is said, and changes nothing else."""
    if where is None:
        return report
    now = datetime.now(UTC)
    notes: list[str] = []
    try:
        note = record(where.file, report, where.limits, now=now, audit=audit)
        notes += [note] if note is not None else []
        with opened(where.file) as history:
            report = replace(report, past=past_of(history, report, now))
    except HistoryError as error:
        notes.append(f"this run may be missing from the history: {error}")
    for note in notes:
        say(f"note: {note}")
    return replace(report, run=replace(report.run, notes=(*report.run.notes, *notes)))
