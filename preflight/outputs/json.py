"""The report as JSON. Its schema is shipped beside this module (report.schema.json)."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from preflight.json_value import json_value
from preflight.report import Report


def render(report: Report) -> str:
    """One JSON document, in ASCII: no code page of a console or a redirection can spoil it."""
    return json.dumps(json_value(report.to_dict()), indent=2, allow_nan=False) + "\n"


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of the report."""
    text = resources.files("preflight.outputs").joinpath("report.schema.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
