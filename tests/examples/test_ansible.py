"""The playbook, run by Ansible against three servers that are folders here, each with a name of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from programs import program
from readme import REPOSITORY

from preflight.cli.sample import sample_folder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Ansible, and namespaces for the names")

SERVERS = ("sync01", "sync02", "sync03")
BIN = Path(sys.executable).parent
WRAPPER = """#!/bin/sh
exec unshare --map-root-user --uts sh -c 'hostname {name} && exec "$@"' - {preflight} "$@"
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A folder with the playbook, an inventory, and a folder for each server."""
    shutil.copy(REPOSITORY / "examples" / "ansible" / "playbook.yml", tmp_path)
    example = (REPOSITORY / "examples" / "ansible" / "inventory.ini").read_text("utf-8")
    lines = ["[sync_servers]"]
    for name in SERVERS:
        server = tmp_path / name
        (server / "bin").mkdir(parents=True)
        (server / "bin" / "preflight").write_text(WRAPPER.format(name=name, preflight=BIN / "preflight"))
        (server / "bin" / "preflight").chmod(0o755)
        with sample_folder() as sample:
            shutil.copytree(sample, server / "etc")
        mode = "active" if name == "sync01" else "staging"
        with (server / "etc" / "preflight.toml").open("a") as configuration:
            configuration.write(f'\n[sync_server]\nmode = "{mode}"\n')
        lines.append(
            f"{name} ansible_connection=local ansible_python_interpreter={sys.executable} preflight_folder={server} "
            f"preflight_config={server}/etc/preflight.toml"
        )
    (tmp_path / "inventory.ini").write_text("\n".join(lines) + "\n" + example[example.index("[sync_servers:vars]") :])
    return tmp_path


def play(fleet: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE", "PREFLIGHT"))}
    return subprocess.run(
        [
            str(BIN / "ansible-playbook"),
            "-i",
            "inventory.ini",
            "playbook.yml",
            "-e",
            json.dumps(
                {"preflight_options": "--only dc.policy-hints --no-history", "preflight_here": str(BIN / "preflight")}
            ),
        ],
        cwd=fleet,
        env={**environment, "ANSIBLE_HOME": str(fleet / ".ansible"), "ANSIBLE_LOCALHOST_WARNING": "0"},
        capture_output=True,
        encoding="utf-8",
        timeout=200,
    )


def merged(fleet: Path) -> dict:
    return json.loads((fleet / "fetched" / "merged.json").read_text("utf-8"))


def test_the_fleet_is_looked_at_and_merged(fleet: Path) -> None:
    program("unshare", "util-linux")
    done = play(fleet)
    assert done.returncode == 0, done.stdout + done.stderr
    report = merged(fleet)
    assert report["verdict"] == "not_ready"
    assert {result.get("host") for result in report["results"]} - {None} == set(SERVERS)
    [active] = [result for result in report["results"] if result["check"] == "host.one-active-server"]
    assert active["status"] == "pass"
    assert "NOT READY" in done.stdout

    (fleet / "sync03" / "etc" / "preflight.toml").unlink()
    again = play(fleet)
    assert again.returncode != 0
    assert "no report from sync03" in again.stdout
    assert {result.get("host") for result in merged(fleet)["results"]} - {None} == {"sync01", "sync02"}
