"""For whom writeback fails, and why: counted by right, cause and container."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from preflight.directory.access.causes import Cause
from preflight.directory.access.rights import Answer, Right, Rights
from preflight.directory.model import User
from preflight.directory.users.judgement import JUDGE_ATTRIBUTES, ROW_ATTRIBUTES, Judgement, Outcome, UserJudge
from preflight.directory.users.scope import Standing

MOST_EXAMPLES = 5
MOST_ROWS = 10_000
MOST_CAUSES = 1_000
"""Groups told apart; of users with further causes (entries of their own, say) only the code is kept."""

_MOST_REMEMBERED = 20_000

# Looking up a member costs as much as what is done with it, once for every user.
_OK = Outcome.OK
_OUT_OF_SCOPE, _EXCLUDED, _DISABLED = Standing.OUT_OF_SCOPE, Standing.EXCLUDED, Standing.DISABLED

_FURTHER = "There are too many different causes to tell them all apart here; the per-user table has each one."


@dataclass(slots=True)
class CauseGroup:
    """Users for whom one right has one cause.

    Attributes:
        answer: denied, or unknown.
        containers: how many users of the group stand directly in which container (DN).
        examples: DNs of at most MOST_EXAMPLES of them.
        classes: how many are of which class.
    """

    right: Right
    answer: Answer
    cause: Cause
    containers: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    classes: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        return self.containers.total()


@dataclass(slots=True)
class Trouble:
    """The users directly in one container who are blocked, or could not be judged.

    Attributes:
        causes: how many are blocked by what, by finding code.
        examples: at most MOST_EXAMPLES of each outcome: DN, outcome and finding code.
    """

    causes: Counter[str] = field(default_factory=Counter)
    examples: list[Mapping[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """One right over the users in scope."""

    allowed: int = 0
    denied: int = 0
    unknown: int = 0


@dataclass(slots=True)
class _Effect:
    """What it means for the counts that one more user is like this.

    Attributes:
        code: of the cause that decides the outcome.
        allowed, denied, unknown: the tallies of rights that are there, are not, or can't be told.
        groups: those that the user belongs to.
    """

    rights: Rights
    object_class: str
    code: str
    allowed: list[Tally] = field(default_factory=list)
    denied: list[Tally] = field(default_factory=list)
    unknown: list[Tally] = field(default_factory=list)
    groups: list[CauseGroup] = field(default_factory=list)


class Blocked:
    """The fold behind `permissions.*` and the per-user table.

    Args:
        judge: of the domain's users.
        sink: is given every judgement on a user that the table has a row for, as it is made.
        most_rows: how many rows of blocked users are kept.

    Attributes:
        outcomes: all users seen, by outcome or standing.
        by_container: the same per container.
        troubles: per container that has any.
        rows: the first `most_rows` blocked users, as rows of the per-user table.
        orphans: users whose adminCount says protected, who aren't, and whose rights are there.
        orphan_examples: a few of their DNs.
    """

    attributes: frozenset[str] = JUDGE_ATTRIBUTES | ROW_ATTRIBUTES

    def __init__(
        self,
        judge: UserJudge,
        sink: Callable[[Judgement, UserJudge], None] | None = None,
        most_rows: int = MOST_ROWS,
    ) -> None:
        self.attributes = judge.attributes
        self.judge = judge
        self.outcomes: Counter[str] = Counter()
        self.by_container: dict[str, Counter[str]] = {}
        self.troubles: dict[str, Trouble] = {}
        self.rows: list[Mapping[str, object]] = []
        self.orphans = 0
        self.orphan_examples: list[str] = []
        self._sink = sink
        self._most_rows = most_rows
        self._tallies: dict[Right, Tally] = {right: Tally() for right in judge.rights}
        # Most users hold every right, and share these objects: they are counted once, not right by right.
        self._all_allowed: dict[int, Rights] = {}
        self._with_all = 0
        self._groups: dict[tuple[Right, Answer, Cause], CauseGroup] = {}
        # By all that it hangs on; rights by their id, and with the rights, so that their id stays theirs.
        self._effects: dict[tuple[object, ...], _Effect] = {}

    def add(self, user: User, standing: Standing) -> None:
        if standing is _OUT_OF_SCOPE or standing is _EXCLUDED:
            self.outcomes[standing.value] += 1
            return
        judgement = self.judge(user)
        if standing is _DISABLED:
            counted = standing.value
        else:
            counted = judgement.outcome.value
            self._count(judgement)
        self.outcomes[counted] += 1
        container = self.by_container.get(judgement.container)
        if container is None:
            container = self.by_container[judgement.container] = Counter()
        container[counted] += 1
        if self._sink is not None:
            self._sink(judgement, self.judge)

    @property
    def tallies(self) -> Mapping[Right, Tally]:
        """Per right: users in scope that aren't protected."""
        return {
            right: Tally(tally.allowed + self._with_all, tally.denied, tally.unknown)
            for right, tally in self._tallies.items()
        }

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

    def _count(self, judgement: Judgement) -> None:
        if judgement.outcome is Outcome.UNSUPPORTED:
            return
        if judgement.outcome is _OK and self._holds_all(judgement.rights):
            self._with_all += 1
            self._note_orphan(judgement)
            return
        user, container = judgement.user, judgement.container
        classes, orphan = user.raw.get("objectClass"), user.raw.get("adminCount")
        alike = (
            *(id(judgement.rights), container, judgement.enabled, judgement.protected),
            *(classes[-1] if classes else b"", orphan[0] if orphan else b""),
        )
        effect = self._effects.get(alike)
        if effect is None:
            if len(self._effects) >= _MOST_REMEMBERED:
                self._effects.clear()
            effect = self._effects[alike] = self._effect_of(judgement)
        for tally in effect.allowed:
            tally.allowed += 1
        for tally in effect.denied:
            tally.denied += 1
        for tally in effect.unknown:
            tally.unknown += 1
        for group in effect.groups:
            group.containers[container] += 1
            group.classes[effect.object_class] += 1
            if len(group.examples) < MOST_EXAMPLES:
                group.examples.append(user.distinguished_name)
        if judgement.outcome is Outcome.OK:
            self._note_orphan(judgement)
            return
        self._note_trouble(judgement, effect.code)
        if judgement.outcome is Outcome.BLOCKED and len(self.rows) < self._most_rows:
            self.rows.append(self.judge.row(judgement))

    def _holds_all(self, rights: Rights) -> bool:
        if id(rights) in self._all_allowed:
            return True
        if any(decision.answer is not Answer.ALLOWED for decision in rights.values()):
            return False
        if len(self._all_allowed) >= _MOST_REMEMBERED:
            self._all_allowed.clear()
        self._all_allowed[id(rights)] = rights
        return True

    def _effect_of(self, judgement: Judgement) -> _Effect:
        effect = _Effect(judgement.rights, judgement.user.object_class, self.judge.deciding_cause(judgement).code)
        for right, decision in judgement.rights.items():
            tally = self._tallies[right]
            if judgement.enabled is not None and decision.answer is Answer.ALLOWED:
                effect.allowed.append(tally)
            elif judgement.enabled is not None and decision.answer is Answer.DENIED and judgement.protected is not None:
                effect.denied.append(tally)
                if not _denied_to_the_user_too(right, judgement):
                    effect.groups.append(self._group_of(right, Answer.DENIED, judgement))
            else:
                effect.unknown.append(tally)
                effect.groups.append(self._group_of(right, Answer.UNKNOWN, judgement))
        return effect

    def _group_of(self, right: Right, answer: Answer, judgement: Judgement) -> CauseGroup:
        cause = self.judge.cause(judgement, right)
        group = self._groups.get((right, answer, cause))
        if group is None and len(self._groups) >= MOST_CAUSES:
            cause = Cause(cause.code, "", _FURTHER)
            group = self._groups.get((right, answer, cause))
        if group is None:
            group = self._groups[right, answer, cause] = CauseGroup(right, answer, cause)
        return group

    def _note_trouble(self, judgement: Judgement, code: str) -> None:
        trouble = self.troubles.get(judgement.container)
        if trouble is None:
            trouble = self.troubles[judgement.container] = Trouble()
        outcome = judgement.outcome
        if outcome is Outcome.BLOCKED:
            trouble.causes[code] += 1
        if [example["outcome"] for example in trouble.examples].count(outcome) < MOST_EXAMPLES:
            dn = judgement.user.distinguished_name
            trouble.examples.append({"dn": dn, "outcome": outcome.value, "code": code})

    def _note_orphan(self, judgement: Judgement) -> None:
        if judgement.protected is False and judgement.user.integer("adminCount") == 1:
            self.orphans += 1
            if len(self.orphan_examples) < MOST_EXAMPLES:
                self.orphan_examples.append(judgement.user.distinguished_name)


def _denied_to_the_user_too(right: Right, judgement: Judgement) -> bool:
    """Whether the connector account can't change the password of a user who can't either: that has one cause."""
    own = judgement.rights.get(Right.CHANGE_PASSWORD)
    return right is Right.CONNECTOR_CHANGE_PASSWORD and own is not None and own.answer is Answer.DENIED
