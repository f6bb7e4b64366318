"""The text of `preflight explain`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from preflight.api import COMMON_CODES, Check
from preflight.cli.problem import Problem
from preflight.cli.sample import sample_report
from preflight.plan import nearest
from preflight.registry import Registry
from preflight.report import Report, Result

_WIDTH = 96


def explanation(what: str, registry: Registry) -> str:
    """
    Raises:
        Problem: neither a check nor a finding code; it names the nearest.
    """
    if what in registry.checks:
        return _check(registry.checks[what], sample_report())
    having = [check for check in registry.checks.values() if what in check.codes]
    if having:
        return _code(what, having, sample_report())
    if what in COMMON_CODES:
        return f"{what}: {COMMON_CODES[what]}.\nEvery check may yield it.\n"
    names = [*registry.checks, *COMMON_CODES, *(code for check in registry.checks.values() for code in check.codes)]
    similar = nearest(what, names)
    hint = f" Did you mean {similar!r}?" if similar else ""
    raise Problem(f"nothing is known of {what!r}.{hint} `preflight list` shows the checks.")


def _check(check: Check, sample: Report) -> str:
    lines = [
        f"{check.id}: {check.title}",
        "",
        f"severity   {check.severity.value}",
        f"looks at   each {check.each}" if check.each != "run" else "looks at   the run as a whole",
        f"requires   {', '.join(check.requires) or 'nothing'}",
        f"leads to   {', '.join(check.event_codes) or 'no event'}",
        f"tags       {', '.join(check.tags)}",
        "",
        *_paragraphs(check.explanation),
        "",
        "Finding codes:",
        *_codes(check.codes.items()),
    ]
    shown = next((result for result in sample.results if result.check == check.id and result.findings), None)
    return "\n".join([*lines, *(_sample(shown, None) if shown else [])]) + "\n"


def _code(code: str, checks: Iterable[Check], sample: Report) -> str:
    lines: list[str] = []
    for check in checks:
        lines += [f"{code}: {check.codes[code]}", f"A finding of {check.id}: {check.title}.", ""]
    for check in checks:
        for result in sample.results:
            if result.check == check.id and any(finding.code == code for finding in result.findings):
                return "\n".join([*lines, *_sample(result, code)]).rstrip() + "\n"
    return "\n".join(lines).rstrip() + f"\n\n`preflight explain {next(iter(checks)).id}` says how to mend it.\n"


def _sample(result: Result, code: str | None) -> list[str]:
    worst = max(
        (finding for finding in result.findings if code in (None, finding.code)),
        key=lambda finding: finding.status.rank,
    )
    lines = ["", f"A sample, from `preflight demo`{f' ({result.target})' if result.target else ''}:"]
    parts = (
        (worst.status.value, f"{worst.summary} [{worst.code}]"),
        ("expected", worst.expected),
        ("observed", worst.observed),
        ("remedy", worst.remedy),
    )
    for name, text in parts:
        if text:
            wrapped = textwrap.wrap(text, _WIDTH - 13, break_long_words=False, break_on_hyphens=False)
            lines += [f"  {name if not number else '':<10} {line}" for number, line in enumerate(wrapped)]
    return lines


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
