"""Whose answer comes back: the service's, a block page's, nobody's. Each row a situation, its code, its sentence."""

from __future__ import annotations

import random
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from network.conftest import encrypted
from network.http_servers import answers, drips_over_tls, page
from network.servers import Peer, closed_port

from preflight.api import Status
from preflight.network.block_page import LONGEST_PAGE, date_of, judged
from preflight.network.clouds import DocumentedName
from preflight.network.dialer import SocketDialer
from preflight.network.model import Endpoint
from preflight.network.reasons import PROBE_CODES
from preflight.network.relays import Relay
from preflight.network.resolver import DnsResolver
from preflight.network.web import WEB_REASONS, Answer, WebAnswers
from preflight.network.web_client import SocketWeb
from preflight_checks import web_service

SERVICE = DocumentedName("api.passwordreset.microsoftonline.com")
APEX = DocumentedName("passwordreset.microsoftonline.com", "the rule does not cover it: unreachable alone is a warning")
IIS = "Server: Microsoft-IIS/10.0"


def asked(behaviour, authority, timeout=2.0):
    """The answer of a server that behaves so, and the seconds until it was there."""
    with Peer(behaviour) as peer:
        dialer = SocketDialer(DnsResolver(), timeout=timeout, ca_file=authority.file)
        reach = dialer.reach(Endpoint("127.0.0.1", peer.port), tls=True)
        begun = time.monotonic()
        answer = SocketWeb(dialer, timeout=timeout).ask(reach)
        return answer, time.monotonic() - begun


def findings(answer):
    return list(web_service.function(WebAnswers({SERVICE: answer}, {})))


SITUATIONS = [
    ("the web service", page("200 OK", "<title>Password reset</title>", IIS), "ok", "answers itself"),
    ("a refusal of the service", page("401 Unauthorized", "", IIS), "ok", "HTTP 401"),
    ("nothing at that path", page("404 Not Found", "<h1>Not Found</h1>", "Server: Microsoft-HTTPAPI/2.0"), "ok", "404"),
    ("the service's own words about blocking", page("200 OK", "Your account was blocked by policy", IIS), "ok", "200"),
    ("a page of nobody in particular", page("200 OK", "<p>hello"), "ok", "200"),
    ("a redirect of the service", page("302 Found", "", "Location: https://login.microsoftonline.com/x"), "ok", "302"),
    ("a redirect within the host", page("302 Found", "", "Location: /en/"), "ok", "302"),
    (
        "a block page",
        page("403 Forbidden", "<html><title>Access Denied</title><p>This page is blocked by Contoso</html>"),
        "block-page",
        "Access Denied",
    ),
    (
        "a block page that says 200",
        page("200 OK", "<html><h1>Web filter</h1>Category: Online storage has been blocked</html>"),
        "block-page",
        "says",
    ),
    ("squid's error page", page("503 No", "<p>x", "X-Squid-Error: ERR_DNS_FAIL 0"), "block-page", "x-squid-error"),
    ("a proxy that wants a sign-in", page("407 Proxy Authentication Required"), "block-page", "407"),
    ("a captive portal", page("511 Network Authentication Required"), "block-page", "511"),
    ("a gateway by its name", page("200 OK", "", "Server: Contoso Web Gateway 3"), "block-page", "Contoso Web Gateway"),
    (
        "a redirect to the block page's host",
        page("302 Found", "", "Location: https://block.contoso.example/?u=1"),
        "redirected-elsewhere",
        "block.contoso.example",
    ),
    (
        "a page that refreshes to a portal",
        page("200 OK", '<html><meta http-equiv="refresh" content="0; url=https://portal.example/">'),
        "redirected-elsewhere",
        "portal.example",
    ),
    ("a closed connection", b"", "http-closed", "without an answer"),
    ("something else than HTTP", b"220 mail.contoso.example ESMTP\r\n", "http-garbage", "not HTTP"),
]


@pytest.mark.parametrize(("wire", "code", "says"), [row[1:] for row in SITUATIONS], ids=[row[0] for row in SITUATIONS])
def test_whose_answer_it_is(authority, wire, code, says):
    context = authority.context("127.0.0.1")
    closing = encrypted(context, lambda connection: connection.recv(4096))
    answer, _ = asked(answers(context, wire) if wire else closing, authority)
    [finding] = findings(answer)
    assert (answer.code, finding.code) == (code, code)
    assert finding.status is (Status.PASS if code == "ok" else Status.FAIL)
    assert says in finding.summary + finding.observed
    assert code == "ok" or finding.remedy == WEB_REASONS[code].remedy


def test_silence_ends_with_its_time_out(authority):
    answer, took = asked(answers(authority.context("127.0.0.1")), authority, timeout=0.5)
    assert answer.code == "http-timeout"
    assert took < 1.5
    assert "did not come" in findings(answer)[0].summary


GARBAGE = {
    "1 MB of random bytes": random.Random(4).randbytes(1 << 20),
    "an endless header": b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"x" * (1 << 20),
    "endless headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200_000,
    "a header and a page without end": page("200 OK", "")[:-2].replace(b"Content-Length: 0", b"X: y")
    + b"\r\n"
    + b"a" * (1 << 21),
    "a wrong length": b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\nabc",
    "broken chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
    "a redirect to nonsense": b"HTTP/1.1 302 Found\r\nLocation: https://[::1\r\nContent-Length: 0\r\n\r\n",
    "endless 100": b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
}


