"""`preflight diagnose` on a live domain: a cause is found, mended, and tested again over fresh connections."""

from __future__ import annotations

import os
import sys

import pytest

pexpect = pytest.importorskip("pexpect")

DENY = "(OD;CI;CR;00299570-246d-11d0-a768-00aa006e0529;;<MSOL_0123abcd>)"


def test_a_cause_is_mended_and_tested_again(own_forest, tmp_path) -> None:
    where = own_forest.dn("OU=People")
    config = own_forest.write_configuration(tmp_path / "preflight.toml")
    with own_forest.undoing():
        own_forest.admin.add_aces(where, DENY, first=True)
        admin = pexpect.spawn(
            sys.executable,
            ["-m", "preflight", "diagnose", "--code", "33004", "--config", str(config)],
            env={**os.environ, **own_forest.environment, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "120"},
            dimensions=(60, 120),
            encoding="utf-8",
            timeout=60,
        )
        admin.expect("look at it")
        admin.sendline("")
        admin.expect("the cause")
        admin.expect("test again")
        own_forest.admin.remove_aces(where, DENY)
        admin.sendline("")
        admin.expect("excluded")
        admin.expect(r"2/\d+")
        admin.expect("look at it")
        admin.sendline("q")
        admin.expect("NO CAUSE FOUND")
        admin.expect(pexpect.EOF)
        admin.close()
