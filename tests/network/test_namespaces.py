"""What needs a machine of its own (hosts file, search domains, routes): as root, in namespaces."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def namespaces_can_be_made() -> bool:
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    return subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def alone(tmp_path):
    if not namespaces_can_be_made():
        if os.environ.get("CI"):
            pytest.fail("needs root, unshare and ip (tests/network/packages.txt)")
        pytest.skip("needs root, unshare and ip")

    def run(task, *options, **files):
        (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        for name, content in files.items():
            (tmp_path / name.replace("__", ".")).write_text(content)
        script = Path(__file__).with_name("alone.py")
        command = ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, script, tmp_path]
        ended = subprocess.run([*command, task, *options], capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return run


def test_dns_and_the_system_agree(alone):
    answer = alone("relay.example", hosts="", nsswitch__conf="hosts: files dns\n")
    assert (answer["code"], answer["addresses"], answer["system_addresses"]) == ("ok", ["192.0.2.1"], ["192.0.2.1"])
    assert (answer["server"], answer["note"], answer["via"]) == ("127.0.0.1", "", "dns")


def test_a_name_in_the_hosts_file_only_resolves_for_programs(alone):
    answer = alone("private.example", hosts="10.1.2.3 private.example\n", nsswitch__conf="hosts: files dns\n")
    assert (answer["code"], answer["addresses"], answer["via"]) == ("ok", ["10.1.2.3"], "system")
    assert "not to DNS" in answer["note"]


def test_a_hosts_file_that_overrules_dns_is_noted_and_followed(alone):
    answer = alone("relay.example", hosts="10.9.9.9 relay.example\n", nsswitch__conf="hosts: files dns\n")
    assert answer["code"] == "ok"
    assert answer["addresses"] == ["192.0.2.1"]
    assert answer["system_addresses"] == ["10.9.9.9"]
    assert "10.9.9.9 instead" in answer["note"]


def test_a_search_domain_does_not_make_a_missing_name_exist(alone):
    answer = alone(
        "other.example",
        hosts="",
        nsswitch__conf="hosts: files dns\n",
        resolv__conf="nameserver 127.0.0.1\nsearch corp.example\n",
    )
    assert answer["code"] == "nxdomain"
    assert "other.example.corp.example" in answer["note"]


def test_dns_answers_but_programs_get_nothing(alone):
    answer = alone("relay.example", hosts="", nsswitch__conf="hosts: files\n")
    assert answer["code"] == "system-unresolved"
    assert "192.0.2.1" in answer["message"]


def test_a_system_lookup_that_hangs_costs_no_more_than_the_lifetime_and_is_noted(alone):
    answer = alone(
        "relay.example",
        "--silent-without-edns",  # which dnspython speaks and getaddrinfo doesn't
        hosts="",
        nsswitch__conf="hosts: files dns\n",
        resolv__conf="nameserver 127.0.0.1\noptions timeout:30 attempts:5\n",
    )
    assert (answer["code"], answer["addresses"]) == ("ok", ["192.0.2.1"])
    assert answer["system_addresses"] is None
    assert "did not end in time" in answer["note"]
    assert answer["took"] < 10


def test_routes_that_prohibit_or_lead_nowhere(alone):
    assert alone("routes", hosts="", nsswitch__conf="hosts: files\n") == {
        "192.0.2.1": "tcp-denied",
        "198.51.100.1": "tcp-unreachable",
        "203.0.113.1": "tcp-unreachable",
    }


SITUATIONS = [
    ("dropped", "tcp-timeout", "no answer from relay.example"),
    ("rejected", "tcp-unreachable", "no route to relay.example"),
    ("reset", "tcp-refused", "refused the connection"),
    ("lossy", "loss", "got lost on the way"),
    ("exhausted", "tcp-exhausted", "no local port or socket left"),
    ("dual stack, IPv6 broken", "address-dead", "2001:db8::1 does not answer"),
    ("documented relays, one answers", "documented-relay-down", "a documented example, is not reached"),
    ("IPv6 only, broken", "tcp-unreachable", "2001:db8::1"),
]


@pytest.mark.parametrize(("situation", "code", "phrase"), SITUATIONS, ids=[each[0] for each in SITUATIONS])
def test_a_broken_way_to_a_relay_is_told_by_its_code_and_a_sentence(alone, situation, code, phrase):
    if shutil.which("nft", path="/usr/sbin:/usr/bin") is None:
        if os.environ.get("CI"):
            pytest.fail("nftables is not installed (tests/network/packages.txt)")
        pytest.skip("nftables is not installed")
    findings = alone(situation, hosts="", nsswitch__conf="hosts: dns\n")["findings"]
    found = [finding for finding in findings if finding["code"] == code]
    assert found, findings
    assert phrase in found[0]["summary"]
    if code in ("loss", "address-dead"):
        assert {finding["status"] for finding in findings} == {"pass", "warn"}
        [good] = [finding for finding in findings if finding["status"] == "pass"]
        latency = good["evidence"]["latency_ms"]["127.0.0.1"]
        assert 0 < latency["min"] <= latency["median"] <= latency["max"]


RESOLVERS = [
    ("names", "ok", {"hosts": ""}),
    ("names", "system-differs", {"hosts": "10.9.9.9 relay.example\n"}),
    ("names", "private-address", {"hosts": "10.9.9.9 relay.example\n"}),
    ("names", "sinkhole", {"hosts": "0.0.0.0 relay.example\n"}),
    ("names", "system-unresolved", {"hosts": "", "nsswitch__conf": "hosts: files\n"}),
    ("search", "search-domain", {"hosts": "", "resolv__conf": "nameserver 127.0.0.1\nsearch corp.example\n"}),
    ("search", "hosts-only", {"hosts": "192.0.2.7 relay.example\n"}),
    (
        "without EDNS",
        "system-late",
        {"hosts": "", "resolv__conf": "nameserver 127.0.0.1\noptions timeout:9 attempts:5\n"},
    ),
]


@pytest.mark.parametrize(("situation", "code", "files"), RESOLVERS, ids=[each[1] for each in RESOLVERS])
def test_resolvers_that_do_not_agree_are_told_apart(alone, situation, code, files):
    findings = alone(situation, **{"nsswitch__conf": "hosts: files dns\n"} | files)["findings"]
    assert code in {finding["code"] for finding in findings if finding["subject"] == "relay.example"}, findings
