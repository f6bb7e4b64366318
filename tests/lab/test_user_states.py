"""The table of user states: what `preflight user` predicts of a reset and of a change, and what the DC then does.

A reset is all that writeback does, in the connector account's name: a new password, lockoutTime 0, pwdLastSet now. A
change is the old password for a new one, in the connector account's name, too. Where the service or its policy hints
would refuse and Active Directory doesn't (`by specification`), the table says so, and the DC may allow what is
predicted to be blocked. Never the other way round, and whatever the DC is said to refuse it must refuse.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ldap3
import pytest
from lab.administration import STANDARD_PASSWORD
from lab.auditing import user
from lab.forest import CHANGE_PASSWORD, LOCKOUT_TIME, RESET_PASSWORD, Forest
from lab.judge import Judge, quoted

SECOND = 10_000_000
"""In intervals of 100 ns."""

DAY = 86_400 * SECOND
ACCOUNT = "state"
CONNECTOR = "<MSOL_0123abcd>"


@dataclass(frozen=True)
class State:
    """
    Attributes:
        put: brings the user (by DN) into the state.
        reset, change: what is predicted: the outlook, and the step in the way.
        dc_resets, dc_changes: what the DC really does; None: isn't tried.
        warnings: steps that must warn of the reset, among others perhaps.
        codes: among the event codes of what is blocked, of the reset first.
        until: what is blocked passes by itself, and when is said.
        where: the container, made for it.
    """

    name: str
    put: Callable[[Forest, str], None]
    reset: tuple[str, str | None] = ("works", None)
    change: tuple[str, str | None] = ("works", None)
    dc_resets: bool | None = True
    dc_changes: bool | None = True
    warnings: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    until: bool = False
    where: str = "OU=State"
    object_class: str = "user"
    attributes: Mapping[str, int] = field(default_factory=dict)


def blocked(step: str) -> tuple[str, str]:
    return ("blocked", step)


def filetime(moment: datetime) -> int:
    return int((moment - datetime(1601, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 10


def _nothing(forest: Forest, dn: str) -> None:
    """As it was made."""


def _disabled(forest: Forest, dn: str) -> None:
    forest.admin.modify(dn, userAccountControl=514)


def _locked(forest: Forest, dn: str) -> None:
    """Really, by wrong passwords."""
    forest.admin.domain_policy(lockoutThreshold=2, lockoutDuration=-600 * SECOND)
    _wrong_passwords(forest, 3)


def _wrong_passwords(forest: Forest, times: int) -> None:
    with forest.dc.connect(forest.reader, forest.password) as visitor:
        visitor.raise_exceptions = False
        for number in range(times):
            assert not visitor.rebind(f"{ACCOUNT}@{forest.domain}", f"Wrong.{number}")


def _lock_run_out(forest: Forest, dn: str) -> None:
    forest.admin.domain_policy(lockoutThreshold=2, lockoutDuration=-SECOND, lockOutObservationWindow=-SECOND)
    _wrong_passwords(forest, 3)
    time.sleep(2.5)  # the second of the lock, and one more: the controller's clock shows whole ones


def _locked_for_good(forest: Forest, dn: str) -> None:
    forest.admin.domain_policy(lockoutThreshold=2, lockoutDuration=-(2**63))
    _wrong_passwords(forest, 3)


def _locked_without_the_right_to_unlock(forest: Forest, dn: str) -> None:
    forest.admin.add_aces(dn, f"(OD;;WP;{LOCKOUT_TIME};;{CONNECTOR})")
    _locked(forest, dn)


def _account_expired(forest: Forest, dn: str) -> None:
    forest.admin.modify(dn, accountExpires=filetime(datetime.now(UTC) - timedelta(days=1)))


def _password_expired(forest: Forest, dn: str) -> None:
    forest.admin.modify(forest.base_dn, maxPwdAge=-SECOND)
    time.sleep(2.5)  # as above


def _must_change(forest: Forest, dn: str) -> None:
    """By `attributes`: what a DC wrote into pwdLastSet nobody can put back."""
    forest.admin.domain_policy(minPwdAge=1)


def _smartcard(forest: Forest, dn: str) -> None:
    forest.admin.modify(dn, userAccountControl=0x40200)


def _protected(forest: Forest, dn: str) -> None:
    forest.admin.add_member("Account Operators", dn)


def _protected_through_a_distribution_group(forest: Forest, dn: str) -> None:
    forest.admin.group(forest.dn("CN=state-list,OU=Groups"), "state-list", security=False, members=[ACCOUNT])
    forest.admin.add_member("Account Operators", "state-list")


def _orphan_with_the_rights(forest: Forest, dn: str) -> None:
    forest.admin.modify(dn, adminCount=1)


def _orphan_without(forest: Forest, dn: str) -> None:
    forest.admin.modify(dn, adminCount=1)
    _not_granted(forest, dn)


def _cannot_change(forest: Forest, dn: str) -> None:
    forest.admin.add_aces(dn, f"(OD;;CR;{CHANGE_PASSWORD};;PS)(OD;;CR;{CHANGE_PASSWORD};;WD)")


def _everyone_may_not_change(forest: Forest, dn: str) -> None:
    """SELF's entry stays: he may at his desk, the connector account may not in his name."""
    forest.admin.remove_aces(dn, f"(OA;;CR;{CHANGE_PASSWORD};;WD)")


