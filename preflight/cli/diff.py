"""`preflight diff`: what changed between two reports. Nothing is sent."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import options


def register(app: typer.Typer) -> None:
    app.command(
        "diff",
        help="What changed between two reports: files, history:last, history:RUN. With one: since the run before it.",
    )(diff)


def diff(
    reports: Annotated[
        list[str], typer.Argument(metavar="[OLD] NEW", help="A saved report, history:last, or history:RUN.")
    ],
    config: options.Config = None,
    history: options.History = None,
    format: Annotated[str, typer.Option("--format", metavar="human|json|markdown", help="What to write.")] = "human",
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on", metavar="never|new", help="new: exit 3 where something is new or worse, or less could be told."
        ),
    ] = "never",
) -> int:
    from preflight.cli.comparing import compare_and_show

    return compare_and_show(reports, config=config, history=history, format=format, fail_on=fail_on)
