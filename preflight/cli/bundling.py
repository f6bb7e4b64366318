"""From a run, or a saved report, to the zip for support."""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from preflight.bundle.archive import MANIFEST, LeftOut, Part, archived
from preflight.bundle.case import Case, event_to_dict, parts_of, pseudonymised
from preflight.bundle.form import SupportForm
from preflight.bundle.pseudonyms import Pseudonyms
from preflight.cli.configuring import configured, passwords_of
from preflight.cli.options import Settings
from preflight.cli.performing import installed_checks, performed, planned
from preflight.cli.problem import Problem, say
from preflight.cli.saved import saved_report
from preflight.config import ENVIRONMENT_VARIABLE, Configuration, to_public_dict
from preflight.events import Event, UnreadableLog, read_events
from preflight.exit_codes import EXIT_READY
from preflight.outputs.files import OutputError, write_atomically, write_bytes_atomically
from preflight.outputs.page import Page
from preflight.outputs.terminal import appearance_of, write
from preflight.outputs.text import printable
from preflight.registry import Registry
from preflight.report import Report
from preflight.resources import Setting
from preflight.version import __version__

MOST_EVENTS = 5_000
"""The latest of them: what support looks at is days, and a log may hold years."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to bundle, and where to."""

    output: Path
    report: str = ""
    events: tuple[str, ...] = ()
    pseudonymise: bool = False
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    quiet: bool = False

    @property
    def map(self) -> Path:
        return self.output.with_name(self.output.name + ".map.json")


def bundle_and_show(settings: Settings, wanted: Wanted, form: SupportForm) -> int:
    """
    Raises:
        Problem: a usage or configuration error, a log or report that can't be read, a file that can't be written.
    """
    if not wanted.output.absolute().parent.is_dir():
        raise Problem(f"-o {wanted.output}: there is no folder {wanted.output.absolute().parent}. Create it first.")
    registry = installed_checks()
    configuration = _configuration(settings, wanted)
    events, without_events = _events(wanted.events or (configuration.events.logs if configuration else ()))
    case = Case(
        _report(configuration, wanted, registry),
        replace(form, log="events.jsonl") if events else form,
        to_public_dict(configuration) if configuration is not None else None,
        events,
        (*without_events, *(() if configuration is not None else (_NO_CONFIGURATION,)), *_ALWAYS_LEFT_OUT),
    )
    pseudonyms = Pseudonyms()
    if wanted.pseudonymise:
        case = pseudonymised(case, pseudonyms)
    parts = parts_of(case, registry.checks)
    content = archived(
        parts,
        case.left_out,
        made=datetime.now(UTC),
        tool=f"writeback-preflight {__version__}",
        pseudonymised=wanted.pseudonymise,
    )
    try:
        if wanted.pseudonymise:
            write_atomically(wanted.map, json.dumps(pseudonyms.originals, indent=2, ensure_ascii=False) + "\n")
        write_bytes_atomically(wanted.output, content)
    except OutputError as error:
        raise Problem(str(error)) from None
    _show(wanted, parts, case, len(content))
    return EXIT_READY


_ALWAYS_LEFT_OUT = (
    LeftOut("passwords, and where they are kept", "they are secrets: no part of this program writes them anywhere"),
    LeftOut("a screenshot of the page", "only the person who saw it can make one"),
)


_NO_CONFIGURATION = LeftOut("the configuration", "the report was saved earlier, and none was named")


def _configuration(settings: Settings, wanted: Wanted) -> Configuration | None:
    """None: a saved report is bundled, and nothing says with which configuration it was made."""
    given = any(value not in (None, ()) for value in astuple(settings)) or ENVIRONMENT_VARIABLE in os.environ
    return configured(settings) if given or not wanted.report else None


def _report(configuration: Configuration | None, wanted: Wanted, registry: Registry) -> Report:
    if wanted.report or configuration is None:
        return saved_report(wanted.report)
    plan = planned(registry, configuration, only=wanted.only, skip=wanted.skip, profile="preflight")
    setting = Setting(
        configuration,
        plan.folds,
        passwords_of(configuration),
        os.environ,
        ask_service=not plan.skips("network.web-service"),
    )
    return performed(plan, setting, quiet=wanted.quiet, problems=registry.problems)


def _events(logs: Sequence[str | Path]) -> tuple[tuple[Mapping[str, Any], ...], Sequence[LeftOut]]:
    if not logs:
        return (), [LeftOut("the events", "no log was named: --events FILE takes the exported Application log")]
    reading = read_events(logs)
    latest: deque[Event] = deque(maxlen=MOST_EVENTS)
    count = 0
    try:
        for event in reading:
            latest.append(event)
            count += 1
    except UnreadableLog as error:
        raise Problem(str(error)) from None
    left_out = [LeftOut("events of other sources", "they have nothing to do with writeback")]
    if count > MOST_EVENTS:
        left_out.append(LeftOut(f"{count - MOST_EVENTS:,} earlier events", f"the latest {MOST_EVENTS:,} are there"))
    for log in reading.logs:
        if log.damaged or log.damaged_chunks:
            what = f"{log.damaged:,} events and {log.damaged_chunks:,} stretches of {log.name}"
            left_out.append(LeftOut(what, "they are damaged and can't be read"))
    return tuple(map(event_to_dict, latest)), left_out


def _show(wanted: Wanted, parts: Sequence[Part], case: Case, size: int) -> None:
    appearance = appearance_of(sys.stdout, os.environ)
    page = Page(appearance.width, appearance.ascii_only)
    page.line((printable(str(wanted.output)), "bold"), (f"  {size / 1000:,.0f} kB", "dim"))
    for part in parts:
        page.entry(2, [(f"{part.name:<19} ", "")], part.what)
    page.entry(2, [(f"{MANIFEST:<19} ", "")], "what is in it, with checksums, and what was left out")
    page.blank()
    for each in case.left_out:
        page.entry(2, [("left out  ", "dim")], printable(f"{each.what}: {each.why}"), "dim")
    if wanted.pseudonymise:
        page.entry(2, [("stays here  ", "bold yellow")], printable(f"{wanted.map}: what stands for what"))
    write(sys.stdout, page.text(appearance.colour))
    if not wanted.pseudonymise:
        say("the bundle names people and machines: --pseudonymise makes one with stand-ins.")
