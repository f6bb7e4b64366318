from __future__ import annotations

from random import Random

import pytest
from unit.directory.worlds import random_world


@pytest.mark.parametrize("canonical", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_a_plan_mends_everybody_and_no_step_can_be_left_out(seed, canonical):
    for number in range(25):
        world = random_world(Random(f"{seed} {number}"), canonical=canonical)
        plan = world.plan()
        assert not plan.beyond and not plan.untold and not plan.waiting.count
        after = world.applied(plan.steps)
        assert after.all_ok(), (seed, number, plan.steps)
        assert plan.mended == sum(world.outcomes().values()) - world.outcomes().get("ok", 0)
        for step in plan.steps:
            others = [each for each in plan.steps if each is not step]
            without = world.applied(others)
            without.canonical = True  # by the specification; the other order may forgive an entry that denies
            assert not without.all_ok(), (seed, number, step, others)
