"""The access check over many users: `RightsDecider`, and the names that go with it.

Most users of a domain share a few DACLs. So a decision is made once per distinct DACL and remembered, and made from the
raw bytes: a sieve passes over entries that can't matter without making objects of them, and what it lets through is
judged by `check`, the only evaluator there is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from preflight.directory.access.check import Effect, Standing, View, decide, mask_for, standing
from preflight.directory.access.rights import (
    DECISION_CODES,
    DEFAULT_SCHEMA,
    MALFORMED,
    UNREADABLE,
    AccessSchema,
    Answer,
    Decision,
    Right,
    Rights,
)
from preflight.directory.access.security_descriptor import ALLOW_TYPES, DENY_TYPES, Ace, MalformedDescriptor, parts_of
from preflight.directory.access.sid import domain_of, sid_from_text, sid_to_text
from preflight.directory.access.sieve import Entries, Sieve, trustees_of
from preflight.directory.model import NEVER_IN_A_TOKEN, OWNER_RIGHTS, PRINCIPAL_SELF, WELL_KNOWN_SIDS, Token, User

__all__ = [
    "DECIDER_ATTRIBUTES",
    "DECISION_CODES",
    "DEFAULT_SCHEMA",
    "USER_RIGHTS",
    "AccessSchema",
    "Answer",
    "Decision",
    "Right",
    "Rights",
    "RightsDecider",
    "decide",
]

USER_RIGHTS = (Right.RESET_PASSWORD, Right.WRITE_LOCKOUT_TIME, Right.WRITE_PWD_LAST_SET, Right.CHANGE_PASSWORD)
"""The columns of the per-user table."""

DECIDER_ATTRIBUTES = frozenset({"nTSecurityDescriptor", "objectSid", "objectClass", "primaryGroupID"})
"""What a `RightsDecider` looks at."""

IsMember = Callable[[User, str], "bool | None"]
"""Whether a user belongs to the group with that SID, nested groups included; None: can't tell."""

REMEMBERED_BYTES = 16 << 20
"""How much of distinct DACLs a decider remembers, in bytes."""

REMEMBERED_DECISIONS = 100_000

_REMEMBERED_ENTRIES = 20_000
_REMEMBERED_SHELLS = 10_000
_REMEMBERED_VIEWS = 64

_ANY_USER = Token(WELL_KNOWN_SIDS, complete=False, source="any user")
_EVERY_USERS_OWN = WELL_KNOWN_SIDS | {PRINCIPAL_SELF}

# How the object's own SID stands to the token; the last: it could not be read.
_SELF = (
    (Standing.OUTSIDE, ""),
    (Standing.INSIDE, ""),
    (Standing.DOUBTFUL, "incomplete-token"),
    (Standing.DOUBTFUL, "object-sid-unknown"),
)
_OUTSIDE = int(Standing.OUTSIDE)
_NO_SID = 3

