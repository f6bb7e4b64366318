"""`preflight list`, `preflight explain` and `--version`: what the checks are. Nothing is sent."""

from __future__ import annotations

import sys
from typing import Annotated, Optional

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
    app.command(
        "explain",
        help="What is known of a check, a finding code, an event, an SSPR code, an HRESULT or an error's name: what it "
        "means, what causes it, which checks tell, how to mend it. Works offline.",
        context_settings={"ignore_unknown_options": True},  # -2145188327 is an HRESULT, not an option
    )(explain)


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
    what: Annotated[
        Optional[list[str]],  # noqa: UP045 - typer reads it at run time
        typer.Argument(
            metavar="WHAT...", help="33004, SSPR_0029, 0x80230619, 'multiple matches', dc.policy-hints, ..."
        ),
    ] = None,
    search: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--search", metavar="TEXT", help="Text as it stands in an event or a dialog; - reads it."),
    ] = None,
    format: Annotated[
        str, typer.Option("--format", metavar="human|json", help="What goes to standard output.")
    ] = "human",
) -> int:
    from preflight.cli import knowing
    from preflight.cli.performing import installed_checks
    from preflight.cli.problem import Problem
    from preflight.merging import CHECKS as MERGE_CHECKS
    from preflight.outputs.terminal import write
    from preflight.registry import Registry

    if search is not None:
        if what:
            raise Problem(
                f"explain takes a name or --search, not both. For both as one text: --search {' '.join(what)!r}."
            )
        write(sys.stdout, knowing.search(search, format))
        return 0
    registry = Registry.of([*installed_checks().checks.values(), *MERGE_CHECKS])
    write(sys.stdout, knowing.explain(what or [], registry, format))
    return 0
