"""What writeback could do for one user: the rights, the outcome and the reason, as a table's row or a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from preflight.directory.anchors import anchor_text
from preflight.directory.model import User
from preflight.directory.rights import Answer, Decision, Right, Rights

REQUIRED_RIGHTS = (Right.RESET_PASSWORD, Right.WRITE_LOCKOUT_TIME, Right.WRITE_PWD_LAST_SET)
"""P1 to P3: without one of them, a reset fails."""


class Outcome(StrEnum):
    """What a reset by writeback would come to, as far as rights decide it."""

    OK = "ok"
    BLOCKED = "blocked"
    UNSUPPORTED = "unsupported"
    """A protected account: not supported by design."""
    UNKNOWN = "unknown"


def outcome_of(rights: Rights, protected: bool | None) -> Outcome:
    """The outcome for a user in scope. `protected` None: can't be told."""
    if protected:
        return Outcome.UNSUPPORTED
    answers = [rights[right].answer for right in REQUIRED_RIGHTS]
    if all(answer is Answer.ALLOWED for answer in answers):
        return Outcome.OK
    if protected is None or Answer.DENIED not in answers:
        return Outcome.UNKNOWN
    return Outcome.BLOCKED


@dataclass(frozen=True, slots=True)
class Judgement:
    """A user with everything that a row of the per-user table says."""

    forest: str
    domain: str
    user: User
    enabled: bool | None
    protected: bool | None
    rights: Rights
    outcome: Outcome
    code: str
    reason: str
    decided_by: str
    anchor_attribute: str | None

    def row(self) -> dict[str, object]:
        """The columns of the per-user table, in order."""
        user = self.user
        return {
            "forest": self.forest,
            "domain": self.domain,
            "dn": user.distinguished_name,
            "sam_account_name": user.account_name,
            "user_principal_name": user.text("userPrincipalName") or "",
            "object_guid": str(user.guid("objectGUID") or ""),
            "source_anchor": anchor_text(user, self.anchor_attribute),
            "object_class": user.object_class,
            "enabled": self.enabled,
            "protected": self.protected,
            **{right.value: self.rights[right].answer.value for right in REQUIRED_RIGHTS},
            "change_password": _answer(self.rights.get(Right.CHANGE_PASSWORD)),
            "outcome": self.outcome.value,
            "code": self.code,
            "reason": self.reason,
            "decided_by": self.decided_by,
        }


ROW_ATTRIBUTES = frozenset(
    {"sAMAccountName", "userPrincipalName", "objectGUID", "objectClass", "userAccountControl", "mS-DS-ConsistencyGuid"}
)


def _answer(decision: Decision | None) -> str:
    return "unknown" if decision is None else decision.answer.value
