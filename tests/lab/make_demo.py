"""Make the sample forest of `preflight demo` anew: preflight/demo/forest.ldf, events.xml and report.json.

::

    .venv/bin/python tests/lab/make_demo.py                  # root, with the lab (tests/lab/install.sh); about 10 s
    .venv/bin/python tests/lab/make_demo.py --report-only    # the same export; after a change of the checks

A real domain controller is filled with fictional people and, one by one, with the faults that the product looks for;
C `ldapsearch` exports what the product reads and nothing else: no password hashes, no history, no secrets. One thing is
made up: the second controller, DC2. Its rootDSE is DC1's with another name and without the policy-hints controls. The
event log is built (tests/event_logs.py), not recorded: it ends when the forest was exported.
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from event_logs import RELAYS, Log, as_xml
from lab.administration import Administration
from lab.domain_controller import ADMINISTRATOR_PASSWORD, POLICY_HINTS_OIDS, DomainController, Recipe
from lab.forest import CHANGE_PASSWORD, LOCKOUT_TIME, REPLICATION, RESET_PASSWORD, USER_ACCOUNT_RESTRICTIONS, USER_CLASS

from preflight.cli.sample import EVENTS, run_sample, when_exported
from preflight.cli.sample import EXPORT as FOREST

DEMO = Path(__file__).parents[2] / "preflight" / "demo"
RECIPE = Recipe(domain="corp.contoso.com", netbios="CORP")
BASE = RECIPE.base_dn
CONNECTOR = "MSOL_0a1b2c3d"

EMPLOYEES = f"OU=Employees,{BASE}"
BERLIN = f"OU=Berlin,{EMPLOYEES}"
EXPORT = f"OU=Übersee & Export,{EMPLOYEES}"
SALES = f"OU=Sales,{EMPLOYEES}"
PARTNERS = f"OU=Partners,{EMPLOYEES}"
IT = f"OU=IT,{EMPLOYEES}"
EXECUTIVES = f"OU=Executives,{EMPLOYEES}"
CONTRACTORS = f"OU=Contractors,{EMPLOYEES}"
LEFT = f"OU=Left,{EMPLOYEES}"
ACQUIRED = f"OU=Fabrikam (acquired),{BASE}"
SERVICE_ACCOUNTS = f"OU=Service Accounts,{BASE}"
GROUPS = f"OU=Groups,{BASE}"

PEOPLE: tuple[tuple[str, str, str], ...] = (
    (BERLIN, "Jürgen Groß", "jgross"),
    (BERLIN, "Zoë Ünal", "zunal"),
    (BERLIN, "Bea Berliner", "bberliner"),
    (BERLIN, "Robert Baker", "rbaker"),
    (EXPORT, "李雷", "lilei"),
    (EXPORT, "Đặng Thị Hạnh", "hdang"),
    (EXPORT, "<b>Bold</b> & <i>co</i>", "bold"),
    (EXPORT, "[red]markup[/red]", "markup"),
    (SALES, "Ann Example", "aexample"),
    (SALES, "Bob Baker", "bbaker"),
    (SALES, "Carla Sales", "csales"),
    (SALES, "Kiosk Reception", "kiosk"),
    (IT, "Alex Admin", "aadmin"),
    (IT, "Fred Former", "fformer"),
    (IT, "Frida Former", "frformer"),
    (IT, "Noa Network", "nnetwork"),
    (EXECUTIVES, "Dana Director", "ddirector"),
    (EXECUTIVES, "Erin Executive", "eexecutive"),
    (CONTRACTORS, "O'Brien, Conan", "cobrien"),
    (CONTRACTORS, 'Pat "PJ" Jones', "pjones"),
    (CONTRACTORS, "Łukasz Żółć", "lzolc"),
    (ACQUIRED, "Gus Fabrikam", "gfabrikam"),
    (ACQUIRED, "Hal Fabrikam", "hfabrikam"),
    (SERVICE_ACCOUNTS, "svc-backup", "svc-backup"),
)
INET_ORG_PERSONS = ((PARTNERS, "Ida Partner", "ipartner"), (PARTNERS, "Ivo Partner", "ivpartner"))
DISABLED = ((LEFT, "Ann Example", "aexample-old"), (LEFT, "Lee Left", "lleft"))


def seed(admin: Administration) -> None:
    """A company in which writeback nearly works: then every fault, each in a function of its own."""
    for ou in (EMPLOYEES, BERLIN, EXPORT, SALES, PARTNERS, IT, EXECUTIVES, CONTRACTORS, LEFT):
        admin.organizational_unit(ou)
    for ou in (ACQUIRED, SERVICE_ACCOUNTS, GROUPS):
        admin.organizational_unit(ou)
    connector(admin)
    for people, object_class, enabled in (
        (PEOPLE, "user", True),
        (INET_ORG_PERSONS, "inetOrgPerson", True),
        (DISABLED, "user", False),
    ):
        for ou, name, account in people:
            admin.user(
                f"CN={escaped(name)},{ou}",
                account,
                object_class=object_class,
                enabled=enabled,
                mail=f"{account}@contoso.com",
                userPrincipalName=f"{account}@contoso.com",
            )
            own = admin.search(admin.dn_of(account), attributes=["objectGUID"], scope="base")[0][1]["objectGUID"][0]
            admin.modify(account, **{"mS-DS-ConsistencyGuid": own})  # as Connect writes it
    admin.group(f"CN=All employees,{GROUPS}", "all-employees", scope="universal", members=["aexample", "jgross"])
    admin.group(f"CN=Newsletter,{GROUPS}", "newsletter", security=False, members=["zunal"])
    admin.domain_policy(maxPwdAge=0, minPwdAge=0, minPwdLength=12, lockoutThreshold=10)
    delegations(admin)
    for fault in FAULTS:
        fault(admin)


def connector(admin: Administration) -> None:
    """The account as Connect makes it, nested into a group of groups; and one that an old installation left behind."""
    description = (
        "Account created by Microsoft Azure Active Directory Connect with installation identifier "
        "{installation} running on computer {computer} configured to synchronize to tenant contoso.onmicrosoft.com. "
        "This account must have directory replication permissions in the local Active Directory and write permission "
        "on certain attributes to enable Hybrid Deployment."
    )
    for account, computer, enabled in ((CONNECTOR, "SYNC01", True), ("MSOL_99887766", "OLDSYNC", False)):
        installation = account.partition("_")[2] + uuid.uuid5(uuid.NAMESPACE_DNS, account).hex[:24]
        admin.user(
            f"CN={account},CN=Users,{BASE}",
            account,
            userAccountControl=0x10200 if enabled else 0x10202,  # a normal account whose password never expires
            description=description.format(installation=installation, computer=computer),
        )
    admin.group(f"CN=Sync accounts,{GROUPS}", "sync-accounts", members=[CONNECTOR])
    admin.group(f"CN=Tier 1 services,{GROUPS}", "tier1-services", scope="domain-local", members=["sync-accounts"])


def delegations(admin: Administration) -> None:
    """Replication and Reset Password to the account itself; the unlock and pwdLastSet to the group it is in."""
    admin.add_aces(
        BASE,
        "".join(f"(OA;;CR;{right};;<{CONNECTOR}>)" for right in REPLICATION)
        + f"(OA;CIIO;CR;{RESET_PASSWORD};{USER_CLASS};<{CONNECTOR}>)"
        + f"(OA;CIIO;WP;{USER_ACCOUNT_RESTRICTIONS};;<sync-accounts>)",
    )
    admin.add_aces(EMPLOYEES, f"(OA;CIIO;WP;{LOCKOUT_TIME};;<sync-accounts>)")


# The faults. What the product says of each is in test_demo_data.py.


def class_not_covered(_: Administration) -> None:
    """Reset Password is granted for the class user, as Connect does: not for the inetOrgPersons in Partners."""


def grant_beside_the_point(_: Administration) -> None:
    """lockoutTime is granted on Employees, and the acquired company's people are elsewhere."""


