"""The recording proxy: sees every operation, and breaks what it is told to."""

from __future__ import annotations

import socket
import ssl
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import ldap3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.forest import Forest
from lab.ldap_message import Malformed, frame_length, parse, response, with_code
from lab.recording_proxy import RecordingProxy
from ldap3.core.exceptions import LDAPException

PEOPLE = "(sAMAccountType=805306368)"


@contextmanager
def signed_in(
    proxy: RecordingProxy, forest: Forest, *, listener: int = 0, timeout: int = 5
) -> Iterator[ldap3.Connection]:
    port = proxy.listeners[listener].port
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(proxy.ca_file), valid_names=[proxy.host])
    server = ldap3.Server(
        forest.address, port=port, use_ssl=proxy.mode == "ldaps", tls=tls, get_info=ldap3.NONE, connect_timeout=5
    )
    connection = ldap3.Connection(server, forest.reader, forest.password, receive_timeout=timeout)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            connection.open()
            if proxy.mode == "ldap":
                assert connection.start_tls()
        connection.bind()
        yield connection
    finally:
        connection.unbind()


@pytest.fixture
def proxy(forest: Forest) -> Iterator[RecordingProxy]:
    with RecordingProxy(forest.dc) as proxy:
        yield proxy


def test_every_operation_is_recorded(forest: Forest, proxy: RecordingProxy) -> None:
    with signed_in(proxy, forest) as connection:
        connection.search(forest.base_dn, "(&(cn=A*n)(!(sn>=x\\28))(memberOf:1.2.3:=y))", attributes=["cn", "mail"])
        connection.search(forest.base_dn, PEOPLE, attributes=["cn"], paged_size=10)
        connection.modify("CN=Nobody,CN=Users," + forest.base_dn, {"sn": [(ldap3.MODIFY_REPLACE, ["x"])]})
    wait_for(lambda: proxy.count("unbindRequest"))
    bind, first, paged, modify, unbind = proxy.operations
    assert (bind.name, bind.dn, bind.mechanism, bind.tls) == ("bindRequest", forest.reader, "simple", True)
    assert (first.dn, first.scope) == (forest.base_dn, "sub")
    assert first.filter == "(&(cn=A*n)(!(sn>=x\\28))(memberOf:1.2.3:=y))"
    assert first.attributes == ("cn", "mail")
    assert paged.controls == ("1.2.840.113556.1.4.319",)
    assert modify.name == "modifyRequest" and modify.dn.startswith("CN=Nobody")
    assert unbind.name == "unbindRequest"


def test_start_tls_is_recorded_and_followed(forest: Forest) -> None:
    with RecordingProxy(forest.dc, mode="ldap") as proxy:
        with signed_in(proxy, forest) as connection:
            assert connection.bound
        assert [(operation.name, operation.tls) for operation in proxy.operations[:2]] == [
            ("extendedReq", False),
            ("bindRequest", True),
        ]


def test_four_listeners_are_told_apart(forest: Forest) -> None:
    with RecordingProxy(forest.dc, listeners=4) as proxy:
        assert len(set(proxy.controllers)) == 4
        with signed_in(proxy, forest, listener=2):
            pass
        assert [proxy.count("bindRequest", listener=number) for number in range(4)] == [0, 0, 1, 0]


def test_a_result_code_is_put_in_place_and_the_entries_still_come(forest: Forest, proxy: RecordingProxy) -> None:
    proxy.fault("result", on="searchRequest", code=4, matching="805306368")
    with signed_in(proxy, forest) as connection:
        connection.search(forest.base_dn, PEOPLE, attributes=["cn"])
        assert connection.result["description"] == "sizeLimitExceeded"
        assert len(connection.entries) > 20


def test_the_third_page_is_cut_off(forest: Forest, proxy: RecordingProxy) -> None:
    proxy.fault("cut", on="searchRequest", after=2, matching="805306368")
    with signed_in(proxy, forest) as connection:
        cookie = None
        for _ in range(2):
            connection.search(forest.base_dn, PEOPLE, attributes=["cn"], paged_size=10, paged_cookie=cookie)
            cookie = connection.result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"]
            assert connection.result["result"] == 0
        with pytest.raises(LDAPException):
            connection.search(forest.base_dn, PEOPLE, attributes=["cn"], paged_size=10, paged_cookie=cookie)


@pytest.mark.parametrize(
    "fault",
    [
        {"do": "reset"},
        {"do": "garbage"},
        {"do": "stall"},
        {"do": "midway", "size": 100},
        {"do": "delay", "seconds": 30.0},
    ],
    ids=lambda fault: fault["do"],
)
def test_a_broken_answer_is_no_answer(forest: Forest, proxy: RecordingProxy, fault: dict[str, object]) -> None:
    proxy.fault(**fault, on="searchRequest")  # type: ignore[arg-type]
    with signed_in(proxy, forest, timeout=1) as connection:
        try:
            answered = connection.search(forest.base_dn, PEOPLE, attributes=["cn"])
        except Exception:  # noqa: BLE001 - ldap3 lets whatever its decoder met pass
            answered = False
    assert not answered


def test_a_bind_is_answered_without_the_controller(forest: Forest, proxy: RecordingProxy) -> None:
    proxy.fault("answer", on="bindRequest", code=8, text="sign, please", times=1)
    with signed_in(proxy, forest) as connection:
        assert (connection.result["description"], connection.result["message"]) == (
            "strongerAuthRequired",
            "sign, please",
        )
        assert connection.bind()


def test_a_listener_refuses_and_accepts_again(forest: Forest, proxy: RecordingProxy) -> None:
    listener = proxy.listeners[0]
    listener.refuse()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((listener.address, listener.port), timeout=2)
    listener.accept()
    with signed_in(proxy, forest) as connection:
        assert connection.bound


def test_a_silent_listener_accepts_and_says_nothing(forest: Forest, proxy: RecordingProxy) -> None:
    listener = proxy.listeners[0]
    listener.silent = True
    context = ssl.create_default_context(cafile=str(proxy.ca_file))
    with (
        socket.create_connection((listener.address, listener.port), timeout=0.3) as plain,
        pytest.raises(TimeoutError),
    ):
        context.wrap_socket(plain, server_hostname=proxy.host)


@given(st.integers(0, 2**31 - 1), st.integers(0, 127), st.integers(0, 127), st.text(max_size=300))
def test_a_made_answer_parses_and_its_code_can_be_changed(number: int, code: int, other: int, text: str) -> None:
    answer = response(number, "searchRequest", code, text)
    assert frame_length(answer) == len(answer)
    assert (parse(answer).id, parse(answer).name, parse(answer).code) == (number, "searchResDone", code)
    assert with_code(answer, other) == response(number, "searchRequest", other, text)


@given(st.binary(max_size=200))
def test_rubbish_is_malformed_and_nothing_else(rubbish: bytes) -> None:
    try:
        parse(b"\x30" + rubbish)
    except Malformed:
        return


def wait_for(condition, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
