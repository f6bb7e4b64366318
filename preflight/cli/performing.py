"""What commands that run checks or show reports have in common."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import FrameType
from typing import Any

from preflight.api import Severity
from preflight.cli.problem import Problem
from preflight.config import Configuration
from preflight.outputs import FORMATS, PLAIN, PLUGIN_FORMATS, READ_BY_OTHERS
from preflight.outputs.files import OutputError, OutputFile, parse_output, write_atomically
from preflight.plan import Plan, SelectionError, make_plan, nearest
from preflight.registry import Registry, RegistryError
from preflight.report import Report


def require_fail_on(fail_on: str, *known: str) -> None:
    if fail_on not in known:
        raise Problem(f"--fail-on {fail_on}: write {', '.join(known[:-1])} or {known[-1]}.")


def exit_code(report: Report, format: str, fail_on: str = "fail") -> int:
    """The report's, or that of the convention which the format follows."""
    if format not in PLUGIN_FORMATS:
        return report.exit_code(fail_on_warnings=fail_on == "warn")
    from preflight.outputs.plugin import exit_code_of

    return exit_code_of(report, format)


def installed_checks() -> Registry:
    try:
        return Registry.installed()
    except RegistryError as error:
        raise Problem(f"the installed check packs don't fit together: {error}. Remove or update one.") from None


def planned(
    registry: Registry, configuration: Configuration, *, only: Sequence[str], skip: Sequence[str], profile: str
) -> Plan:
    """The plan; a check whose subject the configuration calls required is a blocker."""
    try:
        plan = make_plan(registry.checks, profile=profile, only=only, skip=skip)
    except SelectionError as error:
        raise Problem(str(error)) from None
    if not plan.checks:
        raise Problem("nothing is left to run: --skip takes away every selected check.")
    if not configuration.service_bus.relay_ports_required:
        return plan
    return replace(
        plan,
        checks=tuple(
            replace(each, check=replace(each.check, severity=Severity.BLOCKER))
            if each.check.id == "network.relay-ports"
            else each
            for each in plan.checks
        ),
    )


def output_files(format: str, outputs: Sequence[str]) -> Sequence[OutputFile]:
    """Checked before anything runs, so that no finding is lost to a typing error."""
    if format not in FORMATS:
        hint = f" Did you mean {nearest(format, FORMATS)}?" if nearest(format, FORMATS) else ""
        raise Problem(f"--format {format}: unknown.{hint} Known: {', '.join(FORMATS)}.")
    try:
        files = [parse_output(each) for each in outputs]
    except OutputError as error:
        raise Problem(str(error)) from None
    for file in files:
        if not file.path.absolute().parent.is_dir():
            raise Problem(f"-o {file.path}: there is no folder {file.path.absolute().parent}. Create it first.")
    return files


def performed(
    plan: Plan, setting: Any, *, quiet: bool, problems: Sequence[str] = (), stop: threading.Event | None = None
) -> Report:
    """Run with progress on stderr; Ctrl-C and SIGTERM, or `stop`, end it with what was found."""
    from preflight.outputs.progress import progress
    from preflight.run import perform

    stop = stop or threading.Event()
    watching = nullcontext(None) if quiet else progress(sys.stderr, os.environ)
    with stopped_by_signals(stop), watching as observer:
        if observer is not None:
            setting = replace(setting, say=observer.say)
        return perform(
            plan, setting, observers=[observer] if observer is not None else [], stop=stop, problems=problems
        )


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM sets `stop`; the second Ctrl-C ends the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()
        if number == signal.SIGINT:
            os.write(2, b"\npreflight: ending; once more to leave at once\n")

    previous = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def show(report: Report, format: str, files: Sequence[OutputFile]) -> None:
    """Files first, then standard output: what a script waits for is there when the text is."""
    from preflight.outputs.terminal import appearance_of, write

    problems = []
    for file in files:
        try:
            text = FORMATS[file.format](report, PLAIN)
            write_atomically(file.path, text, private=file.format not in READ_BY_OTHERS)
        except OutputError as error:
            problems.append(str(error))
    if problems and format in PLUGIN_FORMATS:  # which show one line: this one
        raise Problem(" ".join(problems))
    try:
        write(sys.stdout, FORMATS[format](report, appearance_of(sys.stdout, os.environ)))
    except BrokenPipeError:
        raise
    except OSError as error:
        problems.append(
            f"standard output can't be written: {error.strerror or error}. Send it elsewhere, or use -o FORMAT=PATH."
        )
    if problems:
        raise Problem(" ".join(problems))