def deny_through_nested_groups(admin: Administration) -> None:
    """Tier 1 services may not reset executives; the connector account is one, by way of Sync accounts."""
    admin.add_aces(EXECUTIVES, f"(OD;CIIO;CR;{RESET_PASSWORD};{USER_CLASS};<tier1-services>)")


def inheritance_off(admin: Administration) -> None:
    admin.protect(CONTRACTORS)


def protected_account(admin: Administration) -> None:
    """A Domain Admin by way of a group, with the descriptor that such accounts get."""
    admin.group(f"CN=Server team,{GROUPS}", "server-team", members=["aadmin"])
    admin.add_member("Domain Admins", "server-team")
    protect_as_sdprop(admin, "aadmin")


def orphaned_admin_count(admin: Administration) -> None:
    """Once a Domain Admin: adminCount and the protected descriptor stayed."""
    protect_as_sdprop(admin, "fformer")


def harmless_orphan(admin: Administration) -> None:
    """Once a Domain Admin: somebody switched inheritance on again, and adminCount stayed."""
    admin.modify("frformer", adminCount=1)


def user_cannot_change_password(admin: Administration) -> None:
    """The two entries that the box "User cannot change password" writes (MS-SAMR 3.1.5.12.1.1)."""
    admin.add_aces("kiosk", f"(OD;;CR;{CHANGE_PASSWORD};;WD)(OD;;CR;{CHANGE_PASSWORD};;PS)")


