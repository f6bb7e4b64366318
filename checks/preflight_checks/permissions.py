"""What the connector account may do, judged on every user as the domain controller itself would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from preflight.api import Finding, Later, Severity, check, fail, passed, unknown, warn
from preflight.directory.access import decide
from preflight.directory.blocked import Blocked, CauseGroup
from preflight.directory.causes import CAUSE_CODES
from preflight.directory.distinguished_name import ancestors, is_under
from preflight.directory.judgement import Outcome
from preflight.directory.model import AUTHENTICATED_USERS, EVERYONE, PRE_WINDOWS_2000, Domain, Entry, Token
from preflight.directory.port import Directory
from preflight.directory.rights import DECISION_CODES, Answer, Right
from preflight.directory.scope import Standing
from preflight.directory.security_descriptor import Ace
from preflight.directory.survey import Survey

_CODES = {
    **CAUSE_CODES,
    "orphaned-admin-count": "the account was protected once, and inheritance is still off on it",
    "standing-unreadable": "whether users are enabled may not be read",
    "protection-unreadable": "whether users are protected accounts could not be told",
    "nobody-in-scope": "no user counts",
    **{code: text for code, text in DECISION_CODES.items() if code not in ("ace-allows", "owner")},
}
_REQUIRES = ("directory.bind", "account.connector-usable")

_GRANTS = {
    Right.RESET_PASSWORD: ("Reset Password", "CA;Reset Password"),
    Right.WRITE_LOCKOUT_TIME: ("write lockoutTime", "WP;lockoutTime"),
    Right.WRITE_PWD_LAST_SET: ("write pwdLastSet", "WP;pwdLastSet"),
}


@check(
    id="permissions.reset-password",
    title="The connector account may reset every user's password",
    severity=Severity.BLOCKER,
    each="domain",
    requires=_REQUIRES,
    folds=(Blocked,),
    codes={**_CODES, "orphan-allowed": "the account was protected once; its rights are there"},
    event_codes=("33004", "31003", "6329", "0x80230626", "SSPR_0029"),
)
def reset_password(survey: Survey) -> Iterator[Finding]:
    """Decides for every user in scope whether the connector account holds Reset Password on that very user object.

    The right must stand on the user's own security descriptor: a grant at the root arrives by inheritance within the
    hour, and never where inheritance is off. The decision is the domain controller's own: every entry in stored order,
    with the account's groups, denies included. Who lacks the right is shown by cause and container. Protected accounts
    (AdminSDHolder) are not supported by writeback and counted apart; so is what Entra Connect never synchronises.

    To mend: the command with each finding. Never grant anything on AdminSDHolder.
    """
    yield from _judge(survey, Right.RESET_PASSWORD)


@check(
    id="permissions.write-lockout-time",
    title="The connector account may unlock every user",
    severity=Severity.BLOCKER,
    each="domain",
    requires=_REQUIRES,
    folds=(Blocked,),
    codes=_CODES,
    event_codes=("33004", "33006"),
)
def write_lockout_time(survey: Survey) -> Iterator[Finding]:
    """Decides for every user in scope whether the connector account may write lockoutTime, which unlocks the account.

    A reset by writeback also unlocks the user, who has often tried the forgotten password until the account locked.
    Without this right a locked user stays locked, new password or not (33006). As Reset Password, it must stand on
    each user's own security descriptor.

    To mend: the command with each finding. Never grant anything on AdminSDHolder.
    """
    yield from _judge(survey, Right.WRITE_LOCKOUT_TIME)


@check(
    id="permissions.write-pwd-last-set",
    title="The connector account may set every user's pwdLastSet",
    severity=Severity.BLOCKER,
    each="domain",
    requires=_REQUIRES,
    folds=(Blocked,),
    codes=_CODES,
    event_codes=("33004",),
)
def write_pwd_last_set(survey: Survey) -> Iterator[Finding]:
    """Decides for every user in scope whether the connector account may write pwdLastSet.

    Microsoft's instructions for writeback ask for it beside Reset Password, on every user whose password is to be
    reset. It comes by an entry for the attribute itself, or for its property set (User-Account-Restrictions). As Reset
    Password, it must stand on each user's own security descriptor.

    To mend: the command with each finding. Never grant anything on AdminSDHolder.
    """
    yield from _judge(survey, Right.WRITE_PWD_LAST_SET)


@check(
    id="permissions.change-password",
    title="Users may change their own password, and the connector account for them",
    severity=Severity.ADVISORY,
    each="domain",
    requires=_REQUIRES,
    folds=(Blocked,),
    codes={
        **_CODES,
        "user-cannot-change": "users may not change their own password",
        "connector-refused": "users may change their password, and the connector account may not do it for them",
    },
    event_codes=("33004", "31008", "0x80230626"),
)
def change_password(survey: Survey) -> Iterator[Finding]:
    """Decides for every user in scope who may use Change Password: the user himself, and the connector account.

    It matters for a *change* of a known password in the cloud, never for a reset. "User cannot change password" is two
    entries that deny it to Everyone and to SELF: a change then fails with 33004 and 0x80230626, which wrongly accuses
    the connector. Connect changes passwords in the connector account's name: a site that removed Everyone's grant and
    kept SELF's breaks changes in the cloud, although users can change their passwords at their desks.

    To mend: as the finding says; nothing, where users are not meant to change their passwords.
    """
    blocked = survey[Blocked]
    own, connectors = blocked.tallies[Right.CHANGE_PASSWORD], blocked.tallies[Right.CONNECTOR_CHANGE_PASSWORD]
    for group in blocked.causes(Right.CHANGE_PASSWORD):
        yield warn(
            "user-cannot-change",
            f"{_users(group.count)} may not change their own password in {_places(group)}",
            subject=_subject(group),
            expected="Change Password (through Everyone and SELF)",
            observed=_observed(group),
            remedy='Clear "User cannot change password" on the account, if that is not meant.',
            evidence=_evidence(group),
        )
    for group in blocked.causes(Right.CONNECTOR_CHANGE_PASSWORD):
        yield warn(
            "connector-refused",
            f"changes in the cloud fail for {_users(group.count)} in {_places(group)}: "
            "the connector account may not use Change Password",
            subject=_subject(group),
            expected="Change Password for the connector account, normally through Everyone",
            observed=_observed(group),
            remedy=_grant(_common(group), blocked.judge.token, "CA;Change Password", group.classes),
            evidence=_evidence(group),
        )
    for right in (Right.CHANGE_PASSWORD, Right.CONNECTOR_CHANGE_PASSWORD):
        yield from _unknowns(blocked.causes(right, Answer.UNKNOWN))
    survey.ensure_complete()
    if blocked.clear(Right.CHANGE_PASSWORD) and blocked.clear(Right.CONNECTOR_CHANGE_PASSWORD):
        yield passed(f"all {_users(own.allowed)} in scope", subject=survey.domain)
    elif not (own.denied or own.unknown or connectors.denied or connectors.unknown):
        yield _nobody(survey, blocked)


def _judge(survey: Survey, right: Right) -> Iterator[Finding]:
    blocked = survey[Blocked]
    for group in blocked.causes(right):
        yield _denied(group, blocked.judge.token)
    yield from _unknowns(blocked.causes(right, Answer.UNKNOWN))
    if right is Right.RESET_PASSWORD and blocked.orphans:
        yield _orphans(blocked)
    survey.ensure_complete()
    if blocked.clear(right):
        yield passed(_all_of(blocked, right), subject=survey.domain, evidence=_counts(survey, blocked))
    elif not (blocked.tallies[right].denied or blocked.tallies[right].unknown):
        yield _nobody(survey, blocked)


def _denied(group: CauseGroup, token: Token) -> Finding:
    return fail(
        group.cause.code,
        f"{_users(group.count)} in {_places(group)}: {_GRANTS[group.right][0]} is refused, as {_because(group)}",
        subject=_subject(group),
        expected=f"{_GRANTS[group.right][0]} for the connector account on each user",
        observed=_observed(group),
        remedy=_remedy(group, token),
        evidence=_evidence(group),
    )


def _unknowns(groups: Sequence[CauseGroup]) -> Iterator[Finding]:
    for group in groups:
        yield unknown(
            group.cause.code,
            f"{_users(group.count)} in {_places(group)} could not be judged: {group.cause.detail}",
            subject=_subject(group),
            expected="a decision for each user",
            observed=_observed(group),
            remedy=_READING.get(group.cause.code, "Try a reset for one of these users."),
            evidence=_evidence(group),
        )


_READING = {
    "unreadable": "Let the reader read the users' permissions (Read Permissions), or read with the SD-flags control "
    "where it is an export.",
    "standing-unreadable": "Let the reader read userAccountControl: where Pre-Windows 2000 Compatible Access was "
    'emptied, grant it (dsacls "<domain>" /I:S /G "<reader>:RP;;user").',
    "protection-unreadable": "Let the reader read the members of the administrative groups.",
    "incomplete-token": "Let the reader read tokenGroups of the connector account, or run as the connector account.",
}


def _orphans(blocked: Blocked) -> Finding:
    return warn(
        "orphan-allowed",
        f"protected once, and adminCount is still 1: {_users(blocked.orphans)}; the rights are there",
        subject=blocked.judge.domain.name,
        expected="adminCount not set on accounts that are not protected",
        observed=f"adminCount = 1 on {', '.join(blocked.orphan_examples)}",
        remedy="Clear adminCount. A reset by an administrator is refused for these users (0x80231367).",
    )


def _nobody(survey: Survey, blocked: Blocked) -> Finding:
    return unknown(
        "nobody-in-scope",
        f"none of the {survey.seen} users seen counts: {_outcomes(blocked)}",
        subject=survey.domain,
        expected="at least one enabled user in scope",
        observed=_outcomes(blocked) or "nobody",
        remedy="Check `search_bases` and `exclude`, and what the reader may see.",
    )


def _all_of(blocked: Blocked, right: Right) -> str:
    apart = [
        (blocked.outcomes[Outcome.UNSUPPORTED.value], "protected"),
        (blocked.outcomes[Standing.DISABLED.value], "disabled"),
        (blocked.outcomes[Standing.OUT_OF_SCOPE.value], "never synchronised"),
        (blocked.outcomes[Standing.EXCLUDED.value], "excluded"),
    ]
    beside = ", ".join(f"{count} {what}" for count, what in apart if count)
    return f"{_GRANTS[right][0]}: all {_users(blocked.tallies[right].allowed)} in scope" + (
        f" (apart: {beside})" if beside else ""
    )


def _counts(survey: Survey, blocked: Blocked) -> dict[str, object]:
    return {"seen": survey.seen, "outcomes": dict(blocked.outcomes), "token": blocked.judge.token.source}


def _outcomes(blocked: Blocked) -> str:
    return ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in blocked.outcomes.most_common())


def _users(count: int) -> str:
    return "1 user" if count == 1 else f"{count} users"


def _places(group: CauseGroup) -> str:
    top, _ = group.containers.most_common(1)[0]
    others = len(group.containers) - 1
    return f"{top} and {others} other container{'s' if others > 1 else ''}" if others else top


def _top(group: CauseGroup) -> str:
    return group.containers.most_common(1)[0][0]


def _subject(group: CauseGroup) -> str:
    """Where to mend it: the container of the cause, one user whose own entry it is, or what holds them all."""
    if group.cause.container:
        return group.cause.container
    return group.examples[0] if group.cause.origin == "" or _is_users_own(group) else _common(group)


def _is_users_own(group: CauseGroup) -> bool:
    """Whether the cause lies on the users themselves: inheritance is off there."""
    return group.cause.code in ("inheritance-off", "orphaned-admin-count")


def _common(group: CauseGroup) -> str:
    """The nearest container that holds all users of the group."""
    first, *others = group.containers
    return next(place for place in (first, *ancestors(first), "") if all(is_under(each, place) for each in others))


def _grant(place: str, token: Token, right: str, classes: Iterable[str]) -> str:
    """The command that grants it below the place, for the classes concerned."""
    grants = " ".join(f'"{_account(token)}:{right};{each or "user"}"' for each in sorted(classes, reverse=True))
    return f'dsacls "{place}" /I:S /G {grants}'


_EVERYBODY = {EVERYONE: "Everyone", AUTHENTICATED_USERS: "Authenticated Users"}


def _remove(ace: Ace | None, place: str, token: Token) -> str:
    """How to be rid of an entry that denies; no grant beats one that stands before it."""
    sid = ace.sid if ace is not None else ""
    if sid in _EVERYBODY:
        whom, otherwise = f" to {_EVERYBODY[sid]}", ""
    elif sid and sid == token.account_sid:
        whom, otherwise = f" to {_account(token)}", ""
    else:
        whom, otherwise = f" to {sid}" if sid else "", ", or take the connector account out of the group that it names"
    return f'Remove the entry that denies it{whom} from {place}{otherwise}. To see it: dsacls "{place}"'


def _account(token: Token) -> str:
    return token.account_name or "<connector account>"


def _because(group: CauseGroup) -> str:
    """The cause in a clause; the entry itself is in the evidence."""
    cause, origin = group.cause, group.cause.origin
    place = cause.container or "the user itself"
    if cause.code == "ace-denied":
        return f"an entry on {origin or 'the user itself'} denies it" if origin is not None else "an entry denies it"
    clauses = {
        "inheritance-off": f"inheritance is switched off on {place}",
        "orphaned-admin-count": "inheritance is still off from when it was a protected account (adminCount is 1)",
        "class-not-covered": f"the grant on {place} is not for their class ({', '.join(group.classes)})",
        "not-yet-inherited": f"the grant on {place} has not been handed down yet",
        "no-propagate": f"the grant on {place} is handed down by one level only",
        "not-inheritable": f"the grant on {place} counts for {place} only",
        "ace-missing": "no entry grants it, on the user or above",
    }
    return clauses.get(cause.code) or _CODES.get(cause.code, cause.code)


def _observed(group: CauseGroup) -> str:
    """The cause in a sentence; the entry, which is long, is in the evidence."""
    cause = group.cause
    detail = cause.detail or _CODES.get(cause.code, cause.code)
    return (detail if cause.ace is None else detail.replace(cause.ace.sddl, "The entry")).removesuffix(".")


def _evidence(group: CauseGroup) -> dict[str, object]:
    return {
        "users": group.count,
        "containers": dict(group.containers.most_common(50)),
        "examples": list(group.examples),
        "ace": group.cause.ace.sddl if group.cause.ace is not None else "",
    }


def _remedy(group: CauseGroup, token: Token) -> str:
    right = _GRANTS[group.right][1]
    place = _subject(group)
    each = " for each of these users" if group.count > 1 and not group.cause.container else ""
    remedies: dict[str, Callable[[], str]] = {
        "ace-denied": lambda: _remove(group.cause.ace, place, token),
        "inheritance-off": lambda: (
            f'Switch inheritance on{each}: dsacls "{place}" /P:N\n'
            f"Where it is off on purpose, grant it there: {_grant_at(place, group, token, right)}"
        ),
        "orphaned-admin-count": lambda: (
            "Make sure that the user is in no protected group any more, clear adminCount, and switch inheritance on"
            f'{each}: dsacls "{place}" /P:N'
        ),
        "not-yet-inherited": lambda: (
            "Wait up to an hour for it to be handed down; if it is still so, look for replication faults: "
            "repadmin /replsummary"
        ),
        "class-not-covered": lambda: (
            f"Grant it for {' and '.join(group.classes)} too: {_grant(place, token, right, group.classes)}"
        ),
    }
    make = remedies.get(group.cause.code)
    return make() if make else _grant(_common(group), token, right, group.classes)


def _grant_at(place: str, group: CauseGroup, token: Token, right: str) -> str:
    """On the user itself where the place is one, else below it."""
    if _is_users_own(group) and not group.cause.container:
        return f'dsacls "{place}" /G "{_account(token)}:{right}"'
    return _grant(place, token, right, group.classes)


@check(
    id="permissions.unexpire-password",
    title="The connector account may set passwords that are not expired at once",
    severity=Severity.BLOCKER,
    each="domain",
    requires=_REQUIRES,
    codes={code: text for code, text in _CODES.items() if code in DECISION_CODES},
    event_codes=("33004",),
)
def unexpire_password(domain: Domain, connector_token: Token) -> Iterator[Finding]:
    """Decides on the head of the domain whether the connector account holds Unexpire Password.

    By default Authenticated Users hold it. Without it a reset works, but the new password is expired at once: the
    user must change it before he can sign in. The right counts on the domain's head only, never on the user.

    To mend: dsacls on the domain's head, as the finding says.
    """
    decision = decide(
        domain.security_descriptor,
        connector_token,
        Right.UNEXPIRE_PASSWORD,
        object_sid=domain.sid,
        object_class="domainDNS",
    )
    head = domain.distinguished_name
    entry = decision.ace.sddl if decision.ace is not None else ""
    if decision.allowed:
        yield passed(f"granted on {head} by {entry}", subject=head)
    elif decision.denied:
        yield fail(
            decision.code,
            f"Unexpire Password is refused on {head}: {DECISION_CODES[decision.code]}",
            subject=head,
            expected="Unexpire Password, which Authenticated Users hold by default",
            observed=entry or DECISION_CODES[decision.code],
            remedy=_remove(decision.ace, head, connector_token)
            if decision.ace is not None
            else f'dsacls "{head}" /G "{_account(connector_token)}:CA;Unexpire Password"',
        )
    else:
        yield unknown(
            decision.code,
            f"Unexpire Password on {head} could not be judged: {DECISION_CODES[decision.code]}",
            subject=head,
            expected="a decision",
            observed=entry or DECISION_CODES[decision.code],
            remedy=_READING.get(decision.code, "Try a reset, and see whether the password is expired at once."),
        )


_SAM_RIGHTS = (
    (Right.LIST_CONTENTS, "list contents"),
    (Right.READ_PROPERTY, "read all properties"),
    (Right.READ_CONTROL, "read permissions"),
)


@check(
    id="permissions.sam-read",
    title="The connector account may read what the password call reads first",
    severity=Severity.ADVISORY,
    each="domain",
    requires=_REQUIRES,
    codes={
        "sam-server-refused": "the connector account may not read CN=Server,CN=System",
        "sam-server-unreadable": "CN=Server,CN=System could not be read",
        "pre-windows-2000-emptied": "Authenticated Users are not in Pre-Windows 2000 Compatible Access",
        "pre-windows-2000-unreadable": "the members of Pre-Windows 2000 Compatible Access could not be read",
    },
    event_codes=("33004", "6329", "SSPR_0029"),
)
def sam_read(directory: Directory, domain: Domain, connector_token: Later[Token]) -> Iterator[Finding]:
    """Decides whether the connector account may list and read CN=Server,CN=System, and whether Authenticated Users are
    members of Pre-Windows 2000 Compatible Access.

    Before it sets a password, the legacy call looks the user up through the account database. Where that is refused,
    33004 comes with 6329 "Failed to acquire user information ... ERROR_ACCESS_DENIED" although Reset Password is right.
    The group is one means to that end, not a need of its own.

    Not visible over LDAP, and worth a look: RestrictRemoteSam on the controllers and the sync server.

    To mend: as the finding says.
    """
    server = f"CN=Server,CN=System,{domain.distinguished_name}"
    yield _sam_server(
        directory.read(server, {"nTSecurityDescriptor", "objectClass", "objectSid"}), server, connector_token
    )
    yield _pre_windows_2000(directory)


def _sam_server(entry: Entry | None, server: str, connector_token: Later[Token]) -> Finding:
    descriptor = entry.security_descriptor if entry is not None else None
    token = connector_token()
    decisions = [
        (name, decide(descriptor, token, right, object_sid=None, object_class="samServer"))
        for right, name in _SAM_RIGHTS
    ]
    refused = [name for name, decision in decisions if decision.denied]
    unclear = [name for name, decision in decisions if decision.unknown]
    denying = next((decision.ace for _, decision in decisions if decision.denied and decision.ace is not None), None)
    remedy = (
        _remove(denying, server, token) if denying is not None else f'dsacls "{server}" /G "{_account(token)}:LCRPRC"'
    )
    if refused:
        return warn(
            "sam-server-refused",
            f"the connector account may not {', '.join(refused)} on {server}",
            subject=server,
            expected="list contents, read all properties, read permissions",
            observed=f"refused: {', '.join(refused)}",
            remedy=remedy,
        )
    if unclear:
        return unknown(
            "sam-server-unreadable",
            f"whether the connector account may {', '.join(unclear)} on {server} could not be told",
            subject=server,
            expected="the object's descriptor",
            observed=", ".join(
                sorted({DECISION_CODES[decision.code] for _, decision in decisions if decision.unknown})
            ),
            remedy="Let the reader read the permissions of this object.",
        )
    return passed(f"the connector account may list and read {server}", subject=server)


def _pre_windows_2000(directory: Directory) -> Finding:
    name = "Pre-Windows 2000 Compatible Access"
    found = directory.objects_by_sid([PRE_WINDOWS_2000], {"member", "objectSid", "groupType"})
    if found and any(AUTHENTICATED_USERS in member for member in found[0].texts("member")):
        return passed(f"Authenticated Users are in {name}", subject=name)
    if not found or not (found[0].has("member") or found[0].has("groupType")):
        return unknown(
            "pre-windows-2000-unreadable",
            f"the members of {name} could not be read",
            subject=name,
            expected="Authenticated Users among the members",
            observed="the group, or its members, may not be read",
            remedy="Let the reader read the members of the group.",
        )
    return warn(
        "pre-windows-2000-emptied",
        f"Authenticated Users are not in {name}",
        subject=name,
        expected="Authenticated Users (S-1-5-11) among the members, or the connector account's own read rights",
        observed=f"{len(found[0].texts('member'))} other members",
        remedy="If 6329 says ERROR_ACCESS_DENIED, grant the connector account the read rights, or add Authenticated "
        'Users: net localgroup "Pre-Windows 2000 Compatible Access" "Authenticated Users" /add',
    )
