import base64
import gzip
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.api import Unavailable
from preflight.directory.access.sid import sid_from_text
from preflight.directory.export.index import PackedAttributes, join_ranges
from preflight.directory.export.ldif import PAGE, LdifDirectory
from preflight.directory.model import Principal, User

BASE = "DC=corp,DC=contoso,DC=com"
DOMAIN_SID = "S-1-5-21-1-2-3"
GLOBAL, LOCAL, UNIVERSAL, DISTRIBUTION = -2147483646, -2147483644, -2147483640, 2
Values = dict[str, object]


def record(distinguished_name: str, **attributes: object) -> str:
    lines = [f"dn: {distinguished_name}"]
    for name, values in attributes.items():
        name = name.replace("__", ";").replace("_", "-")
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, bytes):
                lines.append(f"{name}:: {base64.b64encode(value).decode()}")
            else:
                lines.append(f"{name}: {value}")
    return "\n".join(lines) + "\n\n"


def sid(rid: int | str) -> bytes:
    return sid_from_text(rid if isinstance(rid, str) else f"{DOMAIN_SID}-{rid}")


def user(name: str, rid: int, where: str = f"OU=People,{BASE}", **attributes: object) -> str:
    defaults: Values = {
        "objectClass": ["top", "person", "organizationalPerson", "user"],
        "sAMAccountName": name,
        "sAMAccountType": 805306368,
        "userAccountControl": 512,
        "objectSid": sid(rid),
        "primaryGroupID": 513,
    }
    given = {key: value for key, value in (defaults | attributes).items() if value is not None}
    return record(f"CN={name},{where}", **given)


def group(name: str, rid: int | str, kind: int = GLOBAL, where: str = f"CN=Users,{BASE}", **attributes: object) -> str:
    return record(f"CN={name},{where}", objectClass=["top", "group"], objectSid=sid(rid), groupType=kind, **attributes)


HEAD = record(BASE, objectClass=["top", "domain", "domainDNS"], objectSid=sid(DOMAIN_SID), minPwdAge=-864000000000)
PEOPLE = record(f"OU=People,{BASE}", objectClass=["top", "organizationalUnit"])
ROOT = record(
    "",
    dnsHostName="dc1.corp.contoso.com",
    defaultNamingContext=BASE,
    rootDomainNamingContext=BASE,
    supportedControl="1.2.840.113556.1.4.2239",
    dsServiceName=f"CN=NTDS Settings,CN=DC1,CN=Servers,CN=Site,CN=Sites,CN=Configuration,{BASE}",
).replace("dn: \n", "dn:\n")
DOMAIN_USERS = group("Domain Users", 513)
USERS = group("Users", "S-1-5-32-545", LOCAL, f"CN=Builtin,{BASE}", member=[f"CN=Domain Users,CN=Users,{BASE}"])
CONNECTOR_DN = f"CN=MSOL_1,CN=Users,{BASE}"
CONNECTOR = user("MSOL_1", 1105, f"CN=Users,{BASE}")
DOMAIN = ROOT + HEAD + PEOPLE + DOMAIN_USERS + USERS + CONNECTOR

Exported = Callable[..., LdifDirectory]


@pytest.fixture
def exported(tmp_path: Path) -> Exported:
    def export(*parts: str, forest: str | None = None) -> LdifDirectory:
        path = tmp_path / "export.ldf"
        path.write_text("".join(parts))
        return LdifDirectory(path, "corp.contoso.com", forest)

    return export


def names(directory: LdifDirectory, search_base: str | None = None) -> list[str]:
    pages = directory.users(["sAMAccountName"], search_base)
    return [found.account_name for page in pages for found in page]


def connector(directory: LdifDirectory) -> Principal:
    [account] = directory.find("MSOL_1", ["objectSid", "primaryGroupID"])
    return directory.principal(account)


def rids(sids: frozenset[str]) -> set[str]:
    return {text.removeprefix(DOMAIN_SID + "-") for text in sids}


