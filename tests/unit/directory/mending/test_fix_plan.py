from __future__ import annotations

from random import Random

import pytest
from descriptors import DOMAIN
from worlds import ACCOUNT, CONNECTOR, GROUP, HEAD, UNEXPIRE, World, grant, grants, random_world

from preflight.directory.access.guids import RESET_PASSWORD, UNEXPIRE_PASSWORD, USER
from preflight.directory.access.rights import Right
from preflight.directory.mending import repairs
from preflight.directory.mending.fix_plan import Plan
from preflight.directory.mending.forecast import Kind
from preflight.directory.model import User
from preflight.directory.users.judgement import Outcome
from preflight.directory.users.scope import Standing

PEOPLE, STAFF, ANN, BOB = f"OU=P,{HEAD}", f"OU=S,OU=P,{HEAD}", f"CN=Ann,OU=P,{HEAD}", f"CN=Bob,OU=S,OU=P,{HEAD}"
DENY = f"(OD;CI;CR;{RESET_PASSWORD};;{CONNECTOR})"
ON, REMOVE, GRANT = Kind.INHERITANCE_ON, Kind.REMOVE_DENY, Kind.GRANT


def world(*at_the_head: str, search_bases: tuple[str, ...] = ()) -> World:
    made = World(search_bases=search_bases, canonical=True)
    made.things[HEAD].entries += at_the_head
    made.container(PEOPLE)
    made.container(STAFF)
    return made


def steps(plan: Plan) -> list[tuple[Kind, str]]:
    return [(step.kind, step.distinguished_name) for step in plan.steps]


# Any domain


