"""All wheels that the program needs on another machine, whatever machine this is.

`pip download --platform` takes wheels of the other platform, but decides by *this* machine which dependencies there
are: asked on Linux for Windows, it leaves out what only Windows needs (sspilib, colorama). So the markers are evaluated
here, and pip is asked again until nothing is missing.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.parser import BytesParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename


@dataclass(frozen=True, slots=True)
class Target:
    """Where the wheels are to be installed.

    Attributes:
        platforms: tags as pip knows them, the preferred first.
        python: "3.11".
        markers: what PEP 508 says of that platform.
        compiled: False: wheels that run anywhere only.
    """

    name: str
    platforms: Sequence[str]
    python: str
    markers: Mapping[str, str]
    compiled: bool = True

    def needs(self, requirement: Requirement) -> bool:
        if requirement.marker is None:
            return True
        environment = {
            **self.markers,
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "extra": "events" if self.compiled else "",  # wheels alone, and servers need it most
        }
        return requirement.marker.evaluate(environment)


WINDOWS = {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"}
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {
    "win_amd64": (("win_amd64",), WINDOWS),
    # glibc 2.28 (RHEL 8, Debian 10) and later.
    "manylinux_x86_64": (("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"), LINUX),
}


def targets(platform: str) -> list[Target]:
    """One for each version of Python: one wheelhouse serves them all, as pip takes the wheels that fit."""
    tags, markers = PLATFORMS[platform]
    return [Target(f"{platform}, Python {python}", tags, python, markers) for python in PYTHONS]


def collect(
    wheel: Path, folder: Path, target: Target, *, without: frozenset[str] = frozenset(), beside: Path | None = None
) -> None:
    """Put into the folder every wheel that this one needs there, except those of the distributions in `without`.

    Args:
        beside: a folder with wheels that the index has not.

    Raises:
        subprocess.CalledProcessError: pip could not find one, and has said which.
    """
    wanted: dict[str, Requirement] = {}
    missing = _missing([wheel], wanted, target, without)
    while missing:
        wanted |= missing
        with tempfile.TemporaryDirectory(prefix="preflight-wheels-") as name:
            # From the start: so that one resolution sees all requirements.
            _download(list(wanted.values()), Path(name), target, beside)
            found = sorted(Path(name).glob("*.whl"))
            missing = _missing([wheel, *found], {**wanted, **{_name_of(each): None for each in found}}, target, without)
            if not missing:
                for each in found:
                    if _name_of(each) not in without:
                        each.replace(folder / each.name)


def _missing(
    wheels: Iterable[Path], known: Mapping[str, object], target: Target, without: frozenset[str]
) -> dict[str, Requirement]:
    missing = {}
    for wheel in wheels:
        for requirement in requirements(wheel):
            name = canonicalize_name(requirement.name)
            if name not in known and name not in without and target.needs(requirement):
                missing[name] = Requirement(f"{requirement.name}{requirement.specifier}")
    return missing


def _download(wanted: Sequence[Requirement], folder: Path, target: Target, beside: Path | None) -> None:
    if target.compiled:
        which = [word for tag in target.platforms for word in ("--platform", tag)]
    else:
        which = ["--platform", "any", "--implementation", "py", "--abi", "none"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder), "--only-binary=:all:"]
    command += ["--find-links", str(beside)] if beside is not None else []
    subprocess.run([*command, "--python-version", target.python, *which, *map(str, wanted)], check=True)


def requirements(wheel: Path) -> list[Requirement]:
    """What a wheel's metadata asks for, extras included."""
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
        headers = BytesParser().parsebytes(archive.read(metadata), headersonly=True)
    return [Requirement(line) for line in headers.get_all("Requires-Dist", [])]


def _name_of(wheel: Path) -> str:
    return parse_wheel_filename(wheel.name)[0]
