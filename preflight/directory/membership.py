"""Who is in a group, directly or through other groups: `member` followed downwards, distribution groups included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from preflight.directory.distinguished_name import normalise, rdn_value
from preflight.directory.model import Entry, User
from preflight.directory.port import Directory

GROUP_ATTRIBUTES = frozenset({"objectSid", "objectClass", "member", "sAMAccountName", "groupType"})
MOST_GROUPS = 2_000
"""Nested groups that are followed; a directory with more is not judged as if it had been read to the end."""


@dataclass(slots=True)
class Membership:
    """Everyone in some groups of one domain.

    Attributes:
        paths: the names of the groups from the outermost down to the member's own, by the member's normalised DN.
        primary_groups: the same for whoever has one of these RIDs as primary group, which `member` doesn't list.
        complete: False: more than MOST_GROUPS.
    """

    paths: dict[str, tuple[str, ...]] = field(default_factory=dict)
    primary_groups: dict[int, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = True

    def path(self, user: User) -> tuple[str, ...] | None:
        """The groups that lead to the user; None if none does."""
        found = self.paths.get(normalise(user.distinguished_name))
        if found is None and self.primary_groups and (primary := user.integer("primaryGroupID")) is not None:
            found = self.primary_groups.get(primary)
        return found


def members_of(directory: Directory, groups: Sequence[Entry]) -> Membership:
    """Follow `member` from these groups (read with GROUP_ATTRIBUTES) to the end; circles are walked once.

    Raises:
        Unavailable: the directory can't answer.
    """
    membership = Membership()
    seen: set[str] = set()
    wave: list[tuple[Entry, tuple[str, ...]]] = [(group, (_name(group),)) for group in groups]
    while wave:
        members: dict[str, tuple[str, tuple[str, ...]]] = {}
        for group, path in wave:
            here = normalise(group.distinguished_name)
            if here not in seen:
                seen.add(here)
                _note_primary_group(membership, group, path)
                for member in group.texts("member"):
                    members.setdefault(normalise(member), (member, path))
        for key, (_, path) in members.items():
            membership.paths.setdefault(key, path)
        if len(seen) > MOST_GROUPS:
            membership.complete = False
            return membership
        wave = _nested(directory, {key: found for key, found in members.items() if key not in seen})
    return membership


def _nested(
    directory: Directory, members: Mapping[str, tuple[str, tuple[str, ...]]]
) -> list[tuple[Entry, tuple[str, ...]]]:
    entries = directory.matching("distinguishedName", [dn.encode() for dn, _ in members.values()], GROUP_ATTRIBUTES)
    return [
        (entry, (*members[key][1], _name(entry)))
        for entry in entries
        if "group" in entry.texts("objectClass") and (key := normalise(entry.distinguished_name)) in members
    ]


def _note_primary_group(membership: Membership, group: Entry, path: tuple[str, ...]) -> None:
    rid = (group.sid() or "").rpartition("-")[2]
    if rid.isdigit():
        membership.primary_groups.setdefault(int(rid), path)


def _name(group: Entry) -> str:
    return group.text("sAMAccountName") or rdn_value(group.distinguished_name)
