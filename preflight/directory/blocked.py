"""For whom writeback fails, and why: counted by right, cause and container."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from preflight.directory.access import RightsDecider
from preflight.directory.anchors import CONSISTENCY_GUID
from preflight.directory.causes import Cause, explain_denied, explain_missing
from preflight.directory.distinguished_name import normalise, parent
from preflight.directory.judgement import REQUIRED_RIGHTS, ROW_ATTRIBUTES, Judgement, Outcome, outcome_of
from preflight.directory.model import Container, Domain, Token, User
from preflight.directory.protection import Protection
from preflight.directory.rights import DECISION_CODES, Answer, Decision, Right, Rights
from preflight.directory.scope import Standing
from preflight.directory.security_descriptor import MalformedDescriptor, SecurityDescriptor

MOST_EXAMPLES = 5
MOST_ROWS = 10_000

ORPHANED = "orphaned-admin-count"
STANDING_UNREADABLE = "standing-unreadable"
PROTECTION_UNREADABLE = "protection-unreadable"


@dataclass(slots=True)
class CauseGroup:
    """Users for whom one right has one cause.

    Attributes:
        answer: denied, or unknown.
        containers: how many users of the group stand directly in which container (DN).
        examples: DNs of at most MOST_EXAMPLES of them.
    """

    right: Right
    answer: Answer
    cause: Cause
    containers: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return self.containers.total()


@dataclass(slots=True)
class Tally:
    """One right over the users in scope."""

    allowed: int = 0
    denied: int = 0
    unknown: int = 0


class Blocked:
    """The fold behind `permissions.*`.

    Attributes:
        tallies: per right; users in scope that aren't protected.
        outcomes: all users seen, by outcome or standing.
        by_container: the same per container.
        rows: the first MOST_ROWS blocked users, as rows of the per-user table.
        orphans_allowed: users whose adminCount says protected, who aren't, and whose rights are there (DNs, a few).
    """

    attributes: frozenset[str] = ROW_ATTRIBUTES | {"nTSecurityDescriptor", "objectSid", "adminCount", "primaryGroupID"}

    def __init__(
        self,
        domain: Domain,
        token: Token,
        decide: RightsDecider,
        protection: Protection,
        containers: Mapping[str, Container],
        anchor_attribute: str | None = None,
    ) -> None:
        if anchor_attribute is not None:
            self.attributes = self.attributes | {anchor_attribute, CONSISTENCY_GUID}
        self.domain = domain
        self.token = token
        self.protection = protection
        self.tallies: dict[Right, Tally] = {right: Tally() for right in decide.rights}
        self.outcomes: Counter[str] = Counter()
        self.by_container: dict[str, Counter[str]] = {}
        self.rows: list[Mapping[str, object]] = []
        self.orphans_allowed: list[str] = []
        self.orphans = 0
        self._anchor_attribute = anchor_attribute
        self._decide = decide
        self._containers = containers
        self._groups: dict[tuple[Right, Answer, Cause], CauseGroup] = {}
        self._causes: dict[tuple[int, str, str, Right], tuple[Rights, Cause]] = {}

    def add(self, user: User, standing: Standing) -> None:
        place = parent(user.distinguished_name)
        counted = self.by_container.get(place)
        if counted is None:
            counted = self.by_container[place] = Counter()
        if standing is Standing.IN_SCOPE:
            outcome = self._judge(user, place)
        elif standing is Standing.UNKNOWN:
            outcome = Outcome.UNKNOWN.value
            self._note_standing(user, place)
        else:
            outcome = standing.value
        counted[outcome] += 1
        self.outcomes[outcome] += 1

    @property
    def in_scope(self) -> int:
        """Users whom writeback should serve: enabled, in scope, or not known to be otherwise."""
        return sum(self.outcomes[outcome.value] for outcome in Outcome)

    def causes(self, right: Right, answer: Answer = Answer.DENIED) -> Sequence[CauseGroup]:
        """The groups of users without the right (or for whom it is unknown), largest first."""
        groups = [group for group in self._groups.values() if group.right is right and group.answer is answer]
        return sorted(groups, key=lambda group: (-group.count, group.cause.container))

    def clear(self, right: Right) -> bool:
        """Whether the right is there for every user who counts, and there is at least one."""
        tally = self.tallies[right]
        return tally.allowed > 0 and not tally.denied and not tally.unknown

    def judge(self, user: User) -> Judgement:
        """One user in full, for a row of the table."""
        rights = self._decide(user)
        protected = self.protection.protects(user)
        outcome = outcome_of(rights, protected)
        right = _first_not_allowed(rights)
        if outcome is Outcome.UNSUPPORTED:
            path = self.protection.path(user) or ()
            cause = Cause("protected", "", _through(path), None)
        elif right is None:
            cause = Cause("ok", "", "", rights[Right.RESET_PASSWORD].ace)
        else:
            cause = self._cause(user, parent(user.distinguished_name), rights, right)
        return Judgement(
            forest=self.domain.forest,
            domain=self.domain.name,
            user=user,
            enabled=user.enabled,
            protected=protected,
            rights=rights,
            outcome=outcome,
            code=cause.code if outcome is not Outcome.OK else "",
            reason=cause.detail,
            decided_by=cause.ace.sddl if cause.ace is not None else "",
            anchor_attribute=self._anchor_attribute,
        )

    def _judge(self, user: User, place: str) -> str:
        rights = self._decide(user)
        protected = self.protection.protects(user)
        outcome = outcome_of(rights, protected)
        if outcome is Outcome.UNSUPPORTED:
            return outcome.value
        for right, decision in rights.items():
            tally = self.tallies[right]
            if decision.answer is Answer.ALLOWED:
                tally.allowed += 1
                continue
            if decision.answer is Answer.DENIED and protected is not None:
                tally.denied += 1
                answer = Answer.DENIED
            else:
                tally.unknown += 1
                answer = Answer.UNKNOWN
            self._note(right, answer, self._cause(user, place, rights, right, protected), user, place)
        if outcome is Outcome.OK:
            self._note_orphan(user, protected)
        elif outcome is Outcome.BLOCKED and len(self.rows) < MOST_ROWS:
            self.rows.append(self.judge(user).row())
        return outcome.value

    def _note(self, right: Right, answer: Answer, cause: Cause, user: User, place: str) -> None:
        key = (right, answer, cause)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = CauseGroup(right, answer, cause)
        group.containers[place] += 1
        if len(group.examples) < MOST_EXAMPLES:
            group.examples.append(user.distinguished_name)

    def _note_standing(self, user: User, place: str) -> None:
        cause = Cause(
            STANDING_UNREADABLE, "", "userAccountControl may not be read, so that enabled or not is unknown", None
        )
        for right, tally in self.tallies.items():
            tally.unknown += 1
            self._note(right, Answer.UNKNOWN, cause, user, place)

    def _note_orphan(self, user: User, protected: bool | None) -> None:
        if protected is False and user.integer("adminCount") == 1:
            self.orphans += 1
            if len(self.orphans_allowed) < MOST_EXAMPLES:
                self.orphans_allowed.append(user.distinguished_name)

    def _cause(self, user: User, place: str, rights: Rights, right: Right, protected: bool | None = False) -> Cause:
        """Remembered per distinct answer, container and class: users with one descriptor share their cause."""
        decision = rights[right]
        if protected is None and decision.answer is Answer.DENIED:
            return Cause(
                PROTECTION_UNREADABLE,
                "",
                f"whether the account is protected is unknown: {self.protection.obstacle}",
                None,
            )
        orphan = user.integer("adminCount") == 1
        key = (id(rights), place, f"{user.object_class}{orphan}", right)
        remembered = self._causes.get(key)
        if remembered is not None and remembered[0] is rights:
            return remembered[1]
        cause = self._find_cause(user, place, decision, right, orphan)
        if len(self._causes) > 100_000:
            self._causes.clear()
        self._causes[key] = (rights, cause)
        return cause

    def _find_cause(self, user: User, place: str, decision: Decision, right: Right, orphan: bool) -> Cause:
        if decision.answer is Answer.UNKNOWN:
            return Cause(decision.code, "", DECISION_CODES[decision.code], decision.ace)
        chain = self._chain(place)
        if decision.ace is not None:
            return explain_denied(decision.ace, user.object_class, chain)
        try:
            descriptor = user.security_descriptor
        except MalformedDescriptor:
            descriptor = None
        cause = explain_missing(descriptor, user.object_class, chain, self.token, right, object_sid=user.sid())
        if orphan and cause.code == "inheritance-off" and descriptor is not None and descriptor.protected:
            return Cause(
                ORPHANED,
                cause.container,
                "orphaned adminCount: the account is no longer protected, but inheritance is still off on it",
                None,
            )
        return cause

    def _chain(self, place: str) -> list[tuple[str, SecurityDescriptor | None]]:
        """The containers from the user's parent up to the domain's head, with their descriptors."""
        head = normalise(self.domain.distinguished_name)
        chain: list[tuple[str, SecurityDescriptor | None]] = []
        dn = place
        while dn:
            container = self._containers.get(normalise(dn))
            chain.append((dn, container.security_descriptor if container else None))
            if normalise(dn) == head:
                break
            dn = parent(dn)
        return chain


def _first_not_allowed(rights: Rights) -> Right | None:
    return next((right for right in REQUIRED_RIGHTS if rights[right].answer is not Answer.ALLOWED), None)


def _through(path: Sequence[str]) -> str:
    through = f"as a member of {' > '.join(path)}" if path else "by itself"
    return f"a protected account ({through}): AdminSDHolder governs its rights, and writeback doesn't support it"
