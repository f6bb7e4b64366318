"""Each fault alone turns its own check red, with the right code, and nothing else; what is no fault turns nothing."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ldap3
import pytest
import trustme
from lab.forest import (
    CHANGE_PASSWORD,
    INET_ORG_PERSON_CLASS,
    LOCKOUT_TIME,
    PWD_LAST_SET,
    RESET_PASSWORD,
    UNEXPIRE_PASSWORD,
    USER_CLASS,
    Forest,
)
from lab.recording_proxy import RecordingProxy
from lab.running import ELSEWHERE, codes, differences, findings_of, noteworthy, results_of, run, statuses

from preflight.network.dialer import SocketDialer
from preflight.network.resolver import DnsResolver
from preflight.registry import Registry
from preflight.report import Report, Verdict

RESET = "permissions.reset-password"
UNLOCK = "permissions.write-lockout-time"
EXPIRY = "permissions.write-pwd-last-set"
CHANGE = "permissions.change-password"
UNEXPIRE = "permissions.unexpire-password"
SAM = "permissions.sam-read"
USABLE = "account.connector-usable"
ANCHORS = "anchors.unique"
AGE = "policy.minimum-age"
SUMMARY = "policy.summary"

EVERY_RIGHT = (RESET, UNLOCK, EXPIRY)
CONNECTOR = "MSOL_0123abcd"
UNREAD = {"dc.discovered": ("warn", {"forest-not-read"})}
"""What goes with a directory that can't be read at all."""
PORTS_CLOSED = {"dc.ports": ("fail", {"needed-port-closed", "rpc-closed"})}
"""What goes with a controller that isn't there."""

PRE_WINDOWS_2000 = "CN=Pre-Windows 2000 Compatible Access,CN=Builtin"

SALES = 13  # enabled people in OU=Sales and below; of these,
EMEA = 6  # in OU=Emea,OU=Sales


@dataclass(frozen=True)
class Fault:
    """
    Attributes:
        seed: makes it; may return changes of the configuration.
        red: what the checks say that see it: status and codes; all others say what they said of the healthy forest.
        says: words that an administrator must find in what is reported.
    """

    name: str
    seed: Callable[[Forest], Mapping[str, object] | None]
    red: Mapping[str, tuple[str, set[str]]]
    says: tuple[str, ...] = ()


def _connector_dn(forest: Forest) -> str:
    return forest.dn(f"CN={CONNECTOR},CN=Users")


def _modify_connector(**attributes: object) -> Callable[[Forest], None]:
    return lambda forest: forest.admin.modify(CONNECTOR, **attributes)


