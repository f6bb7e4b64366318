"""The product's word against the domain controller's, on a scene of random delegations.

Predicted by the product as `preflight run` and `preflight audit` do it: an ordinary reader's sign-in, the connector
account's token assembled from the directory, every user's descriptor. Then tried as the connector account, and as each
user himself, on the same controller.

More of it than the tests do: `PYTHONPATH=tests python -m lab.trial 100 120`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab.delegations import Scene, Subject, build
from lab.forest import (
    INET_ORG_PERSON_CLASS,
    LOCKOUT_TIME,
    PWD_LAST_SET,
    USER_ACCOUNT_RESTRICTIONS,
    USER_CLASS,
    Forest,
)
from lab.judge import Judge
from lab.mutants import MUTANTS
from lab.running import write

from preflight.audit import audit
from preflight.config import load
from preflight.directory.access.decider import RightsDecider
from preflight.directory.access.rights import CONTROL_ACCESS, Decision, Right
from preflight.directory.access.security_descriptor import ACCESS_ALLOWED_OBJECT, INHERIT_ONLY, INHERITED
from preflight.directory.live.ldap import BindLedger, Credentials, LiveDirectory, SignIn
from preflight.directory.model import PRINCIPAL_SELF, THIS_ORGANIZATION, DomainController, Token, User
from preflight.directory.users.blocked import Blocked
from preflight.directory.users.judgement import Judgement, UserJudge
from preflight.resources import Setting
from preflight.resources.people import JUDGED_RIGHTS, GroupMembers
from preflight.secret import Secret

CONNECTOR_RIGHTS = tuple(right for right in JUDGED_RIGHTS if right is not Right.CHANGE_PASSWORD)
NOT_JUDGED_HERE = frozenset({"unreadable", "conditional-ace", "owner-rights", "class-guid"})
"""Codes of the only unknowns that are in order: nobody can tell, or Samba and Windows differ."""

SAMBA_ALONE = "granted by Samba alone"
WRITTEN_THROUGH = {
    Right.WRITE_LOCKOUT_TIME: (LOCKOUT_TIME,),
    Right.WRITE_PWD_LAST_SET: (PWD_LAST_SET, USER_ACCOUNT_RESTRICTIONS),
}
CLASSES = {"user": USER_CLASS, "inetOrgPerson": INET_ORG_PERSON_CLASS}

WITH_TOKEN = 5
"""Users whose token is compared with the one of their own sign-in, beside the connector account's."""

EXPLAINED = 5
"""Disagreements that are explained at length."""

MIX = ("deny", "inherited", "property set", "nested group", "nothing")


@dataclass(frozen=True, slots=True)
class Case:
    """One right on one user: what was predicted, and what the controller said."""

    person: Subject
    user: User
    right: Right
    decision: Decision
    allowed: bool
    token: Token

    @property
    def agrees(self) -> bool:
        return self.decision.allowed is self.allowed and not self.decision.unknown

    @property
    def left_open(self) -> str:
        """Why the controller's answer proves nothing; "" if it does."""
        if self.decision.unknown:
            return self.decision.code if self.decision.code in NOT_JUDGED_HERE else ""
        return SAMBA_ALONE if self.decision.denied and self.allowed and self._granted_by_samba_alone() else ""

    def _granted_by_samba_alone(self) -> bool:
        """To Samba 4.17 an object ACE that allows CONTROL_ACCESS on an object type above or at the property, or on
        none, allows writing it. MS-ADTS 5.1.3.3.3 wants the bit for writing.
        """
        descriptor = self.user.security_descriptor
        types = {"None", *WRITTEN_THROUGH.get(self.right, ()), CLASSES.get(self.user.object_class, "None")}
        return self.right in WRITTEN_THROUGH and any(
            ace.type == ACCESS_ALLOWED_OBJECT
            and not ace.flags & INHERIT_ONLY
            and ace.mask & CONTROL_ACCESS
            and str(ace.object_type) in types
            and (ace.sid in self.token.sids or ace.sid == PRINCIPAL_SELF)
            for ace in ((descriptor and descriptor.dacl) or ())[: self.decision.index]
        )


