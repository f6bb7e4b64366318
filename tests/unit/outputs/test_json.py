import json as stdlib_json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from unit.outputs import samples

from preflight.api import passed
from preflight.outputs.json import render, schema
from preflight.report import Report

VALIDATOR = jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", sorted(set(samples.ALL) - {"hostile"}))
def test_a_report_matches_the_shipped_schema(name):
    VALIDATOR.validate(stdlib_json.loads(render(samples.ALL[name]())))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("run", "started"), "2026-13-45T00:00:00Z"),
        (("run", "started"), "2026-11-23T04:12:09+01:00"),
        (("verdict",), "maybe"),
        (("results", 0, "status"), "ok"),
        (("results", 0, "findings", 0, "fingerprint"), ""),
        (("schema_version",), "2.0"),
    ],
)
def test_the_schema_refuses_what_is_no_report(path, value):
    document = stdlib_json.loads(render(samples.red()))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(document)


def test_members_that_a_later_version_adds_are_allowed():
    document = stdlib_json.loads(render(samples.red()))
    document["later"] = document["run"]["later"] = document["results"][0]["later"] = 1
    VALIDATOR.validate(document)
    assert Report.from_dict(document) == Report.from_dict(stdlib_json.loads(render(samples.red())))


def test_members_stand_in_the_order_of_the_contract():
    document = stdlib_json.loads(render(samples.red()))
    assert list(document) == ["schema", "schema_version", "tool", "run", "verdict", "summary", "results", "users"]
    assert list(document["run"])[:8] == [
        "id", "started", "duration_s", "host", "profile", "selection", "interrupted", "sign_in",
    ]  # fmt: skip
    assert list(document["results"][0]) == [
        "check", "target", "status", "severity", "title", "role", "duration_s", "blocked_by", "findings",
    ]  # fmt: skip
    assert list(document["results"][0]["findings"][0]) == [
        "status", "code", "subject", "summary", "expected", "observed", "evidence", "remedy", "event_codes", "waiver",
        "fingerprint",
    ]  # fmt: skip
    assert list(document["users"][0]) == ["domain", "seen", "complete", "outcomes", "by_container", "blocked"]


def test_times_are_utc():
    assert stdlib_json.loads(render(samples.green()))["run"]["started"] == "2026-11-23T03:12:09Z"


@pytest.mark.parametrize("name", samples.ALL)
def test_what_is_read_back_says_the_same(name):
    text = render(samples.ALL[name]())
    assert render(Report.from_dict(stdlib_json.loads(text))) == text


def test_evidence_that_json_has_no_type_for_does_not_lose_the_report():
    evidence = {
        "when": datetime(2026, 1, 1, tzinfo=UTC),
        "where": Path("x"),
        "sids": {"b", "a"},
        "nan": float("nan"),
        1: (b"\xff", None),
    }
    report = Report(samples.TOOL, samples.run(), (samples.result("a.b", "", passed("x", evidence=evidence)),))
    assert stdlib_json.loads(render(report))["results"][0]["findings"][0]["evidence"] == {
        "when": "2026-01-01 00:00:00+00:00",
        "where": "x",
        "sids": ["a", "b"],
        "nan": None,
        "1": ["b'\\xff'", None],
    }


def test_it_is_ascii_so_that_no_code_page_spoils_it():
    assert render(samples.hostile()).isascii()
    assert "\x1b" not in render(samples.hostile())
