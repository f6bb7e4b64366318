"""Controllers' ports, DNS servers in use, the endpoint mapper, the site: read from the wire, and what is said."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from network.servers import NameServer, Peer, black_hole, closed_port, drips, hang_up, names, quiet, reset, says

from preflight.api import Status
from preflight.config import DomainSettings
from preflight.directory.model import CAPABILITY_ACTIVE_DIRECTORY, CAPABILITY_READ_ONLY_DC, DomainController, RootDse
from preflight.directory.site import MachineSite, NoSite, SiteController, read_site, site_of_this_machine
from preflight.directory.topology import ControllerProbe, ControllerProbes
from preflight.network.controller_ports import (
    CONTROLLER_PORTS,
    ControllerPorts,
    ControllerReach,
    DynamicPort,
    ResolverReach,
)
from preflight.network.dialer import SocketDialer
from preflight.network.endpoint_mapper import REPLICATION, MapperError, port_of, read_port
from preflight.network.model import Endpoint, Probe, Reach, ServiceRecord, ServiceRecords
from preflight.network.resolver import DnsResolver
from preflight.resources.controller_ports import _resolvers
from preflight_checks import ports, writable

DC = "dc1.corp.contoso.com"
RECORD = "_ldap._tcp.dc._msdcs.corp.contoso.com"


def reach(port, code="ok", host=DC):
    endpoint = Endpoint(host, port)
    return Reach(endpoint, (Probe(endpoint, "10.0.0.10", "direct", code, "" if code == "ok" else "no answer"),))


def controller(*closed, role="the PDC emulator", in_use=True, dynamic=None, host=DC):
    every = {p.number: reach(p.number, "tcp-timeout" if p.number in closed else "ok", host) for p in CONTROLLER_PORTS}
    return ControllerReach(host, role, in_use, every, dynamic)


def resolver(server="10.0.0.10:53", code="ok", tcp="ok"):
    records = (ServiceRecord(DC, 389),) if code == "ok" else ()
    return ResolverReach(
        server, ServiceRecords(RECORD, code, records, message="" if code == "ok" else "silence"), reach(53, tcp)
    )


SPARE = controller(445, role="found in DNS", in_use=False, host="dc2.corp.contoso.com")

ROWS = [
    ("all open", [controller()], [resolver()], None, None, ""),
    ("88 closed", [controller(88)], [resolver()], "needed-port-closed", Status.FAIL, "tickets"),
    ("389 closed", [controller(389)], [resolver()], "needed-port-closed", Status.FAIL, "signs and seals"),
    ("445 closed", [controller(445)], [resolver()], "needed-port-closed", Status.FAIL, "set the new password"),
    ("445 closed on a spare one", [controller(), SPARE], [resolver()], "spare-port-closed", Status.WARN, "dc2"),
    ("445 closed on the only one", [SPARE], [resolver()], "needed-port-closed", Status.FAIL, "dc2"),
    ("135 closed", [controller(135)], [resolver()], "rpc-closed", Status.WARN, "wizard"),
    ("636 closed", [controller(636)], [resolver()], "information", Status.PASS, "TLS"),
    ("3268 closed", [controller(3268)], [resolver()], "information", Status.PASS, "forest"),
    (
        "the dynamic range closed",
        [controller(dynamic=DynamicPort(49667, reach(49667, "tcp-timeout")))],
        [resolver()],
        "dynamic-port-closed",
        Status.WARN,
        "49667",
    ),
    (
        "the endpoint mapper silent",
        [controller(dynamic=DynamicPort(obstacle="no answer"))],
        [resolver()],
        "dynamic-port-unknown",
        Status.WARN,
        "no answer",
    ),
    ("DNS silent", [controller()], [resolver(code="dns-timeout")], "resolver-silent", Status.FAIL, "10.0.0.10:53"),
    (
        "one DNS server of two silent",
        [controller()],
        [resolver(), resolver("10.0.0.11:53", "dns-timeout")],
        "resolver-silent",
        Status.WARN,
        "10.0.0.11:53",
    ),
    ("DNS by UDP only", [controller()], [resolver(tcp="tcp-timeout")], "resolver-tcp-closed", Status.WARN, "TCP"),
    ("no DNS server known", [controller()], [], "no-resolver", Status.WARN, "DNS"),
]


@pytest.mark.parametrize(
    ("controllers", "resolvers", "code", "status", "text"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS]
)
def test_what_is_said_of_ports(controllers, resolvers, code, status, text):
    found = list(ports.function(ControllerPorts("corp.contoso.com", tuple(controllers), tuple(resolvers))))
    odd = [finding for finding in found if finding.code != "ok"]
    assert [(finding.code, finding.status) for finding in odd] == ([(code, status)] if code else [])
    assert all(text in finding.summary for finding in odd)
    assert all(finding.remedy for finding in odd if finding.status is not Status.PASS)


def test_controllers_that_were_not_tried_are_said_and_an_export_has_none():
    left_out = ControllerPorts("d", (controller(),), (resolver(),), notes=("4 more",))
    assert [f.code for f in ports.function(left_out) if f.code != "ok"] == ["not-all-tried"]
    [finding] = ports.function(ControllerPorts("d", exported=True))
    assert finding.status is Status.NOT_APPLICABLE


def test_every_code_has_a_row():
    assert {row[3] for row in ROWS if row[3]} | {"not-all-tried"} == set(ports.codes)


# The endpoint mapper


def mapper(answer):
    """Acknowledges the binding, then answers the question for the port so."""

    def packet(kind, body):
        return struct.pack("<BBBBIHHI", 5, 0, kind, 3, 0x10, 16 + len(body), 0, 1) + body

    def behave(connection, stop: threading.Event):
        connection.recv(4096)
        connection.sendall(packet(12, bytes(44)))
        connection.recv(4096)
        connection.sendall(packet(2, bytes(8) + answer))

    return behave


def stub(port, protocol=0x07):
    floors = [(b"\x0d" + bytes(18), bytes(2)), (b"\x0d" + bytes(18), bytes(2)), (b"\x0b", bytes(2))]
    floors += [(bytes([protocol]), struct.pack(">H", port)), (b"\x09", bytes(4))]
    tower = struct.pack("<H", 5) + b"".join(
        struct.pack("<H", len(a)) + a + struct.pack("<H", len(b)) + b for a, b in floors
    )
    return bytes(20) + struct.pack("<IIIII", 1, 4, 0, 1, 3) + struct.pack("<II", len(tower), len(tower)) + tower


def asked(behaviour, seconds=1.0):
    with Peer(behaviour) as peer:
        dialer = SocketDialer(DnsResolver(), timeout=2.0)
        probe, connection = dialer.open(Endpoint("127.0.0.1", peer.port), "127.0.0.1", tls=False)
        assert connection is not None, probe.message
        with connection:
            return port_of(connection, REPLICATION, time.monotonic() + seconds)


def test_the_endpoint_mapper_names_the_port():
    assert asked(mapper(stub(49667))) == 49667


@pytest.mark.parametrize(
    "behaviour",
    [
        quiet,
        reset,
        hang_up,
        says(b"\xff" * (1 << 20)),
        says(b"\5"),
        drips(b"\5" * 100, 0.1),
        says(b"HTTP/1.1 400\r\n\r\n"),
    ],
    ids=["silence", "reset", "hangs up", "random", "one byte", "drips", "a web server"],
)
def test_what_is_no_endpoint_mapper_is_said_in_time(behaviour):
    begun = time.monotonic()
    with pytest.raises(MapperError):
        asked(behaviour, 0.5)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("answer", [b"", bytes(40), stub(1, protocol=0x08), stub(49667)[:60], stub(0)])
def test_an_answer_without_a_port_is_none(answer):
    with pytest.raises(MapperError):
        read_port(answer)


@given(st.binary(max_size=300), st.integers(0, 100))
def test_any_bytes_are_a_port_or_an_error(data, at):
    for each in (data, stub(49667)[:at] + data + stub(49667)[at + len(data) :]):
        try:
            assert 0 < read_port(each) <= 65535
        except MapperError:
            continue


# The site


@given(st.binary(max_size=300))
def test_any_datagram_is_a_site_or_none(data):
    try:
        assert read_site(data)
    except NoSite as error:
        assert str(error)


def test_a_machine_that_answers_nothing_about_sites_is_not_waited_for_long():
    begun = time.monotonic()
    with pytest.raises(NoSite):
        site_of_this_machine("127.255.255.3", "corp.contoso.com", 0.4)
    assert time.monotonic() - begun < 1.5


# Read-only controllers


def probe(host, read_only=False, found_by="dns"):
    capabilities = [CAPABILITY_ACTIVE_DIRECTORY, *([CAPABILITY_READ_ONLY_DC] if read_only else [])]
    raw = {"dnsHostName": [host.encode()], "supportedCapabilities": [each.encode() for each in capabilities]}
    return ControllerProbe(DomainController(host, 389, "none", found_by), RootDse(raw))


def at(name, **controllers):
    return MachineSite(name, tuple(SiteController(host, read_only) for host, read_only in controllers.items()))


SITES = [
    ("a writable site", [probe("dc1")], at("Berlin", dc1=False), [("ok", Status.PASS)] * 2),
    ("a read-only one beside", [probe("dc1")], at("Berlin", dc1=False, ro=True), [("ok", Status.PASS)] * 2),
    (
        "a site with read-only ones alone",
        [probe("dc1")],
        at("Branch", ro=True),
        [("ok", Status.PASS), ("read-only-site", Status.FAIL)],
    ),
    (
        "one that did not say",
        [probe("dc1")],
        at("Branch", ro=True, dc9=None),
        [("ok", Status.PASS), ("site-unknown", Status.WARN)],
    ),
    ("a site without controllers", [probe("dc1")], at("Empty"), [("ok", Status.PASS)] * 2),
    (
        "no site",
        [probe("dc1")],
        MachineSite(obstacle="UDP 389 is silent"),
        [("ok", Status.PASS), ("site-unknown", Status.WARN)],
    ),
    (
        "a configured read-only one",
        [probe("ro", True, "configured")],
        MachineSite(matters=False),
        [("read-only-configured", Status.FAIL)],
    ),
    (
        "one in an export",
        [probe("ro", True, "export")],
        MachineSite(matters=False),
        [("not-applicable", Status.NOT_APPLICABLE)],
    ),
    (
        "nobody answers",
        [ControllerProbe(DomainController("dc1", 389, "none", "configured"), None, "tcp-refused", "refused")],
        MachineSite(matters=False),
        [("nobody-asked", Status.UNKNOWN)],
    ),
]


@pytest.mark.parametrize(("probes", "site", "expected"), [r[1:] for r in SITES], ids=[r[0] for r in SITES])
def test_a_read_only_controller_fails_only_where_connect_is_sent_to_it(probes, site, expected):
    found = list(writable.function(ControllerProbes("corp.contoso.com", tuple(probes), ""), site))
    assert [(finding.code, finding.status) for finding in found] == expected


def test_every_code_of_it_has_a_row():
    seen = {code for row in SITES for code, _ in row[3]}
    assert seen - {"ok", "not-applicable"} == set(writable.codes)


# With real sockets


def test_ports_and_dns_servers_as_they_are(monkeypatch):
    """Five listeners in the place of the well-known ports, one of which is closed."""
    from preflight.config import DomainSettings
    from preflight.network.controller_ports import Port
    from preflight.resources import controller_ports as resource

    with ExitStack() as stack:
        dns = stack.enter_context(NameServer(names({RECORD: [f"SRV 0 100 389 {DC}"], DC: ["A 127.0.0.1"]})))
        opened = [stack.enter_context(Peer(hang_up)).port for _ in range(3)]
        mapped = stack.enter_context(Peer(quiet)).port
        rpc = stack.enter_context(Peer(mapper(stub(mapped)))).port
        shut = closed_port()
        listed = [
            *(Port(each, "open", "", needed=True) for each in opened),
            Port(rpc, "RPC", "x"),
            Port(shut, "x", "x"),
        ]
        monkeypatch.setattr(resource, "CONTROLLER_PORTS", tuple(listed))
        monkeypatch.setattr(resource, "RPC_PORT", rpc)
        dialer = SocketDialer(DnsResolver(dns.address), timeout=1.0)
        [found] = resource._reach({DC: "dns"}, DC, dialer, 1.0)
        settings = DomainSettings("corp.contoso.com", nameserver=Endpoint.parse(dns.address))
        [server] = resource._resolvers(settings, dialer, 1.0)
    assert (found.role, found.in_use) == ("the PDC emulator", True)
    assert [each.code for each in found.ports.values()] == ["ok"] * 4 + ["tcp-refused"]
    assert found.dynamic is not None and found.dynamic.number == mapped
    assert found.dynamic.reach is not None and found.dynamic.reach.connected
    assert server.answers and server.tcp.connected


def test_a_dns_server_that_drops_everything_costs_one_time_out():
    with black_hole() as port, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", port))
        settings = DomainSettings(name="corp.example", nameserver=Endpoint("127.0.0.1", port))
        before = time.monotonic()
        [found] = _resolvers(settings, SocketDialer(DnsResolver(), timeout=1.0), 1.0)
        took = time.monotonic() - before
    assert (found.answers, found.tcp.code) == (False, "tcp-timeout")
    assert took < 1.8
