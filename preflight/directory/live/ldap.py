"""A domain as a live domain controller shows it: the adapter behind `preflight.directory.port.Directory`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from preflight.api import Unavailable
from preflight.directory.access.check import decide
from preflight.directory.access.rights import Answer, Right
from preflight.directory.access.security_descriptor import MalformedDescriptor
from preflight.directory.distinguished_name import (
    MalformedName,
    dn_to_domain,
    is_under,
    normalise,
    parent,
)
from preflight.directory.ldap_errors import SignInFailed, unavailable
from preflight.directory.live import ldap_filter
from preflight.directory.live.choice import Chooser
from preflight.directory.live.connection import Attributes, LdapConnection, Scope, Search, attribute_list
from preflight.directory.live.deadline import Timeouts
from preflight.directory.live.ledger import BindLedger
from preflight.directory.live.pool import ConnectionPool
from preflight.directory.live.ranges import complete_ranges
from preflight.directory.live.sign_in import Credentials, SignIn
from preflight.directory.live.token import principal_of, token_in
from preflight.directory.live.transport import Resolve, system_addresses, tls_context
from preflight.directory.model import (
    Container,
    CrossReference,
    Domain,
    DomainController,
    Entry,
    FineGrainedPolicies,
    Principal,
    RootDse,
    Token,
    User,
)
from preflight.directory.naming import DISTINGUISHED_NAME, Reading, readings
from preflight.directory.password_policy import (
    DOMAIN_POLICY_ATTRIBUTES,
    FINE_GRAINED_POLICY_ATTRIBUTES,
    domain_policy,
    fine_grained_policy,
)
from preflight.directory.port import USER_ACCOUNT

__all__ = ["BindLedger", "Credentials", "LiveDirectory", "SignIn", "Timeouts", "read_root_dse"]

_USERS = f"(sAMAccountType={USER_ACCOUNT})"
_ACCOUNTS = f"(|{_USERS}(objectClass=msDS-GroupManagedServiceAccount))"
_CONNECTOR = (
    f"(&{_USERS}(|(sAMAccountName=MSOL_*)(cn=MSOL_*)"
    "(description=*Azure Active Directory Connect*)(description=*Microsoft Entra Connect*)))"
)
_CONTAINERS = (
    "(|(objectClass=organizationalUnit)(objectClass=container)(objectClass=builtinDomain)(objectClass=lostAndFound)"
    "(objectClass=msExchSystemObjectsContainer)(objectClass=domainDNS)(!(objectCategory=*)))"
)
"""What can hold users; and whatever may not be read at all, which no class matches but which is there all the same.

