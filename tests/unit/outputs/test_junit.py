"""JUnit XML: held to a schema that is as strict as the strictest reader's (junit.xsd beside this file)."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from lxml import etree
from unit.outputs import samples
from unit.outputs.any_report import reports

from preflight.api import passed, warn
from preflight.outputs.junit import render
from preflight.report import Report

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit.xsd")))


def parsed(report: Report) -> etree._Element:
    root = etree.fromstring(render(report).encode("utf-8"))
    SCHEMA.assertValid(root)
    return root


def outcomes(report: Report) -> dict[str, list[str]]:
    """Per test case the outcome, its type and message."""
    return {
        case.get("name"): [text for each in case for text in (each.tag, each.get("type"), each.get("message"))]
        for case in parsed(report).iter("testcase")
    }


@pytest.mark.parametrize("name", samples.ALL)
def test_every_sample_is_valid(name: str) -> None:
    parsed(samples.ALL[name]())


@pytest.mark.parametrize(
    "broken",
    [
        '<testsuites tests="1"/>',
        "<testsuites><testsuite/></testsuites>",
        render(samples.green()).replace("<properties>", "<property/><properties>", 1),
        render(samples.green()).replace(' time="0.250"', "", 1),
        render(samples.red()).replace("</failure>", "</failure><skipped/>", 1),
        render(samples.green()).replace("2026-11-23T03:12:09", "2026-11-23T03:12:09Z", 1),
    ],
)
def test_the_schema_refuses_what_some_reader_refuses(broken: str) -> None:
    assert not SCHEMA.validate(etree.fromstring(broken.encode("utf-8")))


def test_a_fail_fails_an_unknown_is_an_error_and_what_was_not_looked_at_is_skipped() -> None:
    red, untold = outcomes(samples.red()), outcomes(samples.undetermined())
    assert red[f"network.relay-443 ({samples.RELAY})"] == [
        "failure", "tcp-timeout", f"{samples.RELAY}:443 doesn't answer",
    ]  # fmt: skip
    assert red["directory.bind (corp.contoso.com)"] == []
    assert red["policy.minimum-age (corp.contoso.com)"] == []
    assert red[f"dns.relays-resolve ({samples.RELAY})"] == ["skipped", None, "the proxy resolves the names"]
    assert untold["directory.bind (corp.contoso.com)"][:2] == ["error", "invalid-credentials"]
    assert untold["permissions.reset-password (corp.contoso.com)"] == [
        "skipped", None, "not looked at because of directory.bind",
    ]  # fmt: skip


def test_a_waived_fail_is_skipped_and_says_on_whose_word() -> None:
    assert outcomes(samples.watched())["dc.policy-hints (dc9.corp.contoso.com)"] == [
        "skipped", None, "waived until 2027-01-31 by anna: hosts a lab, gone by spring",
    ]  # fmt: skip


def test_the_counts_are_those_of_the_cases() -> None:
    for make in samples.ALL.values():
        for suite in parsed(make()):
            for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
                assert int(suite.get(attribute)) == len(suite.findall(f"testcase/{tag}"))
            assert int(suite.get("tests")) == len(suite.findall("testcase")) > 0


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (samples.empty(), "no [[domain]] is configured"),
        (samples.undetermined(), "interrupted"),
        (Report(samples.TOOL, samples.run(), ()), "no check ran"),
        (Report(samples.TOOL, samples.run(), (samples.skipped("a.b", "", "c.d"),)), "could not be judged"),
    ],
)
def test_a_run_that_did_not_look_at_everything_is_never_green(report: Report, reason: str) -> None:
    kind, _, message = outcomes(report)["everything was looked at"]
    assert kind == "error"
    assert reason in message


def test_a_full_run_is_green_also_where_an_advisory_could_not_tell() -> None:
    assert outcomes(samples.green())["everything was looked at"] == []


def test_a_warning_passes_and_is_told() -> None:
    odd = warn("odd", "it is odd", expected="even", observed="odd", remedy="Mend it:\nsc stop odd")
    [suite, _] = parsed(Report(samples.TOOL, samples.run(), (samples.result("a.b", "x", odd, passed("y")),)))
    assert suite.get("failures") == suite.get("errors") == suite.get("skipped") == "0"
    told = suite.findtext("system-out")
    assert told.splitlines() == [
        "a.b (x)",
        "warn: it is odd [odd]",
        "  expected  even",
        "  observed  odd",
        "  do        Mend it:",
        "  do        sc stop odd",
    ]


def test_names_of_suites_and_machines_are_never_empty() -> None:
    report = replace(samples.green(), run=samples.run(host="  "))
    assert {suite.get("hostname") for suite in parsed(report)} == {"-"}


@given(reports())
@settings(deadline=None, max_examples=150)
def test_any_text_is_valid_xml(report: Report) -> None:
    root = parsed(report)
    assert len(list(root.iter("testcase"))) == len(report.results) + 1
