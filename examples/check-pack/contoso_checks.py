"""Contoso's own checks: its policy, and something counted over every user."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import Finding, Severity, check, passed, unknown, warn
from preflight.directory.model import Domain, User
from preflight.directory.users.scope import Standing
from preflight.directory.users.survey import Survey

LEAST_LENGTH = 14
MOST_EXAMPLES = 5


@check(
    id="policy.contoso-length",
    title="Passwords are as long as Contoso wants them",
    severity=Severity.ADVISORY,
    each="domain",
    requires=("directory.bind",),
    codes={"too-short": "shorter passwords are allowed", "unreadable": "the policy could not be read"},
)
def password_length(domain: Domain) -> Iterator[Finding]:
    """Looks at the minimum length in the domain's policy. To mend: set it to 14."""
    length = domain.policy.minimum_length if domain.policy else None
    if length is None:
        yield unknown(
            "unreadable",
            "the minimum length is not readable",
            expected=f"at least {LEAST_LENGTH} characters",
            observed="nothing",
            remedy="Let the reader read the domain's head.",
        )
    elif length < LEAST_LENGTH:
        yield warn(
            "too-short",
            f"{length} characters will do",
            expected=f"at least {LEAST_LENGTH} characters",
            observed=str(length),
            remedy=f"Set-ADDefaultDomainPasswordPolicy -Identity {domain.name} -MinPasswordLength {LEAST_LENGTH}",
        )
    else:
        yield passed(f"at least {length} characters")


class WithoutMail:
    """Enabled users without a mail address, counted while preflight reads every user once.

    A fold stays small: it keeps counts and a few examples, never the users.
    """

    attributes = frozenset({"userAccountControl", "mail"})
    """What must be read of each user; asked for together with what other checks want."""

    def __init__(self) -> None:
        self.count = 0
        self.examples: list[str] = []

    def add(self, user: User, standing: Standing) -> None:
        if standing is Standing.IN_SCOPE and user.enabled and not user.text("mail"):
            self.count += 1
            if len(self.examples) < MOST_EXAMPLES:
                self.examples.append(user.distinguished_name)


@check(
    id="account.contoso-mail",
    title="Everybody has a mail address to which a notice of the reset can go",
    severity=Severity.ADVISORY,
    each="domain",
    requires=("directory.bind",),
    folds=(WithoutMail,),
    codes={"mail-missing": "enabled users have no mail address"},
)
def mail_address(survey: Survey) -> Iterator[Finding]:
    """Counts enabled users in scope without a mail address: nobody can tell them that their password was reset.

    To mend: fill in `mail`.
    """
    found = survey[WithoutMail]
    if found.count:
        yield warn(
            "mail-missing",
            f"{found.count} users have no mail address",
            expected="a mail address for everybody",
            observed="none",
            remedy="Fill in the attribute mail.",
            evidence={"examples": found.examples},
        )
    survey.ensure_complete()  # what was not read is unknown, never a pass
    if not found.count:
        yield passed("everybody has a mail address")
