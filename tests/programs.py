"""Programs of other people that tests run: without them a test is skipped, or fails where nothing may be left out."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str, package: str) -> str:
    """Where it is; the Debian package has it."""
    found = shutil.which(name)
    if found is not None:
        return found
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{name} is missing: apt-get install {package}")
    pytest.skip(f"needs {name} (Debian: {package})")