def _filetime(moment: datetime) -> int:
    return int((moment - datetime(1601, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 10


def _add_aces(where: str, sddl: str) -> Callable[[Forest], None]:
    return lambda forest: forest.admin.add_aces(forest.dn(where), sddl)


def _ungrant(access: str, right: str, *classes: str) -> Callable[[Forest], None]:
    aces = "".join(f"(OA;CIIO;{access};{right};{kind};<{CONNECTOR}>)" for kind in classes)
    return lambda forest: forest.admin.remove_aces(forest.dn(), aces)


def _denied_to_a_group(forest: Forest) -> None:
    forest.admin.group(forest.dn("CN=Inner,OU=Groups"), "inner", members=[CONNECTOR])
    forest.admin.group(forest.dn("CN=Outer,OU=Groups"), "outer", scope="domain-local", members=["inner"])
    forest.admin.add_aces(forest.dn("OU=Sales"), f"(OD;CI;CR;{RESET_PASSWORD};;<outer>)")


def _inheritance_off(dn: str) -> Callable[[Forest], None]:
    def seed(forest: Forest) -> None:
        forest.admin.protect(forest.dn(dn), keep=True)
        forest.admin.remove_trustee(forest.dn(dn), CONNECTOR)

    return seed


def _orphan(forest: Forest) -> None:
    _inheritance_off("CN=Bea Sales,OU=Sales")(forest)
    forest.admin.modify(forest.dn("CN=Bea Sales,OU=Sales"), adminCount=1)


def _orphan_with_rights(forest: Forest) -> None:
    forest.admin.modify(forest.dn("CN=Bea Sales,OU=Sales"), adminCount=1)


def _granted_one_level(forest: Forest) -> None:
    """On OU=Sales only: enough for its own people, not for those of OU=Emea below."""
    _ungrant("CR", RESET_PASSWORD, USER_CLASS, INET_ORG_PERSON_CLASS)(forest)
    for ou in ("OU=People", "CN=Users"):
        forest.admin.add_aces(forest.dn(ou), f"(OA;CI;CR;{RESET_PASSWORD};;<{CONNECTOR}>)")
    forest.admin.add_aces(forest.dn("OU=Sales"), f"(OA;CINP;CR;{RESET_PASSWORD};;<{CONNECTOR}>)")


def _granted_not_inherited(forest: Forest) -> None:
    _ungrant("CR", RESET_PASSWORD, USER_CLASS, INET_ORG_PERSON_CLASS)(forest)
    forest.admin.add_aces(forest.dn(), f"(OA;;CR;{RESET_PASSWORD};;<{CONNECTOR}>)")


def _consistency_guid_of(forest: Forest, one: str, other: str) -> None:
    """`other` gets the anchor of `one`, which has none of its own."""
    [(_, found)] = forest.admin.search(forest.dn(one), attributes=["objectGUID"], scope="base")
    forest.admin.modify(forest.dn(other), **{"mS-DS-ConsistencyGuid": found["objectGUID"][0]})


def _duplicate_anchor(forest: Forest) -> None:
    _consistency_guid_of(forest, "CN=Dana Emea,OU=Emea,OU=Sales", "CN=Bea Sales,OU=Sales")


def _disabled_twin(forest: Forest) -> None:
    _consistency_guid_of(forest, "CN=Jo Emea,OU=Emea,OU=Sales", "CN=Bea Sales,OU=Sales")


def _pso_with_minimum_age(forest: Forest) -> None:
    forest.admin.pso("Strict", applies_to=["sales-staff"], msDS_MinimumPasswordAge=-864_000_000_000)


def _cannot_change(forest: Forest) -> None:
    """As the box in the console does it (SAMR 3.1.5.12.1.1)."""
    forest.admin.add_aces(
        forest.dn("CN=Bea Sales,OU=Sales"), f"(OD;;CR;{CHANGE_PASSWORD};;PS)(OD;;CR;{CHANGE_PASSWORD};;WD)"
    )


def _change_for_self_only(forest: Forest) -> None:
    forest.admin.remove_aces(forest.dn("CN=Bea Sales,OU=Sales"), f"(OA;;CR;{CHANGE_PASSWORD};;WD)")


def _accounts_in_place_of_authenticated_users(forest: Forest) -> None:
    """Hardened, but with care: who needs to read still may."""
    group = forest.dn(PRE_WINDOWS_2000)
    forest.admin.add_member(group, CONNECTOR)
    forest.admin.add_member(group, "reader")
    forest.admin.remove_member(group, forest.dn("CN=S-1-5-11,CN=ForeignSecurityPrincipals"))


def _sam_server_denied(forest: Forest) -> None:
    forest.admin.add_aces(forest.dn("CN=Server,CN=System"), f"(D;;LCRP;;;<{CONNECTOR}>)")


def _other_name(forest: Forest) -> Mapping[str, object]:
    return {"connector": {"account": "MSOL_ffffffff"}}


def _second_connector(forest: Forest) -> Mapping[str, object]:
    forest.admin.user(forest.dn("CN=MSOL_89abcdef,CN=Users"), "MSOL_89abcdef", enabled=False)
    return {"connector": {"account": None}}


def _connector_in(group: str) -> Callable[[Forest], None]:
    return lambda forest: forest.admin.add_member(forest.dn(group), CONNECTOR)


def _nobody_listens(forest: Forest) -> Mapping[str, object]:
    return {"controllers": ["ldaps://127.255.255.9:636", "ldaps://127.255.255.11:636"]}


def _closed_for_tls(forest: Forest) -> Mapping[str, object]:
    return {"controllers": [f"ldaps://{forest.host}:9", f"ldaps://{forest.host}:11"]}


def _one_of_two_listens(forest: Forest) -> Mapping[str, object]:
    return {"controllers": [f"ldaps://{forest.host}:636", f"ldaps://{forest.address}:9"]}


def _kerberos_port(forest: Forest) -> Mapping[str, object]:
    return {"controllers": [f"ldaps://{forest.host}:88"]}


def _named_by_address(forest: Forest) -> Mapping[str, object]:
    """The DC's certificate is made out to its name."""
    return {"controllers": [f"ldaps://{forest.address}:636"]}


def _unresolved_controller(forest: Forest) -> Mapping[str, object]:
    return {"controllers": [f"ldaps://nowhere.{forest.domain}:636"]}


FAULTS = [
    Fault(
        "connector disabled",
        _modify_connector(userAccountControl=0x10202),
        {USABLE: ("fail", {"disabled"})},
        ("MSOL_0123abcd is disabled", "Enable-ADAccount"),
    ),
    Fault(
        "connector expired",
        _modify_connector(accountExpires=_filetime(datetime(2020, 2, 29, tzinfo=UTC))),
        {USABLE: ("fail", {"expired"})},
        ("expired on 2020-02-29", "Clear-ADAccountExpiration"),
    ),
    Fault(
        "connector may sign in at some hours only",
        _modify_connector(logonHours=bytes(7) + b"\xff" * 14),
        {USABLE: ("warn", {"sign-in-restricted"})},
    ),
    Fault(
        "connector may sign in on some computers only",
        _modify_connector(userWorkstations="OTHER01"),
        {USABLE: ("warn", {"sign-in-restricted"})},
        ("OTHER01",),
    ),
    Fault(
        "connector in Protected Users",
        _connector_in("CN=Protected Users,CN=Users"),
        {USABLE: ("warn", {"protected-users"})},
    ),
    Fault("connector does not exist", _other_name, {USABLE: ("fail", {"not-found"})}, ("MSOL_ffffffff",)),
    Fault(
        "two accounts may be the connector",
        _second_connector,
        {USABLE: ("unknown", {"several-candidates"})},
        ("MSOL_89abcdef", "MSOL_0123abcd", "disabled", "SYNC01"),
    ),
    Fault(
        "Reset denied to the connector on an OU",
        _add_aces("OU=Sales", f"(OD;CI;CR;{RESET_PASSWORD};;<{CONNECTOR}>)"),
        {RESET: ("fail", {"ace-denied"})},
        (f"{SALES} users", "OU=Sales", f"Remove the entry that denies it to CORP\\{CONNECTOR} from OU=Sales"),
    ),
    Fault(
        "Reset denied to a group of the connector's group",
        _denied_to_a_group,
        {RESET: ("fail", {"ace-denied"})},
        ("denies it to S-1-5-21-", "take the connector account out of the group"),
    ),
    Fault(
        "Reset denied on one user",
        _add_aces("CN=Bea Sales,OU=Sales", f"(OD;;CR;{RESET_PASSWORD};;<{CONNECTOR}>)"),
        {RESET: ("fail", {"ace-denied"})},
        ("1 user", "CN=Bea Sales,OU=Sales"),
    ),
    Fault(
        "every extended right denied to Everyone",
        _add_aces("OU=Emea,OU=Sales", "(D;CI;CR;;;WD)"),
        {RESET: ("fail", {"ace-denied"})},  # each user's own entries let Everyone change passwords
        (f"{EMEA} users", "denies it to Everyone from OU=Emea,OU=Sales"),
    ),
    Fault(
        "Reset not granted",
        _ungrant("CR", RESET_PASSWORD, USER_CLASS, INET_ORG_PERSON_CLASS),
        {RESET: ("fail", {"ace-missing"})},
        ("Reset Password", f"CORP\\{CONNECTOR}:CA;Reset Password;user"),
    ),
    Fault(
        "Reset not granted on inetOrgPerson",
        _ungrant("CR", RESET_PASSWORD, INET_ORG_PERSON_CLASS),
        {RESET: ("fail", {"class-not-covered"})},
        ("inetOrgPerson", "3 users", f"CORP\\{CONNECTOR}:CA;Reset Password;inetOrgPerson"),
    ),
    Fault("Reset handed down by one level only", _granted_one_level, {RESET: ("fail", {"no-propagate"})}),
    Fault("Reset granted on the domain's head alone", _granted_not_inherited, {RESET: ("fail", {"not-inheritable"})}),
    Fault(
        "lockoutTime not granted",
        _ungrant("WP", LOCKOUT_TIME, USER_CLASS, INET_ORG_PERSON_CLASS),
        {UNLOCK: ("fail", {"ace-missing"})},
        (f"CORP\\{CONNECTOR}:WP;lockoutTime;user",),
    ),
    Fault(
        "pwdLastSet not granted",
        _ungrant("WP", PWD_LAST_SET, USER_CLASS, INET_ORG_PERSON_CLASS),
        {EXPIRY: ("fail", {"ace-missing"})},
        (f"CORP\\{CONNECTOR}:WP;pwdLastSet;user",),
    ),
    Fault(
        "inheritance off on an OU",
        _inheritance_off("OU=Sales"),
        {check: ("fail", {"inheritance-off"}) for check in EVERY_RIGHT},
        ("inheritance is switched off on OU=Sales", "/P:N"),
    ),
    Fault(
        "adminCount left behind, inheritance off",
        _orphan,
        {check: ("fail", {"orphaned-admin-count"}) for check in EVERY_RIGHT},
        ("Bea Sales", "adminCount"),
    ),
    Fault("adminCount left behind, rights there", _orphan_with_rights, {RESET: ("warn", {"orphan-allowed"})}),
    Fault(
        "Unexpire Password not granted",
        lambda forest: forest.admin.remove_aces(forest.dn(), f"(OA;;CR;{UNEXPIRE_PASSWORD};;AU)"),
        {UNEXPIRE: ("fail", {"ace-missing"})},
        ("Unexpire Password", "dsacls"),
    ),
    Fault(
        "Unexpire Password denied",
        _add_aces("", f"(OD;;CR;{UNEXPIRE_PASSWORD};;<{CONNECTOR}>)"),
        {UNEXPIRE: ("fail", {"ace-denied"})},
    ),
    Fault("user cannot change password", _cannot_change, {CHANGE: ("warn", {"user-cannot-change"})}, ("Bea Sales",)),
    Fault("Change Password for SELF only", _change_for_self_only, {CHANGE: ("warn", {"connector-refused"})}),
    Fault("SAM server denied to the connector", _sam_server_denied, {SAM: ("warn", {"sam-server-refused"})}),
    Fault(
        "Authenticated Users not in Pre-Windows 2000 Compatible Access",
        _accounts_in_place_of_authenticated_users,
        {SAM: ("warn", {"pre-windows-2000-emptied"})},
    ),
    Fault(
        "one anchor, two enabled users",
        _duplicate_anchor,
        {ANCHORS: ("fail", {"duplicate-anchor"})},
        ("CN=Dana Emea,OU=Emea,OU=Sales", "CN=Bea Sales,OU=Sales"),
    ),
    Fault(
        "one anchor, one enabled and one disabled user",
        _disabled_twin,
        {ANCHORS: ("warn", {"disabled-twin"})},
        ("CN=Jo Emea,OU=Emea,OU=Sales", "CN=Bea Sales,OU=Sales", "disabled"),
    ),
    Fault(
        "minimum password age",
        lambda forest: forest.admin.domain_policy(minPwdAge=1),
        {AGE: ("warn", {"minimum-age"})},
        ("1 day", "Set-ADDefaultDomainPasswordPolicy"),
    ),
    Fault("fine-grained minimum password age", _pso_with_minimum_age, {AGE: ("warn", {"minimum-age"})}, ("Strict",)),
    Fault(
        "passwords in clear text refused",
        lambda forest: forest.admin.modify(forest.dn(), pwdProperties=5),
        {SUMMARY: ("warn", {"no-clear-change"})},
    ),
    Fault(
        "every controller down",
        _nobody_listens,
        {"dc.reachable": ("fail", {"not-reached"}), **PORTS_CLOSED, **UNREAD},
        ("refused", "127.255.255.9", "127.255.255.11"),
    ),
    Fault(
        "every controller closed for TLS, and open on 389",
        _closed_for_tls,
        {"dc.reachable": ("unknown", {"not-verified"}), **UNREAD},
        ("refused", ":9", ":11", "negotiate", "though port 389 is open"),
    ),
    Fault(
        "one controller of two down",
        _one_of_two_listens,
        {"dc.reachable": ("warn", {"one-of-several-down"}), "dc.policy-hints": ("warn", {"not-asked"})},
    ),
    Fault(
        "certificate for another name",
        _named_by_address,
        {"dc.reachable": ("unknown", {"not-verified"}), **UNREAD},
        ("another name",),
    ),
    Fault(
        "no LDAP on that port",
        _kerberos_port,
        {"dc.reachable": ("unknown", {"not-verified"}), **UNREAD},
        (":88",),
    ),
    Fault(
        "controller's name unknown",
        _unresolved_controller,
        {"dc.reachable": ("fail", {"not-reached"}), **PORTS_CLOSED, **UNREAD},
        ("nowhere", "nameserver"),
    ),
]


@pytest.fixture(scope="module")
def healthy(own_forest: Forest, tmp_path_factory: pytest.TempPathFactory) -> Report:
    report = run(own_forest, tmp_path_factory.mktemp("healthy"))
    assert report.verdict is Verdict.READY
    assert set(statuses(report).values()) == {"pass"}
    return report


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_alone_turns_its_own_check_red_and_no_other(
    fault: Fault, own_forest: Forest, healthy: Report, tmp_path: Path
) -> None:
    with own_forest.undoing():
        changes = fault.seed(own_forest) or {}
        report = run(own_forest, tmp_path, **changes)
    assert_only(fault, healthy, report)


def assert_only(fault: Fault, healthy: Report, report: Report) -> None:
    """The checks that see the fault say so, those that need them are skipped and say why, and nothing else changes."""
    changed = differences(healthy, report)
    skipped = [check for check, status in changed.items() if status == "skipped"]
    for check in skipped:
        for result in results_of(report, check):
            if result.status == "skipped":
                assert result.blocked_by and set(result.blocked_by) <= set(fault.red), result
    assert {check: status for check, status in changed.items() if check not in skipped} == {
        check: status for check, (status, _) in fault.red.items()
    }, [noteworthy(report, check) for check in changed]
    for check, (_, expected) in fault.red.items():
        assert codes(report, check) == expected
        for finding in noteworthy(report, check):
            assert finding.remedy and finding.expected and finding.observed, finding
    told = " ".join(
        f"{finding.subject} {finding.summary} {finding.observed} {finding.remedy}"
        for check in fault.red
        for finding in noteworthy(report, check)
    )
    for words in fault.says:
        assert words in told, told
    assert "<connector" not in told, told
    blockers = {result.check for result in report.results if result.severity == "blocker"}
    if any(status == "fail" and check in blockers for check, (status, _) in fault.red.items()):
        assert report.exit_code() == 3
    elif any(status == "unknown" and check in blockers for check, (status, _) in fault.red.items()):
        assert report.exit_code() == 4
    else:
        assert report.verdict is Verdict.READY_WITH_WARNINGS and report.exit_code() == 0
        assert report.exit_code(fail_on_warnings=True) == 5


def _sign_in_with_a_wrong_password(forest: Forest, account: str) -> None:
    connection = ldap3.Connection(
        ldap3.Server(forest.address, port=636, use_ssl=True, get_info=ldap3.NONE),
        user=f"{account}@{forest.domain}",
        password="wrong",
    )
    assert not connection.bind()
    connection.unbind()


def test_a_connector_that_wrong_passwords_have_locked_fails_until_the_lock_is_over(
    fresh_forest: Forest, healthy: Report, tmp_path: Path
) -> None:
    admin = fresh_forest.admin
    admin.domain_policy(lockoutThreshold=3)
    for _ in range(3):
        _sign_in_with_a_wrong_password(fresh_forest, CONNECTOR)
    locked = Fault("", lambda _: None, {USABLE: ("fail", {"locked"})}, ("locked out until", "Unlock-ADAccount"))
    assert_only(locked, healthy, run(fresh_forest, tmp_path))

    # lockoutTime stays when the lock is over: alone it proves nothing.
    admin.modify(fresh_forest.dn(), lockOutObservationWindow=-10_000_000, lockoutDuration=-10_000_000)
    time.sleep(2.1)
    [(_, found)] = admin.search(_connector_dn(fresh_forest), attributes=["lockoutTime"], scope="base")
    assert int(found["lockoutTime"][0]) > 0
    assert not differences(healthy, run(fresh_forest, tmp_path))


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"userAccountControl": 0x200, "pwdLastSet": 0}, "password-expired"),
        ({"userAccountControl": 0x50200}, "smartcard-required"),
    ],
)
def test_a_connector_that_can_not_sign_in_with_its_password_fails(
    attributes: Mapping[str, object], code: str, fresh_forest: Forest, healthy: Report, tmp_path: Path
) -> None:
    fresh_forest.admin.modify(CONNECTOR, **attributes)
    assert_only(Fault("", lambda _: None, {USABLE: ("fail", {code})}), healthy, run(fresh_forest, tmp_path))


