"""What a command imports: every millisecond of a monitoring check is paid at each start."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"ldap3", "pyasn1", "requests", "dns", "spnego", "jinja2", "cryptography", "rich", "asyncio", "ssl"}

SCRIPT = """
import json, sys
from preflight.cli import call
code = call(sys.argv[1:])
print(json.dumps({"code": code, "modules": sorted({name.partition(".")[0] for name in sys.modules})}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["list"],
        ["run", "--help"],
        ["render", "--help"],
        ["explain", "dc.policy-hints"],
    ],
    ids=" ".join,
)
def test_libraries_are_imported_only_by_the_commands_that_use_them(arguments):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, encoding="utf-8", timeout=60, check=True
    )
    said = json.loads(done.stderr)
    assert said["code"] == 0
    assert done.stdout.strip()
    assert "preflight" in said["modules"]
    assert not HEAVY & set(said["modules"])
