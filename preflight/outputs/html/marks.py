"""How a status is shown: a glyph and a word beside its colour, never the colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.api import Status
from preflight.outputs import gist
from preflight.report import Verdict


@dataclass(frozen=True, slots=True)
class Mark:
    """
    Attributes:
        style: the class that gives the colour.
    """

    style: str
    glyph: str
    word: str


_GLYPHS = {
    Status.PASS: "✓",
    Status.FAIL: "✗",
    Status.WARN: "!",
    Status.UNKNOWN: "?",
    Status.SKIPPED: "»",
    Status.NOT_APPLICABLE: "–",
}

MARKS: Mapping[Status, Mark] = {
    status: Mark(status.value.replace("_", "-"), glyph, gist.word(status)) for status, glyph in _GLYPHS.items()
}

VERDICT_MARKS: Mapping[Verdict, Mark] = {
    verdict: Mark(MARKS[status].style, MARKS[status].glyph, gist.VERDICTS[verdict])
    for verdict, status in (
        (Verdict.READY, Status.PASS),
        (Verdict.READY_WITH_WARNINGS, Status.WARN),
        (Verdict.UNDETERMINED, Status.UNKNOWN),
        (Verdict.NOT_READY, Status.FAIL),
    )
}
