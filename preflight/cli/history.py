"""`preflight history`: since when each check is as it is. Nothing is sent."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from preflight.cli import options


def register(app: typer.Typer) -> None:
    app.command(
        "history",
        help="Since when each check is as it is, how often that changed, how long it takes; earlier runs and reports.",
    )(history)


def history(
    check: Annotated[
        Optional[str],  # noqa: UP045 - typer reads it at run time
        typer.Argument(metavar="[CHECK]", help="An id, an area or a pattern ('permissions.*'): with its periods."),
    ] = None,
    config: options.Config = None,
    file: options.History = None,
    days: Annotated[float, typer.Option("--days", metavar="N", help="How far back changes are counted.")] = 30.0,
    runs: Annotated[bool, typer.Option("--runs", help="List the last runs instead.")] = False,
    show: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--show", metavar="RUN", help="Show the report of that run again: the start of its id, or last."),
    ] = None,
    format: Annotated[
        str, typer.Option("--format", metavar="NAME", help="human or json; with --show those of run.")
    ] = "human",
    output: options.Outputs = None,
) -> int:
    from preflight.cli.looking_back import show_history

    return show_history(
        check, config=config, file=file, days=days, runs=runs, show_run=show, format=format, outputs=output or ()
    )
