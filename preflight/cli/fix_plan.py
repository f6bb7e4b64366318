"""`preflight fix-plan`: the fewest changes that would make every user ok. Printed, never made."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import options
from preflight.cli.options import Settings


def register(app: typer.Typer) -> None:
    app.command(
        "fix-plan",
        help="The fewest changes that would make every user ok, as dsacls and PowerShell commands; only printed. "
        "Exit codes: 0 a plan, or nothing to do; 4 not everybody could be seen.",
    )(fix_plan)


def fix_plan(
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
    timeout: options.Timeout = None,
    format: Annotated[
        str, typer.Option("--format", metavar="human|json", help="What goes to standard output.")
    ] = "human",
) -> int:
    from preflight.cli.planning import plan_and_show

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
        timeout=timeout,
    )
    return plan_and_show(settings, format=format)
