"""Ctrl-C and SIGTERM in the middle of a run: what was found is reported, marked as interrupted, and at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def silent_server() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_with_a_partial_report(number: int, silent_server: int, tmp_path: Path) -> None:
    (tmp_path / "preflight.toml").write_text(
        "[network]\ntimeout = 100\n"
        f'[service_bus]\nnamespaces = ["127.0.0.1:{silent_server}"]\nrelay_ports = [{silent_server}]\n'
    )
    environment = {key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")}
    run = subprocess.Popen(
        [
            sys.executable,
            *[
                "-m",
                "preflight",
                "run",
                "--config",
                "preflight.toml",
                "--only",
                "network",
                "-o",
                "json=report.json",
                "--format",
                "json",
            ],
        ],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    for line in run.stderr:  # the ports are open, so that check has ended; the handshake hangs
        if "network.relay-ports" in line:
            break
    begun = time.monotonic()
    run.send_signal(number)
    output, _ = run.communicate(timeout=30)
    assert time.monotonic() - begun < 20
    assert run.returncode == 130
    report = json.loads((tmp_path / "report.json").read_text())
    assert report == json.loads(output)
    assert report["run"]["interrupted"] is True
    assert report["verdict"] == "undetermined"
    statuses = {result["check"]: result["status"] for result in report["results"]}
    assert statuses["network.relay-ports"] == "pass"
    assert statuses["network.relay-443"] == "unknown"
    assert not list(tmp_path.glob("*.tmp"))
