"""The report as JSON. Its schema is shipped beside this module (report.schema.json)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib import resources
from typing import Any

from preflight.report import Report


def render(report: Report) -> str:
    """One JSON document, in ASCII: no code page of a console or a redirection can spoil it."""
    return json.dumps(_plain(report.to_dict()), indent=2, allow_nan=False) + "\n"


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of the report."""
    text = resources.files("preflight.outputs").joinpath("report.schema.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def _plain(value: object) -> object:
    """The value in JSON's own types: a check pack's evidence may hold others, and must not lose the report."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(member) for member in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(member) for member in value), key=str)
    return str(value)
