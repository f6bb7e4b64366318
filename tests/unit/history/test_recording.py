"""What is recorded of a run, and what a history says of many."""

from __future__ import annotations

import json
import sqlite3
import stat
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.history.runs import DOMAIN, NOW, minutes, report, result
from unit.outputs import samples

from preflight.api import Finding, Status, passed
from preflight.history.errors import HistoryError
from preflight.history.excerpt import MOST_PERIODS, MOST_POINTS, past_of
from preflight.history.recording import DURATIONS_KEPT, Limits, record
from preflight.history.view import Standing, opened
from preflight.json_value import json_value
from preflight.report import Report, UserSummary, Verdict

PASS, FAIL, UNKNOWN = Status.PASS, Status.FAIL, Status.UNKNOWN
CHECK = "dc.reachable"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history.sqlite3"


def recorded(file: Path, *reports: Report, limits: Limits | None = None, **more: str) -> None:
    for each in reports:
        assert record(file, each, limits or Limits(), now=each.run.started, **more) is None


def standing(file: Path, check: str = CHECK) -> Standing:
    with opened(file) as history:
        [found] = [each for each in history.standings(NOW - timedelta(days=30)) if each.check == check]
    return found


def periods(file: Path, check: str = CHECK, target: str = DOMAIN) -> list[tuple[Status, object, object]]:
    with opened(file) as history:
        found = history.periods(check, target, NOW - timedelta(days=365), 1000)
    return [(period.status, period.since, period.until) for period in found]


@pytest.mark.parametrize("name", samples.ALL)
def test_a_report_comes_back_as_it_was(name: str, file: Path) -> None:
    before = samples.ALL[name]()
    recorded(file, before)
    with opened(file) as history:
        after = history.report(history.find("last"))
    expected = replace(before, past=None).to_dict()
    assert after.to_dict() == Report.from_dict(as_read(expected)).to_dict()


def as_read(document: dict) -> dict:
    return json.loads(json.dumps(json_value(document)))


def test_a_status_is_one_period_for_as_long_as_it_lasts(file: Path) -> None:
    said = [PASS, PASS, FAIL, FAIL, FAIL, PASS]
    recorded(file, *(report(minutes(15 * number), {CHECK: status}) for number, status in enumerate(said)))
    assert periods(file) == [
        (PASS, minutes(0), minutes(30)),
        (FAIL, minutes(30), minutes(75)),
        (PASS, minutes(75), None),
    ]
    now = standing(file)
    assert (now.status, now.since, now.seen, now.changes) == (PASS, minutes(75), minutes(75), 2)


def test_only_what_was_looked_at_in_this_run_has_a_say(file: Path) -> None:
    recorded(file, report(minutes(0), {CHECK: PASS}))
    carried = result(CHECK, FAIL, as_of=minutes(-60))
    interrupted = result(CHECK, UNKNOWN, findings=samples.undetermined().results[-1].findings)
    recorded(
        file,
        report(minutes(15), results=(carried,)),
        report(minutes(30), results=(interrupted,), interrupted=True),
        report(minutes(45), {"dns.relays-resolve": PASS}),
    )
    assert periods(file) == [(PASS, minutes(0), None)]
    assert standing(file).seen == minutes(0)


def test_a_run_that_began_earlier_and_ended_later_changes_nothing(file: Path) -> None:
    recorded(file, report(minutes(0), {CHECK: PASS}), report(minutes(2), {CHECK: FAIL}))
    assert record(file, report(minutes(1), {CHECK: PASS}), Limits(), now=minutes(3)) is None
    assert periods(file) == [(PASS, minutes(0), minutes(2)), (FAIL, minutes(2), None)]
    with opened(file) as history:
        assert history.count() == 3


def test_a_clock_that_was_ahead_freezes_nothing(file: Path) -> None:
    recorded(file, report(NOW + timedelta(days=4000), {CHECK: PASS, "dc.other": PASS}))
    recorded(file, report(minutes(0), {CHECK: FAIL, "dc.other": PASS}))
    assert periods(file) == [(PASS, minutes(0), minutes(0)), (FAIL, minutes(0), None)]
    assert periods(file, "dc.other") == [(PASS, minutes(0), None)]


def test_the_same_run_twice_is_once(file: Path) -> None:
    run = report(minutes(0), {CHECK: PASS})
    recorded(file, run, run)
    with opened(file) as history:
        assert history.count() == 1
    assert len(periods(file)) == 1


def test_durations_are_those_of_the_last_runs(file: Path) -> None:
    long_ago = [report(minutes(number), results=(result(CHECK, PASS, took=900.0),)) for number in range(3)]
    lately = [
        report(minutes(10 + number), results=(result(CHECK, PASS, took=float(number + 1)),))
        for number in range(DURATIONS_KEPT)
    ]
    recorded(file, *long_ago, *lately)
    now = standing(file)
    assert now.median_s == DURATIONS_KEPT / 2 + 0.5
    assert now.p95_s == DURATIONS_KEPT * 0.95


