"""The way to a cause as Markdown, for a ticket."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.diagnosis.model import Answer, Diagnosis, Look
from preflight.outputs.markdown import cell, remedied, text

_WORDS = {
    Answer.CONFIRMED: "**the cause**",
    Answer.POSSIBLE: "possible",
    Answer.UNTOLD: "not told",
    Answer.EXCLUDED: "excluded",
    Answer.NOTHING: "nothing to look at",
    Answer.FOR_A_PERSON: "for a person",
    Answer.SKIPPED: "skipped",
    Answer.NOT_REACHED: "not reached",
}


def render(diagnosis: Diagnosis) -> str:
    """GitHub's Markdown; texts from outside in code (see `preflight.outputs.markdown`)."""
    blocks = [*_start(diagnosis), *_table(diagnosis)]
    for number, look in enumerate(diagnosis.looks, 1):
        blocks += _by_hand(number, look)
    return "\n\n".join(blocks) + "\n"


def _start(diagnosis: Diagnosis) -> Iterator[str]:
    cause = diagnosis.cause
    yield f"# Diagnosis: {text(cause.suspicion.title) if cause is not None else 'no cause found'}"
    yield f"Known: {text(diagnosis.path.known)}."
    if cause is not None and cause.decisive is not None:
        result, finding = cause.decisive
        yield f"**{text(result.check)}:** {text(finding.summary)}"
        yield from remedied(finding.remedy)


def _table(diagnosis: Diagnosis) -> Iterator[str]:
    rows = [
        f"| {number} | {_WORDS[look.answer]} | {cell(look.suspicion.title)} | {_saw(look)} |"
        for number, look in enumerate(diagnosis.looks, 1)
    ]
    yield "\n".join(["| | answer | suspicion | seen |", "|---|---|---|---|", *rows])


def _saw(look: Look) -> str:
    if look.decisive is not None:
        result, finding = look.decisive
        return f"{cell(result.check)}: {cell(finding.summary)}"
    seen = dict.fromkeys(f"{result.check} {result.status.value}" for result in look.results)
    return cell(", ".join(seen)) if seen else "-"


def _by_hand(number: int, look: Look) -> Iterator[str]:
    person = look.suspicion.person
    if person is None or look.answer in (Answer.EXCLUDED, Answer.SKIPPED):
        return
    yield f"## {number}. {text(look.suspicion.title)}"
    if person.warning:
        yield f"**Careful:** {text(person.warning)}"
    yield "\n".join(f"{place}. {text(step)}" for place, step in enumerate(person.steps, 1))
    if person.verify:
        yield "\n".join(["Afterwards:", "", *(f"- {text(step)}" for step in person.verify)])
