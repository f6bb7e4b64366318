"""What users get wrong: one paragraph on stderr that says what, where and what to do; exit code 2; no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

DOMAIN = '[[domain]]\nname = "corp.contoso.com"\nuser = "reader@corp.contoso.com"\npassword_env = "SECRET"\n'


def preflight(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")}
    return subprocess.run(
        [sys.executable, "-m", "preflight", *arguments],
        cwd=cwd,
        env={**clean, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )


CASES: dict[str, tuple[bytes | None, list[str], list[str]]] = {
    "an unknown key": (
        DOMAIN.encode() + b'controlers = ["dc1"]\n',
        ["run", "--config", "preflight.toml"],
        ["controlers", "controllers", "preflight.toml"],
    ),
    "an unknown table": (b"[service_buss]\n", ["config", "check", "preflight.toml"], ["service_buss", "service_bus"]),
    "a missing CA file": (
        DOMAIN.encode() + b'ca_file = "nowhere.pem"\n',
        ["config", "check", "preflight.toml"],
        ["nowhere.pem", "ca_file"],
    ),
    "a backslash in double quotes": (
        DOMAIN.encode() + b'ca_file = "C:\\temp\\new.pem"\n',
        ["config", "check", "preflight.toml"],
        ["backslash", "'"],
    ),
    "a UTF-16 file": (DOMAIN.encode("utf-16"), ["config", "check", "preflight.toml"], ["UTF-16", "UTF-8"]),
    "a literal password": (
        b'[[domain]]\nname = "corp.contoso.com"\nuser = "reader@corp.contoso.com"\npassword = "hunter2"\n',
        ["run", "--config", "preflight.toml"],
        ["password_env", "password_file"],
    ),
    "no such file": (None, ["run", "--config", "nowhere.toml"], ["nowhere.toml"]),
    "a password variable that is not set": (
        DOMAIN.encode(),
        ["run", "--config", "preflight.toml"],
        ["SECRET", "isn't set"],
    ),
    "no terminal for a prompt": (
        b'[[domain]]\nname = "corp.contoso.com"\nuser = "reader@corp.contoso.com"\n',
        ["run", "--config", "preflight.toml"],
        ["no terminal", "password_env"],
    ),
    "a pattern that matches nothing": (
        b"",
        ["run", "--only", "permission.reset-password"],
        ["permission.reset-password", "permissions.reset-password"],
    ),
    "an unknown check to explain": (None, ["explain", "dc.policyhints"], ["dc.policy-hints"]),
    "an unknown format": (None, ["demo", "--format", "jsno"], ["jsno", "json"]),
    "an output in a folder that is not there": (
        None,
        ["demo", "-o", "json=nowhere/report.json"],
        ["nowhere", "Create it"],
    ),
    "an output without a format": (None, ["demo", "-o", "report.xyz"], ["report.xyz", "FORMAT="]),
    "no domain at all": (None, ["run"], ["--config", "--domain"]),
    "a file and options": (
        DOMAIN.encode(),
        ["run", "--config", "preflight.toml", "--domain", "corp.contoso.com"],
        ["--config", "--domain"],
    ),
    "an export that is not there": (
        None,
        ["run", "--domain", "corp.contoso.com", "--ldif", "nowhere.ldf"],
        ["nowhere.ldf"],
    ),
    "a search base outside the domain": (
        DOMAIN.encode() + b'search_bases = ["OU=People,DC=elsewhere,DC=com"]\n',
        ["config", "check", "preflight.toml"],
        ["OU=People,DC=elsewhere,DC=com", "corp.contoso.com"],
    ),
    "an unknown profile": (None, ["run", "--profile", "nightly"], ["nightly", "monitor"]),
    "waivers that are not there": (None, ["run", "--only", "dns", "--waivers", "w.toml"], ["w.toml", "--waivers"]),
    "waivers in a configuration that are not there": (
        b'[waivers]\nfile = "w.toml"\n',
        ["config", "check", "preflight.toml"],
        ["w.toml", "line 2"],
    ),
    "a waiver of a check that nobody has": (
        b"[[waiver]]\ncheck = 'dc.policyhints'\nreason = 'a'\nowner = 'b'\nuntil = 2030-01-01\n",
        ["run", "--only", "dns", "--waivers", "preflight.toml"],
        ["preflight.toml, line 2", "dc.policy-hints"],
    ),
    "a wrong word for --fail-on": (None, ["run", "--fail-on", "warning"], ["warn"]),
    "a table format that audit lacks": (None, ["audit", "--format", "html"], ["html", "csv"]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_gets_one_paragraph_and_exit_code_2(case: str, tmp_path: Path) -> None:
    content, arguments, said = CASES[case]
    if content is not None:
        (tmp_path / "preflight.toml").write_bytes(content)
    done = preflight(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for words in said:
        assert words in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x00\x01\x02 not an export at all", "forest.ldf"),
        (b"dn: DC=corp,DC=contoso,DC=com\nchangetype: modify\nreplace: x\nx: y\n-\n", "change"),
        (b"", "forest.ldf"),
    ],
)
def test_an_unreadable_export_is_never_a_pass(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "forest.ldf").write_bytes(content)
    done = preflight(
        "run",
        "--domain",
        "corp.contoso.com",
        "--ldif",
        "forest.ldf",
        "--skip",
        "network",
        "--skip",
        "dns",
        cwd=tmp_path,
    )
    assert done.returncode in (3, 4), done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert words in done.stdout
    assert " pass " not in done.stdout


def test_a_domain_that_does_not_resolve_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "preflight.toml").write_text(
        DOMAIN + 'nameserver = "127.0.0.1:1"\n[network]\ntimeout = 0.5\n', encoding="utf-8"
    )
    done = preflight(
        "run", "--config", "preflight.toml", "--only", "dc", "--format", "json", cwd=tmp_path, SECRET="canary-7f3a"
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert '"name-unresolved"' in done.stdout
    assert '"status": "pass"' not in done.stdout
    assert "canary-7f3a" not in done.stdout + done.stderr


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full")
def test_a_full_disk_under_standard_output_is_no_defect_of_the_tool():
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "preflight", "list"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("preflight: standard output can't be written")
    assert "defect" not in done.stderr
