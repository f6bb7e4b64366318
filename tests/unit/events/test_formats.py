"""One story, told in every form that Windows exports: each reader finds the same events in it."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import event_logs
import pytest
from event_logs import FIXTURES, Written
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.events import Event, LogFacts, UnreadableLog, events_in, read_events

STORY = event_logs.two_days()
OURS = [event for event in STORY if event.source != "MSExchange Common"]
NEWEST_FIRST = {"powershell5.csv", "german.csv", "viewer.csv", "powershell5.json", "powershell7.json", "clixml.xml"}
WHOLE_SECONDS = {"powershell5.csv", "german.csv", "viewer.csv"}


@pytest.fixture
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's zone, which times without one are read in."""
    if not hasattr(time, "tzset"):
        pytest.skip("Windows has no TZ")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def read(content: bytes) -> tuple[list[Event], LogFacts]:
    facts = LogFacts("test")
    return list(events_in(io.BytesIO(content), facts)), facts


def told(events: Sequence[Event]) -> list[tuple[str, int, str]]:
    return [(event.source, event.event_id, event.message.replace("\r\n", "\n")) for event in events]


def wanted(events: Sequence[Written]) -> list[tuple[str, int, str]]:
    return [(event.source, event.event_id, event.message.replace("\r\n", "\n").strip()) for event in events]


@pytest.mark.usefixtures("in_utc")
@pytest.mark.parametrize("name", sorted(event_logs.fixtures()))
def test_a_fixture_tells_the_whole_story(name: str) -> None:
    reading = read_events([FIXTURES / name])
    events = list(reading)
    if name in NEWEST_FIRST:
        events.reverse()
    if name == "list.txt":  # Format-List indents what follows a message's first line
        assert [each[:2] for each in told(events)] == [each[:2] for each in wanted(OURS)]
    else:
        assert told(events) == wanted(OURS)
    [facts] = reading.logs
    assert (facts.seen, facts.kept, facts.damaged, facts.untimed) == (len(STORY), len(OURS), 0, 0)
    assert facts.position == facts.size == (FIXTURES / name).stat().st_size
    slack = timedelta(seconds=1 if name in WHOLE_SECONDS else 0)
    for event, written in zip(events, OURS, strict=True):
        assert event.time is not None
        assert written.time - slack <= event.time <= written.time
    assert facts.first is not None and facts.last is not None
    assert STORY[0].time - slack <= facts.first and facts.last <= STORY[-1].time
    if name != "list.txt":
        assert all(event.record_id is not None or name in ("viewer.csv", "wevtutil.txt") for event in events)
        assert {event.computer for event in events} == ({""} if name == "viewer.csv" else {event_logs.SERVER})


@pytest.mark.usefixtures("in_utc")
@pytest.mark.parametrize("name", sorted(event_logs.fixtures()))
def test_a_fixture_is_what_the_script_makes_of_it(name: str) -> None:
    assert (FIXTURES / name).read_bytes() == event_logs.fixtures()[name]


FORMS = {
    "xml": lambda events: event_logs.as_xml(events).encode(),
    "rendered xml": lambda events: event_logs.as_xml(events, rendered=True).encode("utf-16"),
    "xml with a root": lambda events: event_logs.as_xml(events, root=True, quote='"').encode("utf-8-sig"),
    "evtx": event_logs.as_evtx,
    "csv": lambda events: event_logs.as_csv(events).encode(),
    "csv with semicolons": lambda events: event_logs.as_csv(events, separator=";", typed=False).encode("utf-16"),
    "csv of the viewer": lambda events: event_logs.as_viewer_csv(events).encode(),
    "json of PowerShell 5": lambda events: event_logs.as_json(events, powershell=5).encode("utf-16"),
    "json of PowerShell 7": lambda events: event_logs.as_json(events).encode(),
    "clixml": lambda events: event_logs.as_clixml(events).encode("utf-16"),
}

