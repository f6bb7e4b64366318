"""What the connector account may do, judged on every user as the domain controller itself would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from preflight.api import Finding, Severity, check, fail, passed, unknown, warn
from preflight.directory.access.decider import decide
from preflight.directory.access.rights import DECISION_CODES, Answer, Right
from preflight.directory.model import Domain, Token
from preflight.directory.users.blocked import Blocked, CauseGroup
from preflight.directory.users.judgement import Outcome
from preflight.directory.users.scope import Standing
from preflight.directory.users.survey import Survey
from preflight_checks.mending import (
    CODES,
    GRANTS,
    READING,
    account,
    because,
    common,
    evidence,
    grant,
    observed,
    places,
    remedy,
    remove,
    subject,
    users,
)

_REQUIRES = ("directory.bind", "account.connector-usable")


@check(
    id="permissions.reset-password",
    title="The connector account may reset every user's password",
    severity=Severity.BLOCKER,
    each="domain",
    requires=_REQUIRES,
    folds=(Blocked,),
    codes={**CODES, "orphan-allowed": "the account was protected once; its rights are there"},
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
    codes=CODES,
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
    codes=CODES,
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
        **CODES,
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
            f"{users(group.count)} may not change their own password in {places(group)}",
            subject=subject(group),
            expected="Change Password (through Everyone and SELF)",
            observed=observed(group),
            remedy='Clear "User cannot change password" on the account, if that is not meant.',
            evidence=evidence(group),
        )
    for group in blocked.causes(Right.CONNECTOR_CHANGE_PASSWORD):
        yield warn(
            "connector-refused",
            f"changes in the cloud fail for {users(group.count)} in {places(group)}: "
            "the connector account may not use Change Password",
            subject=subject(group),
            expected="Change Password for the connector account, normally through Everyone",
            observed=observed(group),
            remedy=grant(common(group), blocked.judge.token, "CA;Change Password", group.classes),
            evidence=evidence(group),
        )
    hidden = list(_unknowns(blocked.causes(Right.CHANGE_PASSWORD, Answer.UNKNOWN)))
    yield from hidden
    for unjudged in _unknowns(blocked.causes(Right.CONNECTOR_CHANGE_PASSWORD, Answer.UNKNOWN)):
        if unjudged not in hidden:  # what hides a user hides both rights
            yield unjudged
    survey.ensure_complete()
    if blocked.clear(Right.CHANGE_PASSWORD) and blocked.clear(Right.CONNECTOR_CHANGE_PASSWORD):
        yield passed(f"all {users(own.allowed)} in scope", subject=survey.domain)
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
        f"{users(group.count)} in {places(group)}: {GRANTS[group.right][0]} is refused, as {because(group)}",
        subject=subject(group),
        expected=f"{GRANTS[group.right][0]} for the connector account on each user",
        observed=observed(group),
        remedy=remedy(group, token),
        evidence=evidence(group),
    )


def _unknowns(groups: Sequence[CauseGroup]) -> Iterator[Finding]:
    for group in groups:
        yield unknown(
            group.cause.code,
            f"{users(group.count)} in {places(group)} could not be judged: {group.cause.detail}",
            subject=subject(group),
            expected="a decision for each user",
            observed=observed(group),
            remedy=READING.get(group.cause.code, "Try a reset for one of these users."),
            evidence=evidence(group),
        )


def _orphans(blocked: Blocked) -> Finding:
    return warn(
        "orphan-allowed",
        f"protected once, and adminCount is still 1: {users(blocked.orphans)}; the rights are there",
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
    return f"{GRANTS[right][0]}: all {users(blocked.tallies[right].allowed)} in scope" + (
        f" (apart: {beside})" if beside else ""
    )


def _counts(survey: Survey, blocked: Blocked) -> dict[str, object]:
    return {"seen": survey.seen, "outcomes": dict(blocked.outcomes), "token": blocked.judge.token.source}


def _outcomes(blocked: Blocked) -> str:
    return ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in blocked.outcomes.most_common())


@check(
    id="permissions.unexpire-password",
    title="The connector account may set passwords that are not expired at once",
    severity=Severity.BLOCKER,
    each="domain",
    requires=_REQUIRES,
    codes={code: text for code, text in CODES.items() if code in DECISION_CODES},
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
            remedy=remove(decision.ace, head, connector_token)
            if decision.ace is not None
            else f'dsacls "{head}" /G "{account(connector_token)}:CA;Unexpire Password"',
        )
    else:
        yield unknown(
            decision.code,
            f"Unexpire Password on {head} could not be judged: {DECISION_CODES[decision.code]}",
            subject=head,
            expected="a decision",
            observed=entry or DECISION_CODES[decision.code],
            remedy=READING.get(decision.code, "Try a reset, and see whether the password is expired at once."),
        )
