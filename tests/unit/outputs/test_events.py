"""What logs say, on a terminal and as JSON: whole, aligned, and harmless whatever stands in the log."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import event_logs
import jsonschema
import pytest
from event_logs import FIXTURES, Log, Written
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.events import Digest, Event, LogFacts, digest, events_in, read_events
from preflight.events.advice import advice
from preflight.outputs import Appearance
from preflight.outputs.events import MOST_DAYS, render
from preflight.outputs.events_json import render as render_json
from preflight.outputs.events_json import schema
from preflight.outputs.text import cell_width

BEGIN = datetime(2026, 9, 1, 8, tzinfo=UTC)


def digested(events: Sequence[Written]) -> Digest:
    facts = LogFacts("application.xml")
    return digest(events_in(io.BytesIO(event_logs.as_xml(events).encode()), facts), [facts])


def shown(found: Digest, width: int = 80, ascii_only: bool = False) -> str:
    return render(found, Appearance(False, width, ascii_only))


def test_the_story_as_a_person_reads_it() -> None:
    text = shown(digested(event_logs.two_days()))
    for part in (
        "RUNNING",
        "last heartbeat 2026-09-29",
        "6 of 9 succeeded (67%), 3 failed; of 1 more",
        "33008 0x80230619",
        "bob@contoso.com",
        event_logs.RELAYS[0],
        "preflight explain 33008",
        "preflight user bob@contoso.com",
    ):
        assert part in text, text


@pytest.mark.parametrize("width", [80, 120, 160])
def test_lines_fit_and_ascii_is_ascii(width: int) -> None:
    found = digested(event_logs.two_days())
    for ascii_only in (False, True):
        text = shown(found, width, ascii_only)
        assert all(cell_width(line) <= width for line in text.splitlines())
    assert shown(found, width, True).isascii()


def test_colours_only_where_they_are_wanted() -> None:
    found = digested(event_logs.two_days())
    assert "\x1b[" in render(found, Appearance(True, 80, False))
    assert "\x1b" not in shown(found)


def test_many_days_and_users_are_summed_up() -> None:
    log = Log(BEGIN)
    for number in range(40):
        log.later(days=1).refused_reset(f"user{number}@contoso.com", str(number))
    text = shown(digested(log.events))
    assert f"{40 - MOST_DAYS} days earlier: 0 succeeded, {40 - MOST_DAYS} failed" in text
    assert "and 30 more users" in text


@pytest.mark.parametrize(
    ("state", "word", "said"),
    [
        ("stopped", "STOPPED", "Restart-Service ADSync"),
        ("unhealthy", "UNHEALTHY", "--only network"),
        ("noise", "SILENT", "No sign of life"),
    ],
)
def test_a_service_that_is_not_up_comes_first(state: str, word: str, said: str) -> None:
    log = Log(BEGIN)
    log.heartbeat()
    getattr(log.later(hours=2), state)()
    text = " ".join(shown(digested(log.events)).split())
    assert word in text
    assert said in text.partition("Do first 1.")[2].partition(" 2. ")[0]


def test_no_event_of_the_service_is_right_in_staging_mode() -> None:
    log = Log(BEGIN)
    log.noise()
    assert "staging mode" in " ".join(shown(digested(log.events)).split())


def test_a_version_that_has_stopped_working_comes_first_of_all() -> None:
    log = Log(BEGIN)
    log.heartbeat()
    log.engine_refused("0x80230626", "denied")
    old = [
        Written(each.time, each.source, each.event_id, each.message.replace("2.5.190.0", "2.1.20.0"))
        for each in log.events
    ]
    assert advice(digested(old))[0].startswith("Install the latest release of Entra Connect: 2.1.20.0")


def test_two_servers_that_both_listen_are_warned_of() -> None:
    one, other = Log(BEGIN, "SYNC01"), Log(BEGIN, "SYNC02")
    one.heartbeat()
    other.heartbeat()
    assert any("two active ones" in sentence for sentence in advice(digested(one.events + other.events)))


def test_damage_and_doubt_are_never_silent() -> None:
    facts = LogFacts(
        "a.evtx", "event log (.evtx)", damaged=3, damaged_chunks=2, damage=["here"], untimed=4, local_times=True
    )
    text = shown(digest([], [facts]))
    for part in ("2 damaged chunks of 64 KiB and 3 damaged events", "here", "4 events", "read as this machine's"):
        assert part in text


HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eevil\r\nVerdict\r\nREADY <script> `x` $(id)"


def test_what_stands_in_a_log_can_not_act_on_the_terminal_or_a_shell() -> None:
    log = Log(BEGIN, "SYNC\x1b[31m")
    log.refused_reset("$(reboot)`x`|y@contoso.com", "x", 33001)
    log.refused(HOSTILE, "y", 33001, HOSTILE)
    events = [
        Event(each.time, each.source, each.event_id, computer=each.computer, message=each.message)
        for each in log.events
    ]
    text = shown(digest(events, [LogFacts(f"{HOSTILE}.xml", "XML")]))
    assert "\x1b" not in text and "\u202e" not in text and "\x07" not in text
    assert not re.search(r"^(Verdict|READY)", text, re.MULTILINE)
    assert "preflight user $" not in text
    jsonschema.validate(json.loads(render_json(digest(events))), schema())


# JSON


@pytest.mark.parametrize("name", ["application.evtx", "german.csv", "list.txt"])
def test_the_document_holds_to_its_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    reading = read_events([FIXTURES / name])
    text = render_json(digest(reading, reading.logs))
    assert text.isascii()
    document = json.loads(text)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.validate(document, schema(), jsonschema.Draft202012Validator, format_checker=checker)
    assert document["service"]["state"] == "running"
    assert document["attempts"]["failed"] == 3
    assert document["causes"][0]["event_id"] == 33008


def test_an_empty_document_holds_to_its_schema_too() -> None:
    document = json.loads(render_json(digest([])))
    jsonschema.validate(document, schema())
    assert document["service"]["state"] == "absent"


EVENTS = st.builds(
    Event,
    time=st.none()
    | st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(lambda time: time.replace(tzinfo=UTC)),
    source=st.sampled_from(("PasswordResetService", "ADSync", "")),
    event_id=st.sampled_from((0, 31001, 31002, 31003, 31015, 31016, 31019, 31044, 33004, 33008, 6329, 32002)),
    computer=st.text(max_size=5),
    message=st.sampled_from("abc").map(lambda each: f"TrackingId: {event_logs.guid(each)}, hr=80230619") | st.text(),
    record_id=st.none() | st.integers(0, 3),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(EVENTS, max_size=12), st.none() | st.just(BEGIN + timedelta(days=1)))
def test_whatever_events_there_are_both_forms_can_show_them(events: list[Event], now: datetime | None) -> None:
    found = digest(events, now=now)
    jsonschema.validate(json.loads(render_json(found)), schema())
    text = shown(found, ascii_only=True)
    assert "Do first" in text
    assert found.succeeded + found.failed <= len(events)
