"""Forests with people in them: healthy ones, in which password writeback works.

::

    with Forest.healthy() as forest:                        # CORP.CONTOSO.TEST, running; from the cache in about 2 s
        forest.admin.protect(forest.dn("OU=Sales"))         # a fault
        forest.write_configuration(tmp_path / "preflight.toml", search_bases=[forest.dn("OU=Sales")])
        subprocess.run([..., "--config", ...], env={**os.environ, **forest.environment})

What *healthy* means:

* the connector account MSOL_<8 hex digits> in CN=Users of the root, described as Entra Connect does, password never
  expires; replication rights on the root; on all users and all inetOrgPersons, by ACEs on the domain root: Reset
  Password, write lockoutTime, write pwdLastSet;
* Authenticated Users hold Unexpire Password on the root, are in Pre-Windows 2000 Compatible Access, and may read
  CN=Server,CN=System (all of it as provisioned: `seed` makes sure);
* no minimum password age, passwords never expire (so that a cached forest doesn't age);
* about thirty people in several OUs with difficult names, half of them with mS-DS-ConsistencyGuid, some
  inetOrgPersons, one disabled; security, distribution and nested groups;
* `reader`, an ordinary user with one delegation: list and read, inherited, on CN=Password Settings Container,CN=System
  (without it nobody but Domain Admins sees whether there are fine-grained policies).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.administration import STANDARD_PASSWORD, Administration
from lab.domain_controller import DomainController, Recipe, cached, copy_provisioned, provisioned

USER_CLASS = "bf967aba-0de6-11d0-a285-00aa003049e2"
INET_ORG_PERSON_CLASS = "4828cc14-1437-45bc-9b07-ad6f015e5f28"
RESET_PASSWORD = "00299570-246d-11d0-a768-00aa006e0529"
CHANGE_PASSWORD = "ab721a53-1e2f-11d0-9819-00aa0040529b"
UNEXPIRE_PASSWORD = "ccc2dc7d-a6ad-4a7a-8846-c04e3cc53501"
LOCKOUT_TIME = "28630ebf-41d5-11d1-a9c1-0000f80367c1"
PWD_LAST_SET = "bf967a0a-0de6-11d0-a285-00aa003049e2"
USER_ACCOUNT_RESTRICTIONS = "4c164200-20c0-11d0-a768-00aa006e0529"
REPLICATION = ("1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2")

READER = "reader"
PASSWORD_VARIABLE = "PREFLIGHT_LAB_PASSWORD"

CONNECTOR_OF = {"corp.contoso.test": "MSOL_0123abcd", "fabrikam.test": "MSOL_4567cdef"}

FABRIKAM = Recipe(domain="fabrikam.test", netbios="FABRIKAM", host="dc1")

OUS = ("OU=People", "OU=Berlin,OU=People", "OU=Übersee & Export,OU=People", "OU=Sales", "OU=Emea,OU=Sales", "OU=Groups")

_NAMES: Mapping[str, tuple[str, ...]] = {
    "OU=People": ("Ann Example", "O'Brien, Conan", 'Say "Cheese"', "Back\\slash", "Plus+Minus"),
    "OU=Berlin,OU=People": ("Jürgen Groß", "Zoë Ünal", "李雷", "Đặng Thị Hạnh", "Łukasz Żółć", "Олег Попов"),
    "OU=Übersee & Export,OU=People": ("<b>Bold</b> & <i>co</i>", "[red]markup[/red]", "=SUM(A1)", "100% {sure}"),
    "OU=Sales": ("Bea Sales", "Carl Sales", "#hash", "a;b", "Slash/Dot.", "Smile 😀", "John Smith"),
    "OU=Emea,OU=Sales": ("Dana Emea", "Emil Emea", "Fay Emea", "Gus Emea", "Hal Emea", "Ida Emea", "Jo Emea"),
}
_INET_ORG_PERSONS = {"Zoë Ünal", "Carl Sales", "Ida Emea"}
_DISABLED = {"Jo Emea"}


@dataclass(frozen=True, slots=True)
class Person:
    """A user of a healthy forest; the password is `STANDARD_PASSWORD`."""

    dn: str
    account: str
    object_class: str
    enabled: bool


class Forest:
    """A running forest of one domain, with the accounts that the product is told about."""

    def __init__(self, dc: DomainController) -> None:
        self.dc = dc
        self.admin = dc.admin
        self.domain = dc.domain
        self.base_dn = dc.base_dn
        self.host = dc.host
        self.address = dc.address
        self.ca_file = dc.ca_file
        self.connector = connector_of(dc.domain)
        self.reader = f"{READER}@{dc.domain}"
        self.password = STANDARD_PASSWORD
        self.people = people(dc.base_dn)
        self.environment: Mapping[str, str] = {PASSWORD_VARIABLE: self.password}

    @classmethod
    @contextmanager
    def healthy(cls, recipe: Recipe | None = None, *, strong_auth: str = "yes", start: bool = True) -> Iterator[Forest]:
        """A private copy of a healthy forest; it stops and vanishes at the end."""
        recipe = recipe or Recipe()
        with DomainController(recipe, seeded(recipe), strong_auth=strong_auth) as dc:
            if start:
                dc.start()
            yield cls(dc)

    def dn(self, relative: str = "") -> str:
        """A DN below the domain: dn("OU=People"); without an argument the domain itself."""
        return f"{relative},{self.base_dn}" if relative else self.base_dn

    def undoing(self):
        """Undo at the end what was changed through `admin` within."""
        return self.admin.undoing()

    def domain_table(self, **changes: object) -> str:
        """One [[domain]] of preflight.toml; a change to None leaves the key out, as with forest."""
        table: dict[str, object] = {
            "name": self.domain,
            "controllers": [f"ldaps://{self.host}:636"],
            "user": self.reader,
            "password_env": PASSWORD_VARIABLE,
            "ca_file": str(self.ca_file),
            "nameserver": self.address,
            **changes,
        }
        return "[[domain]]\n" + _toml(table)

    def configuration(self, **changes: object) -> str:
        """preflight.toml for this forest: changes are keys of [[domain]], or a `connector` table."""
        connector = {"account": self.connector, "source_anchor": "mS-DS-ConsistencyGuid"}
        connector |= changes.pop("connector", {})  # type: ignore[arg-type]
        return f"[connector]\n{_toml(connector)}\n{self.domain_table(**changes)}"

    def write_configuration(self, path: Path, **changes: object) -> Path:
        path.write_text(self.configuration(**changes), encoding="utf-8")
        return path


def connector_of(domain: str) -> str:
    return CONNECTOR_OF.get(domain, "MSOL_89abcdef")


def people(base_dn: str) -> list[Person]:
    """In the order in which they are made."""
    found = []
    for ou, names in _NAMES.items():
        for name in names:
            number = len(found) + 1
            kind = "inetOrgPerson" if name in _INET_ORG_PERSONS else "user"
            dn = f"CN={_escaped(name)},{ou},{base_dn}"
            found.append(Person(dn, f"user{number:02}", kind, name not in _DISABLED))
    return found


def seeded(recipe: Recipe) -> Path:
    """A healthy forest, stopped, from the cache."""

    def build(folder: Path) -> None:
        copy_provisioned(provisioned(recipe), folder)
        admin = Administration(
            lambda: {"url": str(folder / "private" / "sam.ldb"), "smb_conf": str(folder / "etc" / "smb.conf")}
        )
        try:
            seed(admin, recipe)
        finally:
            admin.close()

    return cached(f"healthy {recipe!r}", build)


def seed(admin: Administration, recipe: Recipe) -> None:
    """Make a freshly provisioned domain a healthy forest."""
    base = recipe.base_dn
    admin.domain_policy(minPwdAge=0, maxPwdAge=0)
    _seed_connector(admin, base, connector_of(recipe.domain))
    for ou in OUS:
        admin.organizational_unit(f"{ou},{base}")
    everyone = people(base)
    for person in everyone:
        admin.user(
            person.dn,
            person.account,
            object_class=person.object_class,
            enabled=person.enabled,
            mail=f"{person.account}@{recipe.domain}",
        )
    for person in everyone[::2]:
        guid = admin.search(person.dn, attributes=["objectGUID"], scope="base")[0][1]["objectGUID"][0]
        admin.modify(person.dn, **{"mS-DS-ConsistencyGuid": guid})
    groups = f"OU=Groups,{base}"
    admin.group(f"CN=Sales staff,{groups}", "sales-staff", members=[everyone[15].account, everyone[16].account])
    admin.group(f"CN=All staff,{groups}", "all-staff", scope="universal", members=["sales-staff", everyone[0].account])
    admin.group(f"CN=Local helpers,{groups}", "local-helpers", scope="domain-local", members=["all-staff"])
    admin.group(f"CN=Newsletter,{groups}", "newsletter", security=False, members=[everyone[1].account])

    admin.user(f"CN=Preflight reader,CN=Users,{base}", READER, description="Reads what the preflight checks look at")
    admin.add_aces(f"CN=Password Settings Container,CN=System,{base}", f"(A;CI;RPLCRC;;;<{READER}>)")
    _make_sure(admin, base)


def _seed_connector(admin: Administration, base: str, connector: str) -> None:
    installation = connector.partition("_")[2]
    admin.user(
        f"CN={connector},CN=Users,{base}",
        connector,
        userAccountControl=0x10200,  # a normal account whose password never expires
        description=(
            "Account created by Microsoft Azure Active Directory Connect with installation identifier "
            f"{installation}{uuid.uuid5(uuid.NAMESPACE_DNS, connector).hex[:24]} running on computer SYNC01 configured "
            "to synchronize to tenant contoso.onmicrosoft.com. This account must have directory replication "
            "permissions in the local Active Directory and write permission on certain attributes to enable Hybrid "
            "Deployment."
        ),
    )
    replication = "".join(f"(OA;;CR;{right};;<{connector}>)" for right in REPLICATION)
    writeback = "".join(
        f"(OA;CIIO;CR;{RESET_PASSWORD};{kind};<{connector}>)"
        f"(OA;CIIO;WP;{LOCKOUT_TIME};{kind};<{connector}>)"
        f"(OA;CIIO;WP;{PWD_LAST_SET};{kind};<{connector}>)"
        for kind in (USER_CLASS, INET_ORG_PERSON_CLASS)
    )
    admin.add_aces(base, replication + writeback)


def _make_sure(admin: Administration, base: str) -> None:
    """What a healthy forest has from the start, should a later Samba provision it otherwise."""
    if f"(OA;;CR;{UNEXPIRE_PASSWORD};;AU)" not in admin.sddl(base):
        raise RuntimeError("Authenticated Users lack Unexpire Password on the domain root")
    [(_, group)] = admin.search(
        f"CN=Pre-Windows 2000 Compatible Access,CN=Builtin,{base}", attributes=["member"], scope="base"
    )
    if not any(value.startswith(b"CN=S-1-5-11,") for value in group.get("member", [])):
        raise RuntimeError("Authenticated Users are not in Pre-Windows 2000 Compatible Access")
    if "(A;;RPLCLORC;;;AU)" not in admin.sddl(f"CN=Server,CN=System,{base}"):
        raise RuntimeError("Authenticated Users can't read CN=Server,CN=System")


def _escaped(name: str) -> str:
    """As a value of an RDN (RFC 4514 2.4), spelled as Samba answers it."""
    for character in '\\,+"<>':
        name = name.replace(character, f"\\{character}")
    name = name.replace(";", "\\3B").replace("=", "\\3D")
    return f"\\{name}" if name.startswith(("#", " ")) else name


def _toml(table: Mapping[str, object]) -> str:
    """JSON's strings, numbers, booleans and arrays are TOML's."""
    return "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in table.items() if value is not None
    )
