"""The single-file program: one .pyz that any Python from 3.11 runs, without installing anything.

It holds pure Python only. pyspnego needs the compiled cryptography and stays out, and with it the sign-ins "kerberos"
and "negotiate". markupsafe is there without its compiled half, which only makes it quicker.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from archive import write_archive
from wheelhouse import LINUX, PLATFORMS, PYTHONS, WINDOWS, Target, collect

WITHOUT = frozenset({"pyspnego"})

HALF_COMPILED = ("markupsafe",)
"""Published as compiled wheels alone, and whole without what is compiled in them."""

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
        folder, pure = Path(name), Path(name, "pure")
        for distribution in HALF_COMPILED:
            _make_pure(distribution, pure)
        for markers in (WINDOWS, LINUX):
            collect(wheel, folder, Target("any", (), PYTHONS[0], markers, compiled=False), without=WITHOUT, beside=pure)
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


def _make_pure(distribution: str, folder: Path) -> None:
    """A wheel for any machine from a compiled one: the same without its extension modules."""
    (platform, *_), _ = PLATFORMS["manylinux_x86_64"]
    with tempfile.TemporaryDirectory(prefix="preflight-compiled-") as name:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            name,
            "--only-binary=:all:",
        ]
        command += ["--platform", platform, "--python-version", PYTHONS[0], distribution]
        subprocess.run(command, check=True)
        [compiled] = Path(name).glob("*.whl")
        contents = _contents(compiled)
    kept = {path: content for path, content in contents.items() if not path.endswith((".so", ".c"))}
    [record] = [path for path in kept if path.endswith(".dist-info/RECORD")]
    [tags] = [path for path in kept if path.endswith(".dist-info/WHEEL")]
    lines = kept[record].splitlines(keepends=True)
    kept[record] = b"".join(
        line for line in lines if line.partition(b",")[0].decode() in kept and tags.encode() not in line
    )
    kept[record] += f"{tags},,\n".encode()
    kept[tags] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    folder.mkdir(exist_ok=True)
    version = compiled.name.split("-")[1]
    write_archive(folder / f"{distribution}-{version}-py3-none-any.whl", kept)
