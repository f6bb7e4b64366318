"""A domain as an LDIF export shows it: the offline adapter behind `preflight.directory.port.Directory`.

The file is read once for everything that isn't a user (`ldif_index`), and again, as a stream, each time that users
are asked for. It holds what its maker could read and exported, so what isn't in it is unknown, never absent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

from preflight.api import Unavailable
from preflight.directory.access.security_descriptor import MalformedDescriptor
from preflight.directory.access.sid import sid_from_text
from preflight.directory.distinguished_name import (
    MalformedName,
    dn_to_domain,
    domain_to_dn,
    is_under,
    normal_form,
    normalise,
    parent,
)
from preflight.directory.export.index import (
    CONTAINER_CLASSES,
    MANAGED_ACCOUNT,
    Index,
    account_key,
    classes_of,
    is_user,
    read_index,
)
from preflight.directory.export.reader import LdifError, LdifFile, MalformedRecord, RecordParser, name_of
from preflight.directory.export.token import ExportedGroups, principal_of, token_in
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
from preflight.directory.naming import Reading, readings
from preflight.directory.password_policy import domain_policy, fine_grained_policy

PAGE = 400
"""Users that are handed on at once."""

_CLASSIFYING = ("sAMAccountType", "objectClass", "userAccountControl", "sAMAccountName")
_NAMING_CONTEXT_OF_A_DOMAIN = 0x3
"""systemFlags of a crossRef: FLAG_CR_NTDS_NC and FLAG_CR_NTDS_DOMAIN (MS-ADTS 6.1.1.2.1.1)."""

_MOST_READ_AHEAD = 5_000

_FIRST_ACCOUNT_RID = 1_000
_ACCOUNTS_BELOW = frozenset({500, 501, 502, 503})
"""Administrator, Guest, krbtgt, DefaultAccount: the RIDs under 1000 that are users."""

_BINARY = frozenset({"objectguid", "objectsid", "sidhistory", "ms-ds-consistencyguid"})
_EXPORT_MORE = (
    "Export again as an administrator with ldapsearch, from the domain's head, all attributes and nTSecurityDescriptor "
    "(-E '!1.2.840.113556.1.4.801=::MAMCAQc='), and add the configuration partition and the rootDSE."
)


class LdifDirectory:
    """One domain, from an export that may hold further domains, partitions and rootDSEs.

    Args:
        domain_name: its DNS name.
        forest: the forest root domain's DNS name, where the export doesn't say it.
    """

    def __init__(self, path: Path, domain_name: str, forest: str | None = None) -> None:
        self._file = LdifFile(path)
        self._name = domain_name.strip().removesuffix(".").lower()
        self._dn = domain_to_dn(self._name)
        self._base = normalise(self._dn)
        self._forest = (forest or "").strip().removesuffix(".").lower()
        self._lock = threading.Lock()
        self._index: Index | None = None
        self._failure: LdifError | None = None
        self._groups: ExportedGroups | None = None
        self._state: tuple[int, int] | None = None
        self._repeated_users = 0
        # Entries read by name the last time, and for which attributes: None, where nothing has the name.
        self._read_ahead: tuple[frozenset[str], dict[str, Entry | None]] = (frozenset(), {})

    @property
    def name(self) -> str:
        return self._name

    @property
    def origin(self) -> str:
        name = self._file.path.name
        if self._index is None or self._state is None:
            return name
        date = datetime.fromtimestamp(self._state[1] / 1e9).astimezone()
        facts = [f"{self._index.entries} entries", f"{date:%Y-%m-%d %H:%M}"]
        if self._file.cut_off:
            facts.append("ends in the middle of a line")
        if self.duplicates:
            facts.append(f"{self.duplicates} objects twice")
        return f"{name} ({', '.join(facts)})"

    @property
    def live(self) -> bool:
        return False

    @property
    def duplicates(self) -> int:
        """Objects that were there again, as in exports put together: the first counts. Users: as last read."""
        return (self._index.duplicates if self._index else 0) + self._repeated_users

    def root_dse(self) -> RootDse:
        found = self.controllers_root_dse()
        if found:
            return found[0]
        raise Unavailable(
            f"{self._file.path.name} holds no rootDSE of {self._name} (an entry without a name)",
            code="not-in-export",
            remedy="Add one for each controller: ldapsearch -H ldaps://... -s base -b '' '(objectClass=*)' '*' '+'.",
        )

    def controllers_root_dse(self) -> Sequence[RootDse]:
        """The entries without a name, one per domain controller, in the order of the file."""
        found = [RootDse(raw) for raw in self._read_index().root_dses]
        return [root for root in found if not root.domain_dn or normal_form(root.domain_dn) == self._base]

    def domain(self) -> Domain:
        head = self._read_index().objects.get(self._base)
        if head is None:
            raise self._not_in_export(f"the domain's head {self._dn}")
        try:
            descriptor = head.security_descriptor
        except MalformedDescriptor:
            descriptor = None
        forest_dn = self._forest_dn()
        return Domain(
            name=self._name,
            distinguished_name=head.distinguished_name,
            forest=_domain_name(forest_dn),
            forest_dn=forest_dn,
            sid=head.sid(),
            pdc_host=self._role_owner_host(head),
            policy=domain_policy(head),
            security_descriptor=descriptor,
            head=head,
            ds_heuristics=self._ds_heuristics(),
        )

    def forest_domains(self) -> Sequence[CrossReference]:
        found = [entry for _, entry in self._read_index().of_class("crossref")]
        if not found:
            raise self._not_in_export("CN=Partitions of the configuration partition")
        return [
            CrossReference(
                name=(entry.text("dnsRoot") or "").lower(),
                distinguished_name=entry.text("nCName") or "",
                netbios_name=entry.text("nETBIOSName") or "",
            )
            for entry in found
            if (entry.integer("systemFlags") or 0) & _NAMING_CONTEXT_OF_A_DOMAIN == _NAMING_CONTEXT_OF_A_DOMAIN
        ]

    def users(self, attributes: Collection[str], search_base: str | None = None) -> Iterator[Sequence[User]]:
        index = self._read_index()
        base = self._search_base(search_base)
        found = self._stream(attributes, base)
        nobody = True
        while page := list(islice(found, PAGE)):
            nobody = False
            yield page
        if nobody and base != self._base and base not in index.objects:
            raise Unavailable(
                f"{search_base} isn't in {self._file.path.name}",
                code="no-such-object",
                remedy="Check the spelling of the search base, or export it too.",
            )
        if self._file.cut_off:
            raise Unavailable(
                f"{self._file.path.name} ends in the middle of a line: it was cut off, and users may be missing",
                code="cut-off",
                remedy="Export again, and look at the free space on the disk.",
            )

    def move_on(self, because: Unavailable) -> None:
        raise because

    def find(self, who: str, attributes: Collection[str], *, anchors: Collection[str] = ()) -> Sequence[User]:
        names = [each for each in readings(who, anchors) if not each.domain or self._is_called(each.domain)]
        if not names:
            return ()
        meant = [*self._meant_by(names, attributes)]
        return [user for user, last_resort in meant if not last_resort] or [user for user, _ in meant]

    def clock(self) -> datetime | None:
        return next((root.current_time for root in self.controllers_root_dse() if root.current_time), None)

    def connector_candidates(self, attributes: Collection[str]) -> Sequence[User]:
        return [
            User(entry.distinguished_name, self._selected(entry, attributes))
            for entry in self._read_index().candidates.values()
            if self._is_here(entry)
        ]

    def read(self, distinguished_name: str, attributes: Collection[str]) -> Entry | None:
        if not distinguished_name:
            raise ValueError("the rootDSE is read by root_dse()")
        try:
            wanted = normalise(distinguished_name)
        except MalformedName:
            return None
        return next(iter(self._named([wanted], attributes)), None)

    def principal(self, account: User) -> Principal:
        attributes = ("objectSid", "sIDHistory", "primaryGroupID", "memberOf")
        entry: Entry = account
        if not all(account.has(name) for name in ("objectSid", "primaryGroupID", "memberOf")):
            entry = self.read(account.distinguished_name, attributes) or account
        return principal_of(self._exported_groups(), entry, domain=self._name, forest_dn=self._forest_dn())

    def token(self, principal: Principal) -> Token:
        forest_dn = self._forest_dn()
        same_domain = principal.domain == self._name
        same_forest = bool(forest_dn and principal.forest_dn) and normal_form(principal.forest_dn) == normal_form(
            forest_dn
        )
        return token_in(
            self._exported_groups(),
            self._read_index(),
            principal,
            same_domain=same_domain,
            same_forest=same_domain or same_forest,
        )

    def reader_token(self) -> Token | None:
        """None: an export doesn't say who made it."""
        return None

    def containers(self) -> Mapping[str, Container]:
        return {
            key: _container(entry)
            for key, entry in self._read_index().objects.items()
            if self._is_below(key) and classes_of(entry) & CONTAINER_CLASSES
        }

    def fine_grained_policies(self) -> FineGrainedPolicies:
        """The policies in the export, never known to be all: by default only Domain Admins may read them, and an
        export says neither who made it nor what that reader could not list. So "none" proves nothing, and neither do
        some: a policy may deny its reader while its neighbour doesn't.
        """
        container = f"cn=password settings container,cn=system,{self._base}"
        index = self._read_index()
        found = [entry for key, entry in index.of_class("msds-passwordsettings") if key.endswith("," + container)]
        if container not in index.objects:
            obstacle = "the Password Settings Container isn't in the export"
        elif not found:
            obstacle = "the export holds no fine-grained policy, but can't prove that its maker could list them"
        else:
            obstacle = "the export can't prove that its maker could list every fine-grained policy"
        return FineGrainedPolicies(tuple(fine_grained_policy(entry) for entry in found), False, obstacle)

    def objects_by_sid(self, sids: Collection[str], attributes: Collection[str]) -> Sequence[Entry]:
        index = self._read_index()
        missing: set[bytes] = set()
        found: list[Entry] = []
        for sid in dict.fromkeys(sids):
            try:
                value = sid_from_text(sid)
            except ValueError:
                continue
            key = index.by_sid.get(value)
            if key is not None and self._is_below(key):
                found.append(self._selected_entry(key, attributes))
            elif self._may_be_account(sid):
                missing.add(value)
        for entry in index.candidates.values():
            if missing and self._is_here(entry) and (value := entry.raw.get("objectSid", [b""])[0]) in missing:
                missing.discard(value)
                found.append(User(entry.distinguished_name, self._selected(entry, attributes)))
        if missing:
            found += self._equal("objectSid", missing, attributes)
        return found

    def matching(
        self, attribute: str, values: Collection[bytes], attributes: Collection[str], *, users_only: bool = False
    ) -> Sequence[Entry]:
        if attribute.lower() == "distinguishedname":
            wanted = [normal_form(value.decode("utf-8", "replace")) for value in values]
            found = self._named(wanted, attributes)
            return [entry for entry in found if isinstance(entry, User)] if users_only else found
        folded = _folding(attribute)
        sought = {folded(value) for value in values}
        matched: list[Entry] = []
        if not users_only:
            for key, entry in self._read_index().objects.items():
                held = self._selected(entry, [attribute]).get(attribute, ())
                if self._is_below(key) and any(folded(value) in sought for value in held):
                    matched.append(self._selected_entry(key, attributes))
        return [*matched, *self._equal(attribute, sought, attributes)]

    def close(self) -> None:
        """Nothing is held open between two readings."""

    # The two readings

    def _read_index(self) -> Index:
        with self._lock:
            if self._failure is not None:
                raise _unreadable(self._failure)
            if self._index is None:
                try:
                    self._index = read_index(self._file)
                    self._state = self._file_state()
                except LdifError as error:
                    self._failure = error
                    raise _unreadable(error) from error
            return self._index

    def _stream(self, attributes: Collection[str], base: str) -> Iterator[User]:
        """The users of this domain under the base, each once."""
        index = self._read_index()
        if self._groups is not None:
            self._groups.forget()  # tokens are made by now, and the users want the room
        suspects = index.suspects
        if self._file_state() != self._state:
            raise Unavailable(
                f"{self._file.path} changed while it was being read",
                code="ldif-changed",
                remedy="Run again when the export is finished.",
            )
        parser = _Parser(attributes)
        parse, restrict = parser.parse, parser.restrict
        suffix = f",{self._dn}"
        seen: set[str] = set()
        repeated = 0

        def user_of(record: bytes, start: int, end: int) -> User | None:
            nonlocal repeated
            name, raw = parse(record, start, end)
            user = User(name, raw)
            if not is_user(user):
                return None
            # Quick for names as the domain spells itself; an escaped comma separates nothing.
            plain = base == self._base and name.endswith(suffix) and name[-len(suffix) - 1] != "\\"
            try:
                if not plain and not is_under(name, base):
                    return None
                names = raw.get("sAMAccountName") or [name.encode()]
                if suspects and account_key(names[0]) in suspects:
                    key = normalise(name)
                    if key in seen:
                        repeated += 1
                        return None
                    seen.add(key)
            except MalformedName as error:
                raise MalformedRecord(str(error)) from None
            restrict(raw)
            return user

        try:
            yield from filter(None, self._file.map_marked(user_of, index.marks))
        except LdifError as error:
            raise _unreadable(error) from error
        self._repeated_users = repeated

    def _file_state(self) -> tuple[int, int]:
        try:
            state = self._file.path.stat()
        except OSError as error:
            raise _unreadable(LdifError(self._file.path, None, f"it can't be read: {error.strerror}")) from error
        return state.st_size, state.st_mtime_ns

    # Parts of answers

    def _search_base(self, search_base: str | None) -> str:
        if search_base is None:
            return self._base
        try:
            base = normalise(search_base)
        except MalformedName as error:
            raise Unavailable(str(error), code="invalid-dn", remedy="Correct the search base.") from error
        if not self._is_below(base):
            raise Unavailable(
                f"{search_base} isn't in the domain {self._name}",
                code="no-such-object",
                remedy="Correct the search base.",
            )
        return base

    def _named(self, wanted: Collection[str], attributes: Collection[str]) -> list[Entry]:
        """The objects with these normalised names."""
        index = self._read_index()
        kept_for, ahead = self._read_ahead
        if kept_for != frozenset(attributes):
            ahead = {}
        found: list[Entry] = []
        missing: set[str] = set()
        for key in dict.fromkeys(wanted):
            if key in index.objects:
                found.append(self._selected_entry(key, attributes))
            elif key in index.candidates:
                entry = index.candidates[key]
                found.append(User(entry.distinguished_name, self._selected(entry, attributes)))
            elif key not in ahead:
                missing.add(key)
            elif (read := ahead[key]) is not None:
                found.append(read)
        if missing:
            # Who asks for the members of a group goes on to ask for those of the groups among them.
            following = self._members_below(wanted)
            read_now = self._read_names(missing | following, attributes)
            self._read_ahead = (frozenset(attributes), {key: read_now.get(key) for key in missing | following})
            found += [entry for key, entry in read_now.items() if key in missing]
        return found

    def _members_below(self, names: Collection[str]) -> set[str]:
        """Normalised DNs of members that aren't kept, of these groups and of groups in them; not more than some."""
        groups = self._exported_groups()
        members: set[str] = set()
        seen: set[str] = set()
        frontier = set(names)
        while frontier and len(members) < _MOST_READ_AHEAD:
            seen |= frontier
            held = {member for key in frontier if key in groups.groups for member in groups.members(key)}
            frontier = (held & groups.groups.keys()) - seen
            members |= held
        index = self._read_index()
        kept = index.objects.keys() | index.candidates.keys()
        return members - kept if len(members) < _MOST_READ_AHEAD else set()

    def _read_names(self, names: set[str], attributes: Collection[str]) -> dict[str, Entry]:
        parser = _Parser(attributes)
        missing = set(names)

        def wanted_entry(record: bytes, bare: bytes) -> tuple[str, Entry] | None:
            key = normal_form(name_of(bare))
            if key not in missing:
                return None
            missing.discard(key)
            name, raw = parser.parse(record)
            found = User if is_user(Entry(name, raw)) else Entry
            parser.restrict(raw)
            return key, found(name, raw)

        read: dict[str, Entry] = {}
        try:
            for item in self._file.map(wanted_entry):
                if item is not None:
                    read[item[0]] = item[1]
                    if not missing:
                        break
        except LdifError as error:
            raise _unreadable(error) from error
        return read

    def _equal(self, attribute: str, sought: Collection[bytes], attributes: Collection[str]) -> list[Entry]:
        """Users whose attribute equals one of the values, folded as `_folding` does."""
        folded = _folding(attribute)
        return [
            User(user.distinguished_name, self._selected(user, attributes))
            for user in self._stream({attribute, *attributes}, self._base)
            if any(folded(value) in sought for value in user.raw.get(attribute, ()))
        ]

    def _selected_entry(self, key: str, attributes: Collection[str]) -> Entry:
        index = self._read_index()
        entry = index.objects[key]
        for name in index.parts.get(key, ()):
            if name in {attribute.lower() for attribute in attributes}:
                raise Unavailable(
                    f"{self._file.path.name} holds only a part of {name} of {entry.distinguished_name}",
                    code="not-in-export",
                    remedy=f"Export with a tool that reads {name};range=... to its end, or read a domain controller.",
                )
        return Entry(entry.distinguished_name, self._selected(entry, attributes))

    @staticmethod
    def _selected(entry: Entry, attributes: Collection[str]) -> dict[str, Sequence[bytes]]:
        spelled = {name.lower(): name for name in entry.raw}
        return {name: entry.raw[spelled[name.lower()]] for name in attributes if name.lower() in spelled}

    def _exported_groups(self) -> ExportedGroups:
        index = self._read_index()
        if self._groups is None:
            forest_dn = self._forest_dn()
            references = self.forest_domains() if any(index.of_class("crossref")) else ()
            others = len(references) > 1 or (bool(forest_dn) and normal_form(forest_dn) != self._base)
            self._groups = ExportedGroups.of(index, self._dn, other_domains=others)
        return self._groups

    def _forest_dn(self) -> str:
        """As configured, as a rootDSE says, or as the configuration partition is named; "" = not known."""
        if self._forest:
            return domain_to_dn(self._forest)
        for root in self.controllers_root_dse():
            if root.forest_dn:
                return root.forest_dn
        for _, reference in self._read_index().of_class("crossref"):
            _, found, rest = reference.distinguished_name.partition("CN=Configuration,")
            if found:
                return rest
        return ""

    def _role_owner_host(self, head: Entry) -> str:
        owner = head.text("fSMORoleOwner")
        if not owner:
            return ""
        try:
            server = self._read_index().objects.get(normalise(parent(owner)))
        except MalformedName:
            return ""
        if server is not None:
            return server.text("dNSHostName") or ""
        for root in self.controllers_root_dse():
            if normal_form(root.text("dsServiceName") or "") == normal_form(owner):
                return root.host
        return ""

    def _ds_heuristics(self) -> str | None:
        for key, entry in self._read_index().of_class("ntdsservice"):
            if key.startswith("cn=directory service,"):
                return entry.text("dSHeuristics") or ""
        return None

    def _meant_by(self, names: Sequence[Reading], attributes: Collection[str]) -> Iterator[tuple[User, bool]]:
        """Each user that a reading of the name means, and whether the last resort alone does."""
        index = self._read_index()
        needed = {each.attribute for each in names} | set(attributes)
        managed = (entry for _, entry in index.of_class(MANAGED_ACCOUNT))
        kept = [entry for entry in (*index.candidates.values(), *managed) if self._is_here(entry)]
        one_at_most = all(each.unique for each in names) and len({each.attribute for each in names}) == 1
        seen: set[str] = set()
        for entry in chain(kept, self._stream({*_CLASSIFYING, *needed}, self._base)):
            found = User(entry.distinguished_name, self._selected(entry, needed))
            meant = [each for each in names if each.names(found)]
            if meant and (key := normal_form(entry.distinguished_name)) not in seen:
                seen.add(key)
                selected = User(entry.distinguished_name, self._selected(entry, attributes))
                yield selected, all(each.last_resort for each in meant)
                if one_at_most:
                    return

    def _is_called(self, domain: str) -> bool:
        domain = domain.casefold()
        if domain == self._name:
            return True
        references = [entry for _, entry in self._read_index().of_class("crossref")]
        if not references:
            return domain == self._name.partition(".")[0]
        return any(
            (entry.text("nETBIOSName") or "").casefold() == domain
            and (entry.text("dnsRoot") or "").lower() == self._name
            for entry in references
        )

    def _may_be_account(self, sid: str) -> bool:
        """Whether a SID that isn't a group's can be a user's of this domain: then the users are read for it."""
        head = self._read_index().objects.get(self._base)
        domain_sid, _, rid = sid.rpartition("-")
        if not sid.startswith("S-1-5-21-") or (head is not None and head.has("objectSid") and head.sid() != domain_sid):
            return False
        return int(rid) >= _FIRST_ACCOUNT_RID or int(rid) in _ACCOUNTS_BELOW

    def _is_here(self, entry: Entry) -> bool:
        return self._is_below(normal_form(entry.distinguished_name))

    def _is_below(self, key: str) -> bool:
        return key == self._base or key.endswith("," + self._base)

    def _not_in_export(self, what: str) -> Unavailable:
        return Unavailable(f"{what} isn't in {self._file.path.name}", code="not-in-export", remedy=_EXPORT_MORE)


