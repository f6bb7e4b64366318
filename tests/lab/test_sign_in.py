"""Every way of signing in, and of being refused, at a real domain controller."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.forest import Forest
from lab.recording_proxy import RecordingProxy

from preflight.api import Unavailable
from preflight.directory.ldap_errors import SignInFailed
from preflight.directory.live.ldap import BindLedger, Credentials, LiveDirectory, SignIn
from preflight.directory.model import DomainController
from preflight.secret import Secret

LDAPS, STARTTLS, PLAIN = (636, "ldaps"), (389, "starttls"), (389, "none")


def directory(
    forest: Forest,
    method: str,
    where: tuple[int, str],
    *,
    user: str | None = "reader",
    password: str | None = None,
    ledger: BindLedger | None = None,
) -> LiveDirectory:
    credentials = Credentials(user, Secret(password or forest.password)) if user is not None else None
    return LiveDirectory(
        forest.domain,
        [DomainController(forest.host, *where, "configured")],
        SignIn(method, credentials),
        ledger=ledger or BindLedger(),
        resolve=lambda _: [forest.address],
        ca_file=forest.ca_file,
    )


def new_user(forest: Forest, **state: object) -> str:
    """An account of one test: it goes with the test's `undoing`, and its counts of wrong passwords with it."""
    dn = forest.dn("CN=Newcomer,OU=Sales")
    forest.admin.user(dn, "newcomer", password=forest.password, **state)
    return dn


def bad_passwords(forest: Forest, dn: str) -> int:
    [(_, found)] = forest.admin.search(dn, attributes=["badPwdCount"], scope="base")
    return int(found["badPwdCount"][0])


def reads_everybody(directory: LiveDirectory, forest: Forest, account: str = "reader") -> None:
    try:
        found = {user.distinguished_name for page in directory.users(["nTSecurityDescriptor"]) for user in page}
        assert {person.dn for person in forest.people} <= found
        token = directory.reader_token()
        assert token is not None
        assert forest.admin.sid_of(account) in token.sids
    finally:
        directory.close()


def refusal(directory: LiveDirectory) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        directory.root_dse()
    directory.close()
    return caught.value


@pytest.fixture
def kerberos(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Kerberos set up as the forest's client, with a ticket cache of its own."""

    def use(forest: Forest, *, ticket: str = "") -> None:
        monkeypatch.setenv("KRB5_CONFIG", str(forest.dc.krb5_config))
        monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'tickets'}")
        if ticket:
            subprocess.run(
                ["kinit", f"{ticket}@{forest.domain.upper()}"],
                input=forest.password + "\n",
                text=True,
                check=True,
                capture_output=True,
                timeout=30,
            )

    return use


@pytest.fixture
def without_kerberos(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "krb5.conf").write_text("[libdefaults]\ndns_lookup_kdc = false\ndns_lookup_realm = false\n")
    monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "krb5.conf"))
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'none'}")


@pytest.mark.parametrize("where", [LDAPS, STARTTLS], ids=["ldaps", "starttls"])
@pytest.mark.parametrize("user", ["reader", "reader@corp.contoso.test", "CORP\\reader", "DN"])
def test_simple_over_tls(forest: Forest, where: tuple[int, str], user: str) -> None:
    named = forest.admin.dn_of("reader") if user == "DN" else user
    reads_everybody(directory(forest, "simple", where, user=named), forest)


@pytest.mark.parametrize("user", ["reader", "reader@corp.contoso.test", "CORP\\reader"])
def test_negotiate_sealed_with_kerberos_inside(forest: Forest, kerberos, user: str) -> None:
    kerberos(forest)
    reads_everybody(directory(forest, "negotiate", PLAIN, user=user), forest)


def test_negotiate_sealed_with_the_ticket_at_hand(forest: Forest, kerberos) -> None:
    kerberos(forest, ticket="reader")
    reads_everybody(directory(forest, "negotiate", PLAIN, user=None), forest)


@pytest.mark.parametrize("user", ["reader", "reader@corp.contoso.test", "CORP\\reader"])
def test_negotiate_sealed_with_ntlm_inside(forest: Forest, without_kerberos, user: str) -> None:
    reads_everybody(directory(forest, "negotiate", PLAIN, user=user), forest)


def test_what_is_negotiated_is_sealed(forest: Forest, kerberos) -> None:
    kerberos(forest)
    with RecordingProxy(forest.dc, mode="ldap") as proxy:
        live = directory(forest, "negotiate", (proxy.listeners[0].port, "none"))
        assert next(iter(live.users(["cn"])))
        live.close()
    names = [operation.name for operation in proxy.operations]
    assert names[:2] == ["searchRequest", "bindRequest"]  # the rootDSE, in the clear, and the sign-in
    assert set(names[2:]) <= {"bindRequest", "sealed"}
    assert "sealed" in names


@pytest.fixture(scope="module")
def forest_with_kerberos_over_tls(lab: None) -> Iterator[Forest]:
    with Forest.healthy(strong_auth="allow_sasl_over_tls") as forest:
        yield forest


@pytest.mark.parametrize("where", [LDAPS, STARTTLS], ids=["ldaps", "starttls"])
def test_kerberos_over_tls(forest_with_kerberos_over_tls: Forest, kerberos, where: tuple[int, str]) -> None:
    kerberos(forest_with_kerberos_over_tls)
    reads_everybody(directory(forest_with_kerberos_over_tls, "kerberos", where), forest_with_kerberos_over_tls)


