"""Several servers' reports as one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
from unit.outputs import samples

from preflight.api import Status, fail, passed, unknown, warn
from preflight.json_value import json_value
from preflight.merging import CHECKS, MergeError, merge_reports
from preflight.outputs.json import schema
from preflight.report import Report, Result, UserSummary, Verdict

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
BAD = fail("tcp-timeout", "no answer", expected="an answer", observed="none", remedy="open 443")
UNTOLD = unknown("no-events", "no event of the service", expected="events", observed="none", remedy="look")


def server(host: str, mode: str = "", *findings, check: str = "network.relay-443", started=NOON, **run) -> Report:
    facts = {"host": host, "sync_server_mode": mode, "started": started, "id": f"{host}-{started.isoformat()}"}
    results = (samples.result(check, "relay", *(findings or (passed("fine"),))),)
    return Report(samples.TOOL, samples.run(**(facts | run)), results)


def merged(*reports: Report, max_age: timedelta = DAY) -> Report:
    return merge_reports(reports, max_age=max_age)


def found(report: Report, check: str) -> Result:
    [result] = [result for result in report.results if result.check == check]
    return result


def test_each_result_says_whose_it_is() -> None:
    report = merged(server("SYNC01", "active"), server("SYNC02", "staging", BAD))
    assert [(result.host, result.status) for result in report.results if result.check == "network.relay-443"] == [
        ("SYNC01", Status.PASS),
        ("SYNC02", Status.FAIL),
    ]
    assert report.verdict is Verdict.NOT_READY
    assert report.run.host == "SYNC01, SYNC02"


def test_a_merged_report_is_a_report() -> None:
    makers = {name: make for name, make in samples.ALL.items() if name not in ("watched", "hostile")}
    reports = [replace(make(), run=replace(make().run, host=name)) for name, make in makers.items()]
    document = json_value(merged(*reports).to_dict())
    jsonschema.validate(document, schema(), format_checker=jsonschema.FormatChecker())
    hostile = json_value(merged(*reports, samples.hostile()).to_dict())
    assert isinstance(hostile, dict)
    assert json_value(Report.from_dict(hostile).to_dict()) == hostile


@pytest.mark.parametrize(
    ("modes", "status", "codes"),
    [
        (["active"], Status.PASS, ["ok"]),
        (["active", "staging"], Status.PASS, ["ok"]),
        (["active", "active"], Status.FAIL, ["two-active-servers"]),
        (["active", "active", "staging"], Status.FAIL, ["two-active-servers"]),
        (["active", "active", ""], Status.FAIL, ["two-active-servers", "mode-not-said"]),
        (["active", ""], Status.WARN, ["mode-not-said"]),
        (["staging", ""], Status.WARN, ["mode-not-said"]),
        (["", ""], Status.WARN, ["mode-not-said"]),
        (["staging"], Status.UNKNOWN, ["no-active-server"]),
        (["staging", "staging"], Status.UNKNOWN, ["no-active-server"]),
    ],
)
def test_one_active_server(modes: list[str], status: Status, codes: list[str]) -> None:
    report = merged(*(server(f"SYNC{number}", mode) for number, mode in enumerate(modes)))
    result = found(report, "host.one-active-server")
    assert (result.status, [finding.code for finding in result.findings]) == (status, codes)
    verdicts = {
        Status.PASS: Verdict.READY,
        Status.WARN: Verdict.READY_WITH_WARNINGS,
        Status.UNKNOWN: Verdict.UNDETERMINED,
        Status.FAIL: Verdict.NOT_READY,
    }
    assert report.verdict is verdicts[status]


def test_what_a_server_says_of_itself_is_not_judged_again() -> None:
    """The run knows its server's mode; that a staging server's service is listening, say, must stay to be seen."""
    listening = warn("staging-but-active", "it is listening", expected="silence", observed="31019", remedy="look")
    report = merged(
        server("SYNC01", "active", UNTOLD, check="events.service-running"),
        server("SYNC02", "staging", listening, check="events.service-running"),
    )
    events = {result.host: result.status for result in report.results if result.check == "events.service-running"}
    assert events == {"SYNC01": Status.UNKNOWN, "SYNC02": Status.WARN}


def test_of_one_machine_the_newest_counts_and_that_is_said() -> None:
    older = server("sync01", "active", BAD, started=NOON - timedelta(hours=2))
    oldest = server("SYNC01", "active", BAD, started=NOON - timedelta(hours=3))
    report = merged(older, server("SYNC01", "active"), oldest)
    assert report.verdict is Verdict.READY
    assert report.run.notes == ("SYNC01: 2 older reports of this server left out",)


def test_a_server_that_looked_at_less_than_the_others_is_named() -> None:
    wide = server("SYNC02", "staging", BAD)
    wide = replace(wide, results=(*wide.results, *server("", check="dc.reachable").results))
    narrow = server("SYNC02", "staging", check="dc.reachable", started=NOON + timedelta(hours=1))
    report = merged(server("SYNC01", "active"), wide, narrow)
    assert report.run.notes == (
        "SYNC02: 1 older report of this server left out",
        "SYNC01: only 1 of the 2 checks that these servers report were run there",
        "SYNC02: only 1 of the 2 checks that these servers report were run there",
    )
    assert merged(wide, server("SYNC02", "staging", started=NOON - DAY / 2)).run.notes == (
        "SYNC02: 1 older report of this server left out",
    )


def test_servers_that_read_the_same_controller_sign_in_alike() -> None:
    row = {"domain": "corp.contoso.com", "origin": "dc1.corp.contoso.com:636"}
    other = row | {"origin": "dc2.corp.contoso.com:636"}
    reports = [server(f"SYNC{number}", sign_in=(each,)) for number, each in enumerate((row, other, row))]
    assert merged(*reports).run.sign_in == (row, other)


def test_what_is_too_old_is_unknown_not_what_it_said() -> None:
    stale = server("SYNC02", "staging", BAD, started=NOON - timedelta(days=3))
    report = merged(server("SYNC01", "active"), stale)
    assert report.verdict is Verdict.UNDETERMINED
    result = found(report, "host.report-current")
    assert [(finding.status, finding.subject) for finding in result.findings] == [(Status.UNKNOWN, "SYNC02")]
    assert result.findings[0].observed == "3.0 days older than the newest"
    assert all(result.host != "SYNC02" for result in report.results)
    assert merged(server("SYNC01", "active"), stale, max_age=timedelta(days=3)).verdict is Verdict.NOT_READY


def test_what_a_run_left_undetermined_stays_so() -> None:
    reports = [
        server("SYNC01", "active", interrupted=True, notes=("a waiver has ended",)),
        server("SYNC02", "staging", undetermined_because=("no domain is configured",)),
        replace(server("SYNC03", "staging"), results=()),
    ]
    report = merged(*reports)
    assert report.verdict is Verdict.UNDETERMINED
    assert report.run.undetermined_because == (
        "SYNC01: the run was interrupted",
        "SYNC02: no domain is configured",
        "SYNC03: nothing ran",
    )
    assert "SYNC01: a waiver has ended" in report.run.notes
    assert not report.run.interrupted


def test_users_of_a_domain_come_once_by_the_best_reading() -> None:
    hour = timedelta(hours=1)

    def users(report: Report, seen: int, complete: bool, as_of: datetime | None = None) -> Report:
        summary = UserSummary("corp.contoso.com", seen, complete, {"ok": seen}, as_of=as_of)
        return replace(report, users=(summary,))

    whole = users(server("SYNC01", "active", started=NOON - 2 * hour), 10, True)
    newer = users(server("SYNC02", "staging", started=NOON - hour), 11, True)
    newest_part = users(server("SYNC03", "staging"), 5, False)
    [summary] = merged(whole, newer, newest_part).users
    assert (summary.seen, summary.as_of) == (11, NOON - hour)
    carried = users(server("SYNC02", "staging"), 11, True, as_of=NOON - 5 * hour)
    [summary] = merged(whole, carried).users
    assert (summary.seen, summary.as_of) == (10, NOON - 2 * hour)


def test_a_merged_report_is_not_merged_again() -> None:
    with pytest.raises(MergeError, match="merged already"):
        merged(merged(server("SYNC01", "active")), server("SYNC02", "staging"))
    with pytest.raises(MergeError, match="no report"):
        merged()
    with pytest.raises(MergeError, match="which server"):
        merged(server("", "active"))


def test_the_order_of_the_reports_changes_nothing() -> None:
    one, two, three = server("SYNC01", "active"), server("SYNC02", "staging", BAD), server("SYNC03", "")
    assert merged(one, two, three).to_dict() == merged(three, two, one).to_dict()


def test_every_code_that_is_yielded_is_declared() -> None:
    reports = [
        merged(server("A", "active"), server("B", "active"), server("C", started=NOON - 2 * DAY)),
        merged(server("A", "staging"), server("B", "staging")),
        merged(server("A")),
    ]
    for each in CHECKS:
        yielded = {finding.code for report in reports for finding in found(report, each.id).findings}
        assert yielded <= {*each.codes, "ok"}
        assert each.tags == ("merge",)
