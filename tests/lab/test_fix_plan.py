"""A plan, applied to a real domain controller, makes everybody ok; without any one of its steps somebody isn't.

Steps are applied as structured data (grants as entries, inheritance by the bit of the descriptor), not by reading
commands; that the printed commands say the same is tested beside the outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest
from lab.forest import (
    INET_ORG_PERSON_CLASS,
    LOCKOUT_TIME,
    PWD_LAST_SET,
    RESET_PASSWORD,
    UNEXPIRE_PASSWORD,
    USER_CLASS,
    Forest,
)
from lab.judge import RESET_PASSWORD as RESET
from lab.judge import WRITE_LOCKOUT_TIME, WRITE_PWD_LAST_SET, Judge
from lab.running import write

from preflight.audit import audit
from preflight.audit_report import DomainAudit
from preflight.cli.planning import plan_domains
from preflight.config import load, read_password
from preflight.directory.access.rights import Right
from preflight.directory.mending.fix_plan import Plan, Step
from preflight.directory.mending.forecast import Kind
from preflight.directory.mending.repairs import Repairs
from preflight.directory.users.blocked import Blocked
from preflight.directory.users.judgement import Outcome
from preflight.resources import Setting

CONNECTOR = "MSOL_0123abcd"
ME = f"<{CONNECTOR}>"
ACCESS = {RESET_PASSWORD: "CR", LOCKOUT_TIME: "WP", PWD_LAST_SET: "WP"}
BEA, DANA, EMIL = "CN=Bea Sales,OU=Sales", "CN=Dana Emea,OU=Emea,OU=Sales", "CN=Emil Emea,OU=Emea,OU=Sales"


def grant(right: str, kind: str) -> str:
    return f"(OA;CIIO;{ACCESS[right]};{right};{kind};{ME})"


def deny(right: str = RESET_PASSWORD, flags: str = "CI", trustee: str = ME) -> str:
    return f"(OD;{flags};{ACCESS[right]};{right};;{trustee})"


def setting(forest: Forest, folder: Path, fold: type, **changes: object) -> Setting:
    configuration = load(write(forest, folder, **changes))
    passwords = {domain.name: read_password(domain, forest.environment, None) for domain in configuration.domains}
    return Setting(configuration, (fold,), passwords, forest.environment)


def plan_of(forest: Forest, folder: Path, **changes: object) -> Plan:
    [domain] = plan_domains(setting(forest, folder, Repairs, **changes))
    assert domain.plan is not None and not domain.obstacle, domain.obstacle
    return domain.plan


def audited(forest: Forest, folder: Path, **changes: object) -> DomainAudit:
    [domain] = audit(setting(forest, folder, Blocked, **changes)).domains
    assert not domain.obstacle
    return domain


def apply(forest: Forest, step: Step) -> Callable[[], None]:
    """Do it; how to take it back."""
    admin, dn = forest.admin, step.distinguished_name
    if step.kind is Kind.INHERITANCE_ON:
        before = admin.sddl(dn)
        admin.unprotect(dn)
        if step.clears_admin_count:
            admin.modify(dn, adminCount=None)
        return lambda: admin.set_sddl(dn, before)
    assert step.ace is not None and step.ace.sid == step.trustee
    ace = step.ace.sddl
    if step.kind is Kind.GRANT:
        admin.add_aces(dn, ace)
        return lambda: admin.remove_aces(dn, ace)
    admin.remove_aces(dn, ace)
    return lambda: admin.add_aces(dn, ace, first=True)


def prove(forest: Forest, folder: Path, **changes: object) -> Plan:
    """The plan mends everybody, and nothing in it can be left out."""
    before = audited(forest, folder, **changes)
    plan = plan_of(forest, folder, **changes)
    assert plan.mended == before.count(Outcome.BLOCKED) > 0
    assert not any("AdminSDHolder" in step.distinguished_name for step in plan.steps)
    for step in plan.steps:
        apply(forest, step)
    after = audited(forest, folder, **changes)
    assert after.count(Outcome.BLOCKED) == after.count(Outcome.UNKNOWN) == 0, after.blocked
    assert after.count(Outcome.OK) == before.count(Outcome.OK) + plan.mended
    assert plan_of(forest, folder, **changes).steps == ()
    return plan


def prove_fewest(forest: Forest, folder: Path, fault: Callable[[Forest], None], **changes: object) -> Plan:
    """As `prove`, and with all steps but any one somebody is still blocked: each on the domain as the fault left it."""
    with forest.undoing():
        fault(forest)
        plan = prove(forest, folder, **changes)
    for left_out in plan.steps:
        with forest.undoing():
            fault(forest)
            for step in plan.steps:
                if step is not left_out:
                    apply(forest, step)
            if left_out.right is Right.UNEXPIRE_PASSWORD:
                continue  # it blocks no reset: what sets passwords expires them at once
            assert audited(forest, folder, **changes).count(Outcome.BLOCKED) > 0, left_out
    return plan


def kinds(plan: Plan) -> list[tuple[str, str]]:
    return [(step.kind.value, step.distinguished_name.partition(",DC=")[0]) for step in plan.steps]


# One fault each


def _no_grants(forest: Forest) -> None:
    forest.admin.remove_aces(
        forest.dn(), "".join(grant(right, kind) for right in ACCESS for kind in (USER_CLASS, INET_ORG_PERSON_CLASS))
    )


def _inet_org_person_left_out(forest: Forest) -> None:
    """As Entra Connect's own set-up leaves it."""
    forest.admin.remove_aces(forest.dn(), "".join(grant(right, INET_ORG_PERSON_CLASS) for right in ACCESS))


