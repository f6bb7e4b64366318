"""Metrics, read back by Prometheus' own parser for Python. Its own programs: tests/network/test_prometheus.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from prometheus_client.parser import text_string_to_metric_families
from unit.outputs import samples
from unit.outputs.any_report import reports

from preflight.api import Severity, Status, fail, passed
from preflight.outputs.prometheus import render
from preflight.report import Report, Verdict

Key = tuple[str, frozenset[tuple[str, str]]]


def samples_of(report: Report) -> dict[Key, float]:
    """Name and labels with the value; a series that is there twice is an error, as is a sample with a timestamp."""
    found: dict[Key, float] = {}
    text = render(report)
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            assert sample.timestamp is None
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    assert len(found) == sum(not line.startswith("#") for line in text.splitlines())
    return found


def series(report: Report, name: str, **labels: str) -> dict[str, float]:
    """The values of a metric with these labels, by the remaining label."""
    values = {}
    for (found, all_labels), value in samples_of(report).items():
        if found == name and labels.items() <= dict(all_labels).items():
            [rest] = [text for label, text in all_labels if label not in labels] or [""]
            values[rest] = value
    return values


@pytest.mark.parametrize("name", samples.ALL)
def test_every_status_and_verdict_has_its_series_in_every_run(name: str) -> None:
    report = samples.ALL[name]()
    verdicts = series(report, "preflight_verdict")
    assert verdicts == {each.value: float(each is report.verdict) for each in Verdict}
    by_check: dict[frozenset[tuple[str, str]], dict[str, float]] = {}
    for (metric, labels), value in samples_of(report).items():
        if metric == "preflight_check_status":
            [status] = [text for label, text in labels if label == "status"]
            by_check.setdefault(labels - {("status", status)}, {})[status] = value
    assert len(by_check) == len(report.results)
    for values in by_check.values():
        assert set(values) == set(Status)
        assert sorted(values.values()) == [0, 0, 0, 0, 0, 1]


def test_a_waived_fail_does_not_count_and_is_counted() -> None:
    report = samples.watched()
    about = {"check": "dc.policy-hints", "target": "dc9.corp.contoso.com", "host": "SYNC01", "severity": "blocker"}
    assert series(report, "preflight_check_status", **about)["fail"] == 0
    assert series(report, "preflight_check_status", **about)["not_applicable"] == 1
    assert series(report, "preflight_waived_findings") == {"": 1}
    assert series(report, "preflight_notes") == {"": 1}


def test_results_carry_the_machine_that_saw_them() -> None:
    seen = series(
        samples.watched(), "preflight_check_duration_seconds", check="network.relay-443", target=samples.RELAY
    )
    assert seen == {"SYNC01": 0.25, "SYNC02": 0.25}


def test_users_have_every_outcome_and_the_time_of_their_reading() -> None:
    report = samples.watched()
    assert series(report, "preflight_users", domain=samples.DOMAIN) == {
        "ok": 4812,
        "blocked": 0,
        "unsupported": 8,
        "unknown": 0,
        "disabled": 100,
        "out_of_scope": 5,
        "excluded": 0,
    }
    started = report.run.started.timestamp()
    assert series(report, "preflight_users_read_timestamp_seconds") == {samples.DOMAIN: 1794971700}
    assert series(samples.green(), "preflight_users_read_timestamp_seconds") == {samples.DOMAIN: started}
    assert series(report, "preflight_last_run_timestamp_seconds") == {"": started}
    assert series(samples.undetermined(), "preflight_users_complete") == {samples.DOMAIN: 0}
    assert series(samples.undetermined(), "preflight_interrupted") == {"": 1}


def test_results_that_share_their_labels_become_one_the_worst() -> None:
    bad = fail("bad", "bad", expected="e", observed="o", remedy="r")
    results = (
        samples.result("a.b", "x", passed("fine"), severity=Severity.ADVISORY, duration_s=2.0),
        samples.result("a.b", "x", bad),
    )
    report = Report(samples.TOOL, samples.run(), results)
    about = {"check": "a.b", "target": "x", "host": "SYNC01"}
    assert series(report, "preflight_check_status", **about, severity="blocker")["fail"] == 1
    assert series(report, "preflight_check_duration_seconds", check="a.b", target="x") == {"SYNC01": 2.0}
    assert render(replace(report, results=results[::-1])) == render(report)


@given(reports())
@settings(deadline=None, max_examples=150)
def test_any_text_is_read_back(report: Report) -> None:
    found = samples_of(report)
    assert found["preflight_waived_findings", frozenset()] == report.waived
    render(report).encode("utf-8")