@dataclass
class Trial:
    """
    Attributes:
        tokens: accounts whose token was assembled, each with the one of its own sign-in.
    """

    seed: int
    scene: Scene
    connector: str
    connector_sid: str
    token: Token
    cases: list[Case] = field(default_factory=list)
    tokens: dict[str, tuple[Token, Token]] = field(default_factory=dict)

    @property
    def disagreements(self) -> list[Case]:
        return [case for case in self.cases if not case.agrees and not case.left_open]

    @property
    def open(self) -> Counter[str]:
        return Counter(case.left_open for case in self.cases if case.left_open and not case.agrees)

    @property
    def token_differences(self) -> Mapping[str, tuple[set[str], set[str]]]:
        """By account: what only the assembled token holds, and what only its own sign-in's does.

        Not counted: This Organization, and groups of well-known principals outside Builtin. Windows puts both into
        every token, Samba 4.17 doesn't.
        """
        samba_leaves_out = {THIS_ORGANIZATION, self.scene.groups["of-all"], self.scene.groups["of-of-all"]}
        differences = {
            account: (set(assembled.sids - own.sids - samba_leaves_out), set(own.sids - assembled.sids))
            for account, (assembled, own) in self.tokens.items()
        }
        return {account: pair for account, pair in differences.items() if pair != (set(), set())}

    @property
    def mix(self) -> Mapping[str, float]:
        """Shares of the decisions, by how they came about; one may count more than once."""
        counts = Counter(kind for case in self.cases for kind in self._kinds(case))
        return {kind: counts[kind] / len(self.cases) for kind in (*MIX, "allowed")}

    def caught(self) -> Mapping[str, int]:
        """How many decisions each mutant gets wrong."""
        wrong: dict[str, int] = {}
        users = {case.user.distinguished_name: case.user for case in self.cases}
        for mutant in MUTANTS:
            decide = mutant.decider(self.token, self.connector_sid, CONNECTOR_RIGHTS)
            rights = {dn: decide(user) for dn, user in users.items()}
            wrong[mutant.name] = sum(
                not decision.unknown and decision.allowed is not case.allowed
                for case in self.cases
                if case.right in CONNECTOR_RIGHTS
                for decision in [rights[case.user.distinguished_name][case.right]]
            )
        return wrong

    def __str__(self) -> str:
        unknown = ", ".join(f"{count} {code}" for code, count in sorted(self.open.items()))
        mix = ", ".join(f"{kind} {share:.0%}" for kind, share in self.mix.items())
        return (
            f"seed {self.seed}: {len(self.cases)} decisions, {len(self.disagreements)} disagree, "
            f"{self.open.total()} open ({unknown or 'none'}); {mix}"
        )

    def explain(self, case: Case) -> str:
        """All that is needed to see who is right."""
        account = case.person.account if case.right is Right.CHANGE_PASSWORD else self.connector
        descriptor = case.user.security_descriptor
        aces = [f"    {index:3} {ace.sddl}" for index, ace in enumerate(descriptor.dacl or ())] if descriptor else []
        tokens = [f"  {token.source}: {sorted(token.sids)}" for token in self.tokens.get(account, ())]
        names = {sid: name for name, sid in self.scene.groups.items()}
        decided = f"{case.decision.index} {case.decision.ace.sddl}" if case.decision.ace else "no entry"
        lines = [
            f"{case.right} of {account} on {case.user.distinguished_name} ({case.user.object_class})",
            f"  predicted {case.decision.answer} ({case.decision.code}) by {decided}",
            f"  the controller {'allowed' if case.allowed else 'refused'} it",
            f"  object {case.user.sid()}, primary group {case.user.integer('primaryGroupID')}, "
            f"owner {descriptor.owner if descriptor else None}, "
            f"member of {sorted(self.scene.direct.get(account, ()))}",
            *tokens,
            f"  groups {names}",
            *aces,
        ]
        return "\n".join(lines)

    def _kinds(self, case: Case) -> Iterator[str]:
        decision = case.decision
        account = case.person.account if case.right is Right.CHANGE_PASSWORD else self.connector
        if decision.allowed:
            yield "allowed"
        if decision.unknown:
            return
        if decision.ace is None:
            yield "nothing"
            return
        if decision.denied:
            yield "deny"
        if decision.ace.flags & INHERITED:
            yield "inherited"
        if str(decision.ace.object_type) == USER_ACCOUNT_RESTRICTIONS:
            yield "property set"
        if self.scene.nested(account, decision.ace.sid):
            yield "nested group"


