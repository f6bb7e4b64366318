"""Idle connections: alive, reset, forgotten, closed by a device, ended by the service; and what is said of each."""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import subprocess
import threading
import time

import pytest
from network.conftest import encrypted
from network.http_servers import page, request_of
from network.servers import Peer, closed_port

from preflight.api import Status
from preflight.network.dialer import SocketDialer
from preflight.network.idle import IDLE_CODES, NEEDED, Held, hold, longest_survived, waits
from preflight.network.model import Endpoint
from preflight.network.proxy import Proxy
from preflight.network.reasons import PROBE_CODES
from preflight.network.relays import Relay
from preflight.network.resolver import DnsResolver
from preflight.network.web import IdleConnections
from preflight.network.web_client import SocketWeb
from preflight_checks import idle_survives

RELAY = Relay(Endpoint("r.example", 443), False)


def answering(connection):
    request_of(connection)
    connection.sendall(page("404 Not Found"))
    with contextlib.suppress(OSError):
        connection.recv(1)


def silent_after(connection):
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


def good_bye_after(seconds):
    def speak(connection):
        time.sleep(seconds)
        with contextlib.suppress(OSError):
            connection.unwrap()

    return speak


def closed_after(seconds, *, reset):
    """What a device does: TLS is not told."""

    def speak(connection):
        time.sleep(seconds)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.shutdown(connection, socket.SHUT_RDWR) if not reset else None

    return speak


def held(behaviour, authority, seconds=0.6, proxy=None, timeout=0.5, stop=None):
    with Peer(encrypted(authority.context("127.0.0.1"), behaviour)) as peer:
        dialer = SocketDialer(DnsResolver(), timeout=2.0, ca_file=authority.file, proxy=proxy)
        reach = dialer.reach(Endpoint("127.0.0.1", peer.port), tls=True)
        assert reach.connected, reach.message
        return SocketWeb(dialer, timeout=timeout).hold(reach, seconds, stop or threading.Event())


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (answering, "alive"),
        (silent_after, "cut-silently"),
        (good_bye_after(0.2), "service-closed"),
        (closed_after(0.2, reset=False), "cut-closed"),
        (closed_after(0.2, reset=True), "cut-reset"),
    ],
    ids=["alive", "forgotten", "goodbye", "closed", "reset"],
)
def test_what_becomes_of_a_connection(authority, behaviour, code):
    [found] = held(behaviour, authority)
    assert found.code == code, found
    assert found.source.startswith("127.0.0.1:") and found.destination.startswith("127.0.0.1:")
    assert bool(found.message) == (code != "alive")
    assert found.survived == {"alive": 0.6, "cut-silently": 0}.get(code, pytest.approx(0.2, abs=0.35))


def test_a_reset_that_shows_only_on_use(authority):
    """As of a firewall that answers what it has forgotten with a reset."""

    def speak(connection):
        socket.socket.recv(connection, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    [found] = held(speak, authority)
    assert (found.code, found.survived) == ("cut-reset", 0)
    assert "when it was used" in found.message


def test_tinyproxys_idle_time_out_is_a_device_that_closes(authority, tmp_path):
    if not shutil.which("tinyproxy"):
        pytest.fail("needs tinyproxy (tests/network/packages.txt)")
    port = closed_port()
    (tmp_path / "conf").write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 1\nMaxClients 10\n")
    with subprocess.Popen(["tinyproxy", "-d", "-c", tmp_path / "conf"], stdout=subprocess.DEVNULL) as proxy:
        try:
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.02)
            [found] = held(answering, authority, seconds=4.0, proxy=Proxy.parse(f"http://127.0.0.1:{port}"))
        finally:
            proxy.terminate()
    assert found.code == "cut-closed"
    assert 0.5 < found.survived < 3.5


