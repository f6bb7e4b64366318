"""Tokens from an export, which holds no constructed attributes (domain.md section 4).

Membership is followed through `member`, `memberOf` and `primaryGroupID`. What was found surely counts. That it is all
has to be proven: an export may lack groups, or their members, without a word.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from preflight.directory.access.sid import domain_of, sid_to_text
from preflight.directory.distinguished_name import normal_form, normal_lines, normalise
from preflight.directory.export.index import Index, PackedAttributes
from preflight.directory.foreign_principals import names_in_member
from preflight.directory.model import (
    OTHER_ORGANIZATION,
    THIS_ORGANIZATION,
    WELL_KNOWN_SIDS,
    Entry,
    Principal,
    Token,
)

_SECURITY_GROUP = 0x80000000
_GLOBAL_OR_UNIVERSAL = 0x2 | 0x8
_CROSS_ORGANIZATION = 0x10
"""trustAttributes: selective authentication (MS-ADTS 6.1.6.7.9)."""


@dataclass(frozen=True, slots=True)
class Membership:
    """The groups of an export that hold some principals, directly or through each other.

    Attributes:
        groups: security groups, by normalised DN.
        unknown: names that stand in `memberOf` but aren't in the export.
    """

    groups: Mapping[str, Entry]
    unknown: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Roll:
    """A group's members in 4 bytes each: the members of all groups together are several times the users.

    Attributes:
        hashes: of their normalised DNs; whoever finds one has to look at the names themselves.
        foreign: there are members from elsewhere, who bring memberships along.
    """

    hashes: array[int]
    foreign: bool


@dataclass(frozen=True, slots=True)
class ExportedGroups:
    """The groups of one domain, as its export shows them.

    Attributes:
        groups: by normalised DN; security and distribution groups.
        domain_dn: of the domain.
        other_domains: the forest is known to have further domains.
        parts: normalised DNs of groups of whose members a part is missing.
    """

    groups: Mapping[str, Entry]
    domain_dn: str
    other_domains: bool
    parts: frozenset[str]
    _rolls: dict[str, _Roll] = field(default_factory=dict)

    @classmethod
    def of(cls, index: Index, domain_dn: str, *, other_domains: bool) -> ExportedGroups:
        base = normalise(domain_dn)
        groups = {key: entry for key, entry in index.of_class("group") if key.endswith("," + base)}
        parts = frozenset(key for key, names in index.parts.items() if key in groups and "member" in names)
        return cls(groups, domain_dn, other_domains, parts)

    def members(self, key: str) -> frozenset[str]:
        """Normalised DNs of whom a group holds directly, as far as the export says."""
        return frozenset(self._members(key))

    def holding(self, names: AbstractSet[str]) -> set[str]:
        """The groups that hold one of the names directly."""
        hashes = set(map(_short_hash, names))
        return {
            key
            for key in (self.groups if names else ())
            if not hashes.isdisjoint(self._roll(key).hashes) and not names.isdisjoint(self._members(key))
        }

    def forget(self) -> None:
        """Let go of what is only kept for quick answers."""
        self._rolls.clear()

    def _roll(self, key: str) -> _Roll:
        roll = self._rolls.get(key)
        if roll is None:
            members = list(self._members(key))
            foreign = _are_foreign(members, normalise(self.domain_dn))
            roll = self._rolls[key] = _Roll(array("I", map(_short_hash, members)), foreign)
        return roll

    def _members(self, key: str) -> Iterator[str]:
        raw = self.groups[key].raw
        for name in filter(_is_member, raw):
            lines = raw.lines(name) if isinstance(raw, PackedAttributes) else None
            if lines is None:
                yield from (normal_form(value.decode("utf-8", "replace")) for value in raw[name])
            else:
                yield from normal_lines(lines.decode("utf-8", "replace"))

    def membership(self, names: Iterable[str], groups: Iterable[str] = ()) -> Membership:
        """The groups that hold one of the names, and these groups themselves, with the groups that hold those."""
        found: dict[str, Entry] = {}
        unknown: set[str] = set()
        frontier = {normal_form(name) for name in names}
        reached = {normal_form(name) for name in groups}
        while frontier or reached:
            reached |= self.holding(frontier)
            unknown |= reached - self.groups.keys()
            frontier = {key for key in reached if key in self.groups and key not in found}
            # Tokens hold security groups only, and nest through them only.
            frontier = {key for key in frontier if is_security_group(self.groups[key])}
            found |= {key: self.groups[key] for key in frontier}
            reached = {normal_form(name) for key in frontier for name in self.groups[key].texts("memberOf")}
        return Membership(found, frozenset(unknown))

    def named(self, sid: str) -> list[str]:
        """The group with this SID, as a list of names: empty where it isn't in the export."""
        return [group.distinguished_name for group in self.groups.values() if sid and group.sid() == sid]

    def obstacle(self, primary: str | None = None) -> str:
        """Why memberships may be missing from the export; "" if they surely aren't (domain.md section 4).

        Args:
            primary: SID of the account's primary group; None: it isn't of this domain.
        """
        return self._blindness(primary) or self._missing_parts()

    def _blindness(self, primary: str | None) -> str:
        if not any(group.has("member") or key in self.parts for key, group in self.groups.items()):
            return "the export holds no group with its members"
        sids = {group.sid() or "" for group in self.groups.values()}
        if "" in sids:
            return "groups are in the export without their objectSid"
        if primary is not None and primary not in sids:
            return f"the account's primary group {primary} isn't in the export"
        if not any(sid.startswith("S-1-5-32-") for sid in sids):
            return "the groups under CN=Builtin aren't in the export"
        if any(is_security_group(group) is None for group in self.groups.values()):
            return "groups are in the export without their groupType"
        return ""

    def _missing_parts(self) -> str:
        if not self.parts:
            return ""
        shown = self.groups[min(self.parts)].distinguished_name
        more = f" and {len(self.parts) - 1} more" if len(self.parts) > 1 else ""
        return f"only a part of the members of {shown}{more} is in the export (member;range=...)"

    def surely_outside(self, found: Membership, primary: str | None) -> frozenset[str]:
        """SIDs of groups here that can't hold a principal, although it may be in groups that aren't known.

        A group may hold it if it has a member from elsewhere, an unknown member or a part of its members missing,
        or if it holds such a group.
        """
        if self._blindness(primary):
            return frozenset()
        doubtful = self.holding(found.unknown) | {
            key for key in self.groups if key in self.parts or self._roll(key).foreign
        }
        reached: AbstractSet[str] = doubtful
        while reached := self.holding(reached) - doubtful:
            doubtful |= reached
        sids = (self.groups[key].sid() for key in self.groups.keys() - doubtful - found.groups.keys())
        return frozenset(sid for sid in sids if sid)


