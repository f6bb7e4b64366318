"""Random delegations: a tree of OUs, groups in groups, users, and descriptors that nobody would write on purpose.

::

    scene = build(forest, seed=7)       # the same seed makes the same scene, but for the domain's own SID
    scene.base_dn                       # OU=Seed 7,...: everything is below it
    scene.people                        # DN and account of each user; the password is the standard one

What is varied: allow and deny, plain, object and conditional ACEs, in any order; grants of one right, one attribute,
its property set, the object's class, everything; generic bits; inherit-only, no-propagate, class-filtered; inheritance
off on OUs and users; empty DACLs and long ones; owners; users moved between OUs; trustees that are the connector
account itself, its groups (nested, in circles, domain-local, through its primary group), groups that it isn't in
(distribution groups among them), SELF, Everyone, builtin groups, CREATOR OWNER, OWNER RIGHTS. sIDHistory isn't: Samba
4.17 doesn't count it.

Descriptors are written as bytes, so that the order of explicit ACEs is the generator's; the DC appends what is
inherited. Whoever must be able to read them (Authenticated Users) is never denied reading: what a reader can't see is
another test's business.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from descriptors import descriptor
from lab.forest import (
    CHANGE_PASSWORD,
    INET_ORG_PERSON_CLASS,
    LOCKOUT_TIME,
    PWD_LAST_SET,
    RESET_PASSWORD,
    USER_ACCOUNT_RESTRICTIONS,
    USER_CLASS,
    Forest,
)

SEND_AS = "ab721a54-1e2f-11d0-9819-00aa0040529b"
USER_LOGON = "5f202010-79a5-11d0-9020-00c04fc2d4cf"  # a property set with none of our attributes
USER_ACCOUNT_CONTROL = "bf967a68-0de6-11d0-a285-00aa003049e2"
COMPUTER_CLASS = "bf967a86-0de6-11d0-a285-00aa003049e2"
GROUP_CLASS = "bf967a9c-0de6-11d0-a285-00aa003049e2"
OU_CLASS = "bf967aa5-0de6-11d0-a285-00aa003049e2"
PERSON_CLASS = "bf967aa7-0de6-11d0-a285-00aa003049e2"  # above user: never the most specific class

OUS = ("", "OU=A", "OU=B", "OU=A1,OU=A", "OU=A2,OU=A", "CN=C,OU=A", "OU=B1,OU=B", "OU=Deep,OU=A1,OU=A")
"""Below the scene's base; each before what is in it."""

EVERYONE, AUTHENTICATED, NETWORK = "S-1-1-0", "S-1-5-11", "S-1-5-2"
SELF, CREATOR_OWNER, OWNER_RIGHTS = "S-1-5-10", "S-1-3-0", "S-1-3-4"
USERS, PRE_WINDOWS_2000, COM_USERS = "S-1-5-32-545", "S-1-5-32-554", "S-1-5-32-562"
"""Builtin groups: Authenticated Users are in the first two, Everyone will be in the third."""
ADMINISTRATORS, ACCOUNT_OPERATORS, SYSTEM = "S-1-5-32-544", "S-1-5-32-548", "S-1-5-18"


@dataclass(frozen=True, slots=True)
class Subject:
    """A user of a scene."""

    dn: str
    account: str
    object_class: str


@dataclass
class Scene:
    """
    Attributes:
        groups: SIDs of the scene's groups by name.
        direct: names of the groups that an account (the connector's, a user's) is directly in, by account.
    """

    base_dn: str
    people: list[Subject] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)
    direct: dict[str, set[str]] = field(default_factory=dict)

    def nested(self, account: str, sid: str) -> bool:
        """Whether the SID is a group of the scene that the account isn't directly in."""
        return sid in self.groups.values() and sid not in {self.groups[name] for name in self.direct.get(account, ())}


