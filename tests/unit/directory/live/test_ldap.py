"""The live directory against servers that answer as told: choosing a controller, TLS, ranges, threads."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from ldap_peer import ROOT_DSE, LdapPeer, done, entry

from preflight.api import Unavailable
from preflight.directory.live.deadline import Timeouts
from preflight.directory.live.ldap import BindLedger, Credentials, LiveDirectory, SignIn, read_root_dse
from preflight.directory.model import DomainController
from preflight.secret import Secret

HOST = "dc1.corp.contoso.test"
TIMEOUTS = Timeouts(connect=1.0, handshake=1.0, bind=1.0, page=2.0)
PERSON = "CN=Ann,DC=corp,DC=contoso,DC=test"

Authority = tuple[trustme.CA, Path]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return authority, path


def server_context(authority: trustme.CA, *names: str, **options: object) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or (HOST,)), **options).configure_cert(context)
    return context


@pytest.fixture
def peer(authority: Authority) -> Iterator[LdapPeer]:
    with LdapPeer(context=server_context(authority[0])) as peer:
        yield peer


def ldaps(port: int, host: str = HOST) -> DomainController:
    return DomainController(host, port, "ldaps", "configured")


@pytest.fixture
def open_directory(authority: Authority) -> Iterator[Callable[..., LiveDirectory]]:
    opened: list[LiveDirectory] = []

    def open_directory(*controllers: DomainController, name: str = "corp.contoso.test") -> LiveDirectory:
        directory = LiveDirectory(
            name,
            controllers,
            SignIn("simple", Credentials("reader", Secret("x"))),
            ledger=BindLedger(),
            resolve=lambda _: ["127.0.0.1"],
            ca_file=authority[1],
            timeouts=TIMEOUTS,
        )
        opened.append(directory)
        return directory

    yield open_directory
    for directory in opened:
        directory.close()


def refusal(directory: LiveDirectory) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        directory.root_dse()
    return caught.value


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def silent_listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_the_first_controller_that_answers_is_kept_to_the_end(
    peer: LdapPeer, open_directory: Callable[..., LiveDirectory]
) -> None:
    directory = open_directory(ldaps(closed_port()), ldaps(peer.port))
    assert directory.root_dse().host == HOST
    assert directory.origin == f"{HOST}:{peer.port} as reader (simple)"
    assert list(directory.users(["cn"])) == [[]]


def test_when_no_controller_answers_each_says_why(open_directory: Callable[..., LiveDirectory]) -> None:
    with silent_listener() as silent:
        error = refusal(open_directory(ldaps(closed_port()), ldaps(silent)))
    assert error.code == "no-controller"
    assert [line.rpartition(": ")[2] for line in error.evidence["controllers"]] == ["tcp-refused", "timed-out"]


def test_a_domain_without_controllers_is_unavailable(open_directory: Callable[..., LiveDirectory]) -> None:
    assert refusal(open_directory()).code == "no-controller"


@pytest.mark.parametrize(
    ("root_dse", "expected"),
    [
        ({"supportedCapabilities": []}, "not-a-domain-controller"),
        ({"supportedCapabilities": ["1.2.840.113556.1.4.1851"]}, "not-a-domain-controller"),
        ({"supportedCapabilities": ["1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1851"]}, "not-a-domain-controller"),
        ({"defaultNamingContext": ["DC=other,DC=test"]}, "wrong-domain"),
    ],
    ids=["openldap", "ad lds", "both", "another domain"],
)
def test_a_password_is_not_sent_to_a_server_that_is_no_controller_of_the_domain(
    peer: LdapPeer, open_directory: Callable[..., LiveDirectory], root_dse: dict[str, list[str]], expected: str
) -> None:
    peer.root_dse = {**ROOT_DSE, **root_dse}
    assert refusal(open_directory(ldaps(peer.port))).code == expected
    assert peer.count("bindRequest") == 0


def test_the_domain_is_known_whatever_its_spelling(
    peer: LdapPeer, open_directory: Callable[..., LiveDirectory]
) -> None:
    peer.root_dse = {**ROOT_DSE, "defaultNamingContext": ["dc=CORP, dc=contoso,dc=test"]}
    directory = open_directory(ldaps(peer.port), name="Corp.Contoso.Test.")
    assert directory.root_dse().host == HOST
    assert directory.name == "corp.contoso.test"


@pytest.mark.parametrize(
    ("names", "options", "expected"),
    [
        (("other.contoso.test",), {}, "tls-name-mismatch"),
        ((HOST,), {"not_after": datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC)}, "tls-expired"),
        ((HOST,), {"not_before": datetime.datetime(2090, 1, 2, tzinfo=datetime.UTC)}, "tls-not-yet-valid"),
    ],
)
def test_a_certificate_that_does_not_hold_is_named(
    authority: Authority,
    open_directory: Callable[..., LiveDirectory],
    names: tuple[str, ...],
    options: dict[str, object],
    expected: str,
) -> None:
    with LdapPeer(context=server_context(authority[0], *names, **options)) as peer:
        error = refusal(open_directory(ldaps(peer.port)))
    assert error.code == expected
    assert peer.operations == []


def test_a_certificate_of_an_unknown_authority_is_named(open_directory: Callable[..., LiveDirectory]) -> None:
    with LdapPeer(context=server_context(trustme.CA())) as peer:
        assert refusal(open_directory(ldaps(peer.port))).code == "tls-untrusted"


def test_a_server_that_speaks_http_or_plain_ldap_on_636_is_no_tls(open_directory: Callable[..., LiveDirectory]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                with contextlib.suppress(ConnectionError):
                    connection.recv(4096)

        thread = threading.Thread(target=answer)
        thread.start()
        error = refusal(open_directory(ldaps(listener.getsockname()[1])))
        thread.join(5)
    assert error.code == "not-tls"


def test_a_server_that_knows_only_old_tls_is_named(
    authority: Authority, open_directory: Callable[..., LiveDirectory]
) -> None:
    context = server_context(authority[0])
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1
    with LdapPeer(context=context) as peer:
        assert refusal(open_directory(ldaps(peer.port))).code == "tls-protocol"


def test_a_listener_without_a_handshake_runs_into_the_deadline(
    open_directory: Callable[..., LiveDirectory],
) -> None:
    with silent_listener() as silent:
        assert refusal(open_directory(ldaps(silent))).code == "timed-out"


def test_a_missing_or_malformed_ca_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(Unavailable) as caught:
            read_root_dse(ldaps(1), ca_file=tmp_path / name)
        assert caught.value.code == "ca-file"


@pytest.mark.parametrize("answer", [[], OSError("no such host"), Unavailable("NXDOMAIN", code="nxdomain")])
def test_a_name_that_does_not_resolve_is_named(authority: Authority, answer: list[str] | Exception) -> None:
    def resolve(_: str) -> list[str]:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(Unavailable) as caught:
        read_root_dse(ldaps(1), resolve=resolve, ca_file=authority[1], timeouts=TIMEOUTS)
    assert caught.value.code == "name-unresolved"


def test_a_resolver_that_hangs_runs_into_the_deadline(authority: Authority) -> None:
    released = threading.Event()

    def resolve(_: str) -> list[str]:
        released.wait(20)
        return []

    with pytest.raises(Unavailable) as caught:
        read_root_dse(ldaps(1), resolve=resolve, ca_file=authority[1], timeouts=TIMEOUTS)
    released.set()
    assert caught.value.code == "name-unresolved"


def test_every_address_of_a_name_is_tried(authority: Authority, peer: LdapPeer) -> None:
    root = read_root_dse(
        ldaps(peer.port),
        resolve=lambda _: ["127.0.0.9", "::1", "127.0.0.1"],
        ca_file=authority[1],
        timeouts=TIMEOUTS,
    )
    assert root.is_active_directory


def test_the_root_dse_is_read_without_a_sign_in(authority: Authority, peer: LdapPeer) -> None:
    assert read_root_dse(ldaps(peer.port), resolve=lambda _: ["127.0.0.1"], ca_file=authority[1]).host == HOST
    with LdapPeer() as plain:
        controller = DomainController("127.0.0.1", plain.port, "none", "configured")
        assert read_root_dse(controller).host == HOST
    assert peer.count("bindRequest") == plain.count("bindRequest") == 0


def test_attributes_that_come_in_parts_are_completed(
    peer: LdapPeer, open_directory: Callable[..., LiveDirectory]
) -> None:
    parts = {
        ("member",): {"member": [], "member;range=0-1": [b"1", b"2"]},
        ("member;range=2-*",): {"member;range=2-3": [b"3", b"4"]},
        ("member;range=4-*",): {"member;range=4-*": [b"5"]},
    }
    peer.on_search = lambda request: [
        entry(PERSON, **parts[request.attributes]),
        done(cookie=b"" if request.scope == 2 else None),
    ]
    [[user]] = open_directory(ldaps(peer.port)).users(["member"])
    assert user.raw == {"member": [b"1", b"2", b"3", b"4", b"5"]}


@pytest.mark.parametrize(
    "second",
    [{}, {"member": [b"3"]}, {"member;range=7-*": [b"3"]}, {"other;range=2-*": [b"3"]}],
    ids=["nothing", "no range", "a gap", "something else"],
)
def test_a_part_that_does_not_fit_is_never_a_whole_answer(
    peer: LdapPeer, open_directory: Callable[..., LiveDirectory], second: dict[str, list[bytes]]
) -> None:
    peer.on_search = lambda request: (
        [entry(PERSON, **{"member;range=0-1": [b"1", b"2"]}), done()]
        if request.attributes == ("member",)
        else [entry(PERSON, **second), done(cookie=None)]
    )
    with pytest.raises(Unavailable) as caught:
        list(open_directory(ldaps(peer.port)).users(["member"]))
    assert caught.value.code == "protocol-violation"


def test_threads_share_no_connection_and_few_are_opened(
    peer: LdapPeer, open_directory: Callable[..., LiveDirectory]
) -> None:
    peer.on_search = lambda _: [0.05, entry(PERSON, cn=[b"Ann"]), done()]
    directory = open_directory(ldaps(peer.port))
    seen: list[str] = []

    def read() -> None:
        for _ in range(3):
            seen.extend(user.text("cn") or "" for page in directory.users(["cn"]) for user in page)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == ["Ann"] * 24
    assert 1 <= peer.count("bindRequest") <= 4


def test_a_reading_that_is_given_up_leaves_no_half_read_connection_behind(
    peer: LdapPeer, open_directory: Callable[..., LiveDirectory]
) -> None:
    peer.on_search = lambda request: [entry(PERSON, cn=[request.cookie or b"first"]), done(cookie=b"more")]
    directory = open_directory(ldaps(peer.port))
    pages = directory.users(["cn"])
    assert next(pages)[0].text("cn") == "first"
    pages.close()  # type: ignore[attr-defined]
    assert next(iter(directory.users(["cn"])))[0].text("cn") == "first"


def test_a_closed_directory_says_so(peer: LdapPeer, open_directory: Callable[..., LiveDirectory]) -> None:
    directory = open_directory(ldaps(peer.port))
    directory.root_dse()
    directory.close()
    with pytest.raises(Unavailable) as caught:
        directory.read(PERSON, ["cn"])
    assert caught.value.code == "closed"


def test_closing_cuts_off_whoever_is_waiting_for_an_answer(
    peer: LdapPeer, open_directory: Callable[..., LiveDirectory]
) -> None:
    peer.on_search = lambda _: [30]
    directory = open_directory(ldaps(peer.port))
    directory.root_dse()
    codes: list[str] = []

    def read() -> None:
        try:
            directory.read(PERSON, ["cn"])
        except Unavailable as error:
            codes.append(error.code)

    thread = threading.Thread(target=read)
    thread.start()
    while peer.count("searchRequest") < 2:
        thread.join(0.01)
    directory.close()
    thread.join(1.5)
    assert codes == ["connection-lost"]


@pytest.mark.parametrize("who", ["*", "a*)(cn=*", "a)(b", "Ann\x00", "ä(ö", "S-1-5-21-x", "CN=a,", "=", "", "  "])
def test_hostile_names_are_values_and_nothing_else(
    peer: LdapPeer, open_directory: Callable[..., LiveDirectory], who: str
) -> None:
    directory = open_directory(ldaps(peer.port))
    assert not directory.find(who, ["cn"])


def test_only_reads_are_ever_sent(peer: LdapPeer, open_directory: Callable[..., LiveDirectory]) -> None:
    directory = open_directory(ldaps(peer.port))
    list(directory.users(["cn"]))
    directory.find("ann", ["cn"])
    directory.containers()
    directory.close()
    assert set(peer.operations) <= {"bindRequest", "searchRequest", "unbindRequest"}
