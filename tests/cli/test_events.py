"""`preflight events` as its user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from event_logs import FIXTURES, as_xml, guid, two_days

from preflight.cli import call
from preflight.events import LogFacts, UnreadableLog, digest
from preflight.events.live import LiveReading, command


def test_several_logs_are_one_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["events", str(FIXTURES / "application.evtx"), str(FIXTURES / "wevtutil.xml")]) == 0
    said = capsys.readouterr()
    assert "6 of 9 succeeded" in said.out
    assert "events stand in several logs" in said.out
    assert said.err == ""


def test_standard_input_in_every_form() -> None:
    for name in ("application.evtx", "rendered.utf16.xml", "powershell5.json"):
        done = subprocess.run(
            [sys.executable, "-m", "preflight", "events", "-", "--format", "json"],
            input=(FIXTURES / name).read_bytes(),
            capture_output=True,
            timeout=60,
            check=True,
        )
        document = json.loads(done.stdout)
        assert (document["attempts"]["failed"], document["logs"][0]["name"]) == (3, "-")
        assert done.stderr == b""


def test_filters(capsys: pytest.CaptureFixture[str]) -> None:
    log = str(FIXTURES / "wevtutil.xml")

    def failed(*options: str) -> tuple[int, int]:
        assert call(["events", log, "--format", "json", *options]) == 0
        attempts = json.loads(capsys.readouterr().out)["attempts"]
        return attempts["succeeded"], attempts["failed"]

    assert failed("--user", "BOB@contoso.com") == (0, 2)
    assert failed("--tracking-id", guid("bob 1")) == (0, 1)
    assert failed("--since", "2026-09-29T00:00Z") == (4, 1)
    assert failed("--until", "2026-09-29T00:00Z") == (2, 2)
    assert failed("--since", "1h") == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "which log?"),
        (["x.evtx", "--live"], "which log?"),
        (["-", "-"], "can be read once"),
        (["no-such.evtx"], "there is no such file"),
        (["x", "--format", "yaml"], "unknown"),
        (["x", "--since", "yesterday"], "no time"),
        (["x", "--since", "999999d"], "no time"),
        (["x", "--since", "2026-02-01", "--until", "2026-01-01"], "nothing lies between"),
        (["x", "--tracking-id", "7"], "no GUID"),
        (["."], "is a directory"),
    ],
)
def test_what_can_not_be_done_is_said_in_one_paragraph(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["events", *arguments]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""
    assert "Traceback" not in shown.err


@pytest.mark.skipif(sys.platform == "win32", reason="there it can be done")
def test_the_live_log_of_another_system(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["events", "--live"]) == 2
    assert "no Windows server" in capsys.readouterr().err


# The live log, by a program that stands in for wevtutil


def test_what_is_run_is_fixed() -> None:
    arguments = command({"SystemRoot": r"C:\Windows", "PATH": "elsewhere"})
    assert arguments[0] == r"C:\Windows\System32\wevtutil.exe"
    assert arguments[1:5] == ["qe", "Application", "/f:RenderedXml", "/uni:true"]
    assert "@Name='PasswordResetService' or @Name='ADSync'" in arguments[5]


def unwatched(facts: LogFacts) -> None:
    """Nobody is watching."""


def speaking(tmp_path: Path, output: bytes, code: int = 0, error: str = "") -> list[str]:
    file = tmp_path / "output"
    file.write_bytes(output)
    script = (
        f"import sys; sys.stdout.buffer.write(open({str(file)!r}, 'rb').read()); sys.stderr.write({error!r}); "
        f"sys.exit({code})"
    )
    return [sys.executable, "-c", script]


def test_the_live_log_is_read_as_it_comes(tmp_path: Path) -> None:
    output = as_xml(two_days(), rendered=True).encode("utf-16-le")  # wevtutil writes no byte-order mark
    reading = LiveReading(unwatched, speaking(tmp_path, output))
    found = digest(reading, now=two_days()[-1].time)
    assert found.failed == 3
    assert reading.logs[0].format == "XML"


def test_a_live_log_without_an_event_of_these_sources_is_an_answer(tmp_path: Path) -> None:
    reading = LiveReading(unwatched, speaking(tmp_path, b""))
    assert digest(reading).service.state == "absent"


def test_a_live_log_that_may_not_be_read(tmp_path: Path) -> None:
    reading = LiveReading(unwatched, speaking(tmp_path, b"", 5, "Access is denied."))
    with pytest.raises(UnreadableLog, match="Access is denied"):
        list(reading)
    with pytest.raises(UnreadableLog, match="can't be started"):
        list(LiveReading(unwatched, [os.fspath(tmp_path / "none.exe")]))