# Users


def test_users_are_those_of_the_domain_by_account_type(exported: Exported) -> None:
    directory = exported(
        DOMAIN,
        user("ann", 1200),
        user("pc$", 1201, sAMAccountType=805306369, objectClass=["user", "computer"]),
        user("FABRIKAM$", 1202, sAMAccountType=805306370),
        user("other", 1203, "OU=People,DC=fabrikam,DC=com"),
        user("trap", 1204, f"OU=x\\,{BASE}"),
        user("Smith\\, Bob", 1205, sAMAccountName="bob"),
        user("lower", 1206).replace(BASE, BASE.lower()),
    )
    assert names(directory) == ["MSOL_1", "ann", "bob", "lower"]


def test_without_account_type_class_and_user_account_control_tell(exported: Exported) -> None:
    def untyped(name: str, rid: int, *classes: str, control: int | None = 512) -> str:
        return user(name, rid, sAMAccountType=None, objectClass=["top", *classes], userAccountControl=control)

    directory = exported(
        DOMAIN,
        untyped("ann", 1200, "person", "user"),
        untyped("eve", 1201, "person", "user", "inetOrgPerson"),
        untyped("unreadable", 1202, "user", control=None),
        untyped("pc$", 1203, "user", "computer", control=4096),
        untyped("gmsa$", 1204, "user", "computer", "msDS-GroupManagedServiceAccount"),
        untyped("FABRIKAM$", 1205, "user", control=2080),
        untyped("contact", 1206, "contact"),
    )
    assert names(directory) == ["MSOL_1", "ann", "eve", "unreadable"]


def test_only_what_was_asked_for_comes_spelled_as_asked(exported: Exported) -> None:
    directory = exported(DOMAIN, user("ann", 1200))
    [page] = directory.users(["objectsid", "USERACCOUNTCONTROL"])
    assert page[1].raw == {"objectsid": [sid(1200)], "USERACCOUNTCONTROL": [b"512"]}


def test_a_thousand_users_are_a_page(exported: Exported) -> None:
    directory = exported(DOMAIN, *(user(f"u{number}", 2000 + number) for number in range(2 * PAGE)))
    assert [len(page) for page in directory.users([])] == [PAGE, PAGE, 1]


def test_a_user_who_is_there_twice_is_counted_once(exported: Exported) -> None:
    again = user("ANN", 1200).replace("CN=ANN", "CN = ann ").replace("sAMAccountName: ANN", "sAMAccountName:: QU5O")
    directory = exported(DOMAIN, user("ann", 1200), user("bob", 1201), again, DOMAIN)
    assert names(directory) == ["MSOL_1", "ann", "bob"]
    assert directory.duplicates == 6
    assert "6 objects twice" in directory.origin
    assert names(directory) == ["MSOL_1", "ann", "bob"]


def test_one_account_name_in_two_domains_is_two_people(exported: Exported, tmp_path: Path) -> None:
    directory = exported(DOMAIN, user("ann", 1200), user("ann", 1200, "OU=x,DC=fabrikam,DC=com"))
    assert names(directory) == ["MSOL_1", "ann"]
    assert names(LdifDirectory(tmp_path / "export.ldf", "fabrikam.com")) == ["ann"]


def test_a_search_base_limits_and_one_that_is_not_there_is_said(exported: Exported) -> None:
    directory = exported(
        DOMAIN, user("ann", 1200), user("bob", 1201, f"OU=Sub,OU=People,{BASE}"), user("eve", 1202, f"OU=Bare,{BASE}")
    )
    assert names(directory, f"ou=people, {BASE}") == ["ann", "bob"]
    assert names(directory, f"OU=Bare,{BASE}") == ["eve"]
    for base, code in (
        (f"OU=Gone,{BASE}", "no-such-object"),
        ("OU=x,DC=fabrikam,DC=com", "no-such-object"),
        ("nonsense", "invalid-dn"),
    ):
        with pytest.raises(Unavailable) as caught:
            names(directory, base)
        assert caught.value.code == code
    assert names(exported(DOMAIN, PEOPLE), f"OU=People,{BASE}") == []


