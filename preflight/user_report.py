"""One user, looked at through the same directory, token and judge as an audit."""

from __future__ import annotations

from collections.abc import Sequence

from preflight.api import Target, Unavailable
from preflight.directory.access.causes import Cause
from preflight.directory.access.decider import RightsDecider, decide
from preflight.directory.access.rights import DECISION_CODES, Answer, Right
from preflight.directory.model import Domain, Token
from preflight.directory.port import Directory
from preflight.directory.users.anchors import anchor_attributes
from preflight.directory.users.judgement import Judgement, UserJudge, decided_by
from preflight.directory.users.scope import SCOPE_ATTRIBUTES, Standing, never_synchronised
from preflight.resources import Resources, Setting
from preflight.resources.people import JUDGED_RIGHTS, GroupMembers, scope_of
from preflight.user_facts import RightLine, UserReport, UserSearch


def look_at_user(setting: Setting, who: str) -> UserSearch:
    """The users that the name means, in every configured domain."""
    resources = Resources(setting)
    found: list[UserReport] = []
    obstacles: list[str] = []
    try:
        for target in resources.domains():
            try:
                found += _in_domain(resources, target, who)
            except Unavailable as error:
                obstacles.append(f"{target.name}: {error.reason.rstrip('.')}. {error.remedy}".strip())
    finally:
        resources.close()
    return UserSearch(tuple(found), tuple(obstacles))


def _in_domain(resources: Resources, target: Target, who: str) -> Sequence[UserReport]:
    directory: Directory = resources.get("directory", target)
    domain: Domain = resources.get("domain", target)
    anchor = resources.setting.configuration.connector.source_anchor
    attributes = SCOPE_ATTRIBUTES | {"nTSecurityDescriptor"}
    anchors = anchor_attributes(anchor)
    if not directory.find(who, ("objectClass",), anchors=anchors):
        return ()
    token: Token = resources.get("connector_token", target)
    judge = UserJudge(
        domain,
        RightsDecider(token, JUDGED_RIGHTS, is_member=GroupMembers(directory)),
        resources.get("protection", target),
        resources.get("containers", target),
        anchor,
    )
    reports = []
    for user in directory.find(who, attributes | judge.attributes, anchors=anchors):
        judgement = judge(user)
        standing = scope_of(resources, target).standing(user)
        reports.append(
            UserReport(
                domain=target.name,
                origin=directory.origin,
                connector=resources.get("connector", target).account.user.account_name,
                row=judge.row(judgement),
                standing=standing,
                scope_note=_scope_note(standing, never_synchronised(user)),
                lines=(*_lines(judge, judgement), _unexpire(domain, token)),
            )
        )
    return reports


def _scope_note(standing: Standing, reason: str) -> str:
    return {
        Standing.OUT_OF_SCOPE: f"Entra Connect never synchronises it: {reason}",
        Standing.EXCLUDED: "excluded by the configuration",
        Standing.DISABLED: "the account is disabled: the service refuses it (33005)",
    }.get(standing, "")


def _lines(judge: UserJudge, judgement: Judgement) -> list[RightLine]:
    lines = []
    for right, decision in judgement.rights.items():
        cause: Cause = judge.right_cause(judgement, right)
        holder = "the user" if right is Right.CHANGE_PASSWORD else "the connector account"
        lines.append(
            RightLine(right, holder, judgement.user.distinguished_name, decision, cause.detail, decided_by(cause))
        )
    return lines


def _unexpire(domain: Domain, token: Token) -> RightLine:
    decision = decide(
        domain.security_descriptor, token, Right.UNEXPIRE_PASSWORD, object_sid=domain.sid, object_class="domainDNS"
    )
    entry = f"{decision.ace.sddl} on {domain.distinguished_name}" if decision.ace is not None else ""
    return RightLine(
        Right.UNEXPIRE_PASSWORD,
        "the connector account",
        domain.distinguished_name,
        decision,
        DECISION_CODES[decision.code],
        entry if decision.answer is not Answer.UNKNOWN else f"hangs on {entry}" if entry else "",
    )
