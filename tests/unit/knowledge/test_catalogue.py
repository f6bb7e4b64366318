"""The catalogue is complete, and says what its sources say: every row of the page of 2017, and what came since."""

from __future__ import annotations

import json
import tomllib
from importlib import resources

import jsonschema
import pytest
from unit.knowledge.seed_rows import IN_NO_TABLE, NUMBERS, ROWS, SINCE, STEPS, Row

from preflight.api import Severity
from preflight.knowledge import Entry, KnowledgeError, Level, catalogue, entries_for, entry, procedure, reached_from
from preflight.knowledge.loading import FILES, PROCEDURES, read_entries, read_procedures
from preflight.knowledge.sources import spelled_out
from preflight.knowledge.spelling import squeezed
from preflight.registry import Registry

CHECKS = Registry.installed().checks
ENTRIES = catalogue().entries
PACKAGE = resources.files("preflight.knowledge")


def said_by(entry: Entry) -> str:
    """All that an entry says, with its procedures' names as they are linked."""
    causes = [text for cause in entry.causes for text in (cause.text, cause.manual, *cause.signs)]
    steps = [text for step in entry.steps for text in (step.text, step.procedure)]
    texts = [entry.name, entry.meaning, entry.apart, *entry.signs, *entry.aliases, *causes, *steps, *entry.verify]
    return " ".join(texts).casefold()


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.section < "I"], ids=lambda row: f"{row.section} {row.typed}"
)
def test_every_row_is_found_and_says_what_the_page_says(row: Row) -> None:
    found = entries_for(row.typed)
    assert row.entry in [entry.id for entry in found]
    of_row = entry(row.entry)
    text = said_by(of_row)
    assert all(piece.casefold() in text for piece in row.says), [p for p in row.says if p.casefold() not in text]
    assert any(reference.startswith(f"2017 {row.section}") for reference in of_row.reference)
    if row.name:
        assert of_row.name == row.name
        assert row.entry in [entry.id for entry in entries_for(row.name)]


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.section >= "I"], ids=lambda row: f"{row.section} {row.typed}"
)
def test_every_procedure_is_found_and_has_the_steps_of_the_page(row: Row) -> None:
    found = procedure(row.typed)
    assert found is not None
    assert found.id == row.entry
    text = " ".join((found.name, found.when, found.warning, *found.steps))
    assert all(piece in text for piece in row.says), [piece for piece in row.says if piece not in text]
    assert len(found.steps) == STEPS.get(found.id, len(found.steps))


def test_the_page_has_these_codes_and_no_others() -> None:
    events = {row.typed for row in ROWS if row.section == "H"}
    assert events == {
        *(str(code) for code in range(31001, 31019)),
        *(str(code) for code in range(32000, 32016) if code not in (32006, 32012)),
        *(str(code) for code in range(33001, 33010)),
    }
    assert len({row.entry for row in ROWS if row.section == "F"}) == 9


@pytest.mark.parametrize(("number", "name"), NUMBERS.items())
def test_a_users_error_is_found_by_its_number(number: int, name: str) -> None:
    assert [entry.name for entry in entries_for(number)] == [name]
    assert [entry.name for entry in entries_for(f"{name} = {number}")] == [name]


@pytest.mark.parametrize(("typed", "id"), SINCE.items())
def test_what_came_since_is_known(typed: str, id: str) -> None:
    assert [entry.id for entry in entries_for(typed)] == [id]


@pytest.mark.parametrize("code", IN_NO_TABLE)
def test_nothing_is_invented(code: str) -> None:
    assert not entries_for(code)


def test_only_two_predictions_of_what_the_user_sees_are_documented() -> None:
    documented = [
        (entry.code, code)
        for entry in ENTRIES
        for code in entry.leads_to
        if code.startswith("SSPR") and entry.code != "33004"
    ]
    assert not documented
    assert entry("ad-permissions").leads_to == ("SSPR_0029",)


# Each entry


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_an_error_says_why_what_to_do_and_what_to_verify(entry: Entry) -> None:
    if entry.level is not Level.INFORMATION:
        assert entry.causes
        assert entry.steps
        assert entry.verify
    assert all(cause.checks or cause.user or cause.manual for cause in entry.causes)
    assert spelled_out(entry.reference)
    assert all(entries_for(code) for code in (*entry.leads_to, *entry.may_lead_to))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_every_named_check_exists(entry: Entry) -> None:
    assert set(entry.checks) <= set(CHECKS)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_the_likeliest_cause_comes_first_and_none_twice(entry: Entry) -> None:
    texts = [cause.text for cause in entry.causes]
    assert len(texts) == len(set(texts))
    inferred = [cause.inferred for cause in entry.causes]
    assert inferred[0:1] != [True] or entry.inferred, "what no source says isn't the likeliest"


