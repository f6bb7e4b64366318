"""What one reading of an export keeps: everything that isn't a user, and where users can't simply be counted.

Users are many and are streamed; domains have far fewer groups and containers, and tokens, origins and policies need
those all at once. Of other objects (computers, contacts, DNS records) nothing is kept.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from preflight.directory.distinguished_name import MalformedName, normalise
from preflight.directory.export.reader import LdifFile, MalformedRecord, Marks, RecordParser, value_at
from preflight.directory.model import Attributes, Entry
from preflight.directory.password_policy import DOMAIN_POLICY_ATTRIBUTES, FINE_GRAINED_POLICY_ATTRIBUTES
from preflight.directory.port import USER_ACCOUNT

NORMAL_ACCOUNT = 0x0200
"""userAccountControl of what people sign in with; not computers and trust accounts (MS-ADTS 2.2.16)."""

CONTAINER_CLASSES = frozenset(
    {
        "organizationalunit",
        "container",
        "builtindomain",
        "lostandfound",
        "msexchsystemobjectscontainer",
        "domaindns",
    }
)
MANAGED_ACCOUNT = "msds-groupmanagedserviceaccount"
_KEPT_CLASSES = CONTAINER_CLASSES | {
    "group",
    MANAGED_ACCOUNT,
    "foreignsecurityprincipal",
    "msds-passwordsettings",
    "msds-passwordsettingscontainer",
    "crossref",
    "trusteddomain",
    "server",
    "samserver",
    "ntdsservice",
}
_NO_PERSONS = frozenset({"computer", MANAGED_ACCOUNT, "msds-managedserviceaccount"})

_OF_A_USER = [b"%d" % USER_ACCOUNT]
_USER_TYPE = b"\nsAMAccountType: %d" % USER_ACCOUNT
_ACCOUNT_NAME = b"\nsAMAccountName: "
_DESCRIPTION = b"\ndescription:"

_CLASSIFYING = ("sAMAccountType", "objectClass", "userAccountControl")
_SPELLING = (
    *(*_CLASSIFYING, "sAMAccountName", "userPrincipalName", "cn", "description", "objectSid", "objectGUID"),
    *("member", "memberOf", "groupType", "primaryGroupID", "sIDHistory", "nTSecurityDescriptor"),
    *("fSMORoleOwner", "dNSHostName", "dSHeuristics", "dnsRoot", "nCName", "nETBIOSName", "systemFlags"),
    *("securityIdentifier", "trustAttributes", "trustPartner"),
    *("dsServiceName", "defaultNamingContext", "rootDomainNamingContext"),
    *("configurationNamingContext", "supportedControl", "supportedCapabilities", "currentTime"),
    *DOMAIN_POLICY_ATTRIBUTES,
    *FINE_GRAINED_POLICY_ATTRIBUTES,
)
_RANGE = re.compile(r"(?P<name>[^;]+);range=(?P<first>\d+)-(?P<last>\d+|\*)", re.IGNORECASE)
_MANY_VALUES = 50
_SLOTS = 1 << 23
MOST_CANDIDATES = 1_000


def is_user(entry: Entry) -> bool:
    """A user or inetOrgPerson, by sAMAccountType; without it by class and userAccountControl."""
    if entry.raw.get("sAMAccountType") == _OF_A_USER:  # as it mostly stands there
        return True
    account_type = entry.integer("sAMAccountType")
    if account_type is not None:
        return account_type == USER_ACCOUNT
    classes = {name.lower() for name in entry.texts("objectClass")}
    control = entry.integer("userAccountControl")
    return (
        bool(classes & {"user", "inetorgperson"})
        and not classes & _NO_PERSONS
        and (control is None or bool(control & NORMAL_ACCOUNT))
    )


def may_be_connector(entry: Entry) -> bool:
    """By the names and descriptions that Entra Connect and its forerunners give (domain.md section 3)."""
    description = (entry.text("description") or "").lower()
    return (
        (entry.text("sAMAccountName") or "").upper().startswith("MSOL_")
        or entry.distinguished_name.upper().startswith("CN=MSOL_")
        or "azure active directory connect" in description
        or "microsoft entra connect" in description
    )


def join_ranges(raw: dict[str, list[bytes]]) -> list[str]:
    """Put attributes whose parts are all there under their plain names; the names of the others."""
    parts: dict[str, dict[int, tuple[str, str]]] = {}
    for described in raw:
        if ";" in described and (match := _RANGE.fullmatch(described)):
            parts.setdefault(match["name"], {})[int(match["first"])] = (match["last"], described)
    missing = []
    for name, found in parts.items():
        following, order = 0, []
        while following in found:
            last, described = found[following]
            order.append(described)
            if last == "*":
                raw[name] = [value for part in order for value in raw.pop(part)]
                break
            following = int(last) + 1
        else:
            missing.append(name)
    return missing


class PackedAttributes(Mapping[str, Sequence[bytes]]):
    """Attributes of which one has very many values (a group's members): packed until they are looked at."""

    __slots__ = ("_packed", "_plain")

    def __init__(self, raw: Mapping[str, list[bytes]]) -> None:
        self._plain: dict[str, list[bytes]] = {}
        self._packed: dict[str, bytes] = {}
        for name, values in raw.items():
            lines = b"\n".join(values) if len(values) > _MANY_VALUES else b""
            if lines and lines.count(b"\n") == len(values) - 1:
                self._packed[name] = zlib.compress(lines, 3)
            else:
                self._plain[name] = values

    def __getitem__(self, name: str) -> Sequence[bytes]:
        packed = self._packed.get(name)
        return self._plain[name] if packed is None else zlib.decompress(packed).split(b"\n")

    def lines(self, name: str) -> bytes | None:
        """Many values as lines, which is quicker; None: there aren't many, or one has several lines."""
        packed = self._packed.get(name)
        return None if packed is None else zlib.decompress(packed)

    def __iter__(self) -> Iterator[str]:
        yield from self._plain
        yield from self._packed

    def __len__(self) -> int:
        return len(self._plain) + len(self._packed)

    def __contains__(self, name: object) -> bool:
        return name in self._plain or name in self._packed


@dataclass(slots=True)
class Index:
    """
    Attributes:
        objects: what is kept, by normalised DN; the first where an export has an object twice.
        root_dses: the entries without a name, one per domain controller.
        candidates: users that may be the connector account.
        entries: how many the file has.
        users: how many of them are users, of all domains.
        duplicates: objects, users apart, that were there again.
        suspects: hashes of account names that may belong to a user who is there twice.
        parts: attributes (lower case) of which only a part is in the export, by normalised DN.
        marks: where the users stand.
    """

    objects: dict[str, Entry] = field(default_factory=dict)
    by_sid: dict[bytes, str] = field(default_factory=dict)
    root_dses: list[Attributes] = field(default_factory=list)
    candidates: dict[str, Entry] = field(default_factory=dict)
    entries: int = 0
    users: int = 0
    duplicates: int = 0
    suspects: set[int] = field(default_factory=set)
    parts: dict[str, frozenset[str]] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)

    def of_class(self, name: str) -> Iterator[tuple[str, Entry]]:
        """Objects of a class, by its name in lower case, with their normalised DN."""
        for key, entry in self.objects.items():
            if name in classes_of(entry):
                yield key, entry


