"""`preflight explain` as a user gives it: names, several of them, an event's text, standard input."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from unit.knowledge.seed_rows import ROWS, SINCE

from preflight.cli import call

EVENT = (
    "TrackingId: 7e1f3c52-0b1a-4d3e-9a55-6d2f1f9f3a10, Reason: Synchronization Engine returned an error hr=800700CE, "
    "message=The filename or extension is too long., Context: cloudAnchor: User_2f1b6a57, UserPrincipalName: "
    "zoë@corp.contoso.com"
)


def explain(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "preflight", "explain", *arguments],
        input=given,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("typed", sorted({row.typed for row in ROWS} | set(SINCE)))
def test_everything_that_the_page_names_is_explained(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["explain", typed]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) > 5
    assert not shown.err


def test_a_name_of_several_words_needs_no_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["explain", "multiple", "matches"]) == 0
    assert capsys.readouterr().out.startswith("Multiple matches found\n")
    assert call(["explain", "event", "33004"]) == 0
    assert capsys.readouterr().out.startswith("33004 ADPermissionsError\n")
    assert call(["explain", "-2145188327"]) == 0  # an HRESULT, not an option
    assert capsys.readouterr().out.startswith("6329 A restriction prevents")
    assert call(["explain", "6329", "0x80230619"]) == 0
    assert "one of 7" not in capsys.readouterr().out


def test_several_names_are_explained_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["explain", "33004", "dc.policy-hints", "ace-denied", "restart-sync-service"]) == 0
    shown = capsys.readouterr().out
    heads = ["33004 ADPermissionsError\n", "dc.policy-hints: ", "ace-denied: ", "Restart the sync service\n"]
    places = [shown.index(head) for head in heads]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("33O04", "33004"),
        ("ADPermisionsError", "ADPermissionsError"),
        ("SSPR_0O29", "SSPR_0029"),
        ("0x8023O619", "0x80230619"),
        ("multiple match", "multiple matches"),
        ("restart-sync-servise", "restart-sync-service"),
    ],
)
def test_an_unknown_code_names_the_nearest(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["explain", "33008", typed]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert f"nothing is known of {typed!r}. Did you mean" in shown.err
    assert meant in shown.err


def test_a_huge_name_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["explain", "x" * 100_000]) == 2
    assert len(capsys.readouterr().err) < 500


def test_a_check_names_the_codes_that_lead_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["explain", "permissions.sam-read"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "leads to 33004 ADPermissionsError; 6329 Failed to acquire user information: ERROR_ACCESS_DENIED;" in text
    assert "SSPR_0029 OnPremisesAdminActionRequired" in text
    assert "asked by 31003 PasswordResetFail; 31008 ChangePasswordFail; 31011 ResetUserPasswordByAdminFail;" in text


def test_an_events_text_is_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["explain", "--search", "token provider"]) == 0
    assert "1. 32002 ServiceBusError" in capsys.readouterr().out
    assert call(["explain", "--search", EVENT, "--format", "json"]) == 0
    [first, *_] = json.loads(capsys.readouterr().out)["matches"]
    assert first["entry"]["id"] == "connector-password-too-long"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_standard_input_is_read_in_the_encodings_of_windows(encoding: str) -> None:
    done = explain("--search", "-", given=EVENT.replace(", ", ",\r\n").encode(encoding))
    assert done.returncode == 0, done.stderr
    assert b"1. 0x800700CE" in done.stdout


@pytest.mark.parametrize("given", [b"", b" \r\n", b"\x00\xff\xfe" * 1000, b"pizza"])
def test_standard_input_without_anything_known_is_said_so(given: bytes) -> None:
    done = explain("--search", "-", given=given)
    assert done.returncode == 2
    assert not done.stdout
    assert b"--search: " in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="redirections of a POSIX shell")
def test_closed_standard_input_is_an_empty_text() -> None:
    command = f'"{sys.executable}" -m preflight explain --search - <&-'
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert b"--search: the text is empty" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "explain what?"),
        ([""], "explain what?"),
        (["33004", "--search", "token provider"], "not both"),
        (["--search", " "], "the text is empty"),
        (["--search", "pizza"], "nothing in this text is known"),
        (["--serach", "token provider"], "nothing is known of '--serach'"),
        (["33004", "--format", "xml"], "'xml' is not one of the choices"),
        (["--search", "33004", "--format", "xml"], "'xml' is not one of the choices"),
    ],
)
def test_what_cannot_be_meant_is_said(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["explain", *arguments]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert complaint in shown.err


def test_json_has_checks_entries_and_procedures(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["33004", "dc.policy-hints", "timed-out", "restart-sync-service"]
    assert call(["explain", *names, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [entry["id"] for entry in document["entries"]] == ["ad-permissions"]
    assert [procedure["id"] for procedure in document["procedures"]] == ["restart-sync-service"]
    checks = {check["id"]: check for check in document["checks"]}
    assert checks["dc.policy-hints"]["leads_to"] == ["6329", "33001"]
    assert "control-missing" in checks["dc.policy-hints"]["codes"]
