"""A history that is killed, crowded, full, read-only or damaged: no run is lost that was reported."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from unit.history.runs import NOW, minutes, report

from preflight.api import Status
from preflight.history.errors import HistoryError
from preflight.history.recording import Limits, record
from preflight.history.view import opened

TESTS = Path(__file__).parents[2]
RECORDER = [sys.executable, "-m", "unit.history.runs"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TESTS)}
ENDED_WITHIN = 120.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


def recorder(file: Path, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*RECORDER, str(file), str(count)],
        cwd=TESTS,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def ids(file: Path) -> set[str]:
    with opened(file) as history:
        return {run.id for run in history.runs(1_000_000)}


def sound(file: Path) -> bool:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def ids_everywhere(file: Path) -> set[str]:
    """In the history and in what was set aside, as far as SQLite can read that."""
    found = ids(file)
    for aside in file.parent.glob(f"{file.name}.damaged-*[0-9Z]"):
        with closing(sqlite3.connect(aside)) as connection:
            try:
                found |= {id for (id,) in connection.execute("SELECT id FROM runs")}
            except sqlite3.DatabaseError:
                continue
    return found


# -- killed -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_kill_9_at_any_moment_loses_no_run_that_was_reported(file: Path) -> None:
    generator = random.Random(20261125)
    reported: set[str] = set()
    for _ in range(20):
        process = recorder(file, 100_000)
        assert process.stdout is not None
        reported.add(process.stdout.readline().strip())
        time.sleep(generator.uniform(0.0, 0.06))
        process.send_signal(signal.SIGKILL)
        said, _ = process.communicate(timeout=ENDED_WITHIN)
        reported.update(line for line in said.splitlines() if len(line) == 36)
        assert reported <= ids(file)
    assert sound(file)
    assert len(reported) > 20
    assert not list(file.parent.glob("*damaged*"))


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_kill_9_while_it_is_made_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    for number in range(12):
        file = tmp_path / str(number) / "history.sqlite3"
        process = recorder(file, 1)
        until = time.monotonic() + ENDED_WITHIN
        while not file.exists() and process.poll() is None and time.monotonic() < until:
            pass
        time.sleep(number / 1500)
        process.send_signal(signal.SIGKILL)
        reported, _ = process.communicate(timeout=ENDED_WITHIN)
        made = report()
        assert record(file, made, Limits(), now=NOW) is None
        assert {made.run.id, *reported.split()} <= ids(file)


# -- crowded ------------------------------------------------------------------------------------------------------


def test_ten_processes_at_once_lose_nothing(file: Path) -> None:
    processes = [recorder(file, 12) for _ in range(10)]
    reported: list[str] = []
    for process in processes:
        said, errors = process.communicate(timeout=ENDED_WITHIN)
        assert process.returncode == 0, errors
        assert not errors
        reported += said.split()
    assert len(reported) == len(set(reported)) == 120
    assert ids(file) == set(reported)
    assert sound(file)


def test_many_that_find_it_damaged_set_it_aside_once_and_lose_nothing(file: Path) -> None:
    record(file, report(), Limits(), now=NOW)
    file.write_bytes(random.Random(1).randbytes(len(file.read_bytes())))
    processes = [recorder(file, 8) for _ in range(6)]
    said = [process.communicate(timeout=ENDED_WITHIN) for process in processes]
    assert all(process.returncode == 0 for process in processes), said
    assert ids(file) == {id for out, _ in said for id in out.split()}
    assert sum(errors.count("set aside") for _, errors in said) == 1
    assert len(list(file.parent.glob("*.damaged-*"))) == 1


# -- damaged ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_random_bytes_over_the_file_cost_no_run_that_is_reported_from_then_on(seed: int, file: Path) -> None:
    for number in range(30):
        record(file, report(minutes(number), {f"dc.check-{n}": Status.PASS for n in range(30)}), Limits(), now=NOW)
    before = ids(file)
    generator = random.Random(seed)
    content = bytearray(file.read_bytes())
    for _ in range(generator.choice((1, 5, 50))):
        length = generator.choice((1, 16, 5000))
        at = generator.randrange(max(len(content) - length, 1))
        content[at : at + length] = generator.randbytes(length)
    file.write_bytes(content)
    reported = set()
    notes = []
    for number in range(30, 40):
        made = report(minutes(number), {f"dc.check-{n}": Status.FAIL for n in range(30)})
        notes.append(record(file, made, Limits(), now=NOW))
        reported.add(made.run.id)
    aside = [each for each in file.parent.iterdir() if ".damaged-" in each.name and each.suffix != ".lock"]
    assert bool(aside) == any(notes)
    if not aside:  # the damage hit what nobody has read
        assert reported - ids(file) == set()
        return
    assert reported <= ids_everywhere(file)
    [note] = [each for each in notes if each]
    assert str(file) in note
    assert aside[0].name in note
    assert sound(file)
    assert not before & ids(file)


@pytest.mark.parametrize(
    "content",
    [b"\0" * 5000, b"SQLite format 3\0", b"SQLite format 3\0" + b"\xff" * 9000, b"\xff\xd8\xff\xe0 a picture" * 100],
    ids=["zeros", "a head alone", "a head and rubbish", "a picture"],
)
def test_what_is_no_database_is_set_aside_with_a_clear_message(content: bytes, file: Path) -> None:
    file.write_bytes(content)
    note = record(file, report(), Limits(), now=NOW)
    assert note is not None
    assert "damaged" in note
    [aside] = file.parent.glob("*.damaged-*")
    assert aside.read_bytes() == content
    assert len(ids(file)) == 1


def test_an_old_log_beside_a_damaged_file_goes_with_it(file: Path) -> None:
    log = file.with_name(file.name + "-wal")
    with closing(sqlite3.connect(file)) as held:
        record(file, report(), Limits(), now=NOW)
        held.execute("SELECT count(*) FROM runs").fetchone()
        record(file, report(), Limits(), now=NOW)
        written = log.read_bytes()
    assert len(written) > 4096
    file.write_bytes(b"\xff" * 8192)
    log.write_bytes(written)
    assert record(file, report(), Limits(), now=NOW) is not None
    assert len(ids(file)) == 1
    assert sound(file)
    assert [each.read_bytes() for each in file.parent.glob("*.damaged-*-wal")] == [written]


def test_a_reader_says_that_it_is_damaged_and_changes_nothing(file: Path) -> None:
    file.write_bytes(b"\xff" * 8192)
    with pytest.raises(HistoryError, match="damaged"), opened(file):
        pass
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_damaged_report_is_that_runs_alone(file: Path) -> None:
    record(file, report(minutes(0)), Limits(), now=NOW)
    record(file, report(minutes(1)), Limits(), now=NOW)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE documents SET document = substr(document, 1, 40) WHERE run = 2")
    with opened(file) as history:
        last, first = history.runs(10)
        assert history.report(first).run.id == first.id
        with pytest.raises(HistoryError, match="damaged"):
            history.report(last)


# -- no room, no rights -------------------------------------------------------------------------------------------

ALONE = ["unshare", "--mount", "sh", "-euc"]
FULL = """
mount -t tmpfs -o size=1m none "$0"
"$@" "$0/history.sqlite3" 100000 >reported 2>errors || echo $? >code
df "$0" >room
cp "$0"/history.sqlite3* kept/
dd if=/dev/zero of="$0/filler" bs=1k >/dev/null 2>&1 || true
rm -f "$0/filler"
"""


@pytest.fixture
def mounts() -> None:
    obstacle = ""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("unshare") is None:
        obstacle = "mounting a full disk takes root on Linux, and unshare"
    if obstacle and os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(obstacle)
    if obstacle:
        pytest.skip(obstacle)


def test_a_full_disk_keeps_what_was_reported_and_is_said(file: Path, mounts: None, tmp_path: Path) -> None:
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    kept.mkdir()
    subprocess.run(
        [*ALONE, FULL, str(disk), *RECORDER],
        cwd=tmp_path,
        env=ENVIRONMENT,
        check=True,
        timeout=ENDED_WITHIN,
    )
    errors = (tmp_path / "errors").read_text("utf-8")
    assert "HistoryError" in errors
    assert "full" in errors
    reported = set((tmp_path / "reported").read_text("utf-8").split())
    assert len(reported) > 20
    assert reported <= ids(kept / "history.sqlite3")
    assert sound(kept / "history.sqlite3")


def test_a_read_only_disk_is_said_and_can_be_read(file: Path, mounts: None, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    made = report()
    record(disk / "history.sqlite3", made, Limits(), now=NOW)
    script = """
mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"
"$1" -m unit.history.runs "$0/history.sqlite3" 1 >reported 2>errors && exit 9
"$1" -c 'import sys; from pathlib import Path; from preflight.history.view import opened
with opened(Path(sys.argv[1])) as history: print(history.find("last").id)' "$0/history.sqlite3" >read
"""
    subprocess.run(
        [*ALONE, script, str(disk), sys.executable], cwd=tmp_path, env=ENVIRONMENT, check=True, timeout=ENDED_WITHIN
    )
    assert "Read-only file system" in (tmp_path / "errors").read_text("utf-8")
    assert (tmp_path / "read").read_text("utf-8").strip() == made.run.id


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_place_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "file" / "history.sqlite3", tmp_path, Path("/proc/nowhere/history.sqlite3")):
        with pytest.raises(HistoryError) as caught:
            record(place, report(), Limits(), now=NOW)
        assert str(place) in str(caught.value)


def test_one_that_another_program_holds_is_said_in_time(file: Path, mocker) -> None:
    record(file, report(), Limits(), now=NOW)
    mocker.patch("preflight.history.connection.PATIENCE", 0.3)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError, match="held it for too long"):
            record(file, report(), Limits(), now=NOW)


def test_a_folder_that_may_not_be_entered_is_said(mounts: None, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    script = """
import sys; from pathlib import Path
import os; os.setgroups([]); os.setgid(65534); os.setuid(65534)
from preflight.history.errors import HistoryError
from preflight.history.view import opened
try:
    with opened(Path(sys.argv[1])): pass
except HistoryError as error: print(error)
"""
    # Modules first: this account may not read them.
    script = "import preflight.history.view, preflight.history.recording\n" + script
    done = subprocess.run(
        [sys.executable, "-c", script, str(closed / "history.sqlite3")],
        env=ENVIRONMENT,
        capture_output=True,
        encoding="utf-8",
        timeout=ENDED_WITHIN,
        check=False,
    )
    assert "Permission denied" in done.stdout, done.stderr
