"""Runs on a schedule: users are read at a longer interval, and what was said of them is carried along in between.

Reading every user takes a directory minutes; a run every fifteen minutes can't. So checks that count over all users run
when their last reading is older than `audit_every`, and else their results are those of that reading, each with its
time. A carried fail stays a fail, a carried unknown an unknown; nothing is carried beyond `audit_every`, least of all a
pass: when a reading is due and fails, the failure is what is reported.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from preflight.api import Status
from preflight.config import Configuration
from preflight.plan import Plan
from preflight.report import Report, Result, UserSummary
from preflight.version import __version__

RETRY = timedelta(hours=1)
"""After a reading that left something untold, the next is due so soon, if `audit_every` isn't sooner."""

_UNTOLD = (Status.UNKNOWN, Status.SKIPPED)


@dataclass(frozen=True, slots=True)
class Carried:
    """What an earlier reading of the users said."""

    results: tuple[Result, ...]
    users: tuple[UserSummary, ...]


def audit_name(configuration: Configuration, plan: Plan, host: str) -> str:
    """Names what a run of the plan reads of the users: two runs with one name would see the same; "" for none.

    Whatever decides who is looked at, by whom, and by which checks is in it. So a changed configuration, another
    reader or a new version of the program has the users read anew.
    """
    checks = sorted(planned.check.id for planned in plan.checks if planned.check.folds)
    if not checks:
        return ""
    connector = configuration.connector
    domains = [
        (each.name, each.forest, each.user, each.auth, each.search_bases, each.exclude, each.connector_account)
        for each in configuration.domains
    ]
    exports = [each.ldif for each in configuration.domains if each.ldif is not None and each.ldif.exists()]
    sources = [(str(export), export.stat().st_mtime) for export in exports]
    facts = [__version__, host, checks, connector.account, connector.source_anchor, domains, sources]
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:32]


def is_audit(report: Report, plan: Plan) -> bool:
    """Whether the run read the users: every check that counts over them ran, and not all were kept from it."""
    wanted = {planned.check.id for planned in plan.checks if planned.check.folds}
    own = [result for result in report.results if result.check in wanted and result.as_of is None]
    return (
        bool(wanted)
        and wanted == {result.check for result in own}
        and not report.run.interrupted
        and any(result.status is not Status.SKIPPED for result in own)
    )


def carried_from(audit: Report, plan: Plan, *, every: timedelta, now: datetime) -> Carried | None:
    """What an earlier audit still says now; None where the users are to be read again."""
    wanted = {planned.check.id for planned in plan.checks if planned.check.folds}
    as_of = audit.run.started
    results = tuple(
        replace(
            result,
            as_of=as_of,
            findings=tuple(replace(finding, waiver=None) for finding in result.findings),
        )
        for result in audit.results
        if result.check in wanted
    )
    settled = all(result.status not in _UNTOLD for result in results)
    due = as_of + (every if settled else min(every, RETRY))
    if not as_of <= now < due:  # a clock that was ahead makes nothing last longer
        return None
    return Carried(results, tuple(replace(users, as_of=as_of) for users in audit.users))


def without_users(plan: Plan) -> Plan:
    """The plan without what counts over all users."""
    return replace(plan, checks=tuple(planned for planned in plan.checks if not planned.check.folds))


def with_carried(report: Report, carried: Carried, plan: Plan) -> Report:
    """The report of a run without the users, completed in the order of the plan."""
    order = {planned.check.id: place for place, planned in enumerate(plan.checks)}
    results = sorted((*report.results, *carried.results), key=lambda result: order.get(result.check, len(order)))
    run = replace(report.run, selection={**report.run.selection, "checks": len(plan.checks)})
    return replace(report, run=run, results=tuple(results), users=carried.users)
