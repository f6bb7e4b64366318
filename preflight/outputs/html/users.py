"""The users: a bar per container, and the table of those who are blocked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from preflight.directory.distinguished_name import MalformedName, parent, rdn_value
from preflight.outputs import gist
from preflight.outputs.text import printable
from preflight.outputs.user_summary import short_name, without_entries
from preflight.report import MOST_BLOCKED_ROWS, Report, UserSummary

MOST_CONTAINERS = 500
SHOWN_CONTAINERS = 25
"""The others are there to be opened."""
FIRST_ROWS = 100
"""Rows of the table that stand in the page itself, for a browser without scripts."""
MOST_LETTERS = 300
SHADES = 5
"""Causes with a shade of their own; the rest share one."""

_OUTCOMES = {
    "ok": "ok",
    "blocked": "blocked",
    "unknown": "unknown",
    "unsupported": "unsupported",
    "disabled": "disabled",
}
_APART = {"out_of_scope": "never synchronised by Entra Connect", "excluded": "excluded by the configuration"}
_RIGHTS = {
    "reset_password": "Reset Password",
    "write_lockout_time": "write lockoutTime",
    "write_pwd_last_set": "write pwdLastSet",
}
WIDTH = 1000
"""Of a bar, in its own units."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar.

    Attributes:
        style: the class that gives the colour.
        share: in words, "37 %".
        start, width: of 1000.
    """

    style: str
    label: str
    count: int
    share: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Example:
    name: str
    says: str


@dataclass(frozen=True, slots=True)
class ContainerView:
    """
    Attributes:
        name: without the domain's part.
        says: the bar in words.
    """

    name: str
    dn: str
    total: int
    trouble: str
    says: str
    segments: tuple[Segment, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class DomainView:
    """
    Attributes:
        age: where the users were read in an earlier run: how long before this one, and when.
        apart: who is in no bar, as sentences.
        rest: containers and users that are not listed.
    """

    domain: str
    seen: int
    complete: bool
    age: str
    apart: tuple[str, ...]
    says: str
    segments: tuple[Segment, ...]
    containers: tuple[ContainerView, ...]
    further: tuple[ContainerView, ...]
    rest: str


@dataclass(frozen=True, slots=True)
class BlockedRow:
    name: str
    account: str
    upn: str
    domain: str
    container: str
    rights: str
    code: str
    why: str


@dataclass(frozen=True, slots=True)
class BlockedTable:
    """
    Attributes:
        first: the rows that stand in the page itself.
        data: all rows, for the script: JSON without a `<`.
        causes, containers: what can be chosen, with counts, the most frequent first.
        missing: blocked users without a row.
    """

    count: int
    first: tuple[BlockedRow, ...]
    data: str
    causes: tuple[tuple[str, int], ...]
    containers: tuple[tuple[str, int], ...]
    several_domains: bool
    missing: int


def domains(report: Report) -> tuple[DomainView, ...]:
    shades = _shades(report.users)
    return tuple(_domain(users, report.run.started, shades) for users in report.users)


def _shades(summaries: Iterable[UserSummary]) -> dict[str, str]:
    """A class for each cause, the most frequent first: the same one in every bar."""
    total: Counter[str] = Counter()
    for users in summaries:
        for row in users.by_container:
            total.update(_causes(row))
    ranked = sorted(total, key=lambda code: (-total[code], code))
    return {code: f"cause-{min(number, SHADES)}" for number, code in enumerate(ranked)}


def _causes(row: Mapping[str, object]) -> dict[str, int]:
    causes = row.get("causes")
    if not isinstance(causes, Mapping):
        return {}
    return {str(code): count for code, count in causes.items() if type(count) is int and count > 0}


def _domain(users: UserSummary, started: datetime, shades: Mapping[str, str]) -> DomainView:
    rows = sorted(users.by_container, key=_trouble)
    all_causes: Counter[str] = Counter()
    for row in rows:
        all_causes.update(_causes(row))
    views = [_container(row, shades) for row in rows[:MOST_CONTAINERS]]
    rest = rows[MOST_CONTAINERS:]
    left_out = sum(_total(gist.counts(row)) for row in rest)
    segments = _segments(users.outcomes, all_causes, shades)
    return DomainView(
        domain=printable(users.domain),
        seen=users.seen,
        complete=users.complete,
        age=f"read {_age(started - users.as_of)} ({gist.when(users.as_of)}), in an earlier run" if users.as_of else "",
        apart=tuple(f"{users.outcomes[key]:,} {said}" for key, said in _APART.items() if users.outcomes.get(key)),
        says=_says(segments),
        segments=segments,
        containers=tuple(views[:SHOWN_CONTAINERS]),
        further=tuple(views[SHOWN_CONTAINERS:]),
        rest=f"{len(rest):,} more containers with {left_out:,} users, none with more blocked ones" if rest else "",
    )


def _trouble(row: Mapping[str, object]) -> tuple[int, int, int, str]:
    counts = gist.counts(row)
    return -counts.get("blocked", 0), -counts.get("unknown", 0), -_total(counts), gist.container(row).lower()


def _total(counts: Mapping[str, int]) -> int:
    return sum(counts.get(name, 0) for name in _OUTCOMES)


def _container(row: Mapping[str, object], shades: Mapping[str, str]) -> ContainerView:
    counts, dn = gist.counts(row), gist.container(row)
    segments = _segments(counts, _causes(row), shades)
    bad = [f"{counts[name]:,} {name}" for name in ("blocked", "unknown") if counts.get(name)]
    return ContainerView(
        name=printable(short_name(dn)),
        dn=printable(dn),
        total=_total(counts),
        trouble=", ".join(bad),
        says=_says(segments),
        segments=segments,
        examples=tuple(_examples(row.get("examples"))),
    )


def _examples(given: object) -> Iterable[Example]:
    for example in given if isinstance(given, (list, tuple)) else ():
        if isinstance(example, Mapping):
            says = gist.joined(str(example.get("outcome", "")), str(example.get("code", "")))
            yield Example(printable(str(example.get("dn", ""))[:MOST_LETTERS]), printable(says))


def _segments(counts: Mapping[str, int], causes: Mapping[str, int], shades: Mapping[str, str]) -> tuple[Segment, ...]:
    """A bar over all who have an outcome; the blocked ones by cause, as far as causes are known."""
    pieces: list[tuple[str, str, int]] = []
    for name, label in _OUTCOMES.items():
        count = counts.get(name, 0)
        if name == "blocked":
            known = sorted(causes.items(), key=lambda item: (-item[1], item[0]))
            pieces += [(shades[code], f"blocked: {printable(code)}", number) for code, number in known]
            count -= sum(causes.values())
        pieces.append((f"outcome-{name}", label, count))
    pieces = [piece for piece in pieces if piece[2] > 0]
    total, start, segments = sum(count for *_, count in pieces), 0.0, []
    for style, label, count in pieces:
        width = WIDTH * count / total
        segments.append(Segment(style, label, count, _share(count, total), round(start, 2), round(width, 2)))
        start += width
    return tuple(segments)


def _share(count: int, total: int) -> str:
    """Never rounded to none or all."""
    percent = 100 * count / total
    if percent < 1:
        return "< 1 %"
    return "> 99 %" if 99 < percent < 100 else f"{percent:.0f} %"


def _says(segments: Iterable[Segment]) -> str:
    return ", ".join(f"{segment.count:,} {segment.label}" for segment in segments) or "nobody"


def _age(age: timedelta) -> str:
    minutes = max(int(age.total_seconds() // 60), 0)
    for unit, length in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes >= 2 * length:
            return f"{minutes // length} {unit}s earlier"
    return "a minute earlier" if minutes else "just before"


# -- the table ----------------------------------------------------------------------------------------------------


def blocked_table(report: Report) -> BlockedTable | None:
    """Those who are blocked; None where nobody is."""
    given = [(users.domain, row) for users in report.users for row in users.blocked]
    rows = [_row(domain, row) for domain, row in given[:MOST_BLOCKED_ROWS]]
    total = max(sum(users.outcomes.get("blocked", 0) for users in report.users), len(given))
    if not total:
        return None
    return BlockedTable(
        count=len(rows),
        first=tuple(rows[:FIRST_ROWS]),
        data=_data(rows),
        causes=_frequent(row.code for row in rows),
        containers=_frequent(row.container for row in rows)[:MOST_CONTAINERS],
        several_domains=len({row.domain for row in rows}) > 1,
        missing=total - len(rows),
    )


def _row(domain: str, row: Mapping[str, object]) -> BlockedRow:
    def text(key: str) -> str:
        value = row.get(key)
        return printable(str(value)[:MOST_LETTERS]) if value is not None else ""

    dn = str(row.get("dn") or "")
    try:
        name, container = rdn_value(dn), parent(dn)
    except MalformedName:
        name, container = dn, ""
    refused = (right for key, right in _RIGHTS.items() if row.get(key) == "denied")
    return BlockedRow(
        name=printable(name[:MOST_LETTERS]) or "?",
        account=text("sam_account_name"),
        upn=text("user_principal_name"),
        domain=text("domain") or printable(domain[:MOST_LETTERS]),
        container=printable(short_name(container)[:MOST_LETTERS]),
        rights=", ".join(refused),
        code=text("code"),
        why=printable(without_entries(str(row.get("reason") or ""))[:MOST_LETTERS]),
    )


def _frequent(texts: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(text for text in texts if text).items(), key=lambda item: (-item[1], item[0])))


def _data(rows: Sequence[BlockedRow]) -> str:
    """Texts that many rows share stand in it once, by number: ten thousand rows are a few megabytes, not tens."""
    numbers: dict[str, int] = {}

    def shared(text: str) -> int:
        return numbers.setdefault(text, len(numbers))

    packed = [
        [
            row.name,
            row.account,
            row.upn,
            *(shared(text) for text in (row.domain, row.container, row.rights, row.code, row.why)),
        ]
        for row in rows
    ]
    document = {"texts": list(numbers), "rows": packed}
    # Within a <script> only "<" can end it or begin a comment (HTML 4.12.1.3).
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
