"""The connector account of Entra Connect (the "MA account"): who it is, and how that is known."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from preflight.directory.model import PasswordPolicy, User, filetime_to_datetime
from preflight.directory.users.account_state import STATE_ATTRIBUTES

CONNECTOR_ATTRIBUTES = STATE_ATTRIBUTES | {
    "sAMAccountName",
    "userPrincipalName",
    "objectSid",
    "objectClass",
    "description",
    "primaryGroupID",
    "sIDHistory",
    "lastLogonTimestamp",
    "adminCount",
    "isCriticalSystemObject",
    "tokenGroups",
}

_COMPUTER = re.compile(r"running on computer '?([\w.-]+?)'?(?=\.?\s|\.?$)", re.IGNORECASE)
_TENANT = re.compile(r"synchronize to tenant '?([\w.-]+?)'?(?=\.?\s|\.?$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that may be the connector.

    Attributes:
        domain: where it lives.
        replicates: whether it holds Replicating Directory Changes on the domain's head; None: can't be told.
            Its absence excludes nothing (no password hash synchronisation).
    """

    user: User
    domain: str
    replicates: bool | None = None

    @property
    def computer(self) -> str:
        """The sync server that the description names; "" = none."""
        match = _COMPUTER.search(self.user.text("description") or "")
        return match[1] if match else ""

    @property
    def tenant(self) -> str:
        match = _TENANT.search(self.user.text("description") or "")
        return match[1] if match else ""

    @property
    def last_logon(self) -> datetime | None:
        """lastLogonTimestamp: up to two weeks behind."""
        return filetime_to_datetime(self.user.integer("lastLogonTimestamp") or 0)

    def __str__(self) -> str:
        facts = [
            {True: "enabled", False: "disabled", None: "enabled or not: unreadable"}[self.user.enabled],
            f"server {self.computer}" if self.computer else "",
            f"tenant {self.tenant}" if self.tenant else "",
            f"last logon {self.last_logon:%Y-%m-%d}" if self.last_logon else "",
            "may replicate the directory" if self.replicates else "",
        ]
        return f"{self.user.account_name} in {self.domain} ({', '.join(fact for fact in facts if fact)})"


@dataclass(frozen=True, slots=True)
class ConnectorSearch:
    """The search for the connector account of one domain.

    Attributes:
        configured: as the configuration names it; "" = to be discovered.
        candidates: who was found, most likely first. Exactly one: the account.
        searched: the domains that were looked at.
        forest_root: the forest root domain, where Connect makes the account by default; "" = not known.
        obstacles: domains, or parts of them, that could not be looked at, with the reason.
        policy: the domain policy where the account lives.
        protected_by: the path of groups that make it a protected account; None = not protected as far as known.
        protected_users: it is a member of Protected Users.
    """

    configured: str
    candidates: tuple[Candidate, ...]
    searched: tuple[str, ...]
    forest_root: str = ""
    obstacles: tuple[str, ...] = ()
    policy: PasswordPolicy | None = None
    protected_by: tuple[str, ...] | None = None
    in_protected_users: bool | None = None
    moment: datetime = field(default_factory=lambda: datetime.now().astimezone())

    @property
    def account(self) -> Candidate | None:
        """The connector account, where there is no doubt who it is: old accounts stay behind, so never a guess."""
        return self.candidates[0] if len(self.candidates) == 1 else None


def ranked(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    """Most likely first: enabled, may replicate, used most recently."""

    def likelihood(candidate: Candidate) -> tuple[bool, bool, float]:
        last = candidate.last_logon
        return bool(candidate.user.enabled), bool(candidate.replicates), last.timestamp() if last else 0.0

    return tuple(sorted(candidates, key=likelihood, reverse=True))