def classes_of(entry: Entry) -> set[str]:
    return {name.lower() for name in entry.texts("objectClass")}


def account_key(name: bytes) -> int:
    """Under which an account name is a suspect."""
    return hash(name.strip().lower()) % _SLOTS


def read_index(file: LdifFile) -> Index:
    """Read an export once.

    Raises:
        LdifError: it can't be read.
    """
    index = Index()
    index.entries = sum(1 for _ in file.map(_Reading(index), index.marks))
    return index


class _Reading:
    """Looks at one record after the other; at most users only so far as to pass them by."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._parse = RecordParser(None, spelling=_SPELLING)
        self._classify = RecordParser((*_CLASSIFYING, "sAMAccountName", "description"))
        self._seen = bytearray(_SLOTS >> 3)
        self._values: dict[bytes, bytes] = {}

    def __call__(self, record: bytes, bare: bytes) -> bool:
        """Whether it is a user.

        Args:
            bare: the record without the value of its descriptor.
        """
        if _USER_TYPE in bare:
            at = bare.find(_ACCOUNT_NAME)
            if at >= 0:
                at += len(_ACCOUNT_NAME)
                self._user(bare[at : at + 300].partition(b"\n")[0])
                if self._is_candidate(bare, at):
                    self._keep_candidate(Entry(*self._classify(record)), record)
                return True
        entry = Entry(*self._classify(record))
        if is_user(entry):
            self._user((entry.raw.get("sAMAccountName") or [entry.distinguished_name.encode()])[0])
            self._keep_candidate(entry, record)
            return True
        if not entry.distinguished_name or classes_of(entry) & _KEPT_CLASSES:
            self._keep(record)
        return False

    def _user(self, account_name: bytes) -> None:
        self._index.users += 1
        slot = account_key(account_name)
        place, bit = slot >> 3, 1 << (slot & 7)
        if self._seen[place] & bit:
            self._index.suspects.add(slot)
        self._seen[place] |= bit

    def _is_candidate(self, record: bytes, name_at: int) -> bool:
        """Roughly: whoever passes is looked at closely."""
        if record[name_at + 4 : name_at + 5] == b"_" or b"_" in record[:16]:  # MSOL_, in any case
            return True
        at = record.find(_DESCRIPTION)
        if at < 0:
            return False
        return b"onnect" in value_at(record, at + 1) or record.count(_DESCRIPTION) > 1

    def _keep_candidate(self, entry: Entry, record: bytes) -> None:
        index = self._index
        if may_be_connector(entry) and len(index.candidates) < MOST_CANDIDATES:
            name, raw = self._parse(record)
            index.candidates.setdefault(_normal(name), Entry(name, raw))

    def _keep(self, record: bytes) -> None:
        index = self._index
        name, raw = self._parse(record)
        if not name:
            if "dNSHostName" in raw:
                raw["dnsHostName"] = raw.pop("dNSHostName")  # as the rootDSE spells it
            index.root_dses.append(raw)
            return
        key = _normal(name)
        if key in index.objects:
            index.duplicates += 1
            return
        if missing := join_ranges(raw):
            index.parts[key] = frozenset(name.lower() for name in missing)
        for values in raw.values():
            # Most descriptors and classes come again and again.
            if len(values) <= _MANY_VALUES:
                values[:] = [self._values.setdefault(value, value) for value in values]
        if len(self._values) > 50_000:
            self._values.clear()
        many = any(len(values) > _MANY_VALUES for values in raw.values())
        index.objects[key] = Entry(name, PackedAttributes(raw) if many else raw)
        if sid := raw.get("objectSid"):
            index.by_sid.setdefault(sid[0], key)


def _normal(distinguished_name: str) -> str:
    try:
        return normalise(distinguished_name)
    except MalformedName as error:
        raise MalformedRecord(str(error)) from None
