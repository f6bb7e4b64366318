"""The check pack is installed as any package, found, and its own tests pass beside the program."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
from pathlib import Path

import pytest
from readme import REPOSITORY

pytestmark = pytest.mark.slow


def run(*command: str, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PREFLIGHT"))}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=200)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def test_it_is_installed_and_its_tests_pass(tmp_path: Path) -> None:
    pack = tmp_path / "check-pack"
    shutil.copytree(REPOSITORY / "examples" / "check-pack", pack)
    run(sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv"), cwd=tmp_path)
    python = str(tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    # preflight, pytest and what they need are taken from here; the pack is built and installed for itself.
    packages = Path(run(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=tmp_path).strip())
    (packages / "here.pth").write_text(f"import site; site.addsitedir({site.getsitepackages()[0]!r})\n")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", str(pack), cwd=tmp_path)
    listed = run(python, "-m", "preflight", "list", cwd=tmp_path)
    assert "policy.contoso-length" in listed
    assert "set it to 14" in run(python, "-m", "preflight", "explain", "policy.contoso-length", cwd=tmp_path)
    assert "6 passed" in run(python, "-m", "pytest", "-q", cwd=pack)
