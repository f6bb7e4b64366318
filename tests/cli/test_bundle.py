"""`preflight bundle`: what is in it, what was left out, and that no secret and no name gets in."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.cli.sample import sample_folder

USAGE = 2
CANARY = "Kanarienvogel-7!x"
OFFLINE = ["--skip", "network", "--skip", "dns", "--skip", "clock", "--quiet"]


def preflight(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")}
    return subprocess.run(
        [sys.executable, "-m", "preflight", *arguments],
        cwd=cwd,
        env={**clean, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


@pytest.fixture(scope="module")
def sample() -> Iterator[list[str]]:
    with sample_folder() as folder:
        account = ["--domain", "corp.contoso.com", "--connector", "MSOL_0a1b2c3d"]
        yield ["--ldif", str(folder / "forest.ldf"), *account, *OFFLINE]


def contents(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


def test_the_bundle_holds_what_support_asks_for(sample: list[str], tmp_path: Path) -> None:
    asked = ["--for", "alice@contoso.com", "--support-code", "b7b4b94c-da26-4c3f-a876-19f1ee242b24"]
    done = preflight("bundle", "-o", "case.zip", *asked, *sample, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    parts = contents(tmp_path / "case.zip")
    assert set(parts) == {
        "manifest.json", "request.md", "report.json", "report.txt", "report.md", "explained.md", "versions.json",
        "configuration.json",
    }  # fmt: skip
    request = parts["request.md"]
    for title in ("General description", "Page", "Support code", "Date, time and time zone", "User", "Kind of account",
                  "Licence", "Application event log"):  # fmt: skip
        assert f"## {title}\n" in request
    assert "alice@contoso.com" in request and "b7b4b94c" in request
    assert "**To fill in:** Exactly when the error happened, with the time zone." in request
    assert "What the findings mean" in parts["explained.md"]
    assert json.loads(parts["versions.json"])["packages"]["ldap3"]
    assert json.loads(parts["report.json"])["schema"] == "preflight-report"
    assert "without" in done.stderr or "--pseudonymise" in done.stderr


def test_the_manifest_says_what_is_in_it_and_what_is_not(sample: list[str], tmp_path: Path) -> None:
    done = preflight("bundle", "-o", "case.zip", *sample, cwd=tmp_path)
    parts = contents(tmp_path / "case.zip")
    manifest = json.loads(parts.pop("manifest.json"))
    assert {part["name"] for part in manifest["parts"]} == set(parts)
    for part in manifest["parts"]:
        assert part["sha256"] == hashlib.sha256(parts[part["name"]].encode()).hexdigest()
        assert part["what"] and part["what"] in re.sub(r"\s+", " ", done.stdout)
    assert any("events" in each["what"] for each in manifest["left_out"])
    assert all(each["why"] for each in manifest["left_out"])


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_it_is_private_to_its_owner(sample: list[str], tmp_path: Path) -> None:
    preflight("bundle", "-o", "case.zip", "--pseudonymise", *sample, cwd=tmp_path)
    for name in ("case.zip", "case.zip.map.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_no_secret_gets_in(tmp_path: Path, sample: list[str]) -> None:
    (tmp_path / "password").write_text(CANARY)
    (tmp_path / "preflight.toml").write_text(
        f"""
