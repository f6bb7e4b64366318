"""What was found out about one user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from preflight.directory.prospect.circumstances import Momentary
from preflight.directory.prospect.step import Operation, Outlook, Step, Verdict, verdict
from preflight.directory.users.right_line import RightLine
from preflight.directory.users.scope import Standing
from preflight.exit_codes import EXIT_NOT_READY, EXIT_READY, EXIT_UNDETERMINED


@dataclass(frozen=True, slots=True)
class UserReport:
    """A user, found and judged.

    Attributes:
        row: the columns of the per-user table.
        scope_note: why writeback doesn't touch the user at all; "" if it does.
        steps: what was looked at on the way to both verdicts, in order.
        momentary: his state, and where it was read.
        traits: what else may differ from somebody for whom it works, in words by name.
    """

    domain: str
    origin: str
    connector: str
    row: dict[str, object]
    standing: Standing
    scope_note: str
    lines: tuple[RightLine, ...]
    steps: tuple[Step, ...] = ()
    momentary: Momentary | None = None
    traits: Mapping[str, str] = field(default_factory=dict)

    @property
    def reset(self) -> Verdict:
        """Would a reset work now?"""
        return verdict(self.steps, Operation.RESET)

    @property
    def change(self) -> Verdict:
        """Would a change, by a user who knows his password?"""
        return verdict(self.steps, Operation.CHANGE)

    @property
    def exit_code(self) -> int:
        """The reset decides; a change that is blocked is shown, and no more."""
        return {
            Outlook.WORKS: EXIT_READY,
            Outlook.BLOCKED: EXIT_NOT_READY,
            Outlook.UNKNOWN: EXIT_UNDETERMINED,
        }[self.reset.outlook]


@dataclass(frozen=True, slots=True)
class UserSearch:
    """Who was found in which domain; obstacles are domains that could not be searched."""

    found: tuple[UserReport, ...]
    obstacles: tuple[str, ...]
