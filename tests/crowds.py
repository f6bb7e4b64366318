"""Generated users and a directory that hands them out, for what needs many of them or faults on cue.

::

    directory = CrowdDirectory(lambda: (user(number) for number in range(100_000)))
    survey = surveyed(directory)                      # with the real judge: survey[Blocked]
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from descriptors import DOMAIN, descriptor, sid

from preflight.api import Unavailable
from preflight.directory.access import guids
from preflight.directory.access.decider import RightsDecider
from preflight.directory.access.rights import Right
from preflight.directory.access.security_descriptor import SecurityDescriptor
from preflight.directory.distinguished_name import normalise
from preflight.directory.model import WELL_KNOWN_SIDS, Container, Domain, Entry, Token, User
from preflight.directory.users.blocked import Blocked
from preflight.directory.users.judgement import Judgement, UserJudge
from preflight.directory.users.membership import Membership
from preflight.directory.users.protection import Protection
from preflight.directory.users.scope import Scope
from preflight.directory.users.survey import Survey

BASE = "DC=corp,DC=contoso,DC=test"
CONNECTOR = f"{DOMAIN}-1105"
RESET = str(guids.RESET_PASSWORD)
TOKEN = Token(WELL_KNOWN_SIDS | {CONNECTOR}, complete=True, source="test", account_sid=CONNECTOR)
PAGE = 1000

EVERYTHING = f"O:DAG:DAD:AI(A;CIID;CRWP;;;{CONNECTOR})(OA;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;WD)"
"""All that writeback needs, inherited."""
NOTHING = "O:DAG:DAD:AI(A;CIID;RPLC;;;AU)"
GRANTED = f"O:DAG:DAD:(A;CI;CRWP;;;{CONNECTOR})"
"""On the domain's head: what EVERYTHING is inherited from."""


def user(number: int, sddl: str | bytes = EVERYTHING, *, dn: str = "", **attributes: object) -> User:
    """An enabled user of that number; attributes as text, number, bytes, a list of these, or None to leave it out."""
    name = dn or f"CN=User {number:06},OU=Site {number % 50:02},{BASE}"
    raw: dict[str, object] = {
        "objectClass": ["top", "person", "organizationalPerson", "user"],
        "sAMAccountName": f"user{number:06}",
        "userPrincipalName": f"user{number:06}@corp.contoso.test",
        "userAccountControl": 0x200,
        "objectGUID": struct.pack("<QQ", number, 7),
        "objectSid": sid(f"{DOMAIN}-{10_000 + number}"),
        "primaryGroupID": 513,
        "nTSecurityDescriptor": sddl if isinstance(sddl, bytes) else descriptor(sddl),
        **{key.replace("_", "-"): value for key, value in attributes.items()},
    }
    return User(name, {key: _values(value) for key, value in raw.items() if value is not None})


def _values(value: object) -> list[bytes]:
    if isinstance(value, list):
        return [each for part in value for each in _values(part)]
    return [value if isinstance(value, bytes) else str(value).encode()]


class CrowdDirectory:
    """A domain's users, made afresh for each reading, in pages.

    Args:
        users: the users, in the order in which the next controller answers with them.
        breaks: for each controller in turn, after how many pages it fails; None: it doesn't.
        live: whether the domain is read from controllers.
    """

    def __init__(
        self,
        users: Callable[[], Iterable[User]],
        *,
        breaks: Sequence[int | None] = (None,),
        live: bool = True,
        page: int = PAGE,
        containers: Mapping[str, str] | None = None,
    ) -> None:
        self.name = "corp.contoso.test"
        self.live = live
        self.readings = 0
        self.left: list[str] = []
        self.page = page
        self._users = users
        self._breaks = list(breaks)
        self._containers = {BASE: GRANTED, **(containers or {})}

    @property
    def origin(self) -> str:
        return f"controller {len(self.left)}"

    def users(self, attributes: Iterable[str], search_base: str | None = None) -> Iterator[Sequence[User]]:
        self.readings += 1
        found = iter(self._users())
        for number in itertools.count():
            if self._breaks and self._breaks[0] == number:
                raise Unavailable(f"{self.origin}: the connection was lost", code="connection-lost")
            page = list(itertools.islice(found, self.page))
            if not page:
                return
            yield page

    def move_on(self, because: Unavailable) -> None:
        if len(self._breaks) < 2:
            raise because
        self.left.append(self.origin)
        self._breaks.pop(0)

    def reader_token(self) -> Token | None:
        return None

    def containers(self) -> Mapping[str, Container]:
        return {
            normalise(dn): Container(dn, "organizationalUnit", SecurityDescriptor.parse(descriptor(sddl)))
            for dn, sddl in self._containers.items()
        }


def domain() -> Domain:
    return Domain(
        name="corp.contoso.test",
        distinguished_name=BASE,
        forest="corp.contoso.test",
        forest_dn=BASE,
        sid=DOMAIN,
        pdc_host="",
        policy=None,
        security_descriptor=None,
        head=Entry(BASE, {}),
        ds_heuristics="",
    )


def judge(
    containers: Mapping[str, Container] | None = None,
    *,
    protection: Protection | None = None,
    token: Token = TOKEN,
    anchor: str | None = None,
) -> UserJudge:
    """The real one, on a domain whose head grants all that writeback needs."""
    rights = (
        Right.RESET_PASSWORD,
        Right.WRITE_LOCKOUT_TIME,
        Right.WRITE_PWD_LAST_SET,
        Right.CHANGE_PASSWORD,
        Right.CONNECTOR_CHANGE_PASSWORD,
    )
    found = containers if containers is not None else CrowdDirectory(lambda: ()).containers()
    return UserJudge(
        domain(), RightsDecider(token, rights), protection or Protection(Membership(), frozenset()), found, anchor
    )


def surveyed(
    directory: CrowdDirectory,
    scope: Scope | None = None,
    *,
    sink: Callable[[Judgement, UserJudge], None] | None = None,
    **options: object,
) -> Survey:
    blocked = Blocked(judge(directory.containers()), sink)
    return Survey(
        directory, scope or Scope(), {Blocked: blocked}, domain_dn=BASE, containers=directory.containers, **options
    )


def guid(number: int) -> str:
    """As rows show the user of that number."""
    return str(UUID(bytes_le=struct.pack("<QQ", number, 7)))
