"""The engine, on checks and resources made for the test: what runs, what is skipped and why, and what stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date

import pytest

from preflight.api import Check, Finding, Later, Severity, Status, Target, Unavailable, Waiver, check, fail, passed
from preflight.engine import Engine, Outcome
from preflight.plan import Plan, make_plan
from preflight.registry import Registry
from preflight.report import Result

RUN = Target("run", "")


class Facts:
    """Resources and targets from dictionaries; a callable value is called with the target."""

    def __init__(self, targets: dict[str, object] | None = None, **resources: object) -> None:
        self._targets = targets or {}
        self._resources = resources

    def get(self, name: str, target: Target) -> object:
        value = self._resources[name]
        return value(target) if callable(value) else value

    def targets(self, kind: str, within: Target) -> Sequence[Target]:
        names = self._targets.get(f"{kind}@{within.name}" if within.name else kind, ())
        if isinstance(names, Exception):
            raise names
        if callable(names):
            names = names()
        return [Target(kind, name, within) for name in names]


def checking(id: str, body: Callable[..., Iterator[Finding]] | None = None, **settings: object) -> Check:
    def ok() -> Iterator[Finding]:
        """Always fine."""
        yield passed("fine")

    function = body or ok
    function.__doc__ = function.__doc__ or "A check of the test."
    arguments: dict[str, object] = {
        "title": id,
        "severity": Severity.BLOCKER,
        "each": "run",
        "codes": {"bad": "it is bad", "odd": "it is odd"},
    }
    return check(id=id, **{**arguments, **settings})(function)  # type: ignore[arg-type]


def failing() -> Iterator[Finding]:
    yield fail("bad", "it is bad", expected="good", observed="bad", remedy="mend it")


def plan_of(*checks: Check, **selection: Sequence[str]) -> Plan:
    return make_plan(Registry.of(checks).checks, **selection)  # type: ignore[arg-type]


def run(*checks: Check, facts: Facts | None = None, **selection: Sequence[str]) -> dict[tuple[str, str], Result]:
    outcome = Engine(plan_of(*checks, **selection), facts or Facts()).run()
    return {(result.check, result.target): result for result in outcome.results}


def test_a_check_that_requires_a_failed_one_is_skipped_and_names_the_root() -> None:
    results = run(
        checking("dc.one", failing),
        checking("dc.two", requires=["dc.one"]),
        checking("dc.three", requires=["dc.two"]),
        checking("policy.other"),
    )
    assert results["dc.two", ""].status is Status.SKIPPED
    assert results["dc.three", ""].blocked_by == ("dc.one",)
    assert "dc.one" in results["dc.three", ""].findings[0].summary
    assert results["policy.other", ""].status is Status.PASS


def test_one_good_below_is_enough_and_beside_is_not_asked() -> None:
    def reach(target: Target) -> Iterator[Finding]:
        if target.name == "dc2":
            yield from failing()
        else:
            yield passed("answers")

    facts = Facts({"domain": ["a"], "domain-controller@a": ["dc1", "dc2"]})
    results = run(
        checking("dc.reach", reach, each="domain-controller"),
        checking("directory.bind", each="domain", requires=["dc.reach"]),
        checking("dc.hints", each="domain-controller", requires=["dc.reach"]),
        facts=facts,
    )
    assert results["directory.bind", "a"].status is Status.PASS
    assert results["dc.hints", "dc1"].status is Status.PASS
    assert results["dc.hints", "dc2"].blocked_by == ("dc.reach",)


def test_all_bad_below_blocks_what_stands_above() -> None:
    facts = Facts({"domain": ["a"], "domain-controller@a": ["dc1", "dc2"]})
    results = run(
        checking("dc.reach", failing, each="domain-controller"),
        checking("directory.bind", each="domain", requires=["dc.reach"]),
        facts=facts,
    )
    assert results["directory.bind", "a"].status is Status.SKIPPED
    assert results["directory.bind", "a"].blocked_by == ("dc.reach",)


def test_a_bad_target_leaves_its_neighbours_alone() -> None:
    def bind(target: Target) -> Iterator[Finding]:
        yield from failing() if target.name == "a" else iter([passed("fine")])

    results = run(
        checking("directory.bind", bind, each="domain"),
        checking("policy.age", each="domain", requires=["directory.bind"]),
        facts=Facts({"domain": ["a", "b"]}),
    )
    assert results["policy.age", "a"].status is Status.SKIPPED
    assert results["policy.age", "b"].status is Status.PASS


@pytest.mark.parametrize("found", [[], Unavailable("the resolver is silent")])
def test_targets_that_cannot_be_found_leave_a_skip_that_says_why(found: object) -> None:
    results = run(
        checking("dc.found", failing, each="domain"),
        checking("dc.reach", each="domain-controller", requires=["dc.found"]),
        checking("dc.alone", each="domain-controller"),
        facts=Facts({"domain": ["a"], "domain-controller@a": found}),
    )
    assert results["dc.reach", "a"].blocked_by == ("dc.found",)
    assert results["dc.alone", "a"].status is Status.SKIPPED
    reason = results["dc.alone", "a"].findings[0].summary
    assert "no domain controller of a is known" in reason or "the resolver is silent" in reason


def test_without_any_domain_a_domain_check_has_no_result() -> None:
    assert run(checking("policy.age", each="domain")) == {}


def test_what_was_found_before_a_crash_stays() -> None:
    def crashing() -> Iterator[Finding]:
        yield passed("the first half")
        raise RuntimeError("boom")

    result = run(checking("dc.one", crashing))["dc.one", ""]
    assert result.status is Status.UNKNOWN
    assert [finding.code for finding in result.findings] == ["ok", "crashed"]
    assert "boom" in result.findings[1].summary


def test_a_fail_found_before_the_directory_went_away_stays_a_fail() -> None:
    def losing() -> Iterator[Finding]:
        yield from failing()
        raise Unavailable("the connection is gone", code="connection-lost", remedy="look at the DC")

    result = run(checking("dc.one", losing))["dc.one", ""]
    assert result.status is Status.FAIL
    assert result.findings[1].remedy == "look at the DC"
    assert result.findings[1].evidence["reason"] == "connection-lost"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (lambda: iter(()), "said-nothing"),
        (lambda: iter([Finding(Status.PASS, "undeclared", "fine")]), "crashed"),
        (lambda: iter([Finding(Status.FAIL, "bad", "fine", waiver=Waiver("x", "me", date.max))]), "crashed"),
        (lambda: iter(["fine"]), "crashed"),
        (lambda: None, "crashed"),
    ],
)
def test_a_check_that_does_not_play_by_the_rules_is_unknown(body: Callable[[], Iterator[Finding]], code: str) -> None:
    result = run(checking("dc.one", lambda: body()))["dc.one", ""]
    assert result.status is Status.UNKNOWN
    assert result.findings[-1].code == code


def test_an_unavailable_resource_makes_its_checks_unknown() -> None:
    def looking(domain: object) -> Iterator[Finding]:
        yield passed("never said")

    def refuse(target: Target) -> object:
        raise Unavailable("not to be had")

    result = run(checking("dc.one", looking), facts=Facts(domain=refuse))["dc.one", ""]
    assert result.status is Status.UNKNOWN
    assert result.findings[0].code == "unavailable"


def test_later_resources_are_fetched_when_asked_for() -> None:
    def looking(domain: Later[str]) -> Iterator[Finding]:
        yield passed("before")
        yield passed(domain())

    def refuse(target: Target) -> object:
        raise Unavailable("not to be had")

    result = run(checking("dc.one", looking), facts=Facts(domain=refuse))["dc.one", ""]
    assert [finding.summary for finding in result.findings] == ["before", "not to be had"]


def test_a_hung_check_costs_its_own_deadline_and_no_more() -> None:
    release = threading.Event()

    def hanging() -> Iterator[Finding]:
        yield passed("the first half")
        release.wait(60)
        yield passed("too late")

    begun = time.monotonic()
    results = run(
        checking("dc.hung", hanging, deadline=0.5),
        checking("dc.next", requires=["dc.hung"]),
        checking("policy.other"),
    )
    release.set()
    assert time.monotonic() - begun < 20
    assert [finding.code for finding in results["dc.hung", ""].findings] == ["ok", "timed-out"]
    assert results["dc.next", ""].blocked_by == ("dc.hung",)
    assert results["policy.other", ""].status is Status.PASS


def test_independent_checks_run_side_by_side() -> None:
    meeting = threading.Barrier(3, timeout=20)

    def meet() -> Iterator[Finding]:
        meeting.wait()
        yield passed("met")

    results = run(*(checking(f"dc.c{number}", lambda: meet()) for number in range(3)))
    assert {result.status for result in results.values()} == {Status.PASS}


def test_an_interrupted_run_keeps_what_was_found_and_says_so() -> None:
    stop, release = threading.Event(), threading.Event()

    def stopping() -> Iterator[Finding]:
        yield passed("the first half")
        stop.set()
        release.wait(60)

    outcome: Outcome = Engine(
        plan_of(checking("dc.one", stopping), checking("dc.two", requires=["dc.one"])), Facts()
    ).run(stop)
    release.set()
    assert outcome.interrupted
    assert [(result.check, result.status) for result in outcome.results] == [
        ("dc.one", Status.UNKNOWN),
        ("dc.two", Status.UNKNOWN),
    ]
    assert [finding.code for finding in outcome.results[0].findings] == ["ok", "interrupted"]


def test_a_deselected_requirement_is_not_asked() -> None:
    results = run(checking("dc.one", failing), checking("dc.two", requires=["dc.one"]), skip=["dc.one"])
    assert list(results) == [("dc.two", "")]
    assert results["dc.two", ""].status is Status.PASS


def test_only_also_runs_what_is_required_and_marks_it() -> None:
    results = run(checking("dc.one"), checking("dc.two", requires=["dc.one"]), checking("dc.three"), only=["dc.two"])
    assert {key[0]: result.role for key, result in results.items()} == {"dc.one": "required", "dc.two": "selected"}


def test_observers_hear_of_every_result_once() -> None:
    heard: list[str] = []

    class Listener:
        def planned(self, plan: Plan) -> None:
            heard.append(f"planned {len(plan.checks)}")

        def started(self, check: Check, target: Target) -> None:
            heard.append(f"started {check.id}")

        def finished(self, result: Result) -> None:
            heard.append(f"finished {result.check} {result.status}")

        def tick(self) -> None: ...

    Engine(plan_of(checking("dc.one", failing), checking("dc.two", requires=["dc.one"])), Facts(), [Listener()]).run()
    assert heard == ["planned 2", "started dc.one", "finished dc.one fail", "finished dc.two skipped"]