def test_an_absent_descriptor_and_one_without_its_dacl_are_told_apart_from_an_empty_one(exported: Exported) -> None:
    def descriptor(control: int, dacl: bytes) -> bytes:
        return (
            bytes((1, 0)) + control.to_bytes(2, "little") + bytes(12) + (20 * bool(dacl)).to_bytes(4, "little") + dacl
        )

    directory = exported(
        DOMAIN,
        user("none", 1200),
        user("no-dacl", 1201, nTSecurityDescriptor=descriptor(0x8000, b"")),
        user("empty", 1202, nTSecurityDescriptor=descriptor(0x8004, bytes((2, 0, 8, 0, 0, 0, 0, 0)))),
    )
    [page] = directory.users(["nTSecurityDescriptor"])
    none, no_dacl, empty = (found.security_descriptor for found in page[1:])
    assert none is None
    assert no_dacl is not None and no_dacl.dacl is None
    assert empty is not None and empty.dacl is not None


# Finding accounts


@pytest.mark.parametrize(
    "who",
    [
        "ann",
        "ANN",
        "CORP\\ann",
        "corp.contoso.com\\Ann",
        "ann@corp.contoso.com",
        "Ann@mail.test",
        f"{DOMAIN_SID}-1200",
        f"cn=ann, ou=People,{BASE}",
    ],
)
def test_an_account_is_found_by_every_name(exported: Exported, who: str) -> None:
    directory = exported(DOMAIN, user("bob", 1201), user("ann", 1200, userPrincipalName="ann@mail.test"))
    assert directory.find(who, ["userPrincipalName"]) == [
        User(f"CN=ann,OU=People,{BASE}", {"userPrincipalName": [b"ann@mail.test"]})
    ]


@pytest.mark.parametrize(
    "who",
    [
        "",
        "eve",
        "FABRIKAM\\ann",
        "ann@elsewhere.test",
        "S-1-5-21-9-9-9-1200",
        "S-1-nonsense",
        "CN=ann",
        "a=\\",
        "CORP\\",
    ],
)
def test_nobody_is_found_by_other_names(exported: Exported, who: str) -> None:
    assert not exported(DOMAIN, user("ann", 1200)).find(who, [])


def test_two_accounts_with_one_principal_name_are_both_found(exported: Exported) -> None:
    directory = exported(
        DOMAIN,
        user("ann", 1200, userPrincipalName="same@corp.contoso.com"),
        user("bob", 1201, userPrincipalName="Same@corp.contoso.com"),
    )
    assert [found.account_name for found in directory.find("same@corp.contoso.com", ["sAMAccountName"])] == [
        "ann",
        "bob",
    ]


def test_a_netbios_name_is_the_one_that_the_partitions_give(exported: Exported) -> None:
    reference = record(
        f"CN=X,CN=Partitions,CN=Configuration,{BASE}",
        objectClass="crossRef",
        systemFlags=3,
        dnsRoot="corp.contoso.com",
        nCName=BASE,
        nETBIOSName="HEADOFFICE",
    )
    directory = exported(DOMAIN, reference)
    assert directory.find("HeadOffice\\msol_1", [])
    assert not directory.find("CORP\\msol_1", [])


