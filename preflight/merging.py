"""Reports of several servers as one report: which check is bad where, and what only all of them together tell.

Active and staging sync servers, one per site: each runs by itself and writes its report; here they become one verdict.
Every result says which machine it comes from. Each run knows its server's mode: on a staging server its checks of
events call silence right by themselves. Of one machine the newest report counts; one that is too old says nothing about
now, so its server is unknown.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from preflight.api import Check, Finding, Severity, check, fail, passed, unknown, warn
from preflight.past import rfc3339
from preflight.report import Report, Result, Run, UserSummary, worst

ACTIVE, STAGING = "active", "staging"


class MergeError(ValueError):
    """These reports can't be merged; the text says why."""


@dataclass(frozen=True, slots=True)
class Merge:
    """What is to be merged, sorted out.

    Attributes:
        fresh: the newest report of each machine, by its name.
        stale: those that are too old to say anything about now.
        superseded: how many older reports of the same machines there were, by name.
        newest: when the newest of all began.
    """

    fresh: Mapping[str, Report]
    stale: Mapping[str, Report]
    superseded: Mapping[str, int]
    newest: datetime


@check(
    id="host.one-active-server",
    title="One sync server is active, and one only",
    severity=Severity.BLOCKER,
    each="run",
    codes={
        "two-active-servers": "more than one server is active for the tenant",
        "no-active-server": "every server is in staging mode",
        "mode-not-said": "the configuration of a server doesn't say whether it is active or in staging mode",
    },
    event_codes=("31044",),
    tags=("merge",),
)
def one_active_server(merge: Merge) -> Iterator[Finding]:
    """Looks at which of the merged servers are configured as active, and which as staging ([sync_server] mode).

    A server in staging mode runs no writeback. Two that are both active break each other's connection to the service,
    now and then, on both. Without an active one nobody resets a password.

    To mend: put all but one into staging mode (Entra Connect's wizard: Configure staging mode), and say so in each
    configuration.
    """
    modes = {host: report.run.sync_server_mode for host, report in merge.fresh.items()}
    active = [host for host, mode in modes.items() if mode == ACTIVE]
    unsaid = [host for host, mode in modes.items() if not mode]
    evidence = {"modes": {host: mode or "not said" for host, mode in modes.items()}}
    if len(active) > 1:
        yield fail(
            "two-active-servers",
            f"{', '.join(active)} are all active: each breaks the others' connection to the service",
            expected="one active server, the others in staging mode",
            observed=f"{len(active)} active",
            remedy="Put all but one into staging mode: Entra Connect's wizard, Configure staging mode.",
            evidence=evidence,
            event_codes=("31044",),
        )
    if unsaid:
        yield warn(
            "mode-not-said",
            f"whether {', '.join(unsaid)} {'is' if len(unsaid) == 1 else 'are'} active is not said",
            expected="each server's mode in its configuration",
            observed="no [sync_server] mode",
            remedy='Write it into the configuration of each server: [sync_server] mode = "active", or "staging".',
            evidence=evidence,
        )
    if not active and not unsaid:
        yield unknown(
            "no-active-server",
            "every one of these servers is in staging mode: the active one is not among them, or there is none",
            expected="the report of one active server",
            observed=f"{len(modes)} in staging mode",
            remedy="Merge the active server's report too; if there is none, take one out of staging mode.",
            evidence=evidence,
        )
    if len(active) == 1 and not unsaid:
        others = ", the others are in staging mode" if len(modes) > 1 else ""
        yield passed(f"{active[0]} is active{others}")


@check(
    id="host.report-current",
    title="Every server has reported lately",
    severity=Severity.BLOCKER,
    each="run",
    codes={"stale": "the server's last report is too old to say anything about now"},
    tags=("merge",),
)
def report_current(merge: Merge) -> Iterator[Finding]:
    """Looks at how old each merged report is, against the newest of them.

    A server that no longer reports may be down, or its schedule broken. What it said long ago is not taken for what is.

    To mend: see why no report has come from that server; or leave its report out.
    """
    for host, report in merge.stale.items():
        yield unknown(
            "stale",
            f"{host} last reported at {rfc3339(report.run.started)} ({report.verdict.value.replace('_', ' ')})",
            subject=host,
            expected="a report as new as the others",
            observed=f"{_days(merge.newest - report.run.started)} older than the newest",
            remedy="See why that server no longer reports, or leave its report out (--max-age says what is too old).",
        )
    if not merge.stale:
        yield passed(f"{len(merge.fresh)} servers")


CHECKS: tuple[Check, ...] = (one_active_server, report_current)
"""What only several reports together tell. No part of a run, so they are in no registry."""


