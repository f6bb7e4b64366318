"""What writeback could do for one user: the rights, the outcome and the reason.

There is one judge. A fold counts its judgements, the per-user table writes them as rows, `preflight user` shows one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from preflight.directory.access.causes import Cause, explain_denied, explain_missing, origin_of
from preflight.directory.access.decider import DECIDER_ATTRIBUTES, RightsDecider
from preflight.directory.access.rights import DECISION_CODES, Answer, Decision, Right, Rights
from preflight.directory.access.security_descriptor import MalformedDescriptor, SecurityDescriptor
from preflight.directory.distinguished_name import normalise, parent
from preflight.directory.model import Container, Domain, User
from preflight.directory.users.anchors import CONSISTENCY_GUID, anchor_text
from preflight.directory.users.protection import Protection

REQUIRED_RIGHTS = (Right.RESET_PASSWORD, Right.WRITE_LOCKOUT_TIME, Right.WRITE_PWD_LAST_SET)
"""P1 to P3: without one of them, a reset fails."""

ORPHANED = "orphaned-admin-count"
PROTECTED = "protected"
STANDING_UNREADABLE = "standing-unreadable"
PROTECTION_UNREADABLE = "protection-unreadable"

JUDGE_ATTRIBUTES = DECIDER_ATTRIBUTES | {"userAccountControl", "adminCount"}
"""What a judgement looks at."""

ROW_ATTRIBUTES = frozenset(
    {"sAMAccountName", "userPrincipalName", "objectGUID", "userAccountControl", CONSISTENCY_GUID}
)
"""What a row shows beside it."""

_MOST_REMEMBERED = 20_000


class Outcome(StrEnum):
    """What a reset by writeback would come to, as far as rights decide it."""

    OK = "ok"
    BLOCKED = "blocked"
    UNSUPPORTED = "unsupported"
    """A protected account: not supported by design."""
    UNKNOWN = "unknown"


def outcome_of(rights: Rights, protected: bool | None) -> Outcome:
    """The outcome of rights. `protected` None: can't be told."""
    if protected:
        return Outcome.UNSUPPORTED
    answers = [rights[right].answer for right in REQUIRED_RIGHTS]
    if all(answer is Answer.ALLOWED for answer in answers):
        return Outcome.OK
    if protected is None or Answer.DENIED not in answers:
        return Outcome.UNKNOWN
    return Outcome.BLOCKED


class Judgement(NamedTuple):
    """A user, judged.

    Attributes:
        container: the DN that the user stands directly in.
        enabled: None: may not be read, and so the outcome is unknown.
        protected: None: can't be told.
        rights: the connector account's on the user, and the user's own to change his password.
    """

    user: User
    container: str
    enabled: bool | None
    protected: bool | None
    rights: Rights
    outcome: Outcome

    @property
    def deciding_right(self) -> Right | None:
        """The first right that makes the outcome what it is: of a blocked user the first that is denied, whatever
        couldn't be told of those before it. None where all are there."""
        lacking = [right for right in REQUIRED_RIGHTS if self.rights[right].answer is not Answer.ALLOWED]
        if self.outcome is Outcome.BLOCKED:
            lacking = [right for right in lacking if self.rights[right].answer is Answer.DENIED]
        return next(iter(lacking), None)


