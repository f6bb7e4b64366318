"""What the legacy password call reads before it sets a password (SUP, P6 and P7 of domain.md)."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import Finding, Later, Severity, check, passed, unknown, warn
from preflight.directory.access.account_database import SAM_ATTRIBUTES, sam_places, sam_reading
from preflight.directory.model import AUTHENTICATED_USERS, PRE_WINDOWS_2000, Domain, Token
from preflight.directory.port import Directory
from preflight_checks.mending import account, remove


@check(
    id="permissions.sam-read",
    title="The connector account may read what the password call reads first",
    severity=Severity.ADVISORY,
    each="domain",
    requires=("directory.bind", "account.connector-usable"),
    codes={
        "sam-server-refused": "the connector account may not read CN=Server,CN=System",
        "sam-server-unreadable": "CN=Server,CN=System could not be read",
        "sam-domain-refused": "the connector account may not read the domain's head or CN=Builtin",
        "sam-domain-unreadable": "the domain's head or CN=Builtin could not be read",
        "pre-windows-2000-emptied": "Authenticated Users are not in Pre-Windows 2000 Compatible Access",
        "pre-windows-2000-unreadable": "the members of Pre-Windows 2000 Compatible Access could not be read",
    },
    event_codes=("33004", "6329", "SSPR_0029"),
)
def sam_read(directory: Directory, domain: Domain, connector_token: Later[Token]) -> Iterator[Finding]:
    """Decides whether the connector account may list and read CN=Server,CN=System, the domain's head and CN=Builtin,
    and whether Authenticated Users are members of Pre-Windows 2000 Compatible Access.

    Before it sets a password, the legacy call looks the user up through the account database. Where that is refused,
    33004 comes with 6329 "Failed to acquire user information ... ERROR_ACCESS_DENIED" although Reset Password is right.
    The group is one means to that end, not a need of its own.

    Not visible over LDAP, and worth a look: RestrictRemoteSam on the controllers and the sync server.

    To mend: as the finding says.
    """
    server, *others = sam_places(domain.distinguished_name)
    yield _object(directory, server, "sam-server", connector_token)
    for place in others:
        yield _object(directory, place, "sam-domain", connector_token)
    yield _pre_windows_2000(directory)


def _object(directory: Directory, place: str, code: str, connector_token: Later[Token]) -> Finding:
    entry = directory.read(place, SAM_ATTRIBUTES)
    token = connector_token()
    found = sam_reading(place, entry, token)
    if found.refused:
        return warn(
            f"{code}-refused",
            f"the connector account may not {', '.join(found.refused)} on {place}",
            subject=place,
            expected="list contents, read all properties, read permissions",
            observed=f"refused: {', '.join(found.refused)}",
            remedy=remove(found.denying, place, token)
            if found.denying is not None
            else f'dsacls "{place}" /G "{account(token)}:LCRPRC"',
        )
    if found.unclear:
        return unknown(
            f"{code}-unreadable",
            f"whether the connector account may {', '.join(found.unclear)} on {place} could not be told",
            subject=place,
            expected="the object's descriptor",
            observed=found.why,
            remedy="Let the reader read the permissions of this object.",
        )
    return passed(f"the connector account may list and read {place}", subject=place)


def _pre_windows_2000(directory: Directory) -> Finding:
    name = "Pre-Windows 2000 Compatible Access"
    found = directory.objects_by_sid([PRE_WINDOWS_2000], {"member", "objectSid", "groupType"})
    if found and any(AUTHENTICATED_USERS in member for member in found[0].texts("member")):
        return passed(f"Authenticated Users are in {name}", subject=name)
    if not found or not (found[0].has("member") or (directory.live and found[0].has("groupType"))):
        return unknown(
            "pre-windows-2000-unreadable",
            f"the members of {name} could not be read",
            subject=name,
            expected="Authenticated Users among the members",
            observed="the group, or its members, may not be read",
            remedy="Let the reader read the members of the group.",
        )
    return warn(
        "pre-windows-2000-emptied",
        f"Authenticated Users are not in {name}",
        subject=name,
        expected="Authenticated Users (S-1-5-11) among the members, or the connector account's own read rights",
        observed=f"{len(found[0].texts('member'))} other members",
        remedy="If 6329 says ERROR_ACCESS_DENIED, grant the connector account the read rights, or add Authenticated "
        'Users: net localgroup "Pre-Windows 2000 Compatible Access" "Authenticated Users" /add',
    )