def duplicate_anchors(admin: Administration) -> None:
    """Bob came back as Robert, and his anchor was copied to the new account; Ann's old account is disabled."""
    for original, copy in (("bbaker", "rbaker"), ("aexample", "aexample-old")):
        [(_, found)] = admin.search(admin.dn_of(original), attributes=["objectGUID"], scope="base")
        admin.modify(copy, **{"mS-DS-ConsistencyGuid": found["objectGUID"][0]})


def minimum_ages(admin: Administration) -> None:
    """One day in the domain, which is Active Directory's default, and two for a fine-grained policy."""
    admin.domain_policy(minPwdAge=1)
    admin.group(f"CN=Sensitive accounts,{GROUPS}", "sensitive-accounts", members=["ddirector", "aadmin"])
    day = -864_000_000_000
    admin.pso(
        "Sensitive accounts",
        applies_to=["sensitive-accounts"],
        msDS_MinimumPasswordAge=2 * day,
        msDS_MaximumPasswordAge=180 * day,
        msDS_MinimumPasswordLength=16,
        msDS_LockoutThreshold=5,
    )


FAULTS = (
    class_not_covered,
    grant_beside_the_point,
    deny_through_nested_groups,
    inheritance_off,
    protected_account,
    orphaned_admin_count,
    harmless_orphan,
    user_cannot_change_password,
    duplicate_anchors,
    minimum_ages,
)


def protect_as_sdprop(admin: Administration, account: str) -> None:
    """What a Windows PDC emulator does every hour, and Samba doesn't (MS-ADTS 3.1.1.6.1)."""
    admin.modify(account, adminCount=1)
    admin.set_sddl(account, admin.sddl(f"CN=AdminSDHolder,CN=System,{BASE}"))
    admin.protect(account)
    # These two stand on AdminSDHolder in Windows; Samba provisions it without them.
    admin.add_aces(account, f"(OA;;CR;{CHANGE_PASSWORD};;WD)(OA;;CR;{CHANGE_PASSWORD};;PS)")


def escaped(name: str) -> str:
    """As a value of an RDN (RFC 4514 2.4)."""
    for character in '\\,+"<>;=':
        name = name.replace(character, f"\\{character}")
    return name


# The export

ROOT_DSE = (
    *("dnsHostName", "defaultNamingContext", "rootDomainNamingContext", "configurationNamingContext"),
    *("supportedControl", "supportedCapabilities", "currentTime"),
)
CONFIGURATION = ("objectClass", "dnsRoot", "nCName", "nETBIOSName", "systemFlags", "dSHeuristics", "dNSHostName")
DOMAIN = (
    *("objectClass", "objectSid", "nTSecurityDescriptor", "fSMORoleOwner", "groupType", "member"),
    *("minPwdAge", "maxPwdAge", "minPwdLength", "pwdHistoryLength", "pwdProperties"),
    *("lockoutThreshold", "lockoutDuration", "lockOutObservationWindow"),
    *("objectGUID", "msDS-PasswordSettingsPrecedence", "msDS-PSOAppliesTo", "msDS-MinimumPasswordAge"),
    *("msDS-MaximumPasswordAge", "msDS-MinimumPasswordLength", "msDS-PasswordHistoryLength"),
    *("msDS-LockoutThreshold", "msDS-LockoutDuration", "msDS-LockoutObservationWindow"),
)
GROUP = ("objectClass", "objectSid", "sAMAccountName", "groupType", "member", "memberOf")
USER = (
    *("objectClass", "objectGUID", "objectSid", "sAMAccountType", "sAMAccountName", "userPrincipalName", "mail"),
    *("userAccountControl", "adminCount", "isCriticalSystemObject", "primaryGroupID", "memberOf", "description"),
    *("pwdLastSet", "lockoutTime", "accountExpires", "mS-DS-ConsistencyGuid", "nTSecurityDescriptor"),
)
CONTAINERS = (
    "(|(objectClass=domainDNS)(objectClass=organizationalUnit)(objectClass=builtinDomain)(objectClass=samServer)"
    "(objectClass=msDS-PasswordSettingsContainer)(objectClass=msDS-PasswordSettings)"
    "(&(objectClass=container)(|(cn=Users)(cn=Computers)(cn=System)(cn=AdminSDHolder)(cn=Managed Service Accounts)"
    "(cn=ForeignSecurityPrincipals)(cn=Program Data))))"
)
HEADER = """\
# A sample forest, exported from a real Active Directory (Samba) that tests/lab/make_demo.py filled.
# Every name is fictional. The second entry is the rootDSE of dc1 with another name and without policy hints.

version: 1

"""