def test_many_are_held_side_by_side_and_find_the_limit(authority, monkeypatch):
    monkeypatch.setattr("preflight.network.idle._STEPS", (0.2, 0.4, 0.6))
    begun = time.monotonic()
    found = held(closed_after(0.5, reset=True), authority, seconds=2.0)
    assert [each.wanted for each in found] == [0.2, 0.4, 0.6, 2.0]
    assert time.monotonic() - begun < 4
    assert all(each.code in ("cut-reset", "cut-silently") for each in found)


def test_the_wait_ends_when_the_run_does(authority):
    stop = threading.Event()
    stop.set()
    found = held(answering, authority, seconds=300.0, stop=stop)
    assert [each.code for each in found] == ["interrupted"] * 4


def test_a_word_of_the_other_side_meanwhile_is_no_end():
    left, right = socket.socketpair()
    with left, right:
        right.sendall(b"?")
        threading.Timer(0.4, lambda: right.sendall(b"!")).start()
        assert hold(left, 0.3, b"x", 1.0, threading.Event())[0] == "alive"


def test_the_longest_wait_is_as_asked_and_shorter_ones_find_the_limit():
    assert waits(400.0) == (60.0, 120.0, 240.0, 365.0, 400.0)
    assert waits(60.0) == (60.0,)


# What is said of it


def judged(*connections, seconds=400.0):
    [finding] = idle_survives.function(RELAY, IdleConnections(seconds, connections))
    return finding


ROWS = [
    ("alive to the end", [Held(400, "alive", 400)], "ok", Status.PASS, "survives 400 s"),
    (
        "forgotten, but later than needed",
        [Held(365, "alive", 365), Held(400, "cut-silently")],
        "ok",
        Status.PASS,
        "365 s",
    ),
    ("reset, but later than needed", [Held(400, "cut-reset", 380, "reset after 380 s")], "ok", Status.PASS, "380 s"),
    ("reset early", [Held(400, "cut-reset", 120, "reset after 120 s")], "cut-reset", Status.FAIL, "120 s"),
    (
        "forgotten between two waits",
        [
            Held(120, "alive", 120),
            Held(240, "cut-silently", 0, "after 240 s nothing"),
            Held(400, "cut-silently", 0, "x"),
        ],
        "cut-silently",
        Status.FAIL,
        "after 240 s",
    ),
    ("closed by a device", [Held(400, "cut-closed", 60, "closed after 60 s")], "cut-closed", Status.FAIL, "60 s"),
    ("too short a wait", [Held(60, "alive", 60)], "too-short", Status.WARN, "not proven"),
    (
        "ended by the service",
        [Held(400, "service-closed", 120, "goodbye")],
        "service-closed",
        Status.UNKNOWN,
        "goodbye",
    ),
    ("interrupted", [Held(400, "interrupted", 0, "the run was ended")], "interrupted", Status.UNKNOWN, "ended"),
]


@pytest.mark.parametrize(("connections", "code", "status", "says"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_what_is_said_of_idle_connections(connections, code, status, says):
    finding = judged(*connections)
    assert (finding.code, finding.status) == (code, status)
    assert says in finding.summary
    assert status is Status.PASS or finding.remedy


def test_a_wait_that_is_too_short_never_passes():
    for seconds in (1.0, 60.0, 359.0):
        assert judged(Held(seconds, "alive", seconds), seconds=seconds).status is Status.WARN
    assert judged(Held(NEEDED, "alive", NEEDED), seconds=NEEDED).status is Status.PASS


@pytest.mark.parametrize("code", PROBE_CODES)
def test_a_connection_that_could_not_be_made_tells_nothing_of_idleness(code):
    finding = judged(Held(400, code, 0, "it is so"))
    assert (finding.status, finding.code) == (Status.UNKNOWN, code)


def test_a_recorded_network_holds_nothing():
    [finding] = idle_survives.function(RELAY, IdleConnections(400.0, ()))
    assert finding.status is Status.NOT_APPLICABLE


def test_every_code_has_a_row():
    assert {row[2] for row in ROWS} >= set(IDLE_CODES) | {"too-short", "interrupted"}
    assert longest_survived([]) == 0
