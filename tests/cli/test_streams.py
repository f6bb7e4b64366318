"""Standard streams that are closed or full: a scheduler's, a service's. The verdict's exit code still comes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="redirections of a POSIX shell")

NOT_READY = 3


def demo(redirections: str, *, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", f'"$0" -m preflight demo -o json=report.json {redirections}', sys.executable],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


@pytest.mark.parametrize("redirections", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_cost_neither_the_exit_code_nor_the_files(redirections: str, tmp_path: Path) -> None:
    done = demo(redirections, cwd=tmp_path)
    assert done.returncode == NOT_READY
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["verdict"] == "not_ready"
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_a_full_disk_under_standard_output_is_said_and_is_no_defect_of_the_tool(tmp_path: Path) -> None:
    done = demo(">/dev/full", cwd=tmp_path)
    assert done.returncode == 2
    assert "standard output can't be written" in done.stderr
    assert "defect" not in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["verdict"] == "not_ready"
