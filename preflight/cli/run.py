"""`preflight run`: the verdict."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import options
from preflight.cli.given import given_everything
from preflight.cli.options import Settings


def register(app: typer.Typer) -> None:
    app.command("run", help="Look at the directory and the network, and give the verdict.")(run)


@given_everything
def run(
    settings: Settings,
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
            help="warn: exit 5 where there are only warnings. new: exit 3 only where something is new, worse or "
            "no longer told since the last recorded run.",
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
        settings,
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
