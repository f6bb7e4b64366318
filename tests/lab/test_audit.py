"""The per-user audit on a real domain: each row right, with the entry that decided and where it comes from."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from lab.auditing import audit, audited, csv_rows, json_rows
from lab.forest import INET_ORG_PERSON_CLASS, RESET_PASSWORD, USER_CLASS, Forest
from lab.recording_proxy import RecordingProxy
from lab.running import run

from preflight.outputs.user_table import COLUMNS

CONNECTOR = "MSOL_0123abcd"
BEA = "CN=Bea Sales,OU=Sales"
DANA = "CN=Dana Emea,OU=Emea,OU=Sales"


def _grant(flags: str, kind: str = "", access: str = "CR") -> str:
    return f"(OA;{flags};{access};{RESET_PASSWORD};{kind};<{CONNECTOR}>)"


DENY = f"(OD;CI;CR;{RESET_PASSWORD};;<{CONNECTOR}>)"


def _no_grant(forest: Forest) -> None:
    """Nobody is granted Reset Password."""
    forest.admin.remove_aces(forest.dn(), _grant("CIIO", USER_CLASS) + _grant("CIIO", INET_ORG_PERSON_CLASS))


def _granted_on(where: str, ace: str) -> Callable[[Forest], None]:
    def seed(forest: Forest) -> None:
        _no_grant(forest)
        forest.admin.add_aces(forest.dn(where), ace)

    return seed


def _inheritance_off(where: str) -> Callable[[Forest], None]:
    def seed(forest: Forest) -> None:
        forest.admin.protect(forest.dn(where), keep=True)
        forest.admin.remove_trustee(forest.dn(where), CONNECTOR)

    return seed


# The seed, the user looked at, its code, what the reason says, and the container that the entry stands on.
CASES = [
    pytest.param(
        lambda forest: forest.admin.add_aces(forest.dn("OU=Sales"), DENY),
        DANA,
        "ace-denied",
        "is inherited from OU=Sales,",
        "OU=Sales",
        id="denied two levels above",
    ),
    pytest.param(
        lambda forest: forest.admin.add_aces(forest.dn(BEA), f"(OD;;CR;{RESET_PASSWORD};;<{CONNECTOR}>)"),
        BEA,
        "ace-denied",
        "stands on the user itself",
        None,
        id="denied on the user",
    ),
    pytest.param(
        _inheritance_off("OU=Sales"), DANA, "inheritance-off", "switched off on OU=Sales,", "", id="off above"
    ),
    pytest.param(_inheritance_off(BEA), BEA, "inheritance-off", "switched off on the user itself", "", id="off on it"),
    pytest.param(
        _granted_on("OU=Sales", _grant("CIIO", INET_ORG_PERSON_CLASS)),
        BEA,
        "class-not-covered",
        "inetOrgPerson",
        "OU=Sales",
        id="for another class",
    ),
    pytest.param(
        _granted_on("OU=Sales", _grant("CINP")), DANA, "no-propagate", "direct children", "OU=Sales", id="one level"
    ),
    pytest.param(
        _granted_on("OU=Emea,OU=Sales", _grant("")),
        DANA,
        "not-inheritable",
        "that container only",
        "OU=Emea,OU=Sales",
        id="not handed down",
    ),
    pytest.param(
        _granted_on(BEA, _grant("CIIO")), BEA, "inherit-only", "for objects below", None, id="inherit-only on the user"
    ),
    pytest.param(_no_grant, BEA, "ace-missing", "No entry grants it", None, id="nowhere"),
]


@pytest.mark.parametrize(("seed", "who", "code", "reason", "origin"), CASES)
def test_a_blocked_user_has_the_entry_and_its_origin(
    own_forest: Forest,
    tmp_path: Path,
    seed: Callable[[Forest], None],
    who: str,
    code: str,
    reason: str,
    origin: str | None,
) -> None:
    with own_forest.undoing():
        seed(own_forest)
        row = audited(own_forest, tmp_path)[own_forest.dn(who)]
    assert (row["outcome"], row["code"], row["reset_password"]) == ("blocked", code, "denied")
    assert reason in str(row["reason"])
    if origin is not None:
        assert str(row["decided_by"]).endswith(f" on {own_forest.dn(origin)}")
        assert str(row["decided_by"]).startswith("(O")
    elif code in ("ace-denied", "inherit-only"):
        assert str(row["decided_by"]).endswith(" on the user itself")
    else:
        assert row["decided_by"] == ""


def test_a_protected_account_names_the_holder_and_the_path(own_forest: Forest, tmp_path: Path) -> None:
    with own_forest.undoing():
        own_forest.admin.group(own_forest.dn("CN=Nest,OU=Groups"), "nest", members=[own_forest.dn(BEA)])
        own_forest.admin.add_member("Domain Admins", "nest")
        row = audited(own_forest, tmp_path)[own_forest.dn(BEA)]
    assert (row["outcome"], row["code"], row["protected"]) == ("unsupported", "protected", True)
    assert "Domain Admins > nest" in str(row["reason"])
    assert row["decided_by"] == f"CN=AdminSDHolder,CN=System,{own_forest.base_dn}"


def test_a_healthy_forest_has_a_good_row_for_everybody_in_scope(forest: Forest, tmp_path: Path) -> None:
    rows = audited(forest, tmp_path)
    assert set(rows) == {*(person.dn for person in forest.people), forest.dn("CN=Preflight reader,CN=Users")}
    for person in forest.people:
        row = rows[person.dn]
        assert list(row) == list(COLUMNS)
        assert (row["outcome"], row["enabled"], row["code"]) == ("ok", person.enabled, "")
        assert (row["object_class"], row["sam_account_name"]) == (person.object_class, person.account)
        assert str(row["decided_by"]).endswith(f" on {forest.base_dn}")


def test_csv_and_json_lines_say_the_same_whatever_the_names_hold(own_forest: Forest, tmp_path: Path) -> None:
    formula = '=HYPERLINK("http://x.test/","a")\r\nnext@corp.contoso.test'
    with own_forest.undoing():
        own_forest.admin.modify(own_forest.dn(BEA), userPrincipalName=formula)
        own_forest.admin.user(own_forest.dn("CN=Two\\0ALines,OU=Sales"), "twolines")
        path = tmp_path / "users.csv"
        done = audit(own_forest, tmp_path, "--format", "jsonl", "-o", f"csv={path}")
    assert done.returncode == 0, done.stderr
    objects = json_rows(done.stdout)
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    cells = csv_rows(content.decode("utf-8"))
    assert [row["dn"] for row in cells] == [row["dn"] for row in objects]
    [bea] = [row for row in cells if row["dn"] == own_forest.dn(BEA)]
    assert bea["user_principal_name"] == "'" + formula
    assert any("\\0A" in str(row["dn"]) or "\n" in str(row["dn"]) for row in objects)
    assert not any(value.startswith(("=", "+", "-", "@")) for row in cells for value in row.values())


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
@pytest.mark.parametrize("format", ["human", "csv", "jsonl"])
def test_no_letter_is_too_much_for_any_console(forest: Forest, tmp_path: Path, encoding: str, format: str) -> None:
    console = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = audit(forest, tmp_path, "--format", format, environ=console, encoding=encoding)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    if format == "jsonl":
        assert {str(row["dn"]) for row in json_rows(done.stdout)} >= {person.dn for person in forest.people}


def test_only_blocked_leaves_out_everybody_else(own_forest: Forest, tmp_path: Path) -> None:
    with own_forest.undoing():
        own_forest.admin.add_aces(own_forest.dn("OU=Emea,OU=Sales"), DENY)
        done = audit(own_forest, tmp_path, "--format", "jsonl", "--only-blocked")
    rows = json_rows(done.stdout)
    assert done.returncode == 3
    assert Counter(row["outcome"] for row in rows) == {"blocked": 6}  # Jo Emea is disabled
    assert all(row["enabled"] for row in rows)


def test_a_disabled_user_has_a_row_and_no_say(own_forest: Forest, tmp_path: Path) -> None:
    jo = own_forest.dn("CN=Jo Emea,OU=Emea,OU=Sales")
    with own_forest.undoing():
        own_forest.admin.add_aces(jo, f"(OD;;CR;{RESET_PASSWORD};;<{CONNECTOR}>)")
        done = audit(own_forest, tmp_path, "--format", "jsonl")
    assert done.returncode == 0
    [row] = [row for row in json_rows(done.stdout) if row["dn"] == jo]
    assert (row["enabled"], row["reset_password"]) == (False, "denied")


def test_search_bases_and_exclusions_decide_who_has_a_row(forest: Forest, tmp_path: Path) -> None:
    bases = {"search_bases": [forest.dn("OU=Sales")], "exclude": [forest.dn("OU=Emea,OU=Sales")]}
    rows = audited(forest, tmp_path, **bases)
    assert set(rows) == {person.dn for person in forest.people if person.dn.partition(",")[2] == forest.dn("OU=Sales")}
    done = audit(forest, tmp_path, **bases)
    assert "7 excluded by the configuration" in done.stdout


def test_users_whose_standing_may_not_be_read_are_unknown(own_forest: Forest, tmp_path: Path) -> None:
    with own_forest.undoing():
        own_forest.admin.remove_member(
            own_forest.dn("CN=Pre-Windows 2000 Compatible Access,CN=Builtin"),
            own_forest.dn("CN=S-1-5-11,CN=ForeignSecurityPrincipals"),
        )
        done = audit(own_forest, tmp_path, "--format", "jsonl")
    assert done.returncode == 4
    rows = [row for row in json_rows(done.stdout) if row["sam_account_name"] != "reader"]  # he may read himself
    assert {(row["outcome"], row["code"], row["enabled"]) for row in rows} == {("unknown", "standing-unreadable", None)}
    assert len(rows) >= len(own_forest.people)


def test_two_domains_of_two_forests_stand_in_one_table(forest: Forest, second_forest: Forest, tmp_path: Path) -> None:
    other = second_forest.domain_table(connector_account=second_forest.connector)
    done = audit(forest, tmp_path, "--format", "jsonl", others=[other])
    assert done.returncode == 0, done.stderr
    domains = Counter(row["domain"] for row in json_rows(done.stdout))
    assert domains == {forest.domain: len(forest.people) + 1, second_forest.domain: len(second_forest.people) + 1}


def test_an_audit_and_a_run_share_one_reading_and_one_judge(own_forest: Forest, tmp_path: Path) -> None:
    with own_forest.undoing(), RecordingProxy(own_forest.dc) as proxy:
        own_forest.admin.add_aces(own_forest.dn("OU=Emea,OU=Sales"), DENY)
        through = {"controllers": proxy.controllers, "ca_file": str(proxy.ca_file)}
        report = run(own_forest, tmp_path, **through)
        passes = [operation for operation in proxy.operations if operation.filter == "(sAMAccountType=805306368)"]
        proxy.forget()
        rows = audited(own_forest, tmp_path, **through)
        again = [operation for operation in proxy.operations if operation.filter == "(sAMAccountType=805306368)"]
    assert (len(passes), len(again)) == (1, 1)
    [users] = report.users
    counted = Counter("disabled" if row["enabled"] is False else row["outcome"] for row in rows.values())
    assert counted == {key: count for key, count in users.outcomes.items() if key != "out_of_scope"}
    assert [dict(row) for row in users.blocked] == [
        row for row in rows.values() if row["outcome"] == "blocked" and row["enabled"]
    ]
    assert users.outcomes["blocked"] == 6
