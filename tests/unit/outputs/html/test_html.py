"""The HTML report without a browser: valid, self-contained, and its data can't end its script."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.outputs import samples

from preflight.api import Severity, fail
from preflight.outputs.html import render
from preflight.outputs.html.checks import MOST_ITEMS, Fact, fact
from preflight.outputs.html.users import blocked_table, domains
from preflight.outputs.html.view import view_of
from preflight.report import UserSummary

REPORTS = samples.ALL | {"merged": samples.merged, "crowded": lambda: samples.crowded(120)}


@pytest.mark.parametrize("name", REPORTS)
def test_it_is_valid_html(name):
    html5lib.HTMLParser(strict=True).parse(render(REPORTS[name]()))


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_is_loaded_and_only_its_own_script_and_style_may_run(name):
    page = render(REPORTS[name]())
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy.replace("&#39;", "'").startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(
        r"""(?:src|srcset|action|poster|data)\s*=\s*["']?(?:\w+:|/)""", re.sub("<script.*", "", page, flags=re.S)
    )
    assert set(re.findall(r'href="([^#"][^"]*)"', page)) <= {"data:,"}
    assert not re.search(r"\sstyle=|\son[a-z]+=", re.sub("(?s)<script.*?</script>", "", page))


@pytest.mark.parametrize("name", REPORTS)
def test_ids_are_unique_and_links_lead_somewhere(name):
    page = re.sub("(?s)<script.*?</script>", "", render(REPORTS[name]()))
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]*)"', page)) <= set(ids)


@given(
    st.lists(st.fixed_dictionaries({"dn": st.text(), "reason": st.text(), "code": st.text()}), min_size=1, max_size=5)
)
def test_data_for_the_script_holds_no_tag_and_all_rows(rows):
    report = replace(samples.red(), users=(UserSummary(samples.DOMAIN, 9, True, {"blocked": 9}, (), tuple(rows)),))
    table = blocked_table(report)
    assert table is not None
    assert "<" not in table.data
    data = json.loads(table.data)
    shown = [(name, data["texts"][code], data["texts"][why]) for name, *_, code, why in data["rows"]]
    assert shown == [(row.name, row.code, row.why) for row in table.first]
    assert table.missing == 9 - len(rows)


@given(st.text(), st.text())
def test_any_text_at_all_can_be_shown(one, other):
    finding = fail(
        "x",
        one,
        subject=other,
        expected=other,
        observed=one,
        remedy=f"Do: dsacls {one}",
        evidence={one: [{other: one}, {one: other}], "k": {other: [one]}},
        event_codes=(other,),
    )
    row = {"container": other, "outcomes": {"blocked": 1, "ok": 2}, "causes": {one: 1}, "examples": [{"dn": other}]}
    users = UserSummary(other, 3, False, {"blocked": 1, other: 2}, (row,), ({"dn": one, "code": other},))
    report = replace(samples.watched(), results=(samples.result(one, other, finding, title=other, host=one),))
    html5lib.HTMLParser(strict=True).parse(render(replace(report, users=(users,))))


def test_the_verdict_and_one_next_step_come_first():
    view = view_of(samples.red())
    assert view.verdict.word == "NOT READY"
    assert view.next_step.startswith("network.relay-443")
    assert [part.text for part in view.remedy if part.command] == [f"Test-NetConnection {samples.RELAY} -Port 443"]
    page = render(samples.red())
    assert page.index("<h1") < page.index("Next step") < page.index("This run") < page.index('id="checks"')


def test_what_is_waived_interrupted_expired_or_partial_is_said_at_the_top():
    watched = view_of(samples.watched())
    assert [each.waiver.owner for each in watched.waived] == ["anna"]
    assert watched.notes == samples.watched().run.notes
    assert any("interrupted" in alert for alert in view_of(samples.undetermined()).alerts)
    assert any("part only" in alert for alert in view_of(samples.red()).alerts)
    assert any("no [[domain]]" in alert for alert in view_of(samples.empty()).alerts)


def test_a_bar_adds_up_and_tells_the_causes_apart():
    [domain] = domains(samples.red())
    sales = domain.containers[0]
    assert [(each.label, each.count) for each in sales.segments] == [
        ("blocked: ace-missing", 100),
        ("blocked: ace-denied", 28),
    ]
    assert sum(segment.width for segment in domain.segments) == pytest.approx(1000, abs=0.1)
    assert {each.label: each.count for each in domain.segments} == {
        "ok": 4672,
        "blocked": 12,
        "blocked: ace-missing": 100,
        "blocked: ace-denied": 28,
        "unsupported": 8,
    }
    assert sales.examples[0].says == "blocked ace-missing"


def test_users_of_an_earlier_run_show_their_age():
    [domain] = domains(samples.watched())
    assert domain.age == "read 4 days earlier (2026-11-18 03:15:00 UTC), in an earlier run"


def test_an_advisory_and_a_required_check_are_marked():
    view = view_of(samples.red())
    results = {result.check: result for area in view.areas for result in area.results}
    assert results["policy.minimum-age"].advisory
    assert results["directory.bind"].required
    assert not results["network.relay-443"].advisory
    assert samples.red().results[-1].severity is Severity.BLOCKER


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", Fact("n", ("text",))),
        ([1, 2], Fact("n", ("1", "2"))),
        ({"a_b": 1, "c": [2, 3]}, Fact("n", ("a b: 1", "c: 2, 3"))),
        ([{"a": 1, "said": ""}, {"b": True}], Fact("n", columns=("a", "b"), rows=(("1", ""), ("", "yes")))),
        ([{"a": [1]}], Fact("n", ("a: 1",))),
        (list(range(MOST_ITEMS + 3)), Fact("n", tuple(map(str, range(MOST_ITEMS))), more=3)),
    ],
)
def test_evidence_is_a_text_a_list_or_a_table(value, expected):
    assert fact("n", value) == expected
