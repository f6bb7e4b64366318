"""A saved report, read back wherever it comes from: every format, and every way in which it is no report."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from unit.outputs import samples

from preflight.cli import call
from preflight.outputs import EXTENSIONS, FORMATS, PLAIN, PLUGIN_FORMATS
from preflight.outputs.json import render
from preflight.outputs.plugin import State
from preflight.report import Report, Verdict

REPORTS = {name: render(make()) for name, make in samples.ALL.items()}
EXIT_CODES = {"green": 0, "red": 3, "undetermined": 130, "empty": 4, "hostile": 3, "watched": 0}


@pytest.mark.parametrize("name", samples.ALL)
@pytest.mark.parametrize("format", sorted(set(FORMATS) - PLUGIN_FORMATS))
def test_every_format_of_every_report_and_its_exit_code(
    name: str, format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.json").write_text(REPORTS[name], "utf-8")
    assert call(["render", str(tmp_path / "report.json"), "--format", format]) == EXIT_CODES[name]
    shown = capsys.readouterr()
    said = FORMATS[format](Report.from_dict(json.loads(REPORTS[name])), PLAIN)
    assert shown.out.splitlines() == said.encode("utf-8", "backslashreplace").decode("utf-8").splitlines()
    assert shown.err == ""


def test_several_files_at_once_in_the_format_of_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "report.json").write_text(REPORTS["red"], "utf-8")
    written = [tmp_path / f"shown{extension}" for extension in EXTENSIONS]
    outputs = [word for path in written for word in ("-o", str(path))]
    assert call(["render", str(tmp_path / "report.json"), *outputs, "-o", f"nagios={tmp_path / 'line'}"]) == 3
    saved = Report.from_dict(json.loads(REPORTS["red"]))
    for path in (*written, tmp_path / "line"):
        format = EXTENSIONS.get(path.suffix, "nagios")
        assert path.read_text("utf-8") == FORMATS[format](saved, PLAIN)
    assert "NOT READY" in capsys.readouterr().out


def test_warnings_fail_only_where_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(REPORTS["red"])
    document["results"] = [each for each in document["results"] if each["status"] != "fail"]
    (tmp_path / "report.json").write_text(json.dumps(document))
    assert call(["render", str(tmp_path / "report.json")]) == 0
    assert call(["render", str(tmp_path / "report.json"), "--fail-on", "warn"]) == 5
    assert call(["render", str(tmp_path / "report.json"), "--fail-on", "never"]) == 2
    assert "write fail or warn" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_whatever_a_shell_made_of_it(encoding: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Windows PowerShell 5 redirects as UTF-16 with a byte order mark and line ends of its own."""
    (tmp_path / "report.json").write_bytes(REPORTS["red"].replace("\n", "\r\n").encode(encoding))
    assert call(["render", str(tmp_path / "report.json"), "--format", "json"]) == 3
    assert capsys.readouterr().out == REPORTS["red"]


def test_utf_16_of_the_other_end(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(b"\xfe\xff" + REPORTS["green"].encode("utf-16-be"))
    assert call(["render", str(tmp_path / "report.json")]) == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_standard_input(encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "preflight", "render", "-", "--format", "nagios"],
        input=REPORTS["red"].encode(encoding),
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout.startswith(b"WRITEBACK CRITICAL - NOT READY")
    assert done.stderr == b""


def changed(**members: object) -> bytes:
    return json.dumps(json.loads(REPORTS["red"]) | members).encode()


def changed_result(**members: object) -> bytes:
    document = json.loads(REPORTS["red"])
    document["results"][0] |= members
    return json.dumps(document).encode()


def changed_run(**members: object) -> bytes:
    document = json.loads(REPORTS["red"])
    document["run"] |= members
    return json.dumps(document).encode()


NO_REPORTS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "spaces": (b" \r\n\t" * 3000, "is empty"),
    "a page": (b"<html>404</html>", "isn't JSON"),
    "binary": (bytes(range(256)) * 40, "isn't JSON"),
    "a list": (b"[1, 2]", "isn't JSON"),
    "another object": (b'{"a": 1}', "JSON, but no report"),
    "cut off": (REPORTS["red"].encode()[:5000], "cut off"),
    "cut off in UTF-16": (REPORTS["red"].encode("utf-16")[:5001], "damaged"),
    "an ill letter": (REPORTS["red"].encode().replace(b"WS12", b"WS\xff"), "UTF-8"),
    "nested for ever": (b'{"schema":' + b"[" * 200_000, "damaged"),
    "another schema": (changed(schema="trivy"), "'trivy'"),
    "a newer one": (changed(schema_version="2.0"), "newer preflight"),
    "an unreadable version": (changed(schema_version="one"), "one"),
    "no results": (changed(results=None), "not a preflight report"),
    "results that are text": (changed(results="abc"), "not a preflight report"),
    "a status that there isn't": (changed_result(status="fine"), "fine"),
    "a finding without its code": (changed_result(findings=[{"status": "pass"}]), "code"),
    "a number for a name": (changed_result(check=5), "check is of a wrong type"),
    "a list for a name": (changed_result(target=["x"]), "target is of a wrong type"),
    "text for seconds": (changed_result(duration_s="long"), "long"),
    "no number of seconds": (changed_result(duration_s=float("nan")), "duration_s"),
    "an endless time": (changed_result(duration_s=float("inf")), "duration_s"),
    "a negative time": (changed_run(duration_s=-1), "duration_s"),
    "a number for the host": (changed_run(host=5), "host is of a wrong type"),
    "a time that there isn't": (changed_run(started="yesterday"), "yesterday"),
    "a time before the calendar": (changed_run(started="0001-01-01T00:00:00+14:00"), "out of range"),
    "text for a count": (
        changed(users=[{"domain": "d", "seen": 1, "complete": True, "outcomes": {"ok": "many"}}]),
        "outcomes, ok is of a wrong type",
    ),
    "more users than there are": (
        changed(users=[{"domain": "d", "seen": float("inf"), "complete": True, "outcomes": {}}]),
        "infinity",
    ),
}


