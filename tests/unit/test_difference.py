"""What changed between two reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.outputs import samples

from preflight.api import Finding, Status, Waiver, fail, not_applicable, passed, unknown, warn
from preflight.difference import Kind, compare
from preflight.report import Report, Result

DC = "dc1.corp.contoso.com"


def bad(code: str = "bad", summary: str = "it is bad", subject: str = "") -> Finding:
    return fail(code, summary, subject=subject, expected="good", observed="bad", remedy="mend it")


def odd(code: str = "bad") -> Finding:
    return warn(code, "it is odd", expected="even", observed="odd", remedy="mend it")


def untold(code: str = "timed-out") -> Finding:
    return unknown(code, "can't tell", expected="an answer", observed="none", remedy="look again")


def waived(finding: Finding) -> Finding:
    return replace(finding, waiver=Waiver("a lab", "anna", date(2027, 1, 31)))


GOOD = passed("fine")
SKIPPED = Finding(Status.SKIPPED, "blocked", "not looked at: because of directory.bind")


def report(*findings: Finding, **changes: object) -> Report:
    return Report(samples.TOOL, samples.run(), (samples.result("dc.reachable", DC, *findings, **changes),))


NOTHING = Report(samples.TOOL, samples.run(), ())


def kinds(old: Report, new: Report) -> list[str]:
    return [change.kind.value for change in compare(old, new).changes]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (report(GOOD), report(bad()), ["new"]),
        (NOTHING, report(bad()), ["new"]),
        (report(bad()), report(bad()), ["unchanged"]),
        (report(odd()), report(bad()), ["worse"]),
        (report(bad()), report(odd()), ["better"]),
        (report(bad()), report(GOOD), ["gone"]),
        (report(bad()), report(not_applicable("nothing here")), ["gone"]),
        (report(bad("one"), bad("two")), report(bad("two"), bad("three")), ["new", "unchanged", "gone"]),
        # Three answers: what wasn't seen isn't gone.
        (report(bad()), report(SKIPPED), ["unseen"]),
        (report(bad()), report(untold()), ["new", "unseen"]),
        (report(bad("one")), report(bad("two"), untold()), ["new", "new", "unseen"]),
        (report(bad(), untold("hidden")), report(untold("hidden")), ["unchanged", "gone"]),
        (report(bad()), NOTHING, ["unseen"]),
        (report(GOOD), NOTHING, ["unseen"]),
        (report(GOOD), report(SKIPPED), ["unseen"]),
        (report(SKIPPED), report(GOOD), ["better"]),
        (report(SKIPPED), report(SKIPPED), []),
        (report(SKIPPED), report(bad()), ["new"]),
        # What is waived doesn't count.
        (report(bad()), report(waived(bad())), ["better"]),
        (report(waived(bad())), report(bad()), ["new"]),
        (report(waived(bad())), report(waived(bad())), []),
        (report(waived(bad())), report(GOOD), []),
        (report(GOOD), report(waived(bad())), []),
        # Elsewhere is another result.
        (report(bad(), host="SYNC01"), report(bad(), host="SYNC02"), ["new", "unseen"]),
    ],
)
def test_each_kind(old: Report, new: Report, kind: list[str]) -> None:
    assert kinds(old, new) == kind


def test_another_number_of_users_is_the_same_finding_with_what_it_was() -> None:
    [change] = compare(report(bad(summary="3 users")), report(bad(summary="30 users"))).changes
    assert (change.kind, change.summary, change.was) == (Kind.UNCHANGED, "30 users", "3 users")


def test_good_before_and_now_is_counted() -> None:
    assert compare(samples.green(), samples.green()).good == len(samples.green().results)


def test_only_new_and_worse_is_alarming() -> None:
    assert compare(report(GOOD), report(bad())).alarming
    assert compare(report(odd()), report(bad())).alarming
    for old, new in ((bad(), bad()), (bad(), odd()), (bad(), GOOD), (untold(), SKIPPED)):
        assert not compare(report(old), report(new)).alarming


def test_that_nothing_is_new_says_nothing_where_less_could_be_told() -> None:
    """Nothing new was found by a run that didn't look: no gate opens for it."""
    broken = replace(report(bad()), run=samples.run(undetermined_because=("a check pack is broken",)))
    interrupted = replace(report(bad()), run=samples.run(interrupted=True))
    accepted = report(waived(untold()), SKIPPED)
    for old, new in (
        (GOOD, NOTHING),
        (bad(), NOTHING),
        (bad(), report(SKIPPED)),
        (bad(), broken),
        (bad(), interrupted),
    ):
        assert compare(report(old), new).alarming
    assert compare(report(GOOD), accepted).alarming
    assert not compare(broken, broken).alarming


FINDINGS = st.lists(
    st.sampled_from([GOOD, bad(), bad("x"), odd(), odd("x"), untold(), waived(bad()), SKIPPED]), min_size=1, max_size=4
)


@given(FINDINGS, FINDINGS)
def test_every_finding_that_counts_is_accounted_for_once(before: list[Finding], after: list[Finding]) -> None:
    old, new = report(*before), report(*after)
    difference = compare(old, new)
    known = [change.fingerprint for change in difference.changes if change.fingerprint]
    assert len(known) == len(set(known))
    counting = {
        finding["fingerprint"]
        for each in (old, new)
        for result in each.to_dict()["results"]
        for finding in result["findings"]
        if finding["status"] in ("warn", "unknown", "fail") and not finding["waiver"]
    }
    assert set(known) == counting
    assert not compare(old, old).alarming
    obstacles = [finding for finding in after if finding.status in (Status.UNKNOWN, Status.SKIPPED)]
    for change in difference.of(Kind.GONE):
        assert change.after is None
        assert all(finding.code in {earlier.code for earlier in before} for finding in obstacles)


def test_samples_compare_with_one_another() -> None:
    results: list[Result] = []
    for old in samples.ALL.values():
        for new in samples.ALL.values():
            difference = compare(old(), new())
            results += difference.new.results
            assert {change.kind for change in difference.changes} <= set(Kind)
    assert results
