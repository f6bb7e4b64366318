"""Nagios and Checkmk: lines as their documentation wants them, compared with what a library of plugins would print."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from types import SimpleNamespace

import nagiosplugin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nagiosplugin.output import Output
from unit.outputs import samples
from unit.outputs.any_report import any_text, reports

from preflight.api import Finding, Severity, Status, Waiver, fail, not_applicable, passed, unknown, warn
from preflight.outputs import checkmk, nagios
from preflight.outputs.plugin import MOST_LETTERS, State, exit_code_of, failure, one_line, state_of, state_of_report
from preflight.report import Report

FIGURE = re.compile(r"([a-z_]+)=(-?[0-9.]+)(s?);([0-9.]*);([0-9.]*);([0-9.]*)")
"""'label'=value[UOM];[warn];[crit];[min] without what would need quotes."""

LOCAL_CHECK = re.compile(r'^([0-3]) "([^"]+)" (-|[a-z_]+=[0-9.]+(?:\|[a-z_]+=[0-9.]+)*) (\S.*)$')

EXPECTED = {
    "green": State.OK,
    "red": State.CRITICAL,
    "undetermined": State.UNKNOWN,
    "empty": State.UNKNOWN,
    "hostile": State.CRITICAL,
    "watched": State.OK,
}


def printed_by_the_library(state: State, text: str, figures: list[tuple[str, ...]]) -> str:
    """The first line of a plugin with this state, summary and performance data, by nagiosplugin."""

    check = SimpleNamespace(
        name="writeback",
        state=[nagiosplugin.Ok, nagiosplugin.Warn, nagiosplugin.Critical, nagiosplugin.Unknown][state],
        summary_str=text,
        perfdata=[str(nagiosplugin.Performance(*figure)) for figure in figures],
    )
    output = Output(SimpleNamespace(stream=io.StringIO()))
    output.add(check)
    return str(output)


def assert_is_a_plugins_output(report: Report) -> None:
    output = nagios.render(report)
    first, *_ = output.splitlines()
    said, bar, performance = first.partition(" | ")
    assert bar
    figures = [FIGURE.fullmatch(each) for each in performance.split(" ")]
    assert all(figures)
    assert len({figure[1] for figure in figures}) == len(figures)
    state = state_of_report(report)
    text = said.removeprefix(f"WRITEBACK {state.name} - ")
    by_library = printed_by_the_library(state, text, [figure.groups() for figure in figures])
    assert by_library.split() == first.split()  # the library trims the summary's ends
    assert output.count("|") == 1
    assert len(output) <= 8192
    assert output.endswith("\n") and "\n\n" not in output


def assert_is_a_local_check(report: Report) -> list[re.Match[str]]:
    output = checkmk.render(report)
    lines = [LOCAL_CHECK.match(line) for line in output.removesuffix("\n").split("\n")]
    assert all(lines)
    assert lines[0][2] == "Password writeback"
    assert int(lines[0][1]) == state_of_report(report)
    return lines


@pytest.mark.parametrize("name", samples.ALL)
def test_nagios_shows_what_a_plugin_should(name: str) -> None:
    report = samples.ALL[name]()
    assert_is_a_plugins_output(report)
    assert exit_code_of(report, "nagios") == EXPECTED[name]
    assert nagios.render(report).startswith(f"WRITEBACK {EXPECTED[name].name} - ")


@pytest.mark.parametrize("name", samples.ALL)
def test_checkmk_shows_a_service_for_the_verdict_and_one_for_each_area(name: str) -> None:
    report = samples.ALL[name]()
    lines = assert_is_a_local_check(report)
    assert int(lines[0][1]) == EXPECTED[name]
    assert len(lines) == 1 + len({result.check.partition(".")[0] for result in report.results})
    assert exit_code_of(report, "checkmk") == 0


def test_services_keep_their_names_while_targets_come_and_go() -> None:
    one = samples.green()
    other = replace(one, results=tuple(replace(each, target=f"{each.target}.new") for each in one.results))
    names = [[line[2] for line in assert_is_a_local_check(report)] for report in (one, other)]
    assert names[0] == names[1]
    assert "Password writeback Domain controllers" in names[0]


def test_checkmk_details_name_the_checks() -> None:
    [line] = [line for line in checkmk.render(samples.undetermined()).splitlines() if "Permissions" in line]
    assert line == (
        '3 "Password writeback Permissions" - 0 of 2 results are ok; permissions.reset-password (corp.contoso.com): '
        "not looked at because of directory.bind\\npermissions.write-lockout-time (corp.contoso.com): not looked at "
        "because of directory.bind, account.connector-usable"
    )


GOOD = passed("fine")
BAD = fail("bad", "it is bad", expected="good", observed="bad", remedy="mend it")
ODD = warn("odd", "it is odd", expected="even", observed="odd", remedy="mend it")
UNTOLD = unknown("untold", "can't tell", expected="an answer", observed="none", remedy="look again")
BLOCKED = Finding(Status.SKIPPED, "blocked", "not looked at")
WAIVED = replace(BAD, waiver=Waiver("known", "anna", samples.date(2027, 1, 31)))


@pytest.mark.parametrize(
    ("finding", "of_a_blocker", "of_an_advisory"),
    [
        (GOOD, State.OK, State.OK),
        (not_applicable("nothing there"), State.OK, State.OK),
        (ODD, State.WARNING, State.WARNING),
        (BAD, State.CRITICAL, State.WARNING),
        (UNTOLD, State.UNKNOWN, State.WARNING),
        (BLOCKED, State.UNKNOWN, State.OK),
        (WAIVED, State.OK, State.OK),
    ],
)
def test_a_service_is_as_bad_as_the_verdict_takes_it(
    finding: Finding, of_a_blocker: State, of_an_advisory: State
) -> None:
    beside = samples.result("c.d", "", GOOD)
    for severity, state in ((Severity.BLOCKER, of_a_blocker), (Severity.ADVISORY, of_an_advisory)):
        result = samples.result("a.b", "", finding, severity=severity)
        assert state_of(result) is state
        assert state_of_report(Report(samples.TOOL, samples.run(), (result, beside))) is state
        [_, area] = assert_is_a_local_check(Report(samples.TOOL, samples.run(), (result,)))
        assert int(area[1]) == state


def test_performance_data_hold_the_users_and_thresholds() -> None:
    line = nagios.render(samples.red()).splitlines()[0]
    assert " users_blocked=140;;0;0 " in line
    assert line.endswith(" duration=12.346s;;;0")
    assert "users_age=431829s;;;0" in nagios.render(samples.watched())


def test_no_users_counted_is_no_nought() -> None:
    assert "users" not in nagios.render(samples.empty()).partition("|")[2]
    assert "users" not in checkmk.render(samples.empty())


def test_a_long_report_is_cut_and_counted() -> None:
    results = tuple(samples.result("a.b", f"target {n}", BAD) for n in range(60))
    report = Report(samples.TOOL, samples.run(), results)
    assert nagios.render(report).splitlines()[-1] == "and 45 more"
    assert checkmk.render(report).endswith("\\nand 49 more\n")


def test_two_machines_that_read_one_domain_count_its_users_once() -> None:
    report = samples.red()
    twice = replace(report, users=report.users * 2)
    assert "users_blocked=140;" in nagios.render(twice)


@given(reports())
@settings(deadline=None, max_examples=150)
def test_any_text_stays_within_its_line(report: Report) -> None:
    assert_is_a_plugins_output(report)
    assert_is_a_local_check(report)
    for text in (nagios.render(report), checkmk.render(report)):
        assert not re.search("[<>\r\t\x00\x1b\u202e]", text)


@given(any_text | st.just("x" * 5000))
def test_a_failure_is_one_line_of_either(text: str) -> None:
    first, *others = failure("nagios", text).removesuffix("\n").split("\n")
    assert not others
    assert first.startswith("WRITEBACK UNKNOWN - ")
    [line] = failure("checkmk", "x" + text).removesuffix("\n").split("\n")
    assert LOCAL_CHECK.match(line)
    assert "\\n" not in line
    assert len(one_line(text)) <= MOST_LETTERS
