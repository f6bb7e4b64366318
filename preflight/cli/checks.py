"""`preflight list`, `preflight explain` and `--version`: what the checks are. Nothing is sent."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from preflight.version import __version__


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"writeback-preflight {__version__}")
        raise typer.Exit


def version_option(
    # Eager, with a callback of its own: it must do without a command after it.
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    del version


def register(app: typer.Typer) -> None:
    app.command("list", help="The checks: id, severity, what each says.")(list_checks)
    app.command("explain", help="One check or finding code: what, why, how to mend, and a sample. Works offline.")(
        explain
    )


def list_checks() -> int:
    from preflight.cli.performing import installed_checks
    from preflight.outputs.terminal import write

    registry = installed_checks()
    width = max(len(id) for id in registry.checks)
    lines = [f"{id:<{width}}  {check.severity.value:<8}  {check.title}" for id, check in registry.checks.items()]
    lines += [f"not loaded: {problem}" for problem in registry.problems]
    write(sys.stdout, "\n".join(lines) + "\n")
    return 0


def explain(
    what: Annotated[str, typer.Argument(metavar="CHECK|CODE", help="dc.policy-hints, or a finding code: ace-denied.")],
) -> int:
    from preflight.cli.explaining import explanation
    from preflight.cli.performing import installed_checks
    from preflight.merging import CHECKS as MERGE_CHECKS
    from preflight.outputs.terminal import write
    from preflight.registry import Registry

    write(sys.stdout, explanation(what, Registry.of([*installed_checks().checks.values(), *MERGE_CHECKS])))
    return 0
