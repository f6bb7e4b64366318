"""`preflight trace`: hop by hop, up to the first that is broken, and the sentence for the firewall's people."""

from __future__ import annotations

import json
import re

import pytest
from network.http_servers import answers, page, relay
from network.servers import NameServer, Peer, black_hole, closed_port, names, refuses, reset, says

from preflight.cli import call
from preflight.network.dialer import SocketDialer
from preflight.network.model import Endpoint
from preflight.network.proxy import Proxy
from preflight.network.resolver import DnsResolver
from preflight.network.trace import trace
from preflight.network.web_client import SocketWeb
from preflight.outputs import PLAIN
from preflight.outputs.trace import render, to_json

ZONE = {
    "relay.example": ["A 127.0.0.1"],
    "two.example": ["A 127.0.0.1", "A 127.255.255.7"],
    "chain.example": ["CNAME relay.example"],
}


def follow(endpoint, authority, *, proxy=None, websocket=False, timeout=1.0, answer=None):
    with NameServer(answer or names(ZONE)) as dns:
        resolver = DnsResolver(dns.address, lifetime=timeout)
        dialer = SocketDialer(resolver, timeout=timeout, ca_file=authority.file, proxy=proxy)
        return trace(endpoint, resolver, dialer, SocketWeb(dialer, timeout=timeout), websocket=websocket)


def test_a_way_that_leads_to_the_end(authority):
    with Peer(relay(authority.context("relay.example"))) as peer:
        found = follow(Endpoint("chain.example", peer.port), authority)
        assert found.broken is not None and found.broken.kind == "tls", "the certificate is another name's"
        found = follow(Endpoint("relay.example", peer.port), authority, websocket=True)
    assert found.broken is None and found.sentence == ""
    assert [step.kind for step in found.steps] == ["dns", "tcp", "tls", "http", "websocket"]
    assert "127.0.0.1" in found.steps[0].message
    assert found.source.startswith("127.0.0.1:")
    shown = render(found, PLAIN)
    assert "REACHED" in shown and "TLSv1.3" in shown and "HTTP 101" in shown


SENTENCE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ: from 127\.0\.0\.1(:\d+)? to 127\.0\.0\.1 port \d+( for [\w.:]+)?( by the proxy "
    r"[\d.:]+)?, protocol .+, observed: .+\. .+"
)


@pytest.mark.parametrize(
    ("behaviour", "kinds", "code", "protocol"),
    [
        (None, ["dns", "tcp"], "tcp-refused", "TCP"),
        (reset, ["dns", "tcp", "tls"], "tls-reset", "TLS over TCP"),
        (says(b"220 mail\r\n"), ["dns", "tcp", "tls"], "tls-protocol", "TLS over TCP"),
        ("page", ["dns", "tcp", "tls", "http"], "block-page", "HTTPS (TLS over TCP)"),
        ("upgrade", ["dns", "tcp", "tls", "http", "websocket"], "upgrade-stripped", "WebSocket over HTTPS"),
    ],
    ids=["refused", "reset in TLS", "no TLS", "a block page", "no WebSocket"],
)
def test_it_stops_at_the_first_broken_hop_with_a_sentence(authority, behaviour, kinds, code, protocol):
    context = authority.context("relay.example")
    if behaviour == "page":
        behaviour = answers(context, page("403 Forbidden", "<title>Blocked</title>Access denied by policy"))
    elif behaviour == "upgrade":
        behaviour = answers(context, page("200 OK"))
    with Peer(behaviour or says(b"")) as peer:
        port = peer.port if behaviour else closed_port()
        found = follow(Endpoint("relay.example", port), authority, websocket=True)
    assert [step.kind for step in found.steps] == kinds
    assert found.broken is found.steps[-1] and found.broken.code == code
    assert SENTENCE.fullmatch(found.sentence), found.sentence
    assert f"protocol {protocol}," in found.sentence and f"port {port}" in found.sentence
    assert f"for relay.example:{port}" in found.sentence
    assert "BROKEN" in render(found, PLAIN)


def test_a_dropped_connection_request(authority):
    with black_hole() as port:
        found = follow(Endpoint("127.0.0.1", port), authority, timeout=0.4)
    assert [step.code for step in found.steps] == ["tcp-timeout"]
    assert SENTENCE.fullmatch(found.sentence), found.sentence


@pytest.mark.parametrize(
    ("answer", "code"), [(names({}), "nxdomain"), (refuses(2), "servfail"), (refuses(5), "dns-refused")]
)
def test_a_name_that_does_not_resolve(authority, answer, code):
    found = follow(Endpoint("relay.example", 443), authority, answer=answer)
    assert [step.code for step in found.steps] == [code]
    assert "DNS (UDP and TCP 53)" in found.sentence and "relay.example" in found.sentence


def test_one_dead_address_of_two_is_seen_and_not_the_end(authority):
    with Peer(answers(authority.context("two.example"), page("404 Not Found"))) as peer:
        found = follow(Endpoint("two.example", peer.port), authority)
    assert found.broken is None
    assert sorted({step.code for step in found.steps}) == ["ok", "tcp-refused"]


@pytest.mark.parametrize(("status", "code"), [("403 No", "proxy-forbidden"), ("407 Sign in", "proxy-authentication")])
def test_a_proxy_that_refuses(authority, status, code):
    with Peer(says(page(status))) as peer:
        proxy = Proxy.parse(f"http://127.0.0.1:{peer.port}")
        found = follow(Endpoint("relay.example", 443), authority, proxy=proxy)
    assert [step.kind for step in found.steps] == ["tcp", "proxy"]
    assert found.broken is not None and found.broken.code == code
    assert "HTTP CONNECT" in found.sentence and "for relay.example:443 by the proxy 127.0.0.1" in found.sentence


def test_the_json_form(authority):
    found = follow(Endpoint("relay.example", closed_port()), authority)
    document = json.loads(to_json(found))
    assert document["reached"] is False
    assert document["sentence"] == found.sentence
    assert [step["hop"] for step in document["steps"]] == ["dns", "tcp"]
    assert document["steps"][-1]["broken"] is True


@pytest.mark.parametrize("format", ["human", "json"])
def test_the_command(capsys, format, monkeypatch):
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    assert call(["trace", f"127.0.0.1:{closed_port()}", "--format", format]) == 3
    out = capsys.readouterr().out
    assert "tcp-refused" in out


def test_a_domain_controllers_port_needs_no_tls(capsys):
    assert call(["trace", "127.255.255.9:88", "--timeout", "1"]) == 3
    assert "TLS" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["trace"],
        ["trace", "*.servicebus.windows.net"],
        ["trace", "a:99999"],
        ["trace", "a", "--format", "xml"],
        ["trace", "ssprsbprodncu-sb.accesscontrol.windows.net"],
    ],
)
def test_usage(arguments, capsys):
    assert call(arguments) == 2
    assert capsys.readouterr().out == ""
