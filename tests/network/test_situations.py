"""What is wrong, what is said of it: each situation made with real parts, each code by at least one of them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from network.conftest import encrypted
from network.servers import (
    Behaviour,
    NameServer,
    Peer,
    black_hole,
    closed_port,
    drips,
    hang_up,
    names,
    quiet,
    refuses,
    reset,
    says,
)
from network.situations import REGISTERED, Authority, Roots, look

from preflight.api import Finding
from preflight.config import DomainSettings, ProxySettings
from preflight.network.model import Endpoint

PUBLIC = Authority("Public Root")
INTERMEDIATE = Authority("Public Intermediate", PUBLIC)
COMPANY = Authority("Contoso Web Gateway")
STRANGER = Authority("Nobody Knows")
NORMAL = Roots(machine=[PUBLIC, COMPANY], public=[PUBLIC])
BARE = Roots(machine=[COMPANY], public=[PUBLIC])
HOST = "relay.example"

Arrange = Callable[[], contextlib.AbstractContextManager[list[Finding]]]


@dataclass(frozen=True)
class Situation:
    title: str
    check: str
    code: str
    phrase: str
    arrange: Arrange

    @property
    def id(self) -> str:
        return f"{self.check}: {self.title}"


def relay(check: str, behaviour: Behaviour, roots: Roots = NORMAL, **options: object) -> Arrange:
    """A relay that behaves so, asked directly."""

    @contextlib.contextmanager
    def arrange() -> Iterator[list[Finding]]:
        with Peer(behaviour) as peer, NameServer(names({HOST: ["A 127.0.0.1"]})) as dns:
            yield look(check, [Endpoint(HOST, peer.port)], nameserver=dns.address, roots=roots, **options)

    return arrange


def certificate(authority: Authority, roots: Roots = NORMAL, host: str = HOST, **options: object) -> Arrange:
    return relay("network.tls-not-intercepted", encrypted(authority.context(host, **options)), roots)


def versions(behaviour: Behaviour) -> Arrange:
    return relay("network.tls-versions", behaviour)


def only(lowest: ssl.TLSVersion, highest: ssl.TLSVersion) -> Behaviour:
    context = PUBLIC.context(HOST)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = lowest, highest
    return encrypted(context)


def old() -> Behaviour:
    with pytest.warns(DeprecationWarning):
        return only(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1)


def cuts_tls_1_3(connection: socket.socket, stop: threading.Event) -> None:
    hello = connection.recv(4096, socket.MSG_PEEK)
    if b"\x00\x2b\x00\x03\x02\x03\x04" in hello:  # supported_versions: 1.3 and no other
        reset(connection, stop)
    else:
        only(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)(connection, stop)


def first_only(behaviour: Behaviour, then: Behaviour = hang_up) -> Behaviour:
    first = threading.Lock()

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        (behaviour if first.acquire(blocking=False) else then)(connection, stop)

    return behave


def revocation(
    answering: Behaviour | None, *, ocsp: bool = False, host: str = "127.0.0.1", **options: object
) -> Arrange:
    """A relay whose certificate names an address for revocation that behaves so; None: nobody listens there."""

    @contextlib.contextmanager
    def arrange() -> Iterator[list[Finding]]:
        with contextlib.ExitStack() as stack:
            port = closed_port() if answering is None else stack.enter_context(Peer(answering)).port
            url = {"ocsp" if ocsp else "crl": f"http://{host}:{port}/list.crl"}
            finish = relay("network.revocation", encrypted(PUBLIC.context(HOST, **url)), **options)
            yield stack.enter_context(finish())

    return arrange


def header(status: str, kind: str = "application/pkix-crl") -> Behaviour:
    return says(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: 0\r\n\r\n".encode())


def dropped_revocation() -> contextlib.AbstractContextManager[list[Finding]]:
    @contextlib.contextmanager
    def arrange() -> Iterator[list[Finding]]:
        with black_hole() as port:
            context = PUBLIC.context(HOST, crl=f"http://127.0.0.1:{port}/")
            with relay("network.revocation", encrypted(context))() as findings:
                yield findings

    return arrange()


def resolved(records: dict[str, list[str]] | None = None, answer: object = None) -> Arrange:
    """A relay whose name is answered so."""

    @contextlib.contextmanager
    def arrange() -> Iterator[list[Finding]]:
        with NameServer(answer or names(records or {})) as dns:
            yield look("dns.resolvers-agree", [Endpoint(HOST, 443)], nameserver=dns.address)

    return arrange


def half(query, tcp):
    return names({HOST: ["A 192.0.2.1"]})(query, tcp) if query.q.qtype == 1 else refuses(2)(query, tcp)


def relaying(allowed: Callable[[int], bool] = lambda _: True) -> Behaviour:
    """An honest proxy that connects to ports on loopback, and answers 403 for those that aren't allowed."""

    def carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += connection.recv(1) or b"\r\n\r\n"
        port = int(request.split()[1].rpartition(b":")[2])
        if not allowed(port):
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", port)) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=carry, args=(onward, connection))
            back.start()
            carry(connection, onward)
            back.join()

    return behave


