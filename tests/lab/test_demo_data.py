"""The sample forest is what the script makes of a real domain controller, and that controller agrees with the demo."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator

import pytest
from lab.administration import STANDARD_PASSWORD
from lab.domain_controller import DomainController
from lab.judge import RESET_PASSWORD, WRITE_LOCKOUT_TIME, WRITE_PWD_LAST_SET, Judge
from lab.make_demo import (
    BASE,
    CONNECTOR,
    DEMO,
    DISABLED,
    INET_ORG_PERSONS,
    PEOPLE,
    RECIPE,
    escaped,
    events,
    export,
    seed,
)

from preflight.cli.sample import run_on, run_sample
from preflight.report import Report

RIGHTS = {
    "reset_password": RESET_PASSWORD,
    "write_lockout_time": WRITE_LOCKOUT_TIME,
    "write_pwd_last_set": WRITE_PWD_LAST_SET,
}
PROTECTED = "aadmin"


@pytest.fixture(scope="module")
def sample_dc(lab: None) -> Iterator[DomainController]:
    with DomainController(RECIPE) as dc:
        seed(dc.admin)
        dc.start()
        yield dc


@pytest.fixture(scope="module")
def fresh_report(sample_dc: DomainController, tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("demo")
    for name in ("preflight.toml", "network.json"):
        shutil.copy(DEMO / name, folder)
    (folder / "forest.ldf").write_text(export(sample_dc), encoding="utf-8")
    (folder / "events.xml").write_text(events(folder), encoding="utf-8", newline="")
    return run_on(folder)


def test_a_fresh_export_says_what_the_shipped_one_says(fresh_report: Report) -> None:
    assert _findings(fresh_report) == _findings(run_sample())


def _findings(report: Report) -> list[object]:
    """Without what is random in a domain: its SID, and the GUIDs that anchors are."""
    seen = [
        (result.check, result.target, finding.status.value, finding.code, finding.subject, finding.summary)
        for result in report.results
        for finding in result.findings
    ]
    text = re.sub(r"S-1-5-21-\d+-\d+-\d+", "<domain>", json.dumps(seen, ensure_ascii=False))
    text = re.sub(r"[A-Za-z0-9+/]{22}==", "<anchor>", text)
    text = re.sub(r"\(\d+ entries, [\d :-]+\)", "<export>", text)
    text = re.sub(r"[\d-]{10} [\d:]{8} UTC", "<time>", text)
    return sorted(json.loads(text))


def test_the_controller_lets_the_connector_do_what_the_demo_says_and_nothing_else(
    sample_dc: DomainController, fresh_report: Report
) -> None:
    blocked = {str(row["sam_account_name"]): row for row in fresh_report.users[0].blocked}
    disagreements = []
    with Judge(sample_dc) as judge:
        for ou, name, account in (*PEOPLE, *INET_ORG_PERSONS):
            if account == PROTECTED or "OU=Service Accounts" in ou:
                continue
            row = blocked.get(account, dict.fromkeys(RIGHTS, "allowed"))
            for column, right in RIGHTS.items():
                allowed = judge.attempt(CONNECTOR, STANDARD_PASSWORD, right, f"CN={escaped(name)},{ou}")
                if allowed != (row[column] == "allowed"):
                    disagreements.append((account, column, row[column]))

    assert len(blocked) == 10
    assert disagreements == []


def test_nothing_is_exported_that_nobody_looks_at(sample_dc: DomainController) -> None:
    text = export(sample_dc)

    assert text.count("\ndn:") > len((*PEOPLE, *INET_ORG_PERSONS, *DISABLED))
    assert f"dn: {BASE}\n" in text
    assert not re.search(r"^(unicodePwd|dBCSPwd|supplementalCredentials|ntPwdHistory|lmPwdHistory)\b", text, re.M)
    assert STANDARD_PASSWORD not in text