def try_out(forest: Forest, seed: int, people: int) -> Trial:
    """Build the scene of the seed, predict, then try. The forest must be one that nobody else uses."""
    scene = build(forest, seed, people)
    with signed_in(forest, "reader") as directory:
        [connector] = directory.find(forest.connector, ("objectSid",))
        predicted, token = _predict(forest, directory, scene)
        trial = Trial(seed, scene, forest.connector, connector.sid() or "", token)
        visible = [person.account for person in scene.people if predicted[person.dn][0].has("objectSid")]
        for account in [forest.connector, *visible[:WITH_TOKEN]]:
            [user] = directory.find(account, ("objectSid",))
            with signed_in(forest, account) as own:
                token_of_its_own = own.reader_token()
            assert token_of_its_own is not None
            trial.tokens[account] = directory.token(directory.principal(user)), token_of_its_own
        actual = dict(_attempts(forest, scene))
        for person in scene.people:
            user, rights = predicted[person.dn]
            trial.cases += [
                Case(person, user, right, rights[right], actual[person.dn, right], token) for right in JUDGED_RIGHTS
            ]
    return trial


def _predict(
    forest: Forest, directory: LiveDirectory, scene: Scene
) -> tuple[Mapping[str, tuple[User, Mapping[Right, Decision]]], Token]:
    """The rights by DN, and the connector account's token."""
    predicted: dict[str, tuple[User, Mapping[Right, Decision]]] = {}
    judges: list[UserJudge] = []

    def take(judgement: Judgement, judge: UserJudge) -> None:
        predicted[judgement.user.distinguished_name] = judgement.user, judgement.rights
        judges[:] = [judge]

    with tempfile.TemporaryDirectory() as folder:
        configuration = load(write(forest, Path(folder), search_bases=[scene.base_dn]))
    passwords = {domain.name: Secret(forest.password) for domain in configuration.domains}
    audit(Setting(configuration, (Blocked,), passwords, os.environ, sink=take))
    token = judges[0].token
    decide = RightsDecider(token, JUDGED_RIGHTS, is_member=GroupMembers(directory))
    for person in scene.people:
        if person.dn not in predicted:
            # An empty DACL hides from a search what the owner may still read.
            found = directory.read(person.dn, ("nTSecurityDescriptor", "objectSid", "objectClass", "primaryGroupID"))
            user = User(person.dn, found.raw if found is not None else {})
            predicted[person.dn] = user, decide(user)
    return predicted, token


def _attempts(forest: Forest, scene: Scene) -> Iterator[tuple[tuple[str, Right], bool]]:
    """Every right on every user, really used."""
    connector, password = forest.connector, forest.password
    with Judge(forest.dc) as judge:
        for person in scene.people:
            own = judge.change_own_password(person.account, person.dn, password, password + "a")
            yield (person.dn, Right.CHANGE_PASSWORD), own
            now = password + "a" if own else password
            yield (
                (person.dn, Right.CONNECTOR_CHANGE_PASSWORD),
                judge.change_password(connector, password, person.dn, now, password + "b"),
            )
            for right, what in (
                (Right.RESET_PASSWORD, "reset-password"),
                (Right.WRITE_LOCKOUT_TIME, "write-lockout-time"),
                (Right.WRITE_PWD_LAST_SET, "write-pwd-last-set"),
            ):
                yield (person.dn, right), judge.attempt(connector, password, what, person.dn)


@contextmanager
def signed_in(forest: Forest, account: str) -> Iterator[LiveDirectory]:
    """The product's own reading of the domain, as this account."""
    directory = LiveDirectory(
        forest.domain,
        [DomainController(forest.host, 636, "ldaps", "configured")],
        SignIn("simple", Credentials(f"{account}@{forest.domain}", Secret(forest.password))),
        ledger=BindLedger(),
        resolve=lambda _: [forest.address],
        ca_file=forest.ca_file,
    )
    try:
        yield directory
    finally:
        directory.close()


def main(seeds: Iterable[int], people: int) -> int:
    decisions, disagree, left_open = 0, 0, Counter[str]()
    for seed in seeds:
        with Forest.healthy() as forest:
            trial = try_out(forest, seed, people)
        print(trial)
        print("   caught:", ", ".join(f"{name} {count}" for name, count in trial.caught().items()))
        print("   tokens that differ:", dict(trial.token_differences) or "none")
        for case in trial.disagreements:
            decision = case.decision
            ace = decision.ace.sddl if decision.ace else ""
            print("  ", case.right, case.person.account, decision.answer, decision.code, ace, case.allowed)
        for case in trial.disagreements[:EXPLAINED]:
            print(trial.explain(case))
        decisions, disagree = decisions + len(trial.cases), disagree + len(trial.disagreements)
        left_open += trial.open
    print(f"{decisions} decisions, {disagree} disagree, {left_open.total()} open {dict(left_open)}")
    return disagree


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    first, last, *rest = map(int, sys.argv[1:])
    sys.exit(bool(main(range(first, last + 1), rest[0] if rest else 130)))
