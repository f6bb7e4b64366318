"""Stand-ins for what tells who and where: names, SIDs, hosts, addresses. The same one for the same, everywhere.

What the documents hold in fields and in distinguished names is learned first; then every text is gone through for all
that was learned, and for what shows by its form (SIDs, addresses, GUIDs). Words of Active Directory's own (CN=Users,
Domain Admins, well-known SIDs, the GUIDs of rights) and the service's own hosts stay: without them nothing can be read.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from preflight.directory.access.guids import NAMES
from preflight.network.clouds import CLOUDS

KEPT_MEMBERS = frozenset(
    {
        "answer", "auth", "check", "checks", "cloud", "code", "codes", "event_codes", "event_id", "fingerprint",
        "format", "level", "method", "object_class", "outcome", "package", "profile", "record_id", "right", "role",
        "schema", "schema_version", "severity", "source", "started", "status", "title", "tls", "tool", "until",
        "verdict", "version", "versions",
    }
)  # fmt: skip
"""Members whose values are words of the program's own."""

PUBLIC_NAMES = frozenset(
    name.casefold()
    for name in (
        "AdminSDHolder", "Builtin", "Computers", "Configuration", "Deleted Objects", "Domain Controllers",
        "ForeignSecurityPrincipals", "LostAndFound", "Managed Service Accounts", "Partitions",
        "Password Settings Container", "Program Data", "Schema", "Server", "Servers", "Services", "Sites", "System",
        "Users", "Account Operators", "Administrator", "Administrators", "Authenticated Users", "Backup Operators",
        "Domain Admins", "Domain Users", "Enterprise Admins", "Everyone", "Group Policy Creator Owners", "Guest",
        "Guests", "krbtgt", "Pre-Windows 2000 Compatible Access", "Print Operators", "Protected Users", "Replicator",
        "Schema Admins", "Server Operators", "MSOL", "NT AUTHORITY", "BUILTIN",
    )
)  # fmt: skip
"""Names that every domain has."""

_HOST_MEMBERS = ("host", "sync_server", "computer")
_DOMAIN_MEMBERS = ("domain", "forest")
_NAME_MEMBERS = ("sam_account_name", "account", "connector", "connector_account", "user", "owner")

LEAST_OF_A_SITE = 1000
"""Relative ids below it are the same in every domain (512 Domain Admins)."""

_LEAST_LETTERS = 3
"""Of a name that is looked for in running text: shorter ones are words too often."""

_SERVICE_BUS = r"servicebus\.(?:windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)"
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})"
_PATTERN = re.compile(
    r"(?P<dn>(?:\b(?:CN|OU|O|L|UID)=(?:\\.|[^,\\=\r\n])++,)*+(?:\bDC=[\w-]++,)*+\bDC=[\w-]++)"
    r"|(?P<sid>\bS-1-5-21-\d+-\d+-\d+(?:-\d+)?\b)"
    r"|(?P<connector>\b(?:MSOL|AAD)_[0-9a-zA-Z]+\b)"
    r"|(?P<guid>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)"
    r"|(?P<anchor>(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{22}==)"
    rf"|(?P<address>[\w.!#$%&'*+/?^`{{|}}~-]{{1,64}}@(?:{_LABEL}\.)+[A-Za-z]{{2,24}}\b)"
    rf"|(?P<namespace>\b{_LABEL}\.{_SERVICE_BUS}\b)"
    r"|(?P<v4>(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d))"
    r"|(?P<v6>(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:]))"
    rf"|(?P<host>\b(?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]{{1,24}}\b)"
)
_COMPONENT = re.compile(r"(CN|OU|O|L|UID)=((?:\\.|[^,\\])*)", re.IGNORECASE)
_ACCOUNT = re.compile(r"""(?<![\w:\\/.])([\w-]{1,15})\\([^\s"'\\/:;|=,+*?<>\[\]]{1,64})""")
"""DOMAIN\\name; whether the first is a domain and no folder is known from elsewhere."""
_WORD = re.compile(r"\w+")
_VERSION = re.compile(r"[Vv]ersion\W{0,3}$")

