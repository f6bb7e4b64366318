"""The report as one HTML file for a person: no network, no external script, hostile names stay text.

From the report a view is made (frozen dataclasses, pure functions), and templates write it down. Style and script stand
in the file; its Content-Security-Policy lets exactly these two run, by their hashes, and nothing be loaded.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from preflight.outputs.html.view import view_of
from preflight.report import Report

if TYPE_CHECKING:
    from jinja2 import Environment


def render(report: Report) -> str:
    """The whole page."""
    from markupsafe import Markup

    style, script = _text("style.css"), _text("script.js")
    page = _environment().get_template("page.html.j2")
    return page.render(
        view=view_of(report),
        # Both are our own files, and hold no end tag.
        style=Markup(style),
        script=Markup(script),
        policy=(
            f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:;"
            " base-uri 'none'; form-action 'none'"
        ),
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(lambda name: _text(f"templates/{name}")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _text(name: str) -> str:
    """A file of this package, from a folder or from within a .pyz."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a policy names an inline style or script (CSP level 2)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