def _container_off(forest: Forest) -> None:
    forest.admin.protect(forest.dn("OU=Emea,OU=Sales"), keep=True)
    forest.admin.remove_trustee(forest.dn("OU=Emea,OU=Sales"), CONNECTOR)


def _nested_off(forest: Forest) -> None:
    _container_off(forest)
    forest.admin.protect(forest.dn("OU=Sales"), keep=True)
    forest.admin.remove_trustee(forest.dn("OU=Sales"), CONNECTOR)


def _one_right_lost_where_off(forest: Forest) -> None:
    """Inheritance is off, two grants were copied, and nobody has the third: a grant in that place is one step."""
    forest.admin.protect(forest.dn("OU=Sales"), keep=True)
    forest.admin.remove_aces(forest.dn("OU=Sales"), grant(LOCKOUT_TIME, INET_ORG_PERSON_CLASS))
    forest.admin.remove_aces(forest.dn(), grant(LOCKOUT_TIME, INET_ORG_PERSON_CLASS))


def _orphan(forest: Forest) -> None:
    forest.admin.protect(forest.dn(BEA), keep=True)
    forest.admin.remove_trustee(forest.dn(BEA), CONNECTOR)
    forest.admin.modify(forest.dn(BEA), adminCount=1)


def _denied_to_a_group(forest: Forest) -> None:
    forest.admin.group(forest.dn("CN=Tier,OU=Groups"), "tier", scope="domain-local", members=[CONNECTOR])
    forest.admin.add_aces(forest.dn("OU=Sales"), deny(trustee="<tier>"))


def _denied_on_a_user(forest: Forest) -> None:
    forest.admin.add_aces(forest.dn(DANA), deny(flags=""))


def _denied_where_off(forest: Forest) -> None:
    """Above the barrier stands a denial that would arrive with the grants."""
    forest.admin.add_aces(forest.dn("OU=Sales"), deny(PWD_LAST_SET))
    _container_off(forest)