def test_an_administrator_as_connector_is_warned_of_and_judged_by_what_it_may(
    own_forest: Forest, healthy: Report, tmp_path: Path
) -> None:
    with own_forest.undoing():
        own_forest.admin.remove_trustee(own_forest.dn(), CONNECTOR)
        own_forest.admin.add_member(own_forest.dn("CN=Domain Admins,CN=Users"), CONNECTOR)
        report = run(own_forest, tmp_path)
    assert_only(Fault("", lambda _: None, {USABLE: ("warn", {"protected"})}, ("Domain Admins",)), healthy, report)


# No fault


def _protected_through_a_distribution_group(forest: Forest) -> int:
    user = forest.dn("CN=Bea Sales,OU=Sales")
    forest.admin.group(forest.dn("CN=Distribution,OU=Groups"), "distribution", security=False, members=[user])
    forest.admin.group(forest.dn("CN=Nested,OU=Groups"), "nested", scope="universal", members=["distribution"])
    forest.admin.add_member(forest.dn("CN=Administrators,CN=Builtin"), "nested")
    forest.admin.modify(user, adminCount=1)
    _inheritance_off("CN=Bea Sales,OU=Sales")(forest)
    return 1


def _protected_by_primary_group(forest: Forest) -> int:
    user = forest.dn("CN=Bea Sales,OU=Sales")
    forest.admin.add_member(forest.dn("CN=Domain Admins,CN=Users"), user)
    forest.admin.modify(user, primaryGroupID=512)
    _inheritance_off("CN=Bea Sales,OU=Sales")(forest)
    return 1


