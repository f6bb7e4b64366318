"""What can't be seen is unknown, and what wasn't looked at never passes."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import trustme
from lab.forest import RESET_PASSWORD, Forest
from lab.recording_proxy import RecordingProxy
from lab.running import codes, findings_of, noteworthy, passed, results_of, run, statuses

from preflight.api import Status
from preflight.report import Report, Verdict

PER_USER = {
    "permissions.reset-password",
    "permissions.write-lockout-time",
    "permissions.write-pwd-last-set",
    "permissions.change-password",
    "anchors.unique",
}
"""Checks that say something about every user."""

OF_RIGHTS = PER_USER - {"anchors.unique"} | {"permissions.unexpire-password", "permissions.sam-read"}

CONNECTOR = "MSOL_0123abcd"
USERS = "805306368"
"""In the filter of the search for users."""

QUICK = "[network]\ntimeout = 0.5\n"
"""A page may take 12 times as long, a sign-in 4 times, a connection once."""


def assert_unknown(report: Report, *checks: str, exit_code: int = 4) -> None:
    for check in checks:
        assert statuses(report)[check] == "unknown", (check, statuses(report)[check], findings_of(report, check))
        found = noteworthy(report, check)
        for finding in found:
            assert finding.summary and finding.expected and finding.remedy, finding
            assert found.count(finding) == 1, finding
    assert report.exit_code() == exit_code, statuses(report)
    assert exit_code != 4 or report.verdict is Verdict.UNDETERMINED


def told(report: Report, check: str) -> str:
    return " ".join(f"{finding.summary} {finding.observed} {finding.remedy}" for finding in noteworthy(report, check))


# What the reader may not see


def test_where_pre_windows_2000_compatible_access_is_empty_nothing_about_people_passes(
    own_forest: Forest, tmp_path: Path
) -> None:
    with own_forest.undoing():
        own_forest.admin.remove_member(
            own_forest.dn("CN=Pre-Windows 2000 Compatible Access,CN=Builtin"),
            own_forest.dn("CN=S-1-5-11,CN=ForeignSecurityPrincipals"),
        )
        report = run(own_forest, tmp_path)
    assert_unknown(report, "account.connector-usable", "anchors.unique")
    assert codes(report, "account.connector-usable") == {"state-unreadable"}
    assert codes(report, "anchors.unique") == {"unreadable"}
    assert all(statuses(report)[check] == "skipped" for check in OF_RIGHTS)
    assert not passed(report) & (PER_USER | OF_RIGHTS)


def test_a_connector_that_can_be_judged_does_not_make_up_for_users_that_can_not(
    own_forest: Forest, tmp_path: Path
) -> None:
    """Pre-Windows 2000 Compatible Access is empty, and the reader may read the connector account alone."""
    with own_forest.undoing():
        own_forest.admin.remove_member(
            own_forest.dn("CN=Pre-Windows 2000 Compatible Access,CN=Builtin"),
            own_forest.dn("CN=S-1-5-11,CN=ForeignSecurityPrincipals"),
        )
        own_forest.admin.add_aces(own_forest.dn(f"CN={CONNECTOR},CN=Users"), "(A;;RP;;;<reader>)")
        report = run(own_forest, tmp_path)
    assert statuses(report)["account.connector-usable"] == "pass"
    assert_unknown(report, *PER_USER)
    assert "standing-unreadable" in codes(report, "permissions.reset-password")
    assert report.users[0].outcomes["ok"] == 1  # the reader, who may read himself
    # Two of the many groups that count for the connector may be hidden too; what is said here must stand on its own.
    assert statuses(report)["permissions.unexpire-password"] in ("pass", "unknown")


def _list_denied(forest: Forest) -> None:
    forest.admin.add_aces(forest.dn("OU=Emea,OU=Sales"), "(D;;LC;;;<reader>)", first=True)


def _closed(relative: str, *more: str) -> Callable[[Forest], None]:
    """Nothing is granted to ordinary readers: not even what class of object it is."""

    def seed(forest: Forest) -> None:
        forest.admin.set_sddl(forest.dn(relative), "D:P(A;CI;GA;;;DA)(A;CI;GA;;;SY)" + "".join(more))

    return seed


def _descriptor_denied(forest: Forest) -> None:
    forest.admin.add_aces(forest.dn("OU=Emea,OU=Sales"), "(D;;RC;;;<reader>)", first=True)


@pytest.mark.parametrize(
    ("seed", "where"),
    [
        (_list_denied, "OU=Emea,OU=Sales"),
        (_closed("OU=Emea,OU=Sales"), "OU=Emea,OU=Sales"),
        (_closed("OU=Emea,OU=Sales", "(A;;RC;;;AU)"), "OU=Emea,OU=Sales"),
        (_closed("CN=Bea Sales,OU=Sales"), "CN=Bea Sales,OU=Sales"),
        (_descriptor_denied, "OU=Emea,OU=Sales"),
    ],
    ids=["list contents denied", "closed OU", "closed OU with a readable descriptor", "closed user", "no descriptor"],
)
def test_what_is_hidden_from_the_reader_is_named_and_nothing_passes(
    seed: Callable[[Forest], None], where: str, own_forest: Forest, tmp_path: Path
) -> None:
    with own_forest.undoing():
        seed(own_forest)
        report = run(own_forest, tmp_path)
        elsewhere = run(own_forest, tmp_path, search_bases=[own_forest.dn("OU=People")])
        left_out = run(own_forest, tmp_path, exclude=[own_forest.dn("OU=Sales")])
    assert_unknown(report, *PER_USER)
    for check in PER_USER:
        assert own_forest.dn(where) in told(report, check)
    assert not report.users[0].complete
    assert elsewhere.verdict is Verdict.READY
    assert left_out.verdict is Verdict.READY


def test_a_connector_in_an_ou_that_the_reader_may_not_look_into_is_unknown(own_forest: Forest, tmp_path: Path) -> None:
    with own_forest.undoing():
        own_forest.admin.user(own_forest.dn("CN=MSOL_99999999,OU=Emea,OU=Sales"), "MSOL_99999999")
        _closed("OU=Emea,OU=Sales")(own_forest)
        report = run(own_forest, tmp_path, connector={"account": "MSOL_99999999"})
    assert_unknown(report, "account.connector-usable")
    assert "OU=Emea,OU=Sales" in told(report, "account.connector-usable")


@pytest.mark.parametrize("base", ["OU=Emea,OU=Sales", "OU=Sales"])
def test_a_search_base_that_is_closed_to_the_reader_is_unknown(base: str, own_forest: Forest, tmp_path: Path) -> None:
    with own_forest.undoing():
        _closed("OU=Emea,OU=Sales")(own_forest)
        report = run(own_forest, tmp_path, search_bases=[own_forest.dn(base)])
    assert_unknown(report, *PER_USER)


def test_users_without_a_descriptor_are_unknown(own_forest: Forest, tmp_path: Path) -> None:
    with own_forest.undoing():
        for person in own_forest.people[-3:]:
            own_forest.admin.add_aces(person.dn, "(D;;RC;;;<reader>)", first=True)
        report = run(own_forest, tmp_path)
    assert_unknown(report, *PER_USER - {"anchors.unique"})
    assert codes(report, "permissions.reset-password") == {"unreadable"}
    assert report.users[0].outcomes["unknown"] == 2  # one of the three is disabled
    assert statuses(report)["anchors.unique"] == "pass"


def test_a_domain_head_without_a_descriptor_leaves_unexpire_password_unknown(
    own_forest: Forest, tmp_path: Path
) -> None:
    with own_forest.undoing():
        own_forest.admin.add_aces(own_forest.dn(), "(D;;RC;;;<reader>)", first=True)
        report = run(own_forest, tmp_path)
    assert_unknown(report, "permissions.unexpire-password")
    assert codes(report, "permissions.unexpire-password") == {"unreadable"}


def test_fine_grained_policies_that_may_be_hidden_are_unknown_and_stop_nobody(
    own_forest: Forest, tmp_path: Path
) -> None:
    with own_forest.undoing():
        own_forest.admin.pso("Hidden", applies_to=["sales-staff"], msDS_MinimumPasswordAge=-864_000_000_000)
        own_forest.admin.remove_trustee(own_forest.dn("CN=Password Settings Container,CN=System"), "reader")
        report = run(own_forest, tmp_path)
    assert_unknown(report, "policy.minimum-age", "policy.summary", exit_code=0)
    assert codes(report, "policy.minimum-age") == {"fine-grained-unreadable"}
    assert report.verdict is Verdict.READY_WITH_WARNINGS


@pytest.mark.parametrize(
    "bases", [["OU=Nowhere"], ["OU=People", "OU=Nowhere"], ["OU=Groups"], ["OU=People", "OU=Groups"]], ids=" and ".join
)
def test_a_search_base_that_is_missing_or_empty_is_unknown(
    bases: list[str], own_forest: Forest, tmp_path: Path
) -> None:
    report = run(own_forest, tmp_path, search_bases=[own_forest.dn(base) for base in bases])
    assert_unknown(report, *PER_USER)
    assert own_forest.dn(bases[-1]) in told(report, "permissions.reset-password")


def test_where_everybody_is_excluded_nothing_passes(own_forest: Forest, tmp_path: Path) -> None:
    everywhere = [own_forest.dn(place) for place in ("OU=People", "OU=Sales", "CN=Users")]
    report = run(own_forest, tmp_path, exclude=everywhere)
    assert not passed(report) & PER_USER
    assert report.exit_code() == 4


def test_an_export_without_descriptors_passes_no_right(own_forest: Forest, tmp_path: Path) -> None:
    export = tmp_path / "export.ldf"
    password = tmp_path / "password"
    password.write_text(own_forest.password)
    environment = {**os.environ, "LDAPTLS_CACERT": str(own_forest.ca_file), "LDAPTLS_REQCERT": "allow"}
    sign_in = ["-x", "-H", f"ldaps://{own_forest.address}", "-D", own_forest.reader, "-y", str(password)]
    what = [["-b", "", "-s", "base"], ["-b", own_forest.base_dn, "-E", "pr=500/noprompt"]]
    with export.open("wb") as file:  # without the SD-flags control an ordinary reader gets no descriptor
        for where in what:
            subprocess.run(
                ["ldapsearch", "-LLL", *sign_in, *where, "(objectClass=*)", "*", "+", "nTSecurityDescriptor"],
                stdout=file,
                check=True,
                timeout=60,
                env=environment,
            )
    assert b"nTSecurityDescriptor" not in export.read_bytes()
    report = run(
        own_forest,
        tmp_path,
        ldif=str(export),
        **dict.fromkeys(("controllers", "user", "password_env", "ca_file", "nameserver")),
    )
    assert not passed(report) & OF_RIGHTS
    assert report.exit_code() == 4
    for check in PER_USER - {"anchors.unique"}:
        assert statuses(report)[check] in ("unknown", "skipped")


# Readings that break off


@pytest.fixture
def proxy(own_forest: Forest) -> Iterator[RecordingProxy]:
    with RecordingProxy(own_forest.dc) as proxy:
        yield proxy


def run_through(proxy: RecordingProxy, forest: Forest, folder: Path, **changes: object) -> Report:
    return run(
        forest, folder, **{"controllers": proxy.controllers, "ca_file": str(proxy.ca_file), "more": QUICK, **changes}
    )


@pytest.mark.parametrize("do", ["cut", "reset"])
def test_what_was_found_before_the_controller_died_stays(
    do: str, own_forest: Forest, proxy: RecordingProxy, tmp_path: Path
) -> None:
    """The first search base is read, with a fault in it; then the connection dies."""
    bases = [own_forest.dn("OU=People"), own_forest.dn("OU=Sales")]
    proxy.fault(do, on="searchRequest", matching=bases[1])
    with own_forest.undoing():
        own_forest.admin.add_aces(own_forest.dn("OU=Berlin,OU=People"), f"(OD;CI;CR;{RESET_PASSWORD};;<{CONNECTOR}>)")
        report = run_through(proxy, own_forest, tmp_path, search_bases=bases)
    found = {finding.code: finding.status for finding in findings_of(report, "permissions.reset-password")}
    assert found.pop("ace-denied") is Status.FAIL
    assert set(found.values()) == {Status.UNKNOWN}
    assert not passed(report) & PER_USER
    assert report.exit_code() == 3  # what was seen is enough for that
    assert not report.users[0].complete and report.users[0].seen > 0


def test_a_controller_that_is_killed_while_users_are_read_is_never_a_pass(fresh_forest: Forest, tmp_path: Path) -> None:
    with RecordingProxy(fresh_forest.dc) as proxy:
        proxy.fault("delay", on="searchRequest", matching=USERS, seconds=2.0)
        reports: list[Report] = []
        thread = threading.Thread(target=lambda: reports.append(run_through(proxy, fresh_forest, tmp_path)))
        thread.start()
        end = time.monotonic() + 20
        while not any(USERS in operation.filter for operation in proxy.operations) and time.monotonic() < end:
            time.sleep(0.02)
        fresh_forest.dc.kill()
        thread.join(60)
    [report] = reports
    assert not passed(report) & PER_USER
    assert report.exit_code() == 4


@pytest.mark.parametrize(
    ("code", "name"), [(4, "size-limit"), (11, "admin-limit"), (51, "busy"), (3, "time-limit"), (1, "operations-error")]
)
def test_an_answer_that_ends_in_an_error_is_not_the_whole_answer(
    code: int, name: str, own_forest: Forest, proxy: RecordingProxy, tmp_path: Path
) -> None:
    proxy.fault("result", on="searchRequest", matching=f"(sAMAccountType={USERS})", code=code)
    report = run_through(proxy, own_forest, tmp_path)
    assert not passed(report) & PER_USER
    assert report.exit_code() == 4
    reasons = {finding.evidence.get("reason") for check in PER_USER for finding in noteworthy(report, check)}
    assert name in reasons, reasons


@pytest.mark.parametrize(
    "base", ["CN=Partitions", "CN=Directory Service", "CN=Password Settings Container", "CN=Server,"]
)
def test_a_side_search_that_fails_makes_only_what_needs_it_unknown(
    base: str, own_forest: Forest, proxy: RecordingProxy, tmp_path: Path
) -> None:
    proxy.fault("result", on="searchRequest", matching=base, code=51)
    report = run_through(proxy, own_forest, tmp_path)
    assert report.verdict is not Verdict.READY
    changed = {check for check, status in statuses(report).items() if status != "pass"}
    assert changed
    for check in changed:
        assert statuses(report)[check] in ("unknown", "warn", "skipped"), findings_of(report, check)


# Controllers that hang


@pytest.mark.parametrize(
    ("stall", "within"),
    [
        ({"on": "bindRequest"}, 10.0),
        ({"on": "searchRequest", "matching": USERS}, 20.0),
        ({"on": "searchRequest", "after": 3}, 30.0),
    ],
    ids=["signing in", "reading users", "after the first answers"],
)
def test_a_controller_that_stops_answering_ends_the_run_in_time(
    stall: Mapping[str, object], within: float, own_forest: Forest, proxy: RecordingProxy, tmp_path: Path
) -> None:
    proxy.fault("stall", **stall)
    begun = time.monotonic()
    report = run_through(proxy, own_forest, tmp_path, more="[network]\ntimeout = 0.3\n")
    assert time.monotonic() - begun < within
    assert not passed(report) & PER_USER
    assert report.exit_code() == 4


def test_a_frozen_controller_ends_the_run_in_time(own_forest: Forest, tmp_path: Path) -> None:
    own_forest.dc.freeze()
    try:
        begun = time.monotonic()
        report = run(own_forest, tmp_path, more=QUICK)  # its DNS is frozen, too
        assert time.monotonic() - begun < 20
    finally:
        own_forest.dc.thaw()
    assert not passed(report) & (PER_USER | OF_RIGHTS | {"directory.bind"})
    assert report.verdict in (Verdict.UNDETERMINED, Verdict.NOT_READY)


# Signing in


def test_a_refused_plain_sign_in_is_named(own_forest: Forest, proxy: RecordingProxy, tmp_path: Path) -> None:
    proxy.fault("answer", on="bindRequest", code=8, text="00002028: LdapErr: DSID-0C090259")
    report = run_through(proxy, own_forest, tmp_path)
    assert_unknown(report, "directory.bind")
    assert codes(report, "directory.bind") == {"signing-required"}
    assert not passed(report) & (PER_USER | OF_RIGHTS)


def test_a_wrong_password_is_sent_once_over_four_controllers(fresh_forest: Forest, tmp_path: Path) -> None:
    fresh_forest.admin.domain_policy(lockoutThreshold=3)
    with RecordingProxy(fresh_forest.dc, listeners=4) as proxy:
        report = run_through(proxy, fresh_forest, tmp_path, environ=dict.fromkeys(fresh_forest.environment, "wrong"))
        binds = [operation for operation in proxy.operations if operation.name == "bindRequest" and operation.dn]
    assert len(binds) == 1
    assert_unknown(report, "directory.bind")
    assert codes(report, "directory.bind") == {"invalid-credentials"}
    assert statuses(report)["dc.reachable"] == "pass"
    [(_, reader)] = fresh_forest.admin.search(
        fresh_forest.dn("CN=Preflight reader,CN=Users"), attributes=["badPwdCount", "lockoutTime"], scope="base"
    )
    assert reader["badPwdCount"] == [b"1"]
    assert reader.get("lockoutTime", [b"0"]) == [b"0"]


def test_a_disabled_connector_that_reads_for_itself_is_a_fail(own_forest: Forest, tmp_path: Path) -> None:
    with own_forest.undoing():
        own_forest.admin.modify(CONNECTOR, userAccountControl=0x10202)
        report = run(own_forest, tmp_path, user=f"{CONNECTOR}@{own_forest.domain}")
    assert statuses(report)["directory.bind"] == "fail"
    assert codes(report, "directory.bind") == {"account-disabled"}
    assert report.exit_code() == 3


def test_a_disabled_reader_says_nothing_of_writeback(own_forest: Forest, tmp_path: Path) -> None:
    with own_forest.undoing():
        own_forest.admin.modify("reader", userAccountControl=0x202)
        report = run(own_forest, tmp_path)
    assert_unknown(report, "directory.bind")
    assert codes(report, "directory.bind") == {"account-disabled"}


def test_the_connector_account_as_reader_sees_a_healthy_forest(own_forest: Forest, tmp_path: Path) -> None:
    with own_forest.undoing():
        own_forest.admin.add_aces(
            own_forest.dn("CN=Password Settings Container,CN=System"), f"(A;CI;RPLCRC;;;<{CONNECTOR}>)"
        )
        report = run(own_forest, tmp_path, user=f"{CONNECTOR}@{own_forest.domain}")
    assert report.verdict is Verdict.READY
    assert "rootDSE" in str(report.run.sign_in[0]["connector_token"])


# What is no domain controller


@contextlib.contextmanager
def https_server(forest: Forest, folder: Path) -> Iterator[tuple[int, Path]]:
    """Its port, and the authority of its certificate."""
    authority = trustme.CA()
    ca_file = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(forest.host).configure_cert(context)
    with http.server.ThreadingHTTPServer((forest.address, 0), http.server.BaseHTTPRequestHandler) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], ca_file
        finally:
            server.shutdown()
            thread.join()


def test_a_web_server_is_no_domain_controller(own_forest: Forest, tmp_path: Path) -> None:
    with https_server(own_forest, tmp_path) as (port, ca_file):
        report = run(
            own_forest, tmp_path, more=QUICK, controllers=[f"ldaps://{own_forest.host}:{port}"], ca_file=str(ca_file)
        )
    assert statuses(report)["dc.reachable"] in ("fail", "unknown")
    assert str(port) in told(report, "dc.reachable")
    assert not passed(report) & (PER_USER | OF_RIGHTS | {"dc.reachable", "dc.policy-hints", "directory.bind"})


@pytest.mark.skipif(shutil.which("slapd", path="/usr/sbin:/usr/bin") is None, reason="slapd isn't installed")
def test_an_openldap_server_is_no_domain_controller(own_forest: Forest, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert(own_forest.host)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    (tmp_path / "slapd.conf").write_text(
        f"include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_ldif\n"
        f"TLSCertificateFile {tmp_path}/server.pem\nTLSCertificateKeyFile {tmp_path}/server.pem\n"
        f'database ldif\nsuffix "{own_forest.base_dn}"\ndirectory {tmp_path}\n'
    )
    with socket.socket() as free:
        free.bind((own_forest.address, 0))
        port = free.getsockname()[1]
    slapd = subprocess.Popen(
        [
            "/usr/sbin/slapd",
            "-d",
            "0",
            "-f",
            str(tmp_path / "slapd.conf"),
            "-h",
            f"ldaps://{own_forest.address}:{port}",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_port(own_forest.address, port)
        report = run(
            own_forest, tmp_path, controllers=[f"ldaps://{own_forest.host}:{port}"], ca_file=str(tmp_path / "ca.pem")
        )
    finally:
        slapd.terminate()
        slapd.wait(10)
    assert results_of(report, "dc.reachable")[0].status is Status.FAIL
    assert codes(report, "dc.reachable") == {"not-a-domain-controller"}
    assert not passed(report) & (PER_USER | OF_RIGHTS | {"directory.bind"})


def _await_port(address: str, port: int) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((address, port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
