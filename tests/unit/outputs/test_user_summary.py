"""The audit and one user on a terminal: aligned, whole, and safe whatever the names are."""

from __future__ import annotations

import io
import re
import time
from collections import Counter

import pytest
from crowds import BASE, EVERYTHING, judge, user
from hypothesis import given
from hypothesis import strategies as st

from preflight.audit_report import Audit, DomainAudit
from preflight.directory.access.causes import Cause
from preflight.directory.access.decider import Right
from preflight.directory.access.rights import Answer
from preflight.directory.access.security_descriptor import Ace
from preflight.directory.users.blocked import CauseGroup
from preflight.directory.users.right_line import RightLine
from preflight.directory.users.scope import Standing
from preflight.outputs import Appearance
from preflight.outputs.audit_progress import REFRESH, AuditProgress
from preflight.outputs.text import cell_width
from preflight.outputs.user import render as render_user
from preflight.outputs.user_summary import MOST_CONTAINERS, fitted, render, short_name, without_entries
from preflight.user_facts import UserReport

HOSTILE = "OU=\x1b[2J\u202eevil\nVerdict\nALL OK,DC=corp"
WIDE = f"OU=東京本社営業部第一課 法人営業グループ 長い名前の組織単位,{BASE}"


def domain(by_container=None, *, blocked=(), untold=(), obstacle="", **changes) -> DomainAudit:
    containers = by_container if by_container is not None else {f"OU=People,{BASE}": {"ok": 3}}
    outcomes: Counter[str] = Counter()
    for counts in containers.values():
        outcomes.update(counts)
    facts = {
        "domain": "corp.contoso.test",
        "origin": "dc1:636 as reader",
        "seen": outcomes.total(),
        "outcomes": dict(outcomes),
        "by_container": containers,
        "blocked": tuple(blocked),
        "untold": tuple(untold),
        "obstacle": obstacle,
        "remedy": "",
        "token": "",
        **changes,
    }
    return DomainAudit(**facts)


def group(right=Right.RESET_PASSWORD, count=60, detail="No entry grants it.", ace=None, examples=("CN=a", "CN=b")):
    return CauseGroup(
        right, Answer.DENIED, Cause("ace-missing", "", detail, ace), Counter({"OU=x": count}), [*examples]
    )


def shown(*domains: DomainAudit, width=80, ascii_only=False, interrupted=False) -> str:
    return render(Audit(domains, interrupted), Appearance(width=width, ascii_only=ascii_only))


def table_lines(text: str) -> list[str]:
    lines = text.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("  container "))
    end = next(at for at in range(start, len(lines)) if not lines[at])
    return lines[start:end]


@pytest.mark.parametrize("width", [80, 120, 160])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_table_is_aligned_at_every_width(width, ascii_only):
    containers = {f"OU=Site {number},{BASE}": {"ok": 10**number} for number in range(7)}
    containers |= {
        WIDE: {"blocked": 1},
        HOSTILE: {"unknown": 12345},
        f"OU={'x' * 300},{BASE}": {"ok": 1},
        BASE: {"ok": 1},
    }
    lines = table_lines(shown(domain(containers), width=width, ascii_only=ascii_only))
    assert len({cell_width(line) for line in lines}) == 1
    assert cell_width(lines[0]) <= width


def test_blocked_and_unknown_containers_come_first_and_the_rest_is_summed_up():
    containers = {f"OU=Fine {number:03},{BASE}": {"ok": 2} for number in range(100)}
    containers |= {f"OU=Zulu,{BASE}": {"blocked": 5, "ok": 1}, f"OU=Yankee,{BASE}": {"unknown": 1}}
    lines = table_lines(shown(domain(containers)))
    assert [line.split()[0] for line in lines[2:4]] == ["OU=Zulu", "OU=Yankee"]
    assert "(82 more)" in lines[-3]
    assert lines[-1].split() == ["102", "containers", "201", "5", "·", "1", "·"]


def test_every_container_in_trouble_is_shown_up_to_a_number():
    containers = {f"OU=Bad {number:03},{BASE}": {"blocked": 1} for number in range(60)}
    lines = table_lines(shown(domain(containers)))
    assert len([line for line in lines if "OU=Bad" in line]) == MOST_CONTAINERS
    assert "(20 more)" in lines[-3]


def test_nothing_that_a_name_holds_reaches_the_terminal():
    text = shown(
        domain(
            {HOSTILE: {"blocked": 1}},
            blocked=[group(detail=f"x {HOSTILE}", examples=[HOSTILE])],
            obstacle=HOSTILE,
            remedy=HOSTILE,
            origin=HOSTILE,
            domain=HOSTILE,
        )
    )
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not re.search(r"^ALL OK", text, re.MULTILINE)


