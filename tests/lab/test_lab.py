"""The lab itself: what other tests take for granted."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import dns.message
import dns.query
import ldap3
import pytest
from lab.administration import AdministrationError
from lab.domain_controller import LOCKS, POLICY_HINTS_OIDS, ROOT_DSE_SEARCH, DomainController, Recipe
from lab.forest import CHANGE_PASSWORD, RESET_PASSWORD, Forest
from lab.judge import Judge
from lab.keeper import descendants

RIGHTS = ("reset-password", "write-lockout-time", "write-pwd-last-set")


def ask_dns(forest: Forest, name: str, kind: str) -> str:
    answer = dns.query.tcp(dns.message.make_query(name, kind), forest.address, timeout=5)
    return " ".join(str(record) for rrset in answer.answer for record in rrset)


def test_dns_finds_the_domain_controller_at_its_own_address(forest: Forest) -> None:
    assert forest.host in ask_dns(forest, f"_ldap._tcp.dc._msdcs.{forest.domain}.", "SRV")
    assert forest.host in ask_dns(forest, f"_ldap._tcp.pdc._msdcs.{forest.domain}.", "SRV")
    assert ask_dns(forest, f"{forest.host}.", "A") == forest.address


def test_the_root_dse_lists_both_policy_hints(forest: Forest) -> None:
    server = ldap3.Server(forest.address, get_info=ldap3.DSA, connect_timeout=5)
    with ldap3.Connection(server, receive_timeout=5):
        assert set(POLICY_HINTS_OIDS) <= {control[0] for control in server.info.supported_controls}


def test_the_reader_sees_every_person_and_the_policy_container(forest: Forest) -> None:
    container = forest.dn("CN=Password Settings Container,CN=System")
    with forest.dc.connect(forest.reader, forest.password) as connection:
        connection.search(forest.base_dn, "(sAMAccountType=805306368)", attributes=["userAccountControl"])
        seen = {entry["dn"]: entry["attributes"] for entry in connection.response if "dn" in entry}
        assert {person.dn for person in forest.people} <= set(seen)
        assert all(attributes["userAccountControl"] for attributes in seen.values())
        connection.search(container, "(objectClass=*)", ldap3.BASE, attributes=["cn"])
        assert connection.response[0]["dn"] == container


def test_plain_ldap_is_refused(forest: Forest) -> None:
    server = ldap3.Server(forest.address, get_info=ldap3.NONE, connect_timeout=5)
    connection = ldap3.Connection(server, forest.reader, forest.password, receive_timeout=5)
    assert not connection.bind()
    assert connection.result["description"] == "strongerAuthRequired"
    connection.unbind()


def test_the_connector_is_allowed_everything_that_writeback_needs(own_forest: Forest) -> None:
    with Judge(own_forest.dc) as judge:
        for person in own_forest.people[::5] + [p for p in own_forest.people if p.object_class != "user"]:
            for right in RIGHTS:
                assert judge.attempt(own_forest.connector, own_forest.password, right, person.dn), (person.dn, right)
        assert not judge.attempt(own_forest.reader, own_forest.password, RIGHTS[0], own_forest.people[0].dn)


def test_a_deny_is_obeyed_and_undone(own_forest: Forest) -> None:
    person = own_forest.people[0]
    ou = own_forest.dn("OU=People")
    before = own_forest.admin.sddl(ou)
    with Judge(own_forest.dc) as judge:
        with own_forest.undoing():
            own_forest.admin.add_aces(ou, f"(OD;CI;CR;{RESET_PASSWORD};;<{own_forest.connector}>)")
            answers = [judge.attempt(own_forest.connector, own_forest.password, r, person.dn) for r in RIGHTS]
            # The grant at the root is inherited from farther away: a nearer deny comes first.
            assert answers == [False, True, True]
        assert judge.attempt(own_forest.connector, own_forest.password, "reset-password", person.dn)
    assert own_forest.admin.sddl(ou) == before


def test_switching_inheritance_off_takes_the_rights_away(own_forest: Forest) -> None:
    with own_forest.undoing(), Judge(own_forest.dc) as judge:
        own_forest.admin.protect(own_forest.dn("OU=Sales"))
        sales = [person for person in own_forest.people if "OU=Sales" in person.dn]
        attempts = [judge.attempt(own_forest.connector, own_forest.password, RIGHTS[0], p.dn) for p in sales[::4]]
        assert attempts and not any(attempts)


def test_a_user_may_change_the_own_password_until_it_is_denied(own_forest: Forest) -> None:
    person = own_forest.people[1]
    with own_forest.undoing(), Judge(own_forest.dc) as judge:
        assert judge.attempt(person.account, own_forest.password, "change-password", person.dn)
        judge.forget()
        deny = f"(OD;;CR;{CHANGE_PASSWORD};;PS)(OD;;CR;{CHANGE_PASSWORD};;WD)"
        own_forest.admin.add_aces(person.dn, deny)
        assert not judge.attempt(person.account, own_forest.password, "change-password", person.dn)
        assert judge.attempt(own_forest.connector, own_forest.password, "reset-password", person.dn)


def test_every_kind_of_change_is_undone(own_forest: Forest) -> None:
    admin, person = own_forest.admin, own_forest.people[2]

    def picture() -> list[object]:
        names = ["userAccountControl", "adminCount", "description", "memberOf", "nTSecurityDescriptor"]
        return sorted((dn, sorted(values.items())) for dn, values in admin.search(own_forest.base_dn, attributes=names))

    before = picture()
    with own_forest.undoing():
        admin.modify(person.account, adminCount=1, userAccountControl=514, description=None)
        admin.organizational_unit(own_forest.dn("OU=New"))
        admin.user(own_forest.dn("CN=New,OU=New"), "new", employeeID="7")
        admin.add_member("all-staff", "new")
        admin.move(own_forest.people[3].dn, own_forest.dn("CN=Moved,OU=New"))
        admin.protect(own_forest.dn("OU=Emea,OU=Sales"), keep=True)
        admin.remove_trustee(own_forest.base_dn, own_forest.connector)
        admin.pso("Strict", applies_to=["all-staff"], msDS_MinimumPasswordAge=-864000000000)
        admin.domain_policy(minPwdAge=1, lockoutThreshold=3)
        assert picture() != before
        with pytest.raises(AdministrationError, match="can't be undone"):
            admin.delete(person.dn)
    assert picture() == before


def test_without_policy_hints_the_root_dse_lists_none(start_forest) -> None:
    forest = start_forest(policy_hints=False)
    server = ldap3.Server(forest.address, get_info=ldap3.DSA, connect_timeout=5)
    with ldap3.Connection(server, receive_timeout=5):
        assert not set(POLICY_HINTS_OIDS) & {control[0] for control in server.info.supported_controls}


def test_a_further_domain_of_the_forest_is_listed(start_forest) -> None:
    forest = start_forest(start=False)
    forest.admin.declare_domain(f"child.{forest.domain}", "CHILD")
    forest.dc.start()
    with forest.dc.connect(forest.reader, forest.password) as connection:
        connection.search(forest.dn("CN=Partitions,CN=Configuration"), "(systemFlags=3)", attributes=["dnsRoot"])
        roots = {root for entry in connection.response for root in entry["attributes"]["dnsRoot"]}
    assert roots == {forest.domain, f"child.{forest.domain}"}


def test_two_forests_run_side_by_side(forest: Forest, second_forest: Forest) -> None:
    assert forest.address != second_forest.address
    for each in (forest, second_forest):
        with each.dc.connect(each.connector, each.password) as connection:
            assert connection.bound
        assert each.host in ask_dns(each, f"_ldap._tcp.dc._msdcs.{each.domain}.", "SRV")
    assert forest.admin.sid_of(forest.connector) != second_forest.admin.sid_of(second_forest.connector)


def test_kerberos_over_tls_signs_in(start_forest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("gssapi")
    forest = start_forest(strong_auth="allow_sasl_over_tls")
    monkeypatch.setenv("KRB5_CONFIG", str(forest.dc.krb5_config))
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/ticket")
    subprocess.run(["kinit", forest.reader.upper()], input=forest.password, text=True, check=True, timeout=30)
    tickets = subprocess.run(["kvno", f"ldap/{forest.host}"], capture_output=True, text=True, timeout=30, check=True)
    assert f"ldap/{forest.host}@" in tickets.stdout


def test_changes_while_stopped_are_there_after_the_start(fresh_forest: Forest) -> None:
    fresh_forest.dc.stop()
    fresh_forest.admin.user(fresh_forest.dn("CN=Offline,CN=Users"), "offline")
    fresh_forest.dc.start()
    with fresh_forest.dc.connect("offline", fresh_forest.password) as connection:
        assert connection.bound


def test_a_frozen_controller_hangs_and_recovers(fresh_forest: Forest) -> None:
    fresh_forest.dc.freeze()
    with socket.create_connection((fresh_forest.address, 389), timeout=0.5) as plain:
        plain.sendall(ROOT_DSE_SEARCH)
        with pytest.raises(TimeoutError):
            plain.recv(1)
    fresh_forest.dc.thaw()
    with fresh_forest.dc.connect(fresh_forest.reader, fresh_forest.password) as connection:
        assert connection.bound


def test_nothing_stays_behind(lab: None) -> None:
    with DomainController(Recipe()) as dc:
        dc.start()
        processes, directory = dc.processes, dc.directory
        assert len(processes) > 5
    assert not directory.exists()
    assert not [process for process in processes if Path(f"/proc/{process}").exists()]


def test_the_folder_of_a_killed_run_is_swept(lab: None) -> None:
    abandoned = LOCKS / "127.80.255.253.d"
    abandoned.mkdir(parents=True, exist_ok=True)
    with DomainController(Recipe()):
        assert not abandoned.exists()


def test_a_killed_test_run_leaves_no_server_behind(tmp_path: Path) -> None:
    """The keeper ends a daemon, in a session of its own, when whoever started it dies without a word."""
    keeper = Path(__file__).with_name("keeper.py")
    server = "import os, time; os.fork() or os.setsid(); time.sleep(600)"
    starter = f"""
import subprocess, sys, time
keeper = subprocess.Popen([sys.executable, {str(keeper)!r}, sys.executable, "-c", {server!r}], stdin=subprocess.PIPE,
                          start_new_session=True)
print(keeper.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        keeper_pid = int(process.stdout.readline())
        deadline = time.monotonic() + 10
        while len(family := descendants(keeper_pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
    assert len(family) == 2
    deadline = time.monotonic() + 10
    while (left := [p for p in family if _alive(p)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == []


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_certificate_names_the_host(forest: Forest) -> None:
    context = ssl.create_default_context(cafile=str(forest.ca_file))
    with (
        socket.create_connection((forest.address, 636), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=forest.host) as tls,
    ):
        assert ("DNS", forest.host) in tls.getpeercert()["subjectAltName"]
