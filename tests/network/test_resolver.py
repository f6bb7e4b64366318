"""Every way in which a name can fail to resolve, against a real DNS server."""

from __future__ import annotations

import time

import pytest
from dnslib import QTYPE, RCODE, RR, A, DNSRecord
from network.servers import NameServer, closed_port, names, refuses

from preflight.api import Unavailable
from preflight.network.model import REASONS
from preflight.network.resolver import DnsResolver

RELAY = "relay.servicebus.example"


def resolve(answer, name=RELAY, lifetime=3.0):
    with NameServer(answer) as server:
        return DnsResolver(server.address, lifetime=lifetime).resolve(name), server


def test_both_families_are_answered_with_the_chain_that_leads_there():
    zone = {
        RELAY: ["CNAME ns.cloudapp.example"],
        "ns.cloudapp.example": ["CNAME node7.cloudapp.example"],
        "node7.cloudapp.example": ["A 192.0.2.7", "A 192.0.2.8", "AAAA 2001:db8::7"],
    }
    resolution, server = resolve(names(zone))
    assert resolution.code == "ok"
    assert resolution.addresses == ("192.0.2.7", "192.0.2.8", "2001:db8::7")
    assert resolution.cname_chain == ("ns.cloudapp.example", "node7.cloudapp.example")
    assert resolution.server == server.address
    assert resolution.system_addresses is None, "another server was asked than the system's"
    assert resolution.connectable == resolution.addresses


def test_an_ipv6_only_name_resolves():
    resolution, _ = resolve(names({RELAY: ["AAAA 2001:db8::1"]}))
    assert (resolution.code, resolution.addresses, resolution.note) == ("ok", ("2001:db8::1",), "")


def test_a_name_that_does_not_exist():
    resolution, _ = resolve(names({}))
    assert resolution.code == "nxdomain"
    assert RELAY in resolution.message
    assert resolution.connectable == ()


def test_an_alias_that_leads_nowhere_names_the_missing_name():
    resolution, _ = resolve(names({RELAY: ["CNAME gone.cloudapp.example"]}))
    assert resolution.code == "nxdomain"
    assert "gone.cloudapp.example" in resolution.message


def test_a_name_without_addresses():
    resolution, _ = resolve(names({RELAY: []}))
    assert resolution.code == "no-answer"
    assert "neither an A nor an AAAA" in resolution.message


def test_search_domains_play_no_part_and_the_question_is_absolute():
    _, server = resolve(names({}), name="Relay.ServiceBus.Example.")
    assert {name for name, _, _ in server.asked} == {RELAY + "."}


@pytest.mark.parametrize(
    ("rcode", "code"),
    [
        (RCODE.SERVFAIL, "servfail"),
        (RCODE.REFUSED, "dns-refused"),
        (RCODE.NOTIMP, "dns-error"),
    ],
)
def test_a_server_that_declines_is_named_with_its_reason(rcode, code):
    resolution, server = resolve(refuses(rcode))
    assert resolution.code == code
    assert server.address in resolution.message
    assert code in REASONS


def test_a_server_that_knows_no_edns_is_asked_again_without_it():
    zone = names({RELAY: ["A 192.0.2.1"]})

    def answer(query: DNSRecord, tcp: bool) -> bytes:
        return refuses(RCODE.FORMERR)(query, tcp) if query.ar else zone(query, tcp)

    resolution, _ = resolve(answer)
    assert (resolution.code, resolution.addresses) == ("ok", ("192.0.2.1",))


def test_a_silent_server_is_a_time_out_that_ends_in_time():
    started = time.monotonic()
    resolution, _ = resolve(lambda *_: None, lifetime=0.5)
    assert resolution.code == "dns-timeout"
    assert time.monotonic() - started < 5


def test_a_slow_server_is_waited_for_within_the_lifetime():
    zone = names({RELAY: ["A 192.0.2.1"]})

    def slow(query: DNSRecord, tcp: bool) -> bytes:
        time.sleep(0.3)
        return zone(query, tcp)

    assert resolve(slow)[0].code == "ok"


def garbage(query: DNSRecord) -> bytes:
    return query.header.id.to_bytes(2, "big") + b"\x81\x80" + b"\xff" * 60


def test_garbage_over_udp_is_stepped_over_as_a_forgery_would_be():
    genuine = names({RELAY: ["A 192.0.2.1"]})
    seen: set[int] = set()

    def answer(query: DNSRecord, tcp: bool) -> bytes:
        if query.q.qtype not in seen:
            seen.add(query.q.qtype)
            return garbage(query)
        return genuine(query, tcp)

    assert resolve(answer)[0].code == "ok"
    assert resolve(lambda query, _: garbage(query), lifetime=0.5)[0].code == "dns-timeout"