def principal_of(exported: ExportedGroups, account: Entry, *, domain: str, forest_dn: str) -> Principal:
    """The account with its groups, from the export of its own domain."""
    sid = account.sid() or ""
    domain_sid = domain_of(sid)
    primary_id = account.integer("primaryGroupID")
    primary = f"{domain_sid}-{primary_id}" if sid and primary_id is not None else ""
    membership = exported.membership(
        [account.distinguished_name], [*exported.named(primary), *account.texts("memberOf")]
    )
    global_groups = {primary} - {""}
    local_groups: set[str] = set()
    names: dict[str, str] = {}
    for group in membership.groups.values():
        group_sid = group.sid()
        if group_sid and (group.integer("groupType") or 0) & _GLOBAL_OR_UNIVERSAL:
            global_groups.add(group_sid)
            names[group_sid] = group.distinguished_name
        elif group_sid:
            local_groups.add(group_sid)
    obstacle = _obstacle(exported, account, membership, primary)
    return Principal(
        distinguished_name=account.distinguished_name,
        sid=sid,
        domain=domain,
        domain_sid=domain_sid,
        forest_dn=forest_dn,
        sid_history=account.sids("sIDHistory"),
        global_groups=frozenset(global_groups),
        local_groups=frozenset(local_groups),
        complete=not obstacle,
        obstacle=obstacle,
        group_names=names,
    )


