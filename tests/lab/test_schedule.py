"""Runs on a schedule, on a real domain: waiting for a controller, and users that are read once a day."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from lab.forest import Forest
from lab.recording_proxy import RecordingProxy
from lab.running import command, environment, write

from preflight.config import load, read_password
from preflight.plan import make_plan
from preflight.registry import Registry
from preflight.resources import Setting
from preflight.run import perform

SKIPPED = ("--skip", "network", "--skip", "dns")
USERS = "805306368"
QUICK = "[network]\ntimeout = 1.0\n"
ENDED_WITHIN = 120.0


def start(forest: Forest, folder: Path, *options: str, environ: dict[str, str] | None = None, **changes: object):
    path = write(forest, folder, more=str(changes.pop("more", "")), **changes)
    return subprocess.Popen(
        command("run", "--config", str(path), *SKIPPED, *options),
        cwd=folder,
        env=environment(forest, **(environ or {})),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def said(process: subprocess.Popen[str], words: str) -> None:
    """Read standard error until it says so."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"it never said {words!r}")


# -- --wait -------------------------------------------------------------------------------------------------------


def test_a_controller_that_comes_up_midway_is_waited_for(start_forest: Callable[..., Forest], tmp_path: Path) -> None:
    forest = start_forest(start=False)
    process = start(forest, tmp_path, "--wait", "60s", "--format", "json", more=QUICK)
    try:
        said(process, "round 1: ")
        forest.dc.start()
        output, errors = process.communicate(timeout=ENDED_WITHIN)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert json.loads(output)["verdict"] in ("ready", "ready_with_warnings")


def test_waiting_is_interrupted_with_the_last_report(start_forest: Callable[..., Forest], tmp_path: Path) -> None:
    forest = start_forest(start=False)
    process = start(forest, tmp_path, "--wait", "10m", "-o", "json=report.json", more=QUICK)
    try:
        said(process, "round 1: ")
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=ENDED_WITHIN)
    finally:
        process.kill()
    assert process.returncode == 130
    assert time.monotonic() - begun < 10
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["run"]["interrupted"] is True


def test_a_wrong_password_is_sent_once_and_not_waited_for(own_forest: Forest, tmp_path: Path) -> None:
    [variable] = own_forest.environment
    with own_forest.undoing(), RecordingProxy(own_forest.dc, listeners=3) as proxy:
        process = start(
            own_forest,
            tmp_path,
            "--wait",
            "60s",
            environ={variable: "wrong"},
            controllers=proxy.controllers,
            ca_file=str(proxy.ca_file),
        )
        begun = time.monotonic()
        _, errors = process.communicate(timeout=ENDED_WITHIN)
        assert time.monotonic() - begun < 50
        assert process.returncode in (3, 4)
        assert "no password is sent twice" in errors
        assert [operation.dn for operation in proxy.operations if operation.name == "bindRequest" and operation.dn] == [
            own_forest.reader
        ]


def test_no_later_round_sends_a_refused_password_again(own_forest: Forest, tmp_path: Path) -> None:
    [variable] = own_forest.environment
    with own_forest.undoing(), RecordingProxy(own_forest.dc, listeners=2) as proxy:
        configuration = load(write(own_forest, tmp_path, controllers=proxy.controllers, ca_file=str(proxy.ca_file)))
        [domain] = configuration.domains
        password = read_password(domain, {variable: "wrong"}, None)
        plan = make_plan(Registry.installed().checks, only=["directory.bind"])
        setting = Setting(configuration, plan.folds, {domain.name: password})
        for _ in range(3):
            report = perform(plan, setting)
            [result] = [result for result in report.results if result.check == "directory.bind"]
            assert result.findings[0].code == "invalid-credentials"
        binds = [operation for operation in proxy.operations if operation.name == "bindRequest" and operation.dn]
        assert len(binds) == 1
        assert setting.binds.refused


# -- --profile monitor ----------------------------------------------------------------------------------------------


def monitored(forest: Forest, folder: Path, proxy: RecordingProxy, every: str = "24h") -> tuple[dict, int]:
    """The report of a monitor run, and how many searches for users it sent."""
    proxy.forget()
    more = f'[history]\nfile = "history.sqlite3"\n[monitor]\naudit_every = "{every}"\n'
    process = start(
        forest,
        folder,
        "--profile",
        "monitor",
        "--format",
        "json",
        more=more,
        controllers=proxy.controllers,
        ca_file=str(proxy.ca_file),
    )
    output, errors = process.communicate(timeout=ENDED_WITHIN)
    assert process.returncode in (0, 3), errors
    searches = [
        operation
        for operation in proxy.operations
        if operation.name == "searchRequest" and f"(sAMAccountType={USERS})" == operation.filter
    ]
    return json.loads(output), len(searches)


def outcome(report: dict, check: str) -> tuple[str, bool]:
    """The status of the check, and whether it was carried along."""
    [result] = [result for result in report["results"] if result["check"] == check]
    return result["status"], "as_of" in result


def test_users_are_read_once_in_the_interval_and_what_was_said_of_them_carried(
    own_forest: Forest, tmp_path: Path
) -> None:
    right = "permissions.reset-password"
    with own_forest.undoing(), RecordingProxy(own_forest.dc) as proxy:
        first, read = monitored(own_forest, tmp_path, proxy)
        assert read > 0
        assert first["verdict"] == "ready"
        assert outcome(first, right) == ("pass", False)

        own_forest.admin.add_aces(
            own_forest.dn("OU=People"), f"(OD;CI;CR;00299570-246d-11d0-a768-00aa006e0529;;<{own_forest.connector}>)"
        )
        second, read = monitored(own_forest, tmp_path, proxy)
        assert read == 0
        assert outcome(second, right) == ("pass", True)  # of the last reading, and it says so
        assert outcome(second, "account.connector-usable") == ("pass", False)
        assert second["users"][0]["as_of"] == first["run"]["started"]
        assert second["users"][0]["outcomes"] == first["users"][0]["outcomes"]
        assert "notes" not in second["run"]  # all is well: there is nothing that a person should read
        assert second["run"]["selection"]["checks"] == first["run"]["selection"]["checks"]

        due, read = monitored(own_forest, tmp_path, proxy, every="1s")
        assert read > 0
        assert outcome(due, right) == ("fail", False)
        assert due["verdict"] == "not_ready"

        carried, read = monitored(own_forest, tmp_path, proxy)
        assert read == 0
        assert outcome(carried, right) == ("fail", True)
        assert carried["verdict"] == "not_ready"
        assert carried["users"][0]["blocked"] == due["users"][0]["blocked"]
