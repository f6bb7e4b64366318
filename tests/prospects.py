"""A user of whom everything is known, and what becomes of him when something is otherwise.

here(user(1, userAccountControl=514))          # circumstances, all fine but for what is given
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from crowds import BASE, judge, user

from preflight.directory.access.account_database import SamReading
from preflight.directory.model import PasswordPolicy, User
from preflight.directory.prospect.circumstances import Circumstances, Momentary, Neighbours
from preflight.directory.prospect.step import Step
from preflight.directory.prospect.walk import walk
from preflight.directory.users.effective_policy import EffectivePolicy
from preflight.directory.users.right_line import right_lines
from preflight.directory.users.scope import Standing

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
POLICY = PasswordPolicy(
    "domain policy", timedelta(), timedelta.max, 7, 24, 5, timedelta(minutes=30), timedelta(minutes=30), 1
)
ALONE = Neighbours("anchor==", "mS-DS-ConsistencyGuid", False, None, (), 1, ())


def filetime(moment: datetime) -> int:
    return int((moment - datetime(1601, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 10


LAST_YEAR = filetime(NOW - timedelta(days=365))


def person(sddl: str | None = None, **attributes: object) -> User:
    found = {"pwdLastSet": LAST_YEAR, **attributes}
    return user(1, **found) if sddl is None else user(1, sddl, **found)


def here(someone: User | None = None, *, policy: PasswordPolicy | None = POLICY, **changes: object) -> Circumstances:
    """Everything fine, but for what is given."""
    someone = someone or person()
    judging = judge()
    judgement = judging(someone)
    facts: dict[str, object] = {
        "user": someone,
        "domain": "corp.contoso.test",
        "origin": "dc1:636 as reader",
        "found_by": ("sAMAccountName",),
        "standing": Standing.IN_SCOPE,
        "left_out": "",
        "neighbours": ALONE,
        "momentary": Momentary(someone, "dc1", "", NOW, "by the controller's clock"),
        "policy": EffectivePolicy(policy, "the domain policy", "" if policy else "it is hidden"),
        "domain_policy": POLICY,
        "protected": judgement.protected,
        "protected_through": (),
        "protection_doubt": "",
        "lines": right_lines(judging, judgement),
        "sam_readings": (SamReading(f"CN=Server,CN=System,{BASE}", (), ()),),
        "connector": "MSOL_1",
        **changes,
    }
    return Circumstances(**facts)  # type: ignore[arg-type]


def step_of(name: str, circumstances: Circumstances) -> Step:
    [step] = [step for step in walk(circumstances) if step.name == name]
    return step
