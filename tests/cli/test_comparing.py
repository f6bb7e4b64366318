"""`preflight diff`, `run --fail-on new` and `preflight merge`, as a user gives them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from unit.outputs import samples

from preflight.cli.sample import sample_folder
from preflight.outputs.json import render
from preflight.report import Report

RUN = ("run", "--config", "preflight.toml", "--only", "dc.policy-hints", "--only", "policy.minimum-age", "--quiet")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with sample_folder() as sample:
        for file in sample.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    configuration = tmp_path / "preflight.toml"
    configuration.write_text(configuration.read_text("utf-8") + '\n[history]\nfile = "h.sqlite3"\n', "utf-8")
    return tmp_path


def preflight(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    return subprocess.run(
        [sys.executable, "-m", "preflight", *arguments],
        cwd=folder,
        env=clean,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def mend(folder: Path) -> None:
    """The second controller learns the controls."""
    export = folder / "forest.ldf"
    text = export.read_text("utf-8")
    known = "".join(f"supportedControl: 1.2.840.113556.1.4.{number}\n" for number in (2066, 2239))
    export.write_text(text.replace("dnsHostName: dc2", f"{known}dnsHostName: dc2", 1), "utf-8")


def save(folder: Path, name: str, report: Report) -> str:
    (folder / name).write_text(render(report), "utf-8")
    return name


# -- diff ---------------------------------------------------------------------------------------------------------


def test_two_files(folder: Path) -> None:
    old, new = save(folder, "old.json", samples.green()), save(folder, "new.json", samples.red())
    done = preflight(folder, "diff", old, new)
    assert done.returncode == 0, done.stderr
    assert "New (" in done.stdout
    assert preflight(folder, "diff", old, new, "--fail-on", "new").returncode == 3
    assert preflight(folder, "diff", new, new, "--fail-on", "new").returncode == 0
    assert json.loads(preflight(folder, "diff", old, new, "--format", "json").stdout)["counts"]["new"] >= 3
    assert preflight(folder, "diff", old, new, "--format", "markdown").stdout.startswith("# Password writeback")


def test_the_history_has_both_sides(folder: Path) -> None:
    assert preflight(folder, *RUN).returncode == 3
    assert "no earlier run" in preflight(folder, "diff", "history:last", "--config", "preflight.toml").stderr
    mend(folder)
    assert preflight(folder, *RUN, "-o", "json=now.json").returncode != 3
    for new in ("history:last", "now.json"):
        since = preflight(folder, "diff", new, "--config", "preflight.toml")
        assert since.returncode == 0, since.stderr
        assert "Gone (1)" in since.stdout
    first = json.loads(preflight(folder, "history", "--runs", "--format", "json", "--history", "h.sqlite3").stdout)[-1]
    named = preflight(folder, "diff", f"history:{first['id'][:8]}", "now.json", "--history", "h.sqlite3")
    assert "Gone (1)" in named.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["diff", "nowhere.json", "nowhere.json"], "nowhere.json"),
        (["diff", "a", "b", "c"], "two reports"),
        (["diff", "preflight.toml", "preflight.toml"], "preflight.toml"),
        (["diff", "x.json", "history:last", "--history", "none.sqlite3"], "no history none.sqlite3"),
        (["diff", "a", "b", "--format", "html"], "markdown"),
        (["diff", "a", "b", "--fail-on", "warn"], "never or new"),
        (["merge", "nowhere.json"], "nowhere.json"),
        (["merge", "nowhere.json", "--max-age", "1"], "nowhere.json"),
        (["run", "--domain", "a.test", "--fail-on", "new"], "--history"),
        (["run", "--domain", "a.test", "--wait", "5"], "5m"),
    ],
)
def test_a_mistake_gets_one_paragraph_and_exit_code_2(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "preflight.toml").write_text("[network]\n", "utf-8")
    done = preflight(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr


# -- run --fail-on new --------------------------------------------------------------------------------------------


def test_a_gate_fails_for_what_is_new_only(folder: Path) -> None:
    gate = (*RUN, "--fail-on", "new")
    first = preflight(folder, *gate)
    assert first.returncode == 3  # nothing to compare with: the verdict decides
    assert "nothing to compare with" in first.stderr
    known = preflight(folder, *gate)
    assert known.returncode == 0
    assert "NOT READY" in known.stdout
    assert not known.stderr
    before = (folder / "forest.ldf").read_text("utf-8")
    mend(folder)
    assert preflight(folder, *gate).returncode == 0
    (folder / "forest.ldf").write_text(before, "utf-8")
    back = preflight(folder, *gate)
    assert back.returncode == 3
    assert "new: dc.policy-hints (dc2.corp.contoso.com:389)" in back.stderr


def test_a_gate_stays_shut_where_less_was_looked_at(folder: Path) -> None:
    ready = save(folder, "ready.json", samples.green())
    nothing = save(folder, "nothing.json", replace(samples.green(), results=()))
    assert preflight(folder, "diff", ready, ready, "--fail-on", "new").returncode == 0
    assert preflight(folder, "diff", ready, nothing, "--fail-on", "new").returncode == 3


# -- merge --------------------------------------------------------------------------------------------------------


def server(host: str, mode: str) -> Report:
    report = samples.green()
    return replace(
        report, run=replace(report.run, host=host, sync_server_mode=mode, id=host, started=datetime.now(UTC))
    )


def test_servers_become_one_verdict_and_one_page(folder: Path) -> None:
    one, two = (
        save(folder, "one.json", server("SYNC01", "active")),
        save(folder, "two.json", server("SYNC02", "staging")),
    )
    done = preflight(folder, "merge", one, two, "-o", "json=all.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seen from SYNC02" in done.stdout
    assert "SYNC01 is active" in done.stdout
    document = json.loads((folder / "all.json").read_text("utf-8"))
    assert {result.get("host", "") for result in document["results"]} == {"", "SYNC01", "SYNC02"}
    again = preflight(folder, "merge", "all.json", one)
    assert again.returncode == 2
    assert "merged already" in again.stderr


def test_two_active_servers_are_a_fault(folder: Path) -> None:
    one, two = (
        save(folder, "one.json", server("SYNC01", "active")),
        save(folder, "two.json", server("SYNC02", "active")),
    )
    done = preflight(folder, "merge", one, two)
    assert done.returncode == 3
    assert "two-active-servers" in done.stdout
    explained = preflight(folder, "explain", "two-active-servers")
    assert explained.returncode == 0, explained.stderr
    assert "host.one-active-server" in explained.stdout
    assert "staging" in preflight(folder, "explain", "host.one-active-server").stdout


def test_what_is_too_old_is_to_be_said(folder: Path) -> None:
    one, two = server("SYNC01", "active"), server("SYNC02", "staging")
    old = [
        save(
            folder,
            f"{each.run.host}.json",
            replace(each, run=replace(each.run, started=each.run.started - timedelta(days=4))),
        )
        for each in (one, two)
    ]
    one_of_them = (save(folder, "one.json", one), old[1])
    assert preflight(folder, "merge", *one_of_them).returncode == 4
    assert preflight(folder, "merge", *one_of_them, "--max-age", "30d").returncode == 0
    # All alike, as where every schedule has stopped: none is older than the others.
    done = preflight(folder, "merge", *old)
    assert done.returncode == 4
    assert "is the schedule still running?" in " ".join(done.stdout.split())
    assert preflight(folder, "merge", *old, "--max-age", "30d").returncode == 0
