"""`preflight run`: the verdict."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import options
from preflight.cli.options import Settings


def register(app: typer.Typer) -> None:
    app.command("run", help="Look at the directory and the network, and give the verdict.")(run)


def run(
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
    machine_config: options.MachineConfig = None,
    namespaces_from: options.NamespacesFrom = None,
    idle: options.Idle = None,
    waivers: options.Waivers = None,
    history: options.History = None,
    no_history: options.NoHistory = False,
    only: options.Only = None,
    skip: options.Skip = None,
    profile: options.Profile = "preflight",
    format: options.Format = "human",
    output: options.Outputs = None,
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on",
            metavar="fail|warn|new",
            help="warn: exit 5 where there are only warnings. new: exit 3 only where something is new or worse since "
            "the last recorded run.",
        ),
    ] = "fail",
    wait: options.Wait = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked, of whom and as whom; send nothing.")
    ] = False,
    quiet: options.Quiet = False,
) -> int:
    from preflight.cli.running import Wanted, run_and_show

    return run_and_show(
        Settings(
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
        ),
        Wanted(
            only=only or (),
            skip=skip or (),
            profile=profile,
            format=format,
            outputs=output or (),
            fail_on=fail_on,
            dry_run=dry_run,
            quiet=quiet,
            idle=idle,
            namespaces_from=namespaces_from,
            machine_config=machine_config,
            waivers=waivers,
            history=history,
            no_history=no_history,
            wait=wait,
        ),
    )
