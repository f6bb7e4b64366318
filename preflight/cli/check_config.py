"""`preflight config check`: parse and resolve the configuration. Nothing is sent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    config = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The configuration file.")
    config.command("check", help="Parse the file and show what it comes to. Sends no packet, asks for no password.")(
        check
    )
    config.callback()(_group)
    app.add_typer(config, name="config")


def _group() -> None:
    """The configuration file."""


def check(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="preflight.toml (or PREFLIGHT_CONFIG).")] = None,
) -> int:
    import os

    from preflight.cli.performing import installed_checks
    from preflight.cli.problem import Problem
    from preflight.config import ConfigurationError, describe, load, locate
    from preflight.config.waivers import load_waivers
    from preflight.outputs.terminal import write

    try:
        path = locate(file, os.environ)
        if path is None:
            raise Problem("which file? Name it: preflight config check preflight.toml")
        configuration = load(path)
        if configuration.waivers is not None:
            load_waivers(configuration.waivers, installed_checks().checks)
        write(sys.stdout, describe(configuration))
    except ConfigurationError as error:
        raise Problem(str(error)) from None
    return 0
