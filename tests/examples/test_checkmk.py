"""The local check for Linux, run as the agent would: lines of its format and no error, whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from readme import REPOSITORY
from unit.outputs.test_plugins import LOCAL_CHECK

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell script")

SCRIPT = REPOSITORY / "examples" / "checkmk" / "preflight"
PROGRAM = Path(sys.executable).with_name("preflight")


def states(program: Path, configuration: Path) -> dict[str, int]:
    """By the service's name."""
    done = subprocess.run(
        [str(SCRIPT)],
        env={
            **os.environ,
            "PREFLIGHT": str(program),
            "PREFLIGHT_CONFIG": str(configuration),
            "HTTPS_PROXY": "http://127.0.0.1:9",  # nothing leaves the machine
            "XDG_DATA_HOME": str(configuration.parent),
        },
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = [LOCAL_CHECK.match(line) for line in done.stdout.splitlines()]
    assert all(lines), done.stdout
    return {line[2]: int(line[1]) for line in lines}


def test_a_run_gives_a_service_for_the_verdict_and_one_for_each_area(tmp_path: Path) -> None:
    (tmp_path / "preflight.toml").write_text('[service_bus]\nnamespaces = ["relay.contoso.invalid"]\n')
    found = states(PROGRAM, tmp_path / "preflight.toml")
    assert found["Password writeback"] in (2, 3)
    assert "Password writeback Network" in found


@pytest.mark.parametrize(
    ("program", "content"),
    [(PROGRAM, None), (PROGRAM, "[domian]\n"), (Path("/nowhere/preflight"), "")],
    ids=["no configuration", "an error in it", "no program"],
)
def test_what_goes_wrong_is_a_line_too(program: Path, content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "preflight.toml").write_text(content)
    assert states(program, tmp_path / "preflight.toml") == {"Password writeback": 3}
