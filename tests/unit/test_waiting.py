"""Rounds of a run that waits: how often, how long, and what ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from unit.outputs import samples

from preflight.cli import waiting
from preflight.cli.waiting import Patience, repeated
from preflight.report import Report, Verdict


@pytest.fixture(autouse=True)
def quick(mocker) -> None:
    mocker.patch.object(waiting, "_SHORTEST_PAUSE", 0.02)


def rounds(*reports: Report) -> Callable[[], Report]:
    """One after the other, the last again and again."""
    left = list(reports)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def patience(seconds: float, said: list[str] | None = None, hopeless: Callable[[], str] = str) -> Patience:
    return Patience(
        timedelta(seconds=seconds),
        enough=lambda report: report.verdict in (Verdict.READY, Verdict.READY_WITH_WARNINGS),
        hopeless=hopeless,
        say=(said if said is not None else []).append,
    )


def test_the_first_that_is_ready_ends_it_and_the_others_are_said() -> None:
    said: list[str] = []
    report = repeated(rounds(samples.red(), samples.red(), samples.green()), patience(5, said), threading.Event())
    assert report.verdict is Verdict.READY
    assert [line.partition(";")[0] for line in said] == [
        "round 1: NOT READY (network.relay-443: fail)",
        "round 2: NOT READY (network.relay-443: fail)",
    ]
    assert "again in" in said[0]


def test_what_is_ready_at_once_waits_for_nothing() -> None:
    said: list[str] = []
    begun = time.monotonic()
    assert repeated(rounds(samples.green()), patience(60, said), threading.Event()).verdict is Verdict.READY
    assert time.monotonic() - begun < 1
    assert said == []


def test_time_is_up_with_the_last_report() -> None:
    said: list[str] = []
    begun = time.monotonic()
    report = repeated(rounds(samples.red()), patience(0.3, said), threading.Event())
    assert 0.3 <= time.monotonic() - begun < 5
    assert report.verdict is Verdict.NOT_READY
    assert not report.run.interrupted
    assert said[-1].endswith("time is up.")
    assert len(said) > 2


def test_what_is_hopeless_is_not_waited_for() -> None:
    said: list[str] = []
    begun = time.monotonic()
    repeated(rounds(samples.red()), patience(60, said, lambda: "a password was refused"), threading.Event())
    assert time.monotonic() - begun < 1
    assert said == ["round 1: NOT READY (network.relay-443: fail); a password was refused."]


def test_a_pause_is_interrupted_at_once() -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    begun = time.monotonic()
    report = repeated(rounds(samples.red()), replace(patience(600)), stop)
    assert time.monotonic() - begun < 5
    assert report.run.interrupted
    assert report.exit_code() == 130


def test_an_interrupted_round_is_the_last() -> None:
    report = repeated(rounds(samples.undetermined()), patience(60), threading.Event())
    assert report.run.interrupted
