"""One user, looked at through the same directory, token and judge as an audit."""

from __future__ import annotations

from collections.abc import Sequence

from preflight.api import Target, Unavailable
from preflight.directory.access.account_database import SAM_ATTRIBUTES, sam_places, sam_reading
from preflight.directory.access.decider import RightsDecider
from preflight.directory.access.security_descriptor import MalformedDescriptor
from preflight.directory.distinguished_name import parent
from preflight.directory.model import WELL_KNOWN_SIDS, Domain, Token, User
from preflight.directory.naming import DISTINGUISHED_NAME, readings
from preflight.directory.port import Directory
from preflight.directory.prospect.circumstances import MOMENTARY_ATTRIBUTES, Circumstances
from preflight.directory.prospect.walk import walk
from preflight.directory.users.anchors import Anchors, anchor_attributes
from preflight.directory.users.judgement import UserJudge
from preflight.directory.users.protection import Protection
from preflight.directory.users.right_line import right_lines
from preflight.directory.users.scope import SCOPE_ATTRIBUTES, Standing, never_synchronised
from preflight.resources import Resources, Setting
from preflight.resources.one_user import momentary, neighbours, policy_of
from preflight.resources.people import JUDGED_RIGHTS, GroupMembers, scope_of
from preflight.user_facts import UserReport, UserSearch


def look_at_user(setting: Setting, who: str) -> UserSearch:
    """The users that the name means, in every configured domain: would a reset work now, would a change?"""
    return look_at_users(setting, [who])[0]


def look_at_users(setting: Setting, names: Sequence[str]) -> list[UserSearch]:
    """The same for several names, over the same connections."""
    resources = Resources(setting)
    try:
        return [_search(resources, who) for who in names]
    finally:
        resources.close()


def _search(resources: Resources, who: str) -> UserSearch:
    found: list[UserReport] = []
    obstacles: list[str] = []
    for target in resources.domains():
        try:
            found += _in_domain(resources, target, who)
        except Unavailable as error:
            obstacles.append(f"{target.name}: {error.reason.rstrip('.')}. {error.remedy}".strip())
    return UserSearch(tuple(found), tuple(obstacles))


def _in_domain(resources: Resources, target: Target, who: str) -> Sequence[UserReport]:
    directory: Directory = resources.get("directory", target)
    anchor = resources.setting.configuration.connector.source_anchor
    anchors = anchor_attributes(anchor)
    names = readings(who, anchors)
    if not directory.find(who, ("objectClass",), anchors=anchors):
        return ()
    domain: Domain = resources.get("domain", target)
    token, doubt = _connector_token(resources, target)
    judge = UserJudge(
        domain,
        RightsDecider(token, JUDGED_RIGHTS, is_member=GroupMembers(directory)),
        resources.get("protection", target),
        resources.get("containers", target),
        anchor,
    )
    named = {each.attribute for each in names} - {DISTINGUISHED_NAME}
    attributes = SCOPE_ATTRIBUTES | MOMENTARY_ATTRIBUTES | Anchors.attributes | judge.attributes | named
    reports = []
    for user in directory.find(who, attributes, anchors=anchors):
        meant = [each for each in names if each.names(user)]
        surely = [each.kind for each in meant if not each.last_resort] or [each.kind for each in meant]
        reports.append(_report(resources, target, judge, user, tuple(dict.fromkeys(surely)), doubt))
    return reports


def _report(
    resources: Resources, target: Target, judge: UserJudge, user: User, found_by: tuple[str, ...], doubt: str
) -> UserReport:
    directory: Directory = resources.get("directory", target)
    protection: Protection = judge.protection
    judgement = judge(user)
    standing, left_out = _standing(resources, target, user)
    state = momentary(resources, target, user)
    here = Circumstances(
        user=user,
        domain=target.name,
        origin=directory.origin,
        found_by=found_by,
        standing=standing,
        left_out=left_out,
        neighbours=neighbours(resources, target, user),
        momentary=state,
        policy=policy_of(resources, target, User(user.distinguished_name, {**user.raw, **state.user.raw})),
        domain_policy=judge.domain.policy,
        protected=judgement.protected,
        protected_through=protection.path(user) or (),
        protection_doubt=protection.doubt,
        lines=right_lines(judge, judgement),
        sam_readings=tuple(
            sam_reading(place, directory.read(place, SAM_ATTRIBUTES), judge.token)
            for place in sam_places(judge.domain.distinguished_name)
        ),
        connector="" if doubt else resources.get("connector", target).account.user.account_name,
        connector_doubt=doubt,
    )
    return UserReport(
        domain=target.name,
        origin=directory.origin,
        connector=here.connector,
        row=judge.row(judgement),
        standing=standing,
        scope_note=_scope_note(standing, left_out),
        lines=here.lines,
        steps=walk(here),
        momentary=state,
        traits=_traits(here, judgement.container),
    )


def _connector_token(resources: Resources, target: Target) -> tuple[Token, str]:
    """The token; where nobody knows who the connector is, one of which nothing is sure, and why."""
    try:
        token: Token = resources.get("connector_token", target)
    except Unavailable as error:
        if error.code != "connector-unknown":
            raise
        return Token(WELL_KNOWN_SIDS, complete=False, source="", obstacle=error.reason), error.reason
    return token, ""


def _standing(resources: Resources, target: Target, user: User) -> tuple[Standing, str]:
    """Whether writeback is for the user, and if not, why."""
    scope = scope_of(resources, target)
    standing = scope.standing(user)
    if standing is Standing.OUT_OF_SCOPE:
        return standing, never_synchronised(user)
    if standing is Standing.EXCLUDED:
        return standing, "excluded by the configuration"
    if not scope.covers(parent(user.distinguished_name)):
        return Standing.EXCLUDED, "outside the search_bases of the configuration"
    return standing, ""


def _scope_note(standing: Standing, left_out: str) -> str:
    return {
        Standing.OUT_OF_SCOPE: f"Entra Connect never synchronises it: {left_out}",
        Standing.EXCLUDED: left_out,
        Standing.DISABLED: "the account is disabled: the service refuses it (33005)",
    }.get(standing, "")


def _traits(here: Circumstances, container: str) -> dict[str, str]:
    """What a person compares first."""
    try:
        descriptor = here.user.security_descriptor
    except MalformedDescriptor:
        descriptor = None
    through = " > ".join(here.protected_through)
    return {
        "domain": here.domain,
        "container": container,
        "class": here.user.object_class or "could not be told",
        "inheritance": "could not be told" if descriptor is None else "off" if descriptor.protected else "on",
        "adminCount": here.user.text("adminCount") or "not set",
        "protected": {True: f"yes, {through or 'by itself'}", False: "no", None: "could not be told"}[here.protected],
        "password policy": here.policy.source or "could not be told",
    }
