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
from urllib.parse import unquote
from uuid import UUID

from preflight.bundle.identifying import (
    ANCHOR_MEMBERS,
    COMPONENT,
    DOMAIN_MEMBERS,
    DOMAIN_PART,
    FORM,
    HOST_MEMBERS,
    KEPT_MEMBERS,
    NAME_MEMBERS,
    PUBLIC_NAMES,
    TENANTS,
    accounts_in,
    is_address,
    is_host,
    is_ordinary,
    is_version,
    of_a_maker,
    of_the_service,
    unescaped,
)
from preflight.bundle.stand_ins import StandIns
from preflight.directory.access.guids import NAMES

LEAST_OF_A_SITE = 1000
"""Relative ids below it are the same in every domain (512 Domain Admins)."""

_LEAST_LETTERS = 3
"""Of a name that is looked for in running text: shorter ones are words too often."""

_WORD = re.compile(r"\w+")
_DOMAIN = re.compile(r"(?:\w[\w-]{0,62}\.)+[^\W\d_][\w-]*")

_FOUR = ipaddress.ip_address("198.18.0.0")
_SIX = ipaddress.ip_address("2001:db8::")
"""Networks that are nobody's: for measurements (RFC 2544), for documents (RFC 3849)."""


class Pseudonyms:
    """The stand-ins of one bundle. `learn` everything first, then `apply`."""

    def __init__(self) -> None:
        self._names = StandIns()
        self._phrases: dict[str, dict[tuple[str, ...], str]] = {}

    # -- learning -----------------------------------------------------------------------------------------------------

    def learn(self, tree: object) -> None:
        """Take in what identifies somebody or something in a JSON-like document."""
        for member, text in _texts(tree):
            self._learn_what_shows(text)
            if member in DOMAIN_MEMBERS or (member == "name" and "." in text):
                self._learn_domain(text)
            elif member in HOST_MEMBERS:
                self._learn_host(text)
            elif member in NAME_MEMBERS:
                self._learn_account(text)
            elif member in ANCHOR_MEMBERS:
                self.learn_name("anchor", text)
        for _, text in _texts(tree):
            for domain, name, certain in accounts_in(text):
                if certain or self._names.expects("DOMAIN", domain):
                    self.learn_name("DOMAIN", domain)
                    self.learn_name("user", name)

    def _learn_what_shows(self, text: str) -> None:
        for found in FORM.finditer(text):
            value = found[0]
            if found["dn"]:
                self._learn_dn(value)
            elif found["address"]:
                local, domain = _parted(value)
                self._learn_domain(domain)
                self.learn_name("user", unquote(local))
            elif found["home"]:
                self.learn_name("user", re.split(r"[\\/]", value)[-1])
            elif found["anchor"]:
                self.learn_name("anchor", value)
            elif found["host"] and is_host(value, text, found.start()) and not of_the_service(value):
                parent = value.partition(".")[2]
                below = "." in parent and not value.casefold().endswith(TENANTS)
                self._learn_domain(parent if below else value, spotted=True)

    def _learn_dn(self, dn: str) -> None:
        if domain := ".".join(DOMAIN_PART.findall(dn)):
            self._learn_domain(domain)
        for kind, value in COMPONENT.findall(dn):
            name = unescaped(value).partition("\n")[0]  # what follows names a conflict or a deletion
            self.learn_name("ou" if kind.upper() == "OU" else "name", name)
            last, comma, first = name.partition(", ")
            if comma:
                self.learn_name("name", f"{first} {last}")

    def _learn_account(self, text: str) -> None:
        domain, separator, name = text.rpartition("\\")
        if separator:
            self.learn_name("DOMAIN", domain)
        if "@" not in text and "=" not in text and not text.startswith("S-1-"):
            self.learn_name("user", name)

    def _learn_domain(self, name: str, spotted: bool = False) -> None:
        """One that was only spotted in a text doesn't make a common word a name."""
        name = name.strip(".").casefold()
        if not _DOMAIN.fullmatch(name) or self._names.expects_domain(name) or of_the_service(name):
            return
        self._names.expect_domain(name)
        label = name.partition(".")[0]
        if not (spotted and is_ordinary(label)):
            self.learn_name("DOMAIN", label)

    def _learn_host(self, name: str) -> None:
        address = name.rpartition("//")[2]
        if is_address(address):
            return
        short, _, domain = address.partition(":")[0].partition(".")
        if domain:
            self._learn_domain(domain)
        if short and not short.isdigit():
            self.learn_name("host", short)

    def learn_name(self, kind: str, name: str) -> None:
        """A name that is to be replaced wherever it stands."""
        words = tuple(word.casefold() for word in _WORD.findall(name))
        if not words or name.casefold() in PUBLIC_NAMES:
            return
        self._names.expect(kind, name)
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
        for found in FORM.finditer(text):
            pieces.append(self._words(text[end : found.start()]))
            pieces.append(self._shown_by_form(found, text))
            end = found.end()
        return "".join([*pieces, self._words(text[end:])])

    @property
    def originals(self) -> dict[str, str]:
        """What stands for what: to be kept apart from the bundle."""
        return self._names.originals

    def _member(self, name: str) -> str:
        """A member's name is one of the schema's, or data: then it shows by its form."""
        return self.text(name) if FORM.search(name) else name

    def _value(self, member: str, value: Any) -> Any:
        """A field that holds a name alone is replaced whole, however short that is."""
        if isinstance(value, str) and not FORM.search(value):
            for members, kind in ((HOST_MEMBERS, "host"), (NAME_MEMBERS, "user"), (ANCHOR_MEMBERS, "anchor")):
                if member in members and self._names.expects(kind, value):
                    return self._names.of(kind, value)
        return self.apply(value)

    def _shown_by_form(self, found: re.Match[str], text: str) -> str:
        kind, value = str(found.lastgroup), found[0]
        if kind == "v4" and (is_version(text, found.start()) or not is_address(value)):
            return value
        if (kind == "v6" and not is_address(value)) or (kind == "host" and not self._is_host(found, text)):
            return self._words(value)
        return {
            "dn": self._name,
            "rdn": self._part_of_a_name,
            "sid": self._sid,
            "connector": lambda name: self._names.of("user", name),
            "guid": self._guid,
            "anchor": lambda anchor: self._names.of("anchor", anchor),
            "home": self._home,
            "server": self._server,
            "unc": lambda unc: f"\\\\{self._server(unc[2:])}",
            "address": self._address,
            "namespace": self._namespace,
            "v4": self._ip,
            "v6": self._ip,
            "host": self._host,
        }[kind](value)

    def _name(self, dn: str) -> str:
        """Component by component; the domain's as labels of its stand-in."""
        domain = DOMAIN_PART.search(dn)
        head = dn[: domain.start()] if domain else dn
        components = [f"{kind}={self._component(kind, value)}" for kind, value in COMPONENT.findall(head.rstrip(", "))]
        name = ".".join(DOMAIN_PART.findall(dn))
        return ",".join([*components, *(f"DC={label}" for label in self._names.of_domain(name).split("."))])

    def _part_of_a_name(self, component: str) -> str:
        """One without its domain: of a name cut short, or of a certificate's."""
        kind, _, value = component.partition("=")
        if of_a_maker(value) or any(f"{value} ".casefold().startswith(f"{name} ") for name in PUBLIC_NAMES):
            return f"{kind}={self._words(value)}"
        return f"{kind}={self._component(kind, value.rstrip())}"

    def _component(self, kind: str, value: str) -> str:
        plain = unescaped(value)
        if plain.casefold() in PUBLIC_NAMES:
            return value
        if FORM.fullmatch(plain):
            return self.text(plain)
        return self._names.of("ou" if kind.upper() == "OU" else "name", plain.casefold())

    def _sid(self, sid: str) -> str:
        parts = sid.split("-")
        domain, rid = "-".join(parts[:7]), "".join(parts[7:8])
        stand_in = self._names.given("domain SID", domain, f"S-1-5-21-0-0-{self._names.number('domain SID', domain)}")
        if not rid:
            return stand_in
        if int(rid) < LEAST_OF_A_SITE:
            return f"{stand_in}-{rid}"
        return self._names.given("SID", sid, f"{stand_in}-{100_000 + self._names.number('SID', sid)}")

    def _guid(self, guid: str) -> str:
        if UUID(guid) in NAMES:
            return guid
        plain = str(UUID(guid))
        return self._names.given("GUID", plain, f"00000000-0000-0000-0000-{self._names.number('GUID', plain):012d}")

    def _address(self, address: str) -> str:
        local, domain = _parted(address)
        return f"{self._names.of('user', unquote(local))}@{self._names.of_domain(domain)}"

    def _home(self, folder: str) -> str:
        name = re.split(r"[\\/]", folder)[-1]
        return f"{folder.removesuffix(name)}{self._names.of('user', name)}"

    def _namespace(self, name: str) -> str:
        if of_the_service(name):
            return name
        label, _, rest = name.partition(".")
        return f"{self._names.of('namespace', label.casefold())}.{rest}"

    def _ip(self, address: str) -> str:
        parsed = ipaddress.ip_address(address)
        if parsed.is_loopback or parsed.is_unspecified:
            return address
        number = self._names.number("address", str(parsed))
        return self._names.given("address", address, str((_FOUR if parsed.version == 4 else _SIX) + number))

    def _is_host(self, found: re.Match[str], text: str) -> bool:
        name = found[0]
        labels = name.casefold().split(".")
        known = any(self._names.expects_domain(".".join(labels[first:])) for first in range(len(labels)))
        return not of_the_service(name) and (known or is_host(name, text, found.start()))

    def _server(self, name: str) -> str:
        if name.casefold() == "localhost":
            return name
        return self._host(name) if "." in name else self._names.of("host", name)

    def _host(self, name: str) -> str:
        plain = name.casefold()
        if self._names.expects_domain(plain):
            return self._names.of_domain(plain)
        short, _, parent = plain.partition(".")
        while parent and not self._names.expects_domain(parent):
            _, _, parent = parent.partition(".")
        if parent:
            return f"{self._names.of('host', short)}.{self._names.of_domain(parent)}"
        return self._names.of_domain(plain)

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
                pieces += [text[end : words[number].start()], self._names.of(kind, name)]
                end = last.end()
            number += max(length, 1)
        return "".join([*pieces, text[end:]])

    def _phrase_at(self, words: list[re.Match[str]], number: int) -> tuple[int, str]:
        phrases = self._phrases.get(words[number][0].casefold())
        for phrase, kind in sorted((phrases or {}).items(), key=lambda each: -len(each[0])):
            if tuple(word[0].casefold() for word in words[number : number + len(phrase)]) == phrase:
                return len(phrase), kind
        return 0, ""


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


def _parted(address: str) -> tuple[str, str]:
    """Before the at sign, and after it; in a URL it may be escaped."""
    local, _, domain = address.replace("%40", "@").rpartition("@")
    return local, domain
