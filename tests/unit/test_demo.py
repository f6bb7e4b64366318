"""The sample forest that comes with the package: what it says, and that it needs nothing but the package."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

from preflight.api import Status
from preflight.cli import call
from preflight.cli.performing import installed_checks
from preflight.cli.sample import run_sample, sample_report
from preflight.report import Report, Verdict

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "preflight" / "demo"

EMPLOYEES = "OU=Employees,DC=corp,DC=contoso,DC=com"
SCU = "contoso-sspr-scu.servicebus.windows.net:443"
NCU = "contoso-sspr-ncu.servicebus.windows.net"
PSO_CONTAINER = "CN=Password Settings Container,CN=System,DC=corp,DC=contoso,DC=com"

# Every fault that tests/lab/make_demo.py seeds, in every finding that it leads to; nothing else may be found.
SEEDED = {
    ("events.failures", "warn", "attempts-failed", "33004 0x80230626"),
    ("events.failures", "warn", "attempts-failed", "33008 0x80230619"),
    ("dc.policy-hints", "fail", "control-missing", "dc2.corp.contoso.com"),
    ("permissions.reset-password", "fail", "inheritance-off", f"OU=Contractors,{EMPLOYEES}"),
    ("permissions.write-lockout-time", "fail", "inheritance-off", f"OU=Contractors,{EMPLOYEES}"),
    ("permissions.write-pwd-last-set", "fail", "inheritance-off", f"OU=Contractors,{EMPLOYEES}"),
    ("permissions.reset-password", "fail", "class-not-covered", "DC=corp,DC=contoso,DC=com"),
    ("permissions.reset-password", "fail", "ace-denied", f"OU=Executives,{EMPLOYEES}"),
    ("permissions.reset-password", "fail", "orphaned-admin-count", f"CN=Fred Former,OU=IT,{EMPLOYEES}"),
    ("permissions.write-lockout-time", "fail", "orphaned-admin-count", f"CN=Fred Former,OU=IT,{EMPLOYEES}"),
    ("permissions.write-pwd-last-set", "fail", "orphaned-admin-count", f"CN=Fred Former,OU=IT,{EMPLOYEES}"),
    ("permissions.reset-password", "warn", "orphan-allowed", "corp.contoso.com"),
    ("permissions.write-lockout-time", "fail", "ace-missing", "OU=Fabrikam (acquired),DC=corp,DC=contoso,DC=com"),
    ("permissions.change-password", "warn", "user-cannot-change", f"CN=Kiosk Reception,OU=Sales,{EMPLOYEES}"),
    ("anchors.unique", "fail", "duplicate-anchor", "Bob Baker, Robert Baker"),
    ("anchors.unique", "warn", "disabled-twin", "Ann Example, Ann Example"),
    ("policy.minimum-age", "warn", "minimum-age", "the domain policy"),
    ("policy.minimum-age", "warn", "minimum-age", "the fine-grained policy Sensitive accounts"),
    ("policy.minimum-age", "unknown", "fine-grained-unreadable", PSO_CONTAINER),
    ("policy.summary", "unknown", "fine-grained-unreadable", PSO_CONTAINER),
    ("network.relay-443", "warn", "address-dead", f"{SCU} 198.51.100.21"),
    ("network.relay-ports", "warn", "tcp-refused", f"{NCU}:9352"),
    ("network.websocket", "warn", "upgrade-stripped", SCU),
}


@pytest.fixture(scope="module")
def report() -> Report:
    return run_sample()


def test_every_check_has_a_real_result(report: Report) -> None:
    of_the_profile = {check.id for check in installed_checks().checks.values() if "preflight" in check.tags}
    assert {result.check for result in report.results} == of_the_profile
    assert not [result.check for result in report.results if result.status is Status.SKIPPED]
    read_from_an_export = {r.check for r in report.results if r.status is Status.NOT_APPLICABLE}
    assert read_from_an_export == {"dc.ports", "dc.reachable", "directory.bind", "network.proxy"}


def test_every_seeded_fault_is_found_and_nothing_else(report: Report) -> None:
    found = {
        (result.check, finding.status.value, finding.code, _subject(finding))
        for result in report.results
        for finding in result.findings
        if finding.status.rank >= Status.SKIPPED.rank
    }

    assert found == SEEDED


def _subject(finding) -> str:
    """Anchors are random: the names of those who share one stand for it."""
    members = finding.evidence.get("members", ())
    return ", ".join(sorted(re.findall(r"CN=([^,]+)", str([m["dn"] for m in members])))) or finding.subject


def test_users_are_counted_by_what_a_reset_would_come_to(report: Report) -> None:
    [users] = report.users

    assert users.complete
    assert users.outcomes == {
        "ok": 14,
        "blocked": 10,
        "unsupported": 1,
        "disabled": 2,
        "out_of_scope": 5,
        "excluded": 1,
    }


def test_the_token_of_the_connector_account_is_proven_from_the_export(report: Report) -> None:
    [sign_in] = report.run.sign_in

    assert sign_in["connector_token_complete"] is True
    permissions = [result for result in report.results if result.check.startswith("permissions.")]
    assert not [f for result in permissions for f in result.findings if f.status is Status.UNKNOWN]


def test_recorded_network_answers_are_said_to_be_recorded(report: Report) -> None:
    answers = [f for r in report.results if r.check == "network.relay-443" for f in r.findings if f.code == "ok"]

    assert answers
    assert all("recorded" in finding.summary for finding in answers)


def test_the_shipped_report_is_what_the_demo_says(report: Report) -> None:
    """Else: tests/lab/make_demo.py --report-only."""
    assert _timeless(report) == _timeless(sample_report())


def _timeless(report: Report) -> object:
    document = report.to_dict()
    document["tool"] = None
    document["run"] |= dict.fromkeys(("id", "started", "duration_s"))
    for result in document["results"]:
        result["duration_s"] = None
    text = json.dumps(document, sort_keys=True, ensure_ascii=False)
    return json.loads(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "<local time of the export>", text))


def test_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["demo", "--quiet"]) == 3
    assert capsys.readouterr().out.rstrip()
    assert call(["demo", "--quiet", "--expect", "not_ready"]) == 0
    assert call(["demo", "--quiet", "--expect", "ready"]) == 1
    assert call(["demo", "--quiet", "--expect", "perfect"]) == 2


def test_it_can_be_narrowed_and_written_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"

    assert call(["demo", "--quiet", "--only", "anchors.unique", "-o", f"json={file}"]) == 3
    written = Report.from_dict(json.loads(file.read_text("utf-8")))
    assert written.verdict is Verdict.NOT_READY
    assert {r.check for r in written.results if r.role == "selected"} == {"anchors.unique"}
    assert "anchors.unique" in capsys.readouterr().out


def test_difficult_names_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    call(["demo", "--quiet", "--only", "permissions.write-pwd-last-set"])
    shown = capsys.readouterr().out

    for name in ("CN=O'Brien\\, Conan", 'CN=Pat \\"PJ\\" Jones', "CN=Łukasz Żółć"):
        assert f"{name},OU=Contractors,OU=Employees,DC=corp,DC=contoso,DC=com" in " ".join(shown.split())


OFFLINE = """
import sys
def refuse(event, arguments):
    if event.startswith("socket.") or event == "os.exec":
        raise RuntimeError(f"{event} {arguments}")
