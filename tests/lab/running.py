"""Run the product on a forest of the lab, and look at what it said.

::

    report = run(forest, tmp_path)                                   # in this process: a Report
    report = run(forest, tmp_path, only=["permissions"], search_bases=[forest.dn("OU=Sales")])
    done = run_command(forest, tmp_path, "--format", "json")         # as a user runs it: a CompletedProcess

The network checks are left out unless asked for: relays aren't part of a forest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lab.forest import Forest

from preflight.api import Check, Finding, Status
from preflight.config import load, read_password
from preflight.network.port import Dialer, Resolver
from preflight.plan import make_plan
from preflight.registry import Registry
from preflight.report import Report, Result
from preflight.resources import Setting
from preflight.run import perform

ELSEWHERE = ("network", "dns", "events")
"""Areas that look at no directory."""
COMMAND_WITHIN = 120.0


def write(forest: Forest, folder: Path, *, more: str = "", others: Sequence[str] = (), **changes: object) -> Path:
    """preflight.toml: `changes` as for `Forest.configuration`, `others` further [[domain]] tables, `more` the rest."""
    text = "\n".join([forest.configuration(**changes), *others, more])
    path = folder / "preflight.toml"
    path.write_text(text, encoding="utf-8")
    return path


def run(
    forest: Forest,
    folder: Path,
    *,
    only: Sequence[str] = (),
    skip: Sequence[str] = ELSEWHERE,
    environ: Mapping[str, str] | None = None,
    checks: Iterable[Check] = (),
    network: tuple[Resolver, Dialer] | None = None,
    stop: threading.Event | None = None,
    more: str = "",
    others: Sequence[str] = (),
    **changes: object,
) -> Report:
    """`preflight run` in this process. `checks` are further ones beside the built-in."""
    environ = {**forest.environment, **(environ or {})}
    configuration = load(write(forest, folder, more=more, others=others, **changes))
    passwords = {
        domain.name: read_password(domain, environ, None) for domain in configuration.domains if domain.password
    }
    registered = Registry.of([*Registry.installed().checks.values(), *checks]).checks
    plan = make_plan(registered, only=only, skip=() if only else skip)
    return perform(plan, Setting(configuration, plan.folds, passwords, environ, network), stop=stop)


def command(*arguments: str) -> list[str]:
    """`preflight ...`, by this Python."""
    return [sys.executable, "-m", "preflight", *arguments]


def environment(forest: Forest, **more: str) -> dict[str, str]:
    """What the product is started with: no trace of the developer's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    return {**kept, **forest.environment, **more}


def run_command(
    forest: Forest,
    folder: Path,
    *options: str,
    environ: Mapping[str, str] | None = None,
    skip: Sequence[str] = ELSEWHERE,
    more: str = "",
    **changes: object,
) -> subprocess.CompletedProcess[str]:
    """`preflight run --config ... OPTIONS` in a process of its own."""
    path = write(forest, folder, more=more, **changes)
    skipped = [word for area in skip for word in ("--skip", area)]
    return subprocess.run(
        command("run", "--config", str(path), *skipped, *options),
        env=environment(forest, **(environ or {})),
        capture_output=True,
        encoding="utf-8",
        timeout=COMMAND_WITHIN,
        check=False,
    )


# Looking at a report


def statuses(report: Report) -> dict[str, str]:
    """The worst status of each check, over its targets."""
    worst: dict[str, Status] = {}
    for result in report.results:
        if result.check not in worst or result.status.rank > worst[result.check].rank:
            worst[result.check] = result.status
    return {check: status.value for check, status in worst.items()}


def results_of(report: Report, check: str) -> list[Result]:
    return [result for result in report.results if result.check == check]


def findings_of(report: Report, check: str) -> list[Finding]:
    return [finding for result in results_of(report, check) for finding in result.findings]


def noteworthy(report: Report, check: str) -> list[Finding]:
    """What isn't good."""
    return [
        finding for finding in findings_of(report, check) if finding.status not in (Status.PASS, Status.NOT_APPLICABLE)
    ]


def codes(report: Report, check: str) -> set[str]:
    return {finding.code for finding in noteworthy(report, check)}


def passed(report: Report) -> set[str]:
    """The checks that passed on all their targets."""
    return {check for check, status in statuses(report).items() if status == Status.PASS}


def differences(healthy: Report, report: Report) -> dict[str, str]:
    """The checks whose status isn't that of the healthy run, with the status that they have now."""
    before = statuses(healthy)
    return {check: status for check, status in statuses(report).items() if status != before.get(check)}
