"""What differs between a user and somebody for whom it works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preflight.directory.prospect.step import Step
from preflight.user_facts import UserReport


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing, as it is with each of the two.

    Attributes:
        matters: it weighs on a reset or a change of the one and not, or otherwise, of the other.
    """

    name: str
    one: str
    other: str
    matters: bool = False


def differences(one: UserReport, other: UserReport) -> tuple[Difference, ...]:
    """First what weighs on one of them alone, then where they stand, then entries that say the same from elsewhere."""
    weighing = [*_steps(one, other)]
    told = {each.name for each in weighing}
    traits = [
        Difference(name, value, other.traits.get(name, ""))
        for name, value in one.traits.items()
        if value != other.traits.get(name, "")
    ]
    return (*weighing, *traits, *(each for each in _entries(one, other) if each.name not in told))


def _steps(one: UserReport, other: UserReport) -> Iterator[Difference]:
    others = {step.name: step for step in other.steps}
    for step in one.steps:
        beside = others.get(step.name)
        if beside is not None and (step.reset, step.change) != (beside.reset, beside.change):
            yield Difference(step.name, _told(step), _told(beside), matters=True)


def _told(step: Step) -> str:
    return f"{step.summary} [{step.detail}]" if step.detail and step.answer != "fine" else step.summary


def _entries(one: UserReport, other: UserReport) -> Iterator[Difference]:
    others = {(line.right, line.holder): line for line in other.lines}
    for line in one.lines:
        beside = others.get((line.right, line.holder))
        if beside is not None and line.decided_by != beside.decided_by:
            yield Difference(
                line.right.value.replace("_", "-"), line.decided_by or "no entry", beside.decided_by or "no entry"
            )