@pytest.mark.parametrize("seed", [_protected_through_a_distribution_group, _protected_by_primary_group])
def test_a_protected_user_is_counted_as_unsupported_and_fails_nothing(
    seed: Callable[[Forest], int], own_forest: Forest, healthy: Report, tmp_path: Path
) -> None:
    with own_forest.undoing():
        seed(own_forest)
        report = run(own_forest, tmp_path)
    assert not differences(healthy, report)
    before, after = healthy.users[0].outcomes, report.users[0].outcomes
    assert after["unsupported"] == before.get("unsupported", 0) + 1
    assert after["ok"] == before["ok"] - 1
    assert "protected" in findings_of(report, RESET)[0].summary


def _deny_for_strangers(forest: Forest) -> None:
    forest.admin.add_aces(
        forest.dn("OU=Sales"),
        f"(OD;CI;CR;{RESET_PASSWORD};;<sales-staff>)(OD;CI;CR;{RESET_PASSWORD};;CO)",
    )


def _deny_for_another_class(forest: Forest) -> None:
    forest.admin.add_aces(
        forest.dn("OU=Sales"), f"(OD;CIIO;CR;{RESET_PASSWORD};bf967a86-0de6-11d0-a285-00aa003049e2;<{CONNECTOR}>)"
    )


