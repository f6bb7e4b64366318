"""Every right on one user, with the entry that decides it."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.directory.access.decider import decide
from preflight.directory.access.rights import DECISION_CODES, Answer, Decision, Right
from preflight.directory.model import Domain, Token
from preflight.directory.users.judgement import Judgement, UserJudge, decided_by

CONNECTOR = "the connector account"
HIMSELF = "the user"


@dataclass(frozen=True, slots=True)
class RightLine:
    """One right on one user.

    Attributes:
        holder: whose right it is.
        where: the DN that it is decided on.
        decided_by: the entry and where it is explicit; "" where no entry decided.
    """

    right: Right
    holder: str
    where: str
    decision: Decision
    reason: str
    decided_by: str


def right_lines(judge: UserJudge, judgement: Judgement) -> tuple[RightLine, ...]:
    """The rights on the user himself (P1 to P3, P5), and Unexpire Password on the domain's head (P4)."""
    lines = []
    for right, decision in judgement.rights.items():
        cause = judge.right_cause(judgement, right)
        holder = HIMSELF if right is Right.CHANGE_PASSWORD else CONNECTOR
        lines.append(
            RightLine(right, holder, judgement.user.distinguished_name, decision, cause.detail, decided_by(cause))
        )
    return (*lines, _unexpire(judge.domain, judge.token))


def _unexpire(domain: Domain, token: Token) -> RightLine:
    decision = decide(
        domain.security_descriptor, token, Right.UNEXPIRE_PASSWORD, object_sid=domain.sid, object_class="domainDNS"
    )
    entry = f"{decision.ace.sddl} on {domain.distinguished_name}" if decision.ace is not None else ""
    return RightLine(
        Right.UNEXPIRE_PASSWORD,
        CONNECTOR,
        domain.distinguished_name,
        decision,
        DECISION_CODES[decision.code],
        entry if decision.answer is not Answer.UNKNOWN else f"hangs on {entry}" if entry else "",
    )
