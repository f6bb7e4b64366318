"""What to run: the selection of checks, and what they require."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from preflight.api import Check

SELECTED = "selected"
REQUIRED = "required"


class SelectionError(ValueError):
    """A pattern matches no check; the message names the nearest."""


@dataclass(frozen=True, slots=True)
class PlannedCheck:
    """A check that is to run, and why: "selected", or "required" by a selected one."""

    check: Check
    role: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Checks in an order in which requirements come first.

    Attributes:
        registered: how many checks there are; the verdict line says "9 of 15 checks".
        profile: the tag by which checks were taken.
        only, skip: the patterns, for the report.
    """

    checks: tuple[PlannedCheck, ...]
    registered: int
    profile: str
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    @property
    def folds(self) -> tuple[type, ...]:
        """What is counted over the users, each once."""
        return tuple(dict.fromkeys(fold for planned in self.checks for fold in planned.check.folds))

    def skips(self, check_id: str) -> bool:
        """Whether the user asked for the check to be left out."""
        return any(matches(check_id, pattern) for pattern in self.skip)

    def __contains__(self, check_id: object) -> bool:
        return any(planned.check.id == check_id for planned in self.checks)


def make_plan(
    registered: Mapping[str, Check],
    *,
    profile: str = "preflight",
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
) -> Plan:
    """Select checks by profile (their tags), `only` and `skip` patterns (`permissions.*`, an id, an area).

    Of `only`, an id selects its check whatever the profile, and so does a pattern that nothing of the profile matches;
    other patterns and areas stay within the profile, which leaves slow checks out. What a selected check requires runs
    too, unless `skip` names it.

    Raises:
        SelectionError: a pattern that matches nothing, an unknown profile.
    """
    for pattern in (*only, *skip):
        _must_match(pattern, registered)
    profiles = {tag for check in registered.values() for tag in check.tags}
    if profile not in profiles:
        raise SelectionError(f"no check has the profile {profile!r}. There are: {', '.join(sorted(profiles))}.")

    def skipped(check: Check) -> bool:
        return any(matches(check.id, pattern) for pattern in skip)

    wanted = {id for pattern in only for id in _chosen(pattern, registered, profile)}
    selected = [
        check
        for check in registered.values()
        if not skipped(check) and (check.id in wanted if only else profile in check.tags)
    ]
    roles = {check.id: SELECTED for check in selected}
    for check in selected:
        for required in _requirements(check, registered):
            if not skipped(required):
                roles.setdefault(required.id, REQUIRED)
    return Plan(
        checks=tuple(PlannedCheck(check, roles[id]) for id, check in registered.items() if id in roles),
        registered=len(registered),
        profile=profile,
        only=tuple(only),
        skip=tuple(skip),
    )


def nearest(name: str, names: Iterable[str]) -> str:
    """The most similar of the names, or ""."""
    return next(iter(difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)), "")


def matches(check_id: str, pattern: str) -> bool:
    """Whether the pattern (an id, an area, `permissions.*`) means the check."""
    return fnmatchcase(check_id, pattern) or check_id.partition(".")[0] == pattern


def _chosen(pattern: str, registered: Mapping[str, Check], profile: str) -> list[str]:
    matching = [check for check in registered.values() if matches(check.id, pattern)]
    return [check.id for check in matching if profile in check.tags] or [check.id for check in matching]


def _must_match(pattern: str, registered: Mapping[str, Check]) -> None:
    if any(matches(check_id, pattern) for check_id in registered):
        return
    similar = nearest(pattern, [*registered, *{check.area for check in registered.values()}])
    hint = f" Did you mean {similar!r}?" if similar else ""
    raise SelectionError(f"no check matches {pattern!r}.{hint} `preflight list` shows them all.")


def _requirements(check: Check, registered: Mapping[str, Check]) -> list[Check]:
    found: dict[str, Check] = {}
    waiting = list(check.requires)
    while waiting:
        required = registered[waiting.pop()]
        if required.id not in found:
            found[required.id] = required
            waiting += required.requires
    return list(found.values())
