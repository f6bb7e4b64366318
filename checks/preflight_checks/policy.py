"""The password policies that a new password must pass."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from preflight.api import Finding, Severity, check, passed, unknown, warn
from preflight.directory.model import NO_CLEAR_CHANGE, Domain, FineGrainedPolicies, FineGrainedPolicy, PasswordPolicy


@check(
    id="policy.minimum-age",
    title="No minimum password age stands in the way",
    severity=Severity.ADVISORY,
    each="domain",
    requires=("directory.bind",),
    codes={
        "minimum-age": "a minimum password age is set",
        "unreadable": "a policy could not be read",
        "fine-grained-unreadable": "there may be fine-grained policies that the reader does not see",
    },
    event_codes=("33008", "6329", "0x80230619"),
)
def minimum_age(domain: Domain, fine_grained: FineGrainedPolicies) -> Iterator[Finding]:
    """Looks at the minimum password age of the domain and of every fine-grained policy.

    With policy hints a reset by writeback obeys the minimum age like a change: whoever has just changed his password
    can't reset it before the age is over (33008, 0x80230619). Active Directory's default is one day.

    To mend: set it to 0 where users may reset more than once a day.
    """
    policies = [("the domain policy", domain.policy, f"Set-ADDefaultDomainPasswordPolicy -Identity {domain.name}")]
    policies += [
        (
            f"the fine-grained policy {each.policy.name}",
            each.policy,
            f'Set-ADFineGrainedPasswordPolicy -Identity "{each.distinguished_name}"',
        )
        for each in fine_grained.policies
    ]
    good = True
    for name, policy, command in policies:
        age = policy.minimum_age if policy else None
        if age is None:
            good = False
            yield unknown(
                "unreadable",
                f"the minimum password age of {name} could not be read",
                subject=name,
                expected="a minimum password age",
                observed="not readable",
                remedy="Let the reader read the policy.",
            )
        elif age > timedelta(0):
            good = False
            yield warn(
                "minimum-age",
                f"{name} has a minimum password age of {duration(age)}",
                subject=name,
                expected="0: a password may be reset at any time",
                observed=duration(age),
                remedy=f"{command} -MinPasswordAge 0",
            )
    if not fine_grained.complete:
        good = False
        yield _more_may_exist(domain, fine_grained)
    if good:
        yield passed(f"no minimum age in {len(policies)} {'policy' if len(policies) == 1 else 'policies'}")


@check(
    id="policy.summary",
    title="The password policies are known",
    severity=Severity.ADVISORY,
    each="domain",
    requires=("directory.bind",),
    codes={
        "unreadable": "the domain's policy could not be read",
        "fine-grained-unreadable": "there may be fine-grained policies that the reader does not see",
        "no-clear-change": "the policy refuses every password in clear text",
    },
    event_codes=("33008", "6329", "0x80230619"),
)
def summary(domain: Domain, fine_grained: FineGrainedPolicies) -> Iterator[Finding]:
    """Shows the domain's password policy and every fine-grained one with whom it hits.

    The policy decides whether a new password is accepted: length, complexity, history. A fine-grained policy replaces
    the domain's as a whole. By default only administrators may read those, so "there are none" needs proof. Password
    filters and Entra Password Protection are not visible over LDAP.

    To mend: let the reader list and read the Password Settings Container, as the finding says.
    """
    if domain.policy is None:
        yield unknown(
            "unreadable",
            f"the password policy of {domain.name} could not be read",
            subject=domain.name,
            expected="minPwdLength and its neighbours on the domain's head",
            observed="not there, so not readable",
            remedy="Let the reader read the properties of the domain's head.",
        )
    else:
        yield passed(f"domain policy: {describe(domain.policy)}", subject=domain.name)
        if (domain.policy.properties or 0) & NO_CLEAR_CHANGE:
            yield warn(
                "no-clear-change",
                "the domain policy refuses every password in clear text (pwdProperties 4)",
                subject=domain.name,
                expected="pwdProperties without 4",
                observed=f"pwdProperties = {domain.policy.properties}",
                remedy="Clear DOMAIN_PASSWORD_NO_CLEAR_CHANGE in pwdProperties of the domain's head.",
            )
    for each in fine_grained.policies:
        yield passed(f"{each.policy.name}: {describe(each.policy)}; {hits(each)}", subject=each.policy.name)
    if not fine_grained.complete:
        yield _more_may_exist(domain, fine_grained)


def _more_may_exist(domain: Domain, fine_grained: FineGrainedPolicies) -> Finding:
    container = f"CN=Password Settings Container,CN=System,{domain.distinguished_name}"
    return unknown(
        "fine-grained-unreadable",
        f"fine-grained policies: {len(fine_grained.policies)} seen, and there may be more: {fine_grained.obstacle}",
        subject=container,
        expected="a Password Settings Container that the reader may list and read, on a live domain controller",
        observed=fine_grained.obstacle,
        remedy=f'Let the reader list and read it: dsacls "{container}" /I:T /G "<reader>:GR"\n'
        "An export never proves that there are no more: ask a live domain controller.",
    )


def describe(policy: PasswordPolicy) -> str:
    """The policy in a line; what could not be read is left out."""
    parts = [
        None if policy.minimum_length is None else f"at least {policy.minimum_length} characters",
        None if policy.properties is None else ("complex" if policy.properties & 1 else "not necessarily complex"),
        None if policy.history_length is None else f"the last {policy.history_length} not again",
        None if policy.minimum_age is None else f"minimum age {duration(policy.minimum_age)}",
        None if policy.maximum_age is None else _maximum_age(policy.maximum_age),
        None if policy.lockout_threshold is None else _lockout(policy),
    ]
    return ", ".join(part for part in parts if part)


def _maximum_age(age: timedelta) -> str:
    return "passwords never expire" if age == timedelta.max else f"maximum age {duration(age)}"


def _lockout(policy: PasswordPolicy) -> str:
    if not policy.lockout_threshold:
        return "no lockout"
    if policy.lockout_duration is None:
        return f"locked after {policy.lockout_threshold} wrong passwords"
    if policy.lockout_duration == timedelta.max:
        return f"locked after {policy.lockout_threshold} wrong passwords until an administrator unlocks"
    return f"locked after {policy.lockout_threshold} wrong passwords for {duration(policy.lockout_duration)}"


def hits(policy: FineGrainedPolicy) -> str:
    """Whom a fine-grained policy applies to."""
    if not policy.applies_to:
        return "applies to nobody"
    shown = ", ".join(policy.applies_to[:3])
    more = len(policy.applies_to) - 3
    return f"precedence {policy.precedence}, applies to {shown}" + (f" and {more} more" if more > 0 else "")


def duration(age: timedelta) -> str:
    """As a person says it."""
    if age == timedelta.max:
        return "never ends"
    if not age:
        return "none"
    for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count, rest = divmod(age.total_seconds(), seconds)
        if count and not rest:
            return f"{count:g} {unit}{'s' if count > 1 else ''}"
    return f"{age.total_seconds():g} seconds"