def proxied(
    behaviour: Behaviour | None,
    *,
    direct: bool = True,
    config: str | None = None,
    setting: str = "environment",
    check: str = "network.proxy",
    relay_behaviour: Behaviour | None = None,
    host: str = "127.0.0.1",
) -> Arrange:
    """A relay behind a proxy that behaves so; `direct`: its name resolves on this machine too."""

    @contextlib.contextmanager
    def arrange() -> Iterator[list[Finding]]:
        with contextlib.ExitStack() as stack:
            dns = stack.enter_context(NameServer(names({HOST: ["A 127.0.0.1"]} if direct else {})))
            peer = stack.enter_context(Peer(relay_behaviour or encrypted(PUBLIC.context(HOST))))
            port = closed_port() if behaviour is None else stack.enter_context(Peer(behaviour)).port
            options: dict[str, object] = {}
            if setting == "environment":
                options["environ"] = {"HTTPS_PROXY": f"http://{host}:{port}"}
            elif setting == "configuration":
                options["proxy"] = ProxySettings(Endpoint(host, port))
            if config is not None:
                folder = Path(stack.enter_context(_folder()))
                (folder / "machine.config").write_text(config.replace("PORT", str(port)))
                options["machine_config"] = folder / "machine.config"
            endpoint = Endpoint(HOST, peer.port)
            yield look(check, [endpoint], nameserver=dns.address, roots=NORMAL, **options)

    return arrange


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield folder


def dot_net(proxy: str, more: str = "") -> str:
    return (
        f'<configuration><system.net><defaultProxy useDefaultCredentials="true">{proxy}{more}</defaultProxy>'
        "</system.net></configuration>"
    )


THE_PROXY = '<proxy usesystemdefault="true" proxyaddress="http://127.0.0.1:PORT" bypassonlocal="true" />'
CRL_HEADER = header("200 OK")
INTERCEPTED, VERSIONS, REVOCATION = "network.tls-not-intercepted", "network.tls-versions", "network.revocation"
NAMES, PROXY, RELAY = "dns.resolvers-agree", "network.proxy", "network.relay-443"
A_HELLO_WITH_NO_CIPHER = b"\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + b"R" * 32 + b"\0\0\0\0"
ISSUER_URL = "http://pki.example/intermediate.crt"

