"""What an earlier run found is never shown as if this one had: whoever reads it is told when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from unit.outputs import samples

from preflight.api import Status
from preflight.outputs import FORMATS, PLAIN

THEN = datetime(2026, 11, 22, 3, 12, tzinfo=UTC)
SAID = "as of 2026-11-22 03:12:00 UTC"


@pytest.mark.parametrize("format", ["human", "html", "markdown", "junit", "nagios", "checkmk"])
def test_whatever_is_bad_since_an_earlier_run_says_when_that_was(format):
    report = samples.red()
    failed = next(result for result in report.results if result.status is Status.FAIL)
    assert SAID not in FORMATS[format](replace(report, results=(failed,)), PLAIN)
    assert SAID in FORMATS[format](replace(report, results=(replace(failed, as_of=THEN),)), PLAIN)


@pytest.mark.parametrize("format", ["human", "html", "markdown", "nagios", "checkmk"])
def test_the_verdict_says_so_of_the_users_even_where_all_is_well(format):
    report = samples.green()
    carried = tuple(replace(result, as_of=THEN) for result in report.results[-2:])
    shown = FORMATS[format](replace(report, results=(*report.results[:-2], *carried)), PLAIN)
    assert f"users {SAID}" in shown.replace("`", "")


@pytest.mark.parametrize("format", ["human", "html"])
def test_a_pass_that_is_shown_at_all_says_so_too(format):
    report = samples.green()
    carried = tuple(replace(result, as_of=THEN) for result in report.results)
    shown = " ".join(FORMATS[format](replace(report, results=carried), PLAIN).split())
    assert shown.count(SAID) == len(carried) + 1  # and beside the verdict
