"""Walking a path: what is looked at, in which order, where it stops, and what somebody at a terminal may choose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from unit.outputs import samples

from preflight.api import Finding, Status, fail, passed, unknown, warn
from preflight.diagnosis.model import Answer, Diagnosis, Instructions, Look, Path, Suspicion, look_at
from preflight.diagnosis.walk import Choice, Walk, walk_alone
from preflight.exit_codes import EXIT_NOT_READY, EXIT_READY, EXIT_UNDETERMINED

GOOD = passed("fine")
BAD = fail("bad", "it is bad", expected="good", observed="bad", remedy="mend it")
ODD = warn("odd", "it is odd", expected="even", observed="odd", remedy="look")
UNTOLD = unknown("untold", "can't tell", expected="an answer", observed="none", remedy="look again")
NOTHING = Finding(Status.NOT_APPLICABLE, "not-applicable", "nothing to look at")

CHECKED = Suspicion("It is broken", "the test", ("a.one", "a.two"))
BY_HAND = Suspicion("It needs a restart", "the test", (), Instructions(("restart it",)))


@pytest.mark.parametrize(
    ("one", "two", "answer", "decisive"),
    [
        (GOOD, GOOD, Answer.EXCLUDED, None),
        (GOOD, BAD, Answer.CONFIRMED, "a.two"),
        (ODD, BAD, Answer.CONFIRMED, "a.two"),
        (ODD, GOOD, Answer.POSSIBLE, "a.one"),
        (UNTOLD, ODD, Answer.POSSIBLE, "a.two"),
        (UNTOLD, GOOD, Answer.UNTOLD, "a.one"),
        (GOOD, NOTHING, Answer.EXCLUDED, None),
        (NOTHING, NOTHING, Answer.NOTHING, None),
    ],
)
def test_the_worst_result_decides(one: Finding, two: Finding, answer: Answer, decisive: str | None) -> None:
    look = look_at(CHECKED, [samples.result("a.one", "", one), samples.result("a.two", "", two)])
    assert look.answer is answer
    if decisive is not None:
        assert look.decisive is not None and look.decisive[0].check == decisive


def test_a_skip_leads_to_the_check_at_its_root() -> None:
    results = [samples.result("dc.reachable", "dc1", BAD), samples.skipped("a.one", "", "dc.reachable")]
    look = look_at(CHECKED, results)
    assert look.answer is Answer.CONFIRMED
    assert look.decisive is not None and look.decisive[0].check == "dc.reachable"


def test_a_failed_check_that_is_not_suspected_confirms_nothing() -> None:
    look = look_at(CHECKED, [samples.result("b.other", "", BAD), samples.result("a.one", "", GOOD)])
    assert look.answer is Answer.EXCLUDED


def test_without_a_result_it_is_not_told_never_excluded() -> None:
    assert look_at(CHECKED, []).answer is Answer.UNTOLD
    assert look_at(BY_HAND, []).answer is Answer.FOR_A_PERSON


def path_of(*answers: Answer) -> tuple[Path, dict[Suspicion, Look]]:
    looks = {
        Suspicion(f"suspicion {number}", "the test", (f"a.c{number}",)): answer for number, answer in enumerate(answers)
    }
    return Path("nothing", tuple(looks)), {suspicion: Look(suspicion, answer) for suspicion, answer in looks.items()}


def test_alone_it_stops_at_the_first_cause() -> None:
    path, looks = path_of(Answer.EXCLUDED, Answer.POSSIBLE, Answer.CONFIRMED, Answer.CONFIRMED)
    diagnosis = walk_alone(path, looks.__getitem__)
    assert [look.answer for look in diagnosis.looks] == [
        Answer.EXCLUDED, Answer.POSSIBLE, Answer.CONFIRMED, Answer.NOT_REACHED,
    ]  # fmt: skip
    assert diagnosis.cause is diagnosis.looks[2]
    assert diagnosis.exit_code == EXIT_NOT_READY


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ((Answer.EXCLUDED, Answer.NOTHING, Answer.FOR_A_PERSON), EXIT_READY),
        ((Answer.EXCLUDED, Answer.UNTOLD), EXIT_UNDETERMINED),
        ((Answer.FOR_A_PERSON,), EXIT_UNDETERMINED),
        ((), EXIT_UNDETERMINED),
        ((Answer.EXCLUDED, Answer.CONFIRMED), EXIT_NOT_READY),
    ],
)
def test_exit_codes(answers: Sequence[Answer], code: int) -> None:
    path, looks = path_of(*answers)
    assert walk_alone(path, looks.__getitem__).exit_code == code


class Scripted:
    """Somebody whose choices are known beforehand."""

    def __init__(self, *choices: Choice) -> None:
        self._choices: Iterator[Choice] = iter(choices)
        self.faced: list[int] = []
        self.seen: list[tuple[int, Answer]] = []

    def ask(self, question: str, choices: tuple[Choice, ...]) -> Choice:
        choice = next(self._choices, Choice.QUIT)
        assert choice in choices, question
        return choice

    def begins(self, diagnosis: Diagnosis) -> None:
        assert all(look.answer is Answer.NOT_REACHED for look in diagnosis.looks)

    def faces(self, diagnosis: Diagnosis, number: int) -> None:
        self.faced.append(number)

    def sees(self, diagnosis: Diagnosis, number: int) -> None:
        self.seen.append((number, diagnosis.looks[number].answer))


def test_after_the_admin_has_acted_it_is_tested_again_afresh() -> None:
    path, looks = path_of(Answer.CONFIRMED, Answer.EXCLUDED)
    renewed: list[bool] = []

    def renew() -> None:
        renewed.append(True)
        looks[path.suspicions[0]] = Look(path.suspicions[0], Answer.EXCLUDED)

    company = Scripted(Choice.ENTER, Choice.ENTER, Choice.ENTER)
    diagnosis = Walk(path, looks.__getitem__, renew, company).go()
    assert company.seen == [(0, Answer.CONFIRMED), (0, Answer.EXCLUDED), (1, Answer.EXCLUDED)]
    assert renewed == [True]
    assert diagnosis.cause is None and diagnosis.exit_code == EXIT_READY


def test_skip_back_and_quit() -> None:
    path, looks = path_of(Answer.EXCLUDED, Answer.EXCLUDED, Answer.EXCLUDED)
    company = Scripted(Choice.SKIP, Choice.BACK, Choice.ENTER, Choice.ENTER, Choice.QUIT)
    diagnosis = Walk(path, looks.__getitem__, lambda: None, company).go()
    assert company.faced == [0, 1, 0, 1, 2]
    assert [look.answer for look in diagnosis.looks] == [Answer.EXCLUDED, Answer.EXCLUDED, Answer.NOT_REACHED]
    assert diagnosis.exit_code == EXIT_UNDETERMINED


def test_back_at_the_start_stays_there() -> None:
    path, looks = path_of(Answer.EXCLUDED)
    company = Scripted(Choice.BACK, Choice.BACK, Choice.ENTER)
    Walk(path, looks.__getitem__, lambda: None, company).go()
    assert company.faced == [0, 0, 0]


def test_what_is_skipped_is_not_excluded() -> None:
    path, looks = path_of(Answer.EXCLUDED, Answer.EXCLUDED)
    diagnosis = Walk(path, looks.__getitem__, lambda: None, Scripted(Choice.ENTER, Choice.SKIP)).go()
    assert diagnosis.exit_code == EXIT_UNDETERMINED


@pytest.mark.parametrize(("said", "answer"), [(Choice.YES, Answer.CONFIRMED), (Choice.ENTER, Answer.FOR_A_PERSON)])
def test_a_person_says_whether_that_was_it(said: Choice, answer: Answer) -> None:
    path = Path("nothing", (BY_HAND,))
    company = Scripted(Choice.ENTER, said)
    diagnosis = Walk(path, lambda suspicion: look_at(suspicion, []), lambda: None, company).go()
    assert diagnosis.looks[0].answer is answer


def test_a_cause_that_stays_can_be_left_behind() -> None:
    path, looks = path_of(Answer.CONFIRMED, Answer.EXCLUDED)
    company = Scripted(Choice.ENTER, Choice.SKIP, Choice.ENTER)
    diagnosis = Walk(path, looks.__getitem__, lambda: None, company).go()
    assert [look.answer for look in diagnosis.looks] == [Answer.CONFIRMED, Answer.EXCLUDED]
    assert diagnosis.exit_code == EXIT_NOT_READY
