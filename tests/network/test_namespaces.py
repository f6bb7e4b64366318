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
