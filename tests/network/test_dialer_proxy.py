"""Through HTTP CONNECT proxies: a real one (tinyproxy) and small ones that answer each status."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time

import pytest
import trustme
from network.conftest import encrypted
from network.servers import NameServer, Peer, black_hole, closed_port, drips, hang_up, names, quiet, reset, says

from preflight.network.dialer import SocketDialer
from preflight.network.model import REASONS, Endpoint
from preflight.network.proxy import Proxy, proxy_from_environment
from preflight.network.resolver import DnsResolver

RELAY = Endpoint("relay.example", 443)


def through(port, endpoint=RELAY, sign_in="", tls=False, timeout=2.0, host="127.0.0.1", **options):
    proxy = Proxy.parse(f"http://{sign_in}{host}:{port}")
    options.setdefault("resolver", DnsResolver())
    return SocketDialer(timeout=timeout, proxy=proxy, **options).reach(endpoint, tls=tls)


def answered(answer, **options):
    with Peer(says(answer)) as peer:
        reach = through(peer.port, **options)
    assert reach.code == "ok" or reach.code in REASONS
    return reach


def relaying(request_log):
    """An honest proxy: connects to the port that CONNECT names, on loopback, and carries bytes both ways."""

    def carry(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def behave(connection, stop):
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += connection.recv(1)
        request_log.append(request.decode("ascii"))
        port = int(request.split()[1].rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port)) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")
            back = threading.Thread(target=carry, args=(onward, connection))
            back.start()
            carry(connection, onward)
            back.join()

    return behave


def test_tls_through_a_proxy_that_resolves_the_name_itself(authority):
    log = []
    with Peer(encrypted(authority.context("relay.example"))) as relay, Peer(relaying(log)) as proxy:
        reach = through(proxy.port, Endpoint("relay.example", relay.port), tls=True, ca_file=authority.file)
    assert reach.connected, reach.message
    assert reach.resolution is None, "names are the proxy's business"
    (probe,) = reach.probes
    assert [hop.kind for hop in probe.hops] == ["tcp", "proxy", "tls"]
    assert probe.via == f"proxy 127.0.0.1:{proxy.port}"
    assert log == [f"CONNECT relay.example:{relay.port} HTTP/1.1\r\nHost: relay.example:{relay.port}\r\n\r\n"]


def test_an_intercepting_proxy_is_named_by_its_certificate(authority):
    interceptor = trustme.CA(organization_name="Contoso Web Gateway")
    context = authority.context("relay.example", ca=interceptor)
    with Peer(encrypted(context)) as relay, Peer(relaying([])) as proxy:
        reach = through(proxy.port, Endpoint("relay.example", relay.port), tls=True, ca_file=authority.file)
    assert reach.code == "tls-untrusted"
    assert "Contoso Web Gateway" in reach.message


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (b"403 Forbidden", "proxy-forbidden"),
        (b"407 Proxy Authentication Required", "proxy-authentication"),
        (b"401 Unauthorized", "proxy-authentication"),
        (b"502 Bad Gateway", "proxy-bad-gateway"),
        (b"503 Service Unavailable", "proxy-bad-gateway"),
        (b"504 Gateway Timeout", "proxy-gateway-timeout"),
        (b"405 Method Not Allowed", "proxy-status"),
        (b"302 Found", "proxy-status"),
        (b"101 Switching Protocols", "proxy-status"),
    ],
)
def test_each_status_has_its_reason(status, code):
    reach = answered(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
    assert (reach.connected, reach.code) == (False, code)
    assert status.decode().split()[0] in reach.message
    assert "relay.example:443" in reach.message


@pytest.mark.parametrize("header", [b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200\r\n\r\n", b"HTTP/1.1 200 OK\n\n"])
def test_success_in_the_dialects_that_proxies_speak(header):
    assert answered(header).connected


def test_what_follows_the_header_is_left_for_the_host():
    assert answered(b"HTTP/1.1 200 OK\r\n\r\n220 hello\r\n").connected


def test_offered_schemes_are_listed_and_missing_credentials_said():
    reach = answered(
        b"HTTP/1.1 407 Sign in\r\nProxy-Authenticate: Digest realm=x, nonce=y\r\n"
        b'Proxy-Authenticate: Basic realm="a, b c", charset="UTF-8"\r\n\r\n'
    )
    assert reach.code == "proxy-authentication"
    assert "offers Digest, Basic," in reach.message
    assert "no credentials are configured" in reach.message


def test_credentials_go_to_the_proxy_and_nowhere_else():
    received = []

    def behave(connection, stop):
        received.append(connection.recv(65536).decode())
        if "Proxy-Authorization" not in received[-1]:
            connection.sendall(b"HTTP/1.1 407 Sign in\r\nProxy-Authenticate: Basic realm=x\r\n\r\n")
            return
        # As hostile as it gets: the proxy repeats what it was told.
        token = received[-1].partition("Basic ")[2].split()[0]
        connection.sendall(f"HTTP/1.1 403 no {token} hunter2 for you\r\n\r\n".encode())

    with Peer(behave) as proxy:
        reach = through(proxy.port, sign_in="svc-sync:hunter2@")
    assert "Proxy-Authorization" not in received[0], "a password is sent where it is asked for"
    assert "Proxy-Authorization: Basic c3ZjLXN5bmM6aHVudGVyMg==\r\n" in received[1]
    assert "for you" in reach.message
    shown = repr(reach)
    assert "hunter2" not in shown
    assert "c3ZjLXN5bmM6aHVudGVyMg" not in shown


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x05\xff",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 " + b"x" * 100_000,
        b"HTTP/1.1 200 OK\r\n" + b"X-Filler: yes\r\n" * 10_000,
        b"\r\n\r\n",
        os.urandom(16).replace(b"H", b"h") * 65536,
    ],
    ids=["ssh", "socks", "http2", "no number", "endless line", "endless header", "empty lines", "1 MB of anything"],
)
def test_what_is_no_proxy_is_called_so_and_never_a_success(answer):
    assert answered(answer).code == "proxy-garbage"


@pytest.mark.parametrize("part", [b"", b"HTTP/1.", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nVia: x\r\n"])
def test_an_answer_that_is_cut_off_is_no_success(part):
    with Peer(lambda connection, _: (connection.recv(9999), connection.sendall(part))) as proxy:
        assert through(proxy.port).code == "proxy-closed"


@pytest.mark.parametrize("behaviour", [hang_up, reset])
def test_a_proxy_that_cuts_the_connection(behaviour):
    with Peer(behaviour) as proxy:
        assert through(proxy.port).code == "proxy-closed"


@pytest.mark.parametrize(
    "behaviour", [quiet, drips(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 99, 0.1)], ids=["silent", "drip"]
)
def test_a_proxy_that_takes_its_time(behaviour):
    started = time.monotonic()
    with Peer(behaviour) as proxy:
        reach = through(proxy.port, timeout=0.5)
    assert reach.code == "proxy-timeout"
    assert time.monotonic() - started < 5


def test_silence_behind_the_proxy_is_a_tls_time_out():
    with Peer(says(b"HTTP/1.1 200 OK\r\n\r\n")) as proxy:
        reach = through(proxy.port, tls=True, timeout=0.5)
    assert reach.code == "tls-timeout"
    assert [hop.code for hop in reach.probes[0].hops] == ["ok", "ok", "tls-timeout"]


def test_no_proxy_there():
    reach = through(closed_port())
    assert reach.code == "proxy-unreachable"
    assert "refused" in reach.message


def test_a_proxy_behind_a_firewall_that_drops():
    with black_hole() as port:
        reach = through(port, timeout=0.5)
    assert reach.code == "proxy-unreachable"
    assert "within 0.5 s" in reach.message


def test_a_proxy_whose_name_does_not_resolve():
    with NameServer(names({})) as dns:
        reach = through(3128, host="proxy.example", resolver=DnsResolver(dns.address))
    assert reach.code == "proxy-unresolved"
    assert "proxy.example" in reach.message
    assert {name for name, _, _ in dns.asked} == {"proxy.example."}, "the relay's name isn't asked for"


def test_the_environment_decides_for_each_endpoint():
    environ = {}
    with Peer(says(b"HTTP/1.1 403 Forbidden\r\n\r\n")) as proxy, Peer(quiet) as direct:
        environ["HTTPS_PROXY"] = f"http://127.0.0.1:{proxy.port}"
        environ["NO_PROXY"] = "127.0.0.0/8"
        dialer = SocketDialer(DnsResolver(), timeout=2, proxy=lambda to: proxy_from_environment(to, environ))
        near, far = Endpoint("127.0.0.1", direct.port), RELAY
        reached = dialer.reach_all([near, far])
        assert dialer.proxy_for(near) is None
        assert dialer.proxy_for(far) == f"127.0.0.1:{proxy.port}"
    assert reached[near].via == "direct"
    assert reached[near].connected
    assert reached[far].code == "proxy-forbidden"


@pytest.fixture
def tinyproxy(tmp_path):
    """A real proxy that allows CONNECT to one port only, and wants a password."""
    program = shutil.which("tinyproxy")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("tinyproxy-bin is not installed (tests/network/packages.txt)")
        pytest.skip("tinyproxy-bin is not installed")

    @contextlib.contextmanager
    def run(allowed_port, sign_in=None):
        port = closed_port()
        settings = f"Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nConnectPort {allowed_port}\nMaxClients 20\n"
        settings += f"BasicAuth {sign_in}\n" if sign_in else ""
        (tmp_path / "tinyproxy.conf").write_text(settings)
        command = [program, "-d", "-c", str(tmp_path / "tinyproxy.conf")]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                until = time.monotonic() + 10
                while True:
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                        break
                    assert time.monotonic() < until, "tinyproxy does not start"
                    time.sleep(0.02)
                yield port
            finally:
                process.terminate()

    return run


def test_tinyproxy_carries_tls(tinyproxy, authority):
    with Peer(encrypted(authority.context("localhost"))) as relay, tinyproxy(relay.port) as port:
        reach = through(port, Endpoint("localhost", relay.port), tls=True, ca_file=authority.file)
    assert reach.connected, reach.message


def test_tinyproxy_forbids_other_ports(tinyproxy):
    with tinyproxy(443) as port:
        assert through(port, Endpoint("localhost", 9350)).code == "proxy-forbidden"


def test_tinyproxy_cannot_reach_what_is_closed(tinyproxy):
    target = closed_port()
    with tinyproxy(target) as port:
        reach = through(port, Endpoint("127.0.0.1", target), timeout=5)
    assert not reach.connected
    assert reach.code in ("proxy-bad-gateway", "proxy-status")


def test_tinyproxy_wants_a_password(tinyproxy):
    with Peer(quiet) as relay, tinyproxy(relay.port, "sync Pa55word") as port:
        endpoint = Endpoint("127.0.0.1", relay.port)
        nothing = through(port, endpoint)
        wrong = through(port, endpoint, sign_in="sync:wrong@")
        right = through(port, endpoint, sign_in="sync:Pa55word@")
    assert (nothing.code, wrong.code, right.code) == ("proxy-authentication", "proxy-authentication", "ok")
    assert "Basic" in nothing.message
    assert "did not accept the credentials" in wrong.message
