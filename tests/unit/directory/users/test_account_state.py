"""Disabled, locked, expired: at a moment, under a policy, and never a guess where nothing could be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from crowds import user
from hypothesis import given
from hypothesis import strategies as st

from preflight.directory.model import PasswordPolicy
from preflight.directory.users.account_state import NEVER, state_of

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def filetime(moment: datetime) -> int:
    return int((moment - EPOCH) / timedelta(microseconds=1)) * 10


def ago(**span) -> int:
    return filetime(NOW - timedelta(**span))


def policy(*, lockout=timedelta(minutes=30), maximum_age=timedelta(days=42)) -> PasswordPolicy:
    return PasswordPolicy("domain policy", timedelta(), maximum_age, 7, 24, 5, lockout, timedelta(minutes=30))


def state(domain_policy=None, **attributes):
    return state_of(user(1, **attributes), domain_policy or policy(), NOW)


@pytest.mark.parametrize(
    ("attributes", "locked", "until"),
    [
        ({}, False, None),
        ({"lockoutTime": 0}, False, None),
        ({"lockoutTime": ago(minutes=10)}, True, NOW + timedelta(minutes=20)),
        ({"lockoutTime": ago(minutes=30)}, False, None),
        ({"lockoutTime": ago(hours=5)}, False, None),
        ({"lockoutTime": ago(hours=5), "msDS-User-Account-Control-Computed": 0x10}, True, None),
        ({"lockoutTime": ago(minutes=10), "msDS-User-Account-Control-Computed": 0}, False, None),
    ],
    ids=str,
)
def test_locked(attributes, locked, until):
    found = state(**attributes)
    assert found.locked is locked
    if attributes.get("msDS-User-Account-Control-Computed") is None:
        assert found.locked_until == until


def test_a_lock_that_only_an_administrator_ends_has_no_end():
    found = state(policy(lockout=timedelta.max), lockoutTime=ago(days=900))
    assert (found.locked, found.locked_until) == (True, None)


def test_a_lock_under_an_unreadable_policy_is_unknown():
    assert state_of(user(1, lockoutTime=ago(minutes=1)), None, NOW).locked is None
    assert state_of(user(1, lockoutTime=0), None, NOW).locked is False


@pytest.mark.parametrize(
    ("attributes", "expired"),
    [
        ({}, False),
        ({"accountExpires": 0}, False),
        ({"accountExpires": NEVER}, False),
        ({"accountExpires": ago(seconds=1)}, True),
        ({"accountExpires": filetime(NOW)}, True),
        ({"accountExpires": filetime(NOW + timedelta(seconds=1))}, False),
        ({"accountExpires": NEVER - 1}, False),
    ],
)
def test_expired_account(attributes, expired):
    assert state(**attributes).expired is expired


@pytest.mark.parametrize(
    ("attributes", "expired"),
    [
        ({"pwdLastSet": 0}, True),
        ({"pwdLastSet": ago(days=41)}, False),
        ({"pwdLastSet": ago(days=42)}, True),
        ({"pwdLastSet": 0, "userAccountControl": 0x10200}, False),
        ({"pwdLastSet": 0, "userAccountControl": 0x40200}, False),
        ({"pwdLastSet": ago(days=1), "msDS-User-Account-Control-Computed": 0x800000}, True),
        ({"pwdLastSet": 0, "msDS-User-Account-Control-Computed": 0}, False),
        ({}, None),
    ],
    ids=str,
)
def test_expired_password(attributes, expired):
    assert state(**attributes).password_expired is expired


def test_passwords_that_never_expire_by_policy():
    assert state(policy(maximum_age=timedelta.max), pwdLastSet=ago(days=9000)).password_expired is False
    assert state(policy(maximum_age=None), pwdLastSet=ago(days=9000)).password_expired is None


def test_what_may_not_be_read_is_unknown():
    found = state(userAccountControl=None, lockoutTime=ago(minutes=1))
    assert {found.enabled, found.locked, found.expired, found.password_expired, found.smartcard_required} == {None}


def test_flags_and_restrictions():
    found = state(userAccountControl=0x40202, logonHours=bytes(7) + b"\xff" * 14, userWorkstations="A,B")
    assert (found.enabled, found.smartcard_required) == (False, True)
    assert (found.restricted_hours, found.workstations) == (True, "A,B")
    assert not state(logonHours=b"\xff" * 21).restricted_hours
    assert not state().restricted_hours


@given(
    st.dictionaries(
        st.sampled_from(
            ["userAccountControl", "accountExpires", "lockoutTime", "pwdLastSet", "msDS-User-Account-Control-Computed"]
        ),
        st.one_of(st.integers(-(2**64), 2**64), st.binary(max_size=30)),
    ),
    st.sampled_from([None, policy(), policy(lockout=None, maximum_age=None), policy(lockout=timedelta.max)]),
)
def test_whatever_stands_in_the_attributes_nothing_breaks(attributes, domain_policy):
    found = state_of(user(1, **attributes), domain_policy, NOW)
    assert found.locked_until is None or found.locked
