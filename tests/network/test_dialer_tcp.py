"""Plain connections, each address of each name, on real sockets."""

from __future__ import annotations

import errno
import gc
import os
import socket
import subprocess
import sys
import threading
import time

import pytest
from network.servers import NameServer, Peer, black_hole, closed_port, names, quiet

from preflight.network.dialer import MOST_ADDRESSES, SocketDialer
from preflight.network.model import REASONS, Endpoint
from preflight.network.resolver import DnsResolver
from preflight.network.tcp import classify

LOOPBACK = DnsResolver()


def dialer(timeout=2.0, resolver=LOOPBACK, **options):
    return SocketDialer(resolver, timeout=timeout, **options)


def test_a_listener_is_reached():
    with Peer(quiet) as peer:
        reach = dialer().reach(Endpoint("127.0.0.1", peer.port))
    assert reach.connected
    assert (reach.code, reach.message, reach.failures) == ("ok", "", ())
    (probe,) = reach.probes
    assert (probe.address, probe.via, probe.tls) == ("127.0.0.1", "direct", None)
    assert [hop.kind for hop in probe.hops] == ["tcp"]
    assert probe.source.startswith("127.0.0.1:")


def test_ipv6_is_reached():
    with Peer(quiet, socket.AF_INET6) as peer:
        reach = dialer().reach(Endpoint("::1", peer.port))
    assert reach.connected
    assert reach.probes[0].hops[0].peer == f"[::1]:{peer.port}"


def test_nobody_listens():
    reach = dialer().reach(Endpoint("127.0.0.1", closed_port()))
    assert (reach.connected, reach.code) == (False, "tcp-refused")
    assert reach.reason == REASONS["tcp-refused"]
    assert "127.0.0.1" in reach.message


def test_a_black_hole_is_a_time_out_that_ends_in_time():
    with black_hole() as port:
        started = time.monotonic()
        reach = dialer(0.5).reach(Endpoint("127.0.0.1", port))
    assert reach.code == "tcp-timeout"
    assert time.monotonic() - started < 5


def test_every_address_is_tried_and_a_dead_one_is_not_hidden_by_a_live_one():
    with Peer(quiet) as peer, NameServer(names({"relay.example": ["A 127.0.0.1", "A 127.0.0.2"]})) as dns:
        reach = dialer(resolver=DnsResolver(dns.address)).reach(Endpoint("relay.example", peer.port))
    assert reach.connected
    assert [(probe.address, probe.code) for probe in reach.probes] == [
        ("127.0.0.1", "ok"),
        ("127.0.0.2", "tcp-refused"),
    ]
    assert [probe.address for probe in reach.failures] == ["127.0.0.2"]
    assert reach.furthest.address == "127.0.0.1"
    assert reach.resolution is not None
    assert reach.resolution.addresses == ("127.0.0.1", "127.0.0.2")
    assert "relay.example" in reach.failures[0].message


def test_a_name_that_does_not_resolve_is_one_failed_probe_with_the_resolution():
    with NameServer(names({})) as dns:
        reach = dialer(resolver=DnsResolver(dns.address)).reach(Endpoint("relay.example", 443))
    assert (reach.connected, reach.code) == (False, "name-unresolved")
    assert reach.probes[0].address == ""
    assert reach.resolution is not None
    assert reach.resolution.code == "nxdomain"
    assert "nxdomain" in reach.message


def test_a_name_is_asked_for_once_however_many_ports_it_has():
    with Peer(quiet) as peer, NameServer(names({"relay.example": ["A 127.0.0.1"]})) as dns:
        endpoints = [Endpoint("relay.example", port) for port in (peer.port, closed_port(), closed_port())]
        reached = dialer(resolver=DnsResolver(dns.address)).reach_all(endpoints)
        assert list(reached) == endpoints
        assert [reach.code for reach in reached.values()] == ["ok", "tcp-refused", "tcp-refused"]
        assert sorted(kind for _, kind, _ in dns.asked) == ["A", "AAAA"]


