"""Signing in to proxies: Basic at squid, NTLM and Negotiate at a small proxy with pyspnego's accepting side."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import spnego
from network.conftest import encrypted
from network.servers import Peer, closed_port, quiet
from network.situations import look

from preflight.config import PasswordFromEnvironment, ProxySettings
from preflight.network.dialer import SocketDialer
from preflight.network.model import Endpoint
from preflight.network.proxy import Credentials, Proxy
from preflight.network.resolver import DnsResolver


class SigningProxy:
    """A proxy that lets those in who sign in by the scheme, and counts who tried."""

    def __init__(self, scheme: str, *, closes: bool = False, endless: bool = False) -> None:
        self.attempts = 0
        self._scheme, self._closes, self._endless = scheme, closes, endless

    def __call__(self, connection: socket.socket, stop: threading.Event) -> None:
        context = None
        while True:
            header = b""
            while not header.endswith(b"\r\n\r\n"):
                if not (byte := connection.recv(1)):
                    return
                header += byte
            fields = dict(line.split(": ", 1) for line in header.decode().splitlines()[1:] if line)
            scheme, _, token = fields.get("Proxy-Authorization", "").partition(" ")
            if scheme != self._scheme:
                self._ask(connection, self._scheme)
                return
            if context is None:
                self.attempts += 1
                context = spnego.server(protocol="ntlm" if scheme == "NTLM" else "negotiate")
            try:
                answer = context.step(base64.b64decode(token))
            except spnego.exceptions.SpnegoError:
                self._ask(connection, self._scheme)
                return
            if context.complete and not self._endless:
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                stop.wait(0.3)
                return
            self._ask(connection, f"{self._scheme} {base64.b64encode(answer or b'x').decode()}")
            if self._closes:
                return

    def _ask(self, connection: socket.socket, challenge: str) -> None:
        close = "Proxy-Connection: close\r\n" if self._closes else ""
        text = f"HTTP/1.1 407 Who?\r\nProxy-Authenticate: {challenge}\r\n{close}Content-Length: 5\r\n\r\nsorry"
        connection.sendall(text.encode())


@pytest.fixture
def users(tmp_path, monkeypatch) -> None:
    """Whom the accepting side knows."""
    (tmp_path / "users").write_text("CONTOSO:svc-sync:Pa55word!\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
    monkeypatch.setenv("KRB5CCNAME", str(tmp_path / "no-tickets"))


def dialer(port: int, password: str | None = "Pa55word!") -> SocketDialer:
    credentials = None if password is None else Credentials("CONTOSO\\svc-sync", password)
    return SocketDialer(DnsResolver(), timeout=5, proxy=Proxy(Endpoint("127.0.0.1", port), credentials))


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
def test_the_right_password_opens_the_tunnel(users, scheme: str) -> None:
    proxy = SigningProxy(scheme)
    with Peer(proxy) as peer:
        reach = dialer(peer.port).reach(Endpoint("relay.example", 443))
    assert reach.connected, reach.message
    assert [hop.kind for hop in reach.probes[0].hops] == ["tcp", "proxy"]


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
def test_a_wrong_password_is_sent_once_for_many_connections(users, scheme: str) -> None:
    proxy = SigningProxy(scheme)
    with Peer(proxy) as peer:
        way = dialer(peer.port, "hunter2")
        reached = way.reach_all([Endpoint(f"relay{number}.example", 443) for number in range(20)])
        again = way.reach(Endpoint("relay.example", 9350))
    assert {reach.code for reach in [*reached.values(), again]} == {"proxy-authentication"}
    assert proxy.attempts == 1, "an account must not get locked"
    assert f"it offers {scheme}" in again.message
    assert "did not accept the credentials" in again.message
    assert "hunter2" not in repr(reached)


@pytest.mark.parametrize("password", ["Pa55word!", "hunter2"])
def test_basic_is_tried_where_kerberos_alone_is_meant_by_negotiate(users, password: str) -> None:
    right = Credentials("CONTOSO\\svc-sync", "Pa55word!").basic()
    basic: list[str] = []

    def kerberos_or_basic(connection: socket.socket, stop: threading.Event) -> None:
        header = b""
        while not header.endswith(b"\r\n\r\n"):
            if not (byte := connection.recv(1)):
                return
            header += byte
        sent = header.decode().partition("Proxy-Authorization: ")[2].partition("\r\n")[0]
        if sent.startswith("Basic"):
            basic.append(sent)
        if sent == right:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            offer = b"Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic realm=x\r\n"
            connection.sendall(b"HTTP/1.1 407 Who?\r\n" + offer + b"Content-Length: 0\r\n\r\n")
        stop.wait(0.3)

    with Peer(kerberos_or_basic) as peer:
        reached = dialer(peer.port, password).reach_all([Endpoint(f"relay{n}.example", 443) for n in range(5)]).values()
    if password == "Pa55word!":
        assert all(reach.connected for reach in reached), [reach.message for reach in reached]
    else:
        assert {reach.code for reach in reached} == {"proxy-authentication"}
        assert len(basic) == 1, "an account must not get locked"
        assert all("Basic: the proxy" in reach.message for reach in reached)


def test_who_is_signed_in_once_is_signed_in_everywhere(users) -> None:
    proxy = SigningProxy("NTLM")
    with Peer(proxy) as peer:
        reached = dialer(peer.port).reach_all([Endpoint(f"relay{number}.example", 443) for number in range(8)])
    assert all(reach.connected for reach in reached.values()), [reach.message for reach in reached.values()]


def test_without_credentials_and_without_a_ticket_the_logged_on_user_is_nobody(users, monkeypatch) -> None:
    monkeypatch.delenv("NTLM_USER_FILE")
    with Peer(SigningProxy("NTLM")) as peer:
        reach = dialer(peer.port, None).reach(Endpoint("relay.example", 443))
    assert reach.code == "proxy-authentication"
    assert "the logged-on user can't be used" in reach.message


def test_a_proxy_that_closes_in_the_middle(users) -> None:
    with Peer(SigningProxy("NTLM", closes=True)) as peer:
        reach = dialer(peer.port).reach(Endpoint("relay.example", 443))
    assert reach.code == "proxy-authentication"
    assert "in the middle of the sign-in" in reach.message


def test_a_sign_in_without_end_ends(users) -> None:
    with Peer(SigningProxy("NTLM", endless=True)) as peer:
        reach = dialer(peer.port).reach(Endpoint("relay.example", 443))
    assert not reach.connected


@pytest.fixture(scope="module")
def squid():
    """A real proxy with a password file, which allows CONNECT to some ports."""
    program, htpasswd = shutil.which("squid", path="/usr/sbin:/usr/bin"), shutil.which("htpasswd")
    helper = Path("/usr/lib/squid/basic_ncsa_auth")
    if not (program and htpasswd and helper.exists()):
        if os.environ.get("CI"):
            pytest.fail("squid or apache2-utils is not installed (tests/network/packages.txt)")
        pytest.skip("squid or apache2-utils is not installed")

    @contextlib.contextmanager
    def run(allowed: list[int], *more: str, sign_in: bool = False) -> Iterator[int]:
        with tempfile.TemporaryDirectory(prefix="squid-", ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o777)  # squid and its helpers run as a user of their own
            with running(Path(folder), allowed, *more, sign_in=sign_in) as port:
                yield port

    @contextlib.contextmanager
    def running(folder: Path, allowed: list[int], *more: str, sign_in: bool) -> Iterator[int]:
        port = closed_port()
        lines = [
            f"http_port 127.0.0.1:{port}",
            f"pid_filename {folder}/pid",
            f"cache_log {folder}/cache.log",
            "access_log none",
            f"coredump_dir {folder}",
            "cache deny all",
            "shutdown_lifetime 0 seconds",
            "visible_hostname test",
            f"acl allowed port {' '.join(map(str, allowed))}",
            "acl CONNECT method CONNECT",
        ]
        if sign_in:
            subprocess.run([htpasswd, "-bc", folder / "users", "sync", "Pa55word"], check=True, capture_output=True)
            lines += [f"auth_param basic program {helper} {folder}/users", "auth_param basic realm test"]
            lines += ["acl known proxy_auth REQUIRED"]
        lines += [*more, "http_access deny CONNECT !allowed"]
        lines += ["http_access deny !known"] if sign_in else []
        lines += ["http_access allow localhost", "http_access deny all"]
        (folder / "squid.conf").write_text("\n".join(lines) + "\n")
        command = [program, "-N", "-f", str(folder / "squid.conf")]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                until = time.monotonic() + 20
                while True:
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                        break
                    assert time.monotonic() < until, (folder / "cache.log").read_text()
                    time.sleep(0.05)
                yield port
            finally:
                process.terminate()

    return run


def test_squid_allows_some_ports_and_its_answer_says_which(squid, authority) -> None:
    with Peer(encrypted(authority.context("127.0.0.1"))) as relay, Peer(quiet) as other, squid([relay.port]) as port:
        way = SocketDialer(DnsResolver(), timeout=5, proxy=Proxy(Endpoint("127.0.0.1", port)), ca_file=authority.file)
        allowed, denied = (way.reach(Endpoint("127.0.0.1", each.port), tls=each is relay) for each in (relay, other))
    assert allowed.connected, allowed.message
    assert denied.code == "proxy-forbidden"


def test_squid_wants_a_password(squid) -> None:
    with Peer(quiet) as relay, squid([relay.port], sign_in=True) as port:
        endpoint = Endpoint("127.0.0.1", relay.port)

        def code(credentials: Credentials | None) -> tuple[str, str]:
            proxy = Proxy(Endpoint("127.0.0.1", port), credentials)
            reach = SocketDialer(DnsResolver(), timeout=5, proxy=proxy).reach(endpoint)
            return reach.code, reach.message

        assert code(Credentials("sync", "Pa55word"))[0] == "ok"
        assert "no credentials are configured" in code(None)[1]
        assert "did not accept the credentials" in code(Credentials("sync", "wrong"))[1]


def test_the_proxys_password_comes_from_where_the_configuration_says(squid) -> None:
    with Peer(quiet) as relay, squid([relay.port], sign_in=True) as port:
        source = PasswordFromEnvironment("PROXY_PASSWORD")
        settings = ProxySettings(Endpoint("127.0.0.1", port), "sync", password_source=source)
        for password, code in (("Pa55word", "tls-timeout"), ("wrong", "proxy-authentication")):
            [finding] = look(
                "network.relay-443",
                [Endpoint("127.0.0.1", relay.port)],
                proxy=settings,
                environ={"PROXY_PASSWORD": password},
            )
            assert finding.code == code, finding.summary


def test_squid_resets(squid) -> None:
    more = ("acl evil port 443", "deny_info TCP_RESET evil", "http_access deny evil")
    with squid([443], *more) as port:
        proxy = Proxy(Endpoint("127.0.0.1", port))
        reach = SocketDialer(DnsResolver(), timeout=5, proxy=proxy).reach(Endpoint("127.0.0.1", 443))
    assert reach.code == "proxy-closed"