SITUATIONS = [
    # Certificates
    Situation("a public one", INTERCEPTED, "ok", "issued by O=Public Root", certificate(PUBLIC)),
    Situation("with its intermediate", INTERCEPTED, "ok", "O=Public Intermediate", certificate(INTERMEDIATE)),
    Situation("inspected", INTERCEPTED, "intercepted", "inspected by O=Contoso Web Gateway", certificate(COMPANY)),
    Situation("no roots here", INTERCEPTED, "missing-public-roots", "O=Public Root", certificate(PUBLIC, BARE)),
    Situation("self-signed", INTERCEPTED, "self-signed", "vouches for itself", certificate(PUBLIC, self_signed=True)),
    Situation("nobody's", INTERCEPTED, "untrusted-issuer", "O=Nobody Knows", certificate(STRANGER)),
    Situation(
        "an intermediate left out",
        INTERCEPTED,
        "chain-incomplete",
        "before its root",
        certificate(INTERMEDIATE, whole=False, issuer_url=ISSUER_URL),
    ),
    Situation("expired", INTERCEPTED, "certificate-dates", "expired on", certificate(PUBLIC, days=(-9, -3))),
    Situation("for another", INTERCEPTED, "other-name", "portal.example", certificate(PUBLIC, host="portal.example")),
    Situation("ends soon", INTERCEPTED, "expires-soon", "ends on", certificate(PUBLIC, days=(-9, 9))),
    Situation(
        "one look only",
        INTERCEPTED,
        "not-compared",
        "second look",
        relay(INTERCEPTED, first_only(encrypted(PUBLIC.context(HOST)))),
    ),
    # Versions
    Situation("1.2 and 1.3", VERSIONS, "ok", "TLSv1.2 and TLSv1.3", versions(encrypted(PUBLIC.context(HOST)))),
    Situation("1.0 only", VERSIONS, "no-version", "neither", versions(old())),
    Situation(
        "1.3 only",
        VERSIONS,
        "only-1.3",
        "older Windows",
        versions(only(ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)),
    ),
    Situation(
        "1.2 only", VERSIONS, "ok", "answers TLSv1.2", versions(only(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2))
    ),
    Situation("1.3 is cut", VERSIONS, "1.3-cut", "is cut", versions(cuts_tls_1_3)),
    Situation(
        "the proxy stops",
        VERSIONS,
        "not-tried",
        "could not be tried",
        proxied(first_only(relaying(), says(b"HTTP/1.1 403 no\r\n\r\n")), check=VERSIONS, direct=False),
    ),
    # Revocation
    Situation("a list", REVOCATION, "ok", "list.crl answers (direct)", revocation(CRL_HEADER)),
    Situation("a responder", REVOCATION, "ok", "the responder", revocation(header("405 no"), ocsp=True)),
    Situation(
        "none named", REVOCATION, "not-applicable", "no address", relay(REVOCATION, encrypted(PUBLIC.context(HOST)))
    ),
    Situation("closed", REVOCATION, "tcp-refused", "refused", revocation(None)),
    Situation("dropped", REVOCATION, "tcp-timeout", "no answer", dropped_revocation),
    Situation("no name", REVOCATION, "name-unresolved", "nxdomain", revocation(None, host="crl.example")),
    Situation("silent", REVOCATION, "http-timeout", "in time", revocation(quiet)),
    Situation(
        "a byte a second", REVOCATION, "http-timeout", "in time", revocation(drips(b"HTTP/1.1 200 OK\r\n" * 9, 0.2))
    ),
    Situation("cut", REVOCATION, "http-closed", "did not answer", revocation(hang_up)),
    Situation(
        "a megabyte of anything", REVOCATION, "http-garbage", "as an HTTP", revocation(says(b"\xff" * (1 << 20)))
    ),
    Situation(
        "an endless header",
        REVOCATION,
        "http-garbage",
        "as an HTTP",
        revocation(says(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 99999)),
    ),
    Situation("gone", REVOCATION, "http-refused", "404", revocation(header("404 gone"))),
    Situation("a page", REVOCATION, "block-page", "text/html", revocation(header("200 OK", "text/html"))),
    # Names
    Situation("everybody agrees", NAMES, "ok", "192.0.2.1", resolved({HOST: ["A 192.0.2.1"]})),
    Situation("sinkholed", NAMES, "sinkhole", "0.0.0.0, which leads nowhere", resolved({HOST: ["A 0.0.0.0"]})),
    Situation("private", NAMES, "private-address", "10.1.2.3", resolved({HOST: ["A 10.1.2.3"]})),
    Situation("private IPv6", NAMES, "private-address", "fd00::1", resolved({HOST: ["AAAA fd00::1"]})),
    Situation(
        "a private link",
        NAMES,
        "ok",
        "by a private link",
        resolved({HOST: ["CNAME a.privatelink.example"], "a.privatelink.example": ["A 10.1.2.3"]}),
    ),
    Situation("half an answer", NAMES, "half-answer", "half of the answer", resolved(answer=half)),
    Situation("another server knows nothing", NAMES, "servers-differ", "does not exist", lambda: differing({})),
    Situation(
        "another server says otherwise",
        NAMES,
        "servers-differ",
        "says 192.0.2.9",
        lambda: differing({HOST: ["A 192.0.2.9"]}),
    ),
    Situation("nobody knows it", NAMES, "not-applicable", "does not resolve", resolved({})),
    # Proxies
    Situation("works both ways", PROXY, "ok", "directly, too", proxied(relaying())),
    Situation(
        "works, direct is closed", PROXY, "ok", "not directly (name-unresolved)", proxied(relaying(), direct=False)
    ),
    Situation("forbids", PROXY, "direct-works", "by the way that this run takes", proxied(relaying(lambda _: False))),
    Situation(
        "forbids, no other way", PROXY, "proxy-forbidden", "with 403", proxied(relaying(lambda _: False), direct=False)
    ),
    Situation(
        "wants to know who",
        PROXY,
        "proxy-authentication",
        "offers Basic",
        proxied(says(b"HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm=x\r\n\r\n"), direct=False),
    ),
    Situation("bad gateway", PROXY, "proxy-bad-gateway", "502", proxied(header("502 Bad"), direct=False)),
    Situation("gateway time-out", PROXY, "proxy-gateway-timeout", "504", proxied(header("504 Late"), direct=False)),
    Situation("another status", PROXY, "proxy-status", "302", proxied(header("302 Found"), direct=False)),
    Situation("garbage", PROXY, "proxy-garbage", "as an HTTP proxy", proxied(says(b"SSH-2.0-x\r\n"), direct=False)),
    Situation("silence", PROXY, "proxy-timeout", "in time", proxied(quiet, direct=False)),
    Situation("hangs up", PROXY, "proxy-closed", "hung up", proxied(hang_up, direct=False)),
    Situation("not there", PROXY, "proxy-unreachable", "refused", proxied(None, direct=False)),
    Situation("no name", PROXY, "proxy-unresolved", "proxy.example", proxied(None, host="proxy.example", direct=False)),
    Situation("machine.config agrees", PROXY, "ok", "directly, too", proxied(relaying(), config=dot_net(THE_PROXY))),
    Situation(
        "machine.config alone",
        PROXY,
        "ok",
        "answers, proxy 127.0.0.1",
        proxied(relaying(), config=dot_net(THE_PROXY), setting="none", direct=False),
    ),
    Situation(
        "machine.config bypasses the relay",
        PROXY,
        "settings-disagree",
        "machine.config: direct",
        proxied(relaying(), config=dot_net(THE_PROXY, r'<bypasslist><add address="\.example"/></bypasslist>')),
    ),
    Situation(
        "the service goes directly, which is closed",
        PROXY,
        "proxy-works",
        "works",
        proxied(relaying(), config=dot_net('<proxy usesystemdefault="false"/>'), setting="configuration", direct=False),
    ),
    Situation(
        "machine.config says nothing",
        PROXY,
        "way-not-visible",
        "can't be seen",
        proxied(relaying(), config="<configuration/>"),
    ),
    Situation(
        "machine.config has a script",
        PROXY,
        "way-not-visible",
        "the script http://wpad/",
        proxied(relaying(), config=dot_net('<proxy scriptLocation="http://wpad/wpad.dat"/>')),
    ),
    Situation(
        "machine.config is none", PROXY, "machine-config-unreadable", "no XML", proxied(relaying(), config="[x]")
    ),
    Situation("no proxy", PROXY, "not-applicable", "no proxy is set", relay(PROXY, quiet)),
    # The rest of the way, as the check of the relays names it
    Situation("refused", RELAY, "tcp-refused", "refused", lambda: closed_relay()),
    Situation(
        "no name", RELAY, "name-unresolved", "nxdomain", proxied(None, setting="none", check=RELAY, direct=False)
    ),
    Situation("stranger", RELAY, "tls-untrusted", "Nobody Knows", relay(RELAY, encrypted(STRANGER.context(HOST)))),
    Situation(
        "expired", RELAY, "tls-expired", "expired on", relay(RELAY, encrypted(PUBLIC.context(HOST, days=(-9, -1))))
    ),
    Situation(
        "too early", RELAY, "tls-not-yet-valid", "from", relay(RELAY, encrypted(PUBLIC.context(HOST, days=(3, 9))))
    ),
    Situation(
        "other name", RELAY, "tls-name-mismatch", "portal", relay(RELAY, encrypted(PUBLIC.context("portal.example")))
    ),
    Situation("no TLS", RELAY, "tls-protocol", "does not speak TLS", relay(RELAY, says(b"SSH-2.0-x\r\n" * 9))),
    Situation("alert", RELAY, "tls-alert", "refused the TLS", relay(RELAY, says(b"\x15\x03\x03\x00\x02\x02\x28"))),
    Situation("no cipher of ours", RELAY, "tls-error", "unknown cipher", relay(RELAY, says(A_HELLO_WITH_NO_CIPHER))),
    Situation("reset", RELAY, "tls-reset", "reset", relay(RELAY, reset)),
    Situation("hangs up", RELAY, "tls-closed", "closed", relay(RELAY, hang_up)),
    Situation("silence", RELAY, "tls-timeout", "did not end", relay(RELAY, quiet)),
]


