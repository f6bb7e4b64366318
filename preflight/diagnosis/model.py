"""A way to a cause: suspicions in the order in which they are looked at, and what was seen of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from preflight.api import Finding, Status
from preflight.exit_codes import EXIT_NOT_READY, EXIT_READY, EXIT_UNDETERMINED
from preflight.report import Result


@dataclass(frozen=True, slots=True)
class Instructions:
    """What only a person can do or look at.

    Attributes:
        steps: in their order.
        warning: read before the first step; "" = none.
        verify: what to look at afterwards.
    """

    steps: tuple[str, ...]
    warning: str = ""
    verify: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Something that may be the cause.

    Attributes:
        title: as a statement: "The relays are not reached".
        because: why it is suspected: the code that leads to it, or the order of the documentation.
        checks: ids of the checks that confirm or exclude it; () = none can.
        person: what a person looks at or does where no check can, or besides; None = nothing.
        user: whose account is looked at; "" = nobody's in particular.
    """

    title: str
    because: str
    checks: tuple[str, ...] = ()
    person: Instructions | None = None
    user: str = ""


class Answer(StrEnum):
    """What looking at a suspicion came to."""

    CONFIRMED = "confirmed"
    POSSIBLE = "possible"
    UNTOLD = "untold"
    EXCLUDED = "excluded"
    NOTHING = "nothing"
    FOR_A_PERSON = "for_a_person"
    SKIPPED = "skipped"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one suspicion.

    Attributes:
        results: of its checks, and of those at the root of a skip.
        decisive: the finding that says most; None where there is none.
    """

    suspicion: Suspicion
    answer: Answer
    results: tuple[Result, ...] = ()
    decisive: tuple[Result, Finding] | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """What to look at, from what is known.

    Attributes:
        known: what the way starts from, in words: "event 32002", "nothing in particular".
        entries: the knowledge that was found to what is known, as (code, name, meaning).
    """

    known: str
    suspicions: tuple[Suspicion, ...]
    entries: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A path, as far as it was walked."""

    path: Path
    looks: tuple[Look, ...]

    @property
    def cause(self) -> Look | None:
        """The first suspicion that was confirmed."""
        return next((look for look in self.looks if look.answer is Answer.CONFIRMED), None)

    @property
    def possible(self) -> tuple[Look, ...]:
        """Warnings met on the way: each may be the cause, none must."""
        return tuple(look for look in self.looks if look.answer is Answer.POSSIBLE)

    @property
    def open(self) -> tuple[Look, ...]:
        """What could not be told, was skipped, or is a person's to see."""
        unsettled = (Answer.UNTOLD, Answer.SKIPPED, Answer.FOR_A_PERSON, Answer.NOT_REACHED)
        return tuple(look for look in self.looks if look.answer in unsettled)

    @property
    def exit_code(self) -> int:
        """3 the cause is found, 0 everything that was suspected is excluded, 4 something is open."""
        if self.cause is not None:
            return EXIT_NOT_READY
        excluded = any(look.answer is Answer.EXCLUDED for look in self.looks)
        untold = any(look.answer in (Answer.UNTOLD, Answer.SKIPPED, Answer.NOT_REACHED) for look in self.looks)
        return EXIT_READY if excluded and not untold else EXIT_UNDETERMINED


def look_at(suspicion: Suspicion, results: Sequence[Result]) -> Look:
    """What the results say of the suspicion.

    A check that was skipped because another one failed leads to that one: it is nearer to the root.
    """
    own = [result for result in results if result.check in suspicion.checks]
    roots = {id for result in own for id in result.blocked_by}
    seen = (*(result for result in results if result.check in roots - set(suspicion.checks)), *own)
    if not seen:
        return Look(suspicion, Answer.FOR_A_PERSON if suspicion.person and not suspicion.checks else Answer.UNTOLD)
    for status, answer in _ANSWERS:
        at = next((result for result in seen if result.counts_as is status), None)
        if at is not None:
            finding = next((each for each in at.findings if each.status is status and each.waiver is None), None)
            return Look(suspicion, answer, seen, (at, finding) if finding is not None else None)
    return Look(suspicion, Answer.NOTHING, seen)


_ANSWERS = (
    (Status.FAIL, Answer.CONFIRMED),
    (Status.WARN, Answer.POSSIBLE),
    (Status.UNKNOWN, Answer.UNTOLD),
    (Status.SKIPPED, Answer.UNTOLD),
    (Status.PASS, Answer.EXCLUDED),
)
"""The worst decides. A warning before an unknown: it can be acted on."""
