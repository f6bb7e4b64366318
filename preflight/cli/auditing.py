"""From options to the audit's rows and summary."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

from preflight.audit import audit
from preflight.audit_report import Audit
from preflight.cli.configuring import configured, passwords_of
from preflight.cli.interruption import Interruption
from preflight.cli.options import Settings
from preflight.cli.problem import Problem, say
from preflight.directory.users.blocked import Blocked
from preflight.directory.users.judgement import Judgement, Outcome, UserJudge
from preflight.outputs.files import OutputError, OutputFile, parse_output
from preflight.outputs.table_file import TableFile, TableStream
from preflight.outputs.terminal import appearance_of, write
from preflight.outputs.user_summary import render
from preflight.outputs.user_table import ROW_EXTENSIONS, ROW_FORMATS
from preflight.resources import Setting

if TYPE_CHECKING:
    from preflight.outputs.audit_progress import AuditProgress

Table = TableFile | TableStream


def audit_and_show(settings: Settings, *, format: str, outputs: Sequence[str], only_blocked: bool, quiet: bool) -> int:
    """
    Raises:
        Problem: a usage or configuration error, a file that can't be written.
    """
    if format != "human" and format not in ROW_FORMATS:
        raise Problem(f"--format {format}: unknown. Known: human, {', '.join(ROW_FORMATS)}.")
    try:
        files = [parse_output(each, tuple(ROW_FORMATS), ROW_EXTENSIONS) for each in outputs]
        configuration = configured(settings)
        if not configuration.domains:
            raise Problem("which domain? Give --config FILE, or --domain NAME with --user or --ldif.")
        for warning in configuration.warnings:
            say(f"note: {warning}")
        setting = Setting(configuration, (Blocked,), passwords_of(configuration), os.environ)
        return _audit(setting, format, files, only_blocked, quiet)
    except OutputError as error:
        raise Problem(str(error)) from None


def _audit(setting: Setting, format: str, files: Sequence[OutputFile], only_blocked: bool, quiet: bool) -> int:
    tables: list[Table] = []
    interruption = Interruption()
    with interruption.listening():
        try:
            for file in files:
                with interruption.withheld():
                    tables.append(TableFile(file.path, ROW_FORMATS[file.format]()))
            if format != "human":
                tables.append(TableStream(_rows_to_stdout(), ROW_FORMATS[format]()))
            with _watched(quiet) as progress:
                sink = _sink(tables, only_blocked, progress, interruption)
                report = _run(setting, sink, tables, progress)
            if report.interrupted:
                _abandon(tables)
            for table in tables:
                if isinstance(table, TableStream) or not report.interrupted:
                    table.finish()
        except BaseException:
            _abandon(tables)
            raise
    _show(report, format, files)
    return report.exit_code


def _abandon(tables: Sequence[Table]) -> None:
    for table in tables:
        if isinstance(table, TableFile):
            table.abandon()


def _run(
    setting: Setting,
    sink: Callable[[Judgement, UserJudge], None],
    tables: Sequence[Table],
    progress: AuditProgress | None,
) -> Audit:
    def read(domain: str, seen: int) -> None:
        for table in tables:
            if isinstance(table, TableStream):
                table.flush()  # whoever reads the rows gets each page as it comes
        if progress is not None:
            progress.read(domain, seen)

    return audit(replace(setting, sink=sink, read=read, expect=progress.expect if progress is not None else None))


def _sink(
    tables: Sequence[Table], only_blocked: bool, progress: AuditProgress | None, interruption: Interruption
) -> Callable[[Judgement, UserJudge], None]:
    """What is done with each judgement."""

    def take(judgement: Judgement, judge: UserJudge) -> None:
        if progress is not None:
            progress.judged(judgement)
        wanted = not only_blocked or (judgement.outcome is Outcome.BLOCKED and judgement.enabled is not False)
        if tables and wanted:
            row = judge.row(judgement)
            with interruption.withheld():
                for table in tables:
                    table.add(row)

    return take


@contextlib.contextmanager
def _watched(quiet: bool) -> Iterator[AuditProgress | None]:
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    from preflight.outputs.audit_progress import AuditProgress

    with AuditProgress(sys.stderr, os.environ) as progress:
        yield progress


def _rows_to_stdout() -> TextIO:
    """Standard output, able to take any letter and with line ends as the format has them."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace", newline="")
    return sys.stdout


def _show(report: Audit, format: str, files: Sequence[OutputFile]) -> None:
    if format == "human":
        write(sys.stdout, render(report, appearance_of(sys.stdout, os.environ)))
    for domain in report.domains if format != "human" else ():
        if domain.obstacle:
            say(f"{domain.domain}: not everybody was seen: {domain.obstacle.rstrip('.')}. {domain.remedy}".rstrip())
    if report.interrupted and format != "human":
        say("interrupted: the table holds those seen until then")
    if report.interrupted and files:
        say(f"interrupted: nothing was written to {', '.join(str(file.path) for file in files)}")
