"""The connector account, its token, and the reading of the users."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from preflight.api import Target, Unavailable
from preflight.directory.access.decider import Answer, Right, RightsDecider, decide
from preflight.directory.access.guids import REPLICATING_CHANGES
from preflight.directory.distinguished_name import is_under
from preflight.directory.model import Domain, Token, User
from preflight.directory.port import USER_ACCOUNT, Directory
from preflight.directory.topology import ForestTopology
from preflight.directory.users.anchors import Anchors
from preflight.directory.users.blocked import MOST_ROWS, Blocked
from preflight.directory.users.connector import CONNECTOR_ATTRIBUTES, Candidate, ConnectorSearch, ranked
from preflight.directory.users.early import EarlyReading
from preflight.directory.users.judgement import REQUIRED_RIGHTS, UserJudge
from preflight.directory.users.membership import GROUP_ATTRIBUTES, Membership, members_of
from preflight.directory.users.protection import Protection, read_protection
from preflight.directory.users.scope import Scope
from preflight.directory.users.survey import Fold, Survey, attributes_for
from preflight.resources.directories import settings_of
from preflight.resources.provider import Resources, provides

if TYPE_CHECKING:
    from preflight.directory.mending.repairs import Repairs

JUDGED_RIGHTS = (
    Right.RESET_PASSWORD,
    Right.WRITE_LOCKOUT_TIME,
    Right.WRITE_PWD_LAST_SET,
    Right.CHANGE_PASSWORD,
    Right.CONNECTOR_CHANGE_PASSWORD,
)
PROTECTED_USERS_GROUP = 525
"""RID of Protected Users."""


@provides("domain", deadline=120.0)
def connector(resources: Resources, target: Target) -> ConnectorSearch:
    """Looks in the domain itself, then in the other configured domains of its forest, the root domain first."""
    settings = settings_of(resources, target)
    configured = resources.setting.configuration.connector_account(settings) or ""
    head: Domain = resources.get("domain", target)
    searched: list[str] = []
    obstacles: list[str] = []
    candidates: list[Candidate] = []
    for place in _places(resources, target, head):
        try:
            found: Directory = resources.get("directory", place)
            home: Domain = resources.get("domain", place)
            if head.forest and home.forest != head.forest:
                continue
            candidates = _candidates(found, home, configured)
        except Unavailable as error:
            obstacles.append(f"{place.name} could not be looked at: {error.reason}")
            continue
        searched.append(place.name)
        if not candidates:
            obstacles += _unseen_parts(found, home)
        if candidates:
            return _judged(
                resources, place, ConnectorSearch(configured, ranked(candidates), tuple(searched), head.forest)
            )
    return ConnectorSearch(configured, (), tuple(searched), head.forest, tuple(obstacles))


def _places(resources: Resources, target: Target, head: Domain) -> Sequence[Target]:
    here = target.at("domain")
    others = [domain for domain in resources.domains() if domain != here]
    root_first = sorted(others, key=lambda domain: domain.name != head.forest)
    return [*([here] if here else []), *root_first]


def _candidates(directory: Directory, home: Domain, configured: str) -> list[Candidate]:
    if configured:
        return [Candidate(user, directory.name) for user in directory.find(configured, CONNECTOR_ATTRIBUTES)]
    users = list(directory.connector_candidates(CONNECTOR_ATTRIBUTES)) or _replicators(directory, home)
    if len(users) < 2:
        return [Candidate(user, directory.name) for user in users]
    return [Candidate(user, directory.name, _may_replicate(directory, home, user)) for user in users]


def _unseen_parts(directory: Directory, home: Domain) -> Sequence[str]:
    """Where an account that was not found may stand all the same (MS-ADTS 5.1.3.3.5: List Contents)."""
    if not directory.live:
        return [f"the export of {directory.name} may hold only a part of it"]
    token = directory.reader_token()
    if token is None:
        return []
    system = f"CN=System,{home.distinguished_name}"
    closed = [
        container.distinguished_name
        for container in directory.containers().values()
        if not is_under(container.distinguished_name, system)
        and decide(
            container.security_descriptor,
            token,
            Right.LIST_CONTENTS,
            object_sid=None,
            object_class=container.object_class,
        ).answer
        is not Answer.ALLOWED
    ]
    more = f" and {len(closed) - 3} more" if len(closed) > 3 else ""
    return [f"the reader may not, or not surely, look into {', '.join(closed[:3])}{more}"] if closed else []


def _replicators(directory: Directory, home: Domain) -> list[User]:
    """Users to whom the domain's head grants replication by name: Connect's, where it was given a name of its own."""
    descriptor = home.security_descriptor
    granted = {
        ace.sid
        for ace in (descriptor.dacl if descriptor and descriptor.dacl else ())
        if ace.allow and ace.object_type == REPLICATING_CHANGES and home.sid and ace.sid.startswith(home.sid + "-")
    }
    entries = directory.objects_by_sid(granted, CONNECTOR_ATTRIBUTES | {"sAMAccountType"}) if granted else ()
    return [User(e.distinguished_name, e.raw) for e in entries if e.integer("sAMAccountType") == USER_ACCOUNT]


def _may_replicate(directory: Directory, home: Domain, user: User) -> bool | None:
    token = directory.token(directory.principal(user))
    decision = decide(
        home.security_descriptor, token, Right.REPLICATING_CHANGES, object_sid=home.sid, object_class="domainDNS"
    )
    return {Answer.ALLOWED: True, Answer.DENIED: False, Answer.UNKNOWN: None}[decision.answer]


def _judged(resources: Resources, place: Target, search: ConnectorSearch) -> ConnectorSearch:
    """The search with what decides whether the account is usable."""
    account = search.account
    if account is None:
        return search
    home: Domain = resources.get("domain", place)
    guard: Protection = resources.get("protection", place)
    found: Directory = resources.get("directory", place)
    protected_users = (
        found.objects_by_sid([f"{home.sid}-{PROTECTED_USERS_GROUP}"], GROUP_ATTRIBUTES) if home.sid else ()
    )
    return ConnectorSearch(
        configured=search.configured,
        candidates=search.candidates,
        searched=search.searched,
        forest_root=search.forest_root,
        policy=home.policy,
        protected_by=guard.path(account.user),
        in_protected_users=members_of(found, protected_users).path(account.user) is not None,
    )


@provides("domain", deadline=120.0)
def connector_token(resources: Resources, target: Target) -> Token:
    """The connector account's token in this domain; its own sign-in's where it is the reader."""
    search: ConnectorSearch = resources.get("connector", target)
    account = search.account
    if account is None:
        raise _connector_unknown(search)
    here: Directory = resources.get("directory", target)
    place = next(domain for domain in resources.domains() if domain.name == account.domain)
    name = _name_for_commands(resources, place, account)
    own = here.reader_token()
    sid = account.user.sid()
    if own is not None and sid in own.sids:
        return replace(own, account_name=name)
    home: Directory = resources.get("directory", place)
    return replace(here.token(home.principal(account.user)), account_name=name)


def _name_for_commands(resources: Resources, place: Target, account: Candidate) -> str:
    """DOMAIN\\name, as dsacls takes it; where the domain's short name can't be read name@domain, which it takes too."""
    name = account.user.account_name
    try:
        topology: ForestTopology = resources.get("topology", place)
    except Unavailable:
        return f"{name}@{account.domain}"
    short = next((each.netbios_name for each in topology.domains if each.name == account.domain), "")
    return f"{short}\\{name}" if short else f"{name}@{account.domain}"


def _connector_unknown(search: ConnectorSearch) -> Unavailable:
    if search.candidates:
        names = ", ".join(str(candidate) for candidate in search.candidates)
        reason = f"which of these is the connector account is not known, so neither are its rights: {names}"
    elif search.configured:
        reason = f"there is no account {search.configured} in {', '.join(search.searched) or 'any domain'}"
    else:
        reason = f"no account in {', '.join(search.searched) or 'any domain'} looks like Entra Connect's"
    return Unavailable(
        "; ".join((reason, *search.obstacles)),
        code="connector-unknown",
        remedy='Set [connector] account = "..." in the configuration, or --connector NAME.',
    )


@provides("domain", deadline=120.0)
def protection(resources: Resources, target: Target) -> Protection:
    return read_protection(resources.get("directory", target), resources.get("domain", target))


class GroupMembers:
    """Whether a SID is in a user's token, for the few SIDs on which an answer hangs; each is looked up once."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._groups: dict[str, Membership | None] = {}

    def __call__(self, user: User, sid: str) -> bool | None:
        """None: it can't be told."""
        if sid not in self._groups:
            self._groups[sid] = self._read(sid)
        members = self._groups[sid]
        if members is None:
            return None
        if members.everyone or members.path(user) is not None:
            return True
        primary_unread = bool(members.primary_groups) and user.integer("primaryGroupID") is None
        return False if members.complete and not primary_unread else None

    def _read(self, sid: str) -> Membership | None:
        try:
            found = self._directory.objects_by_sid([sid], GROUP_ATTRIBUTES)
            if not found or not found[0].has("objectClass"):
                return None  # of another domain, deleted, or not to be read
            if "group" not in found[0].texts("objectClass"):
                return Membership()  # somebody else: nobody belongs to him
            return members_of(self._directory, found, for_token=True)
        except Unavailable:
            return None


