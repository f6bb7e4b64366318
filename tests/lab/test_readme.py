"""Every command of README is run, in the order in which its block has them.

Those about corp.contoso.com are run on the lab's forest: `in_the_lab` says which words stand for which there, and
`LAB_OPTIONS` what the lab needs besides (it has no relays, and the machine's DNS doesn't know it).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from event_logs import FIXTURES
from readme import REPOSITORY, SHELL, configuration_of_readme
from unit.outputs import samples

from preflight.outputs.json import render

ENDED_WITHIN = 120.0
VERDICTS = {0, 3, 4, 5}
LAB_OPTIONS = "--nameserver {address} --ca-file ca.pem --password-env CONTOSO_PASSWORD "


def in_the_lab(text: str, forest) -> str:
    """The same about the lab's forest."""
    words: Mapping[str, str] = {
        "alice@corp.contoso.com": f"{forest.people[0].account}@{forest.domain}",
        "bob@corp.contoso.com": f"{forest.people[2].account}@{forest.domain}",
        "ldaps://dc1.corp.contoso.com": f"ldaps://{forest.address}",
        "DC=corp,DC=contoso,DC=com": forest.base_dn,
        "corp.contoso.com": forest.domain,
        "10.0.0.10": forest.address,
        " -W ": " -y password ",
    }
    for word, stand_in in words.items():
        text = text.replace(word, stand_in)
    if re.match(r"preflight run .*--user ", text):
        text = text.replace("--user ", LAB_OPTIONS.format(address=forest.address) + "--user ")
    if text.startswith("preflight run ") and "--dry-run" not in text and "--only" not in text:
        text = text.replace("preflight run ", "preflight run --skip network --skip dns ")
    return text


def asks_the_internet(command: str) -> bool:
    """It is given a proxy that refuses, so that not even a name leaves the machine."""
    return command.startswith(("preflight run --only network", "preflight trace", "preflight diagnose --config"))


@pytest.fixture
def prepared(forest, tmp_path) -> Path:
    """A folder with the configuration of README, what it names, and reports."""
    configuration = configuration_of_readme() + '\n[history]\nfile = "history.sqlite3"\n'
    (tmp_path / "preflight.toml").write_text(in_the_lab(configuration, forest), "utf-8")
    (tmp_path / "ca.pem").write_bytes(forest.ca_file.read_bytes())
    (tmp_path / "waivers.toml").write_bytes((REPOSITORY / "examples" / "waivers.toml").read_bytes())
    for name, host, mode in (("last", "SYNC01", ""), ("sync01", "SYNC01", "active"), ("sync02", "SYNC02", "staging")):
        run = samples.run(host=host, sync_server_mode=mode, started=datetime.now(UTC))
        (tmp_path / f"{name}.json").write_text(render(replace(samples.green(), run=run)), "utf-8")
    for name, log in (("Application.evtx", "application.evtx"), ("events.xml", "wevtutil.xml")):
        (tmp_path / name).write_bytes((FIXTURES / log).read_bytes())
    (tmp_path / "password").touch(0o600)
    (tmp_path / "password").write_text(forest.password)
    return tmp_path


@pytest.mark.parametrize(
    "block",
    [block for block in SHELL if not block.text.startswith("make ")],
    ids=lambda block: f"line {block.line}",
)
def test_commands_do_what_they_are_said_to(block, forest, prepared):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CONTOSO_PASSWORD": forest.password,
        "LDAPTLS_REQCERT": "allow",  # its certificate doesn't name the loopback address
        "PREFLIGHT_CONFIG": "",
    }
    for command in block.commands:
        done = subprocess.run(
            ["sh", "-c", in_the_lab(command, forest)],
            cwd=prepared,
            env={**environment, "HTTPS_PROXY": "http://127.0.0.1:9"} if asks_the_internet(command) else environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=ENDED_WITHIN,
            check=False,
        )
        allowed = expected_codes(command)
        assert done.returncode in allowed, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert "Traceback" not in done.stderr
        # Nobody is blocked in a healthy forest.
        if not re.search(r" >>? |--only-blocked", command):
            assert done.stdout.strip()
        for written in re.findall(r"(?:-o (?:\w+=)?|>>? )([^\s=]+)(?=\s|$)", command):
            assert (prepared / written).stat().st_size > 0


def expected_codes(command: str) -> set[int]:
    """A healthy forest is ready. An export leaves something unknown; the demo has faults; the lab has no internet."""
    if command == "preflight demo" or asks_the_internet(command):
        return {3}
    if command.startswith("preflight diagnose"):
        return {0, 4}  # what only a person can see stays open
    return VERDICTS if "--ldif" in command else {0}