class UserJudge:
    """Judges the users of one domain. Not to be shared by threads.

    Args:
        decide: the connector account's rights.
        containers: by normalised DN, for where entries come from.
        anchor_attribute: the configured source anchor; None: guessed.
    """

    def __init__(
        self,
        domain: Domain,
        decide: RightsDecider,
        protection: Protection,
        containers: Mapping[str, Container],
        anchor_attribute: str | None = None,
    ) -> None:
        self.domain = domain
        self.token = decide.token
        self.rights = decide.rights
        self.protection = protection
        self.attributes = JUDGE_ATTRIBUTES | ROW_ATTRIBUTES | ({anchor_attribute} if anchor_attribute else set())
        self._decide = decide
        self._containers = containers
        self._anchor_attribute = anchor_attribute
        # By the rights' id, and with the rights, so that their id stays theirs: users with one descriptor share them.
        self._causes: dict[tuple[int, str, str, Right], tuple[Rights, Cause]] = {}
        self._outcomes: dict[int, tuple[Rights, Outcome]] = {}
        self._decided_by: dict[int, tuple[Cause, str]] = {}
        self._chains: dict[str, Sequence[tuple[str, SecurityDescriptor | None]]] = {}

    def __call__(self, user: User) -> Judgement:
        rights = self._decide(user)
        container = parent(user.distinguished_name)
        protected = self.protection.protects(user, container)
        enabled = user.enabled
        if enabled is None:
            outcome = Outcome.UNKNOWN
        elif protected is False and (remembered := self._outcomes.get(id(rights))) is not None:
            outcome = remembered[1]
        else:
            outcome = self._outcome(rights, protected)
        return Judgement(user, container, enabled, protected, rights, outcome)

    def cause(self, judgement: Judgement, right: Right) -> Cause:
        """Why the right counts as there, as missing, or as not to be told.

        Beside what decides the right itself (`right_cause`), a user of whom too little could be read counts as unknown.
        """
        decision = judgement.rights[right]
        if judgement.enabled is None:
            return Cause(STANDING_UNREADABLE, "", "userAccountControl may not be read: enabled or not is unknown.")
        if judgement.protected is None and decision.answer is Answer.DENIED:
            obstacle = self.protection.doubt
            return Cause(PROTECTION_UNREADABLE, "", f"Whether the account is protected is unknown: {obstacle}.")
        return self.right_cause(judgement, right)

    def right_cause(self, judgement: Judgement, right: Right) -> Cause:
        """Why the user's descriptor gives the right, or doesn't, or can't be judged.

        Remembered per distinct answer, container and class: users with one descriptor share their cause.
        """
        decision = judgement.rights[right]
        orphan = "orphan" if judgement.user.integer("adminCount") == 1 else ""
        key = (id(judgement.rights), judgement.container, judgement.user.object_class + orphan, right)
        remembered = self._causes.get(key)
        if remembered is not None:
            return remembered[1]
        cause = self._find_cause(judgement, decision, right)
        if len(self._causes) >= _MOST_REMEMBERED:
            self._causes.clear()
        self._causes[key] = (judgement.rights, cause)
        return cause

    def deciding_cause(self, judgement: Judgement) -> Cause:
        """Why the outcome is what it is."""
        if judgement.protected and judgement.enabled is not None:
            path = self.protection.path(judgement.user) or ()
            through = f"as a member of {' > '.join(path)}" if path else "by itself"
            holder = f"CN=AdminSDHolder,CN=System,{self.domain.distinguished_name}"
            return Cause(
                PROTECTED,
                holder,
                f"A protected account, {through}: its rights come from {holder}, and writeback does not support it.",
            )
        return self.cause(judgement, judgement.deciding_right or Right.RESET_PASSWORD)

    def row(self, judgement: Judgement) -> dict[str, object]:
        """The columns of the per-user table, in order."""
        user, rights = judgement.user, judgement.rights
        cause = self.deciding_cause(judgement)
        good = judgement.outcome is Outcome.OK
        change = rights.get(Right.CHANGE_PASSWORD)
        return {
            "forest": self.domain.forest,
            "domain": self.domain.name,
            "dn": user.distinguished_name,
            "sam_account_name": user.account_name,
            "user_principal_name": user.text("userPrincipalName") or "",
            "object_guid": user.guid_text("objectGUID"),
            "source_anchor": anchor_text(user, self._anchor_attribute),
            "object_class": user.object_class,
            "enabled": judgement.enabled,
            "protected": judgement.protected,
            "reset_password": rights[Right.RESET_PASSWORD].answer.value,
            "write_lockout_time": rights[Right.WRITE_LOCKOUT_TIME].answer.value,
            "write_pwd_last_set": rights[Right.WRITE_PWD_LAST_SET].answer.value,
            "change_password": change.answer.value if change is not None else Answer.UNKNOWN.value,
            "outcome": judgement.outcome.value,
            "code": "" if good else cause.code,
            "reason": "" if good else cause.detail,
            "decided_by": self._what_decided(cause),
        }

    def _what_decided(self, cause: Cause) -> str:
        """As `decided_by`; remembered by the cause's id, and with the cause, as causes are shared."""
        remembered = self._decided_by.get(id(cause))
        if remembered is None:
            if len(self._decided_by) >= _MOST_REMEMBERED:
                self._decided_by.clear()
            remembered = self._decided_by[id(cause)] = cause, decided_by(cause)
        return remembered[1]

    def _outcome(self, rights: Rights, protected: bool | None) -> Outcome:
        outcome = outcome_of(rights, protected)
        if protected is False:
            if len(self._outcomes) >= _MOST_REMEMBERED:
                self._outcomes.clear()
            self._outcomes[id(rights)] = (rights, outcome)
        return outcome

    def _find_cause(self, judgement: Judgement, decision: Decision, right: Right) -> Cause:
        object_class = judgement.user.object_class
        chain = self._chain(judgement.container)
        if decision.answer is Answer.UNKNOWN:
            detail = f"It can't be told: {DECISION_CODES[decision.code]}."
            return Cause(decision.code, "", detail, decision.ace, _origin(decision, object_class, chain))
        if decision.answer is Answer.ALLOWED:
            origin = _origin(decision, object_class, chain)
            return Cause(decision.code, origin or "", DECISION_CODES[decision.code], decision.ace, origin)
        if decision.ace is not None:
            return explain_denied(decision.ace, object_class, chain)
        return self._missing(judgement, right, chain)

    def _missing(
        self, judgement: Judgement, right: Right, chain: Sequence[tuple[str, SecurityDescriptor | None]]
    ) -> Cause:
        user = judgement.user
        try:
            descriptor = user.security_descriptor
        except MalformedDescriptor:
            descriptor = None
        cause = explain_missing(descriptor, user.object_class, chain, self.token, right, object_sid=user.sid())
        if cause.code == "inheritance-off" and not cause.container and user.integer("adminCount") == 1:
            return Cause(
                ORPHANED,
                "",
                "Orphaned adminCount: no longer a protected account, but inheritance is still off on it.",
                cause.ace,
                cause.origin,
            )
        return cause

    def _chain(self, container: str) -> Sequence[tuple[str, SecurityDescriptor | None]]:
        """The containers from this one up to the domain's head, with their descriptors."""
        chain = self._chains.get(container)
        if chain is None:
            found: list[tuple[str, SecurityDescriptor | None]] = []
            head, name = normalise(self.domain.distinguished_name), container
            while name:
                known = self._containers.get(normalise(name))
                found.append((name, known.security_descriptor if known is not None else None))
                name = "" if normalise(name) == head else parent(name)
            chain = self._chains[container] = found
        return chain


def decided_by(cause: Cause) -> str:
    """The entry that decided, and where it is explicit."""
    if cause.ace is None:
        return cause.container
    if cause.origin is None:
        return f"{cause.ace.sddl}, inherited"
    return f"{cause.ace.sddl} on {cause.origin or 'the user itself'}"


def _origin(
    decision: Decision, object_class: str, chain: Sequence[tuple[str, SecurityDescriptor | None]]
) -> str | None:
    return origin_of(decision.ace, object_class, chain) if decision.ace is not None else None