def test_entries_that_share_a_code_say_what_tells_them_apart() -> None:
    shared = {each for each in ENTRIES if any(len(entries_for(code)) > 1 for code in each.codes)}
    assert len(shared) > 5
    assert all(each.apart for each in shared)


def test_every_blocker_is_reached_from_some_code() -> None:
    unreached = [
        check.id
        for check in CHECKS.values()
        if check.severity is Severity.BLOCKER and not any(entry.codes for entry in reached_from(check.id))
    ]
    assert not unreached


@pytest.mark.parametrize("check", CHECKS)
def test_every_code_that_a_check_leads_to_is_known(check: str) -> None:
    assert all(entries_for(code) for code in CHECKS[check].event_codes)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_no_sign_repeats_a_code(entry: Entry) -> None:
    assert not {squeezed(sign).removeprefix("0x") for sign in entry.signs} & {
        squeezed(code).removeprefix("0x") for code in entry.codes
    }


def test_every_procedure_is_named_somewhere() -> None:
    named = {step.procedure for entry in ENTRIES for step in entry.steps}
    assert {each.id for each in catalogue().procedures} == named - {""}


def test_the_oldest_version_that_works_is_named_with_its_day() -> None:
    assert "2.5.79.0" in entry("version-too-old").meaning
    assert "2026-09-30" in entry("version-too-old").meaning


# The files


@pytest.mark.parametrize("file", [*FILES, PROCEDURES])
def test_every_file_keeps_the_schema(file: str) -> None:
    schema = json.loads(PACKAGE.joinpath("knowledge.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    document = tomllib.loads(PACKAGE.joinpath(file).read_text(encoding="utf-8"))
    assert [error.message for error in validator.iter_errors(document)] == []


def test_no_file_is_left_out() -> None:
    there = {file.name for file in PACKAGE.iterdir() if file.name.endswith(".toml")}
    assert there == {*FILES, PROCEDURES}


GOOD = """
source = "ADSync"
section = "Here"
level = "error"
reference = ["LAB"]
[[entry]]
id = "one"
codes = ["1234"]
name = "One"
meaning = "Something."
"""


def test_a_file_may_say_once_what_holds_for_all() -> None:
    [one] = read_entries("some.toml", GOOD + '[[entry.causes]]\ntext = "Why"\nchecks = ["dc.ports"]\n')
    assert (one.source, one.level, one.reference, one.checks) == ("ADSync", Level.ERROR, ("LAB",), ("dc.ports",))


@pytest.mark.parametrize(
    ("added", "complaint"),
    [
        ('colour = "red"', "unknown key 'colour'"),
        ('aliases = "one"', "aliases must be a list of texts"),
        ('aliases = [""]', "aliases must be a list of texts that aren't empty"),
        ("aliases = [1]", "aliases must be a list of texts"),
        ('apart = " "', "apart must be a text that isn't empty"),
        ("apart = 3", "apart must be a text"),
        ('inferred = "yes"', "inferred must be true or false"),
        ('level = "fatal"', "level is 'fatal', not one of error, warning, information"),
        ('causes = "none"', "causes must be a list"),
        ("causes = [1]", "a table is expected, not 1"),
        ("steps = [1]", "a table is expected, not 1"),
        ("steps = 1", "steps must be a list"),
        ('steps = [{ procedure = "x" }]', "text is missing"),
        ('[[entry.causes]]\nchecks = ["dc.ports"]', "cause number 1: text is missing"),
        ('[[entry.causes]]\ntext = "Why"\ncheck = "dc.ports"', "unknown key 'check'"),
        ('[[procedure]]\nid = "x"', "unknown key 'procedure'"),
        ('id = "two"', "some.toml: "),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_place(added: str, complaint: str) -> None:
    with pytest.raises(KnowledgeError, match=r"^some\.toml") as raised:
        list(read_entries("some.toml", GOOD + added + "\n"))
    assert complaint in str(raised.value)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(KnowledgeError, match=r"^some\.toml, one: meaning is missing$"):
        list(read_entries("some.toml", GOOD.replace('meaning = "Something."\n', "")))
    with pytest.raises(KnowledgeError, match=r"^some\.toml, x: name is missing$"):
        list(read_procedures("some.toml", '[[procedure]]\nid = "x"\n'))
