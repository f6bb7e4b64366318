"""`preflight run`: from options to the shown report, in one round or several."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from preflight.cli.configuring import configured, passwords_of
from preflight.cli.keeping import MONITOR, Kept, kept, last_audit, previous, recorded
from preflight.cli.options import Settings
from preflight.cli.performing import (
    exit_code,
    installed_checks,
    output_files,
    performed,
    planned,
    require_fail_on,
    show,
    stopped_by_signals,
)
from preflight.cli.problem import Problem, say
from preflight.config import Configuration, ConfigurationError, adjusted, duration
from preflight.config.waivers import load_waivers
from preflight.difference import Kind, compare
from preflight.exit_codes import EXIT_NOT_READY, EXIT_READY
from preflight.outputs import PLUGIN_FORMATS
from preflight.outputs.gist import VERDICTS, verdict_reasons
from preflight.plan import Plan
from preflight.registry import Registry
from preflight.report import Report
from preflight.waivers import WaiverRule, waive

MOST_SAID = 10
"""Changes that are named on standard error under --fail-on new."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks of a run, beside where to look."""

    only: Sequence[str] = ()
    skip: Sequence[str] = ()
    profile: str = "preflight"
    format: str = "human"
    outputs: Sequence[str] = ()
    fail_on: str = "fail"
    dry_run: bool = False
    quiet: bool = False
    idle: float | None = None
    namespaces_from: Path | None = None
    machine_config: str | None = None
    waivers: Path | None = None
    history: Path | None = None
    no_history: bool = False
    wait: str | None = None


def run_and_show(settings: Settings, wanted: Wanted) -> int:
    """
    Raises:
        Problem: a usage or configuration error.
    """
    require_fail_on(wanted.fail_on, "fail", "warn", "new")
    wait = _length(wanted.wait)
    files = output_files(wanted.format, wanted.outputs)
    registry = installed_checks()
    configuration = _adjusted(configured(settings), wanted)
    rules = _waivers(configuration, registry)
    plan = planned(registry, configuration, only=wanted.only, skip=wanted.skip, profile=wanted.profile)
    where = kept(configuration, profile=wanted.profile, option=wanted.history, refused=wanted.no_history)
    if wanted.fail_on == "new" and where is None:
        raise Problem(
            "--fail-on new compares with the last run in the history, and none is kept: add a [history] table to the "
            "configuration, or --history FILE."
        )
    for warning in configuration.warnings:
        say(f"note: {warning}")
    if wanted.dry_run:
        from preflight.cli.dry_run import describe_run
        from preflight.outputs.terminal import write

        write(sys.stdout, describe_run(plan, configuration, os.environ))
        return 0
    _require_something_to_look_at(configuration, plan)
    rounds = _Rounds(configuration, plan, rules, registry.problems, quiet=wanted.quiet)
    if wait is None:
        report = rounds.single(where if wanted.profile == MONITOR and not wanted.only else None)
    else:
        report = rounds.repeated(wait, fail_on_warnings=wanted.fail_on == "warn")
    before = previous(where, report) if wanted.fail_on == "new" else None
    report = recorded(report, where, audit=rounds.audit_of(report))
    show(report, wanted.format, files)
    if before is not None and not report.run.interrupted and wanted.format not in PLUGIN_FORMATS:
        return _by_what_is_new(before, report)
    return exit_code(report, wanted.format, wanted.fail_on)


