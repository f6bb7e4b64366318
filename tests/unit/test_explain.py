"""`preflight explain`: offline, complete, and never a guess."""

from __future__ import annotations

import pytest

from preflight.api import COMMON_CODES, Severity
from preflight.cli import call
from preflight.cli.knowing import explain
from preflight.cli.performing import installed_checks
from preflight.cli.problem import Problem

REGISTRY = installed_checks()
CODES = sorted({code for check in REGISTRY.checks.values() for code in check.codes} | set(COMMON_CODES))


@pytest.mark.parametrize("id", REGISTRY.checks)
def test_a_check_says_what_why_how_and_shows_a_sample(id: str) -> None:
    check = REGISTRY.checks[id]
    text = explain([id], REGISTRY, "human")

    assert text.startswith(f"{id}: {check.title}\n")
    assert "To mend: " in " ".join(text.split())
    assert all(code in text for code in (*check.codes, *check.requires, *check.event_codes))
    assert ("A sample, from `preflight demo`" in text) == ("preflight" in check.tags)
    assert "\n\n\n" not in text
    if check.severity is Severity.BLOCKER:
        assert "blocker: where it fails, writeback does not work" in text
        assert check.explanation.count("\n\n") >= 2, "what it looks at, why it matters, how to mend"


@pytest.mark.parametrize("code", CODES)
def test_every_finding_code_is_explained(code: str) -> None:
    text = explain([code], REGISTRY, "human")
    meanings = {check.codes[code] for check in REGISTRY.checks.values() if code in check.codes}

    assert text.startswith(f"{code}: ")
    assert all(text.count(f"{code}: {meaning}\n") == 1 for meaning in meanings)
    assert all(id in text for id, check in REGISTRY.checks.items() if code in check.codes)
    assert text.endswith("\n")
    assert "\n\n\n" not in text


def test_the_sample_is_the_worst_finding() -> None:
    text = explain(["dc.policy-hints"], REGISTRY, "human")

    assert "(dc2.corp.contoso.com:389)" in text
    assert "fail: dc2.corp.contoso.com does not know the policy-hints control" in text


def test_a_command_stays_whole_on_its_line() -> None:
    lines = explain(["inheritance-off"], REGISTRY, "human").splitlines()

    assert '    dsacls "OU=Contractors,OU=Employees,DC=corp,DC=contoso,DC=com" /P:N' in lines


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("dc.policy-hint", "dc.policy-hints"),
        ("reset-password", "permissions.reset-password"),
        ("resetpassword", "permissions.reset-password"),
        ("Anchors.Unique", "anchors.unique"),
        ("ace-denyed", "ace-denied"),
        ("times-out", "timed-out"),
        ("33014", "33004"),
    ],
)
def test_what_is_not_known_names_the_nearest(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Problem, match=f"Did you mean '{meant}'"):
        explain([typed], REGISTRY, "human")
    assert call(["explain", typed]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert meant in shown.err


def test_what_resembles_nothing_gets_no_guess(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["explain", "\x1b[31mqqq"]) == 2
    error = capsys.readouterr().err
    assert "Did you mean" not in error
    assert "\x1b" not in error


@pytest.mark.parametrize("code", ["0x80070005", "99999", "1234"])
def test_a_code_that_is_unlike_all_is_no_other_code(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["explain", code]) == 2
    assert "Did you mean" not in capsys.readouterr().err
