"""`preflight fix-plan`: the fewest changes that would make every user ok. Printed, never made."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli.given import given_directory
from preflight.cli.options import Settings


def register(app: typer.Typer) -> None:
    app.command(
        "fix-plan",
        help="The fewest changes that would make every user ok, as dsacls and PowerShell commands; only printed. "
        "Exit codes: 0 a plan, or nothing to do; 4 not everybody could be seen.",
    )(fix_plan)


@given_directory
def fix_plan(
    settings: Settings,
    format: Annotated[
        str, typer.Option("--format", metavar="human|json", help="What goes to standard output.")
    ] = "human",
) -> int:
    from preflight.cli.planning import plan_and_show

    return plan_and_show(settings, format=format)