class _Parser:
    """Parses records for the attributes asked for, and for those that tell users from others.

    Attributes:
        parse: gives the latter in their own spelling.
    """

    def __init__(self, attributes: Collection[str]) -> None:
        asked = {name.lower(): name for name in attributes}
        classifying = {name.lower(): name for name in _CLASSIFYING}
        self.parse = RecordParser([*(asked | classifying).values()])
        self._unasked = [name for folded, name in classifying.items() if folded not in asked]
        self._renamed = [(name, asked[folded]) for folded, name in classifying.items() if folded in asked]
        self._renamed = [(name, spelled) for name, spelled in self._renamed if name != spelled]

    def restrict(self, raw: dict[str, list[bytes]]) -> None:
        """Leave what was asked for, spelled as asked."""
        for name in self._unasked:
            raw.pop(name, None)
        for name, spelled in self._renamed:
            if name in raw:
                raw[spelled] = raw.pop(name)


def _unreadable(error: LdifError) -> Unavailable:
    where = f"{error.path}, line {error.line}" if error.line else f"{error.path}"
    return Unavailable(
        f"{where}: {error.what}",
        code="ldif-unreadable",
        remedy=error.remedy,
        evidence={"file": str(error.path), **({"line": error.line} if error.line else {})},
    )


def _container(entry: Entry) -> Container:
    classes = entry.texts("objectClass")
    try:
        descriptor, malformed = entry.security_descriptor, False
    except MalformedDescriptor:
        descriptor, malformed = None, True
    return Container(entry.distinguished_name, classes[-1] if classes else "", descriptor, malformed)


def _folding(attribute: str) -> Callable[[bytes], bytes]:
    """How values of an attribute are compared: bytes as they are, text without regard to case."""
    if attribute.lower() in _BINARY:
        return bytes
    return lambda value: value.decode("utf-8", "surrogateescape").casefold().encode("utf-8", "surrogateescape")


def _domain_name(distinguished_name: str) -> str:
    try:
        return dn_to_domain(distinguished_name)
    except MalformedName:
        return ""