def test_connector_candidates_are_known_by_name_or_description(exported: Exported) -> None:
    folded = "description: Account created by Microsoft Azure Active Dir\n ectory Conne\n ct with installation"
    directory = exported(
        DOMAIN,
        user("svc1", 1200) + user("svc2", 1201).replace("\nobjectClass: top", f"\n{folded}\nobjectClass: top"),
        user("svc3", 1202, description=b"Microsoft Entra Connect with installation identifier"),
        user("svc4", 1203, description="Microsoft Entra Connect").replace("sAMAccountName", "samaccountname"),
        user("MSOL_old", 1204, sAMAccountName="renamed"),
        user("svc5", 1205, description="Connects things"),
        user("MSOL_elsewhere", 1206, "OU=x,DC=fabrikam,DC=com"),
    ).connector_candidates(["objectSid"])
    assert [found.sid() for found in directory] == [f"{DOMAIN_SID}-{rid}" for rid in (1105, 1201, 1202, 1203, 1204)]


def test_objects_are_read_by_name_by_sid_and_by_value(exported: Exported) -> None:
    guid = bytes(range(0x40, 0x50))
    directory = exported(
        DOMAIN,
        user("ann", 1200, mS_DS_ConsistencyGuid=guid, employeeID="E1"),
        user("bob", 1201, mS_DS_ConsistencyGuid=guid.lower(), employeeID="e1"),
        group("Sales", 1300, employeeID="E1"),
    )
    ann = f"CN=ann,OU=People,{BASE}"
    found = directory.read(ann.lower(), ["sAMAccountName"])
    assert isinstance(found, User) and found.raw == {"sAMAccountName": [b"ann"]}
    assert directory.read(f"CN=gone,{BASE}", []) is None
    assert directory.read("nonsense", []) is None
    by_sid = directory.objects_by_sid([f"{DOMAIN_SID}-1200", f"{DOMAIN_SID}-513", f"{DOMAIN_SID}-1105", "S-1-5-11"], [])
    assert {entry.distinguished_name for entry in by_sid} == {ann, f"CN=Domain Users,CN=Users,{BASE}", CONNECTOR_DN}
    assert [e.distinguished_name for e in directory.matching("mS-DS-ConsistencyGuid", [guid], [])] == [ann]
    assert len(directory.matching("employeeID", [b"E1"], [])) == 3
    assert len(directory.matching("employeeID", [b"E1"], [], users_only=True)) == 2
    named = directory.matching("distinguishedName", [ann.encode(), f"CN=Sales,CN=Users,{BASE}".encode()], [])
    assert {entry.distinguished_name for entry in named} == {ann, f"CN=Sales,CN=Users,{BASE}"}


# Tokens


def test_a_token_holds_nested_and_circular_groups_the_primary_group_and_no_distribution_group(
    exported: Exported,
) -> None:
    def dn(name: str) -> str:
        return f"CN={name},CN=Users,{BASE}"

    directory = exported(
        group("B", 1301, LOCAL, member=[dn("A"), dn("C")]),
        group("C", 1302, LOCAL, member=[dn("B")]),
        group("List", 1303, DISTRIBUTION, member=[CONNECTOR_DN]),
        group("ViaList", 1304, member=[dn("List")]),
        group("Others", 1305, member=[f"CN=ann,OU=People,{BASE}"]),
        group("FromPrimary", 1306, LOCAL, member=[dn("Domain Users")]),
        DOMAIN,
        group("A", 1300, member=[CONNECTOR_DN.upper()]),
        group("ByMemberOf", 1307, UNIVERSAL),
        group("Network", 1308, LOCAL, member=[f"CN=S-1-5-2,CN=ForeignSecurityPrincipals,{BASE}"]),
        user("MSOL_1", 1105, f"CN=Users,{BASE}", memberOf=[dn("ByMemberOf")], sAMAccountName="x"),
    )
    principal = connector(directory)
    assert principal.complete and not principal.obstacle
    assert rids(principal.global_groups) == {"513", "1300"}
    assert rids(principal.local_groups) == {"1301", "1302", "1306", "S-1-5-32-545"}
    token = directory.token(principal)
    assert token.complete and token.account_sid == f"{DOMAIN_SID}-1105"
    assert rids(token.sids) - {"S-1-1-0", "S-1-5-11", "S-1-5-2", "S-1-5-15"} == (
        {"1105", "513", "1300", "1301", "1302", "1306", "1308", "S-1-5-32-545"}
    )
    assert token.surely_outside(f"{DOMAIN_SID}-1305")


