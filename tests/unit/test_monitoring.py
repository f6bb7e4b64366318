"""What is carried along from the last reading of the users, and for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.outputs import samples

from preflight.api import Finding, Severity, Status, Waiver, fail, passed, unknown
from preflight.config import Configuration, Connector, DomainSettings
from preflight.monitoring import (
    RETRY,
    Carried,
    audit_name,
    carried_from,
    is_audit,
    with_carried,
    without_users,
)
from preflight.plan import make_plan
from preflight.registry import Registry
from preflight.report import Report, Result, Run, UserSummary, Verdict

PLAN = make_plan(Registry.installed().checks, profile="monitor")
NARROW = make_plan(Registry.installed().checks, only=["permissions.reset-password"])
READ_AT = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
DOMAIN = "corp.contoso.com"
FOLDS = [planned.check.id for planned in PLAN.checks if planned.check.folds]
BAD = fail("ace-missing", "3 users", expected="all", observed="3 not", remedy="mend it")
UNTOLD = unknown("timed-out", "broke off", expected="all", observed="some", remedy="run again")
SKIPPED = Finding(Status.SKIPPED, "blocked", "not looked at: because of directory.bind")
USERS = UserSummary(DOMAIN, 3, True, {"ok": 3})


def audit(*findings: Finding, checks: list[str] | None = None, **run: object) -> Report:
    """A run at READ_AT in which every check that reads users said so."""
    results = [samples.result(check, DOMAIN, *(findings or (passed("all 3"),))) for check in checks or FOLDS]
    other = samples.result("directory.bind", DOMAIN, passed("signed in"))
    return Report(samples.TOOL, samples.run(**({"started": READ_AT} | run)), (other, *results), (USERS,))


def carried(report: Report, after: timedelta, every: timedelta = DAY) -> Carried | None:
    return carried_from(report, PLAN, every=every, now=READ_AT + after)


def test_the_checks_that_read_users_are_the_ones_with_folds() -> None:
    assert set(FOLDS) == {
        "permissions.reset-password",
        "permissions.write-lockout-time",
        "permissions.write-pwd-last-set",
        "permissions.change-password",
        "anchors.unique",
    }
    assert {planned.check.id for planned in without_users(PLAN).checks}.isdisjoint(FOLDS)
    assert without_users(PLAN).folds == ()


@pytest.mark.parametrize(
    ("findings", "after", "carries"),
    [
        ((), timedelta(0), True),
        ((), DAY - timedelta(seconds=1), True),
        ((), DAY, False),
        ((), timedelta(seconds=-1), False),  # the clock was ahead
        ((BAD,), DAY - timedelta(seconds=1), True),
        ((UNTOLD,), RETRY - timedelta(seconds=1), True),
        ((UNTOLD,), RETRY, False),
        ((BAD, UNTOLD), RETRY, True),  # a fail is told, whatever else was not
    ],
)
def test_for_how_long(findings: tuple[Finding, ...], after: timedelta, carries: bool) -> None:
    assert (carried(audit(*findings), after) is not None) is carries


def test_a_short_interval_is_kept_after_a_reading_that_told_nothing_too() -> None:
    assert carried(audit(UNTOLD), timedelta(minutes=29), every=timedelta(minutes=30)) is not None
    assert carried(audit(UNTOLD), timedelta(minutes=31), every=timedelta(minutes=30)) is None


def test_what_is_carried_says_so_and_keeps_its_status() -> None:
    report = audit(BAD)
    found = carried(report, timedelta(hours=6))
    assert found is not None
    now = Report(samples.TOOL, samples.run(started=READ_AT + timedelta(hours=6)), (report.results[0],))
    whole = with_carried(now, found, PLAN)
    assert whole.verdict is Verdict.NOT_READY
    by_check = {result.check: result for result in whole.results}
    assert by_check["directory.bind"].as_of is None
    for check in FOLDS:
        assert by_check[check].as_of == READ_AT
        assert by_check[check].findings == (BAD,)
    assert whole.users == (replace(USERS, as_of=READ_AT),)
    assert whole.run.selection["checks"] == len(PLAN.checks)
    assert not whole.run.notes  # which are for what is out of the ordinary
    assert Report.from_dict(whole.to_dict()).to_dict() == whole.to_dict()


def test_a_waiver_of_that_time_is_not_carried() -> None:
    given_then = replace(BAD, waiver=Waiver("a lab", "anna", date(2026, 11, 25)))
    found = carried(audit(given_then), timedelta(hours=1))
    assert found is not None
    assert all(finding.waiver is None for result in found.results for finding in result.findings)


def test_what_counts_as_a_reading() -> None:
    assert is_audit(audit(), PLAN)
    assert is_audit(audit(UNTOLD), PLAN)
    assert not is_audit(audit(SKIPPED), PLAN)  # nobody was kept waiting: try again at once
    assert not is_audit(audit(interrupted=True), PLAN)
    assert not is_audit(audit(checks=FOLDS[:-1]), PLAN)
    assert not is_audit(replace(audit(), results=audit().results[:1]), PLAN)
    once = carried(audit(), timedelta(hours=1))
    assert once is not None
    assert not is_audit(with_carried(replace(audit(), results=(), users=()), once, PLAN), PLAN)
    assert not is_audit(audit(), without_users(PLAN))


# -- whose reading it was -------------------------------------------------------------------------------------------


def configuration(connector: Connector | None = None, **changes: object) -> Configuration:
    domain = DomainSettings(DOMAIN, user="reader@corp.contoso.com", auth="simple")
    return Configuration(connector or Connector(), (replace(domain, **changes),))


def test_another_scope_reader_or_set_of_checks_is_another_reading() -> None:
    base = audit_name(configuration(), PLAN, "SYNC01")
    assert base == audit_name(configuration(), PLAN, "SYNC01")
    others = [
        audit_name(configuration(search_bases=("OU=People,DC=corp,DC=contoso,DC=com",)), PLAN, "SYNC01"),
        audit_name(configuration(exclude=("OU=People,DC=corp,DC=contoso,DC=com",)), PLAN, "SYNC01"),
        audit_name(configuration(user="another@corp.contoso.com"), PLAN, "SYNC01"),
        audit_name(configuration(connector_account="MSOL_1"), PLAN, "SYNC01"),
        audit_name(configuration(Connector("MSOL_2")), PLAN, "SYNC01"),
        audit_name(configuration(Connector(source_anchor="objectGUID")), PLAN, "SYNC01"),
        audit_name(Configuration(domains=(*configuration().domains, DomainSettings("a.test"))), PLAN, "SYNC01"),
        audit_name(configuration(), NARROW, "SYNC01"),
        audit_name(configuration(), PLAN, "SYNC02"),
    ]
    assert len({base, *others}) == 1 + len(others)
    assert audit_name(configuration(), without_users(PLAN), "SYNC01") == ""


def test_another_export_is_another_reading(tmp_path: Path) -> None:
    export = tmp_path / "forest.ldf"
    export.write_bytes(b"one")
    before = audit_name(configuration(ldif=export), PLAN, "SYNC01")
    assert before == audit_name(configuration(ldif=export), PLAN, "SYNC01")
    import os

    os.utime(export, (1, 1))
    assert before != audit_name(configuration(ldif=export), PLAN, "SYNC01")


STATUSES = st.sampled_from([passed("fine"), BAD, UNTOLD, SKIPPED])


@given(
    st.lists(STATUSES, min_size=1, max_size=len(FOLDS)),
    st.timedeltas(timedelta(days=-3), timedelta(days=60)),
    st.timedeltas(timedelta(seconds=1), timedelta(days=30)),
)
def test_never_a_carried_pass_beyond_the_interval_nor_a_better_verdict(
    said: list[Finding], after: timedelta, every: timedelta
) -> None:
    results = tuple(samples.result(FOLDS[place], DOMAIN, finding) for place, finding in enumerate(said))
    before = Report(samples.TOOL, _run(READ_AT), results, (USERS,))
    found = carried(before, after, every)
    if found is None:
        return
    assert timedelta(0) <= after < every
    whole = with_carried(Report(samples.TOOL, _run(READ_AT + after), ()), found, PLAN)
    assert whole.verdict == before.verdict
    assert [result.status for result in _sorted(whole)] == [result.status for result in _sorted(before)]
    assert all(result.as_of == READ_AT for result in whole.results)
    assert all(result.severity is Severity.BLOCKER for result in whole.results)


def _run(started: datetime) -> Run:
    return samples.run(started=started)


def _sorted(report: Report) -> list[Result]:
    return sorted(report.results, key=lambda result: result.check)