def _deny_above_an_explicit_allow(forest: Forest) -> None:
    """An inherited deny stands behind the user's own allow."""
    user = forest.dn("CN=Bea Sales,OU=Sales")
    forest.admin.add_aces(user, f"(OA;;CR;{RESET_PASSWORD};;<{CONNECTOR}>)")
    forest.admin.protect(user, keep=True)
    forest.admin.unprotect(user)


def _disabled_without_rights(forest: Forest) -> None:
    _inheritance_off("CN=Jo Emea,OU=Emea,OU=Sales")(forest)


def _excluded_without_rights(forest: Forest) -> Mapping[str, object]:
    _inheritance_off("OU=Emea,OU=Sales")(forest)
    return {"exclude": [forest.dn("OU=Emea,OU=Sales")]}


def _outside_the_search_bases(forest: Forest) -> Mapping[str, object]:
    _inheritance_off("OU=Emea,OU=Sales")(forest)
    return {"search_bases": [forest.dn("OU=People")]}


def _rights_through_a_group(forest: Forest) -> None:
    forest.admin.group(forest.dn("CN=Writeback,OU=Groups"), "writeback", scope="domain-local", members=[CONNECTOR])
    for access, right in (("CR", RESET_PASSWORD), ("WP", LOCKOUT_TIME), ("WP", PWD_LAST_SET)):
        _ungrant(access, right, USER_CLASS, INET_ORG_PERSON_CLASS)(forest)
        forest.admin.add_aces(forest.dn(), f"(OA;CI;{access};{right};;<writeback>)")


