"""A large LDIF export as `ldapsearch` writes it, made once and kept in .cache.

What costs a reader time is as in directories that have grown: descriptors of 2 to 3 KB, folded base64; people in the
order in which they were made, so that neighbours are of different OUs; a few distinct DACLs for each OU; half of the
objects owned by whoever made them; names beyond ASCII; groups with many members; computers.
"""

from __future__ import annotations

import base64
import hashlib
import os
import random
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from descriptors import DOMAIN, descriptor, sid
from lab.domain_controller import REPOSITORY

DOMAIN_NAME = "corp.contoso.test"
CONNECTOR = "MSOL_0123abcd"
BASE = "DC=corp,DC=contoso,DC=test"
CACHE = REPOSITORY / ".cache" / "exports"

SITES = 40
VARIANTS = 6
CREATORS = 300
LINE = 78

_CONNECTOR_SID = f"{DOMAIN}-1105"
_RESET, _CHANGE = "00299570-246d-11d0-a768-00aa006e0529", "ab721a53-1e2f-11d0-9819-00aa0040529b"
_LOCKOUT, _LAST_SET = "28630ebf-41d5-11d1-a9c1-0000f80367c1", "bf967a0a-0de6-11d0-a285-00aa003049e2"
_USER = "bf967aba-0de6-11d0-a285-00aa003049e2"
_GRANTS = "".join(
    f"(OA;{{flags}};{right};{guid};{_USER};{_CONNECTOR_SID})"
    for right, guid in (("CR", _RESET), ("WP", _LOCKOUT), ("WP", _LAST_SET))
)
_FIRST_NAMES = ("Ann", "Bea", "Carl", "Dana", "Emil", "Fay", "Jürgen", "Zoë", "Łukasz", "Ida")
_LAST_NAMES = ("Example", "Sales", "Smith", "Groß", "Novak", "Berg", "Meyer", "Stone", "Rivers", "Field", "Hill")


def export_of(users: int) -> Path:
    """The export with so many users."""
    key = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    path = CACHE / f"{users}-users-{key}.ldf"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=CACHE)
        with os.fdopen(descriptor, "wb", buffering=1 << 20) as file:
            for record in _records(users):
                file.write(record)
        Path(name).rename(path)
    return path


