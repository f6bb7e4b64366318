"""What a plan of repairs is made from: users that hold the same entries in the same place, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from preflight.directory.access.check import Standing as TokenStanding
from preflight.directory.access.check import View, object_sid_standing, standing
from preflight.directory.access.rights import DEFAULT_SCHEMA, Rights
from preflight.directory.access.security_descriptor import Ace, SecurityDescriptor
from preflight.directory.model import Container, User
from preflight.directory.users.judgement import JUDGE_ATTRIBUTES, REQUIRED_RIGHTS, Judgement, Outcome, UserJudge
from preflight.directory.users.scope import Scope, Standing

MOST_NAMED = 10_000
"""Users whose names are kept because something is to be mended on themselves."""

MOST_EXAMPLES = 5

_MOST_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Account:
    """The connector account, as commands name it.

    Attributes:
        name: DOMAIN\\name or name@domain; "" = not known.
        sid: its objectSid.
    """

    name: str
    sid: str
    distinguished_name: str


@dataclass(slots=True)
class Listed:
    """Users of whom only the number and a few DNs are kept."""

    reason: str = ""
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def note(self, distinguished_name: str) -> None:
        self.count += 1
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(distinguished_name)


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything about a user that decides what would mend him.

    Attributes:
        container: the DN that he stands directly in.
        owner: whether the object's owner is in the connector account's token.
        itself: whether the user himself is, with the code for a doubt.
        blocked: a right is surely missing.
        inheritance_off: on the user himself.
        orphaned: inheritance is off, and adminCount is 1 although he is not protected.
        entries: those of his DACL that count for the connector account and the rights that a reset needs, in order.
        not_alone: trustees of denying entries on the user himself who have other entries there too.
    """

    container: str
    object_class: str
    owner: TokenStanding
    itself: tuple[TokenStanding, str]
    blocked: bool
    inheritance_off: bool
    orphaned: bool
    entries: tuple[Ace, ...]
    not_alone: frozenset[str]

    def stands_on_the_user(self, ace: Ace) -> bool:
        """Whether the entry stays whatever the containers hand down."""
        return self.inheritance_off or not ace.inherited


class Repairs:
    """The fold behind `preflight fix-plan`. It grows with distinct situations, not with users.

    Args:
        judge: of the domain's users.
        containers: by normalised DN.
        account: whom rights are granted to.

    Attributes:
        situations: users in scope, by what decides about them: those who are ok too, for a repair may harm them.
        names: DNs of users on whom something themselves is to be mended, at most MOST_NAMED in all.
        examples: a few DNs of each situation.
        outcomes: how many users in scope have which outcome.
        protected: accounts that writeback doesn't support.
        untold: users of whom it isn't known what they lack, by the code of the cause.
    """

    attributes: frozenset[str] = JUDGE_ATTRIBUTES

    def __init__(self, judge: UserJudge, containers: Mapping[str, Container], account: Account, scope: Scope) -> None:
        self.judge = judge
        self.containers = containers
        self.account = account
        self.scope = scope
        self.situations: dict[Situation, int] = {}
        self.names: dict[Situation, dict[str, None]] = {}
        self.examples: dict[Situation, list[str]] = {}
        self.outcomes: dict[Outcome, int] = dict.fromkeys(Outcome, 0)
        self.protected = Listed()
        self.untold: dict[str, Listed] = {}
        self._named = 0
        self._remembered: dict[tuple[int, str, str, bool], tuple[Rights, Situation]] = {}

    def add(self, user: User, standing: Standing) -> None:
        if standing not in (Standing.IN_SCOPE, Standing.UNKNOWN):
            return
        judgement = self.judge(user)
        self.outcomes[judgement.outcome] += 1
        if judgement.outcome is Outcome.UNSUPPORTED:
            self.protected.note(user.distinguished_name)
        elif judgement.outcome is Outcome.UNKNOWN:
            cause = self.judge.deciding_cause(judgement)
            self.untold.setdefault(cause.code, Listed(cause.detail)).note(user.distinguished_name)
        else:
            self._count(judgement)

    def _count(self, judgement: Judgement) -> None:
        user = judgement.user
        admin_count = user.integer("adminCount") == 1
        key = (id(judgement.rights), judgement.container, user.object_class, admin_count)
        remembered = self._remembered.get(key)
        if remembered is None:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            # with the rights, so that their id stays theirs
            remembered = self._remembered[key] = (judgement.rights, self._situation(judgement, admin_count))
        situation = remembered[1]
        self.situations[situation] = self.situations.get(situation, 0) + 1
        examples = self.examples.setdefault(situation, [])
        if len(examples) < MOST_EXAMPLES:
            examples.append(user.distinguished_name)
        if situation.blocked and _may_need_mending(situation) and self._named < MOST_NAMED:
            self._named += 1
            self.names.setdefault(situation, {})[user.distinguished_name] = None

    def _situation(self, judgement: Judgement, admin_count: bool) -> Situation:
        user = judgement.user
        descriptor = user.security_descriptor
        if descriptor is None or descriptor.dacl is None:
            raise ValueError(f"{user.distinguished_name} was judged without its descriptor")
        token = self.judge.token
        owner = standing(token, descriptor.owner)
        itself = object_sid_standing(token, user.sid())
        view = View(token, REQUIRED_RIGHTS, DEFAULT_SCHEMA, owner, itself, user.object_class)
        entries = tuple(ace for ace in descriptor.dacl if _counts(view, ace))
        return Situation(
            container=judgement.container,
            object_class=user.object_class,
            owner=owner,
            itself=itself,
            blocked=judgement.outcome is Outcome.BLOCKED,
            inheritance_off=descriptor.protected,
            orphaned=descriptor.protected and admin_count,
            entries=entries,
            not_alone=_not_alone(descriptor, entries),
        )


def _may_need_mending(situation: Situation) -> bool:
    """On the user himself."""
    return situation.inheritance_off or any(ace.deny and situation.stands_on_the_user(ace) for ace in situation.entries)


def _counts(view: View, ace: Ace) -> bool:
    effect = view.effect(ace)
    return effect is not None and bool(effect.sure or effect.doubtful)


def _not_alone(descriptor: SecurityDescriptor, entries: tuple[Ace, ...]) -> frozenset[str]:
    own = [ace for ace in descriptor.dacl or () if descriptor.protected or not ace.inherited]
    denying = [ace for ace in entries if ace.deny]
    return frozenset(
        denial.sid for denial in denying if any(ace.sid == denial.sid and ace not in denying for ace in own)
    )
