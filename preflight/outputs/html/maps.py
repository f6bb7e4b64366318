"""Maps: domain controllers by checks, endpoints by ports, and in a merged report checks by machines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from preflight.api import Finding, Status
from preflight.outputs.html.checks import anchors
from preflight.outputs.html.marks import MARKS, Mark
from preflight.outputs.text import printable
from preflight.report import Report, Result

MOST_ROWS = 200
MOST_COLUMNS = 30
MOST_LETTERS = 200

_OF_CONTROLLERS = ("dc.reachable", "dc.policy-hints")
"""Checks whose targets are domain controllers."""

_OPENING = ("dc.reachable", "dc.ports")
"""Checks outside the area network that open connections: only what was tried says something of a port."""

_DYNAMIC = 49152
"""The first port of the dynamic range (IANA, RFC 6335): each controller has others, they share a column."""

_ENDPOINT = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+)(?::(?P<port>\d{1,5}))?(?:[\s/].*)?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Cell:
    """
    Attributes:
        says: why, in a sentence.
        anchor: the result that says so.
    """

    mark: Mark
    says: str
    anchor: str


@dataclass(frozen=True, slots=True)
class MapView:
    """
    Attributes:
        corner: what the row heads are.
        rows: each with a head and a cell a column; None: nothing was said.
        left_out: rows that are not shown; those with the worst cells are.
    """

    anchor: str
    title: str
    caption: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class _Said:
    """What one finding says of a place in a map."""

    row: str
    column: str
    status: Status
    says: str
    anchor: str


def maps(report: Report) -> tuple[MapView, ...]:
    """Those that have something in them."""
    names = anchors(report)
    made = [
        _map(
            "map-machines",
            "Machines and checks",
            "What each check says, seen from each machine: the worst over its targets.",
            "check",
            _machines(report, names),
            str,
        ),
        _map(
            "map-controllers",
            "Domain controllers and checks",
            "What each check says of each domain controller.",
            "domain controller",
            _controllers(report, names),
            str,
        ),
        _map(
            "map-endpoints",
            "Endpoints and ports",
            "What was found at each port of each host: the worst of all checks.",
            "host",
            _endpoints(report, names),
            _port_order,
        ),
    ]
    return tuple(each for each in made if each is not None)


def _map(
    anchor: str, title: str, caption: str, corner: str, said: Iterable[_Said], order: Callable[[str], str]
) -> MapView | None:
    worst: dict[str, dict[str, _Said]] = {}
    for each in said:
        row = worst.setdefault(each.row, {})
        if each.column not in row or each.status.rank > row[each.column].status.rank:
            row[each.column] = each
    # A row of which nothing could be asked shows nothing.
    worst = {
        row: cells
        for row, cells in worst.items()
        if any(cell.status is not Status.NOT_APPLICABLE for cell in cells.values())
    }
    if not worst:
        return None
    columns = list(dict.fromkeys(column for row in worst.values() for column in row))
    columns = (sorted(columns, key=order) if order is not str else columns)[:MOST_COLUMNS]
    ranked = sorted(worst, key=lambda row: -max(cell.status.rank for cell in worst[row].values()))
    kept = set(ranked[:MOST_ROWS])
    return MapView(
        anchor=anchor,
        title=title,
        caption=caption,
        corner=corner,
        columns=tuple(map(printable, columns)),
        rows=tuple(
            (printable(row), tuple(_cell(cells.get(column)) for column in columns))
            for row, cells in worst.items()
            if row in kept
        ),
        left_out=len(worst) - len(kept),
    )


def _cell(said: _Said | None) -> Cell | None:
    if said is None:
        return None
    text = printable(said.says)
    return Cell(MARKS[said.status], text if len(text) <= MOST_LETTERS else text[:MOST_LETTERS] + "…", said.anchor)


def _findings(report: Report) -> Iterator[tuple[Result, Finding]]:
    for result in report.results:
        for finding in result.findings:
            yield result, finding


def _says(result: Result, finding: Finding) -> str:
    return f"{result.check}: {finding.summary}{' (waived)' if finding.waiver else ''}"


def _machines(report: Report, names: Mapping[int, str]) -> Iterator[_Said]:
    """What only the reports together tell was seen from no machine."""
    for result in report.results:
        if not result.host:
            continue
        status = max((finding.status for finding in result.findings), key=lambda each: each.rank, default=result.status)
        finding = next((finding for finding in result.findings if finding.status is status), None)
        says = _says(result, finding) if finding else result.check
        yield _Said(result.check, result.host, result.status, says, names[id(result)])


def _controllers(report: Report, names: Mapping[int, str]) -> Iterator[_Said]:
    known = {
        host_and_port(result.target)[0]
        for result in report.results
        if result.check in _OF_CONTROLLERS and result.target.strip()
    }
    for result, finding in _findings(report):
        for place in (finding.subject, result.target):
            host = host_and_port(place)[0]
            if host in known:
                yield _Said(host, result.check, finding.status, _says(result, finding), names[id(result)])
                break


def _endpoints(report: Report, names: Mapping[int, str]) -> Iterator[_Said]:
    for result, finding in _findings(report):
        if not result.check.startswith("network.") and result.check not in _OPENING:
            continue
        host, port = host_and_port(finding.subject or result.target)
        if port:
            yield _Said(host, _port_name(port), finding.status, _says(result, finding), names[id(result)])


def _port_name(port: int) -> str:
    return "dynamic" if port >= _DYNAMIC else str(port)


def _port_order(name: str) -> str:
    return name.zfill(5)


def host_and_port(text: str) -> tuple[str, int]:
    """The host, in small letters, and the port that a target or subject begins with; ("", 0) where none does."""
    match = _ENDPOINT.fullmatch(text.strip())
    if match is None:
        return "", 0
    port = int(match["port"] or {"http": 80, "https": 443}.get(match["scheme"] or "", 0))
    return match["host"].lower(), port if port < 65536 else 0
