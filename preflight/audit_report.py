"""What an audit came to, domain by domain."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.directory.users.blocked import CauseGroup
from preflight.directory.users.judgement import Outcome
from preflight.exit_codes import EXIT_INTERRUPTED, EXIT_NOT_READY, EXIT_READY, EXIT_UNDETERMINED


@dataclass(frozen=True, slots=True)
class DomainAudit:
    """What the audit of one domain came to.

    Attributes:
        origin: who answered.
        seen: users read, whatever their standing.
        outcomes: how many users have which outcome or standing.
        by_container: the same per container.
        blocked: groups of users without a right, largest first; a user without several stands in several.
        untold: groups of users for whom a right can't be told.
        obstacle: why this isn't all of them; "" = it is.
        remedy: for that.
        token: how the connector account's token was made.
    """

    domain: str
    origin: str
    seen: int
    outcomes: dict[str, int]
    by_container: dict[str, dict[str, int]]
    blocked: tuple[CauseGroup, ...]
    untold: tuple[CauseGroup, ...]
    obstacle: str
    remedy: str
    token: str

    def count(self, outcome: Outcome) -> int:
        return self.outcomes.get(outcome.value, 0)


@dataclass(frozen=True, slots=True)
class Audit:
    domains: tuple[DomainAudit, ...]
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """0 all ok, 3 someone blocked, 4 could not tell, 130 interrupted."""
        if self.interrupted:
            return EXIT_INTERRUPTED
        if any(domain.count(Outcome.BLOCKED) for domain in self.domains):
            return EXIT_NOT_READY
        untold = any(domain.obstacle or domain.count(Outcome.UNKNOWN) for domain in self.domains)
        good = any(domain.count(Outcome.OK) for domain in self.domains)
        return EXIT_UNDETERMINED if untold or not good else EXIT_READY
