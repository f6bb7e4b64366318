"""The connector account of Entra Connect."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import Finding, Severity, check, fail, passed, unknown, warn
from preflight.directory.users.account_state import AccountState, state_of
from preflight.directory.users.connector import Candidate, ConnectorSearch


@check(
    id="account.connector-usable",
    title="The connector account is found and usable",
    severity=Severity.BLOCKER,
    each="domain",
    requires=("directory.bind",),
    codes={
        "not-found": "there is no such account",
        "not-discovered": "no account looks like Entra Connect's",
        "several-candidates": "several accounts look like Entra Connect's",
        "state-unreadable": "the account's state may not be read",
        "disabled": "the account is disabled",
        "locked": "the account is locked out",
        "expired": "the account has expired",
        "password-expired": "the account's password has expired",
        "smartcard-required": "the account may only sign in with a smart card",
        "sign-in-restricted": "the account may sign in at some hours or on some computers only",
        "protected": "the account is a member of a protected group",
        "protected-users": "the account is a member of Protected Users",
    },
    event_codes=("33004", "6329", "SSPR_0029"),
)
def connector_usable(connector: ConnectorSearch) -> Iterator[Finding]:
    """Finds the account with which Entra Connect writes to this domain, and judges whether it can sign in.

    The account is the one configured (`[connector] account`), else it is looked for by description, by name (MSOL_...)
    and by the right to replicate the directory; for a child domain in the forest's root domain, where Connect makes it.
    Old accounts stay behind when Connect is reinstalled: several candidates are listed, never guessed.

    A disabled, locked or expired account, an expired password, or one that demands a smart card stops every reset.

    To mend: name the account; enable, unlock or renew it.
    """
    account = connector.account
    if account is None:
        yield _not_found(connector)
        return
    state = state_of(account.user, connector.policy, connector.moment)
    name = account.user.account_name
    if state.enabled is None:
        yield unknown(
            "state-unreadable",
            f"whether {name} is enabled, locked or expired may not be read",
            subject=name,
            expected="userAccountControl of the account",
            observed="not there, so not readable: every account has it",
            remedy="Let the reader read the account's properties "
            f'(dsacls "{account.user.distinguished_name}" /G "<reader>:RP").',
        )
        return
    faults = list(_faults(account, state))
    yield from faults
    if not faults:
        yield passed(
            f"{name} in {account.domain} is enabled, not locked and not expired",
            subject=name,
            evidence=_evidence(account),
        )
    yield from _warnings(account, state, connector)


def _not_found(connector: ConnectorSearch) -> Finding:
    searched = ", ".join(connector.searched) or "no domain"
    obstacles = "; ".join(connector.obstacles)
    if len(connector.candidates) > 1:
        return unknown(
            "several-candidates",
            f"{len(connector.candidates)} accounts may be the connector account: which is it?",
            expected="one account",
            observed="; ".join(str(candidate) for candidate in connector.candidates),
            remedy="Look it up on the sync server (Synchronization Service Manager, Connectors, the connector, "
            'Properties, Connect to Active Directory Forest) and set [connector] account = "...".',
            evidence={"candidates": [candidate.user.distinguished_name for candidate in connector.candidates]},
        )
    if not connector.configured:
        return unknown(
            "not-discovered",
            f"no account in {searched} looks like the connector account of Entra Connect",
            expected="an account MSOL_..., or one whose description names Entra Connect",
            observed=f"none that the reader can see{'; ' + obstacles if obstacles else ''}",
            remedy='Look it up on the sync server and set [connector] account = "...".' + _root_hint(connector),
        )
    looked_everywhere = not connector.obstacles and connector.forest_root in connector.searched
    judge = fail if looked_everywhere else unknown
    verb = "there is no account" if looked_everywhere else "not seen: the account"
    return judge(
        "not-found",
        f"{verb} {connector.configured} in {searched}",
        subject=connector.configured,
        expected=f"the account {connector.configured}",
        observed=f"no user of that name, UPN, DN or SID{'; ' + obstacles if obstacles else ''}",
        remedy="Correct [connector] account: a sAMAccountName, UPN, DN or SID. The sync server's "
        "Synchronization Service Manager shows it. Where this forest has an account of its own, name it as "
        "`connector_account` in the forest's [[domain]]." + _root_hint(connector),
    )


def _root_hint(connector: ConnectorSearch) -> str:
    if connector.forest_root and connector.forest_root not in connector.searched:
        return (
            f" By default it lives in the forest's root domain {connector.forest_root}: add a [[domain]] for that one."
        )
    return ""


def _faults(account: Candidate, state: AccountState) -> Iterator[Finding]:
    name, dn = account.user.account_name, account.user.distinguished_name
    until = (
        f" until {state.locked_until:%Y-%m-%d %H:%M} UTC"
        if state.locked_until
        else " until an administrator unlocks it"
    )
    faults: tuple[tuple[bool | None, str, str, str, str], ...] = (
        (not state.enabled, "disabled", f"{name} is disabled", "enabled", f'Enable-ADAccount -Identity "{dn}"'),
        (
            state.locked,
            "locked",
            f"{name} is locked out{until}",
            "not locked",
            f'Unlock-ADAccount -Identity "{dn}", and find what uses a wrong password: often an old sync server',
        ),
        (
            state.expired,
            "expired",
            f"{name} expired on {state.expires:%Y-%m-%d}" if state.expires else f"{name} expired",
            "no expiry date, or one to come",
            f'Clear-ADAccountExpiration -Identity "{dn}"',
        ),
        (
            state.password_expired,
            "password-expired",
            f"the password of {name} has expired",
            "a password that does not expire",
            f'Set-ADUser -Identity "{dn}" -PasswordNeverExpires $true, or give it a new password there and in the '
            "connector's properties on the sync server",
        ),
        (
            state.smartcard_required,
            "smartcard-required",
            f"{name} may sign in only with a smart card",
            "sign-in with a password",
            f'Set-ADUser -Identity "{dn}" -SmartcardLogonRequired $false',
        ),
    )
    for present, code, summary, expected, remedy in faults:
        if present is None:
            yield unknown(
                "state-unreadable",
                f"whether {name} is {code.replace('-', ' ')} could not be told",
                subject=name,
                expected=expected,
                observed="what decides it may not be read",
                remedy="Let the reader read the account's properties and the domain's password policy.",
            )
        elif present:
            yield fail(
                code,
                summary,
                subject=name,
                expected=expected,
                observed=summary,
                remedy=remedy,
                evidence=_evidence(account),
            )


def _warnings(account: Candidate, state: AccountState, connector: ConnectorSearch) -> Iterator[Finding]:
    name = account.user.account_name
    if state.restricted_hours or state.workstations:
        where = f"on {state.workstations} only" if state.workstations else "at some hours of the week only"
        yield warn(
            "sign-in-restricted",
            f"{name} may sign in {where}",
            subject=name,
            expected="no restriction of hours or computers",
            observed=where,
            remedy="Clear logonHours and userWorkstations of the account, or make sure that they suit the sync server.",
        )
    if connector.protected_by is not None:
        yield warn(
            "protected",
            f"{name} is a protected account ({' > '.join(connector.protected_by) or 'by itself'})",
            subject=name,
            expected="a plain account with the rights that Connect needs and no more",
            observed="member of a protected group",
            remedy="Take it out of the group: Connect needs delegated rights, not an administrator's.",
        )
    if connector.in_protected_users:
        yield warn(
            "protected-users",
            f"{name} is a member of Protected Users",
            subject=name,
            expected="not a member: Protected Users can't sign in with NTLM or delegate",
            observed="member of Protected Users",
            remedy="Take it out of the group Protected Users.",
        )


def _evidence(account: Candidate) -> dict[str, object]:
    return {
        "distinguished_name": account.user.distinguished_name,
        "sid": account.user.sid() or "",
        "sync_server": account.computer,
        "tenant": account.tenant,
    }