_Key = tuple[bytes, tuple[int, int], int, bytes | None]
"""DACL, control bits and standing of the owner, standing of the object itself, and its class (None = no entry names a
class)."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    """The decisions on a DACL.

    Attributes:
        per_class: an entry names a class: look again, with the class in the key.
        contested: on which the user's own right to change his password hangs, where it isn't the same for all users.
    """

    rights: Rights
    per_class: bool = False
    contested: tuple[tuple[int, Ace], ...] = ()


class RightsDecider:
    """Decides the rights of one account on many users of one domain. Not to be shared by threads.

    A decision is remembered per distinct DACL with its control bits, whether the object's owner and the object itself
    are in the token, and the object's class where an entry names a class.

    `Right.CHANGE_PASSWORD` is decided with the user's own token: own SID, SELF, Everyone, Authenticated Users, NETWORK,
    This Organization, the primary group, and the groups that `is_member` knows.

    Args:
        token: the account's, in the users' domain.
        rights: what is decided.
        schema: of the forest.
        is_member: asked only about SIDs on which an answer hangs; without it such an answer is unknown.
        remember: how much of distinct DACLs is remembered, in bytes.
    """

    def __init__(
        self,
        token: Token,
        rights: Sequence[Right] = USER_RIGHTS,
        *,
        schema: AccessSchema = DEFAULT_SCHEMA,
        is_member: IsMember | None = None,
        remember: int = REMEMBERED_BYTES,
    ) -> None:
        self.token = token
        self._remember_bytes = remember
        self.rights = tuple(rights)
        self._schema = schema
        self._is_member = is_member
        self._account_rights = tuple(right for right in self.rights if right is not Right.CHANGE_PASSWORD)
        self._own_change = Right.CHANGE_PASSWORD in self.rights
        self._complete = token.complete
        self._token_sids = frozenset(sid_from_text(sid) for sid in token.sids)
        self._class_names = {name.encode(): name for name in schema.classes}
        self._class_guids = frozenset(schema.classes.values())
        self._sieve = self._make_sieve(class_known=True)
        self._wide_sieve = self._make_sieve(class_known=False)
        self._views: dict[tuple[int, int, bytes], _Views] = {}
        self._shells: dict[tuple[bytes, int, bytes], tuple[int, int]] = {}
        self._recent: dict[_Key, _Remembered] = {}
        self._older: dict[_Key, _Remembered] = {}
        self._recent_bytes = 0
        self._unreadable: Rights = MappingProxyType(dict.fromkeys(self.rights, UNREADABLE))
        self._malformed: Rights = MappingProxyType(dict.fromkeys(self.rights, MALFORMED))

    def __call__(self, user: User) -> Rights:
        """The decisions on one user, from `DECIDER_ATTRIBUTES`."""
        raw = user.raw
        values = raw.get("nTSecurityDescriptor")
        if not values:
            return self._unreadable
        data = values[0]
        dacl_at = int.from_bytes(data[16:20], "little")
        size = int.from_bytes(data[dacl_at + 2 : dacl_at + 4], "little")
        own = raw.get("objectSid")
        classes = raw.get("objectClass")
        object_class = classes[-1] if classes else b""
        try:
            # What surrounds the DACL is remembered too: users differ in their DACLs or owners, rarely in both.
            shell = self._shells.get((data[:dacl_at], size, data[dacl_at + size :])) or self._look_at_shell(data)
            if shell is None:
                return self._unreadable
            key: _Key = (
                data[dacl_at : dacl_at + size],
                shell,
                # Nearly every user has a SID of the usual length, and it is in no token but his own.
                _OUTSIDE
                if own and self._complete and len(own[0]) == 28 and own[0] not in self._token_sids
                else self._standing_of(own),
                None if object_class in self._class_names else object_class,
            )
            remembered = self._recent.get(key) or self._remember(key, object_class)
            if remembered.per_class and key[3] is None:
                key = (*key[:3], object_class)
                remembered = self._recent.get(key) or self._remember(key, object_class)
        except MalformedDescriptor:
            return self._malformed
        return self._with_own_change(user, remembered, object_class) if remembered.contested else remembered.rights

    @property
    def remembered_bytes(self) -> int:
        """How much of distinct DACLs is remembered."""
        return sum(len(key[0]) for generation in (self._recent, self._older) for key in generation)

    def _look_at_shell(self, data: bytes) -> tuple[int, int] | None:
        """Control bits and the owner's standing; None: there is no DACL."""
        control, owner, group, dacl = parts_of(data)
        if dacl is None:
            return None
        shell = control, int(standing(self.token, sid_to_text(owner) if owner else None))
        dacl_at = int.from_bytes(data[16:20], "little")
        end = dacl_at + len(dacl)
        sids = ((int.from_bytes(data[at : at + 4], "little"), len(sid)) for at, sid in ((4, owner), (8, group)))
        if all(at == 0 or at >= end or at + size <= dacl_at for at, size in sids):
            if len(self._shells) >= _REMEMBERED_SHELLS:
                self._shells.clear()
            self._shells[data[:dacl_at], len(dacl), data[end:]] = shell
        return shell

    def _standing_of(self, own: Sequence[bytes] | None) -> int:
        if not own:
            return _NO_SID
        if own[0] in self._token_sids:
            return Standing.INSIDE
        try:
            return standing(self.token, sid_to_text(own[0]))
        except ValueError:
            return _NO_SID

    def _remember(self, key: _Key, object_class: bytes) -> _Remembered:
        remembered = self._older.get(key)
        if remembered is None:
            remembered = self._judge(key, object_class)
        if self._recent_bytes > self._remember_bytes // 2 or len(self._recent) >= REMEMBERED_DECISIONS // 2:
            self._older, self._recent, self._recent_bytes = self._recent, {}, 0
        self._recent[key] = remembered
        self._recent_bytes += len(key[0])
        return remembered

    def _judge(self, key: _Key, object_class: bytes) -> _Remembered:
        dacl, (_, owner), own, _ = key
        views = self._views_of(owner, own, object_class)
        sieve = self._sieve if object_class in self._class_names else self._wide_sieve
        entries, strangers = sieve.select(dacl)
        seen = [(index, views.entries.get(entry) or views.look_at(entry)) for index, entry in entries]
        rights = views.account.resolve([(index, one.account) for index, one in seen if one.account])
        contested: tuple[tuple[int, Ace], ...] = ()
        if self._own_change:
            change = self._change_of_any(views, seen)
            if strangers and _may_turn(change, strangers):
                seen += [(index, views.entries.get(entry) or views.look_at(entry)) for index, entry in strangers]
                seen.sort(key=lambda place: place[0])
                change = self._change_of_any(views, seen)
            rights[Right.CHANGE_PASSWORD] = change
            if change.unknown and any(one.user and one.ace.sid not in _EVERY_USERS_OWN for _, one in seen):
                contested = tuple((index, one.ace) for index, one in seen if one.user)
        per_class = any(one.ace.object_type in self._class_guids for _, one in seen)
        return _Remembered(MappingProxyType({right: rights[right] for right in self.rights}), per_class, contested)

    @staticmethod
    def _change_of_any(views: _Views, seen: Sequence[tuple[int, _Seen]]) -> Decision:
        """The user's own right as far as it is the same for any user."""
        return views.user.resolve([(index, one.user) for index, one in seen if one.user])[Right.CHANGE_PASSWORD]

    def _with_own_change(self, user: User, remembered: _Remembered, object_class: bytes) -> Rights:
        """The decisions, where the user's right to change his password hangs on who he is."""
        descriptor = user.raw["nTSecurityDescriptor"][0]
        _, owner_sid, _, _ = parts_of(descriptor)
        owner = sid_to_text(owner_sid) if owner_sid else None
        named = {ace.sid for _, ace in remembered.contested}
        if OWNER_RIGHTS in named and owner:
            named.add(owner)
        token = self._token_of(user, named)
        view = self._own_view(token, standing(token, owner), object_class)
        return MappingProxyType({**remembered.rights, **view.decide(remembered.contested)})

    def _token_of(self, user: User, named: set[str]) -> Token:
        """The user's own token, as far as these SIDs go."""
        inside: set[str] = set(WELL_KNOWN_SIDS)
        outside: set[str] = set()
        own = user.sid()
        primary = user.integer("primaryGroupID")
        if own is not None:
            inside.add(own)
            if primary is not None:
                inside.add(f"{domain_of(own)}-{primary}")
        for sid in sorted(named - inside - NEVER_IN_A_TOKEN):
            member = self._is_member(user, sid) if self._is_member else None
            if member is not None:
                (inside if member else outside).add(sid)
        return Token(
            frozenset(inside),
            complete=False,
            source="the user's own",
            account_sid=own or "",
            outside=frozenset(outside),
        )

    def _own_view(self, token: Token, owner: Standing, object_class: bytes) -> View:
        # Whoever changes his password is the object itself, so SELF is in his token even if his SID wasn't readable.
        rights = (Right.CHANGE_PASSWORD,) if self._own_change else ()
        return View(token, rights, self._schema, owner, _SELF[Standing.INSIDE], object_class.decode("utf-8", "replace"))

    def _views_of(self, owner: int, own: int, object_class: bytes) -> _Views:
        views = self._views.get((owner, own, object_class))
        if views is None:
            name = object_class.decode("utf-8", "replace")
            account = View(self.token, self._account_rights, self._schema, Standing(owner), _SELF[own], name)
            views = _Views(account, self._own_view(_ANY_USER, Standing.DOUBTFUL, object_class))
            if len(self._views) >= _REMEMBERED_VIEWS:
                self._views.clear()
            self._views[owner, own, object_class] = views
        return views

    def _make_sieve(self, *, class_known: bool) -> Sieve:
        def objects(rights: Collection[Right]) -> frozenset[bytes] | None:
            if not class_known or Right.READ_CONTROL in rights:
                return None
            named = self._class_guids.union(*(self._schema.names(right) for right in rights))
            return frozenset(guid.bytes_le for guid in named)

        def bits(rights: Collection[Right]) -> int:
            # An entry for OWNER RIGHTS counts for READ_CONTROL whatever its mask, and whatever it is about.
            return 0xFFFFFFFF if Right.READ_CONTROL in rights else mask_for(right.access for right in rights)

        change = (Right.CHANGE_PASSWORD,) if self._own_change else ()
        return Sieve(
            bits=bits(self.rights),
            objects=objects(self.rights),
            trustees=trustees_of(self.token, WELL_KNOWN_SIDS if self._own_change else ()),
            open_bits=bits(change),
            open_objects=objects(change),
        )


def _may_turn(decision: Decision, strangers: Entries) -> bool:
    """Whether entries for SIDs that the user may or may not have could turn a decision made without them."""
    if decision.unknown:
        return True
    turning = DENY_TYPES if decision.allowed else ALLOW_TYPES
    return any(entry[0] in turning and (decision.index is None or index < decision.index) for index, entry in strangers)


class _Views:
    """An entry seen with the account's token and with any user's own, each remembered."""

    def __init__(self, account: View, user: View) -> None:
        self.account = account
        self.user = user
        self.entries: dict[bytes, _Seen] = {}

    def look_at(self, entry: bytes) -> _Seen:
        ace = Ace.parse(entry)
        seen = _Seen(ace, self.account.effect(ace), self.user.effect(ace))
        if len(self.entries) >= _REMEMBERED_ENTRIES:
            self.entries.clear()
        self.entries[entry] = seen
        return seen


@dataclass(frozen=True, slots=True)
class _Seen:
    ace: Ace
    account: Effect | None
    user: Effect | None
