"""Small domains for tests of plans: containers and users with entries of their own.

Inheritance is worked out here, apart from the product. A plan is applied as an administrator would, and everybody is
judged again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from descriptors import DOMAIN, descriptor, sid

from preflight.directory.access import guids
from preflight.directory.access.decider import RightsDecider
from preflight.directory.access.rights import Right
from preflight.directory.access.security_descriptor import SecurityDescriptor
from preflight.directory.distinguished_name import normalise, parent
from preflight.directory.mending.fix_plan import Plan, Step, make_plan
from preflight.directory.mending.forecast import Kind
from preflight.directory.mending.repairs import Account, Repairs
from preflight.directory.model import WELL_KNOWN_SIDS, Container, Domain, Entry, Token, User
from preflight.directory.users.judgement import REQUIRED_RIGHTS, Outcome, UserJudge
from preflight.directory.users.membership import Membership
from preflight.directory.users.protection import Protection
from preflight.directory.users.scope import Scope, Standing

HEAD = "DC=corp,DC=test"
CONNECTOR = f"{DOMAIN}-1105"
GROUP = f"{DOMAIN}-1200"
ACCOUNT = Account("CORP\\MSOL_1", CONNECTOR, f"CN=MSOL_1,CN=Users,{HEAD}")
TOKEN = Token(WELL_KNOWN_SIDS | {CONNECTOR, GROUP}, complete=True, source="test", account_sid=CONNECTOR)
CLASSES = {"user": str(guids.USER), "inetOrgPerson": str(guids.INET_ORG_PERSON)}
UNEXPIRE = f"(OA;;CR;{guids.UNEXPIRE_PASSWORD};;AU)"


def grant(right: Right, object_class: str = "user", trustee: str = CONNECTOR) -> str:
    return f"(OA;CIIO;{access(right)};{right.guid};{CLASSES[object_class]};{trustee})"


def access(right: Right) -> str:
    return "CR" if right is Right.RESET_PASSWORD else "WP"


def grants(*classes: str) -> list[str]:
    return [grant(right, each) for each in classes or ("user",) for right in REQUIRED_RIGHTS]


@dataclass
class Thing:
    """A container or a user: its own entries, and whether inheritance is off."""

    entries: list[str] = field(default_factory=list)
    off: bool = False
    object_class: str = "organizationalUnit"
    attributes: dict[str, bytes] = field(default_factory=dict)


class World:
    """
    Args:
        canonical: whether what is inherited is sorted as the specification says, else the nearer container's is first.
    """

    def __init__(self, *, canonical: bool = False, search_bases: Sequence[str] = ()) -> None:
        self.canonical = canonical
        self.search_bases = tuple(search_bases)
        self.things: dict[str, Thing] = {HEAD: Thing([UNEXPIRE], object_class="domainDNS")}

    def container(self, dn: str, *entries: str, off: bool = False) -> str:
        self.things[dn] = Thing(list(entries), off)
        return dn

    def user(self, dn: str, *entries: str, off: bool = False, object_class: str = "user", **attributes: bytes) -> str:
        self.things[dn] = Thing(list(entries), off, object_class, {"userAccountControl": b"512", **attributes})
        return dn

    def dacl(self, dn: str) -> list[str]:
        """Own entries, then what arrives."""
        thing = self.things[dn]
        arriving = [] if thing.off else self._arriving(dn)
        if self.canonical:
            arriving.sort(key=lambda ace: (not ace.startswith(("(D", "(OD")), ace.startswith("(O")))
        return [*thing.entries, *arriving]

    def _arriving(self, dn: str) -> list[str]:
        found = []
        above, level = parent(dn), 1
        while above:
            thing = self.things.get(above)
            if thing is None:
                break
            for ace in thing.entries:
                kind, flags, mask, object_type, inherited, trustee = ace.strip("()").split(";")
                if "CI" not in flags or ("NP" in flags and level > 1):
                    continue
                if inherited and CLASSES.get(self.things[dn].object_class) != inherited:
                    continue
                found.append(f"({kind};ID;{mask};{object_type};{inherited};{trustee})")
            if thing.off:
                break
            above, level = parent(above), level + 1
        return found

    def bytes_of(self, dn: str) -> bytes:
        off = "P" if self.things[dn].off else ""
        return descriptor(f"O:DAG:DAD:{off}{''.join(self.dacl(dn))}")

    @property
    def users(self) -> list[str]:
        return [dn for dn, thing in self.things.items() if "userAccountControl" in thing.attributes]

    def repairs(self, *, protected: Sequence[str] = (), unreadable: Sequence[str] = ()) -> Repairs:
        """The fold after a reading."""
        containers = {
            normalise(dn): Container(
                dn,
                thing.object_class,
                None if dn in unreadable else SecurityDescriptor.parse(self.bytes_of(dn)),
            )
            for dn, thing in self.things.items()
            if dn not in self.users
        }
        head = SecurityDescriptor.parse(self.bytes_of(HEAD))
        domain = Domain("corp.test", HEAD, "corp.test", HEAD, DOMAIN, "dc1.corp.test", None, head, Entry(HEAD, {}), "")
        membership = Membership({normalise(dn): ("Domain Admins",) for dn in protected})
        judge = UserJudge(
            domain, RightsDecider(TOKEN, REQUIRED_RIGHTS), Protection(membership, frozenset()), containers
        )
        repairs = Repairs(judge, containers, ACCOUNT, Scope(self.search_bases))
        for number, dn in enumerate(self.users, start=2000):
            thing = self.things[dn]
            raw = {
                "objectClass": [b"top", thing.object_class.encode()],
                "objectSid": [sid(f"{DOMAIN}-{number}")],
                "nTSecurityDescriptor": [self.bytes_of(dn)],
                **{name: [value] for name, value in thing.attributes.items()},
            }
            repairs.add(User(dn, raw), Standing.IN_SCOPE)
        return repairs

    def plan(self, **changes: Sequence[str]) -> Plan:
        return make_plan(self.repairs(**changes))

    def outcomes(self) -> dict[Outcome, int]:
        return {outcome: count for outcome, count in self.repairs().outcomes.items() if count}

    def applied(self, steps: Sequence[Step]) -> World:
        """The same domain after these steps."""
        after = World(canonical=self.canonical, search_bases=self.search_bases)
        after.things = {
            dn: Thing(list(thing.entries), thing.off, thing.object_class, dict(thing.attributes))
            for dn, thing in self.things.items()
        }
        for step in steps:
            thing = after.things[step.distinguished_name]
            if step.kind is Kind.INHERITANCE_ON:
                thing.off = False
                if step.clears_admin_count:
                    thing.attributes.pop("adminCount", None)
            elif step.kind is Kind.GRANT:
                assert step.ace is not None and step.ace.sid == step.trustee == CONNECTOR
                thing.entries.append(step.ace.sddl)
            else:
                assert step.ace is not None and step.ace.sid == step.trustee
                wanted = step.ace.sddl
                kept = [ace for ace in thing.entries if _normal(ace) != _normal(wanted)]
                assert len(kept) < len(thing.entries), f"{wanted} is not on {step.distinguished_name}"
                thing.entries = kept
        return after

    def all_ok(self) -> bool:
        return set(self.outcomes()) <= {Outcome.OK}


def _normal(ace: str) -> str:
    [parsed] = SecurityDescriptor.parse(descriptor(f"D:{ace}")).dacl or ()
    return parsed.sddl


def random_world(random: Random, *, canonical: bool = False) -> World:
    """Nested OUs with grants, denials and inheritance off here and there."""
    bases = random.choice(([], [], [f"OU=A,{HEAD}", f"OU=B,{HEAD}"], [f"OU=A,{HEAD}"]))
    world = World(canonical=canonical, search_bases=bases)
    spots = [f"OU=A,{HEAD}", f"OU=A1,OU=A,{HEAD}", f"OU=A11,OU=A1,OU=A,{HEAD}", f"OU=A2,OU=A,{HEAD}"]
    spots += [] if bases == [f"OU=A,{HEAD}"] else [f"OU=B,{HEAD}", f"OU=B1,OU=B,{HEAD}"]
    for dn in spots:
        world.container(dn, *_some_entries(random, 3), off=random.random() < 0.3)
    world.things[HEAD].entries += [each for each in grants("user", "inetOrgPerson") if random.random() < 0.6]
    for number in range(random.randint(1, 10)):
        spot = random.choice(spots)
        own = _some_entries(random, 2) if random.random() < 0.2 else []
        world.user(
            f"CN=U{number},{spot}",
            *own,
            off=random.random() < 0.15,
            object_class=random.choice(("user", "user", "user", "inetOrgPerson")),
            **({"adminCount": b"1"} if random.random() < 0.1 else {}),
        )
    return world


def _some_entries(random: Random, most: int) -> list[str]:
    found = []
    for _ in range(random.randint(0, most)):
        right = random.choice(REQUIRED_RIGHTS)
        kind = random.choice(("OA", "OA", "OD"))
        flags = random.choice(("CIIO", "CI", "CI", "", "CINP"))
        inherited = random.choice(("", *CLASSES.values(), str(guids.USER))) if flags else ""
        trustee = random.choice((CONNECTOR, GROUP, "WD", f"{DOMAIN}-1300"))
        object_type = random.choice((str(right.guid), str(right.guid), ""))
        found.append(f"({kind};{flags};{access(right)};{object_type};{inherited};{trustee})")
    return sorted(found, key=lambda ace: ace.startswith("(OA"))
