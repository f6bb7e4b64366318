"""Password policies from entries: the domain head's and the fine-grained ones (MS-ADTS 3.1.1.4.5.36, 6.1.1.4.11.1)."""

from __future__ import annotations

from preflight.directory.distinguished_name import rdn_value
from preflight.directory.model import (
    Entry,
    FineGrainedPolicy,
    PasswordPolicy,
    duration_from_interval,
    unbounded_from_interval,
)

DOMAIN_POLICY_ATTRIBUTES = (
    "minPwdAge",
    "maxPwdAge",
    "minPwdLength",
    "pwdHistoryLength",
    "lockoutThreshold",
    "lockoutDuration",
    "lockOutObservationWindow",
    "pwdProperties",
)

FINE_GRAINED_POLICY_ATTRIBUTES = (
    "objectClass",
    "objectGUID",
    "msDS-PasswordSettingsPrecedence",
    "msDS-PSOAppliesTo",
    "msDS-MinimumPasswordAge",
    "msDS-MaximumPasswordAge",
    "msDS-MinimumPasswordLength",
    "msDS-PasswordHistoryLength",
    "msDS-LockoutThreshold",
    "msDS-LockoutDuration",
    "msDS-LockoutObservationWindow",
)


def domain_policy(head: Entry) -> PasswordPolicy | None:
    """The domain's own policy; None when none of it may be read (a domain head always has it)."""
    if not any(head.has(attribute) for attribute in DOMAIN_POLICY_ATTRIBUTES):
        return None
    return PasswordPolicy(
        name="domain policy",
        minimum_age=duration_from_interval(head.integer("minPwdAge")),
        maximum_age=unbounded_from_interval(head.integer("maxPwdAge")),
        minimum_length=head.integer("minPwdLength"),
        history_length=head.integer("pwdHistoryLength"),
        lockout_threshold=head.integer("lockoutThreshold"),
        lockout_duration=unbounded_from_interval(head.integer("lockoutDuration")),
        lockout_window=duration_from_interval(head.integer("lockOutObservationWindow")),
        properties=head.integer("pwdProperties"),
    )


def fine_grained_policy(entry: Entry) -> FineGrainedPolicy:
    """A msDS-PasswordSettings object; what of it may not be read is None."""
    return FineGrainedPolicy(
        distinguished_name=entry.distinguished_name,
        policy=PasswordPolicy(
            name=rdn_value(entry.distinguished_name),
            minimum_age=duration_from_interval(entry.integer("msDS-MinimumPasswordAge")),
            maximum_age=unbounded_from_interval(entry.integer("msDS-MaximumPasswordAge")),
            minimum_length=entry.integer("msDS-MinimumPasswordLength"),
            history_length=entry.integer("msDS-PasswordHistoryLength"),
            lockout_threshold=entry.integer("msDS-LockoutThreshold"),
            lockout_duration=unbounded_from_interval(entry.integer("msDS-LockoutDuration")),
            lockout_window=duration_from_interval(entry.integer("msDS-LockoutObservationWindow")),
        ),
        precedence=entry.integer("msDS-PasswordSettingsPrecedence"),
        applies_to=entry.texts("msDS-PSOAppliesTo"),
        guid=entry.guid("objectGUID"),
    )
