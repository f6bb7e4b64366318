"""`preflight merge`: the reports of several servers as one. Nothing is sent."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import options


def register(app: typer.Typer) -> None:
    app.command("merge", help="The reports of several servers as one verdict and one page: which check is bad where.")(
        merge
    )


def merge(
    reports: Annotated[list[str], typer.Argument(metavar="REPORT...", help="Saved reports (-o json=report.json).")],
    max_age: Annotated[
        str,
        typer.Option(
            "--max-age", metavar="1d", help="Older than that, or than the newest by so much, is too old to count."
        ),
    ] = "1d",
    format: options.Format = "human",
    output: options.Outputs = None,
    fail_on: options.FailOn = "fail",
) -> int:
    from datetime import UTC, datetime

    from preflight.cli.performing import exit_code, output_files, require_fail_on, show
    from preflight.cli.problem import Problem
    from preflight.cli.saved import outdated, saved_report
    from preflight.config import duration
    from preflight.merging import MergeError, merge_reports

    require_fail_on(fail_on, "fail", "warn")
    files = output_files(format, output or ())
    try:
        merged = merge_reports([saved_report(each) for each in reports], max_age=duration(max_age))
    except MergeError as error:
        raise Problem(str(error)) from None
    except ValueError as error:
        raise Problem(f"--max-age {error}") from None
    merged = outdated(merged, max_age, datetime.now(UTC))
    show(merged, format, files)
    return exit_code(merged, format, fail_on)
