"""Walking a path to a cause: in one go, or with somebody at a terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from preflight.diagnosis.model import Answer, Diagnosis, Look, Path, Suspicion

Examine = Callable[[Suspicion], Look]
"""Looks at one suspicion."""


class Choice(StrEnum):
    """What somebody at a terminal wants next."""

    ENTER = "enter"
    YES = "yes"
    SKIP = "skip"
    BACK = "back"
    QUIT = "quit"


class Company(Protocol):
    """Somebody who walks along: a person at a terminal."""

    def ask(self, question: str, choices: tuple[Choice, ...]) -> Choice:
        """The choice; QUIT where nobody answers any more."""

    def begins(self, diagnosis: Diagnosis) -> None: ...

    def faces(self, diagnosis: Diagnosis, number: int) -> None:
        """The suspicion is next."""

    def sees(self, diagnosis: Diagnosis, number: int) -> None:
        """It was looked at."""


def not_walked(path: Path) -> Diagnosis:
    """The path before its first step."""
    return Diagnosis(path, tuple(Look(suspicion, Answer.NOT_REACHED) for suspicion in path.suspicions))


def walk_alone(path: Path, examine: Examine) -> Diagnosis:
    """Look at one suspicion after the other, up to the first that is confirmed; what comes after stays unreached."""
    diagnosis = not_walked(path)
    for number, suspicion in enumerate(path.suspicions):
        diagnosis = _with(diagnosis, number, examine(suspicion))
        if diagnosis.cause is not None:
            break
    return diagnosis


@dataclass(slots=True)
class Walk:
    """A walk in company: it waits before each look, and offers to test again where a cause was found.

    Attributes:
        renew: forget what was seen, so that the next look is a new one.
    """

    path: Path
    examine: Examine
    renew: Callable[[], None]
    company: Company

    def go(self) -> Diagnosis:
        diagnosis = not_walked(self.path)
        self.company.begins(diagnosis)
        number = 0
        while number < len(self.path.suspicions):
            self.company.faces(diagnosis, number)
            choice = self.company.ask("Enter: look at it", (Choice.ENTER, Choice.SKIP, Choice.BACK, Choice.QUIT))
            if choice is Choice.ENTER:
                diagnosis, choice = self._look(diagnosis, number)
            elif choice is Choice.SKIP:
                diagnosis = _with(diagnosis, number, Look(self.path.suspicions[number], Answer.SKIPPED))
            if choice is Choice.QUIT:
                return diagnosis
            number = max(0, number - 1) if choice is Choice.BACK else number + 1
        return diagnosis

    def _look(self, diagnosis: Diagnosis, number: int) -> tuple[Diagnosis, Choice]:
        """Look, and look again as often as the person wants; then the choice of where to go."""
        while True:
            look = self.examine(self.path.suspicions[number])
            diagnosis = _with(diagnosis, number, look)
            self.company.sees(diagnosis, number)
            if look.answer is Answer.CONFIRMED:
                choice = self.company.ask(
                    "Enter: test again, once you have acted",
                    (Choice.ENTER, Choice.SKIP, Choice.BACK, Choice.QUIT),
                )
                if choice is Choice.ENTER:
                    self.renew()
                    continue
                return diagnosis, choice
            if look.answer is Answer.FOR_A_PERSON:
                choice = self.company.ask(
                    "Enter: done or not it, go on; y: that was it",
                    (Choice.ENTER, Choice.YES, Choice.BACK, Choice.QUIT),
                )
                if choice is Choice.YES:
                    return _with(diagnosis, number, replace(look, answer=Answer.CONFIRMED)), Choice.QUIT
                return diagnosis, choice
            return diagnosis, Choice.ENTER


def _with(diagnosis: Diagnosis, number: int, look: Look) -> Diagnosis:
    looks = list(diagnosis.looks)
    looks[number] = look
    return replace(diagnosis, looks=tuple(looks))