@pytest.mark.parametrize(
    "spelled",
    ["CN=Entra Sync", "cn = entra sync", "CN=Entra\\ Sync", "CN=\\45ntra Sync", 'CN="Entra Sync"', "cn=ENTRA  SYNC"],
)
def test_a_member_is_found_however_it_is_spelled(exported: Exported, spelled: str) -> None:
    account = user("Entra Sync", 1105, f"CN=Users,{BASE}", sAMAccountName="MSOL_1")
    members = [f"CN=u{number},OU=People,{BASE}" for number in range(60)]
    holding = group("A", 1300, member=[*members, f"{spelled},CN=Users,{BASE}"])
    principal = connector(exported(DOMAIN.replace(CONNECTOR, account), holding, group("B", 1301, member=members)))
    assert rids(principal.global_groups) == ({"513"} if "  " in spelled else {"513", "1300"})


def test_member_of_counts_where_the_group_does_not_list_its_members(exported: Exported) -> None:
    account = user("MSOL_1", 1105, f"CN=Users,{BASE}", memberOf=[f"CN=A,CN=Users,{BASE}"])
    directory = exported(DOMAIN.replace(CONNECTOR, account), group("A", 1300, memberOf=[f"CN=B,CN=Users,{BASE}"]))
    principal = connector(directory)
    assert f"{DOMAIN_SID}-1300" in principal.global_groups
    assert not principal.complete and "cn=b,cn=users" in principal.obstacle


@pytest.mark.parametrize(
    ("content", "obstacle"),
    [
        (DOMAIN.replace("member: ", "other: "), "no group with its members"),
        (DOMAIN.replace(DOMAIN_USERS, ""), f"primary group {DOMAIN_SID}-513"),
        (DOMAIN.replace(USERS, "") + group("A", 1300, member="CN=x"), "Builtin"),
        (DOMAIN + group("A", 1300, member__range_0_1499="x").replace("range-0-1499", "range=0-1499"), "only a part"),
        (DOMAIN + group("A", 1300).replace("groupType", "other"), "groupType"),
        (DOMAIN + group("A", 1300).replace("objectSid", "other"), "objectSid"),
        (DOMAIN.replace("primaryGroupID", "other"), "primaryGroupID"),
        (
            DOMAIN.replace(f"rootDomainNamingContext: {BASE}", "rootDomainNamingContext: DC=contoso,DC=com"),
            "other domains",
        ),
    ],
)
def test_a_token_is_complete_only_if_the_export_proves_it(exported: Exported, content: str, obstacle: str) -> None:
    directory = exported(content)
    principal = connector(directory)
    assert not principal.complete and obstacle in principal.obstacle
    token = directory.token(principal)
    assert not token.complete and obstacle in token.obstacle
    assert not token.surely_outside("S-1-5-21-9-9-9-512")
    assert token.surely_outside("S-1-3-0")


def test_an_incomplete_token_knows_groups_that_surely_do_not_hold_the_account(exported: Exported) -> None:
    def dn(name: str) -> str:
        return f"CN={name},CN=Users,{BASE}"

    directory = exported(
        DOMAIN,
        group("Closed", 1300, member=[f"CN=ann,OU=People,{BASE}"]),
        group("Empty", 1301),
        group("Open", 1302, LOCAL, member=["CN=All,DC=contoso,DC=com"]),
        group("HoldsOpen", 1303, LOCAL, member=[dn("Open")]),
        group("Foreign", 1304, LOCAL, member=[f"CN=S-1-5-21-9-9-9-1,CN=ForeignSecurityPrincipals,{BASE}"]),
        group("WellKnown", 1305, LOCAL, member=[f"CN=S-1-5-9,CN=ForeignSecurityPrincipals,{BASE}"]),
        forest="contoso.com",
    )
    token = directory.token(connector(directory))
    assert not token.complete
    assert rids(token.outside) == {"1300", "1301", "1305"}


