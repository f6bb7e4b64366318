"""The per-user audit: the same reading of the directory and the same judge as a run, with a row for every user."""

from __future__ import annotations

from collections.abc import Sequence

from preflight.api import Target, Unavailable
from preflight.audit_report import Audit, DomainAudit
from preflight.directory.access.rights import Answer
from preflight.directory.model import Token
from preflight.directory.port import Directory
from preflight.directory.users.blocked import Blocked, CauseGroup
from preflight.directory.users.judgement import REQUIRED_RIGHTS
from preflight.directory.users.survey import Survey
from preflight.resources import Resources, Setting


def audit(setting: Setting) -> Audit:
    """Every configured domain, one after the other. Rows go to the setting's sink as they are judged.

    An interruption leaves what was seen, and the rest unseen.
    """
    resources = Resources(setting)
    done: list[DomainAudit] = []
    try:
        for target in resources.domains():
            try:
                obstacle, remedy = _read(resources, target)
            except KeyboardInterrupt:
                done.append(_summed_up(resources, target, "interrupted", ""))
                return Audit(tuple(done), interrupted=True)
            done.append(_summed_up(resources, target, obstacle, remedy))
    finally:
        resources.close()
    return Audit(tuple(done))


def _read(resources: Resources, target: Target) -> tuple[str, str]:
    """Read one domain's users to the end, or as far as it can be read: why that isn't all, and the remedy."""
    try:
        survey: Survey = resources.get("survey", target)
        _ = survey[Blocked]
        survey.ensure_complete()
    except Unavailable as error:
        return error.reason, error.remedy
    return "", ""


def _summed_up(resources: Resources, target: Target, obstacle: str, remedy: str) -> DomainAudit:
    """What there is, without asking for more."""
    survey: Survey | None = resources.made("survey", target)
    directory: Directory | None = resources.made("directory", target)
    token: Token | None = resources.made("connector_token", target)
    blocked = survey.so_far(Blocked) if survey is not None else None
    return DomainAudit(
        domain=target.name,
        origin=directory.origin if directory is not None else "",
        seen=survey.seen if survey is not None else 0,
        outcomes=dict(blocked.outcomes) if blocked is not None else {},
        by_container={dn: dict(outcomes) for dn, outcomes in blocked.by_container.items()} if blocked else {},
        blocked=_groups(blocked, Answer.DENIED),
        untold=_groups(blocked, Answer.UNKNOWN),
        obstacle=obstacle,
        remedy=remedy,
        token=f"{token.source}{'' if token.complete else ' (incomplete: ' + token.obstacle + ')'}" if token else "",
    )


def _groups(blocked: Blocked | None, answer: Answer) -> tuple[CauseGroup, ...]:
    if blocked is None:
        return ()
    found: Sequence[CauseGroup] = [group for right in REQUIRED_RIGHTS for group in blocked.causes(right, answer)]
    return tuple(sorted(found, key=lambda group: -group.count))