GROUPS: dict[str, tuple[str, bool]] = {
    "g1": ("global", True), "g2": ("global", True), "g3": ("global", True), "g4": ("global", True),
    "primary": ("global", True),
    "u1": ("universal", True), "u2": ("universal", True), "u3": ("universal", True),
    "l1": ("domain-local", True), "l2": ("domain-local", True), "l3": ("domain-local", True),
    "of-primary": ("domain-local", True),
    "mailing": ("global", False), "of-mailing": ("universal", True),
    "of-all": ("domain-local", True), "of-of-all": ("domain-local", True),
    "stranger": ("global", True), "stranger-l": ("domain-local", True),
}  # fmt: skip
"""Scope, and whether it is a security group.

`of-all` has Authenticated Users as member, and is no trustee: Samba 4.17 expands these in builtin groups only.
"""

_MAY_HOLD = {
    "global": {"global"},
    "universal": {"global", "universal"},
    "domain-local": {"global", "universal", "domain-local"},
}
_FREE = ("g1", "g2", "g3", "g4", "u1", "u2", "u3", "l1", "l2", "l3")


def build(forest: Forest, seed: int, people: int) -> Scene:
    """Make the scene in the forest, which must be one that nobody else uses."""
    return _Builder(forest, seed).build(people)


class _Builder:
    def __init__(self, forest: Forest, seed: int) -> None:
        self.forest = forest
        self.admin = forest.admin
        self.random = random.Random(seed)
        self.seed = seed
        self.scene = Scene(forest.dn(f"OU=Seed {seed}"))
        self.connector_sid = self.admin.sid_of(forest.connector)
        self.domain_sid = self.connector_sid.rpartition("-")[0]
        self.reader_sid = self.admin.sid_of("reader")
        self.trustees: list[Subject] = []
        self.user_sids: list[str] = []
        self._nested: set[tuple[str, str]] = set()

    def build(self, people: int) -> Scene:
        for ou in OUS:
            dn = f"{ou},{self.scene.base_dn}".removeprefix(",")
            (self.admin.container if ou.startswith("CN=") else self.admin.organizational_unit)(dn)
        self._make_people(people)
        self._make_groups()
        for ou in OUS:
            self._delegate(f"{ou},{self.scene.base_dn}".removeprefix(","))
        for index, person in enumerate(self.scene.people):
            self._describe(index, person)
        return self.scene

    # Accounts

    def _make_people(self, count: int) -> None:
        for number in range(count):
            account = f"s{self.seed}u{number}"
            kind = "inetOrgPerson" if self.random.random() < 0.2 else "user"
            ou = self.random.choice(OUS)
            dn = f"CN={account},{ou + ',' if ou else ''}{self.scene.base_dn}"
            self.admin.user(dn, account, object_class=kind)
            self.scene.people.append(Subject(dn, account, kind))
        self.trustees = self.random.sample(self.scene.people, 6)
        self.user_sids = [self.admin.sid_of(person.dn) for person in self.trustees]

    def _make_groups(self) -> None:
        folder = f"OU=Groups of it,{self.scene.base_dn}"
        self.admin.organizational_unit(folder)
        for name, (scope, security) in GROUPS.items():
            self.admin.group(f"CN={name},{folder}", self._group(name), scope=scope, security=security)
            self.scene.groups[name] = self.admin.sid_of(self._group(name))
        self._nest("of-primary", "primary")
        self._nest("of-mailing", "mailing")
        self._nest("stranger-l", "stranger")
        self.admin.add_member(self._group("of-all"), self.forest.dn(f"CN={AUTHENTICATED},CN=ForeignSecurityPrincipals"))
        self._nest("of-of-all", "of-all")
        self.admin.add_member(self.forest.dn("CN=Distributed COM Users,CN=Builtin"), EVERYONE)
        # A chain, closed to a circle, and random nesting beside it.
        circle = self.random.sample(("u1", "u2", "u3"), 3)
        for outer, inner in zip(circle, [*circle[1:], circle[0]], strict=True):
            self._nest(outer, inner)
        self._nest(circle[0], "g2")
        self._nest("g2", "g1")
        self._nest("l1", self.random.choice(("g1", "u1")))
        self._nest("l2", "l1")
        for _ in range(4):
            outer, inner = self.random.sample(_FREE, 2)
            if GROUPS[inner][0] in _MAY_HOLD[GROUPS[outer][0]]:
                self._nest(outer, inner)
        connector = self.forest.connector
        for name in sorted({"g1", "mailing", "primary", self.random.choice(_FREE)}):
            self._join(connector, name)
        self.admin.modify(connector, primaryGroupID=int(self.scene.groups["primary"].rpartition("-")[2]))
        for person in self.scene.people:
            for name in self.random.sample((*_FREE, "mailing", "stranger"), self.random.choice((0, 1, 1, 2))):
                self._join(person.account, name)
            if self.random.random() < 0.1:
                self._join(person.account, "primary")
                primary = int(self.scene.groups["primary"].rpartition("-")[2])
                self.admin.modify(person.dn, primaryGroupID=primary)

    def _group(self, name: str) -> str:
        return f"s{self.seed}-{name}"

    def _nest(self, outer: str, inner: str) -> None:
        if (outer, inner) not in self._nested:
            self._nested.add((outer, inner))
            self.admin.add_member(self._group(outer), self._group(inner))

    def _join(self, account: str, name: str) -> None:
        self.admin.add_member(self._group(name), account)
        self.scene.direct.setdefault(account, set()).add(name)

    # Descriptors

    def _delegate(self, dn: str) -> None:
        """A container's descriptor. Its administrators and readers stay what they are."""
        aces = [self._ace(container=True) for _ in range(self.random.choice((3, 4, 6, 8)))]
        aces += [f"(A;CI;RPLCLORC;;;{AUTHENTICATED})"]
        self._order(aces)
        aces.insert(0, f"(A;CI;GA;;;{self.domain_sid}-512)")
        protected = "P" if self.random.random() < 0.25 else ""
        self._write(dn, f"{self.domain_sid}-512", protected, aces)

    def _describe(self, index: int, person: Subject) -> None:
        chance = self.random.random()
        owner = self._owner()
        if chance < 0.04 and person not in self.trustees:  # whose SIDs must be readable
            self._write(person.dn, self.reader_sid, "P", [])  # empty; its owner can read it
            return
        if chance < 0.07:
            count = 60
        elif chance < 0.25:
            count = 0
        else:
            count = self.random.choice((1, 2, 3, 4, 6, 10))
        aces = [self._ace(container=False) for _ in range(count)]
        protected = "P" if self.random.random() < 0.2 else ""
        aces.append(f"(A;;RPLCLORC;;;{AUTHENTICATED})")
        self._order(aces)
        moves = self.random.random() < 0.12
        if moves:
            aces.insert(0, f"(A;;GA;;;{self.domain_sid}-512)")  # or the administrator couldn't move him
        self._write(person.dn, owner, protected, aces)
        if moves:
            ou = self.random.choice(OUS)
            moved = f"CN={person.account} moved,{ou + ',' if ou else ''}{self.scene.base_dn}"
            self.admin.move(person.dn, moved)
            self.scene.people[index] = Subject(moved, person.account, person.object_class)

    def _write(self, dn: str, owner: str, flags: str, aces: Sequence[str]) -> None:
        sddl = f"O:{owner}G:{self.domain_sid}-513D:{flags}{''.join(aces)}"
        self.admin.modify(dn, nTSecurityDescriptor=descriptor(sddl))

    def _order(self, aces: list[str]) -> None:
        """As they come, or denies first."""
        self.random.shuffle(aces)
        if self.random.random() < 0.5:
            aces.sort(key=lambda ace: not ace.startswith(("(D;", "(OD;")))

    def _owner(self) -> str:
        group = self.scene.groups[self.random.choice(("g1", "u1", "of-primary", "stranger"))]
        others = (self.connector_sid, group, self.random.choice(self.user_sids))
        return self.random.choice(others) if self.random.random() < 0.4 else f"{self.domain_sid}-512"

    def _ace(self, *, container: bool) -> str:
        pick = self.random
        trustee = self._trustee()
        deny = pick.random() < 0.35
        object_type, mask = self._object_and_mask(deny)
        flags, inherited = self._flags(container)
        if not container and pick.random() < 0.04:
            return f"({'XD' if deny else 'XA'};{flags};{pick.choice(('CR', 'WP', 'WPCR'))};;;{trustee})"
        kind = ("O" if object_type or inherited else "") + ("D" if deny else "A")
        return f"({kind};{flags};{mask};{object_type};{inherited};{trustee})"

    def _trustee(self) -> str:
        groups = self.scene.groups
        (choices,) = self.random.choices(
            (
                (self.connector_sid,),
                [groups[name] for name in ("g1", "primary")],
                [groups[name] for name in ("g2", "g3", "g4", "u1", "u2", "u3", "l1", "l2", "l3", "of-primary")],
                [groups[name] for name in ("mailing", "of-mailing", "stranger", "stranger-l")],
                (EVERYONE, AUTHENTICATED, NETWORK, f"{self.domain_sid}-513", USERS, PRE_WINDOWS_2000, COM_USERS),
                (SELF,),
                (CREATOR_OWNER, OWNER_RIGHTS, CREATOR_OWNER),
                (*self.user_sids, SYSTEM, ACCOUNT_OPERATORS, "S-1-5-7", "S-1-5-4"),
            ),
            (18, 8, 34, 7, 9, 8, 4, 6),
        )
        return self.random.choice(choices)

    def _object_and_mask(self, deny: bool) -> tuple[str, str]:
        """Reading is never denied: everyone must see the descriptors."""
        everything = "CCDCSWWPDTCRSDWDWO" if deny else "GA"
        (kind,) = self.random.choices(("control", "property", "both", "plain", "beside"), (28, 46, 5, 13, 8))
        if kind == "control":
            objects = (RESET_PASSWORD,) * 5 + (CHANGE_PASSWORD,) * 5 + (SEND_AS, "", "")
            if self.random.random() < 0.08:
                objects = (USER_CLASS, INET_ORG_PERSON_CLASS)
            return self.random.choice(objects), "CR"
        if kind == "property":
            objects = (
                *(LOCKOUT_TIME,) * 3, PWD_LAST_SET, *(USER_ACCOUNT_RESTRICTIONS,) * 9, "",
                USER_CLASS, USER_CLASS, INET_ORG_PERSON_CLASS,
            )  # fmt: skip
            return self.random.choice(objects), self.random.choice(("WP", "WP", "WPCC" if deny else "RPWP"))
        if kind == "both":
            return self.random.choice((RESET_PASSWORD, LOCKOUT_TIME, PWD_LAST_SET, "")), "WPCR"
        if kind == "plain":
            masks = ("WPCR", "WP", "CR", everything, "SW") if deny else ("GW", "GA", "GX", "GR", "0xF01FF", "WPCR")
            return "", self.random.choice(masks)
        objects = (USER_LOGON, USER_ACCOUNT_CONTROL, COMPUTER_CLASS, PERSON_CLASS, OU_CLASS, GROUP_CLASS)
        return self.random.choice(objects), self.random.choice(("WP", "CR"))

    def _flags(self, container: bool) -> tuple[str, str]:
        if not container:
            (flags,) = self.random.choices(("", "CI", "CIIO", "CIIO", "OI"), (16, 2, 1, 1, 1))
            return flags, self.random.choice((USER_CLASS, INET_ORG_PERSON_CLASS)) if "IO" in flags else ""
        (flags,) = self.random.choices(("CI", "CIIO", "CINP", "CINPIO", "", "OI", "OICI"), (10, 10, 3, 2, 2, 1, 1))
        classes = ("", "", "", USER_CLASS, USER_CLASS, INET_ORG_PERSON_CLASS, GROUP_CLASS, OU_CLASS, PERSON_CLASS)
        return flags, self.random.choice(classes) if "CI" in flags else ""