sys.addaudithook(refuse)
from preflight.cli import call
sys.exit(call(["demo", "--quiet"]))
"""


def test_no_socket_is_opened(tmp_path: Path) -> None:
    assert _python("-c", OFFLINE, cwd=tmp_path).returncode == 3


def test_it_leaves_no_file_behind(tmp_path: Path) -> None:
    environment = {"TMPDIR": str(tmp_path), "TEMP": str(tmp_path)}

    assert _python("-m", "preflight", "demo", "--quiet", cwd=tmp_path, **environment).returncode == 3
    assert list(tmp_path.iterdir()) == []


ZIPPED = """
import sys
sys.path.insert(0, sys.argv[1])
import preflight
assert preflight.__file__.startswith(sys.argv[1]), preflight.__file__
from preflight.cli import call
assert call(["explain", "dc.policy-hints"]) == 0
sys.exit(call(["demo", "--quiet"]))
"""


def test_it_works_from_inside_a_zip_file(tmp_path: Path) -> None:
    """As from the single-file .pyz."""
    archive = tmp_path / "program.pyz"
    with zipfile.ZipFile(archive, "w") as program:
        for root, package in ((REPOSITORY, "preflight"), (REPOSITORY / "checks", "preflight_checks")):
            for file in (root / package).rglob("*"):
                if file.is_file() and "__pycache__" not in file.parts:
                    program.write(file, file.relative_to(root))
        about = "writeback_preflight-0.0.dist-info"
        program.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: writeback-preflight\nVersion: 0.0\n")
        program.writestr(f"{about}/entry_points.txt", "[preflight.checks]\nbuiltin = preflight_checks\n")

    done = _python("-c", ZIPPED, str(archive), cwd=tmp_path)

    assert done.returncode == 3, done.stderr
    assert "NOT READY" in done.stdout


def _python(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_the_package_carries_every_file_of_it() -> None:
    pyproject = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    patterns = pyproject["tool"]["setuptools"]["package-data"]["*"]
    files = [file.name for file in DEMO.iterdir() if file.suffix != ".py" and file.is_file()]

    assert sorted(files) == ["events.xml", "forest.ldf", "network.json", "preflight.toml", "report.json"]
    assert [name for name in files if not any(fnmatch(name, pattern) for pattern in patterns)] == []


def test_it_holds_no_secrets_and_is_small() -> None:
    text = (DEMO / "forest.ldf").read_text("utf-8")
    attributes = {match.lower() for match in re.findall(r"^([A-Za-z][\w;-]*):", text, re.MULTILINE)}

    secret = ("password", "pwd", "supplemental", "credential", "keymaterial", "secret")
    known = {"pwdlastset", "pwdhistorylength", "minpwdage", "maxpwdage", "minpwdlength", "pwdproperties"}
    known |= {name for name in attributes if name.startswith("msds-") and "password" in name}
    assert {name for name in attributes if any(word in name for word in secret)} <= known
    assert "msds-managedpassword" not in attributes
    assert len(text.encode()) < 400_000
