"""Under which names principals from elsewhere stand in `member` (MS-ADTS 6.1.1.4.10).

Principals of another forest, and well-known ones such as Everyone, stand as the foreign security principal that is
named after their SID. Samba writes well-known ones by the name of their object in the configuration partition.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from preflight.directory.distinguished_name import MalformedName, parent, rdn_value
from preflight.directory.model import (
    AUTHENTICATED_USERS,
    EVERYONE,
    NETWORK,
    OTHER_ORGANIZATION,
    THIS_ORGANIZATION,
)

WELL_KNOWN_NAMES = MappingProxyType(
    {
        EVERYONE: "Everyone",
        AUTHENTICATED_USERS: "Authenticated Users",
        NETWORK: "Network",
        THIS_ORGANIZATION: "This Organization",
        OTHER_ORGANIZATION: "Other Organization",
    }
)
"""Names of their objects in CN=WellKnown Security Principals, the same in every language."""

_SIDS = MappingProxyType({name.lower(): sid for sid, name in WELL_KNOWN_NAMES.items()})


def names_in_member(sids: Iterable[str], domain_dn: str, forest_dn: str) -> set[str]:
    """The DNs under which these SIDs may stand in `member` of groups of the domain."""
    names: set[str] = set()
    for sid in sids:
        names.add(f"CN={sid},CN=ForeignSecurityPrincipals,{domain_dn}")
        if sid in WELL_KNOWN_NAMES and forest_dn:
            name = WELL_KNOWN_NAMES[sid]
            names.add(f"CN={name},CN=WellKnown Security Principals,CN=Configuration,{forest_dn}")
    return names


def sid_in_member(name: str) -> str:
    """The SID that a DN in `member` stands for; "" if it is no foreign or well-known principal's."""
    try:
        value, container = rdn_value(name), rdn_value(parent(name)).lower()
    except MalformedName:
        return ""
    if container == "foreignsecurityprincipals":
        return value.upper() if value.upper().startswith("S-1-") else ""
    return _SIDS.get(value.lower(), "") if container == "wellknown security principals" else ""