def _pwd_last_set_by_its_property_set(forest: Forest) -> None:
    _ungrant("WP", PWD_LAST_SET, USER_CLASS, INET_ORG_PERSON_CLASS)(forest)
    forest.admin.add_aces(forest.dn(), f"(OA;CI;WP;4c164200-20c0-11d0-a768-00aa006e0529;;<{CONNECTOR}>)")


def _policy_without_minimum_age(forest: Forest) -> None:
    forest.admin.pso("Lenient", applies_to=["sales-staff"], msDS_MinimumPasswordAge=0)


def _connector_discovered(forest: Forest) -> Mapping[str, object]:
    return {"connector": {"account": None}}


def _connector_by_upn(forest: Forest) -> Mapping[str, object]:
    return {"connector": {"account": f"{CONNECTOR}@{forest.domain}"}}


def _connector_by_sid(forest: Forest) -> Mapping[str, object]:
    return {"connector": {"account": forest.admin.sid_of(CONNECTOR)}}


def _expiry_to_come(forest: Forest) -> None:
    forest.admin.modify(CONNECTOR, accountExpires=_filetime(datetime(2099, 1, 1, tzinfo=UTC)), logonHours=b"\xff" * 21)


NO_FAULTS = [
    _deny_for_strangers,
    _deny_for_another_class,
    _deny_above_an_explicit_allow,
    _disabled_without_rights,
    _excluded_without_rights,
    _outside_the_search_bases,
    _rights_through_a_group,
    _pwd_last_set_by_its_property_set,
    _policy_without_minimum_age,
    _connector_discovered,
    _connector_by_upn,
    _connector_by_sid,
    _expiry_to_come,
]


