"""From the name of an endpoint to the way that leads to it."""

from __future__ import annotations

import os
import sys

from preflight.api import Unavailable
from preflight.cli.configuring import configured
from preflight.cli.options import Settings
from preflight.cli.problem import Problem
from preflight.exit_codes import EXIT_NOT_READY, EXIT_READY
from preflight.network.clouds import retired
from preflight.network.endpoint import Endpoint
from preflight.network.trace import trace
from preflight.outputs.terminal import appearance_of, write
from preflight.outputs.trace import render, to_json
from preflight.resources import Resources, Setting


def trace_and_show(settings: Settings, where: str, *, websocket: bool, format: str) -> int:
    """
    Raises:
        Problem: a usage or configuration error.
    """
    if format not in ("human", "json"):
        raise Problem(f"--format {format}: unknown. Known: human, json.")
    try:
        endpoint = Endpoint.parse(where)
    except ValueError as error:
        raise Problem(f"{error}. Write host or host:port, such as contoso.servicebus.windows.net:443.") from None
    if retired(endpoint.host):
        raise Problem(f"{endpoint.host} is not probed: {retired(endpoint.host)}.")
    resources = Resources(Setting(configured(settings), environ=os.environ))
    try:
        found = trace(
            endpoint, resources.get("resolver"), resources.get("dialer"), resources.get("web"), websocket=websocket
        )
    except Unavailable as obstacle:
        raise Problem(f"{obstacle.reason}. {obstacle.remedy}") from None
    finally:
        resources.close()
    shown = to_json(found) if format == "json" else render(found, appearance_of(sys.stdout, os.environ))
    write(sys.stdout, shown)
    return EXIT_READY if found.broken is None else EXIT_NOT_READY
