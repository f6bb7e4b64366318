"""Evaluators with a fault, made from the product's own by changing what it is given.

A decider that looked at entries in another order decides as the real one does on a reordered DACL; one that ignored a
flag, as the real one does without that flag. So each fault is a change of the bytes, the token or the schema.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

from descriptors import acl

from preflight.directory.access.decider import DEFAULT_SCHEMA, AccessSchema, RightsDecider
from preflight.directory.access.rights import Right, Rights
from preflight.directory.model import Token, User

INHERIT_ONLY, INHERITED = 0x08, 0x10
ALLOWED, DENIED, ALLOWED_OBJECT, DENIED_OBJECT = 0, 1, 5, 6

Aces = list[bytes]


@dataclass(frozen=True, slots=True)
class Mutant:
    """
    Attributes:
        aces: what the fault makes of a DACL.
        token: what it makes of the connector account's token, whose own SID comes second.
    """

    name: str
    aces: Callable[[Aces], Aces] = list
    token: Callable[[Token, str], Token] = lambda token, _: token
    schema: AccessSchema = DEFAULT_SCHEMA

    def decider(self, token: Token, account_sid: str, rights: tuple[Right, ...]) -> Callable[[User], Rights]:
        decide = RightsDecider(self.token(token, account_sid), rights, schema=self.schema)

        def decide_mutated(user: User) -> Rights:
            if not user.has("nTSecurityDescriptor"):
                return decide(user)
            raw = {**user.raw, "nTSecurityDescriptor": [_with_aces(user.raw["nTSecurityDescriptor"][0], self.aces)]}
            return decide(User(user.distinguished_name, raw))

        return decide_mutated


def _canonical(aces: Aces) -> Aces:
    """Explicit before inherited, deny before allow: as an editor shows them, not as they are stored."""
    return sorted(aces, key=lambda ace: (ace[1] & INHERITED, ace[0] not in (DENIED, DENIED_OBJECT)))


def _denies_first(aces: Aces) -> Aces:
    return sorted(aces, key=lambda ace: ace[0] not in (DENIED, DENIED_OBJECT))


def _inherit_only_counts(aces: Aces) -> Aces:
    return [ace[:1] + bytes([ace[1] & ~INHERIT_ONLY]) + ace[2:] for ace in aces]


def _without_object_types(aces: Aces) -> Aces:
    """Object ACEs as plain ones: mask and SID stay."""
    changed = []
    for ace in aces:
        if ace[0] in (ALLOWED_OBJECT, DENIED_OBJECT):
            present = int.from_bytes(ace[8:12], "little")
            sid = ace[12 + 16 * (present & 1) + 16 * (present >> 1 & 1) :]
            body = ace[4:8] + sid
            ace = struct.pack("<BBH", ace[0] - ALLOWED_OBJECT, ace[1], 4 + len(body)) + body
        changed.append(ace)
    return changed


def _own_sid_only(token: Token, account_sid: str) -> Token:
    return replace(token, sids=frozenset({account_sid}), complete=True)


MUTANTS = (
    Mutant("sorts entries", _canonical),
    Mutant("lets every deny win", _denies_first),
    Mutant("ignores inherit-only", _inherit_only_counts),
    Mutant("own SID only", token=_own_sid_only),
    Mutant("ignores object types", _without_object_types),
    Mutant("ignores property sets", schema=AccessSchema(property_sets={})),
    Mutant("last match wins", lambda aces: aces[::-1]),
    Mutant("ignores denies", lambda aces: [ace for ace in aces if ace[0] not in (DENIED, DENIED_OBJECT)]),
)


def _with_aces(data: bytes, change: Callable[[Aces], Aces]) -> bytes:
    """The descriptor with its DACL's entries changed."""
    dacl_at = int.from_bytes(data[16:20], "little")
    count = int.from_bytes(data[dacl_at + 4 : dacl_at + 6], "little")
    aces, at = [], dacl_at + 8
    for _ in range(count):
        length = int.from_bytes(data[at + 2 : at + 4], "little")
        aces.append(data[at : at + length])
        at += length
    changed = acl(change(aces))
    # Nothing else moves: the new DACL is appended, and the offset says so.
    return data[:16] + struct.pack("<I", len(data)) + data[20:] + changed
