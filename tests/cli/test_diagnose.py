"""`preflight diagnose` on the sample forest: from a code to the cause, alone and on a terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.cli.sample import sample_folder

NOT_READY, UNDETERMINED, USAGE = 3, 4, 2
ACCOUNT = ["--domain", "corp.contoso.com", "--connector", "MSOL_0a1b2c3d"]


@pytest.fixture(scope="module")
def export() -> Iterator[list[str]]:
    """Options that lead to the sample export."""
    with sample_folder() as folder:
        yield ["--ldif", str(folder / "forest.ldf"), *ACCOUNT]


def diagnose(*arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")}
    return subprocess.run(
        [sys.executable, "-m", "preflight", "diagnose", *arguments],
        env=clean,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


def test_a_code_leads_to_the_cause_and_its_remedy(export: list[str]) -> None:
    done = diagnose("--code", "33004", "--non-interactive", *export)
    assert done.returncode == NOT_READY
    assert "33004 ADPermissionsError" in done.stdout
    assert "CAUSE FOUND" in done.stdout
    assert "permissions.reset-password" in done.stdout
    assert 'dsacls "OU=Contractors,OU=Employees,DC=corp,DC=contoso,DC=com" /P:N' in done.stdout


def test_it_runs_just_the_checks_that_can_tell(export: list[str]) -> None:
    done = diagnose("--code", "0x80230402", "--format", "json", *export)
    diagnosis = json.loads(done.stdout)
    [first, *_] = diagnosis["path"]
    assert first["checks"] == ["anchors.unique"]
    ran = {line.split()[1] for line in done.stderr.splitlines() if re.match(r"(pass|fail|warn|unknown|not_app)", line)}
    assert "anchors.unique" in ran
    assert not ran & {"permissions.reset-password", "network.relay-443", "policy.summary"}


def test_what_comes_behind_the_cause_is_listed_and_not_looked_at(export: list[str]) -> None:
    diagnosis = json.loads(diagnose("--code", "33004", "--format", "json", "--quiet", *export).stdout)
    answers = [step["answer"] for step in diagnosis["path"]]
    place = answers.index("confirmed")
    assert "confirmed" not in answers[place + 1 :] and set(answers[place + 1 :]) == {"not_reached"}
    assert diagnosis["cause"]["finding"]["remedy"]


def test_a_text_from_an_event_is_a_symptom(export: list[str]) -> None:
    text = "The server does not contain any LDAP password policy control"
    done = diagnose("--symptom", text, "--non-interactive", *export)
    assert done.returncode == NOT_READY
    assert "dc2.corp.contoso.com does not know the policy-hints control" in done.stdout


def test_without_a_hint_the_documented_order_is_followed(export: list[str]) -> None:
    diagnosis = json.loads(diagnose("--format", "json", "--quiet", *export, "--proxy", "http://127.0.0.1:1").stdout)
    first, network = diagnosis["path"][:2]
    assert "active sync server" in first["suspicion"] and "2.5.79.0" in str(first["person"])
    assert first["answer"] == "for_a_person"
    assert "network.relay-443" in network["checks"]
    titles = [step["suspicion"] for step in diagnosis["path"]]
    order = ["restart", "re-enabling", "version", "events name", "directory refuses"]
    places = [max(place for place, title in enumerate(titles) if word in title) for word in order]
    assert places == sorted(places)


def test_manual_steps_carry_their_warning_and_what_to_verify(export: list[str]) -> None:
    diagnosis = json.loads(diagnose("--format", "json", "--quiet", *export, "--proxy", "http://127.0.0.1:1").stdout)
    by_hand = {step["suspicion"]: step["person"] for step in diagnosis["path"] if step["person"]}
    [latest] = [person for title, person in by_hand.items() if "of this version" in title]
    assert "rules" in latest["warning"] and latest["verify"]
    [toggled] = [person for title, person in by_hand.items() if "re-enabling" in title]
    assert len(toggled["steps"]) >= 9


def test_markdown_fits_a_ticket(export: list[str]) -> None:
    done = diagnose("--code", "33004", "--format", "markdown", "--quiet", *export)
    assert done.stdout.startswith("# Diagnosis: ")
    assert "| **the cause** |" in done.stdout
    assert "```\ndsacls" in done.stdout


def test_for_a_person_the_account_comes_first(export: list[str]) -> None:
    diagnosis = json.loads(diagnose("--for", "fformer", "--code", "33004", "--format", "json", *export).stdout)
    first = diagnosis["path"][0]
    assert first["answer"] == "confirmed" and "fformer" in first["suspicion"]
    assert diagnosis["cause"]["finding"]["check"] == "user.reset-password"
    assert "Orphaned adminCount" in diagnosis["cause"]["finding"]["summary"]


def test_a_name_that_nobody_has_is_no_cause(export: list[str]) -> None:
    diagnosis = json.loads(diagnose("--for", "nosuch", "--code", "33003", "--format", "json", *export).stdout)
    first = diagnosis["path"][0]
    assert first["answer"] == "untold" and "nobody called nosuch" in first["finding"]["summary"]
    assert "33002" in first["finding"]["remedy"]


def test_what_only_stops_a_change_is_no_cause_of_a_failed_reset_and_one_of_a_failed_change(export: list[str]) -> None:
    answers = {
        code: json.loads(diagnose("--for", "kiosk", "--code", code, "--format", "json", *export).stdout)["path"][0][
            "answer"
        ]
        for code in ("31003", "31008")
    }
    assert answers == {"31003": "possible", "31008": "confirmed"}


FIXTURES = Path(__file__).parents[1] / "unit" / "events" / "fixtures"


def test_an_event_log_leads_to_the_causes_of_what_failed_most(export: list[str]) -> None:
    log = str(FIXTURES / "rendered.utf16.xml")
    diagnosis = json.loads(diagnose("--events", log, "--format", "json", "--quiet", *export).stdout)
    assert "3 of 9 attempts failed" in diagnosis["known"]
    assert {"33008", "33004"} <= {entry["code"] for entry in diagnosis["entries"]}
    service = diagnosis["path"][0]
    assert service["checks"] == ["events.service-running", "events.heartbeat-fresh"]
    assert service["answer"] == "untold", "a log that ends long ago says nothing about now"
    assert diagnosis["cause"]["finding"]["check"] == "permissions.reset-password"


def test_a_version_that_no_longer_works_is_named_first(export: list[str], tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text(
        "Source: PasswordResetService\nEvent ID: 31015\n"
        "TrackingId: 11112222-3333-4444-5555-666677778888, the service started, Details: Version: 2.1.20.0\n"
    )
    first = json.loads(diagnose("--events", str(log), "--format", "json", "--quiet", *export).stdout)["path"][0]
    assert first["suspicion"] == "Entra Connect 2.1.20.0 stopped working on 2026-09-30"
    assert first["answer"] == "for_a_person" and first["person"]["warning"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--events", "nowhere.evtx"], ["nowhere.evtx"]),
        (["--for", "alice"], ["--for alice", "which domain"]),
        (["--for", "a" * 5000], ["at most"]),
        (["--code", "33404"], ["33404", "nothing is known"]),
        (["--symptom", "qqqq zzzz xxxx"], ["qqqq", "nothing that is known"]),
        (["--format", "html"], ["--format html", "human, markdown, json"]),
        (["--config", "nowhere.toml"], ["nowhere.toml"]),
    ],
)
def test_what_can_not_be_done_is_said(arguments: list[str], said: list[str]) -> None:
    done = diagnose(*arguments)
    assert done.returncode == USAGE
    assert all(word in done.stderr for word in said), done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_domain_what_needs_one_is_not_told_and_never_excluded() -> None:
    done = diagnose("--code", "33004", "--non-interactive", "--quiet")
    assert done.returncode == UNDETERMINED
    assert "not told" in done.stdout and "excluded" not in done.stdout.partition("Diagnosis")[0]


# -- on a terminal ------------------------------------------------------------------------------------------------

pexpect = pytest.importorskip("pexpect") if sys.platform != "win32" else None
on_a_terminal = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals of POSIX")


def at_a_terminal(*arguments: str):
    assert pexpect is not None
    return pexpect.spawn(
        sys.executable,
        ["-m", "preflight", "diagnose", *arguments],
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "120"},
        dimensions=(60, 120),
        encoding="utf-8",
        timeout=60,
    )


@on_a_terminal
def test_the_dialogue_waits_looks_and_offers_to_test_again(export: list[str]) -> None:
    person = at_a_terminal("--code", "33004", *export)
    person.expect(r"1/\d+ .*\?")
    person.expect(r"Enter: look at it; s: skip it; b: back; q: quit")
    person.sendline("")
    person.expect("the cause")
    person.expect("Enter: test again, once you have acted")
    person.sendline("")  # nobody acted
    person.expect("the cause")
    person.expect("Enter: test again")
    person.sendline("q")
    person.expect("CAUSE FOUND")
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == NOT_READY


@on_a_terminal
def test_skip_back_a_wrong_key_and_quit(export: list[str]) -> None:
    person = at_a_terminal("--code", "33004", *export)
    person.expect("1/.*look at it")
    person.sendline("x")
    person.expect("one of these keys")
    person.sendline("s")
    person.expect(r"2/\d+ ")
    person.expect("look at it")
    person.sendline("b")
    person.expect(r"1/\d+ ")
    person.expect("look at it")
    person.sendline("q")
    person.expect("NO CAUSE FOUND")
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == UNDETERMINED


@on_a_terminal
def test_the_end_of_input_ends_it(export: list[str]) -> None:
    person = at_a_terminal("--code", "33004", *export)
    person.expect("look at it")
    person.sendeof()
    person.expect("NO CAUSE FOUND")
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == UNDETERMINED


@on_a_terminal
def test_control_c_leaves_with_130(export: list[str]) -> None:
    person = at_a_terminal("--code", "33004", *export)
    person.expect("look at it")
    person.sendintr()
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == 130
