"""The way to a cause, step by step, for a person and for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from preflight.api import Finding, Status
from preflight.diagnosis.model import Answer, Diagnosis, Instructions, Look
from preflight.outputs import Appearance
from preflight.outputs.page import Page
from preflight.outputs.remedy import parts
from preflight.outputs.text import printable
from preflight.report import Result

_SHOWN: Mapping[Answer, tuple[Status, str, str]] = {
    Answer.CONFIRMED: (Status.FAIL, "the cause", "bold red"),
    Answer.POSSIBLE: (Status.WARN, "possible", "bold yellow"),
    Answer.UNTOLD: (Status.UNKNOWN, "not told", "bold magenta"),
    Answer.EXCLUDED: (Status.PASS, "excluded", "green"),
    Answer.NOTHING: (Status.NOT_APPLICABLE, "nothing", "dim"),
    Answer.FOR_A_PERSON: (Status.SKIPPED, "look", "bold cyan"),
    Answer.SKIPPED: (Status.SKIPPED, "skipped", "dim"),
    Answer.NOT_REACHED: (Status.NOT_APPLICABLE, "later", "dim"),
}
"""Per answer: whose glyph it has, its word, and its style."""

_STYLES = {Status.PASS: "green", Status.FAIL: "bold red", Status.WARN: "bold yellow", Status.UNKNOWN: "bold magenta"}

_WORD_COLUMN = 10

MOST_GOOD = 8
"""Good results of one suspicion that are shown one by one."""


def render(diagnosis: Diagnosis, appearance: Appearance) -> str:
    """The whole path, what was seen, and at the end the cause with its remedy."""
    page = Page(appearance.width, appearance.ascii_only)
    _start(page, diagnosis)
    for number, look in enumerate(diagnosis.looks, 1):
        _look(page, number, len(diagnosis.looks), look)
    _end(page, diagnosis)
    return page.text(appearance.colour)


def render_start(diagnosis: Diagnosis, appearance: Appearance) -> str:
    """What is known and will be looked at: the head of a dialogue."""
    page = Page(appearance.width, appearance.ascii_only)
    _start(page, diagnosis)
    return page.text(appearance.colour)


def render_next(diagnosis: Diagnosis, number: int, appearance: Appearance) -> str:
    """What is to be looked at next, in a dialogue."""
    page = Page(appearance.width, appearance.ascii_only)
    suspicion = diagnosis.looks[number].suspicion
    page.blank()
    lead = [(f"{number + 1:>2}/{len(diagnosis.looks)} ", "dim")]
    page.entry(0, lead, f"{printable(suspicion.title)}?", "bold")
    page.entry(6, [_name("why")], printable(suspicion.because), "dim")
    if suspicion.checks:
        page.entry(6, [_name("checks")], ", ".join(suspicion.checks), "dim")
    return page.text(appearance.colour)


def render_look(diagnosis: Diagnosis, number: int, appearance: Appearance) -> str:
    """One step of a dialogue."""
    page = Page(appearance.width, appearance.ascii_only)
    _look(page, number + 1, len(diagnosis.looks), diagnosis.looks[number])
    return page.text(appearance.colour)


def render_end(diagnosis: Diagnosis, appearance: Appearance) -> str:
    """The end of a dialogue."""
    page = Page(appearance.width, appearance.ascii_only)
    _end(page, diagnosis)
    return page.text(appearance.colour)


def _start(page: Page, diagnosis: Diagnosis) -> None:
    path = diagnosis.path
    page.entry(0, [("known  ", "dim")], printable(path.known), "bold")
    for code, name, meaning in path.entries:
        page.entry(2, [], f"{printable(code)} {printable(name)}".strip(), "bold")
        page.entry(4, [], printable(meaning))
    page.entry(0, [("path   ", "dim")], f"{len(diagnosis.looks)} things to look at, in this order", "dim")


def _look(page: Page, number: int, of: int, look: Look) -> None:
    status, word, style = _SHOWN[look.answer]
    lead = [(f"{number:>2}/{of} ", "dim"), (f"{page.glyph(status)} {word:<{_WORD_COLUMN}}", style)]
    if look.answer is Answer.NOT_REACHED:
        page.entry(0, lead, printable(look.suspicion.title), "dim")
        return
    page.blank()
    page.entry(0, lead, printable(look.suspicion.title), "bold")
    page.entry(6, [_name("why")], printable(look.suspicion.because), "dim")
    _results(page, look.results)
    if look.answer in (Answer.CONFIRMED, Answer.POSSIBLE, Answer.UNTOLD) and look.decisive is not None:
        _finding(page, look.decisive[1])
    if look.answer is Answer.UNTOLD and not look.results:
        page.entry(6, [_name("saw")], f"nothing: {', '.join(look.suspicion.checks)} could not be run here")
    if look.suspicion.person is not None and look.answer not in (Answer.EXCLUDED, Answer.SKIPPED):
        _instructions(page, look.suspicion.person)


def _name(name: str, style: str = "dim") -> tuple[str, str]:
    return f"{name:<9}", style


def _results(page: Page, results: Sequence[Result]) -> None:
    """The good ones by number where there are many."""
    good = [result for result in results if result.status in (Status.PASS, Status.NOT_APPLICABLE)]
    many = len(good) > MOST_GOOD
    for result in results:
        if not many or result not in good:
            _result(page, result)
    if many:
        page.entry(6, [_name("saw"), (f"{page.glyph(Status.PASS)} ", "green")], f"{len(good)} others are fine", "dim")


def _result(page: Page, result: Result) -> None:
    about = f" {printable(result.target)}" if result.target else ""
    worst = next((finding for finding in result.findings if finding.status is result.status), None)
    said = printable(worst.summary) if worst is not None else result.status.value
    lead = [_name("saw"), (f"{page.glyph(result.status)} ", _STYLES.get(result.status, "dim"))]
    page.entry(6, lead, f"{printable(result.check)}{about}: {said}")


def _finding(page: Page, finding: Finding) -> None:
    for name, text in (("expected", finding.expected), ("observed", finding.observed)):
        if text and text != finding.summary:
            page.entry(6, [_name(name)], printable(text))
    _remedy(page, finding.remedy, 6)


def _remedy(page: Page, remedy: str, indent: int) -> None:
    lead = [_name("do", "bold")]
    for part in parts(remedy):
        if part.command:
            page.line(*lead, (printable(part.text), "bold cyan"), indent=indent)
        else:
            page.entry(indent, lead, printable(part.text))
        lead = [_name("")]


def _instructions(page: Page, person: Instructions) -> None:
    if person.warning:
        page.entry(6, [_name("careful", "bold yellow")], printable(person.warning))
    for number, step in enumerate(person.steps, 1):
        page.entry(6, [_name("" if number > 1 else "you", "bold"), (f"{number}. ", "dim")], printable(step))
    for number, step in enumerate(person.verify):
        page.entry(6, [_name("" if number else "then")], printable(step))


def _end(page: Page, diagnosis: Diagnosis) -> None:
    page.heading("Diagnosis")
    cause = diagnosis.cause
    if cause is not None:
        page.entry(0, [("CAUSE FOUND  ", "bold red")], printable(cause.suspicion.title))
        if cause.decisive is not None:
            result, finding = cause.decisive
            page.entry(2, [(f"{result.check}  ", "")], printable(finding.summary))
            _remedy(page, finding.remedy, 2)
        page.entry(2, (), "Then run this again: where one cause hides another, the next one shows.", "dim")
        return
    excluded = sum(look.answer is Answer.EXCLUDED for look in diagnosis.looks)
    page.entry(0, [("NO CAUSE FOUND  ", "bold magenta")], f"{excluded} of {len(diagnosis.looks)} are excluded")
    for title, looks in (("may be the cause", diagnosis.possible), ("open", diagnosis.open)):
        for look in looks:
            page.entry(2, [(f"{title}: ", "dim")], printable(look.suspicion.title))


# -- for programs -------------------------------------------------------------------------------------------------


def render_json(diagnosis: Diagnosis) -> str:
    return json.dumps(to_dict(diagnosis), indent=2, default=str) + "\n"


def to_dict(diagnosis: Diagnosis) -> dict[str, Any]:
    cause = diagnosis.cause
    return {
        "schema": "preflight-diagnosis",
        "schema_version": "1.0",
        "known": diagnosis.path.known,
        "entries": [{"code": code, "name": name, "meaning": meaning} for code, name, meaning in diagnosis.path.entries],
        "cause": _look_to_dict(cause) if cause is not None else None,
        "path": [_look_to_dict(look) for look in diagnosis.looks],
    }


def _look_to_dict(look: Look) -> dict[str, Any]:
    person = look.suspicion.person
    return {
        "suspicion": look.suspicion.title,
        "because": look.suspicion.because,
        "answer": look.answer.value,
        "checks": list(look.suspicion.checks),
        "results": [
            {"check": result.check, "target": result.target, "status": result.status.value} for result in look.results
        ],
        "finding": _finding_to_dict(*look.decisive) if look.decisive is not None else None,
        "person": (
            {"warning": person.warning, "steps": list(person.steps), "verify": list(person.verify)}
            if person is not None
            else None
        ),
    }


def _finding_to_dict(result: Result, finding: Finding) -> dict[str, Any]:
    return {
        "check": result.check,
        "target": result.target,
        "status": finding.status.value,
        "code": finding.code,
        "summary": finding.summary,
        "expected": finding.expected,
        "observed": finding.observed,
        "remedy": finding.remedy,
    }
