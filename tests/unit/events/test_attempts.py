"""Starts with their ends, whatever the order; what can't be said of one attempt for certain isn't said of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from event_logs import SERVICE, Log, Written, guid
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.events import Event, attempts, parse_message
from preflight.events.attempts import Attempt, Attempts, telling

BEGIN = datetime(2026, 9, 30, 8, tzinfo=UTC)


def event_of(written: Written) -> Event:
    return Event(written.time, written.source, written.event_id, message=written.message, computer=written.computer)


def paired(events: Sequence[Written], pairing: Attempts | None = None) -> list[Attempt]:
    pairing = pairing or Attempts()
    found = []
    for event in map(event_of, events):
        found += pairing.add(event, parse_message(event.message))
    return sorted([*found, *pairing.rest()], key=lambda each: each.tracking_id)


def test_a_reset_from_start_to_success() -> None:
    log = Log(BEGIN)
    log.reset("alice@contoso.com", "a", seconds=2)
    [attempt] = paired(log.events)
    assert (attempt.kind, attempt.user, attempt.succeeded) == ("reset", "alice@contoso.com", True)
    assert attempt.duration == 2.0
    assert (attempt.cause, attempt.hresult) == (0, "")
    assert attempt.tracking_id == guid("a")
    assert attempt.source_anchor


def test_a_refused_reset_has_the_event_that_says_why() -> None:
    log = Log(BEGIN)
    log.refused_reset("bob@contoso.com", "b")
    for events in (log.events, log.events[::-1]):
        [attempt] = paired(events)
        assert (attempt.kind, attempt.succeeded, attempt.cause, attempt.hresult) == (
            "reset",
            False,
            33008,
            "0x80230619",
        )
        assert attempt.reason.startswith("Synchronization Engine returned an error")
        assert not attempt.by_time


def test_an_error_of_active_directory_without_an_end_is_a_failure() -> None:
    log = Log(BEGIN)
    log.refused_reset("bob@contoso.com", "b")
    [attempt] = paired([event for event in log.events if event.event_id != 31003])
    assert (attempt.succeeded, attempt.cause, attempt.kind) == (False, 33008, "reset")


def _denied(log: Log, user: str, request: str, *, names: bool = False, says: str = "0x80230626") -> None:
    """A refusal whose own event tells no code: only the sync engine's 6329 does."""
    log.begun(user, request)
    log.later(seconds=1).engine_refused(says, "denied", user if names else "")
    log.later(seconds=1).refused(user, request, 33004, "Access is denied.")


@pytest.mark.parametrize("backwards", [False, True])
def test_the_sync_engines_error_belongs_to_the_only_attempt_at_its_time(backwards: bool) -> None:
    log = Log(BEGIN)
    _denied(log, "bob@contoso.com", "b")
    log.later(minutes=1).reset("alice@contoso.com", "a")
    log.later(hours=1).reset("alice@contoso.com", "a2")
    pairing = Attempts()
    found = {each.tracking_id: each for each in paired(log.events[::-1] if backwards else log.events, pairing)}
    assert (found[guid("b")].hresult, found[guid("b")].by_time) == ("0x80230626", True)
    assert pairing.unattached == 0


def test_with_two_attempts_at_once_nobody_can_say_whose_it_is() -> None:
    log = Log(BEGIN)
    log.begun("alice@contoso.com", "a")
    _denied(log, "bob@contoso.com", "b")
    log.ended("alice@contoso.com", "a")
    pairing = Attempts()
    found = {each.tracking_id: each for each in paired(log.events, pairing)}
    assert found[guid("b")].hresult == ""
    assert pairing.unattached == 1


def test_unless_it_names_the_user() -> None:
    log = Log(BEGIN)
    log.begun("alice@contoso.com", "a")
    _denied(log, "bob@contoso.com", "b", names=True)
    log.refused("alice@contoso.com", "a", 33004, "Access is denied.")
    found = {each.tracking_id: each for each in paired(log.events)}
    assert found[guid("b")].hresult == "0x80230626"
    assert found[guid("a")].hresult == ""


