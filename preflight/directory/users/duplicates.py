"""Anchors that stand more than once, with every member shown (domain.md section 7)."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from preflight.api import Unavailable
from preflight.directory.model import User
from preflight.directory.port import Directory
from preflight.directory.users.anchors import (
    CONSISTENCY_GUID,
    GUESSED,
    OBJECT_GUID,
    Anchors,
    anchor_key,
    effective_anchor,
    repeated,
)
from preflight.directory.users.scope import SCOPE_ATTRIBUTES, Scope, Standing
from preflight.directory.users.survey import Survey

MOST_SHOWN = 1_000
"""Duplicates that are shown with their members; a site with more has one cause for them all."""


@dataclass(frozen=True, slots=True)
class Member:
    """A user who shares an anchor or a name."""

    distinguished_name: str
    domain: str
    enabled: bool | None

    def to_dict(self) -> dict[str, object]:
        return {"dn": self.distinguished_name, "domain": self.domain, "enabled": self.enabled}

    def __str__(self) -> str:
        state = {True: "enabled", False: "disabled", None: "enabled or not: unreadable"}[self.enabled]
        return f"{self.distinguished_name} ({self.domain}, {state})"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Users with one anchor.

    Attributes:
        shown: the anchor, as the cloud shows it.
        by_case: equal but for upper and lower case.
    """

    shown: str
    members: tuple[Member, ...]
    by_case: bool = False

    @property
    def enabled(self) -> int:
        return sum(member.enabled is not False for member in self.members)

    @property
    def is_fault(self) -> bool:
        return self.enabled > 1 and not self.by_case


@dataclass(frozen=True, slots=True)
class Hint:
    """Enabled users of two forests with one name."""

    attribute: str
    shown: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class AnchorSearch:
    """The anchors of all domains together.

    Attributes:
        attribute: the anchor attribute, or how it was guessed.
        obstacles: why not everything was seen.
    """

    domains: tuple[str, ...]
    attribute: str
    guessed: bool
    seen: int
    without: int
    unreadable: int
    written_by_connect: int
    duplicates: tuple[Duplicate, ...]
    hints: tuple[Hint, ...]
    obstacles: tuple[Unavailable, ...]


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One domain, read."""

    directory: Directory
    survey: Survey
    scope: Scope
    forest: str


def search_anchors(
    domains: Sequence[Surveyed], attribute: str | None, obstacles: Sequence[Unavailable] = ()
) -> AnchorSearch:
    """Compare the anchors of all domains; fetch the members of the few that stand more than once.

    Args:
        attribute: the configured anchor; None: guessed.
        obstacles: domains that could not be read at all.

    Raises:
        Unavailable: the members could not be fetched.
    """
    found_obstacles = list(obstacles)
    folds: list[tuple[Surveyed, Anchors]] = []
    for each in domains:
        folds.append((each, each.survey[Anchors]))
        try:
            each.survey.ensure_complete()
        except Unavailable as obstacle:
            found_obstacles.append(obstacle)
    across_forests = len({each.forest for each in domains}) > 1
    sharing = _members(
        folds,
        repeated([fold.keys() for _, fold in folds]),
        {name: repeated([fold.hint_keys(name) for _, fold in folds]) for name in Anchors.hints if across_forests},
        attribute,
    )
    return AnchorSearch(
        domains=tuple(each.directory.name for each in domains),
        attribute=attribute or GUESSED,
        guessed=attribute is None,
        seen=sum(fold.seen for _, fold in folds),
        without=sum(fold.without for _, fold in folds),
        unreadable=sum(fold.unreadable for _, fold in folds),
        written_by_connect=sum(fold.written_by_connect for _, fold in folds),
        duplicates=tuple(duplicate_of(found, attribute) for found in sharing.anchors.values() if len(found) > 1),
        hints=tuple(
            Hint(name, found[0][1], tuple(member for _, _, member in found))
            for (name, _), found in sharing.names.items()
            if len({forest for forest, _, _ in found}) > 1
        ),
        obstacles=tuple(found_obstacles),
    )


@dataclass(slots=True)
class _Sharing:
    """The members of what stands more than once, by key."""

    anchors: dict[bytes, list[tuple[bytes, Member]]]
    names: dict[tuple[str, bytes], list[tuple[str, str, Member]]]


def _members(
    folds: Sequence[tuple[Surveyed, Anchors]],
    anchors: set[bytes],
    names: Mapping[str, set[bytes]],
    attribute: str | None,
) -> _Sharing:
    """Read the users again, only where something stands more than once, and keep only those who share it."""
    sharing = _Sharing(defaultdict(list), defaultdict(list))
    if not anchors and not any(names.values()):
        return sharing
    attributes = SCOPE_ATTRIBUTES | Anchors.attributes | ({attribute} if attribute else set())
    for each, _ in folds:
        for user, standing in _users_of(each, attributes):
            enabled = None if standing is Standing.UNKNOWN else standing is Standing.IN_SCOPE
            member = Member(user.distinguished_name, each.directory.name, enabled)
            anchor = effective_anchor(user, attribute)
            if anchor and (key := anchor_key(anchor)) in anchors and _room(sharing.anchors, key):
                sharing.anchors[key].append((anchor, member))
            for name, keys in names.items() if enabled else ():
                value = user.raw.get(name)
                if value and (key := anchor_key(value[0].lower())) in keys and _room(sharing.names, (name, key)):
                    sharing.names[name, key].append((each.forest, value[0].decode("utf-8", "replace"), member))
    return sharing


def _room(shared: Mapping[Any, object], key: object) -> bool:
    return key in shared or len(shared) < MOST_SHOWN


def _users_of(each: Surveyed, attributes: Collection[str]) -> Iterator[tuple[User, Standing]]:
    for base in each.scope.search_bases or (None,):
        for page in each.directory.users(attributes, base):
            for user in page:
                standing = each.scope.standing(user)
                if standing not in (Standing.OUT_OF_SCOPE, Standing.EXCLUDED):
                    yield user, standing


def duplicate_of(found: Sequence[tuple[bytes, Member]], attribute: str | None) -> Duplicate:
    """Users with one anchor, each with his own spelling of it."""
    anchors = {anchor for anchor, _ in found}
    binary = attribute is None or attribute in (CONSISTENCY_GUID, OBJECT_GUID)
    anchor = min(anchors)
    return Duplicate(
        shown=base64.b64encode(anchor).decode() if binary else anchor.decode("utf-8", "replace"),
        members=tuple(member for _, member in found),
        by_case=len(anchors) == len(found),
    )