def test_kerberos_over_tls_with_the_ticket_at_hand(forest_with_kerberos_over_tls: Forest, kerberos) -> None:
    kerberos(forest_with_kerberos_over_tls, ticket="reader")
    live = directory(forest_with_kerberos_over_tls, "kerberos", LDAPS, user=None)
    reads_everybody(live, forest_with_kerberos_over_tls)


def test_a_controller_that_wants_sealing_refuses_kerberos_over_tls_by_name(forest: Forest, kerberos) -> None:
    kerberos(forest)
    error = refusal(directory(forest, "kerberos", LDAPS))
    assert (error.code, type(error)) == ("signing-required", SignInFailed)
    assert "negotiate" in error.remedy


def test_no_ticket_is_named(forest: Forest, kerberos) -> None:
    kerberos(forest)
    assert refusal(directory(forest, "negotiate", PLAIN, user=None)).code == "kerberos-no-ticket"


def test_a_realm_without_a_kdc_is_named(forest: Forest, kerberos) -> None:
    kerberos(forest)
    assert refusal(directory(forest, "kerberos", LDAPS, user="a@elsewhere.test")).code == "kerberos-unknown-realm"


def test_a_controller_without_a_service_principal_is_named(forest: Forest, kerberos) -> None:
    kerberos(forest)
    live = LiveDirectory(
        forest.domain,
        [DomainController(forest.address, 389, "none", "configured")],
        SignIn("negotiate"),
        ledger=BindLedger(),
    )
    kerberos(forest, ticket="reader")
    assert refusal(live).code in ("kerberos-spn-missing", "kerberos-unknown-realm")


@pytest.mark.parametrize(
    ("method", "where"),
    [("simple", LDAPS), ("kerberos", LDAPS), ("negotiate", PLAIN)],
    ids=["simple", "kerberos", "negotiate"],
)
def test_a_wrong_password_counts_once_whatever_the_method(
    own_forest: Forest, kerberos, method: str, where: tuple[int, str]
) -> None:
    kerberos(own_forest)
    with own_forest.undoing():
        own_forest.admin.domain_policy(lockoutThreshold=3)
        dn = new_user(own_forest)
        ledger = BindLedger()
        for _ in range(3):
            live = directory(own_forest, method, where, user="newcomer", password="wrong", ledger=ledger)
            assert refusal(live).code == "invalid-credentials"
        assert bad_passwords(own_forest, dn) == 1


def test_ntlm_with_a_wrong_password_counts_once(own_forest: Forest, without_kerberos) -> None:
    with own_forest.undoing(), RecordingProxy(own_forest.dc, mode="ldap") as proxy:
        new_user(own_forest)
        ledger, where = BindLedger(), (proxy.listeners[0].port, "none")
        for _ in range(3):
            live = directory(own_forest, "negotiate", where, user="newcomer", password="wrong", ledger=ledger)
            assert refusal(live).code == "invalid-credentials"
        # NTLM's negotiate message, which tells nothing of the password, and its answer to the challenge.
        assert proxy.count("bindRequest") == 2


def test_four_controllers_get_one_wrong_password_between_them(own_forest: Forest) -> None:
    with own_forest.undoing(), RecordingProxy(own_forest.dc, listeners=4) as proxy:
        own_forest.admin.domain_policy(lockoutThreshold=3)
        dn = new_user(own_forest)
        ledger = BindLedger()
        codes: list[str] = []

        def sign_in(port: int) -> None:
            live = LiveDirectory(
                own_forest.domain,
                [DomainController(own_forest.host, port, "ldaps", "configured")],
                SignIn("simple", Credentials("newcomer", Secret("wrong"))),
                ledger=ledger,
                resolve=lambda _: [own_forest.address],
                ca_file=proxy.ca_file,
            )
            for _ in range(2):
                try:
                    live.root_dse()
                except Unavailable as error:
                    codes.append(error.code)
            live.close()

        threads = [threading.Thread(target=sign_in, args=(listener.port,)) for listener in proxy.listeners]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert codes == ["invalid-credentials"] * 8
        assert proxy.count("bindRequest") == 1
        assert bad_passwords(own_forest, dn) == 1
        reads_everybody(directory(own_forest, "simple", LDAPS, user="newcomer"), own_forest, account="newcomer")


@pytest.mark.parametrize(
    ("state", "data", "code"),
    [
        ({"userAccountControl": 514}, "533", "account-disabled"),
        ({"accountExpires": 116444736000000000}, "701", "account-expired"),
        ({"pwdLastSet": 0}, "773", "password-must-change"),
        ({"logonHours": bytes(21)}, "530", "logon-hours"),
        ({"userWorkstations": "ELSEWHERE"}, "531", "workstation-restriction"),
    ],
)
def test_the_state_of_an_account_is_named(own_forest: Forest, state: dict[str, object], data: str, code: str) -> None:
    with own_forest.undoing():
        new_user(own_forest, **state)
        error = refusal(directory(own_forest, "simple", LDAPS, user="newcomer"))
    assert isinstance(error, SignInFailed)
    assert (error.code, error.data_code, error.account_state) == (code, data, True)


def test_a_locked_account_is_named(own_forest: Forest) -> None:
    with own_forest.undoing():
        own_forest.admin.domain_policy(lockoutThreshold=2)
        new_user(own_forest)
        for _ in range(3):
            refusal(directory(own_forest, "simple", LDAPS, user="newcomer", password="wrong"))
        error = refusal(directory(own_forest, "simple", LDAPS, user="newcomer"))
        assert isinstance(error, SignInFailed)
        assert (error.code, error.data_code, error.account_state) == ("account-locked", "775", True)