def test_a_check_that_was_not_let_run_has_no_duration(file: Path) -> None:
    recorded(file, report(minutes(0), results=(samples.skipped(CHECK, DOMAIN, "directory.bind"),)))
    assert standing(file).status is Status.SKIPPED
    assert standing(file).median_s is None


# -- users --------------------------------------------------------------------------------------------------------

USERS = UserSummary(DOMAIN, 3, True, {"ok": 2, "blocked": 1}, (), ({"dn": "CN=x", "code": "ace-missing"},))


def test_users_are_stored_once_a_reading_and_shown_with_every_run(file: Path) -> None:
    row = {"dn": "CN=" + "x" * 200, "code": "ace-missing"}
    many = replace(USERS, blocked=tuple({**row, "number": str(number)} for number in range(2000)))
    recorded(file, report(minutes(0), users=(many,)))
    with opened(file) as history:
        read = history.report(history.find("last"))
    size = file.stat().st_size
    for number in range(1, 30):
        recorded(file, report(minutes(15 * number), users=(replace(read.users[0], as_of=read.run.started),)))
    assert file.stat().st_size < 2 * size
    with opened(file) as history:
        shown = history.report(history.find("last"))
        assert shown.users == (replace(many, as_of=minutes(0)),)
        assert [point.outcomes for point in history.trend([DOMAIN], minutes(-1))] == [many.outcomes]


def test_an_incomplete_reading_is_no_point_of_the_trend(file: Path) -> None:
    recorded(file, report(minutes(0), users=(replace(USERS, complete=False),)), report(minutes(1), users=(USERS,)))
    with opened(file) as history:
        assert [point.at for point in history.trend([DOMAIN], minutes(-1))] == [minutes(1)]


# -- the excerpt --------------------------------------------------------------------------------------------------


def test_a_report_gets_the_last_thirty_days_of_what_is_in_it(file: Path) -> None:
    old = [report(NOW - timedelta(days=40 - day), {CHECK: FAIL if day < 2 else PASS}) for day in range(5)]
    new = [report(minutes(15 * number), {CHECK: PASS, "dc.other": PASS}, users=(USERS,)) for number in range(3)]
    recorded(file, *old, *new)
    with opened(file) as history:
        past = past_of(history, report(minutes(45), {CHECK: PASS}, users=(USERS,)), minutes(45))
    assert past is not None
    assert (past.runs, past.since) == (3, minutes(0))
    assert [(period.check, period.since, period.until) for period in past.periods] == [
        (CHECK, NOW - timedelta(days=38), None)
    ]
    assert [point.at for point in past.trend] == [minutes(0), minutes(15), minutes(30)]


def test_the_excerpt_is_bounded(file: Path) -> None:
    count = max(MOST_POINTS, MOST_PERIODS) + 20
    said = [report(minutes(number), {CHECK: (PASS, FAIL)[number % 2]}, users=(USERS,)) for number in range(count)]
    recorded(file, *said)
    with opened(file) as history:
        past = past_of(history, said[-1], minutes(count))
    assert past is not None
    assert len(past.periods) == MOST_PERIODS
    assert past.periods[-1].until is None
    assert len(past.trend) == MOST_POINTS
    assert (past.trend[0].at, past.trend[-1].at) == (minutes(0), minutes(count - 1))
    assert list(past.trend) == sorted(past.trend, key=lambda point: point.at)


def test_nothing_lately_is_no_excerpt(file: Path) -> None:
    recorded(file, report(NOW - timedelta(days=50), {CHECK: PASS}))
    with opened(file) as history:
        assert past_of(history, report(), NOW) is None


# -- runs ---------------------------------------------------------------------------------------------------------


def test_runs_are_found_by_the_start_of_their_id(file: Path) -> None:
    first, second = report(minutes(0), id="aaaaaa11-1"), report(minutes(1), id="aaaaaa22-2")
    recorded(file, first, second)
    with opened(file) as history:
        assert [run.id for run in history.runs(10)] == [second.run.id, first.run.id]
        assert history.find("last").id == second.run.id
        assert history.find("AAAAAA1").id == first.run.id
        for id, said in (("aaaaaa", "several"), ("aaaa", "too short"), ("bbbbbb", "no run"), ("%%%%%%", "no run")):
            with pytest.raises(HistoryError, match=said):
                history.find(id)


def test_the_run_before_another_is_of_the_same_profile_and_selection(file: Path) -> None:
    narrow = report(minutes(1), selection={"only": ["dns"], "skip": []})
    recorded(file, report(minutes(0)), narrow, report(minutes(2), profile="preflight"))
    recorded(file, report(minutes(3), interrupted=True))
    with opened(file) as history:
        like = history.last(before=report(minutes(4)))
        assert like is not None
        assert like.started == minutes(0)
        assert like.verdict is Verdict.UNDETERMINED
        also = history.last(before=replace(narrow, run=replace(narrow.run, id="other")))
        assert also is not None
        assert (also.id, also.only) == (narrow.run.id, ("dns",))
        assert history.last(before=narrow) is None
        assert history.last(before=report(minutes(-1))) is None


