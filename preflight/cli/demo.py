"""`preflight demo`: every check on a sample forest that comes with the package."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import options


def register(app: typer.Typer) -> None:
    app.command(
        "demo",
        help="Every check on a sample forest with seeded faults, shipped with the package. Needs no network.",
    )(demo)


def demo(
    format: options.Format = "human",
    output: options.Outputs = None,
    only: options.Only = None,
    skip: options.Skip = None,
    quiet: options.Quiet = False,
    expect: Annotated[
        str, typer.Option("--expect", metavar="VERDICT", help="Exit 0 where the verdict is this one, else 1.")
    ] = "",
) -> int:
    from preflight.cli.sample import show_demo

    return show_demo(format=format, outputs=output or (), only=only or (), skip=skip or (), quiet=quiet, expect=expect)
