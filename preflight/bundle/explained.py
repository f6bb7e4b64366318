"""What the findings mean: each that isn't good, with the check's own explanation and what is known of its codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from preflight.api import Check, Finding, Status
from preflight.knowledge import Entry, entries_for
from preflight.outputs.markdown import remedied, text
from preflight.report import Report, Result

_BAD = (Status.FAIL, Status.UNKNOWN, Status.WARN)
MOST_FINDINGS = 200


def render(report: Report, registered: Mapping[str, Check]) -> str:
    """As Markdown, the worst first."""
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
    codes = dict.fromkeys(code for _, finding in bad for code in finding.event_codes)
    blocks += _known(list(codes))
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


def _known(codes: Sequence[str]) -> Iterator[str]:
    """What is known of the events and errors that the findings lead to."""
    found: dict[str, Entry] = {entry.id: entry for code in codes for entry in entries_for(code)}
    if found:
        yield "# The events and errors that these lead to"
    for entry in found.values():
        yield f"## {text(f'{entry.code} {entry.name}'.strip())}"
        yield text(entry.meaning)
        if entry.causes:
            yield "\n".join(f"{place}. {text(cause.text)}" for place, cause in enumerate(entry.causes, 1))