@pytest.mark.parametrize("canonical", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_a_plan_mends_everybody_and_no_step_can_be_left_out(seed, canonical):
    for number in range(15):
        domain = random_world(Random(f"{seed} {number}"), canonical=canonical)
        plan = domain.plan()
        assert not plan.beyond and not plan.untold and not plan.waiting.count
        after = domain.applied(plan.steps)
        assert after.all_ok(), (seed, number, plan.steps)
        assert plan.mended == domain.outcomes().get(Outcome.BLOCKED, 0)
        assert after.plan().steps == ()
        for step in plan.steps:
            without = domain.applied([each for each in plan.steps if each is not step])
            without.canonical = True  # by the specification; the other order may forgive an entry that denies
            assert not without.all_ok(), (seed, number, step)


@pytest.mark.parametrize("seed", range(10))
def test_what_may_be_done_instead_mends_everybody_too(seed):
    tried = 0
    for number in range(15):
        domain = random_world(Random(f"instead {seed} {number}"), canonical=True)
        plan = domain.plan()
        for step in plan.steps:
            if step.instead:
                tried += 1
                others = [each for each in plan.steps if each is not step]
                assert domain.applied([*others, *step.instead]).all_ok(), (seed, number, step)
    assert tried


# Grants


def test_nobody_is_granted_anything_twice():
    domain = world(*grants()[:2])
    domain.user(ANN)
    [step] = domain.plan().steps
    assert (step.kind, step.right, step.object_class) == (GRANT, Right.WRITE_PWD_LAST_SET, "user")
    assert step.ace is not None and step.ace.sddl == grant(Right.WRITE_PWD_LAST_SET)
    assert step.users == step.together == 1


def test_only_classes_that_are_there_are_granted_anything():
    domain = world(*grants())
    domain.user(ANN)
    domain.user(BOB, object_class="inetOrgPerson")
    plan = domain.plan()
    assert {(step.distinguished_name, step.object_class) for step in plan.steps} == {(HEAD, "inetOrgPerson")}
    assert len(plan.steps) == 3 and {step.users for step in plan.steps} == {1}


def test_a_grant_stands_on_the_search_base_or_else_on_the_head():
    for bases, place in (((), HEAD), ((STAFF,), STAFF), ((PEOPLE,), PEOPLE)):
        domain = world(search_bases=bases)
        domain.user(BOB)
        assert set(steps(domain.plan())) == {(GRANT, place)}


def test_a_smaller_place_is_offered_where_all_who_need_it_stand_below():
    domain = world()
    domain.user(BOB)
    plan = domain.plan()
    assert {step.instead[0].distinguished_name for step in plan.steps} == {STAFF}
    assert domain.applied([step.instead[0] for step in plan.steps]).all_ok()


def test_a_class_of_the_forests_own_is_granted_by_name():
    domain = world(*grants())
    domain.user(ANN, object_class="contosoPerson")
    plan = domain.plan()
    assert {(step.object_class, step.ace) for step in plan.steps} == {("contosoPerson", None)}


def test_users_whose_class_cant_be_read_are_not_planned_for():
    domain = world()
    domain.user(ANN, object_class="")
    plan = domain.plan()
    assert plan.steps == () and plan.mended == 0
    assert [(listed.count, listed.examples) for listed in plan.beyond] == [(1, [ANN])]


# Inheritance


def test_inheritance_that_lets_a_grant_arrive_needs_no_other_and_says_what_would_do_instead():
    domain = world(*grants())
    domain.things[PEOPLE].off = True
    domain.user(ANN)
    [step] = domain.plan().steps
    assert (step.kind, step.distinguished_name, step.users) == (ON, PEOPLE, 1)
    assert {(each.kind, each.distinguished_name) for each in step.instead} == {(GRANT, PEOPLE)}
    assert len(step.instead) == 3


def test_a_grant_where_inheritance_is_off_is_taken_if_that_is_fewer_steps():
    domain = world()
    domain.container(PEOPLE, *grants()[:2], off=True)
    domain.user(ANN)
    assert steps(domain.plan()) == [(GRANT, PEOPLE)]


def test_with_as_many_steps_inheritance_is_switched_on():
    domain = world(*grants())
    domain.container(PEOPLE, *grants()[:2], off=True)
    domain.user(ANN)
    assert steps(domain.plan()) == [(ON, PEOPLE)]


def test_an_entry_that_would_arrive_and_deny_is_removed_too():
    domain = world(*grants(), DENY)
    domain.things[PEOPLE].off = True
    domain.user(ANN)
    assert steps(domain.plan()) == [(REMOVE, HEAD), (ON, PEOPLE)]


def test_who_is_ok_stays_ok_when_inheritance_is_switched_on_above_him():
    domain = world(*grants(), DENY)
    domain.container(PEOPLE, off=True)
    domain.container(STAFF, *grants())
    domain.user(ANN)
    domain.user(BOB)
    plan = domain.plan()
    assert domain.outcomes() == {Outcome.OK: 1, Outcome.BLOCKED: 1}
    assert domain.applied(plan.steps).all_ok()


def test_an_orphans_admin_count_is_cleared():
    domain = world(*grants())
    domain.user(ANN, off=True, adminCount=b"1")
    domain.user(BOB, off=True)
    plan = domain.plan()
    assert [(step.distinguished_name, step.on_user, step.clears_admin_count) for step in plan.steps] == [
        (ANN, True, True),
        (BOB, True, False),
    ]


def test_users_with_something_of_their_own_are_named_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(repairs, "MOST_NAMED", 3)
    domain = world(*grants())
    for number in range(5):
        domain.user(f"CN=U{number},{PEOPLE}", off=True)
    plan = domain.plan()
    assert (len(plan.steps), plan.mended, plan.unnamed) == (3, 3, 2)


def test_memory_does_not_grow_with_users_who_are_alike():
    domain = world()
    domain.user(ANN)
    fold = domain.repairs()
    user = User(
        ANN,
        {
            "objectClass": [b"user"],
            "userAccountControl": [b"512"],
            "nTSecurityDescriptor": [domain.bytes_of(ANN)],
        },
    )
    for number in range(2000):
        raw = {**user.raw, "objectSid": [b"\1\5\0\0\0\0\0\5" + number.to_bytes(20, "little")]}
        fold.add(User(f"CN=U{number},{PEOPLE}", raw), Standing.IN_SCOPE)
    assert len(fold.situations) == 1 and not fold.names
    assert sum(fold.situations.values()) == 2001


# Denials


def test_a_denial_says_whether_its_trustee_has_other_entries_there():
    other = f"(A;CI;RP;;;{CONNECTOR})"
    for more, not_alone in (((), False), ((other,), True)):
        domain = world(*grants())
        domain.container(PEOPLE, DENY, *more)
        domain.user(ANN, DENY.replace(";CI;", ";;"), *more)
        plan = domain.plan()
        assert steps(plan) == [(REMOVE, PEOPLE), (REMOVE, ANN)]
        assert [step.not_alone for step in plan.steps] == [not_alone] * 2


def test_all_denials_of_a_trustee_on_one_object_go_together():
    denials = [each.replace("(OA;CIIO", "(OD;CIIO") for each in grants()]
    domain = world(*grants())
    domain.container(PEOPLE, *denials)
    domain.user(ANN)
    plan = domain.plan()
    assert steps(plan) == [(REMOVE, PEOPLE)] * 3
    assert not any(step.not_alone for step in plan.steps)


def test_a_denial_that_an_explicit_grant_outweighs_stays():
    domain = world(*grants()[1:])
    domain.container(PEOPLE, DENY)
    domain.user(ANN, grant(Right.RESET_PASSWORD).replace("CIIO", "").replace(str(USER), ""))
    assert domain.plan().steps == ()


def test_a_denial_to_a_group_names_the_group():
    domain = world(*grants(), DENY.replace(CONNECTOR, GROUP))
    domain.user(ANN)
    [step] = domain.plan().steps
    assert (step.kind, step.trustee, step.distinguished_name) == (REMOVE, GROUP, HEAD)


# Who is left out


def test_protected_accounts_are_listed_and_not_mended():
    domain = world()
    domain.user(ANN, off=True)
    plan = domain.plan(protected=[ANN])
    assert plan.steps == () and plan.protected.examples == [ANN] and plan.mended == 0


def test_users_of_whom_it_cant_be_told_are_listed_and_not_planned_for():
    domain = world()
    domain.user(ANN, f"(XA;;CR;;;{CONNECTOR})", *(each.replace("CIIO", "") for each in grants()[1:]))
    plan = domain.plan()
    assert plan.steps == ()
    assert [(listed.count, listed.examples) for listed in plan.untold] == [(1, [ANN])]


def test_users_who_surely_lack_something_are_given_it_though_the_rest_cant_be_told():
    domain = world()
    domain.user(ANN, f"(XD;;CR;;;{CONNECTOR})")
    plan = domain.plan()
    assert len(plan.steps) == 3 and plan.mended == 0
    assert plan.notes == ("1 more to whom the steps give what they surely lack; whether that is all can't be told.",)


def test_users_to_whom_a_grant_is_on_its_way_are_told_to_wait():
    domain = world()
    domain.user(ANN)
    domain.user(BOB)
    late = {dn: domain.bytes_of(dn) for dn in (ANN,)}
    domain.things[HEAD].entries += grants()
    domain.things[STAFF].off = True
    now = domain.bytes_of
    domain.bytes_of = lambda dn: late.get(dn) or now(dn)  # type: ignore[method-assign]
    plan = domain.plan()
    assert (plan.waiting.count, plan.waiting.examples) == (1, [ANN])
    assert steps(plan) == [(ON, STAFF)] and plan.mended == 1


def test_users_below_a_container_that_cant_be_read_are_listed():
    domain = world()
    domain.user(ANN)
    domain.user(BOB)
    plan = domain.plan(unreadable=[STAFF])
    assert [(listed.count, listed.examples) for listed in plan.beyond] == [(1, [BOB])]
    assert STAFF in plan.beyond[0].reason
    assert plan.mended == 1 and len(plan.steps) == 3


def test_disabled_users_and_those_out_of_scope_are_not_looked_at():
    domain = world()
    domain.user(ANN)
    fold = domain.repairs()
    for standing in (Standing.DISABLED, Standing.OUT_OF_SCOPE, Standing.EXCLUDED):
        fold.add(User(BOB, {}), standing)
    assert sum(fold.outcomes.values()) == 1


# Unexpire Password


def test_unexpire_password_is_granted_on_the_head_where_nobody_holds_it():
    domain = world(*grants())
    domain.things[HEAD].entries.remove(UNEXPIRE)
    domain.user(ANN)
    [step] = domain.plan().steps
    assert (step.right, step.object_class, step.distinguished_name) == (Right.UNEXPIRE_PASSWORD, "", HEAD)
    assert step.ace is not None and step.ace.sddl == f"(OA;;CR;{UNEXPIRE_PASSWORD};;{CONNECTOR})"


def test_an_entry_that_denies_it_is_removed_and_what_grants_it_stays():
    domain = world(*grants())
    domain.things[HEAD].entries.insert(0, f"(OD;;CR;{UNEXPIRE_PASSWORD};;{CONNECTOR})")
    domain.user(ANN)
    [step] = domain.plan().steps
    assert (step.kind, step.trustee, step.not_alone) == (REMOVE, CONNECTOR, True)


def test_an_entry_that_denies_users_and_the_head_at_once_is_removed_once():
    domain = world(*grants(), f"(D;CI;CR;;;{GROUP})")
    domain.things[HEAD].entries = sorted(domain.things[HEAD].entries, key=lambda ace: ace.startswith("(O"))
    domain.user(ANN)
    assert steps(domain.plan()) == [(REMOVE, HEAD)]


def test_the_plan_knows_whom_it_grants_to():
    domain = world()
    domain.user(ANN)
    plan = domain.plan()
    assert plan.account == ACCOUNT and {step.trustee for step in plan.steps} == {CONNECTOR}
    assert DOMAIN in CONNECTOR
