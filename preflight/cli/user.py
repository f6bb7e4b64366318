"""`preflight user`: one person."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli.given import given_directory
from preflight.cli.options import Settings


def register(app: typer.Typer) -> None:
    app.command(
        "user",
        help="One user: would a reset work now, would a change? With the event and the code to expect if not, and what "
        "to do. Exit codes, by the reset: 0 it works, 3 blocked, 4 could not tell.",
    )(user)


@given_directory
def user(
    *,
    who: Annotated[
        str,
        typer.Argument(
            metavar="USER",
            help="A UPN, sAMAccountName, DOMAIN\\name, DN, mail address, SID, objectGUID, or an event's source anchor.",
        ),
    ],
    rights: Annotated[bool, typer.Option("--rights", help="Show every right, not only those in the way.")] = False,
    compare: Annotated[
        str | None,
        typer.Option("--compare", metavar="USER", help="Show what differs from this user, for whom it works."),
    ] = None,
    settings: Settings,
    format: Annotated[
        str, typer.Option("--format", metavar="human|json", help="What goes to standard output.")
    ] = "human",
) -> int:
    from preflight.cli.looking import look_and_show

    return look_and_show(settings, who, rights=rights, format=format, compare=compare)