def _young(forest: Forest, dn: str) -> None:
    forest.admin.domain_policy(minPwdAge=1)


def _old_enough(forest: Forest, dn: str) -> None:
    forest.admin.modify(forest.base_dn, minPwdAge=-SECOND)
    time.sleep(2.5)  # as above


def _young_under_a_policy_of_his_own(forest: Forest, dn: str) -> None:
    forest.admin.pso("state-strict", precedence=5, applies_to=[dn], msDS_MinimumPasswordAge=-DAY)


def _freed_by_a_policy_of_his_group(forest: Forest, dn: str) -> None:
    _young(forest, dn)
    forest.admin.group(forest.dn("CN=state-group,OU=Groups"), "state-group", members=[ACCOUNT])
    group = forest.dn("CN=state-group,OU=Groups")
    forest.admin.pso("state-free", precedence=5, applies_to=[group], msDS_MinimumPasswordAge=0)


def _his_own_policy_beats_the_group_s(forest: Forest, dn: str) -> None:
    _freed_by_a_policy_of_his_group(forest, dn)
    forest.admin.pso("state-strict", precedence=50, applies_to=[dn], msDS_MinimumPasswordAge=-DAY)


def _denied(forest: Forest, dn: str) -> None:
    forest.admin.add_aces(dn, f"(OD;;CR;{RESET_PASSWORD};;{CONNECTOR})")


def _not_granted(forest: Forest, dn: str) -> None:
    """Inheritance off, as after AdminSDHolder, with what others hold by inheritance."""
    forest.admin.protect(dn, keep=True)
    forest.admin.remove_trustee(dn, forest.connector)


def _ordered_otherwise(forest: Forest, dn: str) -> None:
    """An explicit allow beats an inherited deny."""
    forest.admin.add_aces(forest.dn("OU=State"), f"(OD;CI;CR;{RESET_PASSWORD};;{CONNECTOR})")
    forest.admin.add_aces(dn, f"(OA;;CR;{RESET_PASSWORD};;{CONNECTOR})")


PROTECTED = frozenset({"33004", "31003"})
DENIED = frozenset({"33004", "6329 0x80230626"})
YOUNG = frozenset({"33008", "6329 0x80230619"})

STATES = [
    State("enabled", _nothing),
    State("disabled", _disabled, blocked("enabled"), blocked("enabled"), dc_changes=None, codes=frozenset({"33005"})),
    State("locked", _locked, change=blocked("locked"), dc_changes=False, codes=frozenset({"33006"}), until=True),
    State("locked for good", _locked_for_good, change=blocked("locked"), dc_changes=False),
    State("lock run out", _lock_run_out),
    State(
        "locked, P2 denied",
        _locked_without_the_right_to_unlock,
        blocked("write-lockout-time"),
        blocked("locked"),
        dc_resets=False,
        dc_changes=False,
        warnings=frozenset({"locked"}),
        codes=DENIED,
    ),
    State("account expired", _account_expired, warnings=frozenset({"expired"})),
    State("password expired", _password_expired),
    State("must change", _must_change, attributes={"pwdLastSet": 0}),
    State("smart card", _smartcard, warnings=frozenset({"smartcard"}), dc_changes=None),
    State("protected", _protected, blocked("protection"), blocked("protection"), None, None, codes=PROTECTED),
    State(
        "protected, nested",
        _protected_through_a_distribution_group,
        blocked("protection"),
        blocked("protection"),
        None,
        None,
        codes=PROTECTED,
    ),
    State("orphan with rights", _orphan_with_the_rights, warnings=frozenset({"protection"})),
    State(
        "orphan without",
        _orphan_without,
        blocked("reset-password"),
        dc_resets=False,
        warnings=frozenset({"protection"}),
        codes=DENIED,
    ),
    State(
        "cannot change",
        _cannot_change,
        change=blocked("cannot-change"),
        dc_changes=False,
        warnings=frozenset({"cannot-change"}),
        codes=DENIED,
    ),
    State(
        "only SELF may change",
        _everyone_may_not_change,
        change=blocked("connector-change-password"),
        dc_changes=False,
        codes=DENIED,
    ),
    State(
        "too young",
        _young,
        blocked("minimum-age"),
        blocked("minimum-age"),
        dc_changes=False,
        codes=YOUNG,
        until=True,
    ),
    State("old enough", _old_enough),
    State(
        "too young by his own policy",
        _young_under_a_policy_of_his_own,
        blocked("minimum-age"),
        blocked("minimum-age"),
        dc_changes=False,
        codes=YOUNG,
        until=True,
    ),
    State("freed by his group's policy", _freed_by_a_policy_of_his_group),
    State(
        "his own policy beats the group's",
        _his_own_policy_beats_the_group_s,
        blocked("minimum-age"),
        blocked("minimum-age"),
        dc_changes=False,
        codes=YOUNG,
        until=True,
    ),
    State("inetOrgPerson", _nothing, object_class="inetOrgPerson"),
    State(
        "reserved character",
        _nothing,
        blocked("reserved-names"),
        blocked("reserved-names"),
        codes=frozenset({"33001"}),
        where="OU=IT/Support",
    ),
    State("denied", _denied, blocked("reset-password"), dc_resets=False, codes=DENIED),
    State("no grant", _not_granted, blocked("reset-password"), dc_resets=False, codes=DENIED),
    State("explicit beats inherited", _ordered_otherwise),
]

