"""Which password policy counts for a user; "none but the domain's" needs proof."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from crowds import BASE, user
from prospects import POLICY

from preflight.directory.model import FineGrainedPolicies, FineGrainedPolicy
from preflight.directory.users.effective_policy import effective_policy

DN = user(1).distinguished_name
GROUP = f"CN=Staff,{BASE}"


def pso(name: str, *applies_to: str, precedence: int | None = 10, guid: int = 1) -> FineGrainedPolicy:
    dn = f"CN={name},CN=Password Settings Container,CN=System,{BASE}"
    return FineGrainedPolicy(dn, replace(POLICY, name=name), precedence, applies_to, UUID(int=guid))


def effective(*policies: FineGrainedPolicy, resultant=None, member=True, complete=True, domain=POLICY):
    seen = FineGrainedPolicies(policies, complete, "" if complete else "it can't be listed")
    someone = user(1, msDS_ResultantPSO=resultant)
    return effective_policy(someone, domain, seen, lambda _: member)


@pytest.mark.parametrize(
    ("policies", "winner"),
    [
        ([], "domain policy"),
        ([pso("a")], "domain policy"),
        ([pso("a", GROUP)], "a"),
        ([pso("a", GROUP, precedence=1), pso("b", DN.upper(), precedence=99)], "b"),
        ([pso("a", GROUP, precedence=2), pso("b", GROUP, precedence=1)], "b"),
        ([pso("a", DN, guid=2), pso("b", DN, guid=1)], "b"),
        ([pso("a", DN, guid=1 << 120), pso("b", DN, guid=1 << 96)], "a"),
        ([pso("a", DN, precedence=None), pso("b", DN, precedence=500)], "b"),
    ],
)
def test_direct_beats_groups_then_precedence_then_the_smallest_guid_as_stored(policies, winner):
    found = effective(*policies)
    assert found.policy is not None and found.policy.name == winner
    assert (winner in found.source) or found.source == "the domain policy"


def test_the_controller_s_own_answer_goes_first():
    mine, other = pso("a", DN, precedence=1), pso("b", precedence=2)
    found = effective(mine, other, resultant=other.distinguished_name.upper())
    assert found.policy == other.policy


def test_a_policy_that_applies_and_may_not_be_read_leaves_it_open():
    found = effective(resultant=pso("secret").distinguished_name, complete=False)
    assert (found.policy, found.obstacle) == (None, "the reader may not read that policy")


@pytest.mark.parametrize(
    "found",
    [
        effective(complete=False),
        effective(pso("a", DN), complete=False),
        effective(pso("a", GROUP), member=None),
        effective(domain=None),
    ],
)
def test_what_is_not_proven_is_not_told(found):
    assert found.policy is None
    assert found.obstacle


def test_nobody_asks_for_groups_where_the_policy_is_the_user_s_own():
    assert effective(pso("a", GROUP, DN), member=None).policy is not None
