"""What the writeback service does, and the events that it begins and ends with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Operation:
    """
    Attributes:
        kind: its name in reports.
        title: for a person.
        start, success, failure: event ids; 0: there is none.
        names: what the service calls these three in the text of the event.
    """

    kind: str
    title: str
    start: int
    success: int
    failure: int
    names: tuple[str, str, str]

    @property
    def of_a_user(self) -> bool:
        """Whether it is about a user's password, not about the tenant."""
        return self.kind not in ("onboarding", "offboarding")


OPERATIONS = (
    Operation(
        "reset", "reset", 31001, 31002, 31003, ("PasswordResetStart", "PasswordResetSuccess", "PasswordResetFail")
    ),
    Operation(
        "change", "change", 31006, 31007, 31008, ("ChangePasswordStart", "ChangePasswordSuccess", "ChangePasswordFail")
    ),
    Operation(
        "admin_reset",
        "reset by an administrator",
        31009,
        31010,
        31011,
        ("ResetUserPasswordByAdminStart", "ResetUserPasswordByAdminSuccess", "ResetUserPasswordByAdminFail"),
    ),
    Operation("onboarding", "switching on", 31004, 31005, 0, ("OnboardingEventStart", "OnboardingEventSuccess", "")),
    Operation(
        "offboarding",
        "switching off",
        31012,
        31013,
        31014,
        ("OffboardingEventStart", "OffboardingEventSuccess", "OffboardingEventFail"),
    ),
)

STARTS: Mapping[int, Operation] = MappingProxyType({each.start: each for each in OPERATIONS})
SUCCESSES: Mapping[int, Operation] = MappingProxyType({each.success: each for each in OPERATIONS})
FAILURES: Mapping[int, Operation] = MappingProxyType({each.failure: each for each in OPERATIONS if each.failure})

_IDS = {
    name.lower(): event_id
    for each in OPERATIONS
    for name, event_id in zip(each.names, (each.start, each.success, each.failure), strict=True)
    if name
}


def event_id_of(name: str) -> int:
    """The id of an event whose text begins so, such as "PasswordResetRequestStart"; 0: unknown."""
    return _IDS.get(name.lower().replace("request", ""), 0)


def is_error(event_id: int) -> bool:
    """Whether the service writes this event for something that failed: 32xxx its own, 33xxx of Active Directory."""
    return 32000 <= event_id < 34000 and event_id != SERVICE_BUS_WARNING


STARTED, STOPPED, HEARTBEAT, LISTENER_ERROR, UNHEALTHY = 31015, 31016, 31019, 31034, 31044
SERVICE_BUS_WARNING, HEALTH_REPORT_ERROR = 32014, 32015
SYNC_SET_FAILED, SYNC_START_FAILED, SYNC_UNEXPECTED = 6329, 6800, 6306
"""Of ADSync: a password could not be set; the writeback endpoint did not start; an unexpected error."""
