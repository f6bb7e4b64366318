"""One run from plan to report."""

from __future__ import annotations

import platform
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from preflight.api import Severity
from preflight.directory.model import Token
from preflight.directory.users.blocked import Blocked
from preflight.directory.users.connector import ConnectorSearch
from preflight.directory.users.survey import Survey
from preflight.engine import Engine, Observer
from preflight.plan import Plan
from preflight.report import Report, Run, UserSummary
from preflight.resources import Resources, Setting
from preflight.version import __version__

TOOL = {"name": "writeback-preflight", "version": __version__, "python": platform.python_version()}


def perform(
    plan: Plan,
    setting: Setting,
    *,
    observers: Sequence[Observer] = (),
    stop: threading.Event | None = None,
    problems: Sequence[str] = (),
) -> Report:
    """Run the plan's checks on what the setting describes.

    Args:
        stop: set it, and the run ends with what it has.
        problems: reasons why not everything that was asked for can be looked at, such as a broken check pack.
    """
    started, begun = datetime.now(UTC), time.monotonic()
    resources = Resources(setting)
    try:
        outcome = Engine(plan, resources, observers).run(stop)
        computer = _sync_server(resources)
        return Report(
            tool=TOOL,
            run=Run(
                id=str(uuid.uuid4()),
                started=started,
                duration_s=time.monotonic() - begun,
                host=setting.host,
                profile=plan.profile,
                selection={
                    "only": list(plan.only),
                    "skip": list(plan.skip),
                    "checks": len(plan.checks),
                    "registered": plan.registered,
                },
                interrupted=outcome.interrupted,
                sign_in=tuple(_sign_ins(resources)),
                vantage=_same_host(setting.host, computer) if computer else None,
                sync_server=computer,
                undetermined_because=(*problems, *_not_looked_at(plan, setting)),
                sync_server_mode=setting.configuration.sync_server.mode,
            ),
            results=outcome.results,
            users=tuple(_users(resources)),
        )
    finally:
        resources.close()


def _not_looked_at(plan: Plan, setting: Setting) -> list[str]:
    if setting.configuration.domains:
        return []
    unseen = [
        planned.check.id
        for planned in plan.checks
        if planned.check.severity is Severity.BLOCKER
        and (planned.check.each in ("domain", "domain-controller") or "directory.bind" in planned.check.requires)
    ]
    return [f"no domain is configured, so nothing was seen by {', '.join(unseen)}"] if unseen else []


def _sign_ins(resources: Resources) -> list[dict[str, object]]:
    """Per domain the controller in use, as whom it is read, and how the connector account's token was made."""
    facts = []
    for target in resources.domains():
        directory = resources.made("directory", target)
        if directory is None:
            continue
        token: Token | None = resources.made("connector_token", target)
        reader = resources.made("reader", target)
        facts.append(
            {
                "domain": target.name,
                "origin": directory.origin,
                "user": reader.user if reader else "",
                "method": reader.method if reader else "",
                "connector_token": token.source if token else "",
                "connector_token_complete": token.complete if token else None,
            }
        )
    return facts


def _sync_server(resources: Resources) -> str:
    """The computer that the connector account's description names."""
    for target in resources.domains():
        search: ConnectorSearch | None = resources.made("connector", target)
        if search is not None and search.account is not None and search.account.computer:
            return search.account.computer
    return ""


def _same_host(one: str, other: str) -> bool:
    return one.partition(".")[0].lower() == other.partition(".")[0].lower()


def _users(resources: Resources) -> list[UserSummary]:
    summaries = []
    for target in resources.domains():
        survey: Survey | None = resources.made("survey", target)
        blocked = survey.so_far(Blocked) if survey is not None else None
        if survey is None or blocked is None or not survey.seen:
            continue
        summaries.append(
            UserSummary(
                domain=target.name,
                seen=survey.seen,
                complete=survey.complete,
                outcomes=dict(blocked.outcomes),
                by_container=tuple(_containers(blocked)),
                blocked=tuple(blocked.rows),
            )
        )
    return summaries


def _containers(blocked: Blocked) -> Iterator[dict[str, object]]:
    for container, outcomes in sorted(blocked.by_container.items()):
        row: dict[str, object] = {"container": container, "outcomes": dict(outcomes)}
        trouble = blocked.troubles.get(container)
        if trouble is not None:
            row |= {"causes": dict(trouble.causes), "examples": list(trouble.examples)}
        yield row
