"""Logs in Windows' own form: damage is counted chunk by chunk, memory stays flat however large the file is."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from evtx_writer import CHUNK, HEADER, Entry, evtx, file_header
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.events import Event, LogFacts, UnreadableLog, events_in

NOON = datetime(2026, 9, 30, 12, tzinfo=UTC)
OURS = "PasswordResetService"


def entries(number: int) -> list[Entry]:
    """As many events, every fourth of which has to do with writeback."""
    return [
        Entry(
            NOON + timedelta(seconds=each),
            OURS if each % 4 == 0 else "Someone else",
            31019,
            [f"TrackingId: {each}, " + "some text " * 40],
        )
        for each in range(number)
    ]


def read(log: bytes) -> tuple[list[Event], LogFacts]:
    facts = LogFacts("application.evtx")
    return list(events_in(io.BytesIO(log), facts)), facts


def test_every_event_of_every_chunk_is_read() -> None:
    events, facts = read(evtx(entries(400), first_id=17))
    assert (facts.seen, facts.kept, facts.damaged, facts.damaged_chunks) == (400, 100, 0, 0)
    assert [event.record_id for event in events] == list(range(17, 417, 4))
    assert (facts.first, facts.last) == (NOON, NOON + timedelta(seconds=399))
    assert facts.position > 5 * CHUNK


def test_a_destroyed_chunk_costs_no_other_and_is_counted() -> None:
    log = bytearray(evtx(entries(400)))
    _, whole = read(bytes(log))
    log[HEADER + 2 * CHUNK : HEADER + 3 * CHUNK] = b"\xa5" * CHUNK
    events, facts = read(bytes(log))
    assert (facts.damaged_chunks, facts.damaged) == (1, 0)
    assert 0 < facts.kept < whole.kept
    assert "a chunk (64 KiB)" in facts.damage[0]
    assert events[-1].time == NOON + timedelta(seconds=396)


def test_a_record_that_is_spoiled_is_counted_and_the_others_are_read() -> None:
    log = bytearray(evtx(entries(400)))
    at = log.index(b"**\0\0", HEADER + CHUNK + 20_000) + 40
    log[at : at + 100] = b"\xff" * 100
    _, facts = read(bytes(log))
    assert (facts.seen, facts.damaged) == (399, 1)
    assert facts.damage and facts.damage[0].startswith("Failed to parse record")


def test_what_a_chunk_should_hold_and_does_not_is_counted_although_nobody_complains() -> None:
    """As in a log that was torn off while it was written: the rest of the chunk is zeros."""
    log = bytearray(evtx(entries(400)))
    middle = log.index(b"**\0\0", HEADER + CHUNK + 30_000)
    log[middle : HEADER + 2 * CHUNK] = bytes(HEADER + 2 * CHUNK - middle)
    _, facts = read(bytes(log))
    assert facts.seen + facts.damaged == 400
    assert facts.damaged > 10
    assert facts.damage


def test_room_that_windows_has_not_used_yet_is_no_damage() -> None:
    events, facts = read(evtx(entries(40)) + bytes(20 * CHUNK))
    assert len(events) == 10
    assert not facts.damaged_chunks and not facts.damage


def test_strings_are_joined_in_the_order_of_the_event() -> None:
    [event], _ = read(evtx([Entry(NOON, OURS, 1, ["first", "", "second"], names=["a", "b", "c"])]))
    assert event.message == "first\nsecond"


def test_a_refused_reset_in_the_log_of_a_controller() -> None:
    security = "Microsoft-Windows-Security-Auditing"
    log = evtx([Entry(NOON, security, number, ["MSOL_0a1b2c3d"]) for number in (4624, 4724)])
    events, facts = read(log)
    assert [event.event_id for event in events] == [4724]
    assert facts.seen == 2


def test_without_the_package_it_says_what_to_install_and_what_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "evtx", None)  # as find_spec sees a package that isn't there
    with pytest.raises(UnreadableLog) as caught:
        read(evtx(entries(1)))
    for part in ("application.evtx", "pip install evtx", "wevtutil qe", "/f:RenderedXml"):
        assert part in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_is_spoiled_nothing_is_lost_silently(data: st.DataObject) -> None:
    log = bytearray(evtx(entries(150)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(HEADER, len(log) - 1))
        log[at : at + 1] = data.draw(st.binary(min_size=1, max_size=1))
    _, facts = read(bytes(log))
    assert facts.seen + facts.damaged >= 150 or facts.damaged_chunks


MEASURE = """
import resource, sys
from preflight.events import read_events
reading = read_events([sys.argv[1]])
events = sum(1 for _ in reading)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB
print(events, reading.logs[0].seen, peak)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no resource module")
def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    log = evtx(entries(400))
    chunks = (len(log) - HEADER) // CHUNK
    peaks = []
    for times in (1, 1 + (200 << 20) // (chunks * CHUNK)):
        file = tmp_path / f"{times}.evtx"
        with file.open("wb") as stream:
            stream.write(file_header(min(chunks * times, 0xFFFF)))
            for _ in range(times):
                stream.write(log[HEADER:])
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(file)], capture_output=True, text=True, timeout=120, check=True
        )
        events, seen, peak = map(int, done.stdout.split())
        assert (events, seen) == (100 * times, 400 * times)
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 20 * 1024, peaks
