"""The page as data: all that the templates show, already in words and printable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preflight.api import Status
from preflight.outputs import gist
from preflight.outputs.html import checks, history, maps, users
from preflight.outputs.html.checks import AreaView, Waived
from preflight.outputs.html.history import HistoryView
from preflight.outputs.html.maps import MapView
from preflight.outputs.html.marks import MARKS, VERDICT_MARKS, Mark
from preflight.outputs.html.users import BlockedTable, DomainView
from preflight.outputs.remedy import Part
from preflight.outputs.text import printable
from preflight.report import Report, Run


@dataclass(frozen=True, slots=True)
class PageView:
    """
    Attributes:
        run: its id.
        seen_from: the machine.
        verdict: its mark; the word is the verdict's.
        reasons: what the verdict rests on.
        next_step, remedy: what to do first.
        summary: marks with how many results count as them, the worst first.
        facts: the circumstances of the run, name and value.
        alerts: what a reader has to know before the results: interrupted, undetermined because, a part only.
        notes: the run's own.
        marks: all, as the maps' key.
        tally: marks of the filter's buttons, with how many results have them.
    """

    tool: str
    run: str
    seen_from: str
    started: str
    verdict: Mark
    reasons: tuple[str, ...]
    next_step: str
    remedy: tuple[Part, ...]
    summary: tuple[tuple[Mark, int], ...]
    facts: tuple[tuple[str, str], ...]
    alerts: tuple[str, ...]
    notes: tuple[str, ...]
    waived: tuple[Waived, ...]
    tally: tuple[tuple[Mark, int], ...]
    results: int
    areas: tuple[AreaView, ...]
    domains: tuple[DomainView, ...]
    blocked: BlockedTable | None
    maps: tuple[MapView, ...]
    marks: tuple[Mark, ...]
    history: HistoryView | None


def view_of(report: Report) -> PageView:
    step, counts = gist.next_step(report), report.summary
    return PageView(
        tool=gist.tool(report),
        run=printable(report.run.id),
        seen_from=printable(report.run.host),
        started=gist.when(report.run.started),
        verdict=VERDICT_MARKS[report.verdict],
        reasons=tuple(gist.verdict_reasons(report)),
        next_step=step.says,
        remedy=checks.remedy(step.remedy),
        summary=tuple((MARKS[status], counts[status.value]) for status in reversed(Status) if counts[status.value]),
        facts=tuple(_facts(report.run, len({result.check for result in report.results}))),
        alerts=tuple(_alerts(report)),
        notes=tuple(map(printable, report.run.notes)),
        waived=checks.waived(report),
        tally=checks.tally(report.results),
        results=len(report.results),
        areas=checks.areas(report),
        domains=users.domains(report),
        blocked=users.blocked_table(report),
        maps=maps.maps(report),
        marks=tuple(MARKS.values()),
        history=history.history(report),
    )


def _facts(run: Run, ran: int) -> Iterator[tuple[str, str]]:
    yield "seen from", gist.vantage(run)
    if run.sync_server_mode:
        yield "sync server", f"{printable(run.sync_server_mode)}, as configured"
    for row in run.sign_in:
        yield "signed in", gist.sign_in(row)
    yield "started", f"{gist.when(run.started)}, took {run.duration_s:.1f} s"
    yield "profile", printable(run.profile)
    for name in ("only", "skip"):
        chosen = run.selection.get(name)
        if isinstance(chosen, (list, tuple)) and chosen:
            yield name, gist.value_text(list(chosen))
    registered = run.selection.get("registered")
    if isinstance(registered, int):
        yield "checks", f"{ran} of {registered}"
    yield "run", printable(run.id)


def _alerts(report: Report) -> Iterator[str]:
    if report.run.interrupted:
        yield "This run was interrupted: the report holds what it had by then."
    for reason in report.run.undetermined_because:
        yield f"Undetermined because {printable(reason)}."
    if report.run.selection.get("only") or report.run.selection.get("skip"):
        yield "A part only was looked at, as it was asked for: the verdict holds for that part."
