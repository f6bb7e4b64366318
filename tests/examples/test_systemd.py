"""The units, by systemd's own judgement: known keys, right values, little that the service may do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from programs import program
from readme import REPOSITORY

UNITS = REPOSITORY / "examples" / "systemd"


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a program that is there."""
    for unit in UNITS.iterdir():
        shutil.copy(unit, tmp_path)
    service = tmp_path / "preflight.service"
    here = str(Path(sys.executable).with_name("preflight"))
    service.write_text(service.read_text("utf-8").replace("/opt/preflight/bin/preflight", here), "utf-8")
    return tmp_path


def analyse(*arguments: str) -> subprocess.CompletedProcess[str]:
    tool = program("systemd-analyze", "systemd")
    return subprocess.run([tool, *arguments], capture_output=True, encoding="utf-8", timeout=60, check=False)


@pytest.mark.parametrize("unit", ["preflight.service", "preflight.timer"])
def test_systemd_finds_nothing_wrong(unit: str, units: Path) -> None:
    done = analyse("verify", "--recursive-errors=yes", str(units / unit))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("unit", "old", "new"),
    [
        ("preflight.service", "ProtectClock=yes", "ProtectClocks=yes"),
        ("preflight.service", "Type=oneshot", "Type=onceshot"),
        ("preflight.timer", "OnCalendar=*:0/15", "OnCalendar=every quarter"),
    ],
)
def test_systemd_would_find_it(unit: str, old: str, new: str, units: Path) -> None:
    text = (units / unit).read_text("utf-8")
    assert old in text
    (units / unit).write_text(text.replace(old, new))
    done = analyse("verify", "--recursive-errors=yes", str(units / unit))
    assert done.stderr


def test_it_looks_every_15_minutes() -> None:
    calendar = re.search(r"^OnCalendar=(.*)$", (UNITS / "preflight.timer").read_text("utf-8"), re.MULTILINE)[1]
    said = analyse("calendar", "--base-time=2026-11-25 10:07:00 UTC", "--iterations=3", calendar)
    assert re.findall(r"\b\d\d:\d\d:00 UTC", said.stdout) == ["10:15:00 UTC", "10:30:00 UTC", "10:45:00 UTC"]


def test_the_service_may_do_little(units: Path) -> None:
    """systemd's measure of exposure, from 0 to 10, times ten."""
    done = analyse("security", "--offline=yes", "--threshold=20", str(units / "preflight.service"))
    assert done.returncode == 0, done.stdout
