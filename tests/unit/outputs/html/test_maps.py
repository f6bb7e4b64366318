"""Maps claim nothing that wasn't tried."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.outputs import samples

from preflight.api import fail, not_applicable, passed, warn
from preflight.outputs.html.maps import host_and_port, maps

DC = "dc1.corp.contoso.com:636"


def of(*results):
    made = maps(replace(samples.green(), results=results))
    return {
        each.title: {head: dict(zip(each.columns, cells, strict=True)) for head, cells in each.rows} for each in made
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("dc1.corp.contoso.com:636", ("dc1.corp.contoso.com", 636)),
        ("DC1", ("dc1", 0)),
        ("relay.example:443 198.51.100.21", ("relay.example", 443)),
        ("[2001:db8::1]:443", ("[2001:db8::1]", 443)),
        ("http://crl.example/issuing.crl", ("crl.example", 80)),
        ("https://ocsp.example:8443/x", ("ocsp.example", 8443)),
        ("OU=Sales,DC=corp", ("ou=sales,dc=corp", 0)),
        ("host:99999", ("host", 0)),
        ("", ("", 0)),
        ("a:b:c", ("", 0)),
    ],
)
def test_hosts_and_ports_are_read_from_subjects(text, found):
    assert host_and_port(text) == found


@given(st.text())
def test_any_subject_will_do(text):
    host, port = host_and_port(text)
    assert 0 <= port < 65536
    assert not any(letter.isspace() for letter in host)


def test_a_controller_has_a_line_with_what_each_check_says_of_it():
    found = of(
        samples.result("dc.policy-hints", DC, fail("x", "old", expected="e", observed="o", remedy="r")),
        samples.result("dc.writable", "corp.contoso.com", passed("writable", subject="dc1.corp.contoso.com")),
        samples.result("directory.bind", "corp.contoso.com", passed("signed in")),
    )["Domain controllers and checks"]
    line = found["dc1.corp.contoso.com"]
    assert {check: cell.mark.word for check, cell in line.items()} == {"dc.policy-hints": "fail", "dc.writable": "pass"}
    assert line["dc.policy-hints"].says == "dc.policy-hints: old"


def test_a_port_shows_the_worst_that_was_found_there():
    dead = warn("address-dead", "one is dead", subject="relay:443 192.0.2.1", expected="e", observed="o", remedy="r")
    found = of(samples.result("network.relay-443", "relay:443", passed("answers", subject="relay:443"), dead))
    assert found["Endpoints and ports"]["relay"]["443"].mark.word == "warn"


def test_a_name_found_in_dns_is_no_open_port():
    found = of(
        samples.result("dc.discovered", "corp", passed("is in DNS", subject="dc1:389")),
        samples.result("dc.reachable", "dc1:389", not_applicable("read from an export")),
    )
    assert "Endpoints and ports" not in found


def test_ports_of_the_dynamic_range_share_a_column():
    open_ports = [passed("open", subject=f"dc{number}:{49152 + number}") for number in range(40)]
    found = of(samples.result("dc.ports", "corp", passed("open", subject="dc0:88"), *open_ports))
    assert {column for line in found["Endpoints and ports"].values() for column in line} == {"88", "dynamic"}


def test_a_merged_report_shows_which_check_is_bad_where():
    [machines, *_] = maps(samples.merged())
    assert machines.title == "Machines and checks"
    assert machines.columns == ("SYNC01", "SYNC02")
    [relay] = [cells for head, cells in machines.rows if head == "network.relay-443"]
    assert [cell.mark.word for cell in relay if cell] == ["pass", "fail"]
    assert all(cells[1] is None for head, cells in machines.rows if head != "network.relay-443")