def test_a_blind_export_excludes_no_group(exported: Exported) -> None:
    directory = exported(DOMAIN.replace(DOMAIN_USERS, ""), group("A", 1300), forest="contoso.com")
    assert directory.token(connector(directory)).outside == frozenset()


def test_a_principal_of_the_same_forest_stands_by_name_and_one_of_another_by_its_foreign_principal(
    exported: Exported,
) -> None:
    def elsewhere(forest_dn: str) -> Principal:
        group_sid = "S-1-5-21-9-9-9-1600"
        return Principal(
            distinguished_name="CN=MSOL_9,CN=Users,DC=contoso,DC=com",
            sid="S-1-5-21-9-9-9-1500",
            domain="contoso.com",
            domain_sid="S-1-5-21-9-9-9",
            forest_dn=forest_dn,
            sid_history=("S-1-5-21-8-8-8-1",),
            global_groups=frozenset({group_sid}),
            local_groups=frozenset({"S-1-5-21-9-9-9-1700"}),
            complete=True,
            group_names={group_sid: "CN=All,CN=Users,DC=contoso,DC=com"},
        )

    trust = record(
        f"CN=fabrikam.com,CN=System,{BASE}",
        objectClass="trustedDomain",
        trustPartner="fabrikam.com",
        trustAttributes=8,
        securityIdentifier=sid("S-1-5-21-9-9-9"),
    )
    content = (
        DOMAIN
        + group("ByName", 1300, LOCAL, member=["CN=MSOL_9,CN=Users,DC=contoso,DC=com"])
        + group("ByGroup", 1301, LOCAL, member=["cn=all,cn=users,dc=contoso,dc=com"])
        + group("ByForeign", 1302, LOCAL, member=[f"CN=S-1-5-21-9-9-9-1500,CN=ForeignSecurityPrincipals,{BASE}"])
    )
    token = exported(content, forest="contoso.com").token(elsewhere("DC=contoso,DC=com"))
    assert token.complete, token.obstacle
    assert {"1300", "1301", "S-1-5-21-8-8-8-1"} <= rids(token.sids)
    assert not {"1302", "S-1-5-21-9-9-9-1700"} & rids(token.sids)

    other = elsewhere("DC=fabrikam,DC=com")
    token = exported(content, trust).token(other)
    assert token.complete, token.obstacle
    assert "1302" in rids(token.sids) and not {"1300", "1301", "S-1-5-21-8-8-8-1"} & rids(token.sids)
    assert "S-1-5-15" in token.sids

    token = exported(content, trust.replace("trustAttributes: 8", "trustAttributes: 24")).token(other)
    assert "S-1-5-1000" in token.sids and "S-1-5-15" not in token.sids

    token = exported(content).token(other)
    assert not token.complete and "selective authentication" in token.obstacle


def test_an_export_does_not_say_who_made_it(exported: Exported) -> None:
    directory = exported(DOMAIN)
    assert directory.reader_token() is None and not directory.live


# The rest of a domain


def test_the_head_of_the_domain(exported: Exported) -> None:
    directory = exported(DOMAIN)
    domain = directory.domain()
    assert (domain.name, domain.forest, domain.sid) == ("corp.contoso.com", "corp.contoso.com", DOMAIN_SID)
    assert domain.policy is not None and domain.policy.minimum_age is not None and domain.policy.minimum_age.days == 1
    assert domain.security_descriptor is None and domain.ds_heuristics is None and domain.pdc_host == ""
    assert set(directory.containers()) == {BASE.lower(), f"ou=people,{BASE.lower()}"}


