"""10,000 entries by every way of signing in that seals or encrypts: what breaks only with many pages, breaks here."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.large_forest import large_forest
from lab.forest import Forest

from preflight.directory.live.ldap import BindLedger, Credentials, LiveDirectory, SignIn
from preflight.directory.model import DomainController
from preflight.secret import Secret

COUNT = 10_000


@pytest.fixture(scope="module")
def crowd(lab: None) -> Iterator[Forest]:
    # Kerberos over TLS needs the allowance; negotiate seals whatever the controller wants.
    with large_forest(COUNT, strong_auth="allow_sasl_over_tls") as forest:
        yield forest


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("method", "port", "tls", "with_ticket"),
    [
        ("negotiate", 389, "none", True),
        ("negotiate", 389, "none", False),
        ("kerberos", 636, "ldaps", True),
        ("kerberos", 636, "ldaps", False),
        ("kerberos", 389, "starttls", False),
    ],
    ids=["negotiate, ticket", "negotiate, password", "LDAPS, ticket", "LDAPS, password", "StartTLS, password"],
)
def test_ten_thousand_entries(
    crowd: Forest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    method: str,
    port: int,
    tls: str,
    with_ticket: bool,
) -> None:
    monkeypatch.setenv("KRB5_CONFIG", str(crowd.dc.krb5_config))
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'tickets'}")
    if with_ticket:
        command = ["kinit", f"reader@{crowd.domain.upper()}"]
        subprocess.run(command, input=crowd.password + "\n", text=True, check=True, capture_output=True, timeout=30)
    directory = LiveDirectory(
        crowd.domain,
        [DomainController(crowd.host, port, tls, "configured")],
        SignIn(method, None if with_ticket else Credentials("reader", Secret(crowd.password))),
        ledger=BindLedger(),
        resolve=lambda _: [crowd.address],
        ca_file=crowd.ca_file,
    )
    try:
        seen = set()
        for page in directory.users(["sAMAccountName", "nTSecurityDescriptor"]):
            for user in page:
                assert user.raw["nTSecurityDescriptor"]
                seen.add(user.account_name)
    finally:
        directory.close()
    assert len({name for name in seen if name.startswith("staff")}) == COUNT
    assert {person.account for person in crowd.people} <= seen
