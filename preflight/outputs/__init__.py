"""What a report looks like: one module a format, each a pure function of the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from preflight.report import Report


@dataclass(frozen=True, slots=True)
class Appearance:
    """How text may look where it goes.

    Attributes:
        colour: ANSI colours.
        width: columns.
        ascii_only: no glyph or line of our own beyond ASCII; data keep their letters.
    """

    colour: bool = False
    width: int = 100
    ascii_only: bool = False


PLAIN = Appearance()
"""For a file or a pipe."""


def _human(report: Report, appearance: Appearance) -> str:
    from preflight.outputs.human import render

    return render(report, colour=appearance.colour, width=appearance.width, ascii_only=appearance.ascii_only)


def _plain(module: str) -> Format:
    """A format that looks the same everywhere; its module has a `render`."""

    def render(report: Report, appearance: Appearance) -> str:  # noqa: ARG001 - every format has the same parameters
        return str(import_module(f"preflight.outputs.{module}").render(report))

    return render


Format = Callable[["Report", Appearance], str]

FORMATS: Mapping[str, Format] = MappingProxyType(
    {"human": _human}
    | {name: _plain(name) for name in ("json", "html", "junit", "markdown", "prometheus", "nagios", "checkmk")}
)
"""By the name that `--format` and `-o FORMAT=PATH` take. A format's module is imported when it is used."""

EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {
        ".json": "json",
        ".txt": "human",
        ".html": "html",
        ".htm": "html",
        ".xml": "junit",
        ".md": "markdown",
        ".prom": "prometheus",
    }
)
"""The format that a file's name means where `-o` names none."""

PLUGIN_FORMATS = frozenset({"nagios", "checkmk"})
"""Read by a monitoring system, which wants its own exit codes and always a line (`preflight.outputs.plugin`)."""

READ_BY_OTHERS = frozenset({"prometheus"})
"""Written to files that others may read: the exporter runs as a user of its own, and publishes it anyway."""