def test_the_pdc_is_named_by_its_server_object_or_its_root_dse(exported: Exported) -> None:
    site = f"CN=DC1,CN=Servers,CN=Site,CN=Sites,CN=Configuration,{BASE}"
    owner = DOMAIN.replace("minPwdAge", f"fSMORoleOwner: CN=NTDS Settings,{site}\nminPwdAge")
    assert exported(owner).domain().pdc_host == "dc1.corp.contoso.com"
    server = record(site, objectClass="server", dNSHostName="dc9.corp.contoso.com")
    assert exported(owner, server).domain().pdc_host == "dc9.corp.contoso.com"


def test_heuristics_are_known_empty_only_where_their_object_is_in_the_export(exported: Exported) -> None:
    service = record(
        f"CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,{BASE}", objectClass=["top", "nTDSService"]
    )
    assert exported(DOMAIN, service).domain().ds_heuristics == ""


def test_every_controller_has_its_entry_without_a_name(exported: Exported) -> None:
    other = ROOT.replace("dc1.", "dc2.")
    elsewhere = ROOT.replace(f"defaultNamingContext: {BASE}", "defaultNamingContext: DC=fabrikam,DC=com")
    directory = exported(DOMAIN, other, elsewhere)
    assert [root.host for root in directory.controllers_root_dse()] == ["dc1.corp.contoso.com", "dc2.corp.contoso.com"]
    assert directory.root_dse().supported_controls == {"1.2.840.113556.1.4.2239"}


@pytest.mark.parametrize("ask", [LdifDirectory.root_dse, LdifDirectory.domain, LdifDirectory.forest_domains])
def test_what_is_not_in_the_export_is_said(exported: Exported, ask: Callable[[LdifDirectory], object]) -> None:
    with pytest.raises(Unavailable) as caught:
        ask(exported(user("ann", 1200)))
    assert caught.value.code == "not-in-export" and caught.value.remedy


def test_fine_grained_policies_are_never_known_to_be_all(exported: Exported) -> None:
    container = f"CN=Password Settings Container,CN=System,{BASE}"
    holder = record(container, objectClass=["top", "container", "msDS-PasswordSettingsContainer"])
    policy = record(
        f"CN=Strict,{container}",
        objectClass=["top", "msDS-PasswordSettings"],
        msDS_PasswordSettingsPrecedence=10,
        msDS_MinimumPasswordAge=-864000000000,
        msDS_PSOAppliesTo=f"CN=A,CN=Users,{BASE}",
    )
    for parts, count, obstacle in (
        ((), 0, "isn't in the export"),
        ((holder,), 0, "can't prove"),
        ((holder, policy), 1, ""),
    ):
        found = exported(DOMAIN, *parts).fine_grained_policies()
        assert len(found.policies) == count and not found.complete and obstacle in found.obstacle
    assert found.policies[0].precedence == 10 and found.policies[0].policy.name == "Strict"


def test_an_attribute_of_which_only_a_part_is_there_is_not_handed_out_as_a_whole(exported: Exported) -> None:
    half = group("A", 1300, member__range="CN=x").replace("member;range", "member;range=0-1499")
    directory = exported(DOMAIN, half)
    assert directory.read(f"CN=A,CN=Users,{BASE}", ["groupType"]) is not None
    with pytest.raises(Unavailable, match="only a part of member"):
        directory.read(f"CN=A,CN=Users,{BASE}", ["member"])


# Bad files


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "no entry"),
        ("hello\n", "line 1: an entry should begin"),
        ("dn: CN=a\nchangetype: modify\n", "line 2: a change record"),
        (user("ann", 1200).replace("sAMAccountName", "changetype: delete\nsAMAccountName"), "change record"),
        ("dn: nonsense\nobjectClass: group\n", "not a distinguished name"),
        ("\0\0\0\0", "NUL"),
    ],
)
def test_a_file_that_is_no_export_is_one_paragraph(exported: Exported, content: str, what: str) -> None:
    directory = exported(content)
    for _ in range(2):
        with pytest.raises(Unavailable, match=what) as caught:
            list(directory.users(["sAMAccountName"]))
        assert caught.value.code == "ldif-unreadable"
        assert caught.value.remedy and "\n" not in caught.value.reason


