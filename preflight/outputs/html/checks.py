"""The checks by area: each result with its findings, evidence and remedies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from preflight.api import Finding, Severity, Status, Waiver
from preflight.outputs import gist
from preflight.outputs.html.marks import MARKS, Mark
from preflight.outputs.remedy import Part, parts
from preflight.outputs.text import printable
from preflight.report import Report, Result

MOST_FINDINGS = 200
MOST_ITEMS = 20
MOST_COLUMNS = 6

_BAD = (Status.FAIL, Status.UNKNOWN, Status.WARN)


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and its value: a text, several, or a table.

    Attributes:
        more: how many items are left out.
    """

    name: str
    texts: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class WaiverView:
    """
    Attributes:
        expired: its last day was before the run.
    """

    reason: str
    owner: str
    until: str
    expired: bool


@dataclass(frozen=True, slots=True)
class FindingView:
    """
    Attributes:
        facts: what was expected and observed, and the evidence; () for a good finding without evidence.
        remedy: prose and commands in turn.
    """

    mark: Mark
    summary: str
    code: str
    facts: tuple[Fact, ...]
    remedy: tuple[Part, ...]
    event_codes: tuple[str, ...]
    waiver: WaiverView | None


@dataclass(frozen=True, slots=True)
class ResultView:
    """
    Attributes:
        anchor: its id in the page.
        brief: the gist in one line, beside the check's name.
        counts_as: the word of the status that counts, where waivers make it another.
        carried: when it was found, where an earlier run did that.
        more: how many findings are left out.
    """

    anchor: str
    mark: Mark
    check: str
    title: str
    place: str
    advisory: bool
    required: bool
    counts_as: str
    carried: str
    opened: bool
    brief: str
    duration: str
    findings: tuple[FindingView, ...]
    more: int


@dataclass(frozen=True, slots=True)
class AreaView:
    """
    Attributes:
        mark: of its worst result.
        tally: marks with how many results have them, the worst first.
    """

    anchor: str
    title: str
    mark: Mark
    tally: tuple[tuple[Mark, int], ...]
    results: tuple[ResultView, ...]


@dataclass(frozen=True, slots=True)
class Waived:
    """A waived finding, in the list at the top."""

    anchor: str
    mark: Mark
    check: str
    place: str
    summary: str
    waiver: WaiverView


def anchors(report: Report) -> dict[int, str]:
    """Each result's id in the page, by the result's `id()`."""
    return {id(result): f"r{number}" for number, result in enumerate(report.results, 1)}


def areas(report: Report) -> tuple[AreaView, ...]:
    names, day = anchors(report), report.run.started.date()
    return tuple(_area(number, area, results, names, day) for number, (area, results) in enumerate(_sorted(report), 1))


def _sorted(report: Report) -> Iterator[tuple[str, list[Result]]]:
    """Within an area the checks in the order of the run, and the results of one check side by side."""
    for area, results in gist.by_area(report.results):
        order = {check: number for number, check in enumerate(dict.fromkeys(result.check for result in results))}
        yield area, sorted(results, key=lambda result: order[result.check])


def _area(number: int, area: str, results: Sequence[Result], names: Mapping[int, str], day: date) -> AreaView:
    worst = max((result.status for result in results), key=lambda status: status.rank)
    return AreaView(
        anchor=f"area-{number}",
        title=gist.area_title(area),
        mark=MARKS[worst],
        tally=tally(results),
        results=tuple(_result(result, names[id(result)], day) for result in results),
    )


def tally(results: Sequence[Result]) -> tuple[tuple[Mark, int], ...]:
    """How many results have which status, the worst first."""
    counted = ((MARKS[status], sum(result.status is status for result in results)) for status in reversed(Status))
    return tuple((mark, count) for mark, count in counted if count)


def waived(report: Report) -> tuple[Waived, ...]:
    names, day = anchors(report), report.run.started.date()
    return tuple(
        Waived(
            names[id(result)],
            MARKS[finding.status],
            printable(result.check),
            printable(gist.place(result)),
            printable(finding.summary),
            _waiver(finding.waiver, day),
        )
        for result in report.results
        for finding in result.findings
        if finding.waiver is not None
    )


