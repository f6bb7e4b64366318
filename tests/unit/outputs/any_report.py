"""Reports with anything in every field, for property tests."""

from datetime import UTC, date, datetime

from hypothesis import strategies as st
from unit.outputs import samples

from preflight.api import Finding, Severity, Status, Waiver, passed
from preflight.report import Report, Result, UserSummary, worst

BREAKING_OUT = [
    "\x1b[2J", "\u202e", "a\nREADY  x", "[/]", '"\n"', "a|b", "\\", "\\n", "`", "```\n", "```", "| |", "<script>",
    "<!--", "&lt;b&gt;", "![x](http://evil)", "[x](javascript:y)", "http://evil", "www.evil.com", "@admins", "#1", "**",
    "__", "]]>", "'", "=", "\udc80", "\x00", "\ufffe", "日本語", " ", "", "-", "1.", "~~~", "$(id)", "AB#12", "GH-12",
    "\r\n# x", ":x:",
]  # fmt: skip

any_text = st.text(st.characters(), max_size=60) | st.lists(st.sampled_from(BREAKING_OUT), max_size=6).map("".join)
words = st.lists(any_text | st.sampled_from(BREAKING_OUT), max_size=4).map(" ".join)


@st.composite
def findings(draw) -> Finding:
    return Finding(
        draw(st.sampled_from(list(Status))),
        *(draw(words) for _ in range(5)),
        evidence={draw(any_text): draw(st.recursive(any_text | st.none() | st.floats(), st.lists, max_leaves=5))},
        remedy=draw(words),
        event_codes=(draw(any_text),),
        waiver=draw(st.none() | st.builds(Waiver, any_text, any_text, st.just(date(2027, 1, 31)))),
    )


@st.composite
def results(draw) -> Result:
    """One that a check said, or one that was written by hand: its status need not be that of its findings."""
    found = draw(st.lists(findings() | any_text.map(passed), max_size=3))
    said = worst(finding.status for finding in found) if found else Status.UNKNOWN
    return Result(
        check=draw(st.sampled_from(["a.b", "dc.reachable", "network.relay-443"]) | any_text),
        target=draw(st.sampled_from(["", "dc1"]) | words),
        status=draw(st.just(said) | st.sampled_from(list(Status))),
        severity=draw(st.sampled_from(list(Severity))),
        title=draw(any_text),
        role=draw(st.sampled_from(["selected", "required"])),
        duration_s=draw(st.floats(0, 1e6)),
        blocked_by=tuple(draw(st.lists(any_text, max_size=2))),
        findings=tuple(found),
        host=draw(st.just("") | any_text),
    )


@st.composite
def users(draw) -> UserSummary:
    outcome = st.sampled_from(["ok", "blocked", "unknown"]) | any_text
    return UserSummary(
        draw(st.just(samples.DOMAIN) | any_text),
        draw(st.integers(0, 10**7)),
        draw(st.booleans()),
        draw(st.dictionaries(outcome, st.integers(0, 10**7), max_size=3)),
        ({"container": draw(words), "outcomes": {"blocked": 1, draw(any_text): 2}},),
        as_of=draw(st.none() | st.just(datetime(2026, 11, 1, tzinfo=UTC))),
    )


@st.composite
def reports(draw) -> Report:
    run = samples.run(
        id=draw(any_text),
        host=draw(any_text),
        profile=draw(any_text),
        duration_s=draw(st.floats(0, 1e6)),
        interrupted=draw(st.booleans()),
        vantage=draw(st.sampled_from([True, False, None])),
        sync_server=draw(any_text),
        sign_in=({"domain": draw(any_text), "origin": draw(any_text), "user": draw(any_text)},),
        undetermined_because=tuple(draw(st.lists(words, max_size=1))),
        notes=tuple(draw(st.lists(words, max_size=1))),
    )
    return Report(
        {"name": draw(any_text), "version": draw(any_text)},
        run,
        tuple(draw(st.lists(results(), max_size=3))),
        tuple(draw(st.lists(users(), max_size=2))),
    )
