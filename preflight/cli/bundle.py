"""`preflight bundle`: what support asks for, as one zip."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from preflight.cli import options
from preflight.cli.given import given_everything
from preflight.cli.options import Settings


def register(app: typer.Typer) -> None:
    app.command(
        "bundle",
        help="What support asks for, as one zip: report, explanations, events, versions, the configuration without "
        "secrets, and a form filled in as far as is known.",
    )(bundle)


@given_everything
def bundle(
    *,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.zip", help="The zip to write.")],
    report: Annotated[
        str, typer.Option("--report", metavar="FILE", help="A saved report; left out: the checks are run now.")
    ] = "",
    events: Annotated[
        list[str] | None,
        typer.Option(
            "--events",
            metavar="FILE",
            help="The sync server's Application log; left out: the configuration's.",
        ),
    ] = None,
    pseudonymise: Annotated[
        bool,
        typer.Option(
            "--pseudonymise",
            help="Stand-ins for names, SIDs, hosts and addresses; what stands for what goes to "
            "FILE.zip.map.json beside the zip, which stays with you.",
        ),
    ] = False,
    description: Annotated[str, typer.Option(metavar="TEXT", help="For the form: what happened.")] = "",
    page: Annotated[str, typer.Option(metavar="URL", help="For the form: on which page.")] = "",
    support_code: Annotated[str, typer.Option(metavar="CODE", help="For the form: the page's support code.")] = "",
    when: Annotated[str, typer.Option(metavar="TIME", help="For the form: when, with the time zone.")] = "",
    who: Annotated[str, typer.Option("--for", metavar="USER", help="For the form: who saw the error.")] = "",
    account_kind: Annotated[
        str, typer.Option(metavar="KIND", help="For the form: federated, hash-synchronised, or cloud-only.")
    ] = "",
    licence: Annotated[str, typer.Option(metavar="TEXT", help="For the form: the user's licence.")] = "",
    settings: Settings,
    only: options.Only = None,
    skip: options.Skip = None,
    quiet: options.Quiet = False,
) -> int:
    from preflight.bundle.form import SupportForm
    from preflight.cli.bundling import Wanted, bundle_and_show

    form = SupportForm(description, page, support_code, when, who, account_kind, licence)
    wanted = Wanted(output, report, tuple(events or ()), pseudonymise, tuple(only or ()), tuple(skip or ()), quiet)
    return bundle_and_show(settings, wanted, form)
