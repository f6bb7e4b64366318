"""The report as Markdown, short enough for a ticket: the verdict, the next step, what isn't well, the users.

Tickets are read by many renderers and, where there is none, as they are. So nothing depends on escaping: of a text from
outside, only plain words stand in the open; whatever could mean something to some renderer (markup, HTML, links,
mentions, ticket numbers, formulas) stands in code, where none looks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from preflight.api import Finding, Status
from preflight.outputs import gist
from preflight.outputs.remedy import parts
from preflight.outputs.text import printable
from preflight.report import Report, Result, UserSummary

MOST_LETTERS = 60_000
"""Of all: the narrowest tracker takes 65,536."""
MOST_ROWS = 50
MOST_FINDINGS = 10
"""Of one check and target."""
MOST_CONTAINERS = 10
MOST_OF_A_TEXT = 1_000
MOST_OF_A_CELL = 200

_BAD = (Status.FAIL, Status.UNKNOWN, Status.WARN, Status.SKIPPED)


def render(report: Report) -> str:
    """GitHub's Markdown; no HTML, no link, no image."""
    bad = [result for status in _BAD for result in report.results if result.counts_as is status]
    others = (result for result in report.results if result.counts_as not in _BAD)
    accepted = [result for result in others if any(finding.waiver is not None for finding in result.findings)]
    blocks = [*_head(report), *_table(bad)]
    for users in report.users:
        blocks += _users(users)
    blocks += _details([*bad, *accepted])
    return "\n\n".join([*_fitting(blocks), _foot(report)]) + "\n"


def _fitting(blocks: Sequence[str]) -> Iterator[str]:
    """As many as a ticket takes."""
    room = MOST_LETTERS
    for number, block in enumerate(blocks):
        room -= len(block) + 2
        if room < 0:
            yield f"... and {len(blocks) - number:,} more paragraphs: the JSON report has everything."
            return
        yield block


def _head(report: Report) -> Iterator[str]:
    yield f"# Password writeback: {gist.VERDICTS[report.verdict]}"
    reasons = text("; ".join(gist.verdict_reasons(report)))
    yield f"{reasons[0].upper()}{reasons[1:]}."
    yield from (f"**Note:** {text(note)}" for note in report.run.notes)
    yield from (f"**Undetermined because:** {text(reason)}" for reason in report.run.undetermined_because)
    step = gist.next_step(report)
    yield f"**Next:** {text(step.says)}"
    yield from remedied(step.remedy)


def _table(bad: Sequence[Result]) -> Iterator[str]:
    if not bad:
        return
    rows = [
        f"| {_status(result)} | {cell(result.check)} | {cell(gist.place(result))} | {cell(gist.trouble(result))} |"
        for result in bad[:MOST_ROWS]
    ]
    yield "\n".join(["| status | check | where | what |", "|---|---|---|---|", *rows])
    if len(bad) > MOST_ROWS:
        yield f"... and {len(bad) - MOST_ROWS:,} more."


def _status(result: Result) -> str:
    """Shouted only where it decides."""
    return f"**{result.counts_as.upper()}**" if result.counts_as is Status.FAIL else result.counts_as.value


def _details(results: Sequence[Result]) -> Iterator[str]:
    """Each finding with what to do."""
    told = [result for result in results if result.counts_as is not Status.SKIPPED]
    if told:
        yield "## Findings"
    for result in told:
        where = gist.place(result)
        yield f"### {text(result.check)}{f' · {text(where)}' if where else ''}"
        if result.as_of is not None:
            yield f"This is {gist.carried(result)}, by an earlier run."
        yield from _findings(result)


def _findings(result: Result) -> Iterator[str]:
    bad = sorted((each for each in result.findings if each.status in _BAD), key=lambda each: -each.status.rank)
    for finding in bad[:MOST_FINDINGS]:
        yield from _finding(finding)
    if len(bad) > MOST_FINDINGS:
        yield f"... and {len(bad) - MOST_FINDINGS:,} more findings."