def scope_of(resources: Resources, target: Target) -> Scope:
    settings = settings_of(resources, target)
    return Scope(settings.search_bases, settings.exclude)


@provides("domain", deadline=3600.0)
def early_reading(resources: Resources, target: Target) -> EarlyReading:
    """A page of it has a deadline of its own."""
    found: Directory = resources.get("directory", target)
    anchor = resources.setting.configuration.connector.source_anchor
    # A fold that looks at more than its class says gets a reading of its own.
    looked_at = [getattr(fold, "attributes", ()) for fold in resources.setting.folds]
    wanted = attributes_for([*looked_at, (anchor,) if anchor else ()])
    return EarlyReading(found, wanted, next(iter(scope_of(resources, target).search_bases), None))


@provides("domain", deadline=180.0)
def survey(resources: Resources, target: Target) -> Survey:
    """Made, not read: whoever asks for a fold starts the reading, whose every page has a deadline of its own."""
    early = None
    if settings_of(resources, target).ldif is None:
        # What takes the controller longest is under way while the rest that a judge needs is asked for.
        resources.start("early_reading", target)
        resources.start("containers", target)
        early = partial(resources.get, "early_reading", target)
    folds = {fold: _fold(resources, target, fold) for fold in resources.setting.folds}
    found: Directory = resources.get("directory", target)
    made = Survey(
        found,
        scope_of(resources, target),
        folds,
        domain_dn=resources.get("domain", target).distinguished_name,
        containers=lambda: resources.get("containers", target),
        progress=resources.setting.read or _said(resources),
        early=early,
    )
    if resources.setting.expect is not None:
        _count_beside(found, made, scope_of(resources, target), resources.setting.expect)
    return made


