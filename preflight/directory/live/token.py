"""Assembling tokens from a live directory (domain.md section 4; MS-ADTS 3.1.1.4.5.19, MS-DTYP 2.5.3).

`tokenGroups` of an object is what its own domain puts into its token. The judged domain then adds its groups that
have any of those principals, or a well-known one, as member, and the groups that have those groups, and so on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from preflight.directory.access.sid import domain_of
from preflight.directory.distinguished_name import normalise
from preflight.directory.foreign_principals import names_in_member
from preflight.directory.live import ldap_filter
from preflight.directory.model import (
    OTHER_ORGANIZATION,
    THIS_ORGANIZATION,
    WELL_KNOWN_SIDS,
    Entry,
    Principal,
    RootDse,
    Token,
    User,
)

_SECURITY_GROUP = 0x80000000
_GLOBAL_OR_UNIVERSAL = 0x2 | 0x8
_CROSS_ORGANIZATION = 0x10
"""trustAttributes: selective authentication (MS-ADTS 6.1.6.7.9)."""


class Groups(Protocol):
    """What of a live domain tokens are made from."""

    @property
    def name(self) -> str: ...

    @property
    def origin(self) -> str: ...

    def root_dse(self) -> RootDse: ...

    def read(self, distinguished_name: str, attributes: Collection[str]) -> Entry | None: ...

    def search(self, filter: str, attributes: Collection[str], base: str | None = None) -> Iterable[Entry]: ...

    def objects_by_sid(self, sids: Collection[str], attributes: Collection[str]) -> Iterable[Entry]: ...


def principal_of(home: Groups, account: User) -> Principal:
    """The account with its groups, from its own domain."""
    attributes = ("objectSid", "sIDHistory", "primaryGroupID", "tokenGroups", "tokenGroupsGlobalAndUniversal")
    entry = home.read(account.distinguished_name, attributes) or account
    sid = entry.sid() or account.sid() or ""
    domain_sid = domain_of(sid)
    primary_id = entry.integer("primaryGroupID")
    primary = f"{domain_sid}-{primary_id}" if primary_id is not None and sid else ""
    token_groups = frozenset(entry.sids("tokenGroups"))
    global_groups = frozenset(entry.sids("tokenGroupsGlobalAndUniversal"))
    obstacle = _obstacle(entry, token_groups, primary)
    if token_groups and not global_groups:
        global_groups, unreadable = _without_local_groups(home, token_groups)
        obstacle = obstacle or (f"the type of {unreadable} groups can't be read" if unreadable else "")
    if primary:
        global_groups |= {primary}
    if obstacle:
        # What can be found without tokenGroups surely counts; it is only not known to be all.
        found, _ = _closure(home, [account.distinguished_name, *_names(home, [primary] if primary else [])])
        for group in found:
            kind = group.integer("groupType") or 0
            if kind & _GLOBAL_OR_UNIVERSAL:
                global_groups |= {group.sid() or ""} - {""}
            else:
                token_groups |= {group.sid() or ""} - {""}
    return Principal(
        distinguished_name=account.distinguished_name,
        sid=sid,
        domain=home.name,
        domain_sid=domain_sid,
        forest_dn=home.root_dse().forest_dn,
        sid_history=entry.sids("sIDHistory"),
        global_groups=global_groups,
        local_groups=token_groups - global_groups,
        complete=not obstacle,
        obstacle=obstacle,
        group_names=_dns_by_sid(home, global_groups),
    )


def token_in(judged: Groups, principal: Principal) -> Token:
    """The principal's token in the judged domain."""
    same_domain = principal.domain == judged.name
    same_forest = same_domain or _same_name(principal.forest_dn, judged.root_dse().forest_dn)
    obstacles = [principal.obstacle] if principal.obstacle else []

    sids = {principal.sid, *principal.global_groups, *WELL_KNOWN_SIDS} - {""}
    if same_domain:
        sids |= principal.local_groups
    if same_forest:
        sids.update(principal.sid_history)
    else:
        sids, selective = _across_forests(judged, principal, sids)
        if selective is None:
            obstacles.append("whether the trust uses selective authentication can't be read (CN=System)")

    names, unresolved = _member_names(judged, principal, sids, same_domain=same_domain, same_forest=same_forest)
    if unresolved:
        obstacles.append(
            "groups of another domain whose name isn't known may be members of groups here: "
            + ", ".join(sorted(unresolved))
        )
    groups, unreadable = _closure(judged, names)
    for group in groups:
        sid = group.sid()
        if sid:
            sids.add(sid)
    if unreadable:
        obstacles.append(f"{unreadable} groups could be seen but not read")
    how = "tokenGroups" if principal.complete else "member"
    return Token(
        sids=frozenset(sids),
        complete=not obstacles,
        source=f"{how} of {principal.distinguished_name}, and the groups of {judged.name}",
        account_sid=principal.sid,
        obstacle="; ".join(obstacles),
    )


