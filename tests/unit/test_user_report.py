"""One user's report: exit code, members of the JSON, what is shown, and two side by side."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from crowds import NOTHING, judge
from prospects import NOW, POLICY, filetime, here, person

from preflight.directory.prospect.walk import walk
from preflight.outputs import Appearance
from preflight.outputs.user import render, render_comparison
from preflight.outputs.user_json import to_dict
from preflight.user_comparison import differences
from preflight.user_facts import UserReport

AGED = replace(POLICY, minimum_age=timedelta(days=1))
HOSTILE = "\x1b[2Jevil\nRESET WORKS \u202e"


def report(someone=None, **changes) -> UserReport:
    circumstances = here(someone, **changes)
    judging = judge()
    return UserReport(
        domain="corp.contoso.test",
        origin=circumstances.origin,
        connector=circumstances.connector,
        row=judging.row(judging(circumstances.user)),
        standing=circumstances.standing,
        scope_note="",
        lines=circumstances.lines,
        steps=walk(circumstances),
        momentary=circumstances.momentary,
        traits={"container": "OU=x", "class": circumstances.user.object_class},
    )


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (report(), 0),
        (report(person(NOTHING)), 3),
        (report(policy=None), 4),
        (report(person(lockoutTime=133_000_000_000_000_000, msDS_User_Account_Control_Computed=0x10)), 0),
    ],
)
def test_the_reset_decides_the_exit_code(found, code):
    assert found.exit_code == code


def test_members_of_the_json():
    found = json.loads(json.dumps(to_dict(report(person(userAccountControl=514)))))
    before = {"dn", "outcome", "standing", "connector", "read_from", "rights"}
    assert before | {"state", "steps", "reset", "change"} <= set(found)
    assert set(found["state"]) == {"read_from", "note", "now", "clock"}
    assert found["state"]["now"] == "2026-06-01T12:00:00Z"
    assert set(found["reset"]) == {
        *("outlook", "step", "event_codes", "sspr", "basis", "remedy", "until", "warnings"),
    }
    assert found["reset"]["basis"] == "by specification"
    assert (found["reset"]["outlook"], found["reset"]["step"]) == ("blocked", "enabled")
    [step] = [step for step in found["steps"] if step["step"] == "enabled"]
    assert set(step) == {
        *("step", "answer", "reset", "change", "summary", "detail"),
        *("event_codes", "sspr", "basis", "remedy", "until"),
    }


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_nothing_that_a_name_holds_reaches_the_terminal(width, ascii_only):
    someone = person(NOTHING, sAMAccountName=HOSTILE, userPrincipalName=HOSTILE)
    found = replace(report(someone, origin=HOSTILE, domain=HOSTILE, connector=HOSTILE), connector=HOSTILE)
    text = render(found, Appearance(width=width, ascii_only=ascii_only), rights=True)
    text += render_comparison(differences(found, report()), (HOSTILE, "bob"), Appearance(width=width))
    assert not re.search("[\x1b\u202e]", text)
    assert not re.search("^RESET WORKS", text, re.MULTILINE)
    assert not ascii_only or render(found, Appearance(ascii_only=True), rights=True).isascii()


def test_a_blocked_reset_says_event_code_basis_and_what_to_do():
    text = render(report(person(userAccountControl=514)), Appearance(), rights=False)
    shown = text[text.index("RESET BLOCKED") :]
    for words in ("33005", "SSPR_0029 (inferred)", "the service", "Enable-ADAccount"):
        assert words in shown


def test_what_stands_in_the_way_of_both_is_told_once_with_who_refuses_which():
    young = report(person(pwdLastSet=filetime(NOW - timedelta(hours=1))), policy=AGED)
    text = " ".join(render(young, Appearance(), rights=False).split())
    reset, change = text[text.index("RESET BLOCKED") :].split("CHANGE BLOCKED")
    assert "policy hints" in reset and "passes by itself; until 2026-06-02 11:00 UTC" in reset
    assert change == " for the same reason, refused by Active Directory"


def test_two_for_whom_everything_is_alike_do_not_differ():
    found = differences(report(), report())
    assert found == ()
    assert "Nothing that is looked at differs" in render_comparison(found, ("ann", "bob"), Appearance())


def test_what_weighs_on_one_alone_comes_first():
    one = replace(report(person(NOTHING)), traits={"container": "OU=y", "class": "user"})
    found = differences(one, report())
    assert {"reset-password", "container"} <= {each.name for each in found}
    assert found[0].matters
    assert [each.matters for each in found] == sorted((each.matters for each in found), reverse=True)
    assert len({each.name for each in found}) == len(found)