def test_an_absurd_number_of_addresses_is_cut_and_said():
    many = [f"A 127.0.1.{number}" for number in range(1, MOST_ADDRESSES + 9)]
    with NameServer(names({"relay.example": many})) as dns:
        reach = dialer(resolver=DnsResolver(dns.address)).reach(Endpoint("relay.example", closed_port()))
    assert len(reach.probes) == MOST_ADDRESSES
    assert reach.note.startswith("8 of its 40 addresses")


def test_a_hundred_and_twenty_black_holes_take_one_time_out_and_leave_nothing_behind():
    before = threading.active_count()
    with black_hole() as port:
        endpoints = [Endpoint(f"127.0.0.{number}", port) for number in range(1, 121)]
        # The listener is bound to 127.0.0.1 alone, so the others are refused: both kinds side by side.
        started = time.monotonic()
        reached = dialer(1.0).reach_all(endpoints)
        took = time.monotonic() - started
    assert reached[endpoints[0]].code == "tcp-timeout"
    assert {reach.code for reach in list(reached.values())[1:]} == {"tcp-refused"}
    assert took < 5
    until = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.02)
    assert threading.active_count() == before
    gc.collect()  # an unclosed socket would warn here, and warnings are errors


def test_a_pending_probe_does_not_keep_the_process_alive():
    program = (
        "import threading, sys, time\n"
        "from preflight.network.dialer import SocketDialer\n"
        "from preflight.network.model import Endpoint\n"
        "from preflight.network.resolver import DnsResolver\n"
        "dialer = SocketDialer(DnsResolver(), timeout=60)\n"
        "endpoint = Endpoint('127.0.0.1', int(sys.argv[1]))\n"
        "threading.Thread(target=dialer.reach, args=(endpoint,), daemon=True).start()\n"
        "time.sleep(0.3)\n"
    )
    with black_hole() as port:
        ended = subprocess.run(
            [sys.executable, "-c", program, str(port)], timeout=30, capture_output=True, text=True, check=False
        )
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of open files to lower")
def test_a_machine_without_a_free_socket_says_so():
    program = (
        "import resource, sys\n"
        "from preflight.network.dialer import SocketDialer\n"
        "from preflight.network.model import Endpoint\n"
        "from preflight.network.resolver import DnsResolver\n"
        "dialer = SocketDialer(DnsResolver(), timeout=5)\n"
        "import encodings.idna\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"
        "print(dialer.reach(Endpoint('127.0.0.1', 1)).code)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], timeout=30, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("tcp-exhausted\n", "")


def test_an_empty_list_of_endpoints_is_answered():
    assert dialer().reach_all([]) == {}


@pytest.mark.parametrize(
    ("number", "address", "code"),
    [
        (errno.ECONNREFUSED, "192.0.2.1", "tcp-refused"),
        (10061, "192.0.2.1", "tcp-refused"),
        (errno.ETIMEDOUT, "192.0.2.1", "tcp-timeout"),
        (10060, "192.0.2.1", "tcp-timeout"),
        (errno.ECONNRESET, "192.0.2.1", "tcp-reset"),
        (10054, "192.0.2.1", "tcp-reset"),
        (errno.EHOSTUNREACH, "192.0.2.1", "tcp-unreachable"),
        (errno.EINVAL, "192.0.2.1", "tcp-unreachable"),
        (10065, "192.0.2.1", "tcp-unreachable"),
        (errno.EACCES, "192.0.2.1", "tcp-denied"),
        (errno.EPERM, "192.0.2.1", "tcp-denied"),
        (10013, "192.0.2.1", "tcp-denied"),
        (errno.EADDRNOTAVAIL, "192.0.2.1", "tcp-exhausted"),
        (10055, "192.0.2.1", "tcp-exhausted"),
        (errno.EMFILE, "192.0.2.1", "tcp-exhausted"),
        (errno.EADDRNOTAVAIL, "2001:db8::1", "tcp-unreachable"),
        (errno.EAFNOSUPPORT, "2001:db8::1", "tcp-unreachable"),
        (errno.EIO, "192.0.2.1", "tcp-error"),
    ],
)
def test_operating_system_errors_have_names_on_linux_and_windows(number, address, code):
    error = OSError(number, os.strerror(number))
    assert classify(error, address, "relay.example:443", 5.0)[0] == code
    assert "relay.example:443" in classify(error, address, "relay.example:443", 5.0)[1]
