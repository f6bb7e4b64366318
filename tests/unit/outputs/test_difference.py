"""What changed, as people, tickets and programs get it."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace

import pytest
from unit.outputs import samples

from preflight.difference import Kind, compare
from preflight.outputs import PLAIN, Appearance
from preflight.outputs.difference import render, render_json, render_markdown

PAIRS = [(old, new) for old in samples.ALL for new in samples.ALL]


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_nothing_from_outside_reaches_the_terminal_as_it_is(old: str, new: str) -> None:
    difference = compare(samples.ALL[old](), samples.ALL[new]())
    for text in (render(difference, PLAIN), render_markdown(difference)):
        assert not [letter for letter in text if letter != "\n" and unicodedata.category(letter) in ("Cc", "Cf", "Cs")]
        assert "[bold red]" not in render(difference, Appearance(colour=True)) or "hostile" in (old, new)
    document = json.loads(render_json(difference))
    assert document["counts"] == {kind.value: len(difference.of(kind)) for kind in Kind} | {"good": difference.good}
    assert len(document["changes"]) == len(difference.changes)


def test_the_worst_comes_first_and_the_sum_last() -> None:
    red = samples.red()
    fixed = replace(red, results=(samples.green().results[1], *red.results[1:]))
    text = render(compare(fixed, red), PLAIN)
    assert text.index("New (1)") < text.index("Unchanged (3)")
    assert "network.relay-443" in text
    assert text.splitlines()[-1] == "1 new; 3 unchanged; 2 checks good before and now"


def test_what_a_finding_said_before_is_shown() -> None:
    more = samples.red()
    worse = replace(more.results[2].findings[0], summary="999 users in Sales")
    changed = replace(more.results[2], findings=(worse, *more.results[2].findings[1:]))
    new = replace(more, results=(*more.results[:2], changed, *more.results[3:]))
    text = render(compare(more, new), PLAIN)
    assert "999 users in Sales" in text
    assert "was: 128 users in" in text


def test_findings_of_one_check_are_told_apart_though_they_did_not_change() -> None:
    difference = compare(samples.red(), samples.red())
    text = " ".join(render(difference, PLAIN).split())
    assert len(difference.changes) == 4
    assert all(change.summary in text for change in difference.changes)


def test_nothing_changed_is_said() -> None:
    text = render(compare(samples.green(), samples.green()), PLAIN)
    assert text.splitlines()[-1] == "Nothing changed; 8 checks good before and now"
    broken = replace(samples.green(), run=samples.run(undetermined_because=("a check pack is broken",)))
    assert render(compare(samples.green(), broken), PLAIN).endswith("; the new report could tell less\n")