FAULTS: dict[str, tuple[Callable[[Forest], None], list[tuple[str, str]]]] = {
    "no grants": (_no_grants, [("grant", "")] * 6),
    "no inetOrgPerson": (_inet_org_person_left_out, [("grant", "")] * 3),
    "inheritance off on a container": (_container_off, [("inheritance-on", "OU=Emea,OU=Sales")]),
    "inheritance off on two containers": (
        _nested_off,
        [("inheritance-on", "OU=Sales"), ("inheritance-on", "OU=Emea,OU=Sales")],
    ),
    "orphan": (_orphan, [("inheritance-on", BEA)]),
    "denied to a group": (_denied_to_a_group, [("remove-deny", "OU=Sales")]),
    "denied on a user": (_denied_on_a_user, [("remove-deny", DANA)]),
    "denied where inheritance is off": (
        _denied_where_off,
        [("remove-deny", "OU=Sales"), ("inheritance-on", "OU=Emea,OU=Sales")],
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_mended_by_the_steps_it_takes(own_forest, tmp_path, name):
    fault, expected = FAULTS[name]
    plan = prove_fewest(own_forest, tmp_path, fault)
    base = own_forest.base_dn
    assert [(step.kind.value, step.distinguished_name) for step in plan.steps] == [
        (kind, f"{dn},{base}" if dn else base) for kind, dn in expected
    ]


def test_where_inheritance_is_off_a_grant_there_is_taken_if_that_is_fewer_steps(own_forest, tmp_path):
    def fault(forest: Forest) -> None:
        _one_right_lost_where_off(forest)
        forest.admin.add_aces(forest.dn("OU=People"), grant(LOCKOUT_TIME, INET_ORG_PERSON_CLASS))

    plan = prove_fewest(own_forest, tmp_path, fault)
    assert kinds(plan) == [("grant", "OU=Sales")]


def test_grants_stand_on_the_search_bases_that_need_them(own_forest, tmp_path):
    bases = [own_forest.dn("OU=People"), own_forest.dn("OU=Sales")]

    def fault(forest: Forest) -> None:
        _no_grants(forest)
        forest.admin.add_aces(forest.dn("OU=People"), "".join(grant(right, USER_CLASS) for right in ACCESS))

    plan = prove_fewest(own_forest, tmp_path, fault, search_bases=bases)
    assert {(step.distinguished_name, step.object_class) for step in plan.steps} == {
        (bases[0], "inetOrgPerson"),
        (bases[1], "inetOrgPerson"),
        (bases[1], "user"),
    }


def test_the_judge_agrees_that_the_plan_mends(own_forest, tmp_path):
    with own_forest.undoing():
        _denied_where_off(own_forest)
        _orphan(own_forest)
        users = [own_forest.dn(each) for each in (BEA, DANA, EMIL)]
        rights = (RESET, WRITE_LOCKOUT_TIME, WRITE_PWD_LAST_SET)
        with Judge(own_forest.dc) as judge:

            def refused() -> set[str]:
                attempts = [(right, dn) for dn in users for right in rights]
                return {dn for right, dn in attempts if not judge.attempt(CONNECTOR, own_forest.password, right, dn)}

            assert refused() == set(users)
            prove(own_forest, tmp_path)
            assert refused() == set()


def test_protected_accounts_are_listed_and_left_alone(own_forest, tmp_path):
    with own_forest.undoing():
        own_forest.admin.add_member("Domain Admins", "user16")
        dn = own_forest.admin.dn_of("user16")
        own_forest.admin.protect(dn, keep=True)
        own_forest.admin.remove_trustee(dn, CONNECTOR)
        plan = plan_of(own_forest, tmp_path)
        assert plan.steps == ()
        assert plan.protected.examples == [dn] and plan.protected.count == 1
        assert plan.outcomes[Outcome.UNSUPPORTED] == 1


def test_unexpire_password_is_granted_on_the_head(own_forest, tmp_path):
    with own_forest.undoing():
        own_forest.admin.remove_aces(own_forest.dn(), f"(OA;;CR;{UNEXPIRE_PASSWORD};;AU)")
        plan = plan_of(own_forest, tmp_path)
        [step] = plan.steps
        assert (step.kind, step.right, step.users) == (Kind.GRANT, Right.UNEXPIRE_PASSWORD, 0)
        assert step.ace is not None and not step.ace.flags
        apply(own_forest, step)
        assert plan_of(own_forest, tmp_path).steps == ()


def test_a_healthy_forest_needs_nothing(own_forest, tmp_path):
    plan = plan_of(own_forest, tmp_path)
    assert (plan.steps, plan.mended, plan.beyond, plan.waiting.count, plan.notes) == ((), 0, (), 0, ())


# Mixes of faults


def _mixed(seed: int) -> Callable[[Forest], None]:
    """Nested OUs with inheritance off, denials and lost grants, here and there."""

    def fault(forest: Forest) -> None:
        random = Random(seed)
        admin = forest.admin
        lost = [(right, kind) for right in ACCESS for kind in (USER_CLASS, INET_ORG_PERSON_CLASS)]
        admin.remove_aces(forest.dn(), "".join(grant(*each) for each in random.sample(lost, random.randint(1, 4))))
        places = ["OU=People", "OU=Berlin,OU=People", "OU=Übersee & Export,OU=People", "OU=Sales", "OU=Emea,OU=Sales"]
        for place in random.sample(places, random.randint(1, 3)):
            admin.protect(forest.dn(place), keep=True)  # without what was there, the reader sees nothing
            if random.random() < 0.5:
                admin.remove_trustee(forest.dn(place), CONNECTOR)
        for place in random.sample(places, random.randint(0, 2)):
            admin.add_aces(forest.dn(place), deny(random.choice(list(ACCESS)), random.choice(("CI", "CIIO"))))
        for person in random.sample([each for each in forest.people if each.enabled], 3):
            what = random.choice(("off", "orphan", "deny"))
            if what == "deny":
                admin.add_aces(person.dn, deny(random.choice(list(ACCESS)), ""))
                continue
            admin.protect(person.dn, keep=True)
            if random.random() < 0.7:
                admin.remove_trustee(person.dn, CONNECTOR)
            if what == "orphan":
                admin.modify(person.dn, adminCount=1)

    return fault


@pytest.mark.parametrize("seed", range(5))
def test_mixed_faults_are_mended_by_the_fewest_steps(own_forest, tmp_path, seed):
    bases: Sequence[str] = ["OU=People", "OU=Sales"] if seed % 2 else []
    changes = {"search_bases": [own_forest.dn(base) for base in bases]} if bases else {}
    plan = prove_fewest(own_forest, tmp_path, _mixed(seed), **changes)
    assert len(plan.steps) > 1
    if bases:
        within = tuple(changes["search_bases"])
        assert all(step.distinguished_name.endswith(within) for step in plan.steps if step.kind is Kind.GRANT)