_FOUR = ipaddress.ip_address("198.18.0.0")
_SIX = ipaddress.ip_address("2001:db8::")
"""Networks that are nobody's: for measurements (RFC 2544), for documents (RFC 3849)."""

_DOCUMENTED = frozenset(name.host for cloud in CLOUDS.values() for name in (*cloud.relays, *cloud.web_services)) | {
    cloud.relay_domain for cloud in CLOUDS.values()
}
_VENDORS = ("microsoftonline.com", "microsoftonline.us", "microsoft.com", "msappproxy.net", "accesscontrol.windows.net")
"""Hosts of the service, which say nothing about a site."""


class Pseudonyms:
    """The stand-ins of one bundle. `learn` everything first, then `apply`."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], str] = {}
        self._spelled: dict[tuple[str, str], str] = {}
        self._counts: dict[str, dict[str, int]] = {}
        self._domains: dict[str, str] = {}
        self._phrases: dict[str, dict[tuple[str, ...], str]] = {}

    # -- learning -----------------------------------------------------------------------------------------------------

    def learn(self, tree: object) -> None:
        """Take in what identifies somebody or something in a JSON-like document."""
        for member, text in _texts(tree):
            for found in _PATTERN.finditer(text):
                if found["dn"]:
                    self._learn_name(found["dn"])
                elif found["address"]:
                    local, _, domain = found["address"].rpartition("@")
                    self._learn_domain(domain)
                    self._learn_word("user", local)
            if member in _DOMAIN_MEMBERS or (member == "name" and "." in text):
                self._learn_domain(text)
            elif member in _HOST_MEMBERS:
                self._learn_host(text)
            elif member in _NAME_MEMBERS:
                self._learn_account(text)
        for _, text in _texts(tree):
            for domain, name in _ACCOUNT.findall(text):
                if ("DOMAIN", domain.casefold()) in self._given:
                    self._learn_word("user", name)

    def _learn_name(self, dn: str) -> None:
        domain = ".".join(re.findall(r"DC=([\w-]+)", dn, re.IGNORECASE))
        self._learn_domain(domain)
        for kind, value in _COMPONENT.findall(dn):
            self._learn_word("ou" if kind.upper() == "OU" else "name", _unescaped(value))

    def _learn_account(self, text: str) -> None:
        domain, separator, name = text.rpartition("\\")
        if separator:
            self._learn_word("DOMAIN", domain)
        if "@" not in text and "=" not in text and not text.startswith("S-1-"):
            self._learn_word("user", name)

    def _learn_domain(self, name: str) -> None:
        name = name.strip(".").casefold()
        if not re.fullmatch(rf"(?:{_LABEL}\.)+[a-z][a-z0-9-]*", name) or name in self._domains or _of_the_service(name):
            return
        self._domains[name] = ""
        self._learn_word("DOMAIN", name.partition(".")[0])

    def _learn_host(self, name: str) -> None:
        short, _, domain = name.partition(":")[0].partition(".")
        if domain:
            self._learn_domain(domain)
        if short and not short.isdigit():
            self._learn_word("host", short)

    def _learn_word(self, kind: str, name: str) -> None:
        words = tuple(word.casefold() for word in _WORD.findall(name))
        if not words or name.casefold() in PUBLIC_NAMES:
            return
        self._given.setdefault((kind, name.casefold()), "")
        self._spelled.setdefault((kind, name.casefold()), name)
        if len("".join(words)) >= _LEAST_LETTERS:
            self._phrases.setdefault(words[0], {}).setdefault(words, kind)

    # -- replacing ----------------------------------------------------------------------------------------------------

    def apply(self, tree: Any) -> Any:
        """The document with stand-ins."""
        if isinstance(tree, str):
            return self.text(tree)
        if isinstance(tree, Mapping):
            return {
                self._member(str(name)): value if name in KEPT_MEMBERS else self._value(str(name), value)
                for name, value in tree.items()
            }
        if isinstance(tree, (list, tuple)):
            return [self.apply(each) for each in tree]
        return tree

    def text(self, text: str) -> str:
        """A text with stand-ins."""
        pieces: list[str] = []
        end = 0
        for found in _PATTERN.finditer(text):
            pieces.append(self._words(text[end : found.start()]))
            pieces.append(self._shown_by_form(found, text))
            end = found.end()
        return "".join([*pieces, self._words(text[end:])])

    @property
    def originals(self) -> dict[str, str]:
        """What stands for what: to be kept apart from the bundle."""
        found = {stand_in: self._spelled.get(key, key[1]) for key, stand_in in self._given.items() if stand_in} | {
            stand_in: name for name, stand_in in self._domains.items() if stand_in
        }
        return dict(sorted(found.items()))

    def _member(self, name: str) -> str:
        """A member's name is one of the schema's, or data: then it shows by its form."""
        return self.text(name) if _PATTERN.search(name) else name

    def _value(self, member: str, value: Any) -> Any:
        """A field that holds a name alone is replaced whole, however short that is."""
        if isinstance(value, str) and not _PATTERN.search(value):
            for members, kind in ((_HOST_MEMBERS, "host"), (_NAME_MEMBERS, "user")):
                if member in members and (kind, value.casefold()) in self._given:
                    return self._stand_in(kind, value)
        return self.apply(value)

    def _shown_by_form(self, found: re.Match[str], text: str) -> str:
        kind = str(found.lastgroup)
        value = found[0]
        if kind == "v4" and (_VERSION.search(text[: found.start()]) or not _is_address(value)):
            return value
        if kind == "v6" and not _is_address(value):
            return self._words(value)
        return {
            "dn": self._name,
            "sid": self._sid,
            "connector": lambda name: self._stand_in("user", name),
            "guid": self._guid,
            "anchor": lambda anchor: self._stand_in("anchor", anchor),
            "address": self._address,
            "namespace": self._namespace,
            "v4": self._ip,
            "v6": self._ip,
            "host": self._host,
        }[kind](value)

    def _name(self, dn: str) -> str:
        """Component by component; the domain's as labels of its stand-in."""
        head, _, _ = dn.partition("DC=")
        components = [f"{kind}={self._component(kind, value)}" for kind, value in _COMPONENT.findall(head.rstrip(","))]
        domain = ".".join(re.findall(r"DC=([\w-]+)", dn, re.IGNORECASE))
        return ",".join([*components, *(f"DC={label}" for label in self._domain(domain).split("."))])

    def _component(self, kind: str, value: str) -> str:
        plain = _unescaped(value)
        if plain.casefold() in PUBLIC_NAMES:
            return value
        if _PATTERN.fullmatch(plain):
            return self.text(plain)
        return self._stand_in("ou" if kind.upper() == "OU" else "name", plain.casefold())

    def _sid(self, sid: str) -> str:
        parts = sid.split("-")
        domain, rid = "-".join(parts[:7]), "".join(parts[7:8])
        stand_in = self._stands("domain SID", domain, f"S-1-5-21-0-0-{self._number('domain SID', domain)}")
        if not rid:
            return stand_in
        if int(rid) < LEAST_OF_A_SITE:
            return f"{stand_in}-{rid}"
        return self._stands("SID", sid, f"{stand_in}-{100_000 + self._number('SID', sid)}")

    def _guid(self, guid: str) -> str:
        if UUID(guid) in NAMES:
            return guid
        return self._stands("GUID", guid, f"00000000-0000-0000-0000-{self._number('GUID', guid.casefold()):012d}")

    def _address(self, address: str) -> str:
        local, _, domain = address.rpartition("@")
        return f"{self._stand_in('user', local.casefold())}@{self._domain(domain)}"

    def _namespace(self, name: str) -> str:
        if _of_the_service(name):
            return name
        label, _, rest = name.partition(".")
        return f"{self._stand_in('namespace', label.casefold())}.{rest}"

    def _ip(self, address: str) -> str:
        parsed = ipaddress.ip_address(address)
        if parsed.is_loopback or parsed.is_unspecified:
            return address
        number = self._number("address", str(parsed))
        return self._stands("address", address, str((_FOUR if parsed.version == 4 else _SIX) + number))

    def _host(self, name: str) -> str:
        plain = name.casefold()
        if plain in self._domains:
            return self._domain(plain)
        short, _, parent = plain.partition(".")
        while parent and parent not in self._domains:
            _, _, parent = parent.partition(".")
        return f"{self._stand_in('host', short)}.{self._domain(parent)}" if parent else self._words(name)

    def _domain(self, name: str) -> str:
        """domain-1.example; a child keeps its place below its parent."""
        plain = name.casefold()
        if _of_the_service(plain):
            return name
        if not self._domains.get(plain):
            _, _, parent = plain.partition(".")
            below = parent in self._domains
            number = len([stand_in for stand_in in self._domains.values() if stand_in]) + 1
            self._domains[plain] = f"sub-{number}.{self._domain(parent)}" if below else f"domain-{number}.example"
        return self._domains[plain]

    def _words(self, text: str) -> str:
        """Learned names within running text, the longest first."""
        if not self._phrases:
            return text
        words = list(_WORD.finditer(text))
        pieces: list[str] = []
        end = number = 0
        while number < len(words):
            length, kind = self._phrase_at(words, number)
            if length:
                last = words[number + length - 1]
                name = text[words[number].start() : last.end()]
                pieces += [text[end : words[number].start()], self._stand_in(kind, name)]
                end = last.end()
            number += max(length, 1)
        return "".join([*pieces, text[end:]])

    def _phrase_at(self, words: list[re.Match[str]], number: int) -> tuple[int, str]:
        phrases = self._phrases.get(words[number][0].casefold())
        for phrase, kind in sorted((phrases or {}).items(), key=lambda each: -len(each[0])):
            if tuple(word[0].casefold() for word in words[number : number + len(phrase)]) == phrase:
                return len(phrase), kind
        return 0, ""

    def _stand_in(self, kind: str, original: str) -> str:
        number = self._number(kind, original.casefold())
        connector = original.casefold().startswith("msol_")
        return self._stands(kind, original, f"MSOL_{number}" if connector else f"{kind}-{number}")

    def _stands(self, kind: str, original: str, stand_in: str) -> str:
        """The stand-in, remembered."""
        key = (kind, original.casefold())
        if not self._given.get(key):
            self._given[key] = stand_in
            self._spelled.setdefault(key, original)
        return self._given[key]

    def _number(self, kind: str, original: str) -> int:
        counted = self._counts.setdefault(kind, {})
        return counted.setdefault(original, len(counted) + 1)


def _texts(tree: object, member: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a document, with the name of the member that it stands under."""
    if isinstance(tree, str):
        yield member, tree
    elif isinstance(tree, Mapping):
        for name, value in tree.items():
            yield "", str(name)
            if name not in KEPT_MEMBERS:
                yield from _texts(value, str(name))
    elif isinstance(tree, (list, tuple)):
        for value in tree:
            yield from _texts(value, member)


def _unescaped(value: str) -> str:
    return re.sub(r"\\([^0-9a-fA-F])", r"\1", value)


def _of_the_service(name: str) -> bool:
    plain = name.casefold()
    return plain in _DOCUMENTED or any(plain == vendor or plain.endswith(f".{vendor}") for vendor in _VENDORS)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