def _result(result: Result, anchor: str, day: date) -> ResultView:
    ordered = sorted(result.findings, key=lambda finding: -finding.status.rank)
    return ResultView(
        anchor=anchor,
        mark=MARKS[result.status],
        check=printable(result.check),
        title=printable(result.title),
        place=printable(gist.place(result)),
        advisory=result.severity is Severity.ADVISORY,
        required=result.role != "selected",
        counts_as=gist.word(result.counts_as) if result.counts_as is not result.status else "",
        carried=gist.carried(result),
        opened=result.counts_as in _BAD,
        brief=_brief(result, ordered),
        duration=f"{result.duration_s:.2f} s",
        findings=tuple(_finding(finding, day) for finding in ordered[:MOST_FINDINGS]),
        more=max(len(ordered) - MOST_FINDINGS, 0),
    )


def _brief(result: Result, ordered: Sequence[Finding]) -> str:
    if result.status is Status.SKIPPED:
        return gist.why_skipped(result)
    if not ordered:
        return ""
    alike = sum(finding.status is ordered[0].status for finding in ordered)
    summary = printable(ordered[0].summary)
    return f"{summary} (and {alike - 1} more)" if alike > 1 else summary


def _finding(finding: Finding, day: date) -> FindingView:
    good = finding.status not in _BAD
    facts = [
        ("about", "" if finding.subject in finding.summary else finding.subject),
        ("expected", finding.expected),
        ("observed", "" if finding.observed == finding.summary else finding.observed),
        *((str(key).replace("_", " "), value) for key, value in finding.evidence.items()),
    ]
    return FindingView(
        mark=MARKS[finding.status],
        summary=printable(finding.summary),
        code="" if good else printable(finding.code),
        facts=tuple(fact(name, value) for name, value in facts if value not in ("", None, [], (), {})),
        remedy=remedy(finding.remedy),
        event_codes=tuple(map(printable, finding.event_codes)),
        waiver=_waiver(finding.waiver, day) if finding.waiver is not None else None,
    )


def remedy(text: str) -> tuple[Part, ...]:
    return tuple(Part(printable(part.text), part.command) for part in parts(text))


def fact(name: str, value: object) -> Fact:
    """A piece of evidence: a list of alike records is a table, a list or mapping has an item a line."""
    name = printable(name)
    if isinstance(value, (list, tuple)):
        shown, more = value[:MOST_ITEMS], max(len(value) - MOST_ITEMS, 0)
        columns = _columns(shown)
        if columns:
            rows = tuple(tuple(gist.value_text(row.get(column, "")) for column in columns) for row in shown)
            return Fact(name, columns=tuple(map(_heading, columns)), rows=rows, more=more)
        return Fact(name, tuple(map(gist.value_text, shown)), more=more)
    if isinstance(value, Mapping) and value:
        members = list(value.items())
        texts = tuple(f"{_heading(key)}: {gist.value_text(member)}" for key, member in members[:MOST_ITEMS])
        return Fact(name, texts, more=max(len(members) - MOST_ITEMS, 0))
    return Fact(name, (gist.value_text(value),))


def _columns(items: Sequence[object]) -> tuple[str, ...]:
    """The keys that say something in a list of mappings of plain values; () where it is something else."""
    keys: dict[str, None] = {}
    for item in items:
        if not isinstance(item, Mapping) or any(isinstance(value, (Mapping, list, tuple)) for value in item.values()):
            return ()
        keys |= dict.fromkeys(key for key, value in item.items() if value not in ("", None))
    return tuple(keys) if len(keys) <= MOST_COLUMNS else ()


def _heading(key: object) -> str:
    return printable(str(key).replace("_", " "))


def _waiver(waiver: Waiver, day: date) -> WaiverView:
    return WaiverView(printable(waiver.reason), printable(waiver.owner), waiver.until.isoformat(), waiver.until < day)
