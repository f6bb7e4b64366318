"""What the directory says, in the field's own terms.

Entries are kept as answered (raw bytes) and decoded on access: most attributes of most users are never looked at.
An attribute that is absent may be empty or unreadable: Active Directory doesn't tell the two apart
(MS-ADTS 3.1.1.4.3), so accessors return None and their callers must not read None as "no".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from preflight.directory.access.security_descriptor import SecurityDescriptor
from preflight.directory.access.sid import sid_to_text

ACCOUNT_DISABLED = 0x0002
SMARTCARD_REQUIRED = 0x40000
PASSWORD_NEVER_EXPIRES = 0x10000

NO_CLEAR_CHANGE = 4
"""pwdProperties: aborts every update in clear text (MS-SAMR 3.1.1.8.5)."""

POLICY_HINTS_DEPRECATED = "1.2.840.113556.1.4.2066"
POLICY_HINTS = "1.2.840.113556.1.4.2239"
CAPABILITY_ACTIVE_DIRECTORY = "1.2.840.113556.1.4.800"
CAPABILITY_AD_LDS = "1.2.840.113556.1.4.1851"
CAPABILITY_READ_ONLY_DC = "1.2.840.113556.1.4.1920"

Attributes = Mapping[str, Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Entry:
    """An object of the directory, as answered.

    Attributes:
        distinguished_name: as the server spells it.
        raw: values by attribute name, the name spelled as it was asked for.
    """

    distinguished_name: str
    raw: Attributes

    def has(self, attribute: str) -> bool:
        return bool(self.raw.get(attribute))

    def text(self, attribute: str) -> str | None:
        values = self.raw.get(attribute)
        return values[0].decode("utf-8", "replace") if values else None

    def texts(self, attribute: str) -> tuple[str, ...]:
        return tuple(value.decode("utf-8", "replace") for value in self.raw.get(attribute, ()))

    def integer(self, attribute: str) -> int | None:
        """The value as a number; None where it is absent or no number."""
        values = self.raw.get(attribute)
        if not values:
            return None
        try:
            return int(values[0])
        except ValueError:
            return None

    def boolean(self, attribute: str) -> bool | None:
        value = self.text(attribute)
        return None if value is None else value.upper() == "TRUE"

    def guid(self, attribute: str) -> UUID | None:
        values = self.raw.get(attribute)
        return UUID(bytes_le=values[0]) if values and len(values[0]) == 16 else None

    def guid_text(self, attribute: str) -> str:
        """As `guid` is written, without making one; "" where there is none."""
        values = self.raw.get(attribute)
        if not values or len(values[0]) != 16:
            return ""
        digits, rest = values[0][7::-1].hex(), values[0][8:].hex()
        return f"{digits[8:]}-{digits[4:8]}-{digits[:4]}-{rest[:4]}-{rest[4:]}"

    def sid(self, attribute: str = "objectSid") -> str | None:
        values = self.raw.get(attribute)
        return sid_to_text(values[0]) if values else None

    def sids(self, attribute: str) -> tuple[str, ...]:
        return tuple(sid_to_text(value) for value in self.raw.get(attribute, ()))

    @property
    def security_descriptor(self) -> SecurityDescriptor | None:
        """None: not readable, hence unknown.

        Raises:
            MalformedDescriptor: the bytes are no descriptor.
        """
        values = self.raw.get("nTSecurityDescriptor")
        return SecurityDescriptor.parse(values[0]) if values else None


@dataclass(frozen=True, slots=True)
class User(Entry):
    """A user account (sAMAccountType 805306368: users and inetOrgPersons)."""

    @property
    def enabled(self) -> bool | None:
        """None: userAccountControl, which every user has, may not be read."""
        control = self.integer("userAccountControl")
        return None if control is None else not control & ACCOUNT_DISABLED

    @property
    def account_name(self) -> str:
        return self.text("sAMAccountName") or ""

    @property
    def object_class(self) -> str:
        """The most specific structural class: the last value of objectClass."""
        values = self.raw.get("objectClass")
        return values[-1].decode("utf-8", "replace") if values else ""


@dataclass(frozen=True, slots=True)
class RootDse:
    """What a server says of itself, before anyone signs in.

    Attributes:
        raw: the answer.
    """

    raw: Attributes

    def texts(self, attribute: str) -> tuple[str, ...]:
        return Entry("", self.raw).texts(attribute)

    def text(self, attribute: str) -> str | None:
        return Entry("", self.raw).text(attribute)

    @property
    def is_active_directory(self) -> bool:
        """A domain controller; AD LDS and other LDAP servers aren't."""
        capabilities = self.texts("supportedCapabilities")
        return CAPABILITY_ACTIVE_DIRECTORY in capabilities and CAPABILITY_AD_LDS not in capabilities

    @property
    def is_read_only(self) -> bool:
        return CAPABILITY_READ_ONLY_DC in self.texts("supportedCapabilities")

    @property
    def supported_controls(self) -> frozenset[str]:
        return frozenset(self.texts("supportedControl"))

    @property
    def host(self) -> str:
        return self.text("dnsHostName") or ""

    @property
    def current_time(self) -> datetime | None:
        """The server's clock; None: it doesn't say."""
        return generalized_time(self.text("currentTime") or "")

    @property
    def domain_dn(self) -> str:
        return self.text("defaultNamingContext") or ""

    @property
    def forest_dn(self) -> str:
        return self.text("rootDomainNamingContext") or ""


