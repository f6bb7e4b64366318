"""The protocol of one domain, read only: a live DC (live/ldap.py) and an LDIF export (export/ldif.py) implement it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from preflight.api import Unavailable
from preflight.directory.model import (
    Container,
    CrossReference,
    Domain,
    Entry,
    FineGrainedPolicies,
    Principal,
    RootDse,
    Token,
    User,
)

USER_ACCOUNT = 805306368
"""sAMAccountType of users and inetOrgPersons; not computers, gMSAs, trust accounts."""


class Directory(Protocol):
    """One domain. Safe to use from several threads.

    Every method raises `preflight.api.Unavailable` when the directory can't answer (connection lost, time-out,
    refused, truncated): an answer that is returned is whole. What a reader may not see is simply absent from the
    answer; nobody says "denied".
    """

    @property
    def name(self) -> str:
        """The domain's DNS name, lower case."""

    @property
    def origin(self) -> str:
        """Where the answers come from, for the report: "dc1.corp.contoso.com:636 as reader@..." or a file."""

    @property
    def live(self) -> bool:
        """A domain controller answers; False: an export, without constructed attributes such as tokenGroups."""

    def root_dse(self) -> RootDse:
        """Of the DC in use."""

    def domain(self) -> Domain:
        """The domain's head, its policy and its descriptor."""

    def forest_domains(self) -> Sequence[CrossReference]:
        """The domains of the forest, from CN=Partitions in the configuration partition."""

    def users(self, attributes: Collection[str], search_base: str | None = None) -> Iterator[Sequence[User]]:
        """All users (sAMAccountType = USER_ACCOUNT) under the base, a page at a time, descriptors with SD flags 7.

        The next page is under way before one is yielded.

        Raises:
            Unavailable: also midway; pages already yielded stay good. A search base that doesn't exist has code
                "no-such-object".
        """

    def move_on(self, because: Unavailable) -> None:
        """Leave the controller in use, which failed, for another one of the domain; `origin` then names both.

        Raises:
            Unavailable: there is no other, or another would say the same: the reason given, perhaps with more.
        """

    def find(self, who: str, attributes: Collection[str], *, anchors: Collection[str] = ()) -> Sequence[User]:
        """Users that the name means, in any of its `naming.readings`. None, one or several.

        Args:
            anchors: the attributes that may hold the source anchor. With these, anchors and mail addresses are names,
                too; without, as for the connector account, names of accounts alone.
        """

    def clock(self) -> datetime | None:
        """The controller's clock (currentTime of the rootDSE); of an export: when it was made. None: not known."""

    def connector_candidates(self, attributes: Collection[str]) -> Sequence[User]:
        """Users that may be Entra Connect's connector account: by name (MSOL_*) or by description."""

    def read(self, distinguished_name: str, attributes: Collection[str]) -> Entry | None:
        """One object (base scope); None: not there, or not visible. nTSecurityDescriptor comes with SD flags 7."""

    def principal(self, account: User) -> Principal:
        """The account, which lives in this domain, with its groups: what `token` needs, here or in another domain."""

    def token(self, principal: Principal) -> Token:
        """The principal's token *in this domain* (domain.md section 4).

        The principal may live in another domain of the same forest (in groups of this domain it stands as its plain
        DN) or in another forest (it stands as its foreign security principal).
        """

    def reader_token(self) -> Token | None:
        """The token of whoever is reading (tokenGroups of the rootDSE); None for an export."""

    def containers(self) -> Mapping[str, Container]:
        """Everything that can hold users (domain head, OUs, containers), by normalised DN."""

    def fine_grained_policies(self) -> FineGrainedPolicies:
        """The fine-grained password policies, and whether that is all of them."""

    def objects_by_sid(self, sids: Collection[str], attributes: Collection[str]) -> Sequence[Entry]:
        """Objects with these SIDs, whatever their class."""

    def matching(
        self, attribute: str, values: Collection[bytes], attributes: Collection[str], *, users_only: bool = False
    ) -> Sequence[Entry]:
        """Objects of the domain whose attribute equals one of the values (batched OR filters, raw values escaped).

        For few values: members of duplicates, groups by DN. With `users_only` the entries are `User`s.
        """

    def close(self) -> None:
        """Unbind. The directory may not be used afterwards."""