def export(dc: DomainController) -> str:
    """What the product reads of the domain, with descriptors by the SD-flags control (owner, group, DACL)."""
    first = search(dc, "", "base", "(objectClass=*)", ROOT_DSE)
    second = first.replace("dc1.", "dc2.")
    for oid in POLICY_HINTS_OIDS:
        second = second.replace(f"supportedControl: {oid}\n", "")
    configuration = f"CN=Configuration,{BASE}"
    return HEADER + "".join(
        (
            first,
            second,
            search(dc, f"CN=Partitions,{configuration}", "one", "(objectClass=crossRef)", CONFIGURATION),
            search(dc, f"CN=Sites,{configuration}", "sub", "(objectClass=server)", CONFIGURATION),
            search(
                dc,
                f"CN=Directory Service,CN=Windows NT,CN=Services,{configuration}",
                "base",
                "(objectClass=*)",
                CONFIGURATION,
            ),
            search(dc, BASE, "sub", CONTAINERS, DOMAIN),
            search(dc, BASE, "sub", "(objectClass=foreignSecurityPrincipal)", GROUP),
            search(dc, BASE, "sub", "(objectClass=group)", GROUP),
            search(dc, BASE, "sub", "(sAMAccountType=805306368)", USER),
        )
    )


def search(dc: DomainController, base: str, scope: str, expression: str, attributes: tuple[str, ...]) -> str:
    """The entries as LDIF, without comments."""
    password = dc.directory / "administrator"
    password.touch(0o600)
    password.write_text(ADMINISTRATOR_PASSWORD)
    sign_in = ("-x", "-H", f"ldaps://{dc.address}", "-D", f"administrator@{dc.domain}", "-y", str(password))
    descriptors = ("-E", "!1.2.840.113556.1.4.801=::MAMCAQc=")  # owner, group and DACL
    done = subprocess.run(
        ["ldapsearch", "-LLL", *sign_in, *descriptors, "-b", base, "-s", scope, expression, *attributes],
        env={"LDAPTLS_REQCERT": "never", "PATH": "/usr/bin"},  # its certificate doesn't name the loopback address
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"ldapsearch -b {base!r}: {done.stderr}")
    lines = done.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(("# ", "#\n")))


def events(folder: Path) -> str:
    """The sync server's day before the export in the folder: whom the faults hit when they tried."""
    exported = datetime.fromtimestamp(when_exported(folder / FOREST), UTC)
    log = Log(exported - timedelta(hours=20), "SYNC01.corp.contoso.com")
    log.started()
    for user, error, hresult in (
        ("cobrien@contoso.com", 33004, "0x80230626"),
        ("zunal@contoso.com", 0, ""),
        ("ddirector@contoso.com", 33008, "0x80230619"),
        ("jgross@contoso.com", 0, ""),
        ("cobrien@contoso.com", 33004, "0x80230626"),
    ):
        log.later(hours=3, minutes=20).heartbeat()
        log.later(minutes=1)
        if error:
            log.refused_reset(user, f"{user} {log.now}", error, hresult)
        else:
            log.reset(user, f"{user} {log.now}")
    log.now = exported - timedelta(minutes=3)
    log.heartbeat(RELAYS[1])
    return as_xml(log.events, rendered=True)


def main() -> None:
    if "--report-only" not in sys.argv:
        with DomainController(RECIPE) as dc:
            seed(dc.admin)
            dc.start()
            (DEMO / "forest.ldf").write_text(export(dc), encoding="utf-8")
    (DEMO / EVENTS).write_text(events(DEMO), encoding="utf-8", newline="")
    report = run_sample().to_dict()
    (DEMO / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
