"""What a report looks like: one module a format, each a pure function of the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

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


def _json(report: Report, appearance: Appearance) -> str:  # noqa: ARG001 - every format has the same parameters
    from preflight.outputs.json import render

    return render(report)


Format = Callable[[Report, Appearance], str]

FORMATS: Mapping[str, Format] = MappingProxyType({"human": _human, "json": _json})
"""By the name that `--format` and `-o FORMAT=PATH` take. A format's module is imported when it is used."""

EXTENSIONS: Mapping[str, str] = MappingProxyType({".json": "json", ".txt": "human"})
"""The format that a file's name means where `-o` names none."""
