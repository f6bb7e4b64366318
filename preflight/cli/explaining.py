"""The text of `preflight explain` for a check or a finding code."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from preflight import knowledge
from preflight.api import COMMON_CODES, Check, Finding, Severity
from preflight.cli.problem import Problem
from preflight.cli.sample import sample_report
from preflight.outputs.remedy import parts
from preflight.plan import nearest
from preflight.registry import Registry
from preflight.report import Report, Result

_WIDTH = 96
_CODE = re.compile(r"(?:0x)?[0-9a-f]{4,10}")
_LONGEST_NAME = 100
"""Characters of what was typed that are compared with names."""

_SEVERITIES = {
    Severity.BLOCKER: "where it fails, writeback does not work",
    Severity.ADVISORY: "worth knowing; it does not make the verdict",
}
_TARGETS = {
    "run": "the run as a whole, over all domains",
    "domain": "each domain",
    "domain-controller": "each domain controller",
    "relay": "each Service Bus relay",
}


def of_checks(what: str, registry: Registry) -> str | None:
    """The check or the finding code explained; None: it is neither."""
    if what in registry.checks:
        return _check(registry.checks[what], sample_report())
    if having := checks_meant(what, registry):
        return _code(what, having, sample_report())
    if what in COMMON_CODES:
        return f"{what}: {COMMON_CODES[what]}.\nEvery check may yield it.\n"
    return None


def checks_meant(what: str, registry: Registry) -> Sequence[Check]:
    """The check with that id, else those that declare the finding code."""
    if what in registry.checks:
        return [registry.checks[what]]
    return [check for check in registry.checks.values() if what in check.codes]


def as_members(check: Check) -> Mapping[str, object]:
    """The check for JSON."""
    return {
        "id": check.id,
        "title": check.title,
        "severity": check.severity.value,
        "looks_at": check.each,
        "requires": list(check.requires),
        "leads_to": list(check.event_codes),
        "asked_by": _asked_by(check),
        "tags": list(check.tags),
        "explanation": check.explanation,
        "codes": dict(check.codes),
    }


def unknown(what: str, registry: Registry) -> Problem:
    """That nothing is known of it, with the nearest that is."""
    shown = what if len(what) <= _LONGEST_NAME else f"{what[:_LONGEST_NAME]}..."
    similar = _nearest(what, registry)
    hint = f" Did you mean {similar!r}?" if similar else ""
    return Problem(
        f"nothing is known of {shown!r}.{hint} `preflight list` shows the checks; `preflight explain --search TEXT` "
        "finds an event by its text."
    )


def _nearest(what: str, registry: Registry) -> str:
    """A check, also by its name without the area, a finding code, or a code or name of the knowledge."""
    names = {name.casefold(): name for name in knowledge.names()}
    names |= {code: code for check in registry.checks.values() for code in check.codes}
    names |= {code: code for code in COMMON_CODES}
    names |= {id.partition(".")[2]: id for id in registry.checks}
    names |= {id: id for id in registry.checks}
    typed = what.casefold()[:_LONGEST_NAME]
    similar = names.get(nearest(typed, names), "")
    if not _CODE.fullmatch(typed):
        return similar
    # One digit may be a slip; what differs in more is another code, and would mislead.
    slip = len(typed) == len(similar) and sum(map(str.__ne__, typed, similar.casefold())) == 1
    return similar if slip else ""


def _check(check: Check, sample: Report) -> str:
    lines = [
        f"{check.id}: {check.title}",
        "",
        f"severity   {check.severity.value}: {_SEVERITIES[check.severity]}",
        f"looks at   {_TARGETS.get(check.each, check.each)}",
        f"requires   {', '.join(check.requires) or 'nothing'}",
        *_events("leads to", [_named(code, check) for code in check.event_codes] or ["no event"]),
        *_events("asked by", _asked_by(check)),
        f"tags       {', '.join(check.tags)}",
        "",
        *_paragraphs(check.explanation),
        "",
        "Finding codes:",
        *_codes(check.codes.items()),
        *_sample(_worst([check], None, sample)),
    ]
    return "\n".join(lines) + "\n"


def _events(lead: str, codes: Sequence[str]) -> list[str]:
    wrapped = textwrap.wrap("; ".join(codes), _WIDTH - 11, break_long_words=False, break_on_hyphens=False)
    return [f"{lead if not number else '':<11}{line}" for number, line in enumerate(wrapped)]


def _named(code: str, check: Check) -> str:
    """The code with its name; where several things have it, the one of which the check sees a cause."""
    entries = knowledge.entries_for(code)
    seen = [entry for entry in entries if check.id in entry.checks]
    name = next((entry.name for entry in (*seen, *entries)), "")
    return f"{code} {name}".strip()


def _asked_by(check: Check) -> list[str]:
    """What else leads here: codes and symptoms of which the check confirms or excludes a cause."""
    further = [entry for entry in knowledge.reached_from(check.id) if not set(entry.codes) & set(check.event_codes)]
    return [f"{entry.code} {entry.name}".strip() for entry in further]


def _code(code: str, checks: Sequence[Check], sample: Report) -> str:
    lines: list[str] = []
    for meaning in dict.fromkeys(check.codes[code] for check in checks):
        having = [check for check in checks if check.codes[code] == meaning]
        width = max(len(check.id) for check in having)
        lines += [f"{code}: {meaning}", "", "A finding of"]
        lines += [*(f"  {check.id:<{width}}  {check.title}" for check in having), ""]
    found = _worst(checks, code, sample)
    about = found[0].check if found else checks[0].id
    lines += [f"Why it matters: `preflight explain {about}`.", *_sample(found)]
    return "\n".join(lines) + "\n"


def _worst(checks: Iterable[Check], code: str | None, sample: Report) -> tuple[Result, Finding] | None:
    """What says most about the checks, or the code, in the sample report; None: it has nothing of the kind."""
    ids = {check.id for check in checks}
    found = [
        (result, finding)
        for result in sample.results
        if result.check in ids
        for finding in result.findings
        if code in (None, finding.code)
    ]
    return max(found, key=lambda each: each[1].status.rank, default=None)


def _sample(found: tuple[Result, Finding] | None) -> list[str]:
    if found is None:
        return []
    result, finding = found
    lines = ["", f"A sample, from `preflight demo`{f' ({result.target})' if result.target else ''}:"]
    lines += _entry("finding", f"{finding.status.value}: {finding.summary}") + _entry("code", finding.code)
    lines += _entry("expected", finding.expected) + _entry("observed", finding.observed)
    lead = "remedy"
    for part in parts(finding.remedy):
        # A command stays whole on its line, so that it can be copied.
        lines += ["", f"    {part.text}", ""] if part.command else _entry(lead, part.text)
        lead = ""
    return lines if lines[-1] else lines[:-1]


def _entry(name: str, text: str) -> list[str]:
    wrapped = textwrap.wrap(text, _WIDTH - 13, break_long_words=False, break_on_hyphens=False)
    return [f"  {name if not number else '':<10} {line}" for number, line in enumerate(wrapped)]


def _paragraphs(text: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        lines += [*textwrap.wrap(" ".join(paragraph.split()), _WIDTH, break_on_hyphens=False), ""]
    return lines[:-1]


def _codes(codes: Iterable[tuple[str, str]]) -> list[str]:
    listed = sorted(codes)
    width = max((len(code) for code, _ in listed), default=0)
    lines = []
    for code, meaning in listed:
        wrapped = textwrap.wrap(meaning, max(30, _WIDTH - width - 4), break_on_hyphens=False)
        lines += [f"  {code if not number else '':<{width}}  {line}" for number, line in enumerate(wrapped)]
    return lines
