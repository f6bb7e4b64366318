"""The lab's healthy forest with many more people in it, from the cache."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.administration import DEBIAN_PYTHON
from lab.domain_controller import DomainController, Recipe, cached, copy_provisioned
from lab.forest import Forest, seeded

LOADER = Path(__file__).with_name("load_users.py")
LOADED_WITHIN = 900.0


@contextmanager
def large_forest(count: int, *, strong_auth: str = "yes") -> Iterator[Forest]:
    """A running forest with so many users beside the usual ones. Built once (a minute for 20,000), then copied."""
    recipe = Recipe()

    def build(folder: Path) -> None:
        copy_provisioned(seeded(recipe), folder)
        command = [DEBIAN_PYTHON, str(LOADER), str(folder), str(count)]
        subprocess.run(command, check=True, timeout=LOADED_WITHIN)

    name = f"{count} users by {hashlib.sha256(LOADER.read_bytes()).hexdigest()}"
    with DomainController(recipe, cached(name, build), strong_auth=strong_auth) as dc:
        dc.start()
        yield Forest(dc)
