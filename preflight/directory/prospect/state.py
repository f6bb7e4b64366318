"""Steps about the account's state and its password policy (domain.md section 6)."""

from __future__ import annotations

from datetime import timedelta

from preflight.directory.access.rights import Answer, Right
from preflight.directory.model import NO_CLEAR_CHANGE, filetime_to_datetime
from preflight.directory.prospect.circumstances import Circumstances
from preflight.directory.prospect.identity import INFERRED
from preflight.directory.prospect.moment import clock_time, deadline, span
from preflight.directory.prospect.step import Basis, Effect, Step, fine, unknown, warns
from preflight.directory.users.account_state import AccountState, state_of

_LET_READ = "Let the reader read the user's account attributes (README, The reader)."


def state(here: Circumstances) -> AccountState:
    return state_of(here.momentary.user, here.policy.policy, here.momentary.now)


def enabled(here: Circumstances) -> Step:
    control = state(here).enabled
    if control is None:
        return unknown("enabled", "whether it is enabled can't be told: userAccountControl is hidden", remedy=_LET_READ)
    if control:
        return fine("enabled", "the account is enabled")
    return Step(
        "enabled",
        Effect.BLOCKS,
        Effect.BLOCKS,
        "the account is disabled: the service refuses it (33005)",
        "Active Directory itself would set the password of a disabled account.",
        ("33005",),
        INFERRED,
        Basis.SPECIFICATION,
        f"Enable-ADAccount -Identity {here.identity}",
    )


def locked(here: Circumstances) -> Step:
    found, now = state(here), here.momentary.now
    if found.locked is None:
        return Step("locked", Effect.FINE, Effect.UNKNOWN, "whether it is locked out can't be told", remedy=_LET_READ)
    tries = here.momentary.user.integer("badPwdCount")
    counted = f"badPwdCount {tries}" if tries is not None else ""
    if not found.locked:
        return fine("locked", "not locked out", counted)
    unlocks = any(
        line.right is Right.WRITE_LOCKOUT_TIME and line.decision.answer is Answer.ALLOWED for line in here.lines
    )
    when = deadline(found.locked_until, now) if found.locked_until else _without_end(here)
    return Step(
        "locked",
        Effect.FINE if unlocks else Effect.WARNS,
        Effect.BLOCKS,
        f"locked out {when}: a change is refused, a reset "
        + ("unlocks it" if unlocks else "can't unlock it without the right to write lockoutTime"),
        counted,
        ("33006",),
        INFERRED,
        remedy=f"Reset instead, or: Unlock-ADAccount -Identity {here.identity}",
        until=found.locked_until,
    )


def _without_end(here: Circumstances) -> str:
    policy = here.policy.policy
    if policy is not None and policy.lockout_duration == timedelta.max:
        return "until an administrator unlocks it"
    return "for a time that can't be told"


def expired(here: Circumstances) -> Step:
    found = state(here)
    if found.expired is None:
        return warns("expired", "whether the account has expired can't be told", remedy=_LET_READ)
    if not found.expired:
        return fine("expired", f"expires {clock_time(found.expires)}" if found.expires else "the account never expires")
    when = f" since {clock_time(found.expires)}" if found.expires else ""
    return warns(
        "expired",
        f"the account has expired{when}: its password can be reset, but nobody can sign in with it",
        remedy=f"Clear-ADAccountExpiration -Identity {here.identity}",
    )


def policy(here: Circumstances) -> Step:
    """Says where the policy comes from; what isn't proven counts where it decides, at the minimum age."""
    effective = here.policy
    if effective.policy is None:
        source = f"{effective.source}: " if effective.source else "which password policy is effective can't be told: "
        return warns("policy", f"{source}{effective.obstacle}")
    found = effective.policy
    asked = [
        f"at least {found.minimum_length} characters" if found.minimum_length is not None else "",
        f"the last {found.history_length} not again" if found.history_length is not None else "",
        f"minimum age {span(found.minimum_age)}" if found.minimum_age else "no minimum age",
    ]
    return fine(
        "policy",
        f"{effective.source}: {', '.join(filter(None, asked))}",
        "Password filters and Entra Password Protection can't be seen; a reset obeys the history as a change does, by "
        "policy hints.",
    )


def minimum_age(here: Circumstances) -> Step:
    last_set, now = here.momentary.user.integer("pwdLastSet"), here.momentary.now
    if last_set == 0:
        return fine("minimum-age", "the password must be changed at the next sign-in: it is never too young")
    if last_set is None:
        return unknown("minimum-age", "when the password was set can't be told: pwdLastSet is hidden", remedy=_LET_READ)
    age = here.policy.policy.minimum_age if here.policy.policy else None
    if age is None:
        return unknown(
            "minimum-age",
            f"whether a minimum age is not yet over can't be told: {here.policy.obstacle or 'it may not be read'}",
            remedy="Let the reader list and read the Password Settings Container (README, The reader), and ask a live "
            "domain controller.",
        )
    changed = filetime_to_datetime(last_set)
    # The controller tells its time in whole seconds: a password set within this one lies ahead of it.
    until = changed + age if changed is not None and age else None
    if until is None or until <= now:
        set_at = f"set {clock_time(changed)}" if changed is not None else ""
        return fine("minimum-age", "no minimum age stands in the way", set_at)
    return Step(
        "minimum-age",
        Effect.BLOCKS,
        Effect.BLOCKS,
        f"the minimum password age of {span(age)} is not over {deadline(until, now)}",
        "A change is refused by Active Directory itself, a reset by the policy hints that writeback sends with it.",
        ("33008", "6329 0x80230619"),
        "no code: the page says that the password doesn't meet the policy (inferred)",
        Basis.SPECIFICATION,
        f"Wait, or set the minimum age of {here.policy.source} to 0.",
        until,
        Basis.DIRECTORY,
    )


def smartcard(here: Circumstances) -> Step:
    found = state(here).smartcard_required
    if found is None:
        return warns("smartcard", "whether a smart card is required can't be told", remedy=_LET_READ)
    if not found:
        return fine("smartcard", "no smart card is required")
    return warns(
        "smartcard",
        "a smart card is required: a new password can be set, but not signed in with",
        remedy=f"Set-ADUser -Identity {here.identity} -SmartcardLogonRequired $false",
    )


def clear_change(here: Circumstances) -> Step:
    properties = here.domain_policy.properties if here.domain_policy else None
    if properties is None:
        return warns("clear-change", "whether the domain refuses passwords in clear text can't be told")
    if properties & NO_CLEAR_CHANGE:
        return warns(
            "clear-change",
            "the domain policy refuses every password in clear text (pwdProperties 4)",
            remedy="Clear DOMAIN_PASSWORD_NO_CLEAR_CHANGE in pwdProperties of the domain's head.",
            codes=("33008",),
        )
    return fine("clear-change", "the domain takes passwords in clear text, over a sealed connection")