def test_the_last_audit_is_that_of_the_same_scope(file: Path) -> None:
    recorded(file, report(minutes(0)), audit="one")
    recorded(file, report(minutes(1)), audit="two")
    recorded(file, report(minutes(2)))
    with opened(file) as history:
        found = history.last_audit("one")
        assert found is not None
        assert found.started == minutes(0)
        assert history.last_audit("three") is None
        assert history.last_audit("") is None


# -- pruning ------------------------------------------------------------------------------------------------------


def test_what_is_older_than_it_may_be_goes(file: Path) -> None:
    days = [report(NOW - timedelta(days=30 - day), {CHECK: (PASS, FAIL)[day % 2]}, users=(USERS,)) for day in range(31)]
    recorded(file, *days, limits=Limits(keep=timedelta(days=10)))
    with opened(file) as history:
        assert history.count() == 11
        first = history.first()
        assert first is not None
        assert first.started == NOW - timedelta(days=10)
        assert len(history.trend([DOMAIN], NOW - timedelta(days=99))) == 11
    assert all(until is None or until >= NOW - timedelta(days=10) for _, _, until in periods(file))


def test_the_newest_run_stays_however_old_it_is(file: Path) -> None:
    assert record(file, report(NOW - timedelta(days=99)), Limits(keep=timedelta(days=1)), now=NOW) is None
    with opened(file) as history:
        assert history.count() == 1


def test_the_file_stays_within_its_size_and_the_oldest_goes_first(file: Path) -> None:
    limits = Limits(most_bytes=1_000_000)
    noise = [f"{number:x}".join("abcdefgh") for number in range(9000, 10_500)]
    for number in range(150):
        evidence = passed_with({"noise": noise[number * 7 % 100 :][:1000], "number": number})
        recorded(file, report(minutes(number), results=(result(CHECK, PASS, findings=(evidence,)),)), limits=limits)
    with opened(file) as history:
        kept = history.runs(1000)
        assert 3 < len(kept) < 150
        assert kept[0].started == minutes(149)
        assert history.report(kept[-1]).results[0].findings[0].evidence["noise"]
    assert file.stat().st_size < 1.5 * limits.most_bytes
    assert periods(file) == [(PASS, minutes(0), None)]  # since when is known for longer


def passed_with(evidence: dict[str, object]) -> Finding:
    return passed("fine", evidence=evidence)


# -- the file -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_only_its_owner_may_read_it(file: Path) -> None:
    recorded(file, report())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_reader_leaves_nothing_behind(file: Path) -> None:
    recorded(file, report(minutes(0), {CHECK: PASS}))
    assert standing(file).status is PASS
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_another_programs_database_is_left_alone(file: Path) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE precious (x)")
    before = file.read_bytes()
    with pytest.raises(HistoryError, match="another program"):
        record(file, report(), Limits(), now=NOW)
    with pytest.raises(HistoryError, match="another program"), opened(file):
        pass
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_text_file_is_left_alone(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('{"schema": "preflight-report"}\n', "utf-8")
    with pytest.raises(HistoryError, match="text file"):
        record(file, report(), Limits(), now=NOW)
    assert file.read_text("utf-8") == '{"schema": "preflight-report"}\n'


def test_a_newer_programs_history_is_left_alone(file: Path) -> None:
    recorded(file, report())
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(HistoryError, match="newer preflight"):
        record(file, report(), Limits(), now=NOW)
    with pytest.raises(HistoryError, match="newer preflight"), opened(file):
        pass


def test_an_empty_file_is_begun_by_the_next_run(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"")
    with pytest.raises(HistoryError, match="is empty"), opened(file):
        pass
    recorded(file, report())
    with opened(file) as history:
        assert history.count() == 1


def test_no_history_yet_says_how_one_comes_about(file: Path) -> None:
    with pytest.raises(HistoryError, match="--profile monitor"), opened(file):
        pass


STATUSES = st.lists(st.sampled_from(list(Status)), min_size=1, max_size=30)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STATUSES)
def test_periods_say_what_the_runs_said(tmp_path: Path, statuses: list[Status]) -> None:
    file = tmp_path / f"{hash(tuple(statuses))}-{len(list(tmp_path.iterdir()))}.sqlite3"
    recorded(file, *(report(minutes(number), {CHECK: status}) for number, status in enumerate(statuses)))
    found = periods(file)
    for number, status in enumerate(statuses):
        at = minutes(number)
        [said] = [state for state, since, until in found if since <= at and (until is None or at < until)]
        assert said is status
    assert all(before[2] == after[1] and before[0] is not after[0] for before, after in pairwise(found))