@contextlib.contextmanager
def closed_relay() -> Iterator[list[Finding]]:
    with NameServer(names({HOST: ["A 127.0.0.1"]})) as dns:
        yield look(RELAY, [Endpoint(HOST, closed_port())], nameserver=dns.address)


@contextlib.contextmanager
def differing(theirs: dict[str, list[str]]) -> Iterator[list[Finding]]:
    """Two name servers: this machine's, and one that a domain of the configuration names."""
    with NameServer(names({HOST: ["A 192.0.2.1"]})) as own, NameServer(names(theirs)) as other:
        domain = DomainSettings("corp.example", nameserver=Endpoint.parse(other.address))
        yield look(NAMES, [Endpoint(HOST, 443)], nameserver=own.address, domains=[domain])


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.id)
def test_a_situation_is_told_by_its_code_and_a_sentence(situation: Situation) -> None:
    started = time.monotonic()
    before = threading.active_count()
    with situation.arrange() as findings:
        found = [finding for finding in findings if finding.code == situation.code]
        assert found, [(finding.code, finding.summary) for finding in findings]
        assert any(situation.phrase in finding.summary for finding in found), [finding.summary for finding in found]
    assert time.monotonic() - started < 15
    until = time.monotonic() + 3
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.02)
    assert threading.active_count() <= before, "a thread is left behind"


ELSEWHERE = {
    # test_namespaces.py: they need a machine of their own
    *("tcp-denied", "tcp-unreachable", "tcp-exhausted", "address-dead", "loss", "documented-relay-down"),
    *("system-unresolved", "system-late", "system-differs", "hosts-only", "search-domain"),
    # test_dialer_tcp.py: what no connection on Linux ends with, by the operating system's number
    *("tcp-reset", "tcp-error"),
    # test_contract.py: a resource that can't be had
    "latency-unmeasured",
}


@pytest.mark.parametrize("check", [INTERCEPTED, VERSIONS, REVOCATION, NAMES, PROXY, RELAY])
def test_every_code_is_produced_by_a_situation(check: str) -> None:
    produced = {situation.code for situation in SITUATIONS}
    assert set(REGISTERED[check].codes) - produced - ELSEWHERE == set()
    own = {situation.code for situation in SITUATIONS if situation.check == check}
    assert own - set(REGISTERED[check].codes) <= {"ok", "not-applicable"}