def test_garbage_over_tcp_is_called_malformed():
    def answer(query: DNSRecord, tcp: bool) -> bytes:
        reply = query.reply()
        reply.header.tc = 1
        return garbage(query) if tcp else bytes(reply.pack())

    resolution, server = resolve(answer, lifetime=1.0)
    assert resolution.code == "dns-malformed"
    assert server.address in resolution.message


def test_half_an_answer_resolves_and_says_what_is_missing():
    zone = names({RELAY: ["A 192.0.2.1"]})

    def answer(query: DNSRecord, tcp: bool) -> bytes:
        return zone(query, tcp) if query.q.qtype == QTYPE.A else refuses(RCODE.SERVFAIL)(query, tcp)

    resolution, _ = resolve(answer)
    assert resolution.code == "ok"
    assert "half" in resolution.note


def test_where_one_half_is_empty_the_other_halfs_failure_is_the_reason():
    empty = names({RELAY: []})

    def answer(query: DNSRecord, tcp: bool) -> bytes:
        return empty(query, tcp) if query.q.qtype == QTYPE.A else refuses(RCODE.SERVFAIL)(query, tcp)

    assert resolve(answer)[0].code == "servfail"


def test_a_truncated_answer_is_fetched_over_tcp():
    def answer(query: DNSRecord, tcp: bool) -> bytes:
        reply = query.reply()
        if tcp and query.q.qtype == QTYPE.A:
            reply.add_answer(RR(RELAY, QTYPE.A, rdata=A("192.0.2.9"), ttl=1))
        reply.header.tc = 0 if tcp else 1
        return bytes(reply.pack())

    resolution, server = resolve(answer)
    assert resolution.addresses == ("192.0.2.9",)
    assert (RELAY + ".", "A", True) in server.asked


def test_forty_service_records_arrive_whole_over_udp():
    name = "_ldap._tcp.dc._msdcs.corp.example"
    records = [f"SRV {index % 2} {index} 389 dc{index:02}.corp.example" for index in range(40)]
    with NameServer(names({name: records})) as server:
        answer = DnsResolver(server.address).services(name)
    assert answer.code == "ok"
    assert len(answer.records) == 40
    assert answer.records[0].priority == 0
    assert [record.weight for record in answer.records[:20]] == sorted(range(0, 40, 2), reverse=True)
    assert answer.records[0].target == "dc38.corp.example"
    assert all(not tcp for _, _, tcp in server.asked), "EDNS made room, TCP port 53 may be closed"


def test_missing_service_records_have_a_code_too():
    with NameServer(names({})) as server:
        answer = DnsResolver(server.address).services("_ldap._tcp.corp.example.")
    assert (answer.code, answer.records) == ("nxdomain", ())
    assert answer.name == "_ldap._tcp.corp.example"


def test_addresses_raises_with_code_and_remedy():
    with NameServer(names({})) as server, pytest.raises(Unavailable) as raised:
        DnsResolver(server.address).addresses(RELAY)
    assert raised.value.code == "nxdomain"
    assert raised.value.remedy == REASONS["nxdomain"].remedy


def test_no_server_at_all_is_an_answer_too():
    resolution = DnsResolver(f"127.0.0.1:{closed_port()}", lifetime=0.5).resolve(RELAY)
    assert resolution.code in ("dns-timeout", "dns-error")
    assert resolution.message


@pytest.mark.parametrize("text", ["192.0.2.1", "2001:db8::1", "::1"])
def test_an_address_resolves_to_itself_without_a_question(text):
    resolution, server = resolve(names({}), name=text)
    assert (resolution.code, resolution.addresses, resolution.via) == ("ok", (text,), "literal")
    assert server.asked == []


@pytest.mark.parametrize("text", ["", "two words", "a..b", "*.servicebus.windows.net", "x" * 64 + ".example"])
def test_what_is_no_name_is_an_answer_not_an_exception(text):
    resolution, server = resolve(names({}), name=text)
    assert resolution.code == "dns-error"
    assert resolution.message
    assert server.asked == []


def test_the_system_resolver_is_asked_beside_dns():
    resolution = DnsResolver(lifetime=2.0).resolve("localhost")
    assert resolution.code == "ok"
    assert resolution.system_addresses
    assert set(resolution.connectable) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize(
    ("text", "origin"),
    [("10.0.0.10", "10.0.0.10"), ("10.0.0.10:5353", "10.0.0.10:5353"), ("[2001:db8::53]:53", "2001:db8::53")],
)
def test_name_servers_are_written_as_addresses(text, origin):
    assert DnsResolver(text).origin == origin


@pytest.mark.parametrize("text", ["dns.corp.example", "10.0.0.10:0", "10.0.0", "[::1"])
def test_a_name_server_that_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        DnsResolver(text)
