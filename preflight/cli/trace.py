"""`preflight trace`: one endpoint, hop by hop."""

from __future__ import annotations

from typing import Annotated

import typer

from preflight.cli import options
from preflight.cli.options import Settings


def register(app: typer.Typer) -> None:
    app.command(
        "trace",
        help="One endpoint hop by hop: name, addresses, proxy, TCP, TLS, HTTP, WebSocket; up to the first broken one, "
        "with the sentence for the firewall team. Exit codes: 0 reached, 3 broken.",
    )(trace)


def trace(
    where: Annotated[str, typer.Argument(metavar="HOST[:PORT]", help="A host, host:port, or an address; port 443.")],
    config: options.Config = None,
    proxy: options.Proxy = None,
    timeout: options.Timeout = None,
    websocket: Annotated[
        bool, typer.Option("--websocket", help="Ask for a WebSocket too, as is done for relays anyway.")
    ] = False,
    format: Annotated[
        str, typer.Option("--format", metavar="human|json", help="What goes to standard output.")
    ] = "human",
) -> int:
    from preflight.cli.tracing import trace_and_show

    settings = Settings(config=config, proxy=proxy, timeout=timeout)
    return trace_and_show(settings, where, websocket=websocket, format=format)
