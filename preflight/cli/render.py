"""`preflight render`: a saved report in any format, anywhere."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from preflight.cli import options


def register(app: typer.Typer) -> None:
    app.command(
        "render",
        help="Show a saved report (-o json=report.json) in any format. The exit code is the report's.",
    )(render)


def render(
    report: Annotated[str, typer.Argument(metavar="REPORT", help="The file, or - for standard input.")],
    format: options.Format = "human",
    output: options.Outputs = None,
    fail_on: options.FailOn = "fail",
    max_age: Annotated[
        Optional[str],  # noqa: UP045 - typer reads it at run time
        typer.Option("--max-age", metavar="DURATION", help="30m, 24h: an older report is undetermined, if not worse."),
    ] = None,
) -> int:
    from datetime import UTC, datetime

    from preflight.cli.performing import exit_code, output_files, require_fail_on, show
    from preflight.cli.saved import outdated, saved_report

    require_fail_on(fail_on, "fail", "warn")
    files = output_files(format, output or ())
    saved = saved_report(report)
    if max_age is not None:
        saved = outdated(saved, max_age, datetime.now(UTC))
    show(saved, format, files)
    return exit_code(saved, format, fail_on)
