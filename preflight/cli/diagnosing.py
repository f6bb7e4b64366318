"""From what is known to the cause: the path, the checks on it, and whoever walks along."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path as FilePath

from preflight.api import Check
from preflight.cli.configuring import configured, passwords_of
from preflight.cli.dialogue import Dialogue
from preflight.cli.options import Settings
from preflight.cli.performing import installed_checks
from preflight.cli.problem import Problem
from preflight.cli.reading_events import digested
from preflight.config import Configuration
from preflight.diagnosis.logs import path_from_logs
from preflight.diagnosis.model import Diagnosis, Look, Path, Suspicion, look_at
from preflight.diagnosis.path import joined, path_from, usual_path
from preflight.diagnosis.person import asked_operation, look_at_person, suspicion_about
from preflight.diagnosis.walk import Walk, walk_alone
from preflight.directory.naming import LONGEST
from preflight.events import Filter
from preflight.events.opening import STANDARD_INPUT
from preflight.examination import Examination
from preflight.exit_codes import EXIT_INTERRUPTED
from preflight.knowledge import Entry, entries_for, names, search
from preflight.outputs.diagnosis import render, render_json
from preflight.outputs.diagnosis_markdown import render as render_markdown
from preflight.outputs.progress import progress
from preflight.outputs.terminal import appearance_of, write
from preflight.plan import make_plan, nearest
from preflight.resources import Setting
from preflight.user_report import look_at_user

MOST_MATCHES = 3
"""Entries that a symptom's text may mean, all of which are followed."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of the trouble."""

    codes: tuple[str, ...] = ()
    symptom: str = ""
    who: str = ""
    events: tuple[str, ...] = ()


def diagnose_and_show(settings: Settings, hints: Hints, *, interactive: bool, format: str, quiet: bool) -> int:
    """
    Raises:
        Problem: a usage or configuration error, or a code of which nothing is known.
    """
    if format not in ("human", "markdown", "json"):
        raise Problem(f"--format {format}: unknown. Known: human, markdown, json.")
    registry = installed_checks()
    configuration = configured(settings)
    if hints.events:
        logs = tuple(FilePath(name) for name in hints.events if name != STANDARD_INPUT)
        configuration = replace(configuration, events=replace(configuration.events, logs=logs))
    if len(hints.who) > LONGEST:
        raise Problem(f"--for: a name has at most {LONGEST} characters.")
    if hints.who and not configuration.domains:
        raise Problem(f"--for {_short(hints.who)}: in which domain? Give --config FILE, or --domain NAME.")
    path = _path(hints, registry.checks, quiet)
    setting = _setting(path, configuration, registry.checks)
    examination = Examination(registry.checks, setting)
    looker = _Looker(examination, setting, hints.codes, quiet)
    talking = interactive and format == "human" and sys.stdin.isatty() and sys.stdout.isatty()
    try:
        if talking:
            return _in_company(path, looker)
        diagnosis = walk_alone(path, looker)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    finally:
        examination.close()
    _show(diagnosis, format)
    return diagnosis.exit_code


def _path(hints: Hints, registered: Mapping[str, Check], quiet: bool) -> Path:
    paths = [path_from(f"code {code}", _known(code), registered) for code in hints.codes]
    if hints.symptom:
        paths.append(path_from(f"“{_short(hints.symptom)}”", _meant_by(hints.symptom), registered))
    if hints.events:
        found, interrupted = digested(hints.events, False, Filter(), datetime.now(UTC), quiet)
        if interrupted:
            raise KeyboardInterrupt
        paths.append(path_from_logs(found, registered))
    known = [path.known for path in paths]
    paths = paths or [usual_path(registered)]
    if hints.who:
        known.insert(0, f"it does not work for {_short(hints.who)}")
        paths.insert(0, Path(known[0], (suspicion_about(hints.who),)))
    return joined(", ".join(known) or paths[0].known, paths)


def _known(code: str) -> Sequence[Entry]:
    found = entries_for(code)
    if not found:
        similar = nearest(_short(code), names())
        hint = f" Did you mean {similar!r}?" if similar else ""
        raise Problem(f"--code {_short(code)}: nothing is known of it.{hint} Try --symptom with the text of the event.")
    return found


def _meant_by(text: str) -> Sequence[Entry]:
    matches = [match.entry for match in search(text)][:MOST_MATCHES]
    if not matches:
        raise Problem(
            f"--symptom “{_short(text)}”: nothing that is known is like it. Give the text as it stands in the event or "
            "on the page, or leave it out to go through everything in the usual order."
        )
    return matches


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def _setting(path: Path, configuration: Configuration, registered: Mapping[str, Check]) -> Setting:
    ids = tuple(dict.fromkeys(id for suspicion in path.suspicions for id in suspicion.checks))
    folds = make_plan(registered, only=ids).folds if ids else ()
    return Setting(configuration, folds, passwords_of(configuration), os.environ, ask_service="clock.in-step" in ids)


class _Looker:
    """Looks at one suspicion: at the account that it is about, or by its checks, with progress on stderr."""

    def __init__(self, examination: Examination, setting: Setting, codes: Sequence[str], quiet: bool) -> None:
        self._examination = examination
        self._setting = setting
        self._operation = asked_operation(codes)
        self._quiet = quiet

    def __call__(self, suspicion: Suspicion) -> Look:
        if suspicion.user:
            return look_at_person(suspicion, look_at_user(self._setting, suspicion.user), self._operation)
        if not suspicion.checks:
            return look_at(suspicion, ())
        with nullcontext(None) if self._quiet else progress(sys.stderr, os.environ) as observer:
            observers = [observer] if observer is not None else []
            return look_at(suspicion, self._examination.examine(suspicion.checks, observers))

    def renew(self) -> None:
        self._examination.renew()


def _in_company(path: Path, looker: _Looker) -> int:
    company = Dialogue(sys.stdin.readline, sys.stdout, sys.stderr, appearance_of(sys.stdout, os.environ))
    diagnosis = Walk(path, looker, looker.renew, company).go()
    company.ends(diagnosis)
    return diagnosis.exit_code


def _show(diagnosis: Diagnosis, format: str) -> None:
    if format == "json":
        write(sys.stdout, render_json(diagnosis))
    elif format == "markdown":
        write(sys.stdout, render_markdown(diagnosis))
    else:
        write(sys.stdout, render(diagnosis, appearance_of(sys.stdout, os.environ)))
