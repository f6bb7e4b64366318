"""A history as a user sees it: when a run is recorded, what `preflight history` says, what goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.cli.sample import sample_folder

ONLY = ("--only", "dc.policy-hints", "--quiet")
FILE = ("--history", "h.sqlite3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with sample_folder() as sample:
        for file in sample.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def preflight(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    # Where nothing else is said, the history goes into the test's own folder.
    home = dict.fromkeys(("STATE_DIRECTORY", "ProgramData", "LOCALAPPDATA"), str(folder / "state"))
    return subprocess.run(
        [sys.executable, "-m", "preflight", *arguments],
        cwd=folder,
        env={**clean, **home, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    done = preflight(folder, "run", "--config", "preflight.toml", *ONLY, *options)
    assert done.returncode == 3, done.stderr
    return done


def databases(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.sqlite3"))


def test_a_run_writes_nothing_unasked(folder: Path) -> None:
    run(folder)
    run(folder, "--no-history", "--profile", "monitor")
    assert databases(folder) == []
    run(folder, *FILE)
    assert databases(folder) == ["h.sqlite3"]
    run(folder, "--profile", "monitor")
    assert len(databases(folder)) == 2


def test_a_table_of_the_configuration_asks_for_it(folder: Path) -> None:
    configuration = folder / "preflight.toml"
    text = configuration.read_text("utf-8")
    configuration.write_text(text + '\n[history]\nfile = "mine.sqlite3"\n', "utf-8")
    run(folder)
    assert databases(folder) == ["mine.sqlite3"]
    assert "1 run since" in preflight(folder, "history", "--config", "preflight.toml").stdout
    configuration.write_text(text + '\n[history]\nfile = "other.sqlite3"\nenabled = false\n', "utf-8")
    run(folder, "--profile", "monitor")
    assert databases(folder) == ["mine.sqlite3"]


def test_what_the_history_says(folder: Path) -> None:
    for _ in range(3):
        run(folder, *FILE, "-o", "json=report.json")
    report = json.loads((folder / "report.json").read_text("utf-8"))
    assert report["past"]["runs"] == 3
    said = preflight(folder, "history", *FILE)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("3 runs since ")
    assert "NOT READY" in said.stdout
    assert "dc.policy-hints" in said.stdout
    one = json.loads(preflight(folder, "history", "dc.policy-*", *FILE, "--format", "json").stdout)
    assert one["runs"] == 3
    assert one["last"]["id"] == report["run"]["id"]
    assert {(each["target"], each["status"], len(each["periods"])) for each in one["checks"]} == {
        ("dc1.corp.contoso.com:389", "pass", 1),
        ("dc2.corp.contoso.com:389", "fail", 1),
    }
    listed = preflight(folder, "history", "--runs", *FILE).stdout
    assert len(listed.splitlines()) == 3
    assert listed.startswith(report["run"]["id"][:8])
    shown = preflight(folder, "history", "--show", report["run"]["id"][:8], *FILE, "--format", "json")
    assert shown.returncode == 0
    assert json.loads(shown.stdout) == {name: value for name, value in report.items() if name != "past"}
    assert json.loads(preflight(folder, "history", "--runs", *FILE, "--format", "json").stdout)[0] == {
        "id": report["run"]["id"],
        "started": report["run"]["started"],
        "duration_s": report["run"]["duration_s"],
        "profile": "preflight",
        "only": ["dc.policy-hints"],
        "skip": [],
        "verdict": "not_ready",
        "interrupted": False,
    }


def test_a_history_that_cannot_be_written_is_said_and_changes_no_verdict(folder: Path) -> None:
    done = run(folder, "--history", "preflight.toml", "-o", "json=report.json")
    assert "preflight.toml is a text file" in done.stderr
    report = json.loads((folder / "report.json").read_text("utf-8"))
    assert "preflight.toml is a text file" in report["run"]["notes"][0]
    assert "past" not in report
    assert "[[domain]]" in (folder / "preflight.toml").read_text("utf-8")


def test_a_damaged_one_is_set_aside_and_said(folder: Path) -> None:
    (folder / "h.sqlite3").write_bytes(b"\xff" * 5000)
    done = run(folder, *FILE)
    assert "set aside as h.sqlite3.damaged-" in done.stderr
    assert "set aside" in done.stdout
    assert not run(folder, *FILE).stderr
    [aside] = folder.glob("h.sqlite3.damaged-*")
    assert aside.read_bytes() == b"\xff" * 5000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["history", *FILE], ["there is no history h.sqlite3 yet"]),
        (["history", "--history", "preflight.toml"], ["text file"]),
        (["history", "dc", "--runs", *FILE], ["--runs"]),
        (["history", "--format", "junit", *FILE], ["--show"]),
        (["history", "--days", "0", *FILE], ["--days"]),
        (["history", "-o", "json=x.json", *FILE], ["--show"]),
        (["run", "--config", "preflight.toml", *FILE, "--no-history"], ["--no-history"]),
    ],
)
def test_a_mistake_gets_one_paragraph_and_exit_code_2(arguments: list[str], said: list[str], folder: Path) -> None:
    done = preflight(folder, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    for words in said:
        assert words in done.stderr


def test_a_check_or_run_that_is_not_there_is_named(folder: Path) -> None:
    run(folder, *FILE)
    assert "Did you mean 'dc.policy-hints'?" in preflight(folder, "history", "dc.policyhints", *FILE).stderr
    assert "no run 'ffffff-nowhere'" in preflight(folder, "history", "--show", "ffffff-nowhere", *FILE).stderr


def test_a_dry_run_says_when_users_are_read(folder: Path) -> None:
    dry = ("run", "--config", "preflight.toml", "--dry-run")
    monitor = preflight(folder, *dry, "--profile", "monitor")
    assert "users are read unless the history says that they were within 24 h" in monitor.stdout
    assert "unless the history" not in preflight(folder, *dry).stdout
    assert databases(folder) == []


def test_users_are_carried_along_by_monitor_runs_alone(folder: Path) -> None:
    def carried(*options: str) -> set[str]:
        skipped = [word for area in ("dns", "network", "clock", "dc.ports") for word in ("--skip", area)]
        arguments = ["run", "--config", "preflight.toml", *skipped, *FILE, "--quiet", "--format", "json", *options]
        document = json.loads(preflight(folder, *arguments).stdout)
        return {result["check"] for result in document["results"] if "as_of" in result}

    assert carried("--profile", "monitor") == set()
    assert "anchors.unique" in carried("--profile", "monitor")
    assert carried("--profile", "monitor", "--only", "permissions") == set()  # what is asked for is looked at
    assert carried() == set()