@pytest.mark.parametrize("seed", NO_FAULTS, ids=lambda seed: seed.__name__.strip("_"))
def test_what_is_no_fault_turns_nothing_red(
    seed: Callable[[Forest], Mapping[str, object] | None], own_forest: Forest, healthy: Report, tmp_path: Path
) -> None:
    with own_forest.undoing():
        changes = seed(own_forest) or {}
        report = run(own_forest, tmp_path, **changes)
    assert not differences(healthy, report), [noteworthy(report, check) for check in differences(healthy, report)]
    assert report.exit_code() == 0


# What the DC says of itself


@pytest.mark.parametrize(
    ("recipe", "status", "code", "exit_code"),
    [
        ({"policy_hints": False}, "fail", "control-missing", 3),
        ({"policy_hints_oids": ("1.2.840.113556.1.4.2239",)}, "warn", "current-only", 0),
    ],
    ids=["neither control", "the current control alone"],
)
def test_a_controller_without_policy_hints(
    recipe: Mapping[str, object],
    status: str,
    code: str,
    exit_code: int,
    start_forest: Callable[..., Forest],
    healthy: Report,
    tmp_path: Path,
) -> None:
    report = run(start_forest(**recipe), tmp_path)
    assert differences(healthy, report) == {"dc.policy-hints": status}
    assert codes(report, "dc.policy-hints") == {code}
    assert report.exit_code() == exit_code


def test_a_domain_of_the_forest_that_nobody_looks_at_is_named(
    start_forest: Callable[..., Forest], healthy: Report, tmp_path: Path
) -> None:
    forest = start_forest(start=False)
    forest.admin.declare_domain(f"child.{forest.domain}", "CHILD")
    forest.dc.start()
    report = run(forest, tmp_path)
    assert_only(
        Fault("", lambda _: None, {"dc.discovered": ("warn", {"domain-not-configured"})}, (f"child.{forest.domain}",)),
        healthy,
        report,
    )


def test_a_certificate_of_an_unknown_authority_says_nothing_of_writeback(
    own_forest: Forest, healthy: Report, tmp_path: Path
) -> None:
    other = tmp_path / "other-ca.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    report = run(own_forest, tmp_path, ca_file=str(other))
    assert_only(
        Fault("", lambda _: None, {"dc.reachable": ("unknown", {"not-verified"}), **UNREAD}, ("authority", "ca_file")),
        healthy,
        report,
    )


