"""The per-user audit: the same reading of the directory and the same judge as a run, with a row for every user."""

from __future__ import annotations

from collections.abc import Sequence

from preflight.api import Target, Unavailable
from preflight.audit_report import Audit, DomainAudit
from preflight.directory.blocked import Blocked, CauseGroup
from preflight.directory.judgement import REQUIRED_RIGHTS
from preflight.directory.rights import Answer
from preflight.directory.survey import Survey
from preflight.resources import Resources, Setting


def audit_domain(resources: Resources, target: Target) -> DomainAudit:
    """Read one domain's users to the end, or as far as it can be read."""
    survey: Survey | None = None
    blocked: Blocked | None = None
    obstacle, remedy = "", ""
    try:
        survey = resources.get("survey", target)
        blocked = survey[Blocked]
        survey.ensure_complete()
    except Unavailable as error:
        obstacle, remedy = error.reason, error.remedy
    directory = resources.made("directory", target)
    token = resources.made("connector_token", target)
    blocked = blocked or (survey.so_far(Blocked) if survey is not None else None)
    return DomainAudit(
        domain=target.name,
        origin=directory.origin if directory is not None else "",
        seen=survey.seen if survey is not None else 0,
        outcomes=dict(blocked.outcomes) if blocked is not None else {},
        by_container={dn: dict(outcomes) for dn, outcomes in blocked.by_container.items()}
        if blocked is not None
        else {},
        blocked=_groups(blocked, Answer.DENIED),
        untold=_groups(blocked, Answer.UNKNOWN),
        obstacle=obstacle,
        remedy=remedy,
        token=f"{token.source}{'' if token.complete else ' (incomplete: ' + token.obstacle + ')'}" if token else "",
    )


def audit(setting: Setting) -> Audit:
    """Every configured domain, one after the other. Rows go to the setting's sink as they are judged.

    An interruption leaves what was seen, and the rest unseen.
    """
    resources = Resources(setting)
    done: list[DomainAudit] = []
    try:
        for target in resources.domains():
            done.append(audit_domain(resources, target))
    except KeyboardInterrupt:
        return Audit(tuple(done), interrupted=True)
    finally:
        resources.close()
    return Audit(tuple(done))


def _groups(blocked: Blocked | None, answer: Answer) -> tuple[CauseGroup, ...]:
    if blocked is None:
        return ()
    found: Sequence[CauseGroup] = [group for right in REQUIRED_RIGHTS for group in blocked.causes(right, answer)]
    return tuple(sorted(found, key=lambda group: -group.count))
