"""`preflight events`: what the event logs of the sync server say."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from preflight.cli import options


def register(app: typer.Typer) -> None:
    app.command(
        "events",
        help="What the event logs of the sync server say: is the service up, how many resets fail, why and for whom, "
        "what to do first. Sends nothing. Exit code 0; 2 where a log can't be read.",
    )(events)


def events(
    files: Annotated[
        Optional[list[str]],  # noqa: UP045 - typer reads it at run time
        typer.Argument(
            metavar="FILE...",
            help=".evtx, wevtutil's XML, Get-WinEvent as CSV, JSON or CLIXML, text; several; - for standard input.",
        ),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="On Windows: the local Application log.")] = False,
    since: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--since", metavar="TIME", help="Only from this time on: 2026-09-30, 2026-09-30T08:00Z, 24h, 7d."),
    ] = None,
    until: Annotated[Optional[str], typer.Option("--until", metavar="TIME", help="Only up to this time.")] = None,  # noqa: UP045
    user: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--user", metavar="UPN", help="Only attempts for this user."),
    ] = None,
    tracking_id: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--tracking-id", metavar="ID", help="Only the attempt with this tracking id."),
    ] = None,
    format: Annotated[
        str, typer.Option("--format", metavar="human|json", help="What goes to standard output.")
    ] = "human",
    quiet: options.Quiet = False,
) -> int:
    from preflight.cli.reading_events import read_and_show

    return read_and_show(
        files or (), live=live, since=since, until=until, user=user, tracking_id=tracking_id, format=format, quiet=quiet
    )