def test_an_expired_certificate_says_nothing_of_writeback(own_forest: Forest, healthy: Report, tmp_path: Path) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with RecordingProxy(own_forest.dc, not_after=yesterday) as proxy:
        report = run(own_forest, tmp_path, controllers=proxy.controllers, ca_file=str(proxy.ca_file))
    assert_only(
        Fault("", lambda _: None, {"dc.reachable": ("unknown", {"not-verified"}), **UNREAD}, ("expired",)),
        healthy,
        report,
    )


# The relays


@dataclass(frozen=True)
class RelayServer:
    """A relay that answers on the forest's own address, under the name of its controller."""

    host: str
    address: str
    port: int
    ca_file: Path


@pytest.fixture(scope="module")
def relay(own_forest: Forest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RelayServer]:
    authority = trustme.CA()
    ca_file = tmp_path_factory.mktemp("relay") / "authority.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(own_forest.host).configure_cert(context)
    with http.server.ThreadingHTTPServer((own_forest.address, 0), http.server.BaseHTTPRequestHandler) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield RelayServer(own_forest.host, own_forest.address, server.server_address[1], ca_file)
        server.shutdown()
        thread.join()


def run_with_relays(
    forest: Forest,
    folder: Path,
    relay: RelayServer,
    names: Sequence[str],
    *,
    trusted: bool = True,
    required: bool = False,
) -> Report:
    """A full run; the forest's DNS answers for the relays too."""
    resolver = DnsResolver(forest.address, lifetime=2.0)
    dialer = SocketDialer(resolver, timeout=2.0, ca_file=relay.ca_file if trusted else None)
    more = (
        f"[service_bus]\nnamespaces = {json.dumps(list(names))}\nrelay_ports = [{relay.port}]\n"
        f"relay_ports_required = {json.dumps(required)}\n"
    )
    others = [
        id for id, check in Registry.installed().checks.items() if check.area in ELSEWHERE and id not in OF_RELAYS
    ]
    return run(forest, folder, skip=others, network=(resolver, dialer), more=more)


@pytest.fixture(scope="module")
def healthy_with_relays(own_forest: Forest, relay: RelayServer, tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("relays")
    report = run_with_relays(own_forest, folder, relay, [f"{relay.host}:{relay.port}"])
    assert report.verdict is Verdict.READY, {check: noteworthy(report, check) for check in statuses(report)}
    return report


NAMES, HTTPS, PORTS = OF_RELAYS = "dns.relays-resolve", "network.relay-443", "network.relay-ports"


@pytest.mark.parametrize(
    ("name", "trusted", "red", "says"),
    [
        ("{host}:9", True, {HTTPS: ("fail", {"tcp-refused"})}, ("refused", ":9")),
        ("{address}:{port}", True, {HTTPS: ("fail", {"tls-name-mismatch"})}, ("{address}",)),
        ("{host}:{port}", False, {HTTPS: ("fail", {"tls-untrusted"})}, ("{host}",)),
        ("nowhere.{host}", True, {NAMES: ("fail", {"nxdomain"})}, ("nowhere.{host}",)),
    ],
    ids=["refused", "another name", "untrusted", "no such name"],
)
def test_a_relay_that_is_not_reached_fails_beside_one_that_is(
    name: str,
    trusted: bool,
    red: Mapping[str, tuple[str, set[str]]],
    says: Sequence[str],
    own_forest: Forest,
    relay: RelayServer,
    healthy_with_relays: Report,
    tmp_path: Path,
) -> None:
    facts = {"host": relay.host, "address": relay.address, "port": relay.port}
    good, bad = f"{relay.host}:{relay.port}", name.format(**facts)
    report = run_with_relays(own_forest, tmp_path, relay, [good, bad] if good != bad else [bad], trusted=trusted)
    assert_only(
        Fault("", lambda _: None, red, tuple(words.format(**facts) for words in says)), healthy_with_relays, report
    )


@pytest.mark.parametrize(("required", "status"), [(False, "warn"), (True, "fail")])
def test_a_closed_relay_port_is_a_warning_unless_it_is_required(
    required: bool, status: str, own_forest: Forest, relay: RelayServer, healthy_with_relays: Report, tmp_path: Path
) -> None:
    elsewhere = replace(relay, port=9)
    report = run_with_relays(own_forest, tmp_path, elsewhere, [f"{relay.host}:{relay.port}"], required=required)
    assert differences(healthy_with_relays, report) == {PORTS: status}
    assert codes(report, PORTS) == {"tcp-refused"}
