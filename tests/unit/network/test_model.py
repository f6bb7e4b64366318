from __future__ import annotations

import threading

import pytest

from preflight.network.clouds import CLOUDS, RELAY_NAMESPACE, RETIRED_HOSTS, retired
from preflight.network.model import DNS_CODES, PROBE_CODES, REASONS, Endpoint, Hop, Probe, Reach, Resolution
from preflight.network.together import all_at_once

RELAY = Endpoint("relay.example", 443)


def probe(code, hops=0):
    return Probe(RELAY, "192.0.2.1", "direct", code, f"message of {code}", hops=(Hop("tcp", "x", code),) * hops)


def test_every_code_has_a_meaning_and_a_remedy():
    assert set(REASONS) == set(DNS_CODES) | set(PROBE_CODES)
    for code, reason in REASONS.items():
        assert code == code.lower()
        assert len(reason.meaning) > 20
        assert not reason.meaning.endswith("."), "it stands inside sentences"
        assert reason.remedy.endswith("."), code


def test_a_reach_without_a_probe_can_not_be_made():
    with pytest.raises(ValueError, match="nothing was seen"):
        Reach(RELAY, ())


def test_one_live_address_is_enough_and_the_dead_ones_stay_visible():
    reach = Reach(RELAY, (probe("tcp-timeout"), probe("ok"), probe("tcp-refused")))
    assert (reach.connected, reach.code, reach.message, reach.reason) == (True, "ok", "", None)
    assert [dead.code for dead in reach.failures] == ["tcp-timeout", "tcp-refused"]


def test_of_several_failures_the_one_that_got_furthest_speaks():
    reach = Reach(RELAY, (probe("tcp-timeout", 1), probe("tls-untrusted", 2), probe("tcp-refused", 1)))
    assert reach.code == "tls-untrusted"
    assert reach.message == "message of tls-untrusted"
    assert reach.reason is REASONS["tls-untrusted"]


def test_programs_connect_to_what_the_system_says():
    assert Resolution("a", "ok", ("192.0.2.1",)).connectable == ("192.0.2.1",)
    assert Resolution("a", "ok", ("192.0.2.1",), system_addresses=("10.0.0.1",)).connectable == ("10.0.0.1",)
    assert Resolution("a", "system-unresolved", ("192.0.2.1",), system_addresses=()).connectable == ()


def test_documented_names_are_concrete_and_covered_by_the_documented_rules():
    for cloud in CLOUDS.values():
        assert all(relay.host.endswith("." + cloud.relay_domain) for relay in cloud.relays)
        assert all(RELAY_NAMESPACE.fullmatch(relay.host) for relay in cloud.relays)
        for name in (*cloud.relays, *cloud.web_services):
            assert Endpoint.parse(name.host).host == name.host
            assert not retired(name.host)
    assert len(CLOUDS["public"].relays) == 3
    assert CLOUDS["us-government"].relays == ()
    assert len(CLOUDS["china"].relays) == 2


def test_retired_hosts_are_explained():
    for host in RETIRED_HOSTS:
        assert "2018" in retired(host)
    assert retired("mytenant-sb.accesscontrol.windows.net")
    assert not retired("relay.servicebus.windows.net")


def test_relays_are_found_in_the_text_of_events():
    text = "TrackingId: 1, sb://ssprDedicated-1.servicebus.windows.net/abc and x.servicebus.chinacloudapi.cn."
    assert RELAY_NAMESPACE.findall(text) == ["ssprDedicated-1.servicebus.windows.net", "x.servicebus.chinacloudapi.cn"]


def test_all_at_once_keeps_what_ended_and_raises_what_broke():
    never = threading.Event()
    assert all_at_once({"quick": lambda: 1, "never": lambda: never.wait(5)}, 0.3) == {"quick": 1}
    never.set()

    def breaks():
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        all_at_once({"breaks": breaks}, 5)
    assert all_at_once({}, 1) == {}
