import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.outputs import samples
from unit.outputs.any_report import reports

from preflight.api import Severity, fail, unknown, warn
from preflight.outputs.human import MOST_FINDINGS, render
from preflight.outputs.text import cell_width
from preflight.report import Report

VERDICT = re.compile(r"^(READY|READY, WITH WARNINGS|UNDETERMINED|NOT READY)  ", re.MULTILINE)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def lines_after_verdict(text: str) -> list[str]:
    found = list(VERDICT.finditer(text))
    assert len(found) == 1
    return text[found[0].start() :].splitlines()


@pytest.mark.parametrize("name", samples.ALL)
@pytest.mark.parametrize("width", [80, 100, 160])
def test_it_ends_in_one_verdict_line_and_the_next_step(name, width):
    _, following, *_ = lines_after_verdict(render(samples.ALL[name](), width=width))
    assert following.startswith("next  ")


@pytest.mark.parametrize(
    ("sample", "verdict", "following"),
    [
        ("green", "READY  nothing stands in the way", "next  Nothing to mend."),
        ("red", "NOT READY  2 of 4 blockers failed; 5 of 17 checks; seen from WS12", "next  network.relay-443"),
        ("undetermined", "UNDETERMINED  4 of 5 blockers could not be judged; interrupted", "next  directory.bind"),
        ("empty", "UNDETERMINED  not enough was looked at; 0 of 17 checks", "next  Mend what the report says"),
    ],
)
def test_verdict_and_next_step(sample, verdict, following):
    lines = lines_after_verdict(render(samples.ALL[sample]()))
    assert lines[0].startswith(verdict)
    assert lines[1].startswith(following)


def test_the_next_step_is_the_first_failed_blocker_not_an_unknown_or_a_warning_before_it():
    facts = {"expected": "e", "observed": "o"}
    report = Report(
        samples.TOOL,
        samples.run(),
        (
            samples.result("a.advice", "", fail("x", "s", remedy="advice", **facts), severity=Severity.ADVISORY),
            samples.result("a.unknown", "", unknown("x", "s", remedy="unknown", **facts)),
            samples.result(
                "a.failed", "", warn("x", "s", remedy="warn", **facts), fail("x", "s", remedy="mend", **facts)
            ),
        ),
    )
    assert [line.strip() for line in lines_after_verdict(render(report))[1:]] == ["next  a.failed: s", "mend"]


@pytest.mark.parametrize("vantage", [False, None])
def test_a_machine_that_is_not_surely_the_sync_server_is_named_in_the_verdict_line(vantage):
    report = replace(samples.green(), run=samples.run(vantage=vantage, host="WS12"))
    assert lines_after_verdict(render(report))[0].endswith("seen from WS12")


def test_a_finding_says_what_was_expected_and_seen_and_what_to_do():
    text = render(samples.red(), width=80)
    for words in (
        "128 users in OU=Sales,OU=People,DC=corp,DC=contoso,DC=com: no ACE grants",
        "observed       no ACE for the account or a group of it",
        "code           ace-missing, leads to 33004, 31003",
        "nearest grant  DC=corp,DC=contoso,DC=com",
        "and 2 more",
        "128 blocked  in OU=Sales,OU=People,DC=corp,DC=contoso,DC=com",
    ):
        assert words in text


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_command_is_never_broken(width):
    text = render(samples.red(), width=width)
    sales = "OU=Sales,OU=People,DC=corp,DC=contoso,DC=com"
    commands = [
        f'dsacls "{sales}" /I:S /G "CORP\\MSOL_0123abcd:CA;Reset Password;user"',
        f"Test-NetConnection {samples.RELAY} -Port 443",
        "Set-ADDefaultDomainPasswordPolicy -Identity corp.contoso.com -MinPasswordAge 0",
        "Set-ADSyncPasswordWritebackPermissions -ADConnectorAccountName MSOL_0123abcd -ADConnectorAccountDomain "
        'corp.contoso.com -ADobjectDN "OU=Zürich Bahnhofstrasse,OU=Außendienst,OU=Vertrieb,OU=People,DC=corp,'
        'DC=contoso,DC=com"',
    ]
    lines = {line.strip().removeprefix("do").strip() for line in text.splitlines()}
    assert set(commands) <= lines


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_prose_keeps_to_the_width(width):
    too_wide = [
        line
        for name in ("green", "red")
        for line in render(samples.ALL[name](), width=width).splitlines()
        if cell_width(line) > width and not re.search(r"^\s*(do +)?(dsacls|[A-Z][a-z]+-[A-Z])", line)
    ]
    assert too_wide == []


def test_skips_name_their_root_cause():
    text = render(samples.undetermined())
    assert re.search(r"- skipped permissions\.write-lockout-time +because of directory\.bind, account\.connector", text)


def test_required_checks_are_marked():
    assert "signed in (run because it is required)" in render(samples.red())


def test_a_reading_that_broke_off_is_said():
    assert "not all of them: the reading broke off" in render(samples.undetermined())


def test_colour_only_adds_escape_sequences():
    for make in samples.ALL.values():
        plain, coloured = render(make(), width=90), render(make(), width=90, colour=True)
        assert "\x1b" not in plain
        assert ANSI.sub("", coloured) == plain
    assert "\x1b[1;31m" in render(samples.red(), colour=True)


def test_no_color_of_the_environment_is_decided_elsewhere(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    assert render(samples.red(), colour=True, width=120).count("\x1b[") > 20


def test_ascii_only_has_no_glyphs():
    assert render(samples.green(), ascii_only=True).isascii()


def test_many_findings_are_cut_and_counted():
    text = render(samples.hostile())
    assert f"... and {31 - MOST_FINDINGS} more: -o json=report.json has them all" in text


def test_rich_markup_is_text():
    text = render(samples.hostile(), colour=True)
    assert "OU=[bold red]x[/]" in text
    assert "[link=http://evil]x[/link]" in text
    assert ":smile:" in text


def test_a_line_end_in_a_name_makes_no_new_command_and_no_verdict():
    text = render(samples.hostile())
    assert r"\r\nREADY  nothing stands in the way" in text
    assert not re.search("^ *READY", text, re.MULTILINE)


@given(reports(), st.integers(60, 200), st.booleans())
@settings(deadline=None, max_examples=150)
def test_nothing_active_or_invisible_reaches_the_terminal(report, width, colour):
    text = ANSI.sub("", render(report, width=width, colour=colour)) if colour else render(report, width=width)
    assert {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} <= {"\n"}
    assert len(VERDICT.findall(text)) == 1
