"""The way to an endpoint, hop by hop, for a person and for programs."""

from __future__ import annotations

import json

from preflight.api import Status
from preflight.network.trace import Step, Trace
from preflight.outputs import Appearance
from preflight.outputs.page import Page
from preflight.outputs.text import printable

_NAMES = {"dns": "name", "tcp": "TCP", "proxy": "proxy", "tls": "TLS", "http": "HTTP", "websocket": "WebSocket"}
_OK = "ok"


def render(trace: Trace, appearance: Appearance) -> str:
    page = Page(appearance.width, appearance.ascii_only)
    page.line((printable(str(trace.endpoint)), "bold"), (f"  {printable(trace.via)}", "dim"))
    for step in trace.steps:
        _hop(page, step)
    page.blank()
    if trace.broken is None:
        page.entry(0, [("REACHED  ", "bold green")], f"{printable(str(trace.endpoint))} answers")
    else:
        page.entry(0, [("BROKEN  ", "bold red")], f"at {_NAMES[trace.broken.kind]}; send this on:")
        page.entry(2, [("", "")], printable(trace.sentence))
    return page.text(appearance.colour)


def _hop(page: Page, step: Step) -> None:
    good = step.code == _OK
    status = Status.PASS if good else Status.FAIL if step.broken else Status.WARN
    style = "green" if good else "bold red" if step.broken else "yellow"
    lead = [
        (f"{page.glyph(status)} ", style),
        (f"{_NAMES[step.kind]:<9} ", "bold"),
        (f"{step.duration * 1000:6.0f} ms  ", "dim"),
    ]
    said = printable(step.message)
    page.entry(2, lead, f"{printable(step.peer)}{': ' if said else ''}{said}{'' if good else f' ({step.code})'}")


def to_json(trace: Trace) -> str:
    document = {
        "endpoint": str(trace.endpoint),
        "started": f"{trace.started:%Y-%m-%dT%H:%M:%SZ}",
        "via": trace.via,
        "source": trace.source,
        "destination": trace.destination,
        "reached": trace.broken is None,
        "steps": [
            {
                "hop": step.kind,
                "peer": step.peer,
                "code": step.code,
                "duration_s": round(step.duration, 4),
                "message": step.message,
                "broken": step.broken,
            }
            for step in trace.steps
        ],
        "sentence": trace.sentence,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
