from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.network.machine_config import MachineConfig
from preflight.network.model import Endpoint

RELAY = Endpoint("contoso.servicebus.windows.net", 443)


def config(inner: str, attributes: str = "") -> MachineConfig:
    text = f"<configuration><system.net><defaultProxy {attributes}>{inner}</defaultProxy></system.net></configuration>"
    return MachineConfig.parse(text.encode())


def test_what_microsoft_proposes_for_the_sync_server() -> None:
    read = config(
        '<proxy usesystemdefault="true" proxyaddress="http://proxy.contoso.com:8080" bypassonlocal="true"/>',
        'enabled="true" useDefaultCredentials="true"',
    )
    assert read.decides and read.signs_in and read.bypass_on_local
    assert str(read.way(RELAY)) == "proxy.contoso.com:8080"
    assert read.way(Endpoint("intranet", 443)) is None
    assert str(read) == "proxy proxy.contoso.com:8080"


@pytest.mark.parametrize(
    ("inner", "attributes", "decides", "says"),
    [
        ("", "", False, "no proxy (Windows' own settings of the service's account decide)"),
        ('<proxy usesystemdefault="true"/>', "", False, "no proxy (Windows' own settings"),
        ('<proxy usesystemdefault="false"/>', "", True, "direct"),
        ('<proxy proxyaddress="http://p:8080"/>', 'enabled="false"', True, "direct (defaultProxy is disabled)"),
        ('<proxy autoDetect="true" proxyaddress="http://p:1"/>', "", False, "a proxy found by automatic detection"),
        ('<proxy scriptLocation="http://w/wpad.dat"/>', "", False, "a proxy found by the script http://w/wpad.dat"),
        ('<proxy proxyaddress="http://p:8080/"/>', "", True, "proxy p:8080"),
    ],
)
def test_who_decides(inner: str, attributes: str, decides: bool, says: str) -> None:
    read = config(inner, attributes)
    assert read.decides is decides
    assert str(read).startswith(says)


def test_without_the_element_windows_decides() -> None:
    read = MachineConfig.parse(b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?><configuration/>")
    assert not read.present and not read.decides


def test_utf_16_as_notepad_writes_it() -> None:
    text = '<?xml version="1.0" encoding="utf-16"?><configuration><system.net/></configuration>'
    assert not MachineConfig.parse(text.encode("utf-16")).present


@pytest.mark.parametrize(
    ("entries", "bypassed"),
    [
        (r'<add address="\.windows\.net$"/>', True),
        (r'<add address="^https://CONTOSO\."/>', True),
        (r'<add address="^http://contoso"/>', False),
        (r'<add address="contoso"/><clear/>', False),
        (r'<add address="contoso"/><remove address="contoso"/>', False),
        (r'<add address="other"/>', False),
    ],
)
def test_the_bypass_is_a_regular_expression_on_the_url(entries: str, bypassed: bool) -> None:
    read = config(f'<proxy proxyaddress="http://p:8080"/><bypasslist>{entries}</bypasslist>')
    assert (read.way(RELAY) is None) is bypassed


def test_the_port_stands_in_the_url_unless_it_is_that_of_https() -> None:
    read = config(r'<proxy proxyaddress="http://p:8080"/><bypasslist><add address=":9350$"/></bypasslist>')
    assert read.way(RELAY) is not None
    assert read.way(Endpoint(RELAY.host, 9350)) is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no XML"),
        (b"<configuration>", "no XML"),
        (b"<other/>", "not <configuration>"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><configuration>&a;</configuration>", "document type"),
        (b'<configuration><system.net><defaultProxy enabled="yes"/></system.net></configuration>', "not true or false"),
    ],
)
def test_what_is_no_machine_config_is_said(content: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        MachineConfig.parse(content)


@pytest.mark.parametrize(
    "pattern", ["(", "(a+)+$", "((.+))+x", "(.+.?)+x", "(a|a)*x", ".*" * 9 + "x", "a?" * 30, "x" * 600]
)
def test_a_bypass_that_can_t_be_followed_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="bypass"):
        config(f'<proxy proxyaddress="http://p:1"/><bypasslist><add address="{pattern}"/></bypasslist>')


@pytest.mark.parametrize(
    "pattern", [r"^https?://10\.\d+\.\d+\.\d+", r"([a-z]{3})\.other", r"(a|b)\.c", r"[+*(]+\+\+\+\+"]
)
def test_an_ordinary_bypass_is_followed(pattern: str) -> None:
    assert config(f'<proxy proxyaddress="http://p:1"/><bypasslist><add address="{pattern}"/></bypasslist>').way(RELAY)


def test_a_password_in_the_place_of_a_script_is_not_shown() -> None:
    assert "cr3t" not in str(config('<proxy scriptLocation="http://user:s3/cr3t@p/x.pac"/>'))


def test_a_password_in_the_address_is_not_shown() -> None:
    with pytest.raises(ValueError, match="proxyaddress") as error:
        config('<proxy proxyaddress="http://user:hunter2@bad host"/>')
    assert "hunter2" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"machine\.config can't be read"):
        MachineConfig.read(tmp_path / "machine.config")


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"<configuration>{text}</configuration>".encode())
)
def test_anything_is_read_or_refused(content: bytes) -> None:
    try:
        read = MachineConfig.parse(content)
    except ValueError:
        return
    if read.decides:
        read.way(RELAY)
