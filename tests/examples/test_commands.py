"""The command lines that examples hold are such as the program takes, and say the same everywhere."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
from lxml import etree
from readme import REPOSITORY
from unit.outputs import samples

from preflight.cli import call
from preflight.outputs.json import render
from preflight.outputs.plugin import State

EXAMPLES = REPOSITORY / "examples"
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
WINDOWS_FOLDER = r"C:\ProgramData\preflight"


def task() -> etree._Element:
    return etree.parse(EXAMPLES / "windows" / "preflight-task.xml").getroot()


def script(name: str) -> str:
    return (EXAMPLES / name).read_text("utf-8")


def command_lines() -> dict[str, list[str]]:
    """By the example that holds them, the words behind the program's name."""
    service = re.search(r"^ExecStart=\S+ (.*)$", script("systemd/preflight.service"), re.MULTILINE)
    nrpe = re.findall(
        r"command\[check_preflight\].*?/bin/preflight (.*)$", script("nagios/preflight.cfg"), re.MULTILINE
    )
    icinga = re.search(r"command = \[(.*?)\]", script("nagios/icinga2.conf"))
    checkmk = {
        name: re.search(r"(run --config .*?) 2>", script(f"checkmk/{name}")) for name in ("preflight", "preflight.ps1")
    }
    assert service and len(nrpe) == 2 and icinga and all(checkmk.values())
    return {
        "systemd": shlex.split(service[1]),
        "nrpe, rendering": shlex.split(nrpe[0]),
        "nrpe, running": shlex.split(nrpe[1]),
        "icinga2": [word.strip('", ') for word in icinga[1].split(",")][1:],
        "Task Scheduler": shlex.split(task().findtext(f".//{TASK}Arguments").replace("\\", "/")),
        **{f"checkmk/{name}": shlex.split(found[1]) for name, found in checkmk.items()},
    }


@pytest.mark.parametrize("name", command_lines())
def test_the_program_takes_them(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "last.json").write_text(render(samples.green()))
    (tmp_path / "preflight.toml").write_text('[service_bus]\nnamespaces = ["127.0.0.1:1"]\n')
    words = [_here(word, tmp_path) for word in command_lines()[name]]
    if words[0] == "run":
        assert call([*words, "--dry-run"]) == 0
        assert "127.0.0.1" in capsys.readouterr().out
    else:
        assert call(words) in (State.OK, State.UNKNOWN)  # the sample is old
        assert capsys.readouterr().out.startswith("WRITEBACK ")


def _here(word: str, folder: Path) -> str:
    """The word with a file of this test instead of the example's."""
    word = word.replace("$preflight_report$", "/last.json")
    if word in ("$CONFIG", "$config"):
        return str(folder / "preflight.toml")
    return re.sub(r"(?:[A-Z]:)?(?:/[\w.]+)*/([\w.]+\.(?:toml|json|prom|sqlite))$", rf"{folder}/\1", word)


def test_the_task_and_the_script_that_registers_it_say_the_same() -> None:
    registering = script("windows/Register-PreflightTask.ps1")
    arguments = re.search(r'^\$arguments = "(.*)"$', registering, re.MULTILINE)
    assert arguments[1].replace('""', '"').replace("$Folder", WINDOWS_FOLDER) == task().findtext(f".//{TASK}Arguments")
    assert re.search(r"\$Program = '(.*)'", registering)[1] == task().findtext(f".//{TASK}Command")
    assert re.search(r"\$Folder = '(.*)'", registering)[1] == WINDOWS_FOLDER
    assert "New-TimeSpan -Minutes 15" in registering
    assert task().findtext(f".//{TASK}Interval") == "PT15M"
    assert registering.count("{") == registering.count("}")
    assert registering.isascii()  # Windows PowerShell 5 reads a script without a mark in the machine's code page


def test_the_task_is_one_that_the_task_scheduler_takes() -> None:
    """The rules of the Task Scheduler schema for the elements used here; no Windows is at hand."""
    assert task().tag == f"{TASK}Task"
    assert re.fullmatch(r"1\.[234]", task().get("version"))
    [principal] = task().findall(f"{TASK}Principals/{TASK}Principal")
    [action] = task().findall(f"{TASK}Actions")
    assert action.get("Context") == principal.get("id")
    order = [child.tag.removeprefix(TASK) for child in task().find(f"{TASK}Triggers/{TASK}TimeTrigger")]
    assert order == ["Enabled", "StartBoundary", "Repetition", "RandomDelay"]  # a sequence, the rest in any order
    assert principal.findtext(f"{TASK}LogonType") in ("Password", "S4U", "InteractiveToken")
    assert principal.findtext(f"{TASK}RunLevel") == "LeastPrivilege"
    assert len(task().findtext(f".//{TASK}Command")) <= 260
    for duration in ("Interval", "RandomDelay", "ExecutionTimeLimit"):
        assert re.fullmatch(r"PT\d+M", task().findtext(f".//{TASK}{duration}"))


def test_the_configuration_of_nagios_defines_what_it_uses() -> None:
    objects = re.findall(r"^define (\w+) \{\n(.*?)^\}", script("nagios/preflight.cfg"), re.MULTILINE | re.DOTALL)
    defined = {kind: dict(re.findall(r"^\s+(\w+)\s+(.*)$", body, re.MULTILINE)) for kind, body in objects}
    assert defined["service"]["check_command"] == defined["command"]["command_name"]
    assert "-c check_preflight" in defined["command"]["command_line"]
    icinga = script("nagios/icinga2.conf")
    assert icinga.count("{") == icinga.count("}") and icinga.count("[") == icinga.count("]")
    assert re.search(r'object CheckCommand "(\w+)"', icinga)[1] == re.search(r'check_command = "(\w+)"', icinga)[1]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_scripts_can_be_run() -> None:
    assert (EXAMPLES / "checkmk" / "preflight").stat().st_mode & 0o111