@pytest.mark.parametrize("format", ["human", "nagios"])
@pytest.mark.parametrize("name", NO_REPORTS)
def test_what_is_no_report_is_said_in_a_sentence(
    name: str, format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, words = NO_REPORTS[name]
    (tmp_path / "report.json").write_bytes(content)
    assert call(["render", str(tmp_path / "report.json"), "--format", format]) == (3 if format == "nagios" else 2)
    shown = capsys.readouterr()
    said = shown.out if format == "nagios" else shown.err
    assert shown.out + shown.err == said
    assert len(said.splitlines()) == 1
    assert words in said
    assert "defect" not in said


@pytest.mark.parametrize(
    ("name", "words"),
    [("nowhere.json", "no such file"), (".", "is a directory"), ("x" * 5000, "can't be read"), ("a\0b", "file's name")],
)
def test_what_is_no_file_is_said_in_a_sentence(name: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["render", name]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("start", [b"\0", b"{", b'{"schema": "'])
def test_huge_junk_is_refused_at_once(start: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "junk").open("wb") as junk:
        junk.write(start)
        junk.truncate(200_000_000)
    begun = time.monotonic()
    assert call(["render", str(tmp_path / "junk")]) == 2
    assert time.monotonic() - begun < 5
    assert re.search("more than 100 MB|isn't JSON|is empty", capsys.readouterr().err)


@pytest.mark.skipif(not Path("/dev/zero").is_char_device(), reason="needs /dev/zero")
def test_a_file_without_end_is_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["render", "/dev/zero"]) == 2
    assert "no report" in capsys.readouterr().err


def test_members_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(changed(schema_version="1.9", later={"a": 1}))
    assert call(["render", str(tmp_path / "report.json")]) == 3


def test_a_verdict_that_was_written_in_by_hand_does_not_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.json").write_bytes(changed(verdict=Verdict.READY.value))
    assert call(["render", str(tmp_path / "report.json")]) == 3
    assert "NOT READY" in capsys.readouterr().out


def test_a_pipe_that_ends_early_is_cut_off(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(REPORTS["red"].encode()[:900])))
    assert call(["render", "-"]) == 2
    assert "standard input is damaged, cut off" in capsys.readouterr().err


def dated(name: str, age: timedelta) -> str:
    document = json.loads(REPORTS[name])
    document["run"]["started"] = (datetime.now(UTC) - age).isoformat()
    return json.dumps(document)


@pytest.mark.parametrize(
    ("name", "age", "code", "state"),
    [
        ("green", timedelta(minutes=5), 0, "OK"),
        ("green", timedelta(minutes=40), 4, "UNKNOWN"),
        ("green", timedelta(minutes=-5), 0, "OK"),
        ("green", timedelta(days=-1), 4, "UNKNOWN"),
        ("red", timedelta(minutes=5), 3, "CRITICAL"),
        ("red", timedelta(days=400), 3, "CRITICAL"),
    ],
)
def test_a_report_that_is_too_old_is_never_green(
    name: str, age: timedelta, code: int, state: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.json").write_text(dated(name, age))
    assert call(["render", str(tmp_path / "report.json"), "--max-age", "30m"]) == code
    assert ("is the schedule still running?" in " ".join(capsys.readouterr().out.split())) == (
        abs(age) > timedelta(minutes=30)
    )
    assert call(["render", str(tmp_path / "report.json"), "--max-age", "30m", "--format", "nagios"]) == State[state]
    assert capsys.readouterr().out.startswith(f"WRITEBACK {state} - ")


def test_an_age_is_a_duration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "report.json").write_text(REPORTS["green"])
    assert call(["render", str(tmp_path / "report.json"), "--max-age", "soon"]) == 2
    assert "90s, 5m, 24h" in capsys.readouterr().err
