"""What a monitoring system gets whatever happens: one line of its own format on standard output, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from unit.outputs.test_plugins import LOCAL_CHECK

UNKNOWN, CRITICAL = 3, 2
DOMAIN = '[[domain]]\nname = "corp.contoso.com"\nuser = "reader@corp.contoso.com"\npassword_env = "NOT_SET"\n'


def preflight(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "preflight", *arguments],
        cwd=cwd,
        env={**os.environ, "PREFLIGHT_CONFIG": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


MISTAKES: dict[str, tuple[list[str], str]] = {
    "no domain": (["run"], "which domain?"),
    "no configuration": (["run", "--config", "nowhere.toml"], "nowhere.toml"),
    "a missing password": (["run", "--config", "preflight.toml"], "NOT_SET, named by password_env, isn't set"),
    "a wrong pattern": (["run", "--only", "dsn"], "dsn"),
    "a wrong option": (["run", "--domian", "corp.contoso.com"], "No such option: --domian"),
    "a wrong command": (["rnu"], "rnu"),
    "a wrong word": (["run", "--timeout", "soon"], "soon"),
    "no report": (["render", "nowhere.json"], "no such file"),
    "no argument": (["render"], "REPORT"),
    "no folder for the file": (["demo", "-o", "json=nowhere/x.json"], "Create it first"),
    "a command that has other formats": (["audit", "--domain", "corp.contoso.com"], "unknown"),
}


@pytest.mark.parametrize("format", [["--format", "nagios"], ["--format=checkmk"]], ids=["nagios", "checkmk"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_unknown(mistake: str, format: list[str], tmp_path: Path) -> None:
    arguments, words = MISTAKES[mistake]
    (tmp_path / "preflight.toml").write_text(DOMAIN)
    done = preflight(*arguments, *format, cwd=tmp_path)
    assert done.returncode == UNKNOWN
    assert done.stderr == ""  # some systems read it into the same text
    [line] = done.stdout.splitlines()
    assert words in line
    if format[-1] == "nagios":
        assert line.startswith("WRITEBACK UNKNOWN - ")
    else:
        assert LOCAL_CHECK.match(line)[1] == "3"


def test_the_format_counts_wherever_it_stands_and_the_last_one(tmp_path: Path) -> None:
    assert preflight("--format", "nagios", "rnu", cwd=tmp_path).returncode == UNKNOWN
    assert preflight("run", "--format", "nagios", "--format", "human", cwd=tmp_path).returncode == 2
    assert preflight("run", "--format", "human", "--format=nagios", cwd=tmp_path).returncode == UNKNOWN


@pytest.mark.parametrize(("format", "code"), [("nagios", CRITICAL), ("checkmk", 0)])
def test_the_exit_code_is_the_conventions(format: str, code: int, tmp_path: Path) -> None:
    done = preflight("demo", "--format", format, "-o", "json=report.json", "-o", "x.prom", cwd=tmp_path)
    assert done.returncode == code
    assert done.stderr == ""
    assert "NOT READY" in done.stdout
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["verdict"] == "not_ready"
    again = preflight("render", "report.json", "--format", format, cwd=tmp_path)
    assert (again.returncode, again.stdout) == (code, done.stdout)


@pytest.mark.parametrize("format", ["nagios", "checkmk"])
def test_a_file_that_cannot_be_written_is_not_hidden_behind_the_verdict(format: str, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    done = preflight("demo", "--only", "dns", "--format", format, "-o", "json=taken", cwd=tmp_path)
    assert done.returncode == UNKNOWN
    assert "taken is a directory" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_a_run_with_a_live_fault_ends_critical(tmp_path: Path) -> None:
    (tmp_path / "preflight.toml").write_text(
        '[[domain]]\nname = "corp.contoso.com"\ncontrollers = ["127.0.0.1:1"]\nuser = "x"\npassword_file = "p"\n'
        '[service_bus]\nnamespaces = ["127.0.0.1:1"]\n[network]\ntimeout = 1.0\n'
    )
    (tmp_path / "p").touch(0o600)
    (tmp_path / "p").write_text("secret")
    done = preflight("run", "--config", "preflight.toml", "--only", "dc.reachable", "--format", "nagios", cwd=tmp_path)
    assert done.returncode == CRITICAL, done.stdout
    assert re.match(r"WRITEBACK CRITICAL - NOT READY: 1 of \d+ blockers failed", done.stdout)
    assert done.stderr == ""


def test_a_defect_is_unknown_too(tmp_path: Path) -> None:
    script = (
        "import sys, preflight.cli.sample as sample, preflight.cli as cli\n"
        "def broken(**_): raise RuntimeError('no\\nluck | here')\n"
        "sample.show_demo = broken\n"
        "sys.exit(cli.call(['demo', '--format', 'nagios']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == UNKNOWN
    assert done.stdout.startswith("WRITEBACK UNKNOWN - broke: RuntimeError: no/nluck / here.")
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_the_exporter_may_read_its_file_and_nobody_else_the_report(tmp_path: Path) -> None:
    preflight("demo", "--only", "dns", "-o", "x.prom", "-o", "x.json", cwd=tmp_path)
    assert stat.S_IMODE((tmp_path / "x.prom").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "x.json").stat().st_mode) == 0o600