def _finding(finding: Finding) -> Iterator[str]:
    waiver = finding.waiver
    facts = (
        ("waived", f"until {waiver.until} by {waiver.owner}: {waiver.reason}" if waiver else ""),
        ("about", "" if finding.subject in finding.summary else finding.subject),
        ("expected", finding.expected),
        ("observed", "" if finding.observed == finding.summary else finding.observed),
        ("code", finding.code),
        ("leads to", ", ".join(finding.event_codes)),
    )
    lines = [f"- {name}: {text(value)}" for name, value in facts if value]
    yield "\n".join([f"**{finding.status.value}:** {text(finding.summary)}", "", *lines])
    yield from remedied(finding.remedy)


def remedied(remedy: str) -> Iterator[str]:
    for part in parts(remedy):
        yield _fenced(part.text) if part.command else f"Do: {text(part.text)}"


def _fenced(command: str) -> str:
    """A command, whole. The fence is longer than any row of backquotes in it."""
    shown = printable(command)
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{shown}\n{fence}"


def _users(users: UserSummary) -> Iterator[str]:
    yield f"## Users of {text(users.domain)}"
    counts = ", ".join(
        f"{count:,} {text(name.replace('_', ' '))}" for name, count in gist.in_order(users.outcomes) if count
    )
    read = f", read at {gist.when(users.as_of)} in an earlier run" if users.as_of is not None else ""
    broken = "" if users.complete else " Not all of them were seen."
    yield f"{users.seen:,} users{read}: {counts or 'nobody in scope'}.{broken}"
    rows = gist.containers_in_trouble(users)
    if rows:
        lines = [
            f"| {cell(name)} | {found.get('blocked', 0):,} | {found.get('unknown', 0):,} |"
            for name, found in rows[:MOST_CONTAINERS]
        ]
        yield "\n".join(["| container | blocked | unknown |", "|---|---|---|", *lines])
    if len(rows) > MOST_CONTAINERS:
        yield f"... and {len(rows) - MOST_CONTAINERS:,} more containers."


def _foot(report: Report) -> str:
    run = report.run
    return (
        f"Written by {text(gist.tool(report))}: run {text(run.id)} on {text(run.host)}, {gist.when(run.started)}, "
        f"{run.duration_s:.1f} s."
    )


# -- texts --------------------------------------------------------------------------------------------------------

_PLAIN = re.compile(
    r"""["'(]*(?:[^\W\d_]+(?:[-'’/][^\W\d_]+)*|\d+(?:[-.,:/]\d+)*|-)?["')]*[.,;:?!]*["')]*""",
)
"""A word or a number in which no renderer sees anything, and the marks of a sentence around it. Letters with digits may
be a ticket or a commit."""


def cell(value: str) -> str:
    return text(value, MOST_OF_A_CELL)


def text(value: str, most: int = MOST_OF_A_TEXT) -> str:
    """Text from outside within a line or a heading: plain words as they are, everything else in code."""
    shown = printable(value)
    if len(shown) > most:
        shown = shown[:most] + "..."
    pieces: list[str] = []
    code: list[str] = []
    for word in shown.split(" "):
        if _PLAIN.fullmatch(word) and (word or not code):
            pieces += [*_code(code), word]
            code = []
        else:
            code.append(word)
            if word.endswith(":"):  # what the text is about stands before it
                pieces += _code(code)
                code = []
    return " ".join([*pieces, *_code(code)]).strip() or "-"


def _code(words: Sequence[str]) -> list[str]:
    """The words as one span of code, the sentence's marks around it. A bar would end a table's cell, a backquote the
    span: there is no way to write either that every renderer understands."""
    if not words:
        return []
    inside = " ".join(words).replace("`", "'").replace("|", "¦").strip()
    word = inside.rstrip(".,;:")
    before, after = "", inside[len(word) :]
    if word.count("(") > word.count(")") and word.startswith("("):
        before, word = "(", word[1:]
    if word.count(")") > word.count("(") and word.endswith(")"):
        word, after = word[:-1], ")" + after
    word = word.strip()
    return [f"{before}`{word}`{after}"] if word else [before + after]
