from __future__ import annotations

import base64
import copy
import dataclasses
import pickle
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.network.model import Endpoint
from preflight.network.proxy import Credentials, Proxy, exempt, proxy_from_environment, schemes

RELAY = Endpoint("relay.servicebus.windows.net", 443)
PASSWORD = "hunter2-Pa55"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://proxy.contoso.com:3128", "proxy.contoso.com:3128"),
        ("HTTP://Proxy.Contoso.com:3128/", "proxy.contoso.com:3128"),
        ("proxy.contoso.com:3128", "proxy.contoso.com:3128"),
        ("http://proxy", "proxy:80"),
        ("http://[2001:db8::1]:3128", "[2001:db8::1]:3128"),
        (f"http://svc:{PASSWORD}@proxy:3128", "proxy:3128"),
    ],
)
def test_urls_as_people_write_them(url, place):
    assert str(Proxy.parse(url)) == place


def test_credentials_are_decoded():
    proxy = Proxy.parse("http://CONTOSO%5Csvc:p%40ss%3Aw%2Frd@proxy:3128")
    assert proxy.credentials is not None
    token = proxy.credentials.basic().removeprefix("Basic ")
    assert base64.b64decode(token) == b"CONTOSO\\svc:p@ss:w/rd"


@given(st.text(max_size=20).filter(lambda user: ":" not in user), st.text(max_size=20), st.booleans())
def test_any_quoted_credentials_survive_and_stay_hidden(user, password, scheme):
    proxy = Proxy.parse(f"{'http://' if scheme else ''}{quote(user, safe='')}:{quote(password, safe='')}@proxy:3128")
    token = proxy.credentials.basic().removeprefix("Basic ")
    assert base64.b64decode(token).decode() == f"{user}:{password}"
    assert repr(proxy) == "Proxy(endpoint=Endpoint(host='proxy', port=3128), credentials=Credentials(***))"
    assert str(proxy) == "proxy:3128"


def test_credentials_leave_the_process_on_no_side_road():
    proxy = Proxy.parse(f"http://svc:{PASSWORD}@proxy:3128")
    assert PASSWORD not in repr(dataclasses.fields(proxy)) + f"{proxy} {proxy!r} {proxy.credentials}"
    with pytest.raises(TypeError):
        pickle.dumps(proxy)
    with pytest.raises(TypeError):
        copy.deepcopy(proxy.credentials)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "no host"),
        ("http://", "no host"),
        ("https://proxy:443", "https://"),
        ("socks5://proxy:1080", "socks5://"),
        ("http://proxy:3128/pac", "path"),
        ("http://proxy:port", "port"),
        ("http://svc:x@", "no host"),
        (f"https://svc:{PASSWORD}@proxy:3128", "https://"),
        (f"http://svc:{PASSWORD}@proxy:99999", "port"),
        (f"http://svc:{PASSWORD}@pro xy:3128", "blank"),
        (f"svc:{PASSWORD}@:3128", "no host"),
        (f"http://a%3Ab:{PASSWORD}@proxy:3128", "colon"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(url, says):
    with pytest.raises(ValueError, match=says) as raised:
        Proxy.parse(url)
    assert PASSWORD not in str(raised.value)


@given(st.text(max_size=40))
def test_any_text_is_a_proxy_or_a_value_error(text):
    try:
        proxy = Proxy.parse(text)
    except ValueError:
        return
    assert Proxy.parse(str(proxy)).endpoint == proxy.endpoint


def test_a_colon_can_not_be_part_of_the_user_name():
    with pytest.raises(ValueError, match="colon"):
        Credentials("a:b", "c")


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_the_environment_names_the_proxy(name):
    proxy = proxy_from_environment(RELAY, {name: "http://proxy:3128", "HTTP_PROXY": "http://not-for-https:1"})
    assert proxy == Proxy(Endpoint("proxy", 3128))


def test_the_special_variable_goes_before_the_general_one():
    environ = {"ALL_PROXY": "http://general:1", "HTTPS_PROXY": "http://special:2"}
    assert str(proxy_from_environment(RELAY, environ)) == "special:2"


@pytest.mark.parametrize("environ", [{}, {"HTTPS_PROXY": ""}, {"HTTPS_PROXY": "  "}, {"NO_PROXY": "*"}])
def test_no_proxy_in_the_environment_is_direct(environ):
    assert proxy_from_environment(RELAY, environ) is None


def test_a_bad_variable_is_named_and_not_repeated():
    with pytest.raises(ValueError, match="HTTPS_PROXY") as raised:
        proxy_from_environment(RELAY, {"HTTPS_PROXY": f"socks5://svc:{PASSWORD}@proxy:1080"})
    assert PASSWORD not in str(raised.value)


def test_an_exempt_host_does_not_mind_a_bad_variable():
    assert proxy_from_environment(RELAY, {"HTTPS_PROXY": "socks5://x", "NO_PROXY": ".windows.net"}) is None


@pytest.mark.parametrize(
    ("host", "no_proxy", "direct"),
    [
        ("relay.example", "*", True),
        ("relay.example", "relay.example", True),
        ("relay.example", "RELAY.Example.", True),
        ("relay.example", "other.example", False),
        ("relay.example", "example", True),
        ("relay.example", ".example", True),
        ("relay.example", "*.example", True),
        ("example", ".example", True),
        ("myexample", "example", False),
        ("relay.example", "a.relay.example", False),
        ("relay.example", "first.example, relay.example", True),
        ("relay.example", "first.example relay.example", True),
        ("relay.example", "relay.example:443", True),
        ("relay.example", "relay.example:8443", False),
        ("relay.example", ".example:443", True),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.99/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:443", True),
        ("10.1.2.3", "10.1.2.3:80", False),
        ("10.1.2.3", "2.3", False),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db8::1", "[2001:db8::1]:443", True),
        ("2001:db8::1", "2001:DB8:0:0::1", True),
        ("10.1.2.3", "::/0", False),
        ("relay.example", "10.0.0.0/8", False),
        ("relay.example", "", False),
        ("relay.example", ",,  ,", False),
        ("relay.example", "http://relay.example, ex ample:port, [, /", False),
    ],
)
def test_no_proxy_in_all_its_forms(host, no_proxy, direct):
    assert exempt(Endpoint(host, 443), no_proxy) is direct


@given(st.text(max_size=80))
def test_any_no_proxy_is_understood_or_ignored(text):
    assert exempt(RELAY, text) in (True, False)


@given(st.text(max_size=40).filter(lambda text: "*" not in text.split(",")), st.text(max_size=40))
def test_what_exempts_goes_on_exempting_in_company(before, after):
    assert exempt(RELAY, f"{before},.servicebus.windows.net,{after}")


@pytest.mark.parametrize(
    ("header", "offered"),
    [
        (b"", ()),
        (b"Proxy-Authenticate: Basic realm=x", ("Basic",)),
        (b"proxy-authenticate:Negotiate\r\nPROXY-AUTHENTICATE: NTLM", ("Negotiate", "NTLM")),
        (
            b'Proxy-Authenticate: Digest realm="a, Basic", qop="auth,auth-int", nonce=1, Basic realm="b"',
            ("Digest", "Basic"),
        ),
        (b"Proxy-Authenticate: ", ()),
        (b"X-Other: Basic", ()),
    ],
)
def test_offered_schemes(header, offered):
    assert schemes(b"HTTP/1.1 407 no\r\n" + header + b"\r\n\r\n") == offered


@given(st.binary(max_size=200))
def test_schemes_of_anything(header):
    assert all(isinstance(scheme, str) for scheme in schemes(header))
