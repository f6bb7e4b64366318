"""The GUIDs that access control entries name: rights, attributes, property sets and classes.

Sources: MS-ADTS 5.1.3.2.1 (control access rights), 3.1.1.2.5.1 (fixed schema attributes), MS-ADA1, MS-ADA3, MS-ADSC.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

RESET_PASSWORD = UUID("00299570-246d-11d0-a768-00aa006e0529")
CHANGE_PASSWORD = UUID("ab721a53-1e2f-11d0-9819-00aa0040529b")
UNEXPIRE_PASSWORD = UUID("ccc2dc7d-a6ad-4a7a-8846-c04e3cc53501")
REPLICATING_CHANGES = UUID("1131f6aa-9c07-11d1-f79f-00c04fc2dcd2")
REPLICATING_CHANGES_ALL = UUID("1131f6ad-9c07-11d1-f79f-00c04fc2dcd2")

LOCKOUT_TIME = UUID("28630ebf-41d5-11d1-a9c1-0000f80367c1")
PWD_LAST_SET = UUID("bf967a0a-0de6-11d0-a285-00aa003049e2")
USER_ACCOUNT_RESTRICTIONS = UUID("4c164200-20c0-11d0-a768-00aa006e0529")

USER = UUID("bf967aba-0de6-11d0-a285-00aa003049e2")
INET_ORG_PERSON = UUID("4828cc14-1437-45bc-9b07-ad6f015e5f28")

CLASSES: Mapping[str, UUID] = MappingProxyType(
    {
        "user": USER,
        "inetOrgPerson": INET_ORG_PERSON,
        "computer": UUID("bf967a86-0de6-11d0-a285-00aa003049e2"),
        "group": UUID("bf967a9c-0de6-11d0-a285-00aa003049e2"),
        "contact": UUID("5cb41ed0-0e4c-11d0-a286-00aa003049e2"),
        "domainDNS": UUID("19195a5b-6da0-11d0-afd3-00c04fd930c9"),
        "organizationalUnit": UUID("bf967aa5-0de6-11d0-a285-00aa003049e2"),
        "container": UUID("bf967a8b-0de6-11d0-a285-00aa003049e2"),
        "builtinDomain": UUID("bf967a81-0de6-11d0-a285-00aa003049e2"),
        "samServer": UUID("bf967aad-0de6-11d0-a285-00aa003049e2"),
        "lostAndFound": UUID("52ab8671-5709-11d1-a9c6-0000f80367c1"),
        "msDS-GroupManagedServiceAccount": UUID("7b8b558a-93a5-4af7-adca-c017e67f1057"),
        "msDS-ManagedServiceAccount": UUID("ce206244-5827-4a86-ba1c-1c0c386c1b64"),
    }
)
"""schemaIDGUID of the classes that matter here; a forest's own classes are added by its schema."""

NAMES: Mapping[UUID, str] = MappingProxyType(
    {
        RESET_PASSWORD: "Reset Password",
        CHANGE_PASSWORD: "Change Password",
        UNEXPIRE_PASSWORD: "Unexpire Password",
        REPLICATING_CHANGES: "Replicating Directory Changes",
        REPLICATING_CHANGES_ALL: "Replicating Directory Changes All",
        LOCKOUT_TIME: "lockoutTime",
        PWD_LAST_SET: "pwdLastSet",
        USER_ACCOUNT_RESTRICTIONS: "User Account Restrictions",
        UUID("5f202010-79a5-11d0-9020-00c04fc2d4cf"): "User Logon",
        UUID("bc0ac240-79a9-11d0-9020-00c04fc2d4cf"): "Group Membership",
        UUID("59ba2f42-79a2-11d0-9020-00c04fc2d3cf"): "General Information",
        UUID("77b5b886-944a-11d1-aebd-0000f80367c1"): "Personal Information",
        UUID("e45795b2-9455-11d1-aebd-0000f80367c1"): "Phone and Mail Options",
        UUID("e45795b3-9455-11d1-aebd-0000f80367c1"): "Web Information",
        UUID("e48d0154-bcf8-11d1-8702-00c04fb96050"): "Public Information",
        UUID("037088f8-0ae1-11d2-b422-00a0c968f939"): "Remote Access Information",
        UUID("91e647de-d96f-4b70-9557-d63ff4f3ccd8"): "Private Information",
        UUID("5805bc62-bdc9-4428-a5e2-856a0f4c185e"): "Terminal Server License Server",
        UUID("46a9b11d-60ae-405a-b7e8-ff8a58d456d2"): "tokenGroupsGlobalAndUniversal",
        UUID("bf967a7f-0de6-11d0-a285-00aa003049e2"): "userCertificate",
        UUID("6db69a1c-9422-11d1-aebd-0000f80367c1"): "terminalServer",
        UUID("ab721a54-1e2f-11d0-9819-00aa0040529b"): "Send As",
        UUID("ab721a56-1e2f-11d0-9819-00aa0040529b"): "Receive As",
        UUID("bf967a68-0de6-11d0-a285-00aa003049e2"): "userAccountControl",
        **{guid: name for name, guid in CLASSES.items()},
    }
)
"""What a person calls them."""


def name_of(guid: UUID) -> str:
    """Its name where there is one, else the GUID."""
    return NAMES.get(guid) or str(guid)
