"""What README says of the reader's rights: an ordinary user, one grant, a third where the default was taken away."""

from __future__ import annotations

import pytest
from lab.running import codes, run, statuses

from preflight.report import Verdict

# What `dsacls ... /I:T /G "CORP\\reader:GR"` stores.
GENERIC_READ = "(A;CI;GR;;;<reader>)"
SEEDED_GRANT = "(A;CI;RPLCRC;;;<reader>)"


def policies(forest) -> str:
    return forest.dn("CN=Password Settings Container,CN=System")


@pytest.fixture
def ordinary(own_forest):
    """The reader without any grant."""
    with own_forest.undoing():
        own_forest.admin.remove_aces(policies(own_forest), SEEDED_GRANT)
        yield own_forest


def test_without_a_grant_only_fine_grained_policies_stay_unknown(ordinary, tmp_path):
    report = run(ordinary, tmp_path)
    assert report.verdict == Verdict.READY_WITH_WARNINGS
    unseen = {check for check, status in statuses(report).items() if status != "pass"}
    assert unseen == {"policy.minimum-age", "policy.summary"}


def test_with_the_one_grant_a_healthy_forest_is_ready(ordinary, tmp_path):
    ordinary.admin.add_aces(policies(ordinary), GENERIC_READ)
    report = run(ordinary, tmp_path)
    assert report.verdict == Verdict.READY
    assert set(statuses(report).values()) == {"pass"}


def test_generic_read_on_the_domain_stands_in_for_an_emptied_group(ordinary, tmp_path):
    ordinary.admin.modify(ordinary.dn("CN=Pre-Windows 2000 Compatible Access,CN=Builtin"), member=None)
    ordinary.admin.add_aces(policies(ordinary), GENERIC_READ)
    assert run(ordinary, tmp_path).verdict == Verdict.UNDETERMINED
    ordinary.admin.add_aces(ordinary.dn(), GENERIC_READ)
    report = run(ordinary, tmp_path)
    assert report.verdict == Verdict.READY_WITH_WARNINGS
    assert {check for check, status in statuses(report).items() if status != "pass"} == {"permissions.sam-read"}
    assert codes(report, "permissions.sam-read") == {"pre-windows-2000-emptied"}
