"""What the findings mean: each that isn't good, with the check's own explanation and what is known of its codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from preflight.api import Check, Finding, Status
from preflight.knowledge import Entry, Level, entries_for
from preflight.outputs.markdown import remedied, text
from preflight.report import Report, Result

_BAD = (Status.FAIL, Status.UNKNOWN, Status.WARN)
MOST_FINDINGS = 200


def render(report: Report, registered: Mapping[str, Check], events: Sequence[str] = ()) -> str:
    """As Markdown, the worst first, then the codes of the events."""
    bad = [
        (result, finding)
        for status in _BAD
        for result in report.results
        for finding in result.findings
        if finding.status is status
    ]
    blocks = ["# What the findings mean"]
    for result, finding in bad[:MOST_FINDINGS]:
        blocks += _finding(result, finding, registered.get(result.check))
    if not bad:
        blocks.append("Nothing was found that is not as it should be.")
    if len(bad) > MOST_FINDINGS:
        blocks.append(f"... and {len(bad) - MOST_FINDINGS:,} more: report.json has them all.")
    leads_to = _entries(code for _, finding in bad for code in finding.event_codes)
    seen = {id: entry for id, entry in _entries(events).items() if entry.level is not Level.INFORMATION}
    blocks += _known("The events and errors that these lead to", leads_to)
    blocks += _known("The events of this matter", {id: entry for id, entry in seen.items() if id not in leads_to})
    return "\n\n".join(blocks) + "\n"


def _finding(result: Result, finding: Finding, check: Check | None) -> Iterator[str]:
    where = f" · {text(result.target)}" if result.target else ""
    yield f"## {finding.status.value}: {text(result.check)}{where}"
    yield text(finding.summary)
    meaning = check.codes.get(finding.code, "") if check is not None else ""
    facts = (
        ("code", f"{finding.code}{f': {meaning}' if meaning else ''}"),
        ("expected", finding.expected),
        ("observed", finding.observed),
        ("leads to", ", ".join(finding.event_codes)),
    )
    yield "\n".join(f"- {name}: {text(value)}" for name, value in facts if value)
    yield from remedied(finding.remedy)
    if check is not None:
        yield from (f"> {text(' '.join(paragraph.split()))}" for paragraph in check.explanation.split("\n\n"))


def _entries(codes: Iterable[str]) -> dict[str, Entry]:
    return {entry.id: entry for code in codes for entry in entries_for(code)}


def _known(title: str, entries: Mapping[str, Entry]) -> Iterator[str]:
    if entries:
        yield f"# {title}"
    for entry in entries.values():
        yield f"## {text(f'{entry.code} {entry.name}'.strip())}"
        yield text(entry.meaning)
        if entry.causes:
            yield "\n".join(f"{place}. {text(cause.text)}" for place, cause in enumerate(entry.causes, 1))
