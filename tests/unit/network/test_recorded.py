from __future__ import annotations

import datetime
import json
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.api import Unavailable
from preflight.network.model import (
    OK,
    REASONS,
    Endpoint,
    Hop,
    Probe,
    Reach,
    Resolution,
    ServiceRecord,
    ServiceRecords,
    TlsFacts,
)
from preflight.network.recorded import RecordedDialer, RecordedResolver, Recording

RELAY = Endpoint("relay.example", 443)
LDAPS = Endpoint("dc1.corp.example", 636)
NOON = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)

RESOLUTION = Resolution("relay.example", OK, ("192.0.2.1",), ("a.example",), "10.0.0.10", 0.02, note="seen")
RECORDING = Recording(
    names={"relay.example": RESOLUTION, "gone.example": Resolution("gone.example", "nxdomain", message="not there")},
    services={
        "_ldap._tcp.corp.example": ServiceRecords("_ldap._tcp.corp.example", OK, (ServiceRecord("dc1", 389, 0, 9),))
    },
    endpoints={
        RELAY: Reach(
            RELAY,
            (
                Probe(
                    RELAY,
                    "192.0.2.1",
                    "direct",
                    OK,
                    duration=0.03,
                    tls=TlsFacts("TLSv1.3", "X", "CN=r", "CN=i", ("relay.example",), NOON, NOON, True),
                    hops=(Hop("tcp", "192.0.2.1:443", OK), Hop("tls", "relay.example:443", OK)),
                    source="10.0.0.5:50000",
                ),
                Probe(RELAY, "192.0.2.2", "direct", "tcp-timeout", "no answer", 5.0),
            ),
            RESOLUTION,
        ),
        LDAPS: Reach(LDAPS, (Probe(LDAPS, "10.0.0.1", "direct", OK),)),
    },
    note="a test's",
)


def test_what_was_recorded_is_answered_and_says_so(monkeypatch):
    monkeypatch.delattr(socket, "socket")  # whoever opens one gets an AttributeError
    recording = Recording.from_json(RECORDING.to_json())
    resolver, dialer = RecordedResolver(recording), RecordedDialer(recording)
    assert resolver.origin == dialer.origin == "recorded"
    answer = resolver.resolve("Relay.Example.")
    assert (answer.code, answer.addresses, answer.cname_chain, answer.via) == (
        OK,
        ("192.0.2.1",),
        ("a.example",),
        "recorded",
    )
    assert resolver.addresses("relay.example") == ("192.0.2.1",)
    assert resolver.services("_ldap._tcp.corp.example.").records == (ServiceRecord("dc1", 389, 0, 9),)
    assert dialer.proxy_for(RELAY) is None
    reach = dialer.reach_all([RELAY], tls=True)[RELAY]
    assert reach.connected
    assert [probe.code for probe in reach.probes] == [OK, "tcp-timeout"]
    assert {probe.via for probe in reach.probes} == {"recorded"}
    assert reach.probes[0].tls == RECORDING.endpoints[RELAY].probes[0].tls
    assert reach.resolution is not None


def test_reading_what_was_written_loses_nothing():
    once = Recording.from_json(RECORDING.to_json())
    assert Recording.from_json(once.to_json()) == once
    assert json.loads(once.to_json())["endpoints"].keys() == {"relay.example:443", "dc1.corp.example:636"}


def test_what_was_not_recorded_is_unavailable_never_guessed():
    resolver, dialer = RecordedResolver(RECORDING), RecordedDialer(RECORDING)
    for ask in (
        lambda: resolver.resolve("other.example"),
        lambda: resolver.services("_ldap._tcp.other.example"),
        lambda: dialer.reach(Endpoint("relay.example", 9350)),
        lambda: dialer.reach_all([RELAY, Endpoint("other.example", 443)]),
        lambda: dialer.reach(LDAPS, tls=True),  # recorded without a handshake
    ):
        with pytest.raises(Unavailable, match="recording holds no") as raised:
            ask()
        assert raised.value.code == "not-recorded"


def test_a_recorded_failure_is_a_failure():
    resolver = RecordedResolver(RECORDING)
    assert resolver.resolve("gone.example").code == "nxdomain"
    with pytest.raises(Unavailable) as raised:
        resolver.addresses("gone.example")
    assert raised.value.code == "nxdomain"
    assert resolver.resolve("no name").code == "dns-error"
    assert resolver.resolve("10.0.0.1").addresses == ("10.0.0.1",)


def document(**members):
    return json.dumps({"format": "preflight-network-recording", "version": 1} | members)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "JSON"),
        ("[]", "format"),
        ("{}", "format"),
        ("[" * 100_000, "JSON"),
        (document(version=2), "version"),
        (document(names=[]), "can't be used"),
        (document(names={"a": {}}), "code"),
        (document(names={"a": {"code": "ok"}}), "addresses"),
        (document(names={"a": {"code": "nxdomain", "addresses": ["192.0.2.1"]}}), "addresses"),
        (document(names={"a": {"code": "ok", "addresses": "192.0.2.1"}}), "list"),
        (document(services={"a": {"code": "ok"}}), "records"),
        (document(services={"a": {"code": "ok", "records": [["a"]]}}), "can't be used"),
        (document(endpoints={"a:b": []}), "port"),
        (document(endpoints={"a:443": []}), "no probe"),
        (document(endpoints={"a:443": [{"address": "192.0.2.1"}]}), "code"),
        (document(endpoints={"a:443": [{"code": "tcp-magic"}]}), "tcp-magic"),
        (document(endpoints={"a:443": [{"code": "ok", "tls": {"version": "TLSv1.3"}}]}), "trusted"),
    ],
)
def test_a_document_that_makes_no_sense_is_refused_and_never_an_ok(text, says):
    with pytest.raises(ValueError, match=says):
        Recording.from_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([OK, *REASONS]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["code", "addresses", "tls", "hops", "records", "a:1", "b"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON, JSON, JSON)
def test_any_document_is_a_recording_or_a_value_error(names, services, endpoints):
    try:
        recording = Recording.from_json(document(names=names, services=services, endpoints=endpoints))
    except ValueError:
        return
    assert all(bool(answer.addresses) == answer.resolved for answer in recording.names.values())
    assert all(probe.code in (OK, *REASONS) for reach in recording.endpoints.values() for probe in reach.probes)
