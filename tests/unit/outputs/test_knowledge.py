"""What an admin reads of a code: complete, marked where it is inferred, in every width and alphabet."""

from __future__ import annotations

import json

import pytest

from preflight.knowledge import Entry, Procedure, catalogue, entries_for, entry, procedures_for, search
from preflight.outputs import PLAIN, Appearance
from preflight.outputs.knowledge import matches_to_json, render, render_matches, render_procedure, to_json
from preflight.outputs.text import cell_width

ENTRIES = catalogue().entries
NARROW = Appearance(width=80)


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_everything_is_said(entry: Entry) -> None:
    text = flat(render([entry], entry.id, NARROW))
    said = [entry.name, entry.meaning, *entry.verify, *entry.codes, *entry.leads_to, *entry.may_lead_to]
    said += [piece for cause in entry.causes for piece in (cause.text, cause.user, cause.manual, *cause.checks)]
    said += [piece for step in entry.steps for piece in (step.text, step.procedure)]
    assert all(flat(piece) in text for piece in said)
    marked = sum(cause.inferred for cause in entry.causes) + entry.inferred + bool(entry.may_lead_to)
    assert text.count("(inferred)") >= marked
    assert ("no source says so" in text) == (marked > 0)


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_lines_keep_to_the_width_and_to_ascii(entry: Entry, width: int) -> None:
    text = render([entry], entry.id, Appearance(width=width, ascii_only=True))
    assert text.isascii()
    assert "\x1b" not in text
    for line in text.splitlines():
        assert cell_width(line) <= width or " " not in line.strip()
        assert line == line.rstrip()
    assert "\n\n\n" not in text


def test_causes_are_numbered_in_their_order_with_their_checks() -> None:
    lines = render(entries_for("33004"), "33004", NARROW).splitlines()
    assert lines[0] == "33004 ADPermissionsError"
    assert lines[1] == "error · PasswordResetService events"
    first = lines.index("Likely causes, the likeliest first") + 1
    assert lines[first].startswith("   1. The connector account lacks Reset password")
    assert "      check  permissions.reset-password" in lines
    assert "leads to  SSPR_0029 OnPremisesAdminActionRequired" in lines


def test_what_shares_a_code_says_first_what_tells_it_apart() -> None:
    found = entries_for("6329")
    text = render(found, "6329", NARROW)
    head = flat(text.partition("─")[0])
    assert head.startswith("6329 may be one of 7 things, the likeliest first:")
    assert all(entry.apart in head for entry in found)
    places = [text.rindex(f"\n{entry.code} {entry.name}"[:60]) for entry in found]
    assert places == sorted(places)
    # The command beside each leads to that one alone.
    commands = [line.split("preflight explain ")[1] for line in text.splitlines() if "only this: " in line]
    assert [entries_for(command) for command in commands] == [(entry,) for entry in found]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_the_command_of_every_match_leads_to_it_alone(entry: Entry) -> None:
    [match] = [match for match in search(" ".join((entry.name, *entry.signs)), most=100) if match.entry is entry]
    [command] = [line for line in render_matches([match], NARROW).splitlines() if "see       " in line]
    assert entries_for(command.split("preflight explain ")[1]) == (entry,)


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.checks], ids=lambda entry: entry.id)
def test_the_walk_that_is_offered_is_about_this_entry_alone(entry: Entry) -> None:
    text = flat(render([entry], entry.id, NARROW))
    assert entries_for(text.partition("preflight diagnose --code ")[2].partition(" ")[0]) == (entry,)


def test_a_search_shows_the_ranking_and_the_best_in_full() -> None:
    matches = search("6329: Failed to acquire user information, ERROR_ACCESS_DENIED")
    text = flat(render_matches(matches, NARROW))
    assert text.startswith("Most likely first 1. 6329 Failed to acquire user information: ERROR_ACCESS_DENIED matched")
    assert "2. " in text
    assert "What to do 1. Run `preflight run --only permissions.sam-read`" in text


def test_colour_is_asked_for() -> None:
    assert "\x1b[" in render(entries_for("33004"), "33004", Appearance(colour=True))
    assert "\x1b[" not in render(entries_for("33004"), "33004", Appearance())


def test_what_was_typed_cannot_rewrite_the_screen() -> None:
    text = render(entries_for("6329"), "6329\x1b[2J\n", NARROW)
    assert "\x1b" not in text
    assert text.startswith(r"6329\x1b[2J\n may be one of 7 things")


@pytest.mark.parametrize("procedure", catalogue().procedures, ids=lambda procedure: procedure.id)
def test_a_procedure_is_spelled_out(procedure: Procedure) -> None:
    text = flat(render_procedure(procedure, NARROW))
    numbered = [f"{number}. {step}" for number, step in enumerate(procedure.steps, 1)]
    assert all(flat(piece) in text for piece in (procedure.name, procedure.when, *numbered, *procedure.verify))
    assert flat(procedure.warning) in text
    assert text.count("warning") >= bool(procedure.warning)


def test_json_holds_what_is_known() -> None:
    one = entry("ad-permissions")
    document = json.loads(to_json([one], procedures=catalogue().procedures))
    assert document["entries"][0]["codes"] == ["33004"]
    assert document["entries"][0]["causes"][0]["checks"] == ["permissions.reset-password"]
    assert document["entries"][0]["level"] == "error"
    assert [each["id"] for each in document["procedures"]] == [each.id for each in catalogue().procedures]
    matches = search("token provider")
    found = json.loads(matches_to_json(matches))["matches"]
    assert found[0]["entry"]["codes"] == ["32002"]
    assert [each["score"] for each in found] == [match.score for match in matches]


def test_a_search_shows_what_is_to_be_done_by_hand_first() -> None:
    text = render_matches(search("support code"), PLAIN, procedures_for("support code"))
    by_hand, _, ranking = text.partition("Most likely first")
    assert "preflight explain ask-support" in by_hand
    assert ranking
    assert "Most likely first" not in render_matches((), PLAIN, procedures_for("effective access"))