[connector]
account = "MSOL_0a1b2c3d"
[[domain]]
name = "corp.contoso.com"
ldif = '{sample[1]}'
[[domain]]
name = "fabrikam.test"
controllers = ["127.0.0.1:9"]
user = "reader@fabrikam.test"
password_env = "CANARY_PASSWORD"
[[domain]]
name = "tailspin.test"
controllers = ["127.0.0.1:9"]
user = "reader@tailspin.test"
password_file = "password"
[network]
proxy = "http://someone:{CANARY}@127.0.0.1:9"
timeout = 1.0
"""
    )
    asked = ["bundle", "-o", "case.zip", "--config", "preflight.toml", *OFFLINE]
    done = preflight(*asked, cwd=tmp_path, CANARY_PASSWORD=CANARY)
    assert done.returncode == 0, done.stderr
    parts = contents(tmp_path / "case.zip")
    assert "reader@tailspin.test" in parts["configuration.json"]
    for text in (*parts.values(), done.stdout, done.stderr):
        assert CANARY not in text
    assert CANARY.encode() not in (tmp_path / "case.zip").read_bytes()


def test_with_pseudonyms_no_name_is_left_and_the_map_stays_outside(sample: list[str], tmp_path: Path) -> None:
    form = ["--for", "alice.smith@contoso.com", "--description", "Alice Smith of contoso.com sees an error on SYNC01"]
    done = preflight("bundle", "-o", "case.zip", "--pseudonymise", *form, *sample, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    originals = json.loads((tmp_path / "case.zip.map.json").read_text("utf-8"))
    parts = contents(tmp_path / "case.zip")
    assert "case.zip.map.json" not in parts
    whole = "\n".join(parts.values()).casefold()
    for name in ("corp.contoso.com", "dc=contoso", "msol_0a1b2c3d", "alice", "contractors", "o'brien", "kiosk"):
        assert name not in whole, name
    assert {"corp.contoso.com", "MSOL_0a1b2c3d"} <= set(originals.values())
    assert json.loads(parts["report.json"])["verdict"] == "not_ready"
    shown = preflight("render", "report.json", cwd=_unpacked(tmp_path))
    assert shown.returncode == 3 and "NOT READY" in shown.stdout


def _unpacked(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "case.zip") as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_a_saved_report_is_bundled_without_a_run(sample: list[str], tmp_path: Path) -> None:
    preflight("demo", "-o", "json=report.json", cwd=tmp_path)
    done = preflight("bundle", "-o", "case.zip", "--report", "report.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    parts = contents(tmp_path / "case.zip")
    assert "configuration.json" not in parts
    assert json.loads(parts["report.json"]) == json.loads((tmp_path / "report.json").read_text("utf-8"))


def test_the_events_of_the_matter_are_added(sample: list[str], tmp_path: Path) -> None:
    event = (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{source}'/>"
        "<EventID>{id}</EventID><TimeCreated SystemTime='2026-11-24T10:0{id_last}:00Z'/>"
        "<Computer>SYNC01.corp.contoso.com</Computer></System><EventData><Data>{text}</Data></EventData></Event>"
    )
    text = "TrackingId: 11112222-3333-4444-5555-666677778888, Context: UserPrincipalName: bob@corp.contoso.com"
    log = "<Events>" + "".join(
        event.format(source=source, id=id, id_last=id % 10, text=text)
        for source, id in (("PasswordResetService", 31001), ("PasswordResetService", 33004), ("Other", 7))
    )
    (tmp_path / "log.xml").write_text(log + "</Events>")
    done = preflight("bundle", "-o", "case.zip", "--events", "log.xml", *sample, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    parts = contents(tmp_path / "case.zip")
    events = [json.loads(line) for line in parts["events.jsonl"].splitlines()]
    assert [event["event_id"] for event in events] == [31001, 33004]
    (tmp_path / "preflight.toml").write_text(
        f"[events]\nlogs = ['log.xml']\n[[domain]]\nname = 'corp.contoso.com'\nldif = '{sample[1]}'\n"
    )
    preflight("bundle", "-o", "configured.zip", "--config", "preflight.toml", *OFFLINE, cwd=tmp_path)
    assert contents(tmp_path / "configured.zip")["events.jsonl"] == parts["events.jsonl"]
    assert "the events of this matter are in `events.jsonl`" in parts["request.md"]


def test_the_events_are_explained_and_hold_no_name_with_pseudonyms(tmp_path: Path) -> None:
    (tmp_path / "erika.toml").write_text("[connector]\naccount = 'MSOL_0a1b2c3d'\n")
    attempt = "Account Name:\t\tMuster01\r\n\tAccount Domain:\t\tFABRIKAM\r\n\tSecurity ID:\t\tS-1-5-18"
    events = [
        ("ADSync", 6329, "BAIL: 0x8023061f Azure AD Sync 2.5.190.0"),
        ("PasswordResetService", 32009, "Context: cloudAnchor: User_0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("Microsoft-Windows-Security-Auditing", 4724, attempt),
    ]
    event = (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{}'/>"
        "<EventID>{}</EventID></System><EventData><Data>{}</Data></EventData></Event>"
    )
    (tmp_path / "log.xml").write_text(f"<Events>{''.join(event.format(*each) for each in events)}</Events>")
    preflight("demo", "-o", "json=report.json", cwd=tmp_path)
    asked = ["--report", "report.json", "--config", str(tmp_path / "erika.toml"), "--events", "log.xml"]
    done = preflight("bundle", "-o", "case.zip", "--pseudonymise", *asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    parts = contents(tmp_path / "case.zip")
    assert "# The events of this matter" in parts["explained.md"] and "32009 AuthTokenError" in parts["explained.md"]
    assert "Azure AD Sync 2.5.190.0" in parts["events.jsonl"] and "S-1-5-18" in parts["events.jsonl"]
    assert json.loads(parts["configuration.json"])["source"] == "erika.toml"
    for name in ("0f8fad5b", "muster01", "fabrikam\\r"):
        assert name not in parts["events.jsonl"].casefold(), name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "nowhere/case.zip"], ["nowhere", "Create it first"]),
        (["-o", "case.zip", "--report", "nothing.json"], ["nothing.json", "no such file"]),
        (["-o", "case.zip", "--report", "none.json", "--events", "nothing.xml"], ["nothing.xml"]),
    ],
)
def test_what_can_not_be_bundled_is_said(arguments: list[str], said: list[str], tmp_path: Path) -> None:
    done = preflight("bundle", *arguments, cwd=tmp_path)
    assert done.returncode == USAGE
    assert all(word in done.stderr for word in said), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "case.zip").exists()