def _obstacle(entry: Entry, token_groups: frozenset[str], primary: str) -> str:
    if not token_groups:
        return "tokenGroups of the account can't be read"
    if not primary:
        return "primaryGroupID of the account can't be read"
    if primary not in token_groups:
        return f"tokenGroups came without the account's own primary group {primary}"
    return "" if entry.has("objectSid") else "objectSid of the account can't be read"


def _without_local_groups(home: Groups, token_groups: frozenset[str]) -> tuple[frozenset[str], int]:
    """The global and universal groups among them, and how many can't be told.

    In place of tokenGroupsGlobalAndUniversal, which its reader may lack. What isn't found in the home domain is a
    universal group of another: local groups of another domain aren't in tokenGroups.
    """
    local: set[str] = set()
    unreadable = 0
    for group in home.objects_by_sid(token_groups, ("objectSid", "groupType")):
        kind = group.integer("groupType")
        if kind is None:
            unreadable += 1
        elif not kind & _GLOBAL_OR_UNIVERSAL:
            local.add(group.sid() or "")
    return token_groups - local, unreadable


def _across_forests(judged: Groups, principal: Principal, sids: set[str]) -> tuple[set[str], bool | None]:
    """The SIDs that cross a forest trust, and whether it uses selective authentication (None: not readable)."""
    trusts = list(
        judged.search(
            "(objectClass=trustedDomain)",
            ("securityIdentifier", "trustAttributes", "trustPartner"),
            f"CN=System,{judged.root_dse().domain_dn}",
        )
    )
    forest = principal.forest_dn
    for trust in trusts:
        partner = ",".join(f"DC={label}" for label in (trust.text("trustPartner") or "").split("."))
        if trust.sid("securityIdentifier") == principal.domain_sid or _same_name(partner, forest):
            attributes = trust.integer("trustAttributes")
            if attributes is None:
                break
            if attributes & _CROSS_ORGANIZATION:
                return (sids - {THIS_ORGANIZATION}) | {OTHER_ORGANIZATION}, True
            return sids, False
    return sids - {THIS_ORGANIZATION}, None


def _member_names(
    judged: Groups, principal: Principal, sids: set[str], *, same_domain: bool, same_forest: bool
) -> tuple[set[str], set[str]]:
    """The names under which the SIDs may stand in `member` here, and the SIDs whose name isn't known.

    Principals of the same forest stand as their plain DN, others and well-known ones as their foreign security
    principal (MS-ADTS 6.1.1.4.10).
    """
    local = _dns_by_sid(judged, sids)
    names: set[str] = set(local.values())
    root = judged.root_dse()
    foreign = sids & WELL_KNOWN_SIDS | sids & {OTHER_ORGANIZATION}
    if not same_forest:
        foreign = sids
    names |= names_in_member(foreign, root.domain_dn, root.forest_dn)
    unresolved: frozenset[str] | set[str] = set()
    if same_forest:
        names.add(principal.distinguished_name)
        names.update(principal.group_names.values())
        if not same_domain:
            unresolved = principal.global_groups - principal.group_names.keys() - local.keys()
    return names, set(unresolved)


def _closure(domain: Groups, names: Iterable[str]) -> tuple[list[Entry], int]:
    """The domain's security groups that have one of the names as member, directly or through each other.

    Returns them, and how many groups can't be told to be security groups or not.
    """
    known: dict[str, Entry] = {}
    unreadable: set[str] = set()
    seen: set[str] = set()
    frontier = {normalise(name): name for name in names}
    while frontier:
        seen |= frontier.keys()
        following: dict[str, str] = {}
        for filter in ldap_filter.batches(ldap_filter.equal("member", name) for name in frontier.values()):
            for group in domain.search(filter, ("objectSid", "groupType")):
                key = normalise(group.distinguished_name)
                kind = group.integer("groupType")
                if kind is None or not group.has("objectSid"):
                    unreadable.add(key)
                elif kind & _SECURITY_GROUP:
                    known[key] = group
                    if key not in seen:
                        following[key] = group.distinguished_name
        frontier = following
    return list(known.values()), len(unreadable)


def _names(domain: Groups, sids: Collection[str]) -> list[str]:
    return list(_dns_by_sid(domain, sids).values())


def _dns_by_sid(domain: Groups, sids: Collection[str]) -> Mapping[str, str]:
    found = domain.objects_by_sid(sids, ("objectSid",)) if sids else ()
    return {entry.sid() or "": entry.distinguished_name for entry in found}


def _same_name(one: str, other: str) -> bool:
    return bool(one) and normalise(one) == normalise(other)
