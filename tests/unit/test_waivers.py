"""What a waiver covers, and what is said of those that ended or cover nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.outputs import samples

from preflight.api import Finding, Status, Waiver, fail, passed, unknown, warn
from preflight.report import Report, Result, Verdict
from preflight.waivers import WaiverRule, waive

TODAY = date(2026, 11, 25)
DC9 = "dc9.corp.contoso.com:389"


def rule(check: str = "dc.policy-hints", until: date = TODAY, **about: str) -> WaiverRule:
    return WaiverRule(Waiver("a lab", "anna", until), "waivers.toml, line 3", check, **about)


def bad(subject: str = "", code: str = "control-missing") -> Finding:
    return fail(code, "it is bad", subject=subject, expected="good", observed="bad", remedy="mend it")


def untold(code: str = "timed-out") -> Finding:
    return unknown(code, "can't tell", expected="an answer", observed="none", remedy="look again")


def odd() -> Finding:
    return warn("odd", "it is odd", expected="even", observed="odd", remedy="mend it")


def found(*findings: Finding, check: str = "dc.policy-hints", target: str = DC9) -> Result:
    return samples.result(check, target, *findings)


def report(*results: Result, **run: object) -> Report:
    return Report(samples.TOOL, samples.run(**run), results)


def waived(*results: Result, rules: list[WaiverRule], **run: object) -> list[bool]:
    after = waive(report(*results, **run), rules, TODAY)
    return [finding.waiver is not None for result in after.results for finding in result.findings]


@pytest.mark.parametrize(
    ("rule", "covered"),
    [
        (rule("dc.policy-hints"), True),
        (rule("dc"), True),
        (rule("dc.*"), True),
        (rule("dc.reachable"), False),
        (rule(target="DC9.*"), True),
        (rule(target="dc1.*"), False),
        (rule(target="dc9.corp.contoso.com"), False),  # the whole name is meant
        (rule(subject="*[2001:db8::1]:636"), True),
        (rule(subject="[0-9]*"), False),  # brackets are brackets
        (rule(code="control-missing"), True),
        (rule(code="control-*"), True),
        (rule(code="current-only"), False),
        (rule(check="", code="control-missing"), True),
    ],
)
def test_a_waiver_covers_what_it_names(rule: WaiverRule, covered: bool) -> None:
    assert waived(found(bad(subject="ldaps://[2001:db8::1]:636")), rules=[rule]) == [covered]


def test_what_nobody_saw_is_waived_only_by_its_code() -> None:
    unseen = [found(untold()), samples.skipped("dc.policy-hints", DC9, "dc.reachable")]
    assert waived(*unseen, rules=[rule()]) == [False, False]
    assert waived(*unseen, rules=[rule(code="timed-out")]) == [True, False]
    assert waived(*unseen, rules=[rule(code="blocked")]) == [False, True]
    assert waived(*unseen, rules=[rule(code="*")]) == [True, True]


def test_what_is_skipped_because_of_a_waived_fail_still_counts() -> None:
    root = found(bad(), check="account.connector-usable", target="corp.contoso.com")
    behind = samples.skipped("permissions.reset-password", "corp.contoso.com", "account.connector-usable")
    before = report(root, behind)
    assert before.verdict is Verdict.NOT_READY
    assert waive(before, [rule("account.connector-usable")], TODAY).verdict is Verdict.UNDETERMINED


def test_a_pass_is_never_waived() -> None:
    assert waived(found(passed("fine")), rules=[rule(code="*"), rule(check="", code="ok")]) == [False]


def test_the_verdict_changes_and_the_finding_stays() -> None:
    after = waive(report(found(bad())), [rule()], TODAY)
    assert after.verdict is Verdict.READY
    assert after.results[0].status is Status.FAIL
    assert after.results[0].findings[0].waiver == Waiver("a lab", "anna", TODAY)
    assert not after.run.notes


def test_the_last_day_counts_and_the_day_after_is_loud() -> None:
    yesterday = rule(until=TODAY - timedelta(days=1))
    after = waive(report(found(bad(), bad("another"))), [yesterday], TODAY)
    assert after.verdict is Verdict.NOT_READY
    [note] = after.run.notes
    assert note == (
        "the waiver of dc.policy-hints (waivers.toml, line 3, owner anna) ended with 2026-11-24: 2 findings count again"
    )


def test_one_that_ended_and_covers_nothing_is_to_be_taken_out() -> None:
    after = waive(report(found(passed("fine"))), [rule(until=date(2020, 1, 1))], TODAY)
    assert after.run.notes[0].endswith("ended with 2020-01-01: take it out")


def test_one_that_matches_nothing_is_said() -> None:
    after = waive(report(found(passed("fine"))), [rule(target="dc8.*"), rule()], TODAY)
    assert [note.rpartition(": ")[0] for note in after.run.notes] == [
        "the waiver of dc.policy-hints on dc8.* (waivers.toml, line 3, owner anna) matches no finding",
        "the waiver of dc.policy-hints (waivers.toml, line 3, owner anna) matches no finding",
    ]


@pytest.mark.parametrize(
    ("rules", "results", "run"),
    [
        ([rule("network.relay-443")], [found(passed("fine"))], {}),  # did not run
        ([rule()], [samples.skipped("dc.policy-hints", DC9, "dc.reachable")], {}),
        ([rule()], [found(untold())], {}),
        ([rule()], [found(passed("fine"))], {"interrupted": True}),
        ([rule(check="", code="control-missing")], [found(passed("fine"))], {"selection": {"only": ["dns"]}}),
    ],
    ids=["not run", "skipped", "unknown", "interrupted", "a selection"],
)
def test_finding_nothing_means_something_only_where_it_was_looked_at(rules, results, run) -> None:
    assert not waive(report(*results, **run), rules, TODAY).run.notes


FINDINGS = st.lists(st.sampled_from([bad(), bad("x", "other"), odd(), untold(), passed("fine")]), min_size=1)
RULES = st.builds(
    rule,
    check=st.sampled_from(["", "dc", "dc.*", "dns", "*"]),
    until=st.dates(date(2026, 11, 20), date(2026, 11, 30)),
    code=st.sampled_from(["", "*", "other", "timed-out"]),
    target=st.sampled_from(["*", "dc9*", "x"]),
)


@given(FINDINGS, st.lists(RULES))
def test_waiving_takes_nothing_away_and_makes_nothing_worse(findings: list[Finding], rules: list[WaiverRule]) -> None:
    before = report(found(*findings))
    after = waive(before, rules, TODAY)
    [result] = after.results
    assert [replace(finding, waiver=None) for finding in result.findings] == findings
    assert result.status is before.results[0].status
    assert result.counts_as.rank <= before.results[0].status.rank
    assert all(finding.waiver is None for finding in result.findings if finding.status is Status.PASS)
    ended = [each for each in rules if each.waiver.until < TODAY]
    assert sum("ended with" in note for note in after.run.notes) == len(ended)
    assert replace(waive(after, rules, TODAY).run, notes=()) == replace(before.run, notes=())
