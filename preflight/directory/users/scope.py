"""Whom writeback is for: which users a verdict counts (domain.md section 3, "Scope")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from preflight.directory import distinguished_name
from preflight.directory.model import User

NEVER_SYNCHRONISED_RECIPIENTS = 0x21C07000
"""Bits of msExchRecipientTypeDetails: system mailboxes and the like (CFG)."""

SCOPE_ATTRIBUTES = frozenset(
    {
        "sAMAccountName",
        "userAccountControl",
        "isCriticalSystemObject",
        "mailNickname",
        "msExchRecipientTypeDetails",
    }
)


class Standing(StrEnum):
    """Whether a user counts."""

    IN_SCOPE = "in_scope"
    DISABLED = "disabled"
    OUT_OF_SCOPE = "out_of_scope"
    EXCLUDED = "excluded"
    UNKNOWN = "unknown"
    """Enabled or not could not be read."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The users that the configuration names.

    Attributes:
        search_bases: DNs; empty = the whole domain.
        exclude: DNs of subtrees that are left out.
    """

    search_bases: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def standing(self, user: User) -> Standing:
        """Whether the user counts. What is left out by name is left out even where little can be read."""
        if self.exclude and self.excludes(user.distinguished_name):
            return Standing.EXCLUDED
        if never_synchronised(user):
            return Standing.OUT_OF_SCOPE
        enabled = user.enabled
        if enabled is None:
            return Standing.UNKNOWN
        return Standing.IN_SCOPE if enabled else Standing.DISABLED

    def covers(self, dn: str) -> bool:
        """Whether users below this container are in scope."""
        included = not self.search_bases or any(distinguished_name.is_under(dn, base) for base in self.search_bases)
        return included and not self.excludes(dn)

    def excludes(self, dn: str) -> bool:
        return any(distinguished_name.is_under(dn, base) for base in self.exclude)


_SYSTEM_NICKNAME = re.compile(r"SystemMailbox\{|CAS_\{", re.IGNORECASE)
_SYSTEM_ACCOUNT = re.compile(rb"(MSOL_|AAD_)|CAS_.*\}$|SUPPORT_388945a0$", re.IGNORECASE)


def never_synchronised(user: User) -> str:
    """Why Entra Connect never synchronises the account, so that writeback never touches it; "" if it does."""
    raw = user.raw
    critical = raw.get("isCriticalSystemObject")
    if critical and critical[0].upper() == b"TRUE":
        return "a critical system object"
    name = raw.get("sAMAccountName")
    if name and _SYSTEM_ACCOUNT.match(name[0]):
        return "a service account of Microsoft's own by its name"
    if "mailNickname" in raw and _SYSTEM_NICKNAME.match(user.text("mailNickname") or ""):
        return "a system mailbox"
    recipient = user.integer("msExchRecipientTypeDetails") if "msExchRecipientTypeDetails" in raw else None
    if recipient is not None and recipient & NEVER_SYNCHRONISED_RECIPIENTS:
        return "a kind of mailbox that isn't synchronised"
    if "ACNF:" in user.distinguished_name and re.search(r"(\\0A|\n)CNF:", user.distinguished_name, re.IGNORECASE):
        return "a conflict object"
    return ""