_LETTERS = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff\ufeff\u2028\u2029\x85")
MESSAGES = st.text(st.one_of(_LETTERS, st.sampled_from("<>&'\"]},;{}[]\\#\n")), min_size=1, max_size=120).map(
    lambda text: "TrackingId: " + text.replace("\n", "\r\n").strip()
)
EVENTS = st.lists(
    st.builds(
        Written,
        time=st.datetimes(datetime(2018, 1, 1), datetime(2030, 1, 1)).map(lambda time: time.replace(tzinfo=UTC)),
        source=st.sampled_from((event_logs.SERVICE, event_logs.SYNC)),
        event_id=st.integers(1, 65535),
        message=MESSAGES,
        record_id=st.integers(1, 1 << 40),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=60, deadline=None)
@given(events=EVENTS)
def test_whatever_a_message_holds_comes_back_as_it_was(form: str, events: list[Written]) -> None:
    found, facts = read(FORMS[form](events))
    assert facts.damaged == 0
    assert sorted(told(found)) == sorted(wanted(events))
    if not form.startswith("csv"):
        assert sorted(event.time or datetime.min for event in found) == sorted(
            event.time.replace(microsecond=event.time.microsecond // 1000 * 1000) if form.endswith("5") else event.time
            for event in events
        )


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_spoiled_log_never_breaks_the_reader(form: str, data: st.DataObject) -> None:
    content = bytearray(FORMS[form](OURS[:12]))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(64, len(content) - 1))
        content[at : at + data.draw(st.integers(1, 40))] = data.draw(st.binary(max_size=40))
    content = content[: data.draw(st.integers(100, len(content)))]
    events, facts = read(bytes(content))
    assert len(events) == facts.kept
    assert all(0 <= event.event_id <= 0xFFFF for event in events)


@pytest.mark.parametrize("form", FORMS)
def test_a_log_that_breaks_off_says_so(form: str) -> None:
    content = FORMS[form](OURS)
    events, facts = read(content[: len(content) * 2 // 3])
    assert 0 < len(events) < len(OURS)
    if not form.startswith("csv"):  # of a row that breaks off nobody can know it
        assert facts.damaged or facts.damaged_chunks
        assert facts.damage


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2_000))
def test_junk_is_no_log(junk: bytes) -> None:
    try:
        events, _ = read(junk)
    except UnreadableLog:
        return
    assert all(event.event_id or event.message for event in events)


@given(st.text(st.sampled_from("<Event>/[]{}\"'\\,;:\n #TYPEIdMessageTrackingId0=-&!"), max_size=400))
@settings(max_examples=300, deadline=None)
def test_text_that_is_nearly_a_log_never_breaks_the_reader(text: str) -> None:
    for start in (
        "",
        "<",
        "[{",
        "{",
        "Id,Message\n",
        "Event[0]:\nEvent ID: 1\n",
        '<Objs xmlns="http://schemas.microsoft.com/powershell/2004/04">',
    ):
        try:
            read((start + text).encode())
        except UnreadableLog:
            continue


def test_messages_alone_are_events_without_time_and_mostly_without_number() -> None:
    events, facts = read(event_logs.as_messages(OURS).encode())
    tracked = [event for event in OURS if "TrackingId" in event.message]
    assert len(events) == len(tracked)
    assert facts.untimed == len(events)
    by_name = [(e.event_id, w.event_id) for e, w in zip(events, tracked, strict=True) if e.event_id]
    assert {31001, 31002, 31004, 31005, 31006, 31007, 31009, 31010} == {found for found, _ in by_name}
    assert all(found == really for found, really in by_name)


def test_what_windows_shows_where_the_source_is_not_installed() -> None:
    text = (
        "The description for Event ID 33008 from source PasswordResetService cannot be found. Either the component "
        "that raises this event is not installed on your local computer or the installation is corrupted.\n\n"
        "The following information was included with the event: \n\nTrackingId: "
        + OURS[-1].message.partition("TrackingId: ")[2]
    )
    [event], _ = read(text.encode())
    assert (event.source, event.event_id) == ("PasswordResetService", 33008)


def test_one_object_is_as_good_as_an_array() -> None:
    for powershell in (5, 7):
        [event], _ = read(event_logs.as_json(OURS[:1], powershell=powershell).encode())
        assert event.event_id == OURS[0].event_id
    wrapped = '{"value": ' + event_logs.as_json(OURS[:3]) + ', "Count": 3}'
    events, _ = read(wrapped.encode())
    assert len(events) == 3


def test_dates_of_a_file_show_how_the_others_are_meant() -> None:
    early = [Written(datetime(2026, 9, day, 12, tzinfo=UTC), "ADSync", 1, "x", record_id=day) for day in (3, 30)]
    british = event_logs.as_csv(early, write_time=lambda time: f"{time:%d/%m/%Y %H:%M:%S}")
    events, facts = read(british.encode())
    assert [event.time.day for event in events if event.time] == [30, 3]
    alone = event_logs.as_csv(early[:1], write_time=lambda time: f"{time:%d/%m/%Y %H:%M:%S}")
    [event], facts = read(alone.encode())
    assert event.time is None
    assert facts.untimed == 1


# Hostile logs


def test_entities_are_never_expanded() -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    bomb = laughs + event_logs.as_xml(OURS[:2]).replace("TrackingId", "&b;TrackingId", 1)
    events, facts = read(bomb.encode())
    assert len(events) == 1
    assert facts.damaged == 1
    clixml = event_logs.as_clixml(OURS[:2]).replace("<Objs", laughs.replace("DOCTYPE x", "DOCTYPE Objs") + "<Objs", 1)
    events, facts = read(clixml.encode())
    assert events == []
    assert "document type" in facts.damage[0]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<Event xmlns='x'>" + b"a" * 5_000_000, id="XML: one that never ends"),
        pytest.param(b"<Event >" + b"<a>" * 1_000_000, id="XML: deeply nested"),
        pytest.param(b"<Event >" + b"<a>" * 100_000 + b"PasswordResetService</Event>", id="XML: nested, and it ends"),
        pytest.param(b"<Event " * 600_000, id="XML: a start after the other"),
        pytest.param(b'[{"Id": ' + b"[" * 3_000_000, id="JSON: deeply nested"),
        pytest.param(b'{"Id":"' + b"x" * 3_000_000, id="JSON: a string that never ends"),
        pytest.param(b'{"Id":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="JSON: nested, and it ends"),
        pytest.param(b"{" * 3_000_000, id="JSON: braces"),
        pytest.param(b'"Id","Message"\n"' + b"x" * 5_000_000, id="CSV: a quotation mark that isn't closed"),
        pytest.param(b"Id,Message\n" + b"1," * 2_000_000, id="CSV: a row of columns"),
        pytest.param(b"Event ID: 1\nDescription: " + b"x" * 3_000_000, id="text: a line"),
        pytest.param(b"TrackingId: " * 300_000, id="text: one id after the other"),
        pytest.param(b"Event ID: 1\n" + b"Source: x\n" * 300_000, id="text: fields"),
        pytest.param(
            b'<Objs xmlns="http://schemas.microsoft.com/powershell/2004/04">' + b"<Obj>" * 1_000_000,
            id="CLIXML: nested",
        ),
        pytest.param(b"ElfFile\0" + b"\xff" * 3_000_000, id="evtx: nothing but ones"),
        pytest.param(b"ElfFile\0" + bytes(4088) + b"ElfChnk\0" * 30_000, id="evtx: magics"),
    ],
)
def test_a_hostile_log_costs_little_time(content: bytes) -> None:
    begun = time.perf_counter()
    try:
        events, _ = read(content)
    except UnreadableLog:
        events = []
    assert time.perf_counter() - begun < 10
    assert all(len(event.message) <= 1 << 20 for event in events)


# What can't be read at all


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04rest of it", "Unpack it"),
        (b"\x1f\x8b\x08rest", "Unpack it"),
        (b"\x30\0\0\0LfLe", "Convert it"),
        (b"no log " * 600_000, "holds no event"),
        (b"Dear all,\nit does not work.\n", "holds no event"),
    ],
)
def test_what_is_no_log_is_said_with_what_to_do(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "what.evtx"
    file.write_bytes(content)
    with pytest.raises(UnreadableLog, match=said) as caught:
        list(read_events([file]))
    assert str(file) in str(caught.value)


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLog, match="no such file"):
        list(read_events([tmp_path / "none.evtx"]))
    with pytest.raises(UnreadableLog, match="is a directory"):
        list(read_events([tmp_path]))


def test_several_logs_are_one_stream_and_told_apart(tmp_path: Path) -> None:
    seen: list[int] = []
    reading = read_events(
        [FIXTURES / "wevtutil.xml", FIXTURES / "powershell7.json"], lambda facts: seen.append(facts.position)
    )
    assert len(list(reading)) == 2 * len(OURS)
    assert [facts.format for facts in reading.logs] == ["XML", "JSON"]
    assert seen and max(seen) == max(facts.size for facts in reading.logs)