class _Rounds:
    """The runs of one command: one, or with --wait several with fresh connections.

    What is remembered from round to round is who was refused: no password is sent again after that.
    """

    def __init__(
        self,
        configuration: Configuration,
        plan: Plan,
        rules: Sequence[WaiverRule],
        problems: Sequence[str],
        *,
        quiet: bool,
    ) -> None:
        from preflight.monitoring import audit_name
        from preflight.resources import Setting

        passwords, ask_service = passwords_of(configuration), not plan.skips("network.web-service")
        self._setting = Setting(configuration, plan.folds, passwords, os.environ, ask_service=ask_service)
        self._plan, self._rules, self._problems, self._quiet = plan, rules, problems, quiet
        self._audit = audit_name(configuration, plan, self._setting.host)

    def audit_of(self, report: Report) -> str:
        """The name of what was read of the users; "" where they weren't read."""
        from preflight.monitoring import is_audit

        return self._audit if is_audit(report, self._plan) else ""

    def single(self, where: Kept | None) -> Report:
        """One round; what the last reading of the users said is carried along from there, as long as it holds."""
        from preflight.monitoring import carried_from, with_carried, without_users

        audit = last_audit(where, self._audit)
        every = self._setting.configuration.monitor.audit_every
        carried = carried_from(audit, self._plan, every=every, now=datetime.now(UTC)) if audit is not None else None
        if carried is None:
            return self._waived(self._performed(self._plan))
        return self._waived(with_carried(self._performed(without_users(self._plan)), carried, self._plan))

    def repeated(self, length: timedelta, *, fail_on_warnings: bool) -> Report:
        """Rounds until one is ready, or time is up."""
        from preflight.cli.waiting import Patience, repeated

        stop = threading.Event()
        patience = Patience(
            length,
            enough=lambda report: report.exit_code(fail_on_warnings=fail_on_warnings) == EXIT_READY,
            hopeless=self._refused,
            say=(lambda _: None) if self._quiet else say,
        )
        with stopped_by_signals(stop):
            return repeated(lambda: self._waived(self._performed(self._plan, stop)), patience, stop)

    def _performed(self, plan: Plan, stop: threading.Event | None = None) -> Report:
        setting = replace(self._setting, folds=plan.folds)
        return performed(plan, setting, quiet=self._quiet, problems=self._problems, stop=stop)

    def _waived(self, report: Report) -> Report:
        return waive(report, self._rules, datetime.now().astimezone().date())

    def _refused(self) -> str:
        """Why no later round can be better."""
        if self._setting.binds.refused:
            return "a sign-in was refused, and no password is sent twice: waiting ends"
        if any(sign_in.refused for sign_in in self._setting.proxy_sign_ins.values()):
            return "the proxy refused a sign-in, and no password is sent twice: waiting ends"
        return ""


def _by_what_is_new(before: Report, report: Report) -> int:
    """The exit code under --fail-on new; what it is for is named."""
    difference = compare(before, report)
    alarming = [*difference.of(Kind.NEW), *difference.of(Kind.WORSE)]
    for change in alarming[:MOST_SAID]:
        target = f" ({change.target})" if change.target else ""
        say(f"{change.kind.value}: {change.check}{target}: {change.summary}")
    if len(alarming) > MOST_SAID:
        say(f"... and {len(alarming) - MOST_SAID:,} more: preflight diff shows them.")
    if difference.told_less:
        reasons = "; ".join([*report.run.undetermined_because, *verdict_reasons(report)])
        say(f"worse: less could be told than before: {VERDICTS[report.verdict]}: {reasons}")
    return EXIT_NOT_READY if difference.alarming else EXIT_READY


def _length(text: str | None) -> timedelta | None:
    try:
        return None if text is None else duration(text)
    except ValueError as error:
        raise Problem(f"--wait {error}") from None


def _adjusted(configuration: Configuration, wanted: Wanted) -> Configuration:
    try:
        return adjusted(
            configuration,
            idle=wanted.idle,
            namespaces_from=wanted.namespaces_from,
            machine_config=wanted.machine_config,
            waivers=wanted.waivers,
        )
    except ConfigurationError as error:
        raise Problem(str(error)) from None


def _waivers(configuration: Configuration, registry: Registry) -> Sequence[WaiverRule]:
    try:
        return load_waivers(configuration.waivers, registry.checks) if configuration.waivers is not None else ()
    except ConfigurationError as error:
        raise Problem(str(error)) from None


def _require_something_to_look_at(configuration: Configuration, plan: Plan) -> None:
    if configuration.domains or configuration.source is not None:
        return
    if any(each.check.each in ("domain", "domain-controller") for each in plan.checks if each.role == "selected"):
        raise Problem(
            "which domain? Give --config FILE, or --domain NAME (and --user). For the network checks alone: "
            "--only 'network.*'."
        )
