"""`preflight audit`: for whom writeback will fail, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import options
from preflight.cli.given import given_directory
from preflight.cli.options import Settings


def register(app: typer.Typer) -> None:
    app.command(
        "audit",
        help="For which users will writeback fail, and why? Exit codes: 0 all ok, 3 someone blocked, 4 could not tell.",
    )(audit)


@given_directory
def audit(
    settings: Settings,
    format: Annotated[
        str, typer.Option("--format", metavar="human|csv|jsonl", help="What goes to standard output.")
    ] = "human",
    output: Annotated[
        list[str] | None,
        typer.Option("-o", "--output", metavar="[FORMAT=]PATH", help="Write the table to a file: csv or jsonl."),
    ] = None,
    only_blocked: Annotated[bool, typer.Option("--only-blocked", help="Rows of blocked users only.")] = False,
    quiet: options.Quiet = False,
) -> int:
    from preflight.cli.auditing import audit_and_show

    return audit_and_show(settings, format=format, outputs=output or (), only_blocked=only_blocked, quiet=quiet)