@dataclass(frozen=True, slots=True)
class DomainController:
    """A domain controller and how it was found.

    Attributes:
        host: a name or an address.
        port: where LDAP answers.
        tls: "ldaps" (TLS from the first byte), "starttls", or "none" (sealed by negotiate).
        found_by: "configured", "dns" or "export".
        is_pdc: whether it holds the PDC emulator role; None while that isn't known.
    """

    host: str
    port: int
    tls: str
    found_by: str
    is_pdc: bool | None = None

    @property
    def name(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """A password policy as a whole: the domain's or a fine-grained one. Durations; None where it could not be read.

    Attributes:
        name: "domain policy" or the fine-grained policy's name.
        maximum_age: timedelta.max = passwords never expire.
        lockout_duration: timedelta.max = until an administrator unlocks.
        lockout_threshold: wrong passwords until the account is locked; 0 = never.
        properties: pwdProperties (SAMR 2.2.3.14); 4 = no clear-text change.
    """

    name: str
    minimum_age: timedelta | None
    maximum_age: timedelta | None
    minimum_length: int | None
    history_length: int | None
    lockout_threshold: int | None
    lockout_duration: timedelta | None
    lockout_window: timedelta | None
    properties: int | None = None


@dataclass(frozen=True, slots=True)
class FineGrainedPolicy:
    """msDS-PasswordSettings: replaces the domain's policy as a whole for whom it applies to.

    Attributes:
        precedence: the lowest wins.
        applies_to: DNs of users and global security groups.
    """

    distinguished_name: str
    policy: PasswordPolicy
    precedence: int | None
    applies_to: tuple[str, ...]
    guid: UUID | None


@dataclass(frozen=True, slots=True)
class FineGrainedPolicies:
    """The fine-grained policies that could be seen.

    Attributes:
        complete: whether "none" or "these" is proven: the container was read and its List Contents right is the
            reader's. False: there may be more.
        obstacle: why it isn't proven.
    """

    policies: tuple[FineGrainedPolicy, ...]
    complete: bool
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class Domain:
    """The head of a domain.

    Attributes:
        name: its DNS name, lower case.
        forest: the forest root domain's DNS name; "" where neither a DC nor the configuration said it.
        pdc_host: dNSHostName of the holder of the PDC emulator role (fSMORoleOwner); "" if unreadable.
        policy: the domain's own password policy; None: its attributes could not be read.
        security_descriptor: the head's own (P4 is judged on it); None: not readable.
        head: the entry as answered.
        ds_heuristics: dSHeuristics of the forest; "" = not set; None = not readable.
    """

    name: str
    distinguished_name: str
    forest: str
    forest_dn: str
    sid: str | None
    pdc_host: str
    policy: PasswordPolicy | None
    security_descriptor: SecurityDescriptor | None
    head: Entry
    ds_heuristics: str | None = None


@dataclass(frozen=True, slots=True)
class CrossReference:
    """A domain of the forest, as CN=Partitions lists it."""

    name: str
    distinguished_name: str
    netbios_name: str


@dataclass(frozen=True, slots=True)
class Container:
    """An object that can hold users.

    Attributes:
        object_class: the most specific one; "": it may not be read, so that this may be a user as well.
        security_descriptor: None: not readable.
        malformed: the descriptor came but is no descriptor.
    """

    distinguished_name: str
    object_class: str
    security_descriptor: SecurityDescriptor | None
    malformed: bool = False


@dataclass(frozen=True, slots=True)
class Principal:
    """An account as the directory of its own domain knows it: what a token in any domain is made from.

    Attributes:
        forest_dn: of the forest it lives in; compared with the judged domain's ("" = not known).
        domain_sid: of the domain it lives in.
        sid_history: from migrations; doesn't cross a forest trust.
        global_groups: SIDs of its global and universal groups, transitive, primary group included.
        local_groups: SIDs of the domain-local groups of its own domain.
        complete: whether these are surely all (tokenGroups was there and holds the primary group).
        obstacle: why they may not be all.
        group_names: DNs of the global and universal groups by SID, as far as the home domain knows them: under
            these they stand in `member` of another domain of the forest.
    """

    distinguished_name: str
    sid: str
    domain: str
    domain_sid: str
    forest_dn: str
    sid_history: tuple[str, ...]
    global_groups: frozenset[str]
    local_groups: frozenset[str]
    complete: bool
    obstacle: str = ""
    group_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Token:
    """The security identifiers that count for an account in one domain (MS-DTYP 2.5.3).

    Attributes:
        sids: those that are surely in it, well-known ones included.
        complete: False: there may be more (domain.md: tokenGroups absent, an export without a group's members).
        outside: SIDs surely not in an incomplete token.
        source: how it was made, for the report.
        account_sid: the account's own objectSid; "" for a token read from a rootDSE.
        account_name: the account as commands name it, DOMAIN\\name or name@domain; "" = not known.
    """

    sids: frozenset[str]
    complete: bool
    source: str
    account_sid: str = ""
    outside: frozenset[str] = frozenset()
    obstacle: str = ""
    account_name: str = ""

    def surely_outside(self, sid: str) -> bool:
        return sid not in self.sids and (self.complete or sid in self.outside or sid in NEVER_IN_A_TOKEN)


EVERYONE = "S-1-1-0"
PRINCIPAL_SELF = "S-1-5-10"
OWNER_RIGHTS = "S-1-3-4"
CREATOR_OWNER = "S-1-3-0"
CREATOR_GROUP = "S-1-3-1"
AUTHENTICATED_USERS = "S-1-5-11"
NETWORK = "S-1-5-2"
THIS_ORGANIZATION = "S-1-5-15"
OTHER_ORGANIZATION = "S-1-5-1000"
PRE_WINDOWS_2000 = "S-1-5-32-554"
WELL_KNOWN_SIDS = frozenset({EVERYONE, AUTHENTICATED_USERS, NETWORK, THIS_ORGANIZATION})
"""In the token of every account that signs in over the network within its own forest."""

OTHER_SIGN_INS = frozenset(
    {"S-1-2-0", "S-1-2-1", "S-1-5-1", "S-1-5-3", "S-1-5-4", "S-1-5-6", "S-1-5-13", "S-1-5-14", "S-1-5-19", "S-1-5-20"}
)
"""LOCAL, CONSOLE LOGON, DIALUP, BATCH, INTERACTIVE, SERVICE, terminal servers and services: not over the network."""

NEVER_IN_A_TOKEN = OTHER_SIGN_INS | {
    CREATOR_OWNER, CREATOR_GROUP, PRINCIPAL_SELF, OWNER_RIGHTS, "S-1-5-7", "S-1-5-18", "S-1-0-0"
}  # fmt: skip
"""Beside these: placeholders (judged by rules of their own), ANONYMOUS LOGON, SYSTEM and NULL."""


def filetime_to_datetime(value: int) -> datetime | None:
    """A count of 100-ns intervals since 1601 (UTC) as a time; None for 0 and "never" (out of range)."""
    if value <= 0:
        return None
    try:
        return datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=value // 10)
    except OverflowError:
        return None


def generalized_time(text: str) -> datetime | None:
    """ "20260102030405.0Z" as a directory writes times (RFC 4517 3.3.13); None: it is none."""
    try:
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC) if text.endswith("Z") else None
    except ValueError:
        return None


def duration_from_interval(value: int | None) -> timedelta | None:
    """A negative 100-ns interval as a duration; None stays None."""
    return None if value is None else timedelta(microseconds=abs(value) // 10)


def unbounded_from_interval(value: int | None) -> timedelta | None:
    """As `duration_from_interval`, where 0 and the smallest number mean "never" or "for ever" (domain policy)."""
    if value is None:
        return None
    if value == 0 or value <= -9223372036854775808:
        return timedelta.max
    return duration_from_interval(value)
