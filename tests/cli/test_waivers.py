"""Waivers as a user gives them: on a run over an export whose controller lacks the policy-hints control."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.cli.sample import sample_folder

WAIVER = "[[waiver]]\ncheck = 'dc.policy-hints'\nreason = 'a lab'\nowner = 'anna'\nuntil = {until}\n"
RUN = [sys.executable, "-m", "preflight", "run", "--config", "preflight.toml", "--only", "dc.policy-hints"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with sample_folder() as sample:
        for file in sample.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, *options], cwd=folder, env=ENVIRONMENT, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


def write(folder: Path, until: str) -> Path:
    path = folder / "waivers.toml"
    path.write_text(WAIVER.format(until=until), "utf-8")
    return path


def test_a_waived_fail_no_longer_makes_the_verdict(folder: Path) -> None:
    assert run(folder).returncode == 3
    write(folder, "2999-12-31")
    done = run(folder, "--waivers", "waivers.toml", "-o", "json=report.json")
    assert done.returncode == 0, done.stdout
    assert "waived" in done.stdout
    assert "FAIL" in done.stdout
    report = json.loads((folder / "report.json").read_text("utf-8"))
    waived = [finding["waiver"] for result in report["results"] for finding in result["findings"] if finding["waiver"]]
    assert waived == [{"reason": "a lab", "owner": "anna", "until": "2999-12-31"}]


def test_the_configuration_may_name_the_file(folder: Path) -> None:
    write(folder, "2999-12-31")
    configuration = folder / "preflight.toml"
    configuration.write_text(configuration.read_text("utf-8") + '\n[waivers]\nfile = "waivers.toml"\n', "utf-8")
    assert run(folder).returncode == 0


def test_one_that_has_ended_is_said_and_counts_no_longer(folder: Path) -> None:
    write(folder, "2020-12-31")
    done = run(folder, "--waivers", "waivers.toml")
    assert done.returncode == 3
    assert "ended with 2020-12-31" in " ".join(done.stdout.split())
