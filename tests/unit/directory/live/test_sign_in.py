from __future__ import annotations

import logging
import ssl
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from ldap_peer import LdapPeer, bind_result

from preflight.api import Unavailable
from preflight.directory.ldap_errors import ACCOUNT_STATES, REASONS, SignInFailed, bind_refused
from preflight.directory.live.deadline import Deadline, Timeouts
from preflight.directory.live.ldap import BindLedger, Credentials, LiveDirectory, SignIn
from preflight.directory.model import DomainController
from preflight.secret import Secret

WRONG = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {}, v1db1\x00"
PASSWORD = "Pa55-never-shown"
TIMEOUTS = Timeouts(connect=2.0, handshake=3.0, bind=1.0, page=2.0)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return authority, path


@pytest.fixture
def peer(authority: tuple[trustme.CA, Path]) -> Iterator[LdapPeer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("dc1.corp.contoso.test").configure_cert(context)
    with LdapPeer(context=context) as peer:
        yield peer


def directory(
    authority: tuple[trustme.CA, Path], *ports: int, ledger: BindLedger | None = None, user: str = "reader"
) -> LiveDirectory:
    return LiveDirectory(
        "corp.contoso.test",
        [DomainController("dc1.corp.contoso.test", port, "ldaps", "configured") for port in ports],
        SignIn("simple", Credentials(user, Secret(PASSWORD))),
        ledger=ledger or BindLedger(),
        resolve=lambda _: ["127.0.0.1"],
        ca_file=authority[1],
        timeouts=TIMEOUTS,
    )


def refusal(directory: LiveDirectory) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        directory.root_dse()
    directory.close()
    return caught.value


@pytest.mark.parametrize(
    ("data", "code", "state"),
    [
        ("525", "user-not-found", False),
        ("52e", "invalid-credentials", False),
        ("530", "logon-hours", True),
        ("531", "workstation-restriction", True),
        ("532", "password-expired", True),
        ("533", "account-disabled", True),
        ("701", "account-expired", True),
        ("773", "password-must-change", True),
        ("775", "account-locked", True),
        ("51f", "no-logon-servers", False),
        ("569", "logon-type-not-granted", False),
    ],
)
def test_each_data_code_of_a_refusal_has_a_name_and_a_remedy(data: str, code: str, state: bool) -> None:
    error = bind_refused(49, WRONG.format(data), "reader on dc1")
    assert (error.code, error.data_code, error.account_state, error.final) == (code, data, state, True)
    assert error.reason.startswith("reader on dc1: ")
    assert error.remedy
    assert (data in ACCOUNT_STATES) is state


@pytest.mark.parametrize(
    ("result", "message", "code", "final"),
    [
        (49, "80090346: LdapErr: DSID-0C0907A0, comment: data 80090346, v4563", "channel-binding-required", True),
        (49, "no such luck", "invalid-credentials", True),
        (8, "BindSimple: Transport encryption required.", "signing-required", False),
        (13, "", "confidentiality-required", False),
        (51, "", "busy", False),
        (7, "", "method-not-supported", False),
        (123, "", "ldap-error", False),
    ],
)  # fmt: skip
def test_other_refusals_have_names_too(result: int, message: str, code: str, final: bool) -> None:
    error = bind_refused(result, message, "x")
    assert (error.code, error.final) == (code, final)
    assert error.code in REASONS


def test_every_reason_says_what_and_what_to_do() -> None:
    assert all(reason.meaning and reason.remedy for reason in REASONS.values())


def test_a_wrong_password_reaches_four_controllers_once(authority: tuple[trustme.CA, Path], peer: LdapPeer) -> None:
    # Asked at the same time: two directories with the same user, each with two controllers, eight threads.
    peer.on_bind = lambda _: [0.2, bind_result(49, WRONG.format("52e"))]
    ledger = BindLedger()
    directories = [
        directory(authority, peer.port, peer.port, ledger=ledger),
        directory(authority, peer.port, peer.port, ledger=ledger, user="READER@corp.contoso.test"),
    ]
    codes: list[str] = []

    def ask(directory: LiveDirectory) -> None:
        try:
            directory.root_dse()
        except Unavailable as error:
            codes.append(error.code)

    threads = [threading.Thread(target=ask, args=(directories[number % 2],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for each in directories:
        each.close()
    assert codes == ["invalid-credentials"] * 8
    assert peer.count("bindRequest") == 1


def test_a_refused_password_is_refused_in_the_next_round_of_the_same_run_without_asking(
    authority: tuple[trustme.CA, Path], peer: LdapPeer
) -> None:
    peer.on_bind = lambda _: [bind_result(49, WRONG.format("775"))]
    ledger = BindLedger()
    for _ in range(3):
        error = refusal(directory(authority, peer.port, ledger=ledger))
        assert isinstance(error, SignInFailed)
        assert (error.code, error.data_code, error.account_state) == ("account-locked", "775", True)
    assert peer.count("bindRequest") == 1


def test_binds_that_are_not_answered_stop_before_they_could_lock_the_account(
    authority: tuple[trustme.CA, Path], peer: LdapPeer
) -> None:
    peer.on_bind = lambda _: [None]
    error = refusal(directory(authority, *[peer.port] * 4))
    assert error.code == "no-controller"
    assert "connection-lost" in str(error.evidence)
    assert "bind-outcome-unknown" in str(error.evidence)
    assert peer.count("bindRequest") == 2


def test_a_controller_too_busy_for_a_sign_in_is_passed_over(authority: tuple[trustme.CA, Path], peer: LdapPeer) -> None:
    answers = iter([bind_result(51), bind_result()])
    peer.on_bind = lambda _: [next(answers)]
    live = directory(authority, peer.port, peer.port)
    assert live.root_dse().host == "dc1.corp.contoso.test"
    live.close()


def test_who_waits_for_anothers_bind_waits_no_longer_than_his_deadline() -> None:
    ledger, entered, release = BindLedger(), threading.Event(), threading.Event()

    def hang() -> None:
        with ledger.turn("reader@x", "dc1", Deadline.after(5)):
            entered.set()
            release.wait(10)

    thread = threading.Thread(target=hang)
    thread.start()
    entered.wait(5)
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught, ledger.turn("READER@X", "dc2", Deadline.after(0.3)):
        pytest.fail("two binds of one user at once")
    assert caught.value.code == "bind-in-progress"
    assert time.monotonic() - began < 2
    with ledger.turn("somebody else", "dc2", Deadline.after(0.3)):
        pass
    release.set()
    thread.join(5)


def test_an_empty_password_is_not_taken_for_a_sign_in(authority: tuple[trustme.CA, Path], peer: LdapPeer) -> None:
    live = LiveDirectory(
        "corp.contoso.test",
        [DomainController("dc1.corp.contoso.test", peer.port, "ldaps", "configured")],
        SignIn("simple", Credentials("reader", Secret(""))),
        ledger=BindLedger(),
        resolve=lambda _: ["127.0.0.1"],
        ca_file=authority[1],
        timeouts=TIMEOUTS,
    )
    assert refusal(live).code == "empty-password"
    assert peer.count("bindRequest") == 0


@pytest.mark.parametrize("method", ["simple", "kerberos"])
def test_nothing_is_signed_in_to_without_encryption(method: str) -> None:
    with LdapPeer() as peer:
        live = LiveDirectory(
            "corp.contoso.test",
            [DomainController("127.0.0.1", peer.port, "none", "configured")],
            SignIn(method, Credentials("reader", Secret(PASSWORD))),
            ledger=BindLedger(),
            timeouts=TIMEOUTS,
        )
        assert refusal(live).code == "unencrypted"
        assert peer.count("bindRequest") == 0


def test_sealing_is_not_used_over_tls(authority: tuple[trustme.CA, Path], peer: LdapPeer) -> None:
    live = LiveDirectory(
        "corp.contoso.test",
        [DomainController("dc1.corp.contoso.test", peer.port, "ldaps", "configured")],
        SignIn("negotiate", Credentials("reader", Secret(PASSWORD))),
        ledger=BindLedger(),
        resolve=lambda _: ["127.0.0.1"],
        ca_file=authority[1],
        timeouts=TIMEOUTS,
    )
    assert refusal(live).code == "sealed-over-tls"
    assert peer.count("bindRequest") == 0


def test_the_password_is_in_no_log_repr_or_traceback(
    authority: tuple[trustme.CA, Path], peer: LdapPeer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    peer.on_bind = lambda _: [bind_result(49, WRONG.format("52e"))]
    live = directory(authority, peer.port)
    with pytest.raises(Unavailable) as caught:
        live.root_dse()
    live.close()
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert PASSWORD not in shown
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(SignIn("simple", Credentials("reader", Secret(PASSWORD))))


def test_the_user_without_a_domain_belongs_to_the_one_that_is_signed_in_to() -> None:
    def principal(user: str) -> str:
        return SignIn("simple", Credentials(user, Secret("x"))).principal("corp.contoso.test")

    assert principal("reader") == "reader@corp.contoso.test"
    for named in ("reader@contoso.com", "CORP\\reader", "CN=reader,DC=x"):
        assert principal(named) == named
    assert SignIn("negotiate").principal("corp.contoso.test") == ""


@pytest.mark.parametrize(("method", "credentials"), [("ntlm", None), ("simple", None)])
def test_a_sign_in_that_makes_no_sense_is_refused_at_once(method: str, credentials: Credentials | None) -> None:
    with pytest.raises(ValueError, match=method):
        SignIn(method, credentials)
