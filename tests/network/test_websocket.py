"""Whether a request for a WebSocket arrives: at a relay, through a gateway that strips it, through one that doesn't."""

from __future__ import annotations

import ssl

import pytest
import trustme
from network.http_servers import answers, inspecting, page, relay
from network.servers import Peer

from preflight.api import Status
from preflight.network.dialer import SocketDialer
from preflight.network.model import Endpoint
from preflight.network.reasons import PROBE_CODES
from preflight.network.relays import Relay
from preflight.network.resolver import DnsResolver
from preflight.network.web import WEB_REASONS, Answer
from preflight.network.web_client import SocketWeb
from preflight.network.websocket import accepted, judged_upgrade
from preflight_checks import websocket


def upgraded(behaviour, authority, timeout=2.0):
    with Peer(behaviour) as peer:
        dialer = SocketDialer(DnsResolver(), timeout=timeout, ca_file=authority.file)
        return SocketWeb(dialer, timeout=timeout).upgrade(dialer.reach(Endpoint("127.0.0.1", peer.port), tls=True))


def finding_of(answer):
    [finding] = websocket.function(Relay(answer.endpoint, False), answer)
    return finding


SITUATIONS = [
    ("a WebSocket", lambda context: relay(context), "ok", "switches to a WebSocket"),
    ("401", lambda context: relay(context, page("401 Unauthorized")), "ok", "HTTP 401"),
    ("404", lambda context: relay(context, page("404 Not Found")), "ok", "HTTP 404"),
    ("an ordinary page", lambda context: answers(context, page("200 OK")), "upgrade-stripped", "ordinary request"),
    ("426", lambda context: answers(context, page("426 Upgrade Required")), "upgrade-stripped", "426"),
    (
        "400 that misses the upgrade",
        lambda context: answers(context, page("400 Bad Request", "<p>Not a WebSocket request")),
        "upgrade-stripped",
        "400",
    ),
    (
        "101 without the key's answer",
        lambda context: answers(context, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
        "upgrade-stripped",
        "headers are missing",
    ),
    (
        "a block page",
        lambda context: answers(context, page("403 Forbidden", "<title>Blocked</title>URL blocked by policy")),
        "block-page",
        "blocked",
    ),
    (
        "a redirect to a portal",
        lambda context: answers(context, page("302 Found", "", "Location: https://portal.example/")),
        "redirected-elsewhere",
        "portal.example",
    ),
    ("garbage", lambda context: answers(context, b"\0\1\2\n" * 1000), "http-garbage", "not HTTP"),
]


@pytest.mark.parametrize(
    ("behave", "code", "says"), [row[1:] for row in SITUATIONS], ids=[row[0] for row in SITUATIONS]
)
def test_what_a_request_for_a_websocket_meets(authority, behave, code, says):
    finding = finding_of(upgraded(behave(authority.context("127.0.0.1")), authority))
    assert finding.code == code
    assert finding.status is (Status.PASS if code == "ok" else Status.WARN)
    assert says in finding.summary


@pytest.mark.parametrize(("strip", "code"), [(("upgrade",), "upgrade-stripped"), ((), "ok")])
def test_a_gateway_that_inspects_tls_is_seen_by_what_it_takes_away(authority, strip, code):
    inner = trustme.CA()
    behind = ssl.create_default_context()
    inner.configure_trust(behind)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inner.issue_cert("127.0.0.1").configure_cert(context)
    with Peer(relay(context)) as service:
        answer = upgraded(inspecting(authority.context("127.0.0.1"), behind, service.port, strip), authority)
    assert finding_of(answer).code == code


def test_silence_is_a_warning_in_time(authority):
    answer = upgraded(answers(authority.context("127.0.0.1")), authority, timeout=0.5)
    assert (finding_of(answer).status, answer.code) == (Status.WARN, "http-timeout")


@pytest.mark.parametrize("code", [*PROBE_CODES, *WEB_REASONS])
def test_every_obstacle_is_a_warning_with_its_remedy(code):
    finding = finding_of(Answer(Endpoint("r.example", 443), "direct", code, "it is so"))
    assert (finding.status, finding.code) == (Status.WARN, code)
    assert finding.remedy and finding.observed


def test_the_example_of_the_standard():
    """RFC 6455 1.3."""
    assert accepted("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    headers = {"upgrade": "WebSocket", "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}
    endpoint = Endpoint("r.example", 443)
    assert judged_upgrade(endpoint, 101, headers, "", "dGhlIHNhbXBsZSBub25jZQ==") == ("ok", "")
    assert judged_upgrade(endpoint, 101, headers, "", "another")[0] == "upgrade-stripped"
