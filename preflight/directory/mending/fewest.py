"""The search for the fewest changes that leave nobody blocked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from preflight.directory.access.rights import Right
from preflight.directory.access.security_descriptor import Ace
from preflight.directory.mending.forecast import NOT_SEEN, ON_THE_USER, Case, Change, Changes, Forecast, Kind

MOST_COMPARED = 40
"""Containers with inheritance off for which both ways are compared: to switch it on, or to grant below them."""

_ORDER = {Kind.INHERITANCE_ON: 0, Kind.REMOVE_DENY: 1, Kind.GRANT: 2}


class Search:
    """Finds changes, none of which can be left out.

    Everything that may help is taken together first; then whatever isn't needed is dropped, one by one, until each
    change left is needed by somebody. Where inheritance is off on a container, that is compared with leaving it off and
    granting below it; with as many steps, inheritance is switched on.

    Args:
        weights: how many users each case has, by its number.

    Attributes:
        stuck: numbers of cases that no change mends.
    """

    def __init__(self, forecast: Forecast, cases: Sequence[Case], weights: Mapping[int, int]) -> None:
        self._forecast = forecast
        self._cases = cases
        self._weights = weights
        self._below: dict[str, list[Case]] = {}
        for case in cases:
            for name, _ in case.lineage:
                self._below.setdefault(name, []).append(case)
        self.stuck: set[int] = set()
        self._kept_off: frozenset[str] = frozenset()

    def run(self) -> Changes:
        best = self._fewest(self._kept_off)
        for barrier in _barriers(best)[:MOST_COMPARED]:
            kept_off = self._kept_off | {barrier}
            other = self._fewest(kept_off)
            if self._cost(other) < self._cost(best):
                best, self._kept_off = other, kept_off
        return best

    def instead_of(self, change: Change, chosen: Changes) -> tuple[Change, ...]:
        """The grants that would do in place of switching a container's inheritance on; () if grants alone don't."""
        other = self._fewest(self._kept_off | {change.place})
        added = [each for each in other if each not in chosen]
        dropped = [each for each in chosen if each not in other]
        fits = dropped == [change] and all(each.kind is Kind.GRANT for each in added)
        return tuple(added) if fits else ()

    def needed_by(self, change: Change, changes: Changes) -> list[Case]:
        """The cases that would not be mended without the change."""
        changes.discard(change)
        try:
            return [case for case in self._concerned(change) if self._forecast.problems(case, changes)]
        finally:
            changes.add(change)

    def sufficient(self, changes: Changes) -> bool:
        return not any(self._problems(case, changes) for case in self._cases)

    def _fewest(self, kept_off: frozenset[str]) -> Changes:
        changes = Changes()
        for case in self._cases:
            if case.blocked and case.number not in self.stuck:
                self._open(case, kept_off, changes)
        for _ in range(len(self._cases) + 10):
            if not self._mend(kept_off, changes):
                break
        return self._without_needless(changes)

    def _open(self, case: Case, kept_off: frozenset[str], changes: Changes) -> None:
        """Let everything arrive that a container above has."""
        if case.inheritance_off:
            changes.add(Change(Kind.INHERITANCE_ON, "", case.number))
        for name, _ in case.lineage:
            if name in kept_off:
                return
            if self._forecast.place(name).inheritance_off:
                changes.add(Change(Kind.INHERITANCE_ON, name))

    def _mend(self, kept_off: frozenset[str], changes: Changes) -> bool:
        """Remove what denies, grant what is missing, as it looks now; whether anything was to do."""
        before = len(changes)
        for case in self._cases:
            problems = self._problems(case, changes).items()
            remedies = [self._remedy(case, right, denial, kept_off) for right, denial in problems]
            if any(remedy is None or remedy in changes for remedy in remedies):
                self.stuck.add(case.number)
                continue
            for remedy in remedies:
                if remedy is not None:
                    changes.add(remedy)
        return len(changes) > before

    def _remedy(
        self, case: Case, right: Right, denial: tuple[str, Ace] | None, kept_off: frozenset[str]
    ) -> Change | None:
        if denial is None:
            object_class = case.view.object_class
            place = next((name for name, _ in case.lineage if name in kept_off or name == case.base), case.base)
            if not object_class:
                return None
            return Change(Kind.GRANT, place, None, self._forecast.grant(right, object_class), right, object_class)
        origin, ace = denial
        if origin == NOT_SEEN:
            return None
        if origin == ON_THE_USER:
            return Change(Kind.REMOVE_DENY, "", case.number, ace) if case.blocked else None
        return Change(Kind.REMOVE_DENY, origin, ace=ace)

    def _problems(self, case: Case, changes: Changes) -> dict[Right, tuple[str, Ace] | None]:
        return {} if case.number in self.stuck else self._forecast.problems(case, changes)

    def _without_needless(self, changes: Changes) -> Changes:
        """Drop changes until every one left is needed. A change may harm (a denying entry arrives): so again."""
        dropped = True
        while dropped:
            dropped = False
            for change in sorted(changes, key=self._priority):
                changes.discard(change)
                if any(self._problems(case, changes) for case in self._concerned(change)):
                    changes.add(change)
                else:
                    dropped = True
        return changes

    def _priority(self, change: Change) -> tuple[int, int, str, int, str]:
        """What is dropped first if it may be: inheritance before entries, the outermost container before inner ones."""
        return (
            _ORDER[change.kind],
            change.place.count(","),
            change.place,
            -1 if change.case is None else change.case,
            f"{change.object_class} {change.right} {change.ace.sddl if change.ace else ''}",
        )

    def _concerned(self, change: Change) -> Sequence[Case]:
        return self._below.get(change.place, ()) if change.case is None else (self._cases[change.case],)

    def _cost(self, changes: Changes) -> int:
        """Steps: a change on users is one on each."""
        return sum(1 if change.case is None else self._weights[change.case] for change in changes)


def _barriers(changes: Changes) -> list[str]:
    """Containers whose inheritance is switched on, the innermost first."""
    names = [change.place for change in changes if change.kind is Kind.INHERITANCE_ON and change.case is None]
    return sorted(names, key=lambda name: (-name.count(","), name))