def _records(users: int) -> Iterator[bytes]:
    yield from _surroundings()
    dice = random.Random(users)
    dacls = [[_dacl(site, variant) for variant in range(VARIANTS)] for site in range(SITES)]
    owners = [sid(f"{DOMAIN}-{2000 + number}") for number in range(CREATORS)]
    admins = sid("DA")
    administrators: list[str] = []
    groups: dict[int, list[str]] = {number: [] for number in range(max(2, users // 400))}
    chosen_few = range(1, users // 10, max(1, users // 50))  # administrators are among the first
    for number in range(users):
        site, variant = dice.randrange(SITES), min(int(dice.expovariate(1.2)), VARIANTS - 1)
        owner = admins if dice.random() < 0.5 else dice.choice(owners)
        security = dacls[site][variant] + owner + admins
        chosen = dice.sample(range(len(groups)), 2)
        name, record = _user(number, site, security, chosen, dice)
        for group in chosen:
            groups[group].append(name)
        if number in chosen_few:
            administrators.append(name)
        yield record
        if number % 20 == 0:
            yield _computer(number, security)
    for number, members in groups.items():
        yield _group(f"CN=Group {number:04},OU=Groups,{BASE}", f"{DOMAIN}-{600_000 + number}", members)
    yield _group(f"CN=Domain Admins,CN=Users,{BASE}", f"{DOMAIN}-512", administrators)


def _surroundings() -> Iterator[bytes]:
    """The rootDSE, the head of the domain, containers, well-known groups and the connector account."""
    naming = {"defaultNamingContext": BASE, "rootDomainNamingContext": BASE, "dnsHostName": f"dc1.{DOMAIN_NAME}"}
    yield _record("", {**naming, "configurationNamingContext": f"CN=Configuration,{BASE}"})
    head = descriptor("O:BAG:BAD:AI(A;CI;RPLCRC;;;AU)" + _GRANTS.format(flags="CIIO"))
    yield _record(
        BASE,
        {"objectClass": ["top", "domain", "domainDNS"], "objectSid": sid(DOMAIN), "nTSecurityDescriptor": head},
    )
    handed_down = descriptor("O:DAG:DAD:AI(A;CIID;RPLCRC;;;AU)" + _GRANTS.format(flags="CIIOID"))
    closed = descriptor("O:DAG:DAD:PAI(A;CI;RPLCRC;;;AU)")
    for name in ("Users", "System", "Builtin", "ForeignSecurityPrincipals"):
        yield _container(f"CN={name},{BASE}", "container", handed_down)
    for name in ("AdminSDHolder", "Password Settings Container"):
        yield _container(f"CN={name},CN=System,{BASE}", "container", closed)
    yield _container(f"OU=Groups,{BASE}", "organizationalUnit", handed_down)
    yield _container(f"OU=Sites,{BASE}", "organizationalUnit", handed_down)
    for site in range(SITES):
        where = f"OU=Site {site:02},OU=Sites,{BASE}"
        yield _container(where, "organizationalUnit", closed if _is_closed(site) else handed_down)
    for rid, name in ((544, "Administrators"), (548, "Account Operators"), (549, "Server Operators")):
        members = [f"CN=Domain Admins,CN=Users,{BASE}"] if rid == 544 else []
        yield _group(f"CN={name},CN=Builtin,{BASE}", f"S-1-5-32-{rid}", members)
    for rid, name in ((550, "Print Operators"), (551, "Backup Operators"), (552, "Replicator")):
        yield _group(f"CN={name},CN=Builtin,{BASE}", f"S-1-5-32-{rid}", [])
    for rid, name in ((513, "Domain Users"), (518, "Schema Admins"), (519, "Enterprise Admins")):
        yield _group(f"CN={name},CN=Users,{BASE}", f"{DOMAIN}-{rid}", [])
    yield _account(
        f"CN={CONNECTOR},CN=Users,{BASE}",
        {
            "description": "Account created by Microsoft Azure Active Directory Connect running on computer SYNC1",
            "nTSecurityDescriptor": handed_down,
            "objectSid": sid(_CONNECTOR_SID),
            "sAMAccountName": CONNECTOR,
        },
    )


def _user(number: int, site: int, security: bytes, groups: list[int], dice: random.Random) -> tuple[str, bytes]:
    first, last = dice.choice(_FIRST_NAMES), dice.choice(_LAST_NAMES)
    name = f"CN={first} {last} {number:06},OU=Site {site:02},OU=Sites,{BASE}"
    account = f"user{number:06}"
    identity = struct.pack("<QQ", number, dice.getrandbits(64))
    attributes: dict[str, object] = {
        "sn": last,
        "givenName": first,
        "displayName": f"{first} {last}",
        "memberOf": [f"CN=Group {group:04},OU=Groups,{BASE}" for group in groups],
        "nTSecurityDescriptor": security,
        "objectGUID": identity,
        "objectSid": sid(f"{DOMAIN}-{10_000 + number}"),
        "sAMAccountName": account,
        "userAccountControl": 0x202 if number % 25 == 0 else 0x200,
        "pwdLastSet": 133_000_000_000_000_000 + number,
        "lastLogonTimestamp": 133_100_000_000_000_000 + number,
        "userPrincipalName": f"{account}@{DOMAIN_NAME}",
        "mail": f"{account}@contoso.test",
    }
    if number % 2:
        attributes["mS-DS-ConsistencyGuid"] = identity
    return name, _account(name, attributes)


def _account(name: str, attributes: dict[str, object]) -> bytes:
    classes = ["top", "person", "organizationalPerson", "user"]
    usual = {"sAMAccountType": 805306368, "userAccountControl": 0x200, "primaryGroupID": 513}
    return _record(name, {"objectClass": classes, **usual, **attributes})


def _computer(number: int, security: bytes) -> bytes:
    classes = ["top", "person", "organizationalPerson", "user", "computer"]
    name = f"CN=PC{number:06},OU=Site 00,OU=Sites,{BASE}"
    account = {"sAMAccountType": 805306369, "userAccountControl": 0x1000, "sAMAccountName": f"PC{number:06}$"}
    return _record(name, {"objectClass": classes, "nTSecurityDescriptor": security, **account})


def _group(name: str, group_sid: str, members: list[str]) -> bytes:
    kind = {"objectClass": ["top", "group"], "groupType": -2147483646}
    return _record(name, {**kind, "member": members, "objectSid": sid(group_sid)})


def _container(name: str, kind: str, security: bytes) -> bytes:
    return _record(name, {"objectClass": ["top", kind], "nTSecurityDescriptor": security})


def _dacl(site: int, variant: int) -> bytes:
    """A descriptor without its owner and group, which are to follow."""
    delegates = [f"S-1-5-21-1-2-3-{site * 100 + number}" for number in range(3 + variant)]
    own = f"(OA;;CR;{_CHANGE};;WD)(OA;;CR;{_CHANGE};;PS)(A;;GA;;;DA)(A;;GA;;;SY)(A;;RPLCRC;;;PS)"
    own += "".join(f"(OA;;RPWP;{number:08x}-0de6-11d0-a285-00aa003049e2;;PS)" for number in range(12))
    given = "".join(f"(OA;CIID;RPWP;{_LOCKOUT};{_USER};{who})(A;CIID;RPLC;;;{who})" for who in delegates)
    given += "".join(f"(OA;CIID;RP;{number:08x}-20c0-11d0-a768-00aa006e0529;;RU)" for number in range(14))
    granted = "" if _is_closed(site) else _GRANTS.format(flags="CIID")
    whole = descriptor(f"O:DAG:DAD:{'PAI' if _is_closed(site) else 'AI'}{own}{given}{granted}(A;CIID;GA;;;EA)")
    return whole[: -2 * len(sid("DA"))]


def _is_closed(site: int) -> bool:
    """Whether nothing is handed down to the site's users."""
    return site % 13 == 12


def _record(name: str, attributes: dict[str, object]) -> bytes:
    lines = [_line("dn", name)]
    for attribute, value in attributes.items():
        lines += [_line(attribute, each) for each in (value if isinstance(value, list) else [value])]
    return b"".join(lines) + b"\n"


def _line(attribute: str, value: object) -> bytes:
    data = value if isinstance(value, bytes) else str(value).encode()
    if isinstance(value, bytes) or not data.isascii():
        line = attribute.encode() + b":: " + base64.b64encode(data)
    else:
        line = attribute.encode() + b": " + data
    if len(line) <= LINE:
        return line + b"\n"
    following = (line[at : at + LINE - 1] for at in range(LINE, len(line), LINE - 1))
    return b"\n ".join((line[:LINE], *following)) + b"\n"
