"""The state of one account: disabled, locked, expired (domain.md section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from preflight.directory.model import (
    ACCOUNT_DISABLED,
    PASSWORD_NEVER_EXPIRES,
    SMARTCARD_REQUIRED,
    PasswordPolicy,
    User,
    filetime_to_datetime,
)

COMPUTED_LOCKED = 0x10
COMPUTED_PASSWORD_EXPIRED = 0x800000
NEVER = 0x7FFFFFFFFFFFFFFF

STATE_ATTRIBUTES = frozenset(
    {
        "userAccountControl",
        "msDS-User-Account-Control-Computed",
        "accountExpires",
        "lockoutTime",
        "pwdLastSet",
        "logonHours",
        "userWorkstations",
    }
)


@dataclass(frozen=True, slots=True)
class AccountState:
    """None means: could not be read.

    Attributes:
        locked_until: the moment it unlocks by itself; None where it isn't locked or only an administrator unlocks.
        expires: accountExpires; None = never.
        restricted_hours: whether logonHours leaves any hour out.
        workstations: userWorkstations; "" = not restricted.
    """

    enabled: bool | None
    locked: bool | None
    locked_until: datetime | None
    expired: bool | None
    expires: datetime | None
    password_expired: bool | None
    smartcard_required: bool | None
    restricted_hours: bool
    workstations: str


def state_of(user: User, policy: PasswordPolicy | None, now: datetime) -> AccountState:
    """The account's state at a moment, under the password policy that is effective for it."""
    control = user.integer("userAccountControl")
    if control is None:
        return AccountState(None, None, None, None, None, None, None, False, "")
    locked, until = _lock(user, policy, now)
    expires = filetime_to_datetime(_finite(user.integer("accountExpires")))
    hours = user.raw.get("logonHours")
    return AccountState(
        enabled=not control & ACCOUNT_DISABLED,
        locked=locked,
        locked_until=until,
        expired=expires is not None and expires <= now,
        expires=expires,
        password_expired=_password_expired(user, control, policy, now),
        smartcard_required=bool(control & SMARTCARD_REQUIRED),
        restricted_hours=bool(hours) and hours is not None and any(byte != 0xFF for byte in hours[0]),
        workstations=user.text("userWorkstations") or "",
    )


def _finite(value: int | None) -> int:
    return 0 if value is None or value == NEVER else value


def _lock(user: User, policy: PasswordPolicy | None, now: datetime) -> tuple[bool | None, datetime | None]:
    """lockoutTime alone proves nothing: it stays behind when the lock has run out."""
    since = filetime_to_datetime(_finite(user.integer("lockoutTime")))
    duration = policy.lockout_duration if policy else None
    until = since + duration if since and duration is not None and duration != timedelta.max else None
    computed = user.integer("msDS-User-Account-Control-Computed")
    if computed is not None:
        locked = bool(computed & COMPUTED_LOCKED)
        return locked, until if locked else None
    if since is None:
        return False, None
    if duration is None:
        return None, None
    locked = until is None or now < until
    return locked, until if locked else None


def _password_expired(user: User, control: int, policy: PasswordPolicy | None, now: datetime) -> bool | None:
    computed = user.integer("msDS-User-Account-Control-Computed")
    if computed is not None:
        return bool(computed & COMPUTED_PASSWORD_EXPIRED)
    if control & (PASSWORD_NEVER_EXPIRES | SMARTCARD_REQUIRED):
        return False
    last_set = user.integer("pwdLastSet")
    if last_set == 0:
        return True
    if last_set is None or policy is None or policy.maximum_age is None:
        return None
    changed = filetime_to_datetime(last_set)
    if policy.maximum_age == timedelta.max or changed is None:
        return False
    return changed + policy.maximum_age <= now
