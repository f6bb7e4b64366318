"""The judge: what the product says about rights is what a domain controller does, on thousands of random delegations.

Each seed is a domain of its own with people under random delegations (delegations.py). The product predicts, then every
right is really used (trial.py). Two domains can't be judged: Samba 4.17 can't make a child domain.
"""

from __future__ import annotations

import pytest
from descriptors import descriptor
from lab.forest import LOCKOUT_TIME, Forest
from lab.judge import WRITE_LOCKOUT_TIME, Judge
from lab.mutants import MUTANTS
from lab.trial import MIX, NOT_JUDGED_HERE, SAMBA_ALONE, try_out

from preflight.resources.people import JUDGED_RIGHTS

SEEDS = (1, 2, 3, 4, 5)
PEOPLE = 130
LEAST_SHARE = 0.05
MOST_LEFT_OPEN = 0.08
"""Share of decisions that a real controller can't confirm: more would be an excuse."""


def test_there_are_enough_decisions() -> None:
    assert len(SEEDS) * PEOPLE * len(JUDGED_RIGHTS) >= 3_000
    assert len(MUTANTS) >= 6


@pytest.mark.parametrize("seed", SEEDS)
def test_the_controller_does_as_predicted(seed: int, fresh_forest: Forest, record_property) -> None:
    trial = try_out(fresh_forest, seed, PEOPLE)
    caught = trial.caught()
    print(trial)
    print(f"mutants: {caught}")
    record_property("judge", str(trial))

    assert len(trial.cases) == PEOPLE * len(JUDGED_RIGHTS)
    assert not trial.disagreements, "\n".join(trial.explain(case) for case in trial.disagreements[:5])

    assert trial.open.keys() <= {*NOT_JUDGED_HERE, SAMBA_ALONE}
    assert trial.open.total() <= MOST_LEFT_OPEN * len(trial.cases)
    thin = {kind: share for kind, share in trial.mix.items() if kind in MIX and share < LEAST_SHARE}
    assert not thin, f"the delegations of this seed don't try enough of {thin}"

    assert all(caught.values()), f"not caught: {[name for name, wrong in caught.items() if not wrong]}"
    assert fresh_forest.connector in trial.tokens
    assert not trial.token_differences


def test_where_samba_is_left_alone_it_does_differ(fresh_forest: Forest) -> None:
    """`SAMBA_ALONE` excuses something: an object ACE without the bit for writing lets Samba write the property."""
    connector = fresh_forest.admin.sid_of(fresh_forest.connector)
    admins = connector.rpartition("-")[0] + "-512"
    user = fresh_forest.people[0].dn

    def allowed(ace: str) -> bool:
        text = f"O:{admins}G:{admins}D:P{ace}"
        fresh_forest.admin.modify(user, nTSecurityDescriptor=descriptor(text))
        with Judge(fresh_forest.dc) as judge:
            return judge.attempt(fresh_forest.connector, fresh_forest.password, WRITE_LOCKOUT_TIME, user)

    assert allowed(f"(OA;;CR;{LOCKOUT_TIME};;{connector})")
    assert not allowed(f"(OA;;RP;{LOCKOUT_TIME};;{connector})")
    assert not allowed(f"(A;;CR;;;{connector})")
