"""What stands in the text of an event: ids, the user, error codes, names of relays.

The service writes `TrackingId: <GUID>, <what happened>, Context: cloudAnchor: User_<GUID>, SourceAnchorValue: <base64>,
UserPrincipalName: <upn>, Details: <exception or version>`, with parts left out or in another order. This reads what is
there and never fails; what it doesn't find is "".
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from dataclasses import dataclass

from preflight.network.clouds import RELAY_NAMESPACE

MOST_LOOKED_AT = 1 << 16
"""Characters: twice as many as Windows stores of a message."""

_KEYS = (
    "TrackingId",
    "Reason",
    "Context",
    "cloudAnchor",
    "SourceAnchorValue",
    "AdminUpn",
    "UserPrincipalName",
    "unblockUser",
    "ForcePasswordChange",
    "Details",
)
_KEY = re.compile(rf"(?<![A-Za-z])({'|'.join(_KEYS)})\s*:\s*")
_GUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
_FIRST_GUID = re.compile(_GUID)
_ANCHOR = re.compile(rf"User_{_GUID}", re.IGNORECASE)
_HRESULT = re.compile(r"(?:\bhr\s*=?\s*(?:0x)?|\b0x)([0-9A-Fa-f]{8})(?![0-9A-Fa-f])", re.IGNORECASE)
_VERSION = re.compile(r"\bVersion\s*:\s*(\d{1,5}(?:\.\d{1,5}){1,3})(?![\w.])")
_CONNECT = re.compile(r"(?:Azure AD (?:Sync|Connect)|Entra Connect(?: Sync)?)\s+(\d{1,5}(?:\.\d{1,5}){2,3})")
_UPN = re.compile(r"[^\s,;:<>\"]{1,256}@[^\s,;:<>\"@]{1,256}")
_WORD = re.compile(r"\s*([A-Z][A-Za-z]{5,60})\s*,?\s*$")


@dataclass(frozen=True, slots=True)
class Message:
    """
    Attributes:
        tracking_id: of the request, lower case; every event of one attempt has it, but not those of ADSync.
        name: what the service calls the event, such as "PasswordResetSuccess".
        reason: its error, up to the context.
        cloud_anchor: "User_<GUID>", the user's object in the cloud.
        source_anchor: as it stands: mostly base64 of the raw bytes, else the anchor's own text.
        user_principal_name: whose password.
        admin: who resets it, where an administrator does.
        unblock: whether the account is to be unlocked, too; None: not said.
        details: an exception with its stack, or what else comes last.
        version: the one that the details name. Of the service's library, unless it is one of Connect's own (1.x, 2.x).
        connect_version: what the sync engine calls itself.
        hresults: error codes, each once, in the order of the text: "0x80230619".
        namespaces: relays of Service Bus, lower case.
    """

    tracking_id: str = ""
    name: str = ""
    reason: str = ""
    cloud_anchor: str = ""
    source_anchor: str = ""
    user_principal_name: str = ""
    admin: str = ""
    unblock: bool | None = None
    details: str = ""
    version: str = ""
    connect_version: str = ""
    hresults: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()

    @property
    def anchor_guid(self) -> uuid.UUID | None:
        """The anchor as an objectGUID or mS-DS-ConsistencyGuid, if it is one."""
        return guid_of(self.source_anchor)


def parse_message(text: str) -> Message:
    """Whatever of the grammar is there. Never fails."""
    text = text[:MOST_LOOKED_AT]
    values = _values(text)
    details = values.get("Details", "")
    user = _first(_UPN, values.get("UserPrincipalName", "")) or values.get("UserPrincipalName", "").strip(" ,")
    if not user and _UPN.fullmatch(details.strip()):
        user = details.strip()  # a start names nobody else: "PasswordResetRequestStart, Details: alice@contoso.com"
    anchor = _first(_ANCHOR, values.get("cloudAnchor", "")) or _first(_ANCHOR, text)
    version, connect = _VERSION.search(details), _CONNECT.search(text)
    return Message(
        tracking_id=_first(_FIRST_GUID, values.get("TrackingId", "")).lower(),
        name=values.get("name", ""),
        reason=values.get("Reason", ""),
        cloud_anchor=anchor,
        source_anchor=values.get("SourceAnchorValue", ""),
        user_principal_name=user[:512],
        admin=_first(_UPN, values.get("AdminUpn", "")),
        unblock={"true": True, "false": False}.get(values.get("unblockUser", "").lower()),
        details=details,
        version=version[1] if version else "",
        connect_version=connect[1] if connect else "",
        hresults=hresults_of(text),
        namespaces=tuple(dict.fromkeys(match[0].lower() for match in RELAY_NAMESPACE.finditer(text))),
    )


def hresults_of(text: str) -> tuple[str, ...]:
    """The codes of errors in a text (those of successes and of Win32 have no high bit), each once, in its order."""
    found = (f"0x{match[1].lower()}" for match in _HRESULT.finditer(text))
    return tuple(dict.fromkeys(code for code in found if code >= "0x80000000"))


def guid_of(anchor: str) -> uuid.UUID | None:
    """The GUID whose raw bytes an anchor holds in base64 (little-endian, as AD stores it); None: it holds none."""
    text = anchor.strip()
    if not re.fullmatch(r"[A-Za-z0-9+/]{22}(?:==)?", text):
        return None
    try:
        return uuid.UUID(bytes_le=base64.b64decode(text.rstrip("=") + "=="))
    except (binascii.Error, ValueError):
        return None


def _values(text: str) -> dict[str, str]:
    """What stands behind each key, up to the next; of a repeated key the first. Details go on to the end.

    Only in a success the context stands within the details. An exception's text may hold whatever it likes.
    """
    values: dict[str, str] = {}
    keys = list(_KEY.finditer(text))
    for number, key in enumerate(keys):
        follows = keys[number + 1] if number + 1 < len(keys) else None
        end = follows.start() if follows else len(text)
        within = text[key.end() : end]
        if key[1] == "Details" and not (follows and follows[1] == "Context" and not within.strip(" ,")):
            values.setdefault("Details", text[key.end() :].strip())
            break
        if key[1] == "TrackingId":
            name = _WORD.search(within)
            if name:
                values.setdefault("name", name[1])
        values.setdefault(key[1], within.strip().rstrip(",").rstrip())
    return values


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[0] if match else ""