def _said(resources: Resources) -> Callable[[str, int], None]:
    return lambda name, seen: resources.setting.say(f"{name}: {seen:,} users")


def _count_beside(directory: Directory, survey: Survey, scope: Scope, expect: Callable[[str, int], None]) -> None:
    """Count the users on a connection of its own, without their attributes: for whoever watches a bar."""

    def count() -> None:
        with contextlib.suppress(Unavailable):
            pages = (page for base in scope.search_bases or (None,) for page in directory.users(("1.1",), base))
            survey.expected = sum(map(len, pages))
            expect(directory.name, survey.expected)

    threading.Thread(target=count, name=f"count {directory.name}", daemon=True).start()


def _fold(resources: Resources, target: Target, fold: type) -> Fold | Unavailable:
    """The fold, or why it can't be made; another one of the same reading may still be."""
    anchor = resources.setting.configuration.connector.source_anchor
    try:
        if fold is Blocked:
            found: Directory = resources.get("directory", target)
            token: Token = resources.get("connector_token", target)
            judge = UserJudge(
                resources.get("domain", target),
                RightsDecider(token, JUDGED_RIGHTS, is_member=GroupMembers(found)),
                resources.get("protection", target),
                resources.get("containers", target),
                anchor,
            )
            sink = resources.setting.sink
            return Blocked(judge, sink, MOST_ROWS if sink is None else 0)  # with a sink, the rows go there
        if fold is Anchors:
            return Anchors(anchor, across_forests=len(resources.domains()) > 1)
        from preflight.directory.mending.repairs import Repairs

        if fold is Repairs:
            return _repairs(resources, target)
        made: Fold = fold()
        return made
    except Unavailable as error:
        return error


def _repairs(resources: Resources, target: Target) -> Repairs:
    """Judges by what a reset needs alone: a plan has nothing to do with changes of passwords."""
    from preflight.directory.mending.repairs import Account, Repairs

    token: Token = resources.get("connector_token", target)
    search: ConnectorSearch = resources.get("connector", target)
    user = search.account.user if search.account is not None else None
    account = Account(
        token.account_name,
        (user.sid() if user is not None else None) or token.account_sid,
        user.distinguished_name if user is not None else "",
    )
    containers = resources.get("containers", target)
    judge = UserJudge(
        resources.get("domain", target),
        RightsDecider(token, REQUIRED_RIGHTS),
        resources.get("protection", target),
        containers,
    )
    return Repairs(judge, containers, account, scope_of(resources, target))
