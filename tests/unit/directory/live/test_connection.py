"""One connection against a server that misbehaves: each way ends in a named reason, in time."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ldap_peer import LdapPeer, ber, bind_result, done, entry, integer, octets, raw, reference, result

from preflight.api import Unavailable
from preflight.directory.live.connection import LdapConnection, Scope, Search
from preflight.directory.live.deadline import Deadline, Timeouts
from preflight.directory.model import DomainController

EVERYBODY = Search("DC=corp,DC=contoso,DC=test", Scope.SUBTREE, "(objectClass=*)", ("cn",))
TIMEOUTS = Timeouts(connect=2.0, handshake=2.0, bind=1.0, page=1.0)


@pytest.fixture
def peer() -> Iterator[LdapPeer]:
    with LdapPeer() as peer:
        yield peer


@pytest.fixture
def connection(peer: LdapPeer) -> Iterator[LdapConnection]:
    controller = DomainController("127.0.0.1", peer.port, "none", "configured")
    connection = LdapConnection.open(controller, lambda host: [host], None, TIMEOUTS)
    yield connection
    connection.close()


def names(connection: LdapConnection, search: Search = EVERYBODY) -> list[str]:
    return [name for name, _ in connection.search(search)]


def refusal(connection: LdapConnection, search: Search = EVERYBODY) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        names(connection, search)
    return caught.value


def test_pages_follow_the_cookie_to_the_end(peer: LdapPeer, connection: LdapConnection) -> None:
    pages = {b"": ("CN=1", b"two"), b"two": ("CN=2", b"three"), b"three": ("CN=3", b"")}
    peer.on_search = lambda request: [entry(pages[request.cookie][0]), done(cookie=pages[request.cookie][1])]
    assert names(connection) == ["CN=1", "CN=2", "CN=3"]


def test_the_next_page_is_asked_for_before_one_is_handed_out(peer: LdapPeer, connection: LdapConnection) -> None:
    peer.on_search = lambda request: [entry("CN=1"), done(cookie=b"" if request.cookie else b"two")]
    pages = connection.pages(EVERYBODY)
    next(pages)
    waited = time.monotonic() + 5
    while peer.count("searchRequest") < 2 and time.monotonic() < waited:
        time.sleep(0.01)
    assert peer.count("searchRequest") == 2
    assert not connection.is_reusable
    pages.close()


def test_references_to_other_servers_are_not_followed_and_are_no_entries(
    peer: LdapPeer, connection: LdapConnection
) -> None:
    peer.on_search = lambda _: [reference("ldap://127.0.0.1:1/DC=child"), entry("CN=1"), done()]
    assert names(connection) == ["CN=1"]


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (
            1,
            "000004DC: LdapErr: DSID-0C090CF4, comment: In order to perform this operation a successful bind",
            "not-bound",
        ),
        (1, "00000000: other", "operations-error"),
        (3, "", "time-limit"),
        (4, "", "size-limit"),
        (8, "", "signing-required"),
        (10, "", "referral"),
        (11, "", "admin-limit"),
        (12, "", "control-not-supported"),
        (13, "", "confidentiality-required"),
        (32, "", "no-such-object"),
        (34, "", "invalid-dn"),
        (50, "", "access-denied"),
        (51, "", "busy"),
        (52, "", "server-unavailable"),
        (53, "", "unwilling"),
        (80, "", "ldap-error"),
        (118, "", "ldap-error"),
    ],
)
def test_a_search_that_did_not_succeed_is_unavailable_whatever_came_before(
    peer: LdapPeer, connection: LdapConnection, code: int, message: str, expected: str
) -> None:
    peer.on_search = lambda _: [entry("CN=1"), done(code, message)]
    error = refusal(connection)
    assert error.code == expected
    assert error.remedy


def test_pages_handed_out_before_a_refusal_stay(peer: LdapPeer, connection: LdapConnection) -> None:
    peer.on_search = lambda request: [done(4)] if request.cookie else [entry("CN=1"), done(cookie=b"two")]
    pages = connection.pages(EVERYBODY)
    assert [name for name, _ in next(pages).entries] == ["CN=1"]
    with pytest.raises(Unavailable) as caught:
        next(pages)
    assert caught.value.code == "size-limit"


def test_a_server_that_ignores_paging_is_not_taken_at_its_word(peer: LdapPeer, connection: LdapConnection) -> None:
    peer.on_search = lambda _: [entry("CN=1"), done(cookie=None)]
    assert refusal(connection).code == "protocol-violation"


@pytest.mark.parametrize(("scope", "entries"), [(Scope.BASE, 2), (Scope.SUBTREE, 10_001)])
def test_entries_without_an_end_do_not_fill_the_memory(
    peer: LdapPeer, connection: LdapConnection, scope: Scope, entries: int
) -> None:
    peer.on_search = lambda _: [*[entry("CN=1")] * entries, done(cookie=b"")]
    error = refusal(connection, replace(EVERYBODY, scope=scope))
    assert error.code == "protocol-violation"
    assert "more entries than were asked for" in error.reason
    assert not connection.is_open


def test_empty_pages_without_an_end_end(peer: LdapPeer, connection: LdapConnection) -> None:
    peer.on_search = lambda _: [done(cookie=b"again")]
    assert refusal(connection).code == "protocol-violation"


def test_a_server_that_sends_a_byte_at_a_time_runs_into_the_deadline(
    peer: LdapPeer, connection: LdapConnection
) -> None:
    whole = ber(0x30, integer(1), entry("CN=1"))
    peer.on_search = lambda _: [raw(*(whole[i : i + 1] for i in range(len(whole))), pause=0.2)]
    began = time.monotonic()
    assert refusal(connection).code == "timed-out"
    assert 0.9 < time.monotonic() - began < 3
    assert not connection.is_open


def test_a_server_that_keeps_sending_entries_slowly_runs_into_the_deadline(
    peer: LdapPeer, connection: LdapConnection
) -> None:
    peer.on_search = lambda _: [part for number in range(30) for part in (entry(f"CN={number}"), 0.2)]
    assert refusal(connection).code == "timed-out"


def test_a_server_that_says_nothing_runs_into_the_deadline(peer: LdapPeer, connection: LdapConnection) -> None:
    peer.on_search = lambda _: [30]
    assert refusal(connection).code == "timed-out"


def test_a_bind_that_is_never_answered_runs_into_the_deadline(peer: LdapPeer, connection: LdapConnection) -> None:
    peer.on_bind = lambda _: [30]
    with pytest.raises(Unavailable) as caught:
        connection.bind("x", "SIMPLE", b"secret", Deadline.after(0.5))
    assert caught.value.code == "timed-out"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([None], "connection-lost"),
        ([entry("CN=1"), None], "connection-lost"),
        ([raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")], "protocol-violation"),
        ([raw(b"\x30\x84\x7f\xff\xff\xff")], "protocol-violation"),
        ([raw(ber(0x30, integer(99), entry("CN=1")))], "protocol-violation"),
        ([bind_result()], "protocol-violation"),
        ([ber(0x64, octets("CN=1"), b"\x30\x7f"), done()], "protocol-violation"),
        ([raw(ber(0x30, integer(0), result(0x78, 52, "shutting down")[0]))], "connection-lost"),
    ],
    ids=["closed", "closed midway", "http", "huge", "other id", "other answer", "malformed entry", "notice"],
)
def test_a_broken_answer_is_a_named_reason_and_the_connection_is_dropped(
    peer: LdapPeer, connection: LdapConnection, answer: list[object], expected: str
) -> None:
    peer.on_search = lambda _: answer
    assert refusal(connection).code == expected
    assert not connection.is_reusable


def test_an_idle_connection_that_the_server_closed_is_not_reused(peer: LdapPeer, connection: LdapConnection) -> None:
    peer.on_search = lambda _: [entry("CN=1"), done(), 0.2, None]
    assert names(connection) == ["CN=1"]
    assert connection.is_reusable
    time.sleep(0.4)
    assert not connection.is_reusable


def test_descriptors_are_asked_for_without_the_audit_part_and_the_control_is_critical(
    peer: LdapPeer, connection: LdapConnection
) -> None:
    search = Search("DC=x", Scope.SUBTREE, "(objectClass=*)", ("nTSecurityDescriptor",))
    assert names(connection, search) == []
    controls = {oid: (critical, value) for oid, critical, value in peer.requests[-1].controls}
    assert controls["1.2.840.113556.1.4.801"] == (True, bytes.fromhex("3003020107"))
    assert controls["1.2.840.113556.1.4.319"][0] is True


def test_data_after_the_answer_to_start_tls_is_refused(peer: LdapPeer) -> None:
    accepted = ber(0x30, integer(1), result(0x78)[0])
    injected = ber(0x30, integer(2), bind_result()[0])
    peer.on_extended = lambda _: [raw(accepted + injected)]
    controller = DomainController("127.0.0.1", peer.port, "starttls", "configured")
    with pytest.raises(Unavailable) as caught:
        LdapConnection.open(controller, lambda host: [host], ssl.create_default_context(), TIMEOUTS)
    assert caught.value.code == "protocol-violation"


def test_a_server_without_start_tls_is_not_spoken_to_in_the_clear(peer: LdapPeer) -> None:
    controller = DomainController("127.0.0.1", peer.port, "starttls", "configured")
    with pytest.raises(Unavailable) as caught:
        LdapConnection.open(controller, lambda host: [host], ssl.create_default_context(), TIMEOUTS)
    assert caught.value.code == "starttls-refused"
    assert peer.operations == ["extendedReq"]


def test_unbind_says_goodbye_and_closes(peer: LdapPeer, connection: LdapConnection) -> None:
    connection.root_dse()
    connection.unbind()
    waited = time.monotonic() + 5
    while "unbindRequest" not in peer.operations and time.monotonic() < waited:
        time.sleep(0.01)
    assert peer.operations == ["searchRequest", "unbindRequest"]
