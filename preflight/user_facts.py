"""What was found out about one user."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.directory.access.rights import Decision, Right
from preflight.directory.users.judgement import Outcome
from preflight.directory.users.scope import Standing
from preflight.report import EXIT_NOT_READY, EXIT_READY, EXIT_UNDETERMINED


@dataclass(frozen=True, slots=True)
class RightLine:
    """One right on one user.

    Attributes:
        holder: whose right it is.
        where: the DN that it is decided on.
        decided_by: the entry and where it is explicit; "" where no entry decided.
    """

    right: Right
    holder: str
    where: str
    decision: Decision
    reason: str
    decided_by: str


@dataclass(frozen=True, slots=True)
class UserReport:
    """A user, found and judged.

    Attributes:
        row: the columns of the per-user table.
        scope_note: why writeback doesn't touch the user at all; "" if it does.
    """

    domain: str
    origin: str
    connector: str
    row: dict[str, object]
    standing: Standing
    scope_note: str
    lines: tuple[RightLine, ...]

    @property
    def exit_code(self) -> int:
        if self.standing in (Standing.OUT_OF_SCOPE, Standing.EXCLUDED, Standing.DISABLED):
            return EXIT_NOT_READY
        return {
            Outcome.OK.value: EXIT_READY,
            Outcome.BLOCKED.value: EXIT_NOT_READY,
            Outcome.UNSUPPORTED.value: EXIT_NOT_READY,
        }.get(str(self.row["outcome"]), EXIT_UNDETERMINED)


@dataclass(frozen=True, slots=True)
class UserSearch:
    """Who was found in which domain; obstacles are domains that could not be searched."""

    found: tuple[UserReport, ...]
    obstacles: tuple[str, ...]
