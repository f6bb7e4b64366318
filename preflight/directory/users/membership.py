"""Who is in a group, directly or through other groups: `member` followed downwards.

What protects an account is followed through distribution groups, too (MS-ADTS 3.1.1.6.1.2); what comes into a token
is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from preflight.directory.distinguished_name import normalise, rdn_value
from preflight.directory.foreign_principals import sid_in_member
from preflight.directory.model import WELL_KNOWN_SIDS, Entry, User
from preflight.directory.port import Directory

GROUP_ATTRIBUTES = frozenset({"objectSid", "objectClass", "member", "sAMAccountName", "groupType"})
SECURITY_GROUP = 0x80000000
"""groupType: it can be in a token."""

MOST_GROUPS = 2_000
"""Nested groups that are followed; a directory with more is not judged as if it had been read to the end."""


@dataclass(slots=True)
class Membership:
    """Everyone in some groups of one domain.

    Attributes:
        paths: the names of the groups from the outermost down to the member's own, by the member's normalised DN.
        primary_groups: the same for whoever has one of these RIDs as primary group, which `member` doesn't list.
        everyone: a principal that stands for all users, such as Authenticated Users, is among the members.
        complete: False: more than MOST_GROUPS, or what kind of group one is may not be read.
    """

    paths: dict[str, tuple[str, ...]] = field(default_factory=dict)
    primary_groups: dict[int, tuple[str, ...]] = field(default_factory=dict)
    everyone: bool = False
    complete: bool = True

    def path(self, user: User) -> tuple[str, ...] | None:
        """The groups that lead to the user; None if none does."""
        found = self.paths.get(normalise(user.distinguished_name)) if self.paths else None
        if found is None and self.primary_groups and (primary := user.integer("primaryGroupID")) is not None:
            found = self.primary_groups.get(primary)
        return found


def members_of(directory: Directory, groups: Sequence[Entry], *, for_token: bool = False) -> Membership:
    """Follow `member` from these groups (read with GROUP_ATTRIBUTES) to the end; circles are walked once.

    Args:
        for_token: leave distribution groups, which are in no token, with all that leads through them.

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
            if here in seen:
                continue
            seen.add(here)
            if not for_token or _is_security_group(membership, group):
                _note_primary_group(membership, group, path)
                for member in group.texts("member"):
                    members.setdefault(normalise(member), (member, path))
        for key, (name, path) in members.items():
            membership.paths.setdefault(key, path)
            membership.everyone = membership.everyone or _stands_for_all(name)
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


def _is_security_group(membership: Membership, group: Entry) -> bool:
    kind = group.integer("groupType")
    if kind is None:
        membership.complete = False
    return kind is not None and bool(kind & SECURITY_GROUP)


def _stands_for_all(member: str) -> bool:
    """Such as Authenticated Users: the SID is in every user's token."""
    return sid_in_member(member) in WELL_KNOWN_SIDS


def _note_primary_group(membership: Membership, group: Entry, path: tuple[str, ...]) -> None:
    rid = (group.sid() or "").rpartition("-")[2]
    if rid.isdigit():
        membership.primary_groups.setdefault(int(rid), path)


def _name(group: Entry) -> str:
    return group.text("sAMAccountName") or rdn_value(group.distinguished_name)