@pytest.mark.parametrize("wire", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_an_answer_soon(authority, wire):
    answer, took = asked(answers(authority.context("127.0.0.1"), wire), authority, timeout=1.0)
    assert answer.code in (*WEB_REASONS, "ok")
    assert took < 2.5
    assert len(answer.page) <= LONGEST_PAGE


@pytest.mark.parametrize("wire", [page("200 OK", "x" * 1000), b"HTTP/1.1 200 " + b"O" * 1000, b"\r\n" * 1000])
def test_a_byte_a_moment_does_not_outlast_the_time_out(authority, wire):
    stop = threading.Event()
    before = threading.active_count()
    answer, took = asked(drips_over_tls(authority.context("127.0.0.1"), wire, 0.05, stop), authority, timeout=0.6)
    assert answer.code == ("http-garbage" if wire.startswith(b"\r\n") else "http-timeout")
    assert took < 1.6
    assert threading.active_count() <= before


def test_a_page_that_drips_after_its_header_was_an_answer(authority):
    def speak(connection):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(40):
            connection.sendall(b"x")
            time.sleep(0.05)

    answer, took = asked(encrypted(authority.context("127.0.0.1"), speak), authority, timeout=0.6)
    assert (answer.code, answer.status) == ("ok", 200)
    assert took < 1.6


def test_the_request_names_host_and_program_and_asks_the_environment_nothing(authority, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    log = []
    answer, _ = asked(answers(authority.context("127.0.0.1"), page("200 OK"), log=log), authority)
    assert answer.reached
    lines = log[0].decode().split("\r\n")
    assert lines[0] == "GET / HTTP/1.1"
    assert f"Host: {answer.endpoint}" in lines
    assert any(line.startswith("User-Agent: writeback-preflight/") for line in lines)
    assert not [line for line in lines if line.lower().startswith(("authorization", "cookie", "proxy-"))]


def test_an_untrusted_certificate_gets_no_request(authority):
    log = []
    with Peer(answers(authority.context("127.0.0.1"), page("200 OK"), log=log)) as peer:
        dialer = SocketDialer(DnsResolver(), timeout=2.0)
        answer = SocketWeb(dialer).ask(dialer.reach(Endpoint("127.0.0.1", peer.port), tls=True))
    assert answer.code == "tls-untrusted"
    assert log == []


@pytest.mark.parametrize("code", PROBE_CODES)
def test_a_service_that_is_not_connected_to_fails_by_its_own_code(code):
    answer = Answer(Endpoint(SERVICE.host, 443), "direct", code, "it is so")
    [finding] = findings(answer)
    assert (finding.status, finding.code, finding.subject) == (Status.FAIL, code, f"{SERVICE.host}:443")
    assert finding.remedy


def good(host="a.example"):
    return Answer(Endpoint(host, 443), "direct", "ok", status=200)


def test_the_apex_alone_is_a_warning_for_the_wildcard_does_not_cover_it():
    down = Answer(Endpoint(APEX.host, 443), "direct", "tcp-timeout", "no answer")
    first, second = web_service.function(WebAnswers({APEX: down, SERVICE: good()}, {}))
    assert (first.status, first.code) == (Status.WARN, "apex-unreachable")
    assert "add a rule for" in first.remedy.lower()
    assert second.status is Status.PASS


def test_the_apex_beside_a_service_that_is_down_fails():
    down = [Answer(Endpoint(name.host, 443), "direct", "tcp-timeout", "no answer") for name in (APEX, SERVICE)]
    found = list(web_service.function(WebAnswers(dict(zip((APEX, SERVICE), down, strict=True)), {})))
    assert [finding.status for finding in found] == [Status.FAIL] * 2


def test_an_apex_that_a_web_filter_answers_fails():
    page_of = Answer(Endpoint(APEX.host, 443), "direct", "block-page", "a page", status=403)
    first, _ = web_service.function(WebAnswers({APEX: page_of, SERVICE: good()}, {}))
    assert (first.status, first.code) == (Status.FAIL, "block-page")


def relay(name, documented):
    return Relay(Endpoint(name, 443), documented)


def test_a_relay_that_a_web_filter_answers():
    blocked = Answer(Endpoint("r.example", 443), "direct", "block-page", "a page", status=403)
    two = {relay("q.example", True): good(), relay("r.example", True): blocked}
    assert [each.code for each in web_service.function(WebAnswers({}, two))] == ["ok", "documented-relay-intercepted"]
    alone = {relay("r.example", True): blocked}
    assert [each.status for each in web_service.function(WebAnswers({}, alone))] == [Status.FAIL]
    own = {relay("q.example", False): good(), relay("r.example", False): blocked}
    assert [each.code for each in web_service.function(WebAnswers({}, own))] == ["ok", "block-page"]


def test_nobody_to_ask_is_unknown():
    [finding] = web_service.function(WebAnswers({}, {}))
    assert (finding.status, finding.code) == (Status.UNKNOWN, "nobody-asked")


ALL_HEADERS = st.dictionaries(
    st.sampled_from(["server", "location", "via", "date", "age", "x-squid-error", "content-type"]), st.text(max_size=50)
)


@given(st.integers(100, 599), ALL_HEADERS, st.binary(max_size=500), st.sampled_from(["text/html", "text/plain", ""]))
def test_any_answer_is_judged(status, headers, body, kind):
    code, message, text = judged(Endpoint("relay.example", 443), status, headers, b"<html>" + body, kind)
    assert code in ("ok", "block-page", "redirected-elsewhere")
    assert bool(message) == (code != "ok")
    assert (message + text).isprintable()
    date = date_of(headers)
    assert date is None or date.tzinfo is not None
