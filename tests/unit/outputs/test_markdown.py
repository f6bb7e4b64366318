"""Markdown, read back by a parser with everything on that trackers add: tables, bare links, HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from unit.outputs import samples
from unit.outputs.any_report import BREAKING_OUT, any_text, reports, words

from preflight.api import fail
from preflight.outputs.gist import VERDICTS
from preflight.outputs.markdown import MOST_LETTERS, render, text
from preflight.report import Report, UserSummary

PARSER = MarkdownIt("gfm-like", {"html": True, "linkify": True})
OURS = {
    "heading_open", "paragraph_open", "inline", "table_open", "thead_open", "tbody_open", "tr_open", "th_open",
    "td_open", "bullet_list_open", "list_item_open", "fence", "text", "code_inline", "strong_open", "softbreak",
}  # fmt: skip
"""What our Markdown is made of: no HTML, no link, no image, no emphasis, no quotation, no code by indentation."""


def tokens(markdown: str) -> Iterator[Token]:
    for token in PARSER.parse(markdown):
        yield token
        yield from token.children or ()


def kinds(markdown: str) -> set[str]:
    return {token.type for token in tokens(markdown) if not token.type.endswith("_close")}


def shown(markdown: str) -> str:
    """What a reader sees of the text in a paragraph."""
    return "".join(token.content for token in tokens(markdown) if token.type in ("text", "code_inline"))


def table(markdown: str) -> list[list[str]]:
    """The rows of the first table."""
    rows: list[list[str]] = []
    for token in PARSER.parse(markdown):
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows:
            rows[-1].append(shown(token.content))
    return rows


@pytest.mark.parametrize("name", samples.ALL)
def test_it_begins_with_the_verdict_and_the_next_step(name: str) -> None:
    report = samples.ALL[name]()
    markdown = render(report)
    assert markdown.startswith(f"# Password writeback: {VERDICTS[report.verdict]}\n")
    assert "\n**Next:** " in markdown
    assert kinds(markdown) <= OURS


def test_bad_checks_stand_in_a_table_the_worst_first() -> None:
    rows = table(render(samples.red()))
    assert [row[:3] for row in rows] == [
        ["status", "check", "where"],
        ["FAIL", "network.relay-443", samples.RELAY],
        ["FAIL", "permissions.reset-password", samples.DOMAIN],
        ["warn", "policy.minimum-age", samples.DOMAIN],
    ]
    assert table(render(samples.green())) == []


def test_commands_stand_whole_in_fences() -> None:
    fences = [token.content for token in tokens(render(samples.red())) if token.type == "fence"]
    sales = "OU=Sales,OU=People,DC=corp,DC=contoso,DC=com"
    assert f'dsacls "{sales}" /I:S /G "CORP\\MSOL_0123abcd:CA;Reset Password;user"\n' in fences
    assert f"Test-NetConnection {samples.RELAY} -Port 443\n" in fences


def test_a_waived_finding_is_told_with_its_reason() -> None:
    markdown = render(samples.watched())
    assert "- waived: until 2027-01-31 by anna: hosts a lab, gone by spring" in markdown
    assert "**Note:** the waiver of" in markdown


@pytest.mark.parametrize(
    ("plain", "markdown"),
    [
        ("128 users in OU=Sales,DC=contoso,DC=com: no ACE", "128 users in `OU=Sales,DC=contoso,DC=com`: no ACE"),
        ("as reader@corp.contoso.com.", "as `reader@corp.contoso.com`."),
        ("can't be changed (again) within 1 day; 4,812", "can't be changed (again) within 1 day; 4,812"),
        ("see #12, @admins and GH-12", "see `#12, @admins` and `GH-12`"),
        ("a | b", "a `¦` b"),
        ("<b>x</b>", "`<b>x</b>`"),
        ("x`y` z", "`x'y'` z"),
        ("dc.x (dc2.y:389): dc2.y is", "`dc.x (dc2.y:389)`: `dc2.y` is"),
        ("(before R2: hotfix KB12)", "(before `R2`: hotfix `KB12`)"),
        ("(GH-12 is bad)", "(`GH-12` is bad)"),
        ("", "-"),
        ("  ", "-"),
    ],
)
def test_only_plain_words_stand_in_the_open(plain: str, markdown: str) -> None:
    assert text(plain) == markdown


@given(words | st.lists(st.sampled_from(BREAKING_OUT), max_size=9).map("".join))
@settings(max_examples=500)
def test_any_text_stays_text(value: str) -> None:
    markdown = f"**x:** {text(value)}"
    assert kinds(markdown) <= {"paragraph_open", "inline", "text", "code_inline", "strong_open"}
    row = table(f"| a | b |\n|---|---|\n| {text(value)} | end |")[1]
    assert len(row) == 2
    assert row[1] == "end"


@given(any_text)
def test_what_stands_in_the_open_means_nothing_to_any_tracker(value: str) -> None:
    in_the_open = re.sub(r"`[^`]*`", "", text(value))
    assert not re.search(r"[`*_~#@<>\[\]|\\&$]|://|www\.|[A-Za-z]-\d|\w\.\w*[A-Za-z]", in_the_open)


@given(reports())
@settings(deadline=None, max_examples=150)
def test_no_report_breaks_out(report: Report) -> None:
    markdown = render(report)
    assert kinds(markdown) <= OURS
    assert len(markdown) < 65_536
    headings = [token for token in tokens(markdown) if token.type == "heading_open" and token.tag == "h1"]
    assert len(headings) == 1


def test_a_huge_report_fits_a_ticket_and_says_that_it_was_cut() -> None:
    finding = fail("bad", "x " * 2000, expected="e " * 900, observed="o " * 900, remedy=f'dsacls "{"y" * 3000}" /P:N')
    results = tuple(samples.result("a.b", f"target {n}", *[finding] * 20) for n in range(200))
    users = UserSummary("d", 9, True, {"blocked": 9}, ({"container": "c " * 900, "outcomes": {"blocked": 9}},) * 50)
    markdown = render(Report(samples.TOOL, samples.run(), results, (users,)))
    assert MOST_LETTERS / 2 < len(markdown) < 65_536
    assert "... and 150 more." in markdown
    assert "... and 40 more containers." in markdown
    assert re.search(r"\.\.\. and [\d,]+ more paragraphs: the JSON report has everything\.", markdown)
    assert kinds(markdown) <= OURS
