"""The live directory on a real domain controller."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from lab.forest import Forest
from lab.recording_proxy import RecordingProxy

from preflight.api import Unavailable
from preflight.directory.distinguished_name import normalise
from preflight.directory.live.deadline import Timeouts
from preflight.directory.live.ldap import BindLedger, Credentials, LiveDirectory, SignIn, read_root_dse
from preflight.directory.model import WELL_KNOWN_SIDS, DomainController
from preflight.directory.users.anchors import anchor_attributes
from preflight.secret import Secret

Open = Callable[..., LiveDirectory]


@pytest.fixture
def open_directory() -> Iterator[Open]:
    opened: list[LiveDirectory] = []

    def open_directory(
        forest: Forest, *, port: int = 636, ca_file: Path | None = None, user: str = "reader", **settings: object
    ) -> LiveDirectory:
        directory = LiveDirectory(
            forest.domain,
            [DomainController(forest.host, port, "ldaps", "configured")],
            SignIn("simple", Credentials(user, Secret(forest.password))),
            ledger=BindLedger(),
            resolve=lambda _: [forest.address],
            ca_file=ca_file or forest.ca_file,
            **settings,
        )
        opened.append(directory)
        return directory

    yield open_directory
    for directory in opened:
        directory.close()


def names(pages: Iterator) -> set[str]:
    return {user.distinguished_name for page in pages for user in page}


def test_the_domain_says_what_it_is(forest: Forest, open_directory: Open) -> None:
    domain = open_directory(forest).domain()
    assert (domain.name, domain.forest) == (forest.domain, forest.domain)
    assert domain.pdc_host == forest.host
    assert domain.policy is not None
    assert domain.policy.history_length == 24
    assert domain.security_descriptor is not None
    assert domain.security_descriptor.dacl
    assert domain.ds_heuristics == ""


def test_the_forests_domains_are_its_domain_partitions_only(forest: Forest, open_directory: Open) -> None:
    [domain] = open_directory(forest).forest_domains()
    assert (domain.name, domain.netbios_name, domain.distinguished_name) == (forest.domain, "CORP", forest.base_dn)


def test_users_are_users_and_their_descriptors_come_with_owner_and_dacl(forest: Forest, open_directory: Open) -> None:
    users = [user for page in open_directory(forest).users(["sAMAccountType", "nTSecurityDescriptor"]) for user in page]
    assert {person.dn for person in forest.people} <= {user.distinguished_name for user in users}
    for user in users:
        assert user.integer("sAMAccountType") == 805306368
        descriptor = user.security_descriptor
        assert descriptor is not None
        assert descriptor.owner
        assert descriptor.dacl


def test_users_under_a_base_are_only_those(forest: Forest, open_directory: Open) -> None:
    base = forest.dn("OU=Übersee & Export,OU=People")
    expected = {person.dn for person in forest.people if person.dn.endswith(base)}
    assert expected
    assert names(open_directory(forest).users(["cn"], base)) == expected


@pytest.mark.parametrize(
    ("base", "code"),
    [("OU=Nowhere,DC=corp,DC=contoso,DC=test", "no-such-object"), ("no name", "invalid-dn"), ("DC=other", "referral")],
)
def test_a_base_that_is_not_there_is_unavailable(forest: Forest, open_directory: Open, base: str, code: str) -> None:
    with pytest.raises(Unavailable) as caught:
        names(open_directory(forest).users(["cn"], base))
    assert caught.value.code == code or (base == "DC=other" and caught.value.code == "no-such-object")


def test_everybody_is_found_by_each_of_his_names(forest: Forest, open_directory: Open) -> None:
    directory = open_directory(forest)
    for person in forest.people:
        sid = forest.admin.sid_of(person.dn)
        for who in (person.dn, person.account, f"CORP\\{person.account}", sid, person.dn.replace("OU=", "ou=")):
            assert [user.distinguished_name for user in directory.find(who, ["cn"])] == [person.dn], who


def test_a_source_anchor_and_every_address_are_names_where_they_are_asked_for(
    own_forest: Forest, open_directory: Open
) -> None:
    directory, person = open_directory(own_forest), own_forest.people[1]
    guid = own_forest.admin.search(person.dn, attributes=["objectGUID"], scope="base")[0][1]["objectGUID"][0]
    other = bytes(range(16))
    names = {
        str(UUID(bytes_le=guid)): "objectGUID",
        base64.b64encode(guid).decode(): "objectGUID",
        base64.b64encode(other).decode(): "mS-DS-ConsistencyGuid",
        "Second.Name@other.test": "proxyAddresses",
        "smtp:second.name@OTHER.test": "proxyAddresses",
        "4711": "employeeID",
    }
    changes = {"mS-DS-ConsistencyGuid": other, "proxyAddresses": ["SMTP:a@b.test", "smtp:second.name@other.test"]}
    with own_forest.undoing():
        own_forest.admin.modify(person.dn, employeeID="4711", **changes)
        for who, attribute in names.items():
            anchors = (*anchor_attributes(), "employeeID")
            found = directory.find(who, ["cn"], anchors=anchors)
            assert [user.distinguished_name for user in found] == [person.dn], (who, attribute)
            assert bool(directory.find(who, ["cn"])) == (who == str(UUID(bytes_le=guid)))


@pytest.mark.parametrize(
    "who",
    [
        "nobody",
        "*",
        "OTHER\\reader",
        "reader@elsewhere.test",
        "S-1-5-21-1-2-3-4",
        "CN=Users,DC=corp,DC=contoso,DC=test",
        "Domain Users",
        "DC1$",
    ],
)
def test_nobody_is_found_who_is_not_a_user_of_that_name(forest: Forest, open_directory: Open, who: str) -> None:
    assert not open_directory(forest).find(who, ["cn"])


def test_the_connector_account_is_a_candidate(forest: Forest, open_directory: Open) -> None:
    found = open_directory(forest).connector_candidates(["sAMAccountName", "description"])
    assert [user.account_name for user in found] == [forest.connector]


def test_containers_come_by_normal_name_with_their_descriptors(forest: Forest, open_directory: Open) -> None:
    containers = open_directory(forest).containers()
    for relative in ("", "OU=People", "OU=Übersee & Export,OU=People", "CN=Users", "CN=Builtin"):
        container = containers[normalise(forest.dn(relative))]
        assert container.security_descriptor is not None
        assert not container.malformed


def test_what_is_not_there_is_no_entry(forest: Forest, open_directory: Open) -> None:
    directory = open_directory(forest)
    assert directory.read(forest.dn("CN=Nobody"), ["cn"]) is None
    assert directory.read("no name", ["cn"]) is None


def test_objects_are_found_by_sid_and_by_raw_values(forest: Forest, open_directory: Open) -> None:
    directory = open_directory(forest)
    sids = [forest.admin.sid_of(person.dn) for person in forest.people]
    assert {entry.sid() for entry in directory.objects_by_sid(sids, ["objectSid"])} == set(sids)
    [[user, *_]] = list(directory.users(["objectGUID"]))
    guid = user.raw["objectGUID"][0]
    [same] = directory.matching("objectGUID", [guid, bytes(16)], ["cn"], users_only=True)
    assert same.distinguished_name == user.distinguished_name


def token_of(directory: LiveDirectory, account: str):
    [user] = directory.find(account, ["objectSid"])
    return directory.token(directory.principal(user))


def test_an_assembled_token_is_the_one_that_the_controller_gives(own_forest: Forest, open_directory: Open) -> None:
    admin, dn = own_forest.admin, own_forest.dn
    person = own_forest.people[0]
    with own_forest.undoing():
        for number, scope in enumerate(("global", "universal", "domain-local", "domain-local")):
            admin.group(dn(f"CN=g{number},OU=Groups"), f"g{number}", scope=scope)
        admin.group(dn("CN=post,OU=Groups"), "post", scope="universal", security=False)
        admin.group(dn("CN=everybody,OU=Groups"), "everybody", scope="domain-local")
        admin.add_member(dn("CN=g0,OU=Groups"), person.dn)
        admin.add_member(dn("CN=g1,OU=Groups"), dn("CN=g0,OU=Groups"))
        admin.add_member(dn("CN=g2,OU=Groups"), dn("CN=g1,OU=Groups"))
        admin.add_member(dn("CN=g3,OU=Groups"), dn("CN=g2,OU=Groups"))
        admin.add_member(dn("CN=g2,OU=Groups"), dn("CN=g3,OU=Groups"))
        admin.add_member(dn("CN=post,OU=Groups"), person.dn)
        admin.add_member(dn("CN=everybody,OU=Groups"), dn("CN=S-1-5-11,CN=ForeignSecurityPrincipals"))
        assembled = token_of(open_directory(own_forest), person.account)
        own = open_directory(own_forest, user=person.account).reader_token()
        assert own is not None
        groups = {admin.sid_of(f"g{number}") for number in range(4)} | {admin.sid_of("everybody")}
        assert assembled.complete, assembled.obstacle
        assert groups <= assembled.sids
        assert admin.sid_of("post") not in assembled.sids
        # Windows looks up all local groups of the well-known SIDs; Samba 4.17 only those in CN=Builtin.
        assert assembled.sids - own.sids - WELL_KNOWN_SIDS == {admin.sid_of("everybody")}
        assert own.sids <= assembled.sids
        assert assembled.account_sid == admin.sid_of(person.dn)


def test_a_principal_of_another_forest_stands_as_its_foreign_security_principal(
    forest: Forest, second_forest: Forest, open_directory: Open
) -> None:
    home, judged = open_directory(second_forest), open_directory(forest)
    [user] = home.find(second_forest.connector, ["objectSid"])
    token = judged.token(home.principal(user))
    assert user.sid() in token.sids
    # No trust between them, so nothing tells about selective authentication.
    assert not token.complete
    assert "S-1-5-15" not in token.sids


def test_a_reader_who_may_not_see_tokengroups_gets_no_complete_token(own_forest: Forest, open_directory: Open) -> None:
    person = own_forest.people[1]
    with own_forest.undoing():
        own_forest.admin.add_aces(person.dn, "(OD;;RP;b7c69e6d-2cc7-11d2-854e-00a0c983f608;;AU)", first=True)
        token = token_of(open_directory(own_forest), person.account)
        assert not token.complete
        assert "tokenGroups" in token.obstacle


def test_without_the_attribute_for_global_groups_the_types_of_the_groups_tell(
    own_forest: Forest, open_directory: Open
) -> None:
    admin, person = own_forest.admin, own_forest.people[1]
    with own_forest.undoing():
        directory = open_directory(own_forest)
        [user] = directory.find(person.account, ["objectSid"])
        before = directory.principal(user)
        admin.add_aces(person.dn, "(OD;;RP;46a9b11d-60ae-405a-b7e8-ff8a58d456d2;;AU)", first=True)
        after = directory.principal(user)
        entry = directory.read(person.dn, ["tokenGroupsGlobalAndUniversal"])
        assert entry is not None
        assert not entry.has("tokenGroupsGlobalAndUniversal")
        assert after.complete
        assert (after.global_groups, after.local_groups) == (before.global_groups, before.local_groups)


def test_fine_grained_policies_are_complete_only_if_the_reader_may_list_them(
    own_forest: Forest, open_directory: Open
) -> None:
    person = own_forest.people[2]
    with own_forest.undoing():
        own_forest.admin.pso("Strict", precedence=5, applies_to=[person.dn])
        found = open_directory(own_forest).fine_grained_policies()
        assert found.complete, found.obstacle
        [policy] = found.policies
        assert (policy.policy.name, policy.precedence, policy.applies_to) == ("Strict", 5, (person.dn,))
        unprivileged = open_directory(own_forest, user=person.account).fine_grained_policies()
        assert not unprivileged.complete
        assert unprivileged.obstacle


def test_all_members_of_a_group_come(own_forest: Forest, open_directory: Open) -> None:
    with own_forest.undoing():
        group = own_forest.dn("CN=Many,OU=Groups")
        own_forest.admin.group(group, "many", members=[person.dn for person in own_forest.people])
        entry = open_directory(own_forest).read(group, ["member"])
        assert entry is not None
        assert set(entry.texts("member")) == {person.dn for person in own_forest.people}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"do": "cut"}, "connection-lost"),
        ({"do": "reset"}, "connection-lost"),
        ({"do": "garbage"}, "protocol-violation"),
        ({"do": "midway", "size": 3000}, "connection-lost"),
        ({"do": "result", "code": 4}, "size-limit"),
        ({"do": "result", "code": 11}, "admin-limit"),
        ({"do": "result", "code": 51}, "busy"),
        ({"do": "stall"}, "timed-out"),
    ],
    ids=lambda value: value.get("do", "") + str(value.get("code", "")) if isinstance(value, dict) else "",
)
def test_a_reading_that_breaks_off_is_never_a_whole_answer(
    forest: Forest, open_directory: Open, fault: dict[str, object], code: str
) -> None:
    with RecordingProxy(forest.dc) as proxy:
        proxy.fault(on="searchRequest", matching="805306368", **fault)
        directory = open_directory(
            forest, port=proxy.listeners[0].port, ca_file=proxy.ca_file, timeouts=Timeouts(page=2.0)
        )
        with pytest.raises(Unavailable) as caught:
            names(directory.users(["nTSecurityDescriptor"]))
        assert caught.value.code == code
        directory.close()
        assert {operation.name for operation in proxy.operations} <= {"bindRequest", "searchRequest", "unbindRequest"}


def test_a_controller_that_stops_between_questions_is_unavailable_and_then_back(
    fresh_forest: Forest, open_directory: Open
) -> None:
    directory = open_directory(fresh_forest, timeouts=Timeouts(connect=2.0, page=5.0))
    before = names(directory.users(["cn"]))
    fresh_forest.dc.kill()
    with pytest.raises(Unavailable) as caught:
        names(directory.users(["cn"]))
    assert caught.value.code in ("tcp-refused", "connection-lost")
    fresh_forest.dc.start()
    assert names(directory.users(["cn"])) == before


def test_a_controller_that_hangs_is_timed_out(fresh_forest: Forest, open_directory: Open) -> None:
    directory = open_directory(fresh_forest, timeouts=Timeouts(connect=2.0, handshake=2.0, page=2.0))
    directory.root_dse()
    fresh_forest.dc.freeze()
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        names(directory.users(["cn"]))
    fresh_forest.dc.thaw()
    assert caught.value.code == "timed-out"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(("port", "tls"), [(636, "ldaps"), (389, "starttls"), (389, "none")])
def test_the_root_dse_is_read_without_a_sign_in(forest: Forest, port: int, tls: str) -> None:
    controller = DomainController(forest.host, port, tls, "configured")
    root = read_root_dse(controller, resolve=lambda _: [forest.address], ca_file=forest.ca_file)
    assert root.is_active_directory
    assert not root.is_read_only
    assert root.host == forest.host
    assert "1.2.840.113556.1.4.2239" in root.supported_controls


def test_a_controller_of_another_domain_is_refused(forest: Forest, second_forest: Forest) -> None:
    directory = LiveDirectory(
        forest.domain,
        [DomainController(second_forest.host, 636, "ldaps", "configured")],
        SignIn("simple", Credentials("reader", Secret(forest.password))),
        ledger=BindLedger(),
        resolve=lambda _: [second_forest.address],
        ca_file=second_forest.ca_file,
    )
    with pytest.raises(Unavailable) as caught:
        directory.root_dse()
    directory.close()
    assert caught.value.code == "wrong-domain"


@pytest.mark.skipif(shutil.which("slapd", path="/usr/sbin:/usr/bin") is None, reason="slapd isn't installed")
def test_an_openldap_server_is_no_domain_controller(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "slapd.conf").write_text(
        "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n"
        f'database mdb\nsuffix "dc=corp,dc=contoso,dc=test"\ndirectory {tmp_path / "data"}\nmaxsize 1048576\n'
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    slapd = subprocess.Popen(
        ["/usr/sbin/slapd", "-d", "0", "-f", str(tmp_path / "slapd.conf"), "-h", f"ldap://127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        directory = LiveDirectory(
            "corp.contoso.test",
            [DomainController("127.0.0.1", port, "none", "configured")],
            SignIn("negotiate", Credentials("reader", Secret("x"))),
            ledger=BindLedger(),
        )
        with pytest.raises(Unavailable) as caught:
            directory.root_dse()
        directory.close()
    finally:
        slapd.terminate()
        slapd.wait(10)
    assert caught.value.code == "not-a-domain-controller"


def _wait_for(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server does not listen")
