"""The password policy that is effective for one user (MS-ADTS 3.1.1.4.5.36)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from preflight.directory.distinguished_name import same
from preflight.directory.model import FineGrainedPolicies, FineGrainedPolicy, PasswordPolicy, User

RESULTANT = "msDS-ResultantPSO"

GroupOf = Callable[[str], "bool | None"]
"""Whether the user belongs to the global security group with that DN; None: can't be told."""


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """
    Attributes:
        policy: None: which one it is, or what it says, could not be proven.
        source: where it comes from, in words; "" while that isn't known.
        obstacle: why it isn't known.
    """

    policy: PasswordPolicy | None
    source: str
    obstacle: str = ""


def effective_policy(
    user: User, domain_policy: PasswordPolicy | None, fine_grained: FineGrainedPolicies, in_group: GroupOf
) -> EffectivePolicy:
    """The controller's own answer where it gives one, else worked out from all the fine-grained policies.

    A policy for the user himself beats every group's, then the lowest precedence wins, then the smallest objectGUID;
    the winner replaces the domain's as a whole. That none applies needs proof: all of them must have been seen.
    """
    named = user.text(RESULTANT)
    if named is not None:
        found = next((each for each in fine_grained.policies if same(each.distinguished_name, named)), None)
        if found is None:
            return EffectivePolicy(None, f"the fine-grained policy {named}", "the reader may not read that policy")
        return EffectivePolicy(found.policy, f"the fine-grained policy {found.policy.name}")
    if not fine_grained.complete:
        return EffectivePolicy(
            None, "", f"there may be fine-grained policies beside those seen: {fine_grained.obstacle}"
        )
    direct, by_group = [], []
    for each in fine_grained.policies:
        if any(same(dn, user.distinguished_name) for dn in each.applies_to):
            direct.append(each)
            continue
        answers = [in_group(dn) for dn in each.applies_to]
        if True in answers:
            by_group.append(each)
        elif None in answers:
            return EffectivePolicy(None, "", f"whether {each.policy.name} applies through a group can't be told")
    if direct or by_group:
        winner = min(direct or by_group, key=_rank)
        how = "applied directly" if direct else "applied through a group"
        return EffectivePolicy(winner.policy, f"the fine-grained policy {winner.policy.name}, {how}")
    if domain_policy is None:
        return EffectivePolicy(None, "the domain policy", "the reader may not read it")
    return EffectivePolicy(domain_policy, "the domain policy")


def _rank(each: FineGrainedPolicy) -> tuple[int, bytes]:
    """A GUID is compared as it is stored."""
    return each.precedence if each.precedence is not None else 1 << 31, (each.guid or UUID(int=0)).bytes_le
