"""An audit whose controllers die, refuse or truncate: nobody is lost, nobody doubled, and nothing passes unseen."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.auditing import Row, audit, json_rows, started_audit
from lab.crowd import CROWD, SEEN, crowd_dn, crowded_forest
from lab.forest import RESET_PASSWORD, Forest
from lab.recording_proxy import RecordingProxy
from lab.running import results_of, run

from preflight.api import Status

EVERY_USER = "(sAMAccountType=805306368)"
"""The filter of the requests for pages of users; the one for the connector account has another."""

LEFT_OUT = 4
"""krbtgt, Guest, Administrator (critical system objects) and MSOL_...: never synchronised, so without a row."""


@pytest.fixture(scope="module")
def crowded(lab: None) -> Iterator[Forest]:
    with crowded_forest() as forest:
        yield forest


def settings(forest: Forest, proxy: RecordingProxy) -> dict[str, object]:
    return {"controllers": proxy.controllers, "ca_file": str(proxy.ca_file)}


def accounts(found: list[Row]) -> Counter[object]:
    return Counter(row["object_guid"] for row in found)


@pytest.fixture(scope="module")
def everybody(crowded: Forest, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """The rows of an undisturbed audit."""
    done = audit(crowded, tmp_path_factory.mktemp("undisturbed"), "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    found = json_rows(done.stdout)
    assert len(found) == SEEN - LEFT_OUT
    assert set(accounts(found).values()) == {1}
    return found


# A controller dies between pages


@pytest.mark.parametrize("page", [0, 1, 2, 3])
def test_a_reading_goes_on_at_another_controller_and_loses_or_doubles_nobody(
    crowded: Forest, everybody: list[Row], page: int, tmp_path: Path
) -> None:
    with RecordingProxy(crowded.dc, listeners=2) as proxy:
        proxy.listeners[0].fault("cut", on="searchRequest", after=page, filter=EVERY_USER)
        done = audit(crowded, tmp_path, "--format", "jsonl", **settings(crowded, proxy))
    assert done.returncode == 0, done.stderr
    assert accounts(json_rows(done.stdout)) == accounts(everybody)
    assert proxy.count("bindRequest", listener=1) >= 1


def test_the_report_names_both_controllers_and_says_that_they_may_differ(crowded: Forest, tmp_path: Path) -> None:
    with RecordingProxy(crowded.dc, listeners=2) as proxy:
        proxy.listeners[0].fault("cut", on="searchRequest", after=2, filter=EVERY_USER)
        done = audit(crowded, tmp_path, **settings(crowded, proxy))
    said = " ".join(done.stdout.split())
    first, second = (f"{crowded.host}:{listener.port}" for listener in proxy.listeners)
    assert done.returncode == 0, done.stderr
    assert f"{first}, which failed, then {second}" in said
    assert "may differ" in said
    assert f"{SEEN:,} users seen" in said


def test_a_run_survives_the_controller_too(crowded: Forest, tmp_path: Path) -> None:
    with RecordingProxy(crowded.dc, listeners=2) as proxy:
        proxy.listeners[0].fault("cut", on="searchRequest", after=2, filter=EVERY_USER)
        report = run(crowded, tmp_path, only=["permissions.reset-password"], **settings(crowded, proxy))
    [result] = results_of(report, "permissions.reset-password")
    assert result.status is Status.PASS, result
    [users] = report.users
    assert users.seen == SEEN
    assert users.complete
    assert all(str(listener.port) in str(report.run.sign_in) for listener in proxy.listeners)


def test_three_controllers_may_die_one_after_the_other(crowded: Forest, everybody: list[Row], tmp_path: Path) -> None:
    with RecordingProxy(crowded.dc, listeners=3) as proxy:
        for number, listener in enumerate(proxy.listeners[:2]):
            listener.fault("reset", on="searchRequest", after=number + 1, filter=EVERY_USER)
        done = audit(crowded, tmp_path, "--format", "jsonl", **settings(crowded, proxy))
    assert done.returncode == 0, done.stderr
    assert accounts(json_rows(done.stdout)) == accounts(everybody)


def test_without_another_controller_it_ends_with_the_number_of_users_seen(crowded: Forest, tmp_path: Path) -> None:
    with RecordingProxy(crowded.dc) as proxy:
        proxy.fault("cut", on="searchRequest", after=2, filter=EVERY_USER)
        done = audit(crowded, tmp_path, **settings(crowded, proxy))
    said = " ".join(done.stdout.split())
    assert done.returncode == 4
    assert "broke off after 2,000 users" in said
    assert "there is no other domain controller" in said
    assert "COULD NOT TELL" in said


def test_a_live_controller_that_gives_up_midway_says_how_many_were_not_seen(crowded: Forest, tmp_path: Path) -> None:
    with RecordingProxy(crowded.dc) as proxy:
        proxy.fault("cut", on="searchRequest", after=2, times=1, filter=EVERY_USER)
        done = audit(crowded, tmp_path, **settings(crowded, proxy))
    said = " ".join(done.stdout.split())
    assert done.returncode == 4
    assert f"broke off after 2,000 of {SEEN:,} users, {SEEN - 2000:,} were not seen" in said


def test_somebody_blocked_outweighs_what_was_not_seen(crowded: Forest, tmp_path: Path) -> None:
    with crowded.undoing():
        crowded.admin.add_aces(crowded.dn(), f"(OD;CI;CR;{RESET_PASSWORD};;<{crowded.connector}>)")
        with RecordingProxy(crowded.dc) as proxy:
            proxy.fault("cut", on="searchRequest", after=2, filter=EVERY_USER)
            done = audit(crowded, tmp_path, **settings(crowded, proxy))
    assert done.returncode == 3
    assert "broke off after 2,000 users" in " ".join(done.stdout.split())
    assert "not everybody was seen" in " ".join(done.stdout.split())


def test_a_password_that_another_controller_refuses_is_sent_to_no_third(crowded: Forest, tmp_path: Path) -> None:
    with RecordingProxy(crowded.dc, listeners=3) as proxy:
        proxy.listeners[0].fault("cut", on="searchRequest", after=1, filter=EVERY_USER)
        for listener in proxy.listeners[1:]:
            listener.fault("answer", on="bindRequest", code=49, text="80090308: data 52e")
        done = audit(crowded, tmp_path, "--format", "jsonl", **settings(crowded, proxy))
    assert done.returncode == 4
    assert proxy.count("bindRequest", listener=1) == 1
    assert proxy.count("bindRequest", listener=2) == 0
    assert "the user name or the password is wrong" in done.stderr


# Limits and refusals


@pytest.mark.parametrize(
    ("code", "words"),
    [(3, "timeLimitExceeded"), (4, "sizeLimitExceeded"), (11, "adminLimitExceeded"), (51, "busy"), (53, "unwilling")],
)
def test_a_page_that_ends_in_a_limit_is_not_taken_for_the_end(
    crowded: Forest, code: int, words: str, tmp_path: Path
) -> None:
    with RecordingProxy(crowded.dc) as proxy:
        proxy.fault("result", on="searchRequest", after=2, code=code, filter=EVERY_USER)
        done = audit(crowded, tmp_path, **settings(crowded, proxy))
    said = " ".join(done.stdout.split())
    assert done.returncode == 4
    assert "broke off after" in said
    assert words.lower() in said.lower()


def test_a_limit_of_one_controller_is_not_the_others(crowded: Forest, everybody: list[Row], tmp_path: Path) -> None:
    with RecordingProxy(crowded.dc, listeners=2) as proxy:
        proxy.listeners[0].fault("result", on="searchRequest", after=1, code=4, filter=EVERY_USER)
        done = audit(crowded, tmp_path, "--format", "jsonl", **settings(crowded, proxy))
    assert done.returncode == 0, done.stderr
    assert accounts(json_rows(done.stdout)) == accounts(everybody)


def test_a_page_is_refused(crowded: Forest, tmp_path: Path) -> None:
    with RecordingProxy(crowded.dc) as proxy:
        proxy.fault("answer", on="searchRequest", after=1, code=50, text="no", filter=EVERY_USER)
        done = audit(crowded, tmp_path, "--format", "jsonl", **settings(crowded, proxy))
    assert done.returncode == 4
    assert "broke off after" in done.stderr
    assert "insufficientAccessRights" in done.stderr or "refus" in done.stderr


def test_a_user_who_is_deleted_meanwhile_is_counted_or_not_and_breaks_nothing(crowded: Forest, tmp_path: Path) -> None:
    """Both before and behind the page that is under way."""
    gone = [crowded.dn(f"CN=Gone {number},OU=Crowd") for number in range(20)]
    for number, dn in enumerate(gone):
        crowded.admin.add(dn, objectClass="user", sAMAccountName=f"gone{number}", userAccountControl=0x220)
    with RecordingProxy(crowded.dc) as proxy:
        proxy.fault("delay", on="searchRequest", after=1, seconds=1.0, filter=EVERY_USER)
        with started_audit(crowded, tmp_path, "--format", "jsonl", **settings(crowded, proxy)) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            for dn in gone:
                crowded.admin.delete(dn)
            rest = process.stdout.read()  # `communicate` would lose what was read beyond the first line
            assert process.wait(timeout=120) == 0
    names = Counter(json.loads(line)["dn"] for line in [first, *rest.splitlines()])
    assert set(names.values()) == {1}
    assert SEEN - LEFT_OUT <= len(names) <= SEEN - LEFT_OUT + len(gone)


# What a reader of the rows sees, and what is left of an audit that doesn't end


def test_rows_are_streamed_while_the_directory_is_read(crowded: Forest, tmp_path: Path) -> None:
    """The first row is there before the last page has been answered."""
    with RecordingProxy(crowded.dc) as proxy:
        proxy.fault("delay", on="searchRequest", after=3, seconds=3.0, filter=EVERY_USER)
        with started_audit(crowded, tmp_path, "--format", "jsonl", **settings(crowded, proxy)) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            arrived = time.monotonic()
            pages = [operation.at for operation in proxy.operations if operation.filter == EVERY_USER]
            rest = process.stdout.read()
            ended = time.monotonic()
    assert json.loads(first)["outcome"] == "ok"
    assert len(pages) < 4 or arrived < pages[3] + 1.0
    assert ended - arrived > 1.5
    assert len(rest.splitlines()) == SEEN - LEFT_OUT - 1


def test_a_lonely_blocked_row_comes_with_its_page(crowded: Forest, tmp_path: Path) -> None:
    """Too little to fill any buffer."""
    with crowded.undoing(), RecordingProxy(crowded.dc) as proxy:
        for number in range(0, CROWD, 100):
            deny = f"(OD;;CR;{RESET_PASSWORD};;<{crowded.connector}>)"
            crowded.admin.add_aces(crowd_dn(number, crowded.base_dn), deny)
        proxy.fault("delay", on="searchRequest", after=2, seconds=2.0, filter=EVERY_USER)
        options = ("--format", "jsonl", "--only-blocked")
        with started_audit(crowded, tmp_path, *options, **settings(crowded, proxy)) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            arrived = time.monotonic()
            rest = process.stdout.read()
            assert time.monotonic() - arrived > 1.0
    assert process.returncode == 3
    assert {row["outcome"] for row in json_rows(first + rest)} == {"blocked"}
    assert len((first + rest).splitlines()) == CROWD // 100


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("format", ["human", "jsonl"])
def test_an_interrupted_audit_says_what_it_saw_and_leaves_no_file(
    crowded: Forest, number: signal.Signals, format: str, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "users.csv").write_text("old")
    with RecordingProxy(crowded.dc) as proxy:
        proxy.fault("stall", on="searchRequest", after=2, filter=EVERY_USER)
        options = ("--format", format, "-o", str(folder / "users.csv"), "-o", str(folder / "users.jsonl"))
        with started_audit(crowded, tmp_path, *options, **settings(crowded, proxy)) as process:
            written: list[str] = []
            reading = threading.Thread(target=lambda: written.append(process.stdout.read()))
            reading.start()
            until = time.monotonic() + 60
            while sum(operation.filter == EVERY_USER for operation in proxy.operations) < 3:
                assert time.monotonic() < until
                time.sleep(0.1)
            time.sleep(1.0)  # the page before is judged
            process.send_signal(number)
            reading.join(30)
            said = process.stderr.read()
            assert process.wait(30) == 130
    [out] = written
    assert [each.name for each in folder.iterdir()] == ["users.csv"]
    assert (folder / "users.csv").read_text() == "old"
    assert "nothing was written" in said
    if format == "human":
        assert "INTERRUPTED" in out
        assert "2,000 users seen" in out
    else:
        assert all(json.loads(line)["dn"] for line in out.splitlines())
        assert 1_900 < len(out.splitlines()) <= 2_000


def test_a_reader_who_leaves_early_ends_it_quietly(crowded: Forest, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "users.csv"
    with started_audit(crowded, tmp_path, "--format", "csv", "-o", str(path)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("forest,domain,dn,")
        process.stdout.close()
        assert process.stderr.read() == ""
        process.stderr.close()
        assert process.wait(30) != 0
        assert not any((tmp_path / "out").iterdir())


def test_a_full_disk_is_said_and_leaves_nothing(crowded: Forest, tmp_path: Path) -> None:
    """A file system of 256 kB, which the table doesn't fit."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.decode()}")
    try:
        (small / "users.csv").write_text("old")
        done = audit(crowded, tmp_path, "-o", str(small / "users.csv"))
        left = {each.name: each.read_text() for each in small.iterdir()}
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert done.returncode == 2
    assert "no space is left on the disk" in done.stderr
    assert "Traceback" not in done.stderr
    assert left == {"users.csv": "old"}
