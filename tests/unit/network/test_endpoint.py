from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.network.model import Endpoint

LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join)
ADDRESSES = st.ip_addresses().map(str)
PORTS = st.integers(1, 65535)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("relay.example", "relay.example", 443),
        ("Relay.Example.", "relay.example", 443),
        ("relay.example:9350", "relay.example", 9350),
        (" relay.example ", "relay.example", 443),
        ("10.0.0.10", "10.0.0.10", 443),
        ("10.0.0.10:53", "10.0.0.10", 53),
        ("::1", "::1", 443),
        ("[::1]", "::1", 443),
        ("[2001:DB8:0::1]:8443", "2001:db8::1", 8443),
        ("fe80::1%eth0", "fe80::1%eth0", 443),
        ("_ldap._tcp.corp.example:389", "_ldap._tcp.corp.example", 389),
        ("bücher.example", "xn--bcher-kva.example", 443),
        ("dc1", "dc1", 443),
    ],
)
def test_hosts_and_ports_as_people_write_them(text, host, port):
    endpoint = Endpoint.parse(text)
    assert (endpoint.host, endpoint.port) == (host, port)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (":443", "no host"),
        ("relay.example:", "port"),
        ("relay.example:0", "port"),
        ("relay.example:65536", "port"),
        ("relay.example:https", "port"),
        ("relay.example:+443", "port"),
        ("relay.example:４４３", "port"),
        ("https://relay.example", "URL"),
        ("relay.example/path", "URL"),
        ("user@relay.example", "URL"),
        ("*.servicebus.windows.net", "wildcard"),
        ("two words", "blank"),
        ("::1:443:zz", "IPv6"),
        ("[::1", "IPv6"),
        ("[::1]443", "IPv6"),
        ("[10.0.0.1]:443", "IPv6"),
        ("[relay.example]:443", "IPv6"),
        ("10.0.0", "neither"),
        ("10.0.0.256", "neither"),
        ("relay..example", "host name"),
        ("-relay.example", "host name"),
        ("relay-.example", "host name"),
        ("x" * 64 + ".example", "host name"),
        (".".join(["abcdefgh"] * 40), "host name"),
    ],
)
def test_what_is_wrong_is_said_with_the_text(text, says):
    with pytest.raises(ValueError, match=says):
        Endpoint.parse(text)


@given(st.one_of(NAMES, ADDRESSES), PORTS)
def test_what_is_printed_is_read_back(host, port):
    endpoint = Endpoint(host, port)
    assert Endpoint.parse(str(endpoint), default_port=1) == endpoint


@given(ADDRESSES)
def test_addresses_know_that_they_are_addresses(address):
    assert Endpoint.parse(address).is_address
    assert ipaddress.ip_address(Endpoint.parse(address).host) == ipaddress.ip_address(address)


@given(st.text(max_size=60))
def test_any_text_is_an_endpoint_or_a_value_error(text):
    try:
        endpoint = Endpoint.parse(text)
    except ValueError:
        return
    assert endpoint.host
    assert 1 <= endpoint.port <= 65535
    assert Endpoint.parse(str(endpoint)) == endpoint