def test_one_cause_of_several_rights_is_told_once():
    reset, unlock = (
        group(right, detail=f"{entry} stands on {BASE}, but inheritance is switched off on OU=x.")
        for right, entry in (
            (Right.RESET_PASSWORD, "(OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;;S-1-5-21-1-2-3-1105)"),
            (Right.WRITE_LOCKOUT_TIME, "(OA;CIIO;WP;28630ebf-41d5-11d1-a9c1-0000f80367c1;;S-1-5-21-1-2-3-1105)"),
        )
    )
    text = shown(domain({"OU=x": {"blocked": 60}}, blocked=[reset, unlock]), width=120)
    assert text.count("inheritance is switched off") == 1
    assert "60 users  ace-missing: reset password, write lockout time" in text
    assert "The entry stands on" in text


def test_an_entry_that_denies_is_shown_to_its_last_letter():
    ace = Ace(type=1, flags=0, mask=0x100, sid="S-1-1-0", object_type=None, inherited_object_type=None)
    text = shown(domain({"OU=x": {"blocked": 60}}, blocked=[group(detail=f"{ace.sddl} denies it.", ace=ace)]))
    assert "The entry denies it." in text
    assert f"entry  {ace.sddl}" in text


@pytest.mark.parametrize(
    ("audit", "words", "next_step"),
    [
        (Audit((domain(),)), "ALL OK  3 of 3 users in scope", "Nothing to mend"),
        (Audit((domain({"OU=x": {"ok": 2, "blocked": 1}}),)), "BLOCKED  2 of 3", "fix-plan"),
        (Audit((domain(obstacle="gone"),)), "COULD NOT TELL  3 of 3", "then run again"),
        (Audit((domain({}),)), "COULD NOT TELL  no user in scope was seen", "then run again"),
        (Audit((domain(obstacle="interrupted"),), True), "INTERRUPTED  3 of 3", "see everybody"),
        (Audit((), True), "INTERRUPTED  no user in scope was seen", "see everybody"),
    ],
)
def test_the_verdict_and_the_next_step(audit, words, next_step):
    text = " ".join(render(audit, Appearance(width=120)).split(" ")).strip()
    assert words in text
    assert next_step in text.splitlines()[-1]
    assert ("not everybody was seen" in text) == bool(audit.domains and audit.domains[0].obstacle)


def test_protected_users_are_no_reason_for_alarm_and_left_out_ones_are_counted():
    outcomes = {"ok": 1, "unsupported": 2, "out_of_scope": 4, "excluded": 1}
    text = " ".join(shown(domain({"OU=x": {"ok": 1, "unsupported": 2}}, outcomes=outcomes)).split())
    assert "2 protected (unsupported)" in text
    assert "4 never synchronised by Entra Connect, 1 excluded by the configuration" in text


names = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=60)


@given(names, st.integers(8, 60), st.booleans())
def test_a_name_is_fitted_to_exactly_so_many_columns(name, room, ascii_only):
    from preflight.outputs.text import printable

    assert cell_width(fitted(printable(name), room, ascii_only)) == room


@pytest.mark.parametrize(
    ("dn", "short"),
    [
        (f"OU=x,OU=y,{BASE}", "OU=x,OU=y"),
        (BASE, BASE),
        ("OU=a\\,DC=b,DC=corp", "OU=a\\,DC=b"),
        ("CN=Users,dc=corp,dc=test", "CN=Users"),
        ("", ""),
    ],
)
def test_short_names(dn, short):
    assert short_name(dn) == short


@given(st.text(max_size=80))
def test_a_reason_without_an_entry_stays_as_it_is(text):
    if "(" not in text and not text.startswith("the entry"):
        assert without_entries(text) == text


def test_one_user_is_shown_with_the_rights_in_the_way_or_all():
    judging = judge()
    judgement = judging(user(1, EVERYTHING, sAMAccountName="\x1b[31mann"))
    lines = tuple(
        RightLine(right, "the connector account", BASE, decision, "reason", "(A;;CR;;;WD) on DC=x")
        for right, decision in judgement.rights.items()
    )
    report = UserReport("corp", "dc1", "MSOL_1", judging.row(judgement), Standing.IN_SCOPE, "", lines)
    short, full = (render_user(report, Appearance(width=80), rights=each) for each in (False, True))
    assert "Rights" not in full.splitlines()[0]
    assert len(full) > len(short)
    assert full.count("by (A;;CR;;;WD)") == len(lines)
    assert "\x1b" not in full
    assert report.exit_code == 0


# While it runs


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_the_live_table_fits_and_is_gone_at_the_end():
    stream = Terminal()
    judging = judge()
    with AuditProgress(stream, {"COLUMNS": "80", "TERM": "xterm"}) as progress:
        progress.expect("corp.contoso.test", 2_000)
        for number in range(1_000):
            progress.judged(judging(user(number, dn=f"CN=x,{WIDE}" if number % 2 else "")))
        progress.read("corp.contoso.test", 1_000)
        time.sleep(REFRESH)
        progress.read("corp.contoso.test", 1_500)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "connecting" in plain
    assert "1,000 of 2,000 users" in plain
    assert re.search(r"1,500 of 2,000 users, [\d,]+/s, \d+ s left", plain)
    assert all(cell_width(line) <= 80 for line in re.split(r"[\r\n]", plain))
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")  # the cursor is back