Every object has an objectCategory; where it may not be read, a filter sees none (MS-ADTS 3.1.1.4.3). objectClass itself
would not do: a filter for its presence is always true (MS-ADTS 3.1.1.3.1.3.1).
"""
_NAMING_CONTEXT_OF_A_DOMAIN = 0x3
"""systemFlags of a crossRef: FLAG_CR_NTDS_NC and FLAG_CR_NTDS_DOMAIN (MS-ADTS 6.1.1.2.1.1)."""

_SAME_ELSEWHERE = frozenset(
    {"no-such-object", "invalid-dn", "referral", "access-denied", "invalid-credentials", "no-controller", "closed"}
)
"""Failures that are about the question or the reader: another controller would say the same."""


def read_root_dse(
    controller: DomainController,
    *,
    resolve: Resolve = system_addresses,
    ca_file: Path | None = None,
    timeouts: Timeouts | None = None,
) -> RootDse:
    """What the controller says of itself, without a sign-in.

    Raises:
        Unavailable: not reachable, not trusted, or not LDAP.
    """
    context = None if controller.tls == "none" else tls_context(ca_file)
    connection = LdapConnection.open(controller, resolve, context, timeouts or Timeouts())
    try:
        return connection.root_dse()
    finally:
        connection.unbind()


class LiveDirectory:
    """One domain, read from the first of its controllers that answers; the same one until `move_on`.

    Args:
        name: the domain's DNS name.
        controllers: in order of preference; `tls` says how each is reached.
        sign_in: as whom and how; "negotiate" needs controllers with `tls` "none", the others TLS.
        ledger: one for all directories of a run, so that a wrong password is sent once.
        resolve: the addresses of a controller's name; certificates and Kerberos still see the name.
        ca_file: the authorities to trust, PEM; None: the system's.
        connections: how many may be open at once.
    """

    def __init__(
        self,
        name: str,
        controllers: Sequence[DomainController],
        sign_in: SignIn,
        *,
        ledger: BindLedger,
        resolve: Resolve = system_addresses,
        ca_file: Path | None = None,
        timeouts: Timeouts | None = None,
        connections: int = 4,
    ) -> None:
        self._name = name.strip().removesuffix(".").lower()
        self._sign_in = sign_in
        self._chooser = Chooser(
            self._name, tuple(controllers), sign_in, ledger, resolve, ca_file, timeouts or Timeouts()
        )
        wait = 2 * (timeouts or Timeouts()).page
        self._pool = ConnectionPool(
            self._chooser.open, self._name, limit=connections, wait=wait, current=self._is_of_controller_in_use
        )

    @property
    def name(self) -> str:
        return self._name

    @property
    def origin(self) -> str:
        where = self.controller.name if self.controller else self._name
        if not self._chooser.left:
            return f"{where} as {self._sign_in}"
        before = ", then ".join(controller.name for controller in self._chooser.left)
        return f"{before}, which failed, then {where} as {self._sign_in}; what they say may differ until they replicate"

    @property
    def live(self) -> bool:
        return True

    @property
    def controller(self) -> DomainController | None:
        """The controller in use; None before the first answer."""
        return self._chooser.chosen[0] if self._chooser.chosen else None

    def root_dse(self) -> RootDse:
        if self._chooser.chosen is None:
            with self._pool.borrow():
                pass
        assert self._chooser.chosen is not None
        return self._chooser.chosen[1]

    def domain(self) -> Domain:
        root = self.root_dse()
        attributes = (*DOMAIN_POLICY_ATTRIBUTES, "objectSid", "fSMORoleOwner", "nTSecurityDescriptor", "objectClass")
        head = self.read(root.domain_dn, attributes)
        if head is None:
            raise unavailable("no-such-object", f"{root.domain_dn} on {self.origin}")
        try:
            descriptor = head.security_descriptor
        except MalformedDescriptor:
            descriptor = None
        return Domain(
            name=self._name,
            distinguished_name=head.distinguished_name,
            forest=_domain_name(root.forest_dn),
            forest_dn=root.forest_dn,
            sid=head.sid(),
            pdc_host=self._role_owner_host(head),
            policy=domain_policy(head),
            security_descriptor=descriptor,
            head=head,
            ds_heuristics=self._ds_heuristics(),
        )

    def forest_domains(self) -> Sequence[CrossReference]:
        base = f"CN=Partitions,{self._configuration_dn()}"
        attributes = ("dnsRoot", "nCName", "nETBIOSName", "systemFlags")
        found = self.search("(objectClass=crossRef)", attributes, base, Scope.LEVEL)
        return [
            CrossReference(
                name=(entry.text("dnsRoot") or "").lower(),
                distinguished_name=entry.text("nCName") or "",
                netbios_name=entry.text("nETBIOSName") or "",
            )
            for entry in found
            if (entry.integer("systemFlags") or 0) & _NAMING_CONTEXT_OF_A_DOMAIN == _NAMING_CONTEXT_OF_A_DOMAIN
        ]

    def move_on(self, because: Unavailable) -> None:
        controller = self.controller
        if controller is None or isinstance(because, SignInFailed) or because.code in _SAME_ELSEWHERE:
            raise because
        connection = self._chooser.leave(controller, because)
        if connection is not None:
            self._pool.add(connection)

    def users(self, attributes: Collection[str], search_base: str | None = None) -> Iterator[Sequence[User]]:
        base = search_base or self.root_dse().domain_dn
        for entries in self._pages(Search(base, Scope.SUBTREE, _USERS, attribute_list(attributes))):
            yield [User(name, raw) for name, raw in entries]

    def find(self, who: str, attributes: Collection[str], *, anchors: Collection[str] = ()) -> Sequence[User]:
        here = [each for each in readings(who, anchors) if not each.domain or self._is_called(each.domain)]
        for last_resort in (False, True):
            found = self._meant_by([each for each in here if each.last_resort is last_resort], attributes)
            if found:
                return found
        return ()

    def clock(self) -> datetime | None:
        found = [
            RootDse(raw).current_time
            for page in self._pages(Search("", Scope.BASE, "(objectClass=*)", ("currentTime",)))
            for _, raw in page
        ]
        return found[0] if found else None

    def connector_candidates(self, attributes: Collection[str]) -> Sequence[User]:
        return _users(self.search(_CONNECTOR, attributes))

    def read(self, distinguished_name: str, attributes: Collection[str]) -> Entry | None:
        if not distinguished_name:
            raise ValueError("the rootDSE is read by root_dse()")
        try:
            found = list(self.search("(objectClass=*)", attributes, distinguished_name, Scope.BASE))
        except Unavailable as error:
            if error.code in ("no-such-object", "invalid-dn"):
                return None
            raise
        return found[0] if found else None

    def principal(self, account: User) -> Principal:
        return principal_of(self, account)

    def token(self, principal: Principal) -> Token:
        return token_in(self, principal)

    def reader_token(self) -> Token | None:
        found = [
            Entry(name, raw)
            for page in self._pages(Search("", Scope.BASE, "(objectClass=*)", ("tokenGroups",)))
            for name, raw in page
        ]
        sids = frozenset(found[0].sids("tokenGroups")) if found else frozenset()
        if not sids:
            return None
        return Token(sids=sids, complete=True, source="its own sign-in (tokenGroups of the rootDSE)")

    def containers(self) -> Mapping[str, Container]:
        found = {
            normalise(entry.distinguished_name): _container(entry)
            for entry in self.search(_CONTAINERS, ("objectClass", "nTSecurityDescriptor"))
        }
        quotas = normalise(f"CN=NTDS Quotas,{self.root_dse().domain_dn}")  # closed to ordinary readers everywhere
        return {
            name: container
            for name, container in found.items()
            # What is closed below a computer, say, holds no users and is none.
            if container.object_class or (name != quotas and normalise(parent(name)) in found)
        }

    def fine_grained_policies(self) -> FineGrainedPolicies:
        base = f"CN=Password Settings Container,CN=System,{self.root_dse().domain_dn}"
        container = self.read(base, ("objectClass", "nTSecurityDescriptor"))
        if container is None:
            return FineGrainedPolicies((), False, f"{base} can't be seen")
        # Not by class: the class of a policy that may not be read doesn't match a filter (MS-ADTS 3.1.1.4.3).
        children = list(self.search("(objectClass=*)", FINE_GRAINED_POLICY_ATTRIBUTES, base, Scope.LEVEL))
        policies = tuple(
            fine_grained_policy(child) for child in children if "msDS-PasswordSettings" in child.texts("objectClass")
        )
        obstacle = self._policies_obstacle(container, children)
        return FineGrainedPolicies(policies, not obstacle, obstacle)

    def objects_by_sid(self, sids: Collection[str], attributes: Collection[str]) -> Sequence[Entry]:
        return [
            entry
            for filter in ldap_filter.batches(ldap_filter.sid_equal(sid) for sid in sorted(set(sids)))
            for entry in self.search(filter, attributes)
        ]

    def matching(
        self, attribute: str, values: Collection[bytes], attributes: Collection[str], *, users_only: bool = False
    ) -> Sequence[Entry]:
        found: dict[str, Entry] = {}
        for condition in ldap_filter.batches(ldap_filter.equal(attribute, value) for value in sorted(set(values))):
            filter = ldap_filter.all_of(_USERS, condition) if users_only else condition
            for entry in self.search(filter, attributes):
                found[entry.distinguished_name] = User(entry.distinguished_name, entry.raw) if users_only else entry
        return list(found.values())

    def search(
        self, filter: str, attributes: Collection[str], base: str | None = None, scope: Scope = Scope.SUBTREE
    ) -> Sequence[Entry]:
        """All objects that match, in the whole domain or under the base."""
        base = base or self.root_dse().domain_dn
        pages = self._pages(Search(base, scope, filter, attribute_list(attributes)))
        return [Entry(name, raw) for entries in pages for name, raw in entries]

    def close(self) -> None:
        self._pool.close()

    # Connections

    def _pages(self, search: Search) -> Iterator[Sequence[tuple[str, Attributes]]]:
        with self._pool.borrow() as connection:
            for page in connection.pages(search):
                if page.has_ranges:
                    for name, attributes in page.entries:
                        complete_ranges(name, attributes, self._read_range)
                yield page.entries

    def _is_of_controller_in_use(self, connection: LdapConnection) -> bool:
        return self.controller is None or connection.subject == self.controller.name

    def _read_range(self, distinguished_name: str, described: str) -> Attributes | None:
        """One more part of an attribute; on another connection, as a page may be under way on the first."""
        try:
            with self._pool.borrow() as connection:
                search = Search(distinguished_name, Scope.BASE, "(objectClass=*)", (described,))
                found = list(connection.search(search))
        except Unavailable as error:
            if error.code == "no-such-object":
                return None
            raise
        return found[0][1] if found else None

    # Parts of answers

    def _meant_by(self, names: Sequence[Reading], attributes: Collection[str]) -> Sequence[User]:
        found: dict[str, User] = {}
        values = [
            ldap_filter.equal(each.attribute, each.value) for each in names if each.attribute != DISTINGUISHED_NAME
        ]
        for condition in ldap_filter.batches(values):
            accounts = self.search(ldap_filter.all_of(_ACCOUNTS, condition), attributes)
            found |= {user.distinguished_name: user for user in _users(accounts)}
        for each in names:
            if each.attribute == DISTINGUISHED_NAME:
                at = self._account_at(each.value.decode("utf-8", "replace"), attributes)
                found |= {user.distinguished_name: user for user in at}
        return list(found.values())

    def _account_at(self, distinguished_name: str, attributes: Collection[str]) -> Sequence[User]:
        try:
            if not is_under(distinguished_name, self.root_dse().domain_dn):
                return ()
            return _users(self.search(_ACCOUNTS, attributes, distinguished_name, Scope.BASE))
        except MalformedName:
            return ()
        except Unavailable as error:
            if error.code in ("no-such-object", "invalid-dn"):
                return ()
            raise

    def _is_called(self, domain: str) -> bool:
        if domain.casefold() == self._name:
            return True
        names = [reference.netbios_name for reference in self.forest_domains() if reference.name == self._name]
        return any(domain.casefold() == name.casefold() for name in names)

    def _configuration_dn(self) -> str:
        root = self.root_dse()
        return root.text("configurationNamingContext") or f"CN=Configuration,{root.forest_dn}"

    def _role_owner_host(self, head: Entry) -> str:
        owner = head.text("fSMORoleOwner")
        if not owner:
            return ""
        server = self.read(parent(owner), ("dNSHostName",))
        return (server.text("dNSHostName") or "") if server else ""

    def _ds_heuristics(self) -> str | None:
        name = f"CN=Directory Service,CN=Windows NT,CN=Services,{self._configuration_dn()}"
        entry = self.read(name, ("dSHeuristics", "objectClass"))
        return None if entry is None or not entry.has("objectClass") else entry.text("dSHeuristics") or ""

    def _policies_obstacle(self, container: Entry, children: Sequence[Entry]) -> str:
        """Why these may not be all the policies; "" if they surely are."""
        if any(not child.has("objectClass") for child in children):
            return "a policy is there that the reader may not read"
        if any(not child.has("msDS-PasswordSettingsPrecedence") for child in children):
            return "the settings of a policy may not be read"
        return self._list_obstacle(container)

    def _list_obstacle(self, container: Entry) -> str:
        token = self.reader_token()
        try:
            descriptor = container.security_descriptor
        except MalformedDescriptor:
            descriptor = None
        where = container.distinguished_name
        if token is None or descriptor is None:
            return f"whether the reader may list {where} can't be told"
        # No SELF to judge: a container has no objectSid.
        decision = decide(descriptor, token, Right.LIST_CONTENTS, object_sid="", object_class="container")
        return "" if decision.answer is Answer.ALLOWED else f"the reader isn't sure to see all that {where} holds"


def _users(entries: Sequence[Entry]) -> Sequence[User]:
    return [User(entry.distinguished_name, entry.raw) for entry in entries]


def _container(entry: Entry) -> Container:
    classes = entry.texts("objectClass")
    try:
        descriptor, malformed = entry.security_descriptor, False
    except MalformedDescriptor:
        descriptor, malformed = None, True
    return Container(entry.distinguished_name, classes[-1] if classes else "", descriptor, malformed)


def _domain_name(distinguished_name: str) -> str:
    try:
        return dn_to_domain(distinguished_name)
    except MalformedName:
        return ""
