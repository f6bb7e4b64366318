"""`preflight diagnose`: step by step from what is known to the cause."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import options
from preflight.cli.given import given_everything
from preflight.cli.options import Settings


def register(app: typer.Typer) -> None:
    app.command(
        "diagnose",
        help="Step by step from a code, a symptom, a user or an event log to the cause; without any of them in the "
        "documented order. Exit codes: 3 cause found, 0 all that was suspected is excluded, 4 something is open.",
    )(diagnose)


@given_everything
def diagnose(
    *,
    code: Annotated[
        list[str] | None,
        typer.Option("--code", metavar="CODE", help="An event, SSPR code or HRESULT; may be repeated."),
    ] = None,
    symptom: Annotated[
        str, typer.Option("--symptom", metavar="TEXT", help="What somebody sees, or the text of an event.")
    ] = "",
    who: Annotated[
        str, typer.Option("--for", metavar="USER", help="The user for whom it does not work: UPN, name, DN, SID.")
    ] = "",
    events: Annotated[
        list[str] | None,
        typer.Option(
            "--events", metavar="FILE", help="An export of the sync server's Application log; may be repeated."
        ),
    ] = None,
    non_interactive: Annotated[
        bool, typer.Option("--non-interactive", help="Walk without asking, and print the whole path with its results.")
    ] = False,
    settings: Settings,
    format: Annotated[
        str, typer.Option("--format", metavar="human|markdown|json", help="What goes to standard output.")
    ] = "human",
    quiet: options.Quiet = False,
) -> int:
    from preflight.cli.diagnosing import Hints, diagnose_and_show

    hints = Hints(codes=tuple(code or ()), symptom=symptom, who=who, events=tuple(events or ()))
    return diagnose_and_show(settings, hints, interactive=not non_interactive, format=format, quiet=quiet)