def _obstacle(exported: ExportedGroups, account: Entry, membership: Membership, primary: str) -> str:
    if not account.has("objectSid"):
        return "the account's objectSid isn't in the export"
    if not primary:
        return "the account's primaryGroupID isn't in the export"
    if obstacle := exported.obstacle(primary):
        return obstacle
    if membership.unknown:
        return f"a group that holds the account isn't in the export: {min(membership.unknown)}"
    if exported.other_domains:
        return "universal groups of the forest's other domains may hold the account, which this export can't show"
    return ""


def token_in(
    exported: ExportedGroups,
    index: Index,
    principal: Principal,
    *,
    same_domain: bool,
    same_forest: bool,
) -> Token:
    """The principal's token in the domain of the export."""
    obstacles = [principal.obstacle or "not all groups of the account are known"] if not principal.complete else []
    sids = {principal.sid, *principal.global_groups, *WELL_KNOWN_SIDS} - {""}
    foreign: set[str] = set(WELL_KNOWN_SIDS)
    if same_domain:
        sids |= principal.local_groups
    if same_forest:
        sids.update(principal.sid_history)
    else:
        selective = _is_selective(index, principal)
        if selective is None:
            obstacles.append("whether the trust uses selective authentication isn't in the export (CN=System)")
        if selective is not False:
            sids.discard(THIS_ORGANIZATION)
        if selective:
            sids.add(OTHER_ORGANIZATION)
        foreign = set(sids)
    foreign &= sids
    names = names_in_member(foreign, exported.domain_dn, (same_forest and principal.forest_dn) or exported.domain_dn)
    names |= {
        index.objects[key].distinguished_name for value, key in index.by_sid.items() if sid_to_text(value) in sids
    }
    if same_forest:
        names |= {principal.distinguished_name, *principal.group_names.values()}
    known = {sid_to_text(value) for value in index.by_sid}
    unnamed = principal.global_groups - principal.group_names.keys() - known
    if same_forest and not same_domain and unnamed:
        obstacles.append(
            "groups of another domain whose name isn't known may be members: " + ", ".join(sorted(unnamed))
        )
    membership = exported.membership(names)
    sids |= {sid for group in membership.groups.values() if (sid := group.sid())}
    primary = next((sid for sid in principal.global_groups if sid not in principal.group_names), None)
    if not same_domain and (missing := exported.obstacle()):
        obstacles.append(missing)
    outside: frozenset[str] = frozenset()
    if obstacles and not unnamed and principal.sid:
        outside = exported.surely_outside(membership, None if primary in known else primary) - sids
    return Token(
        sids=frozenset(sids),
        complete=not obstacles,
        source=f"member, memberOf and primaryGroupID of {principal.distinguished_name}",
        account_sid=principal.sid,
        outside=outside,
        obstacle="; ".join(dict.fromkeys(obstacles)),
    )


def _is_selective(index: Index, principal: Principal) -> bool | None:
    """Whether the trust to the principal's forest uses selective authentication; None: the export doesn't say."""
    for _, trust in index.of_class("trusteddomain"):
        partner = ",".join(f"DC={label}" for label in (trust.text("trustPartner") or "").split("."))
        same = bool(principal.forest_dn) and normal_form(partner) == normal_form(principal.forest_dn)
        if same or trust.sid("securityIdentifier") == principal.domain_sid:
            attributes = trust.integer("trustAttributes")
            return None if attributes is None else bool(attributes & _CROSS_ORGANIZATION)
    return None


def is_security_group(group: Entry) -> bool | None:
    """None: its groupType isn't in the export."""
    kind = group.integer("groupType")
    return None if kind is None else bool(kind & _SECURITY_GROUP)


def _short_hash(name: str) -> int:
    return hash(name) & 0xFFFFFFFF


def _is_member(attribute: str) -> bool:
    return attribute.lower().partition(";")[0] == "member"


def _are_foreign(members: Sequence[str], base: str) -> bool:
    """Whether some are neither of this domain nor well known, and so bring memberships from elsewhere along."""
    here, strangers = f",{base}", f",cn=foreignsecurityprincipals,{base}"
    return any(
        not member.endswith(here) or (member.startswith("cn=s-1-5-21-") and member.endswith(strangers))
        for member in members
    )
