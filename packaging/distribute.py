"""`make dist`: what is carried to servers without internet.

    python packaging/distribute.py [--into dist] [wheel] [pyz] [win_amd64] [manylinux_x86_64]

Asks PyPI for the dependencies; nothing is installed. Without a word after it, everything is made.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from archive import write_archive
from own_wheel import REPOSITORY, build_wheel
from packaging.utils import parse_wheel_filename
from single_file import build_single_file
from wheelhouse import PLATFORMS, PYTHONS, collect, targets

INSTALL = """\
writeback-preflight {version}, with everything it needs, for Python {first} to {last}, {platform}.
No internet access is needed. Nothing is installed outside the folder that you choose.

{steps}
Then:   preflight demo          a sample forest; sends nothing
        preflight --help
README.md beside this file says the rest.
"""

WINDOWS_STEPS = """\
In this folder, in PowerShell or cmd:

    py -m venv C:\\preflight
    C:\\preflight\\Scripts\\python -m pip install --no-index --find-links wheels writeback-preflight
    C:\\preflight\\Scripts\\preflight --version
"""

LINUX_STEPS = """\
In this folder (glibc 2.28 or later; that is RHEL 8, Debian 10, Ubuntu 20.04):

    python3 -m venv /opt/preflight
    /opt/preflight/bin/pip install --no-index --find-links wheels writeback-preflight
    /opt/preflight/bin/preflight --version

Signing in by Kerberos needs gssapi and krb5 as well. They are compiled where they run (gcc, libkrb5-dev), so they are
not in here; sign in with user and password over LDAPS instead.
"""


def distribute(into: Path, parts: list[str]) -> list[Path]:
    into.mkdir(parents=True, exist_ok=True)
    made = []
    with tempfile.TemporaryDirectory(prefix="preflight-dist-") as name:
        wheel = build_wheel(Path(name))
        version = str(parse_wheel_filename(wheel.name)[1])
        if "wheel" in parts:
            made.append(into / wheel.name)
            made[-1].write_bytes(wheel.read_bytes())
        if "pyz" in parts:
            made.append(into / f"preflight-{version}.pyz")
            build_single_file(wheel, made[-1])
        for platform in PLATFORMS:
            if platform in parts:
                made.append(into / f"writeback-preflight-{version}-wheelhouse-{platform}.zip")
                _write_wheelhouse(wheel, version, platform, made[-1])
    return made


def _write_wheelhouse(wheel: Path, version: str, platform: str, destination: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="preflight-house-") as name:
        folder = Path(name)
        for target in targets(platform):
            collect(wheel, folder, target)
        wheels = [wheel, *sorted(folder.glob("*.whl"))]
        steps = WINDOWS_STEPS if platform.startswith("win") else LINUX_STEPS
        text = INSTALL.format(version=version, first=PYTHONS[0], last=PYTHONS[-1], platform=platform, steps=steps)
        contents = {f"wheels/{each.name}": each.read_bytes() for each in wheels}
    # Notepad of older Windows shows lone line feeds as one long line.
    contents["INSTALL.txt"] = text.replace("\n", "\r\n").encode()
    contents |= {name: (REPOSITORY / name).read_bytes() for name in ("README.md", "LICENSE")}
    write_archive(destination, contents)


def main() -> int:
    everything = ["wheel", "pyz", *PLATFORMS]
    parser = argparse.ArgumentParser(description="Build what is carried to servers without internet.")
    parser.add_argument("parts", nargs="*", metavar="|".join(everything))
    parser.add_argument("--into", type=Path, default=Path("dist"))
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(everything):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(everything)}")
    try:
        made = distribute(arguments.into, arguments.parts or everything)
    except subprocess.CalledProcessError as error:
        print(f"dist: pip failed ({error.returncode}), see above: {' '.join(error.cmd[1:6])} ...", file=sys.stderr)
        return 1
    for path in made:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        print(f"{digest}  {path}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
