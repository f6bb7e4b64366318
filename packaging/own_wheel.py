"""The project's own wheel, built from a copy: what an earlier build left in the work tree can't get into it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCES = ("preflight", "checks", "pyproject.toml", "README.md", "LICENSE")


def build_wheel(folder: Path) -> Path:
    """Build it into the folder.

    Raises:
        subprocess.CalledProcessError: pip has said why.
    """
    with tempfile.TemporaryDirectory(prefix="preflight-wheel-") as name:
        source = Path(name)
        for each in SOURCES:
            origin = REPOSITORY / each
            if origin.is_dir():
                shutil.copytree(origin, source / each, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
            else:
                shutil.copy2(origin, source / each)
        pip_wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        subprocess.run([*pip_wheel, "--wheel-dir", str(folder), str(source)], check=True)
    [wheel] = folder.glob("writeback_preflight-*.whl")
    return wheel
