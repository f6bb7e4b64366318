"""The sample forest: shipped data, read through the real configuration, resources and engine."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from preflight.cli.performing import exit_code, installed_checks, output_files, performed, planned, show
from preflight.cli.problem import Problem, say
from preflight.config import load
from preflight.report import Report, Verdict

DATA = "preflight.demo"
EXPORT = "forest.ldf"
EVENTS = "events.xml"
FILES = ("preflight.toml", EXPORT, "network.json", EVENTS)


@contextmanager
def sample_folder() -> Iterator[Path]:
    """The sample's files on disk, also where the package is inside a .pyz; as old as the sample, not as the copy."""
    with TemporaryDirectory(prefix="preflight-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for file in FILES:
            (folder / file).write_bytes(files(DATA).joinpath(file).read_bytes())
        made = when_exported(folder / EXPORT)
        os.utime(folder / EXPORT, (made, made))
        yield folder


def when_exported(export: Path) -> float:
    """The time of the first domain controller, in seconds since 1970."""
    found = re.search(rb"^currentTime: (\d{14})", export.read_bytes(), re.MULTILINE)
    if found is None:
        raise Problem(f"{export.name} of the sample holds no rootDSE: the installation is damaged.")
    return datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()


@cache
def sample_report() -> Report:
    """What `preflight demo` said when the package was made."""
    return Report.from_dict(json.loads(files(DATA).joinpath("report.json").read_text("utf-8")))


def show_demo(
    *, format: str, outputs: Sequence[str], only: Sequence[str], skip: Sequence[str], quiet: bool, expect: str
) -> int:
    """
    Raises:
        Problem: a usage error.
    """
    if expect and expect not in tuple(Verdict):
        raise Problem(f"--expect {expect}: no verdict. There are: {', '.join(Verdict)}.")
    written = output_files(format, outputs)
    if not quiet:
        say("demo: a sample forest, exported once, and recorded network answers. Nothing is contacted.")
    report = run_sample(only=only, skip=skip, quiet=quiet)
    show(report, format, written)
    if not expect:
        return exit_code(report, format)
    if report.verdict == expect:
        say(f"demo: the verdict is {expect}, as it should be")
        return 0
    say(f"demo: the verdict is {report.verdict}, and should be {expect}")
    return 1


def run_sample(*, only: Sequence[str] = (), skip: Sequence[str] = (), quiet: bool = True) -> Report:
    """The demo's report: a real run on an LDIF export and a recorded network."""
    with sample_folder() as folder:
        return run_on(folder, only=only, skip=skip, quiet=quiet)


def run_on(folder: Path, *, only: Sequence[str] = (), skip: Sequence[str] = (), quiet: bool = True) -> Report:
    """A run on a folder with the sample's files."""
    from preflight.network.recorded import RecordedDialer, RecordedResolver, Recording
    from preflight.resources import Setting

    registry = installed_checks()
    configuration = load(folder / "preflight.toml")
    plan = planned(registry, configuration, only=only, skip=skip, profile="preflight")
    recording = Recording.from_json((folder / "network.json").read_text("utf-8"))
    setting = Setting(
        configuration,
        plan.folds,
        environ={},
        network=(RecordedResolver(recording), RecordedDialer(recording)),
        host="SYNC01",
        now=datetime.fromtimestamp(when_exported(folder / EXPORT), UTC),
    )
    return performed(plan, setting, quiet=quiet, problems=registry.problems)
