"""The verdicts need no server: a check is a function of facts. Then one run on preflight's own sample forest."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from contoso_checks import WithoutMail, password_length

from preflight.api import Status
from preflight.directory.model import User
from preflight.directory.users.scope import Standing


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        (SimpleNamespace(minimum_length=14), Status.PASS),
        (SimpleNamespace(minimum_length=7), Status.WARN),
        (SimpleNamespace(minimum_length=None), Status.UNKNOWN),
        (None, Status.UNKNOWN),
    ],
)
def test_length(policy, status):
    [finding] = password_length.function(SimpleNamespace(name="corp.contoso.com", policy=policy))
    assert finding.status is status


def test_who_counts():
    fold = WithoutMail()
    enabled, disabled = {"userAccountControl": [b"512"]}, {"userAccountControl": [b"514"]}
    for number, (raw, standing) in enumerate(
        [
            (enabled, Standing.IN_SCOPE),
            (enabled | {"mail": [b"ann@contoso.com"]}, Standing.IN_SCOPE),
            (enabled, Standing.EXCLUDED),
            (disabled, Standing.IN_SCOPE),
        ]
    ):
        fold.add(User(f"CN=User {number}", raw), standing)
    assert (fold.count, fold.examples) == (1, ["CN=User 0"])


def test_on_the_sample_forest():
    command = [sys.executable, "-m", "preflight", "demo", "--only", "*.contoso-*", "--format", "json", "--quiet"]
    report = json.loads(subprocess.run(command, capture_output=True, timeout=60, check=False).stdout)
    found = {result["check"]: result["status"] for result in report["results"] if result["role"] == "selected"}
    assert found == {"policy.contoso-length": "warn", "account.contoso-mail": "pass"}