BY_SPECIFICATION = {"disabled", "protected", "protected, nested", "reserved character"}
"""States in which the service refuses a reset, and Active Directory does not; and too young, where a change shows."""


@pytest.mark.parametrize("state", STATES, ids=[state.name for state in STATES])
def test_no_prediction_is_refuted(own_forest: Forest, tmp_path: Path, state: State) -> None:
    forest = own_forest
    dn = forest.dn(f"CN=State,{state.where}")
    with forest.undoing():
        forest.admin.organizational_unit(forest.dn(state.where))
        forest.admin.user(dn, ACCOUNT, object_class=state.object_class, **state.attributes)
        state.put(forest, dn)
        done = user(forest, tmp_path, dn, "--format", "json")
        assert done.stderr == ""
        [found] = json.loads(done.stdout)

        assert (found["reset"]["outlook"], found["reset"]["step"]) == state.reset
        assert (found["change"]["outlook"], found["change"]["step"]) == state.change
        assert done.returncode == {"works": 0, "blocked": 3}[state.reset[0]]
        assert state.warnings <= set(found["reset"]["warnings"])
        in_the_way = found["reset"] if state.reset[0] == "blocked" else found["change"]
        assert state.codes <= set(in_the_way["event_codes"])
        if state.until:
            assert datetime.fromisoformat(in_the_way["until"]) > datetime.now(UTC) - timedelta(minutes=1)
        else:
            assert in_the_way["until"] is None

        with Judge(forest.dc) as judge:
            changed = _changes(judge, forest, dn) if state.dc_changes is not None else None
            reset = _resets(judge, forest, dn) if state.dc_resets is not None else None
        assert (changed, reset) == (state.dc_changes, state.dc_resets)
        _agrees(found["reset"], reset)
        _agrees(found["change"], changed)


def _agrees(verdict: dict[str, object], allowed: bool | None) -> None:
    """What is said to work worked; what Active Directory is said to refuse it refused."""
    if allowed is None:
        return
    if verdict["outlook"] == "works":
        assert allowed
    else:
        assert verdict["basis"] == "by specification" or not allowed


def _resets(judge: Judge, forest: Forest, dn: str) -> bool:
    return all(
        judge.attempt(forest.connector, forest.password, right, dn)
        for right in ("reset-password", "write-lockout-time", "write-pwd-last-set")
    )


def _changes(judge: Judge, forest: Forest, dn: str) -> bool:
    """Whether the connector account may change it now; refused by right, by lock or by policy is refused."""
    connection = forest.dc.sign_in(forest.connector, forest.password)
    connection.raise_exceptions = False
    try:
        new = f"Passw0rd.{os.urandom(4).hex()}"
        connection.modify(
            dn,
            {
                "unicodePwd": [
                    (ldap3.MODIFY_DELETE, [quoted(STANDARD_PASSWORD)]),
                    (ldap3.MODIFY_ADD, [quoted(new)]),
                ]
            },
        )
        return bool(connection.result["result"] == 0)
    finally:
        connection.unbind()


def test_the_table_covers_what_only_the_service_refuses() -> None:
    assert {state.name for state in STATES} >= BY_SPECIFICATION
    for state in STATES:
        if state.name in BY_SPECIFICATION:
            assert state.reset[0] == "blocked" and state.dc_resets in (True, None)