def merge_reports(reports: Sequence[Report], *, max_age: timedelta) -> Report:
    """
    Args:
        max_age: a report that is so much older than the newest of all is stale.

    Raises:
        MergeError: there are none, or one is merged already.
    """
    merge = _sorted_out(reports, max_age)
    newest = max(merge.fresh.values(), key=lambda report: report.run.started)
    results = [replace(result, host=host) for host, report in merge.fresh.items() for result in report.results]
    return Report(
        tool=newest.tool,
        run=_run(merge),
        results=(*(_result(each, merge) for each in CHECKS), *results),
        users=tuple(_users(merge)),
    )


def _sorted_out(reports: Sequence[Report], max_age: timedelta) -> Merge:
    if not reports:
        raise MergeError("there is no report to merge.")
    newest_of: dict[str, Report] = {}
    superseded: dict[str, int] = {}
    for report in sorted(reports, key=lambda report: report.run.started, reverse=True):
        if not report.run.host:
            raise MergeError(f"the report {report.run.id} doesn't say which server it is from.")
        if any(result.host for result in report.results):
            raise MergeError(f"the report {report.run.id} is merged already. Give the servers' own reports.")
        host = report.run.host.casefold()
        if host in newest_of:
            superseded[newest_of[host].run.host] = superseded.get(newest_of[host].run.host, 0) + 1
        newest_of.setdefault(host, report)
    by_name = {report.run.host: report for report in sorted(newest_of.values(), key=lambda each: each.run.host)}
    newest = max(report.run.started for report in by_name.values())
    stale = {host: report for host, report in by_name.items() if newest - report.run.started > max_age}
    fresh = {host: report for host, report in by_name.items() if host not in stale}
    return Merge(fresh, stale, superseded, newest)


def _run(merge: Merge) -> Run:
    runs = [report.run for report in merge.fresh.values()]
    active = [run for run in runs if run.sync_server_mode == ACTIVE]
    registered = [count for run in runs if isinstance(count := run.selection.get("registered"), int)]
    return Run(
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, " ".join(sorted(run.id for run in runs)))),
        started=merge.newest,
        duration_s=max(run.duration_s for run in runs),
        host=", ".join(merge.fresh),
        profile=", ".join(dict.fromkeys(run.profile for run in runs)),
        selection={"merged": [run.id for run in runs], "registered": max(registered, default=0) + len(CHECKS)},
        interrupted=False,
        sign_in=_sign_ins(runs),
        vantage=active[0].vantage if len(active) == 1 else None,
        sync_server=active[0].sync_server if len(active) == 1 else "",
        undetermined_because=tuple(_undetermined(merge)),
        notes=tuple(_notes(merge)),
    )


def _sign_ins(runs: Iterable[Run]) -> tuple[Mapping[str, object], ...]:
    """Each once: servers of one site read the same controller."""
    rows: list[Mapping[str, object]] = []
    for run in runs:
        rows += [row for row in run.sign_in if row not in rows]
    return tuple(rows)


def _undetermined(merge: Merge) -> Iterator[str]:
    for host, report in merge.fresh.items():
        yield from (f"{host}: {reason}" for reason in report.run.undetermined_because)
        if report.run.interrupted:
            yield f"{host}: the run was interrupted"
        elif not report.results:
            yield f"{host}: nothing ran"


def _notes(merge: Merge) -> Iterator[str]:
    for host, count in merge.superseded.items():
        yield f"{host}: {count} older report{'s' if count > 1 else ''} of this server left out"
    ran = {host: {result.check for result in report.results} for host, report in merge.fresh.items()}
    everywhere = len(set().union(*ran.values()))
    for host, report in merge.fresh.items():
        if 0 < len(ran[host]) < everywhere:
            yield f"{host}: only {len(ran[host])} of the {everywhere} checks that these servers report were run there"
        yield from (f"{host}: {note}" for note in report.run.notes)


def _result(each: Check, merge: Merge) -> Result:
    findings = tuple(each.function(merge))
    return Result(
        check=each.id,
        target="",
        status=worst(finding.status for finding in findings),
        severity=each.severity,
        title=each.title,
        role="selected",
        duration_s=0.0,
        blocked_by=(),
        findings=findings,
    )


def _users(merge: Merge) -> Iterator[UserSummary]:
    """Of each domain a complete reading before others, then the newest: users are the directory's, whoever reads."""
    readings: dict[str, tuple[bool, datetime, UserSummary]] = {}
    for report in merge.fresh.values():
        for users in report.users:
            read_at = users.as_of or report.run.started
            found = (users.complete, read_at, users)
            if users.domain not in readings or found[:2] > readings[users.domain][:2]:
                readings[users.domain] = found
    for _, read_at, users in readings.values():
        yield replace(users, as_of=None if read_at == merge.newest else read_at)


def _days(length: timedelta) -> str:
    days = length.total_seconds() / 86_400
    return f"{days:.1f} days" if days >= 1 else f"{days * 24:.1f} hours"
