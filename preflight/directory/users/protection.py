"""Protected accounts: those whose descriptor AdminSDHolder overwrites (MS-ADTS 3.1.1.6.1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from preflight.directory.access.sid import sid_from_text
from preflight.directory.distinguished_name import normalise, parent
from preflight.directory.model import Domain, Entry, User
from preflight.directory.port import Directory
from preflight.directory.users.membership import GROUP_ATTRIBUTES, Membership, members_of

OPERATORS = {"S-1-5-32-548": 1, "S-1-5-32-549": 2, "S-1-5-32-550": 4, "S-1-5-32-551": 8}
"""Account, Server, Print and Backup Operators, with the bits of dSHeuristics character 16 that exclude them."""

BUILTIN_GROUPS = ("S-1-5-32-544", *OPERATORS, "S-1-5-32-552")
DOMAIN_GROUPS = (512, 518, 519)
"""RIDs of Domain, Schema and Enterprise Admins; the latter two exist in the forest root domain only."""

PROTECTED_USERS = (500, 502)
"""RIDs of Administrator and krbtgt."""

_MOST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Protection:
    """Who is protected in a domain, and through which groups.

    Attributes:
        membership: of the protected groups.
        doubtful: of groups that may be excluded from protection: the operators, where dSHeuristics can't be read.
        sids: of accounts that are protected by themselves.
        obstacle: why there may be more; "" = these are surely all.
    """

    membership: Membership
    sids: frozenset[str]
    obstacle: str = ""
    doubtful: Membership = field(default_factory=Membership)
    _raw_sids: frozenset[bytes] = field(init=False, repr=False, compare=False)
    _homes: frozenset[str] = field(init=False, repr=False, compare=False)
    """Normalised DNs of the containers that members stand directly in."""
    _harmless: dict[tuple[str, bytes], bool] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_raw_sids", frozenset(map(sid_from_text, self.sids)))
        # A normalised name may be taken apart at its commas.
        members = (*self.membership.paths, *self.doubtful.paths)
        object.__setattr__(self, "_homes", frozenset(name.partition(",")[2] for name in members))

    @property
    def doubt(self) -> str:
        """Why it may not be told whether somebody is protected."""
        return self.obstacle or "dSHeuristics, which may exclude the operators' groups, could not be read"

    def path(self, user: User) -> tuple[str, ...] | None:
        """The groups that protect the user; () if it is protected by itself; None if not by what is known."""
        found = self.membership.path(user)
        if found is None and (own := user.raw.get("objectSid")) and own[0] in self._raw_sids:
            return ()
        return found

    def protects(self, user: User, container: str | None = None) -> bool | None:
        """None: can't be told, because not all groups could be read and adminCount doesn't exclude it.

        Args:
            container: the DN that the user stands directly in, if it is known.
        """
        raw = user.raw
        primary, own = raw.get("primaryGroupID"), raw.get("objectSid")
        place = container or parent(user.distinguished_name), primary[0] if primary else b""
        harmless = self._harmless.get(place)
        if harmless is None:
            harmless = self._look_at(place, user)
        if not harmless or (own and own[0] in self._raw_sids):
            if self.path(user) is not None:
                return True
            if self.doubtful.path(user) is not None:
                return None
        if not self.obstacle:
            return False
        return False if user.has("userAccountControl") and not user.integer("adminCount") else None

    def _look_at(self, place: tuple[str, bytes], user: User) -> bool:
        """Whether no group protects anybody who stands in the user's container and has the same primary group: so it is
        nearly everywhere, and is remembered."""
        rid = user.integer("primaryGroupID")
        named = rid in self.membership.primary_groups or rid in self.doubtful.primary_groups
        harmless = not named and normalise(place[0]) not in self._homes
        if len(self._harmless) >= _MOST_REMEMBERED:
            self._harmless.clear()
        self._harmless[place] = harmless
        return harmless


def read_protection(directory: Directory, domain: Domain) -> Protection:
    """Everyone in the protected groups.

    Raises:
        Unavailable: the directory can't answer.
    """
    excluded = _excluded_operators(domain.ds_heuristics)
    operators = [sid for sid, bit in OPERATORS.items() if not bit & excluded]
    sids = [sid for sid in BUILTIN_GROUPS if sid not in OPERATORS]
    if domain.sid:
        sids += [f"{domain.sid}-{rid}" for rid in DOMAIN_GROUPS]
    groups = directory.objects_by_sid([*sids, *operators], GROUP_ATTRIBUTES)
    surely = [group for group in groups if domain.ds_heuristics is not None or group.sid() not in OPERATORS]
    membership = members_of(directory, surely)
    doubtful = members_of(directory, [group for group in groups if group not in surely])
    return Protection(
        membership=membership,
        doubtful=doubtful,
        sids=frozenset(f"{domain.sid}-{rid}" for rid in PROTECTED_USERS) if domain.sid else frozenset(),
        obstacle=_obstacle(
            [*operators, *(sid for sid in sids if sid in BUILTIN_GROUPS)],
            groups,
            complete=membership.complete and doubtful.complete,
        ),
    )


def _obstacle(builtin: Sequence[str], groups: Sequence[Entry], *, complete: bool) -> str:
    if not {group.sid() for group in groups}.issuperset(builtin):
        return "not every protected group could be read"
    if not any(group.has("member") for group in groups):
        return "the members of the protected groups could not be read"
    return "" if complete else "too many nested groups"


def _excluded_operators(ds_heuristics: str | None) -> int:
    """The bits of dSHeuristics character 16, a hexadecimal digit (MS-ADTS 6.1.1.2.4.1.2)."""
    if ds_heuristics and len(ds_heuristics) >= 16:
        try:
            return int(ds_heuristics[15], 16)
        except ValueError:
            return 0
    return 0