def test_another_servers_error_is_not_taken() -> None:
    here, there = Log(BEGIN, "SYNC01"), Log(BEGIN, "SYNC02")
    here.begun("bob@contoso.com", "b")
    there.later(seconds=1).engine_refused("0x80230626", "denied")
    here.later(seconds=2).refused("bob@contoso.com", "b", 33004, "Access is denied.")
    pairing = Attempts()
    [attempt] = paired(sorted(here.events + there.events, key=lambda each: each.time), pairing)
    assert (attempt.hresult, pairing.unattached) == ("", 1)


def test_what_lacks_its_end_or_its_start_is_not_guessed() -> None:
    log = Log(BEGIN)
    log.begun("frank@contoso.com", "running")
    log.later(seconds=1).ended("gina@contoso.com", "begun before the log")
    running, headless = sorted(paired(log.events), key=lambda each: each.user)
    assert (running.succeeded, running.duration) == (None, None)
    assert (headless.succeeded, headless.started, headless.duration) == (True, None, None)


def test_a_start_without_a_tracking_id_can_not_be_paired() -> None:
    pairing = Attempts()
    start = Written(BEGIN, SERVICE, 31001, "PasswordResetRequestStart, Details: user1@contoso.com")
    assert paired([start], pairing) == []
    assert pairing.untracked == 1


def test_the_same_log_twice_is_told_once() -> None:
    log = Log(BEGIN)
    for number in range(5):
        log.later(hours=1).reset(f"user{number}@contoso.com", str(number))
    assert len(paired(log.events + log.events)) == 5


def test_memory_is_bounded_and_what_is_dropped_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(BEGIN)
    for number in range(300):
        log.later(seconds=1).begun("eve@contoso.com", str(number))
        log.engine_refused("0x80230626", "denied")
    pairing = Attempts()
    monkeypatch.setattr(attempts, "MOST_IN_FLIGHT", 50)
    monkeypatch.setattr(attempts, "MOST_LOOSE", 20)
    assert len(paired(log.events, pairing)) == 300
    assert pairing.given_up == 250
    assert pairing.unattached == 300


@pytest.mark.parametrize(
    ("codes", "one"),
    [
        ((), ""),
        (("0x80070002", "0x80230619", "0x80004005"), "0x80230619"),
        (("0x80070002", "0x800700ce"), "0x800700ce"),
    ],
)
def test_the_code_that_names_the_cause(codes: tuple[str, ...], one: str) -> None:
    assert telling(codes) == one


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_in_whatever_order_events_come_the_same_attempts_are_found(data: st.DataObject) -> None:
    """Within minutes in any order; over hours forwards or backwards."""
    waits = data.draw(st.sampled_from(((0.5, 3), (0.5, 3, 2_000))))
    log = Log(BEGIN)
    for number in range(data.draw(st.integers(1, 6))):
        log.later(seconds=data.draw(st.sampled_from(waits)))
        if data.draw(st.booleans()):
            log.reset(f"user{number}@contoso.com", str(number))
        else:
            log.refused_reset(f"user{number}@contoso.com", str(number))
    shuffled = data.draw(st.permutations(log.events)) if len(waits) == 2 else log.events[::-1]
    assert paired(shuffled) == paired(log.events)


def test_an_attempt_that_is_over_leaves_no_error_to_the_next() -> None:
    """Two at once, long ago: when the second is settled the first must not be forgotten."""
    log = Log(BEGIN)
    log.begun("alice@contoso.com", "a")
    log.later(seconds=1).begun("bob@contoso.com", "b")
    log.later(seconds=1).engine_refused("0x80230626", "denied")
    log.later(seconds=1).ended("alice@contoso.com", "a")
    log.later(minutes=10).refused("bob@contoso.com", "b", 33004, "Access is denied.")
    log.later(minutes=12).reset("carol@contoso.com", "c")  # by now only alice's is over
    log.later(hours=1).reset("carol@contoso.com", "c2")
    pairing = Attempts()
    found = {each.tracking_id: each for each in paired(log.events, pairing)}
    assert (found[guid("b")].hresult, pairing.unattached) == ("", 1)
