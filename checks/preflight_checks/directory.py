"""Signing in to the directory."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import Finding, Later, Severity, check, fail, not_applicable, passed
from preflight.directory.ldap_errors import REASONS, SignInFailed
from preflight.directory.port import Directory
from preflight.directory.reader import Reader


@check(
    id="directory.bind",
    title="The directory can be read",
    severity=Severity.BLOCKER,
    each="domain",
    requires=("dc.reachable",),
    codes={code: reason.meaning for code, reason in REASONS.items()},
    event_codes=("33004", "6329"),
)
def bind(directory: Later[Directory], reader: Reader) -> Iterator[Finding]:
    """Signs in to one domain controller, the PDC emulator first, and reads the head of the domain.

    A sign-in that is refused makes everything behind it unknown: it says something of the reader, nothing of
    writeback. Only where the reader is the connector account itself, and the controller refuses the account (disabled,
    expired, locked, password expired), writeback is refused the same way, and the check fails.

    A wrong password is sent once and to one controller only, so that no account is locked out by this tool.

    To mend: as the reason says. Signing required and channel binding required are settings of the controller: sign in
    with TLS and simple bind, or with `auth = "negotiate"` on port 389.
    """
    try:
        connected = directory()
        head = connected.domain()
    except SignInFailed as refusal:
        if not (reader.is_connector and refusal.account_state):
            raise
        yield fail(
            refusal.code,
            f"the domain controller refuses the connector account itself: {refusal.reason}",
            subject=reader.user,
            expected=f"{reader.user} can sign in, as Entra Connect does with every reset",
            observed=refusal.reason,
            remedy=refusal.remedy,
            evidence=refusal.evidence,
        )
        return
    if connected.live:
        yield passed(f"signed in to {connected.origin}", subject=head.name)
    else:
        yield not_applicable(f"{head.name} is read from {connected.origin}", subject=head.name)