def test_a_missing_file_or_a_directory_is_one_paragraph(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.ldf"):
        with pytest.raises(Unavailable) as caught:
            LdifDirectory(path, "corp.contoso.com").domain()
        assert caught.value.code == "ldif-unreadable" and str(path) in caught.value.reason


def test_pages_before_a_damaged_entry_stay(exported: Exported) -> None:
    people = [user(f"u{number}", 2000 + number) for number in range(PAGE + 5)]
    directory = exported(DOMAIN, *people, user("bad", 9000, nTSecurityDescriptor=b"x" * 400).replace("eHh4", "eH*4", 1))
    pages = directory.users(["nTSecurityDescriptor"])
    assert len(next(pages)) == PAGE
    with pytest.raises(Unavailable, match="base64"):
        next(pages)


def test_a_file_that_changes_between_two_readings_is_not_read_on(exported: Exported) -> None:
    directory = exported(DOMAIN)
    assert names(directory)
    exported(DOMAIN, user("ann", 1200))
    with pytest.raises(Unavailable) as caught:
        names(directory)
    assert caught.value.code == "ldif-changed"


def test_an_export_that_ends_inside_a_line_is_marked(exported: Exported) -> None:
    directory = exported(DOMAIN.rstrip("\n"))
    assert directory.origin == "export.ldf"
    assert directory.domain()
    assert "6 entries" in directory.origin and "ends in the middle of a line" in directory.origin


def test_a_compressed_export_is_read_and_several_threads_may_ask_at_once(tmp_path: Path) -> None:
    path = tmp_path / "export.ldf.gz"
    path.write_bytes(gzip.compress((DOMAIN + "".join(user(f"u{n}", 2000 + n) for n in range(500))).encode()))
    directory = LdifDirectory(path, "CORP.contoso.com.")
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(names(directory))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [len(each) for each in found] == [501] * 4


# What is kept


def test_parts_of_a_range_make_a_whole_only_without_a_gap() -> None:
    whole = {"member;range=2-*": [b"c"], "member;range=0-1": [b"a", b"b"], "cn": [b"x"]}
    assert join_ranges(whole) == []
    assert whole == {"member": [b"a", b"b", b"c"], "cn": [b"x"]}
    assert join_ranges({"member;range=0-1": [b"a"], "member;range=3-*": [b"c"]}) == ["member"]
    assert join_ranges({"member;range=0-1": [b"a"]}) == ["member"]


def test_many_members_are_kept_packed(exported: Exported) -> None:
    members = [f"CN=u{number},OU=People,{BASE}" for number in range(5000)]
    directory = exported(DOMAIN, group("All", 1300, member=[*members, CONNECTOR_DN]))
    found = directory.read(f"CN=All,CN=Users,{BASE}", ["member", "groupType"])
    assert found is not None and len(found.texts("member")) == 5001 and found.integer("groupType") == GLOBAL
    assert f"{DOMAIN_SID}-1300" in connector(directory).global_groups
    values = [os.urandom(length) for length in range(1100)]
    packed = PackedAttributes({"member": values, "cn": [b"x"]})
    assert dict(packed) == {"member": values, "cn": [b"x"]} and len(packed) == 2 and "cn" in packed


def test_an_export_that_was_cut_off_is_never_read_to_its_end(exported: Exported) -> None:
    directory = exported(DOMAIN, user("anna", 1106).rstrip("\n"))
    pages = directory.users({"sAMAccountName"})
    assert [each.account_name for each in next(pages)] == ["MSOL_1", "anna"]
    with pytest.raises(Unavailable, match="cut off") as raised:
        next(pages)
    assert raised.value.code == "cut-off"
