"""`preflight diagnose`: step by step from what is known to the cause."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import options
from preflight.cli.options import Settings


def register(app: typer.Typer) -> None:
    app.command(
        "diagnose",
        help="Step by step from a code, a symptom, a user or an event log to the cause; without any of them in the "
        "documented order. Exit codes: 3 cause found, 0 all that was suspected is excluded, 4 something is open.",
    )(diagnose)


def diagnose(
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
    config: options.Config = None,
    domain: options.Domain = None,
    user: options.User = None,
    auth: options.Auth = None,
    controller: options.Controllers = None,
    password_env: options.PasswordEnv = None,
    password_file: options.PasswordFile = None,
    ca_file: options.CaFile = None,
    nameserver: options.Nameserver = None,
    ldif: options.Ldif = None,
    connector: options.ConnectorAccount = None,
    cloud: options.Cloud = None,
    proxy: options.Proxy = None,
    timeout: options.Timeout = None,
    format: Annotated[
        str, typer.Option("--format", metavar="human|markdown|json", help="What goes to standard output.")
    ] = "human",
    quiet: options.Quiet = False,
) -> int:
    from preflight.cli.diagnosing import Hints, diagnose_and_show

    settings = Settings(
        config=config,
        domain=domain,
        user=user,
        auth=auth,
        controllers=tuple(controller or ()),
        password_env=password_env,
        password_file=password_file,
        ca_file=ca_file,
        nameserver=nameserver,
        ldif=ldif,
        connector=connector,
        cloud=cloud,
        proxy=proxy,
        timeout=timeout,
    )
    hints = Hints(codes=tuple(code or ()), symptom=symptom, who=who, events=tuple(events or ()))
    return diagnose_and_show(settings, hints, interactive=not non_interactive, format=format, quiet=quiet)
