"""A step on the way to an answer, and what it says of a reset and of a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Effect(StrEnum):
    """What a step means for a reset, or for a change."""

    FINE = "fine"
    NOT_ASKED = "not_asked"
    WARNS = "warns"
    UNKNOWN = "unknown"
    BLOCKS = "blocks"


class Basis(StrEnum):
    """Who would refuse."""

    DIRECTORY = "by the directory"
    """Active Directory itself, which an attempt would show."""
    SPECIFICATION = "by specification"
    """The writeback service, or the policy-hints control that it sends: documented, and not to be seen over LDAP."""


class Operation(StrEnum):
    RESET = "reset"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at.

    Attributes:
        name: stable, for programs.
        reset, change: what it means for each.
        summary: in a line.
        detail: what it was told by, and how.
        event_codes: of the events that a blocked attempt is predicted to leave.
        sspr: the code that the user is predicted to see; "" = not known.
        basis: who would refuse; `change_basis`: who a change, where that is somebody else.
        remedy: what to do.
        until: when it passes by itself; None: it doesn't, or that isn't known.
    """

    name: str
    reset: Effect
    change: Effect
    summary: str
    detail: str = ""
    event_codes: tuple[str, ...] = ()
    sspr: str = ""
    basis: Basis = Basis.DIRECTORY
    remedy: str = ""
    until: datetime | None = None
    change_basis: Basis | None = None

    @property
    def answer(self) -> Effect:
        """The graver of both."""
        return max(self.reset, self.change, key=[*Effect].index)

    def effect(self, operation: Operation) -> Effect:
        return self.reset if operation is Operation.RESET else self.change

    def basis_of(self, operation: Operation) -> Basis:
        return self.change_basis or self.basis if operation is Operation.CHANGE else self.basis


def fine(name: str, summary: str, detail: str = "") -> Step:
    return Step(name, Effect.FINE, Effect.FINE, summary, detail)


def warns(name: str, summary: str, *, detail: str = "", remedy: str = "", codes: tuple[str, ...] = ()) -> Step:
    return Step(name, Effect.WARNS, Effect.WARNS, summary, detail, codes, remedy=remedy)


def unknown(name: str, summary: str, *, detail: str = "", remedy: str = "") -> Step:
    return Step(name, Effect.UNKNOWN, Effect.UNKNOWN, summary, detail, remedy=remedy)


class Outlook(StrEnum):
    WORKS = "works"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reset, or a change, would come to now, as far as the directory tells.

    Attributes:
        step: the first that blocks; where none does, the first that could not be told; None: it works.
        warnings: what else to know.
        until: when all that blocks will have passed by itself; None: something won't.
    """

    operation: Operation
    outlook: Outlook
    step: Step | None
    warnings: tuple[Step, ...]
    until: datetime | None


def verdict(steps: Sequence[Step], operation: Operation) -> Verdict:
    """Blocked if a step surely blocks, whatever couldn't be told; works only if everything that decides was told."""
    blocking = [step for step in steps if step.effect(operation) is Effect.BLOCKS]
    untold = [step for step in steps if step.effect(operation) is Effect.UNKNOWN]
    ends = [step.until for step in blocking if step.until is not None]
    return Verdict(
        operation,
        Outlook.BLOCKED if blocking else Outlook.UNKNOWN if untold else Outlook.WORKS,
        next(iter([*blocking, *untold]), None),
        tuple(step for step in steps if step.effect(operation) is Effect.WARNS),
        max(ends) if ends and len(ends) == len(blocking) and not untold else None,
    )
