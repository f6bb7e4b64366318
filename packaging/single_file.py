"""The single-file program: one .pyz that any Python from 3.11 runs, without installing anything.

It holds pure Python only. pyspnego needs the compiled cryptography and stays out, and with it the sign-ins "kerberos"
and "negotiate".
"""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from archive import write_archive
from wheelhouse import LINUX, PYTHONS, WINDOWS, Target, collect

WITHOUT = frozenset({"pyspnego"})

# Runs before anything is known of the Python: it must be readable to old ones.
MAIN = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("preflight needs Python 3.11 or later; this is Python %d.%d" % sys.version_info[:2])

from preflight.__main__ import main

main()
"""


def build_single_file(wheel: Path, destination: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="preflight-pyz-") as name:
        folder = Path(name)
        for markers in (WINDOWS, LINUX):
            collect(wheel, folder, Target("any", (), PYTHONS[0], markers, compiled=False), without=WITHOUT)
        contents: dict[str, bytes] = {"__main__.py": MAIN.encode()}
        for each in [wheel, *sorted(folder.glob("*.whl"))]:
            contents |= _contents(each)
    write_archive(destination, contents, start=b"#!/usr/bin/env python3\n")
    destination.chmod(0o755)


def _contents(wheel: Path) -> dict[str, bytes]:
    """The files of a pure wheel, as they lie in site-packages; the metadata too, by which check packs are found."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if stray := [name for name in names if ".data/" in name.partition("/")[0] + "/"]:
            raise ValueError(f"{wheel.name} wants files outside site-packages: {stray[0]}")
        return {name: archive.read(name) for name in names}
