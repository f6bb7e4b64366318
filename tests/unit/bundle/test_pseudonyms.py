"""Stand-ins: consistent, complete for what was learned, and sparing with what says nothing about a site."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.bundle.pseudonyms import PUBLIC_NAMES, Pseudonyms

ALICE = "CN=Alice O'Neil\\, Dr.,OU=Sales & Export,OU=People,DC=corp,DC=contoso,DC=com"
REPORT = {
    "run": {"host": "SYNC01", "sync_server": "SYNC01"},
    "results": [
        {
            "check": "permissions.reset-password",
            "target": "corp.contoso.com",
            "status": "fail",
            "findings": [
                {
                    "status": "fail",
                    "code": "ace-missing",
                    "summary": f"{ALICE}: no entry grants it; alice was seen from sync01",
                    "evidence": {
                        ALICE: 1,
                        "by": "dc1.corp.contoso.com:636",
                        "also": ["10.20.30.40", "fe80::7"],
                    },
                    "remedy": 'dsacls "OU=People,DC=corp,DC=contoso,DC=com" /G "CORP\\MSOL_0123abcd:CA;Reset Password"',
                }
            ],
        }
    ],
    "users": [
        {
            "domain": "corp.contoso.com",
            "blocked": [
                {
                    "dn": ALICE,
                    "sam_account_name": "alice",
                    "user_principal_name": "alice@contoso.com",
                    "object_guid": "a3b1c2d4-1111-2222-3333-444455556666",
                    "source_anchor": "1MKxoxERIiIzM0REVVVmZg==",
                    "decided_by": "(OD;;CR;00299570-246d-11d0-a768-00aa006e0529;;S-1-5-21-11-22-33-1106)",
                }
            ],
        }
    ],
}


def replaced(tree: object = REPORT) -> tuple[Pseudonyms, object]:
    pseudonyms = Pseudonyms()
    pseudonyms.learn(tree)
    return pseudonyms, pseudonyms.apply(tree)


@pytest.mark.parametrize(
    "original",
    [
        "alice", "O'Neil", "Sales", "People", "contoso", "SYNC01", "dc1", "10.20.30.40", "fe80::7", "0123abcd", "1106",
        "S-1-5-21-11-22-33", "a3b1c2d4", "1MKxoxERIiIzM0REVVVmZg",
    ],
)  # fmt: skip
def test_nothing_that_identifies_is_left(original: str) -> None:
    assert original.casefold() not in json.dumps(replaced()[1]).casefold()


def test_what_says_nothing_about_a_site_stays() -> None:
    text = json.dumps(replaced()[1])
    for kept in ("permissions.reset-password", '"fail"', "ace-missing", "dsacls", "Reset Password", "MSOL_", ":636"):
        assert kept in text
    assert "00299570-246d-11d0-a768-00aa006e0529" in text


def test_the_same_has_the_same_stand_in_everywhere() -> None:
    _, document = replaced()
    finding = document["results"][0]["findings"][0]  # type: ignore[index]
    row = document["users"][0]["blocked"][0]  # type: ignore[index]
    assert row["dn"] in finding["summary"] and row["dn"] in finding["evidence"]
    assert row["user_principal_name"].startswith(row["sam_account_name"] + "@")
    assert document["results"][0]["target"] in finding["evidence"]["by"]  # type: ignore[index]
    assert document["run"]["host"].casefold() in finding["summary"]  # type: ignore[index]


def test_the_map_leads_back() -> None:
    pseudonyms, document = replaced()
    originals = pseudonyms.originals
    assert originals[document["users"][0]["blocked"][0]["sam_account_name"]] == "alice"  # type: ignore[index]
    assert originals[document["run"]["host"]] == "SYNC01"  # type: ignore[index]
    assert "corp.contoso.com" in originals.values()


def test_a_child_domain_stays_below_its_parent() -> None:
    pseudonyms = Pseudonyms()
    pseudonyms.learn(["x@contoso.com", "y@corp.contoso.com"])
    parent, child = pseudonyms.text("contoso.com"), pseudonyms.text("corp.contoso.com")
    assert child.endswith(f".{parent}") and child != parent


@pytest.mark.parametrize(
    "text",
    [
        "Version: 2.5.79.0",
        "Azure AD Sync 2.5.190.0",
        "Entra Connect below 2.5.79.0",
        "issued by CN=DigiCert Global Root G2, O=DigiCert Inc, C=US",
        "TLS is inspected by CN=FortiGate CA, O=Fortinet",
        "at System.IO.File.Read(String path) in File.cs:line 5",
        "the proxy refuses it: network.proxy",
        "HKLM\\SYSTEM\\CurrentControlSet",
        "NT AUTHORITY\\SYSTEM",
        "http://localhost:9",
        "https://aka.ms/sspr",
        "1.2.840.113556.1.4.2066",
        "CN=AdminSDHolder,CN=System",
        "ssprdedicatedsbprodscu.servicebus.windows.net",
        "passwordreset.microsoftonline.com",
        "127.0.0.1",
        "S-1-5-32-554",
        "at 12:30:45",
    ],
)
def test_words_of_the_program_and_the_service_are_kept(text: str) -> None:
    assert replaced()[0].text(text) == text


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Context: cloudAnchor: User_0f8fad5b-d9cb-469f-a165-70867728950e, UserPrincipalName: x", "0f8fad5b"),
        ("SourceAnchorValue: EMP-004711, UserPrincipalName: x", "EMP-004711"),
        ("SourceAnchorValue:E4711", "E4711"),
        ("at C:\\Users\\Jan de Vries\\Desktop\\x.log", "Vries"),
        ("see /home/ekoenig/preflight.toml", "ekoenig"),
        ("copied to \\\\WKS-0815\\c$\\log", "WKS-0815"),
        ("logged on as FABRIKAM\\erika.", "erika"),
        ("logged on as FABRIKAM\\erika.", "FABRIKAM"),
        ("by way of https://proxy.intern.acme.de:8080/", "acme"),
        ("by way of http://webproxy01:3128", "webproxy01"),
        ("connected to files.acme.de", "acme"),
        ("https://x/?username=j.m%C3%BCller%40acme.de&ru=", "C3%BCller"),
        ("https://x/?username=j.m%C3%BCller%40acme.de&ru=", "acme"),
        ("for j.müller@größe.example.de", "größe"),
        ("issued by CN=Acme Root CA, O=Acme Holding B.V., C=NL", "acme"),
        ("user cn=low case, ou=Some Unit, dc=acme, dc=de", "low case"),
        ("user cn=low case, ou=Some Unit, dc=acme, dc=de", "acme"),
        ("CN=Alice,OU=People,DC=acme,DC=com, denied", "acme"),
        ("mapped to ::ffff:10.9.8.7.", "9.8.7"),
        ("object 0f8fad5bd9cb469fa16570867728950e", "0f8fad5b"),
        ("O:S-1-5-21-7-8-9-1104D:(A;;CR;;;S-1-5-21-7-8-9-1105)", "7-8-9"),
    ],
)
def test_what_shows_by_its_form_is_replaced_wherever_it_stands(text: str, gone: str) -> None:
    assert gone.casefold() not in str(replaced(text)[1]).casefold()


def test_a_name_is_known_again_the_other_way_round() -> None:
    dn = "CN=M\\C3\\BCller\\, Jürgen,OU=Sales,DC=corp,DC=test"
    _, document = replaced([dn, "Failed to acquire user information: Jürgen Müller", "corp.test/Sales/Müller, Jürgen"])
    assert not re.search("Müller|Jürgen|BCller", str(document))


def test_a_quoted_address_is_the_same_user() -> None:
    quoted, plain = replaced(["for 'alice@contoso.com'", "alice@contoso.com"])[1]  # type: ignore[misc]
    assert quoted == f"for '{plain}'"


def test_an_anchor_that_is_a_text_is_the_same_in_its_field_and_in_an_event() -> None:
    _, document = replaced({"source_anchor": "EMP-1", "message": "SourceAnchorValue: EMP-1, Details: EMP-1 twice"})
    assert document == {"source_anchor": "anchor-1", "message": "SourceAnchorValue: anchor-1, Details: anchor-1 twice"}


def test_a_relay_of_a_tenant_is_replaced_and_stays_a_relay() -> None:
    text = Pseudonyms().text("sb-contoso-7.servicebus.windows.net:443")
    assert re.fullmatch(r"namespace-1\.servicebus\.windows\.net:443", text)


def test_a_user_called_like_a_word_of_the_schema_breaks_no_structure() -> None:
    tree = {"status": "pass", "sam_account_name": "status", "summary": "status is pass", "code": "ok"}
    _, document = replaced(tree)
    assert document == {"status": "pass", "sam_account_name": "user-1", "summary": "user-1 is pass", "code": "ok"}


def test_a_short_name_is_replaced_in_its_field() -> None:
    _, document = replaced({"sam_account_name": "li", "dn": "CN=Li,DC=corp,DC=test"})
    assert document["sam_account_name"] == "user-1"  # type: ignore[index]
    assert "Li" not in document["dn"]  # type: ignore[index]


def test_the_sample_report_holds_no_name_of_the_sample_forest() -> None:
    report = json.loads(files("preflight.demo").joinpath("report.json").read_text("utf-8"))
    text = json.dumps(replaced(report)[1], ensure_ascii=False).casefold()
    accounts = [row["sam_account_name"] for users in report["users"] for row in users["blocked"]]
    assert accounts
    for name in [*accounts, "corp.contoso.com", "dc=contoso", "msol_0a1b2c3d", "contractors"]:
        assert not re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", text), name


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_any_document_is_gone_through(tree: object) -> None:
    pseudonyms, document = replaced(tree)
    assert json.dumps(pseudonyms.apply(tree)) == json.dumps(document)


@given(name=st.text(min_size=3).filter(lambda text: re.fullmatch(r"\w{3,}", text) is not None), around=st.text())
def test_a_learned_name_is_gone_from_any_text(name: str, around: str) -> None:
    pseudonyms = Pseudonyms()
    pseudonyms.learn({"sam_account_name": name})
    words = [word.casefold() for word in re.findall(r"\w+", pseudonyms.text(f"{around} {name} {around}"))]
    if name.casefold() not in PUBLIC_NAMES and not re.fullmatch(r"user|\d+|msol_\d*", name.casefold()):
        assert name.casefold() not in words
