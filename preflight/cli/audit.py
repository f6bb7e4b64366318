"""`preflight audit`: for whom writeback will fail, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import options
from preflight.cli.options import Settings


def register(app: typer.Typer) -> None:
    app.command(
        "audit",
        help="For which users will writeback fail, and why? Exit codes: 0 all ok, 3 someone blocked, 4 could not tell.",
    )(audit)


def audit(
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
    return audit_and_show(settings, format=format, outputs=output or (), only_blocked=only_blocked, quiet=quiet)
