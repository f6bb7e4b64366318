"""What writeback could do for one user: the outcome, the reason, and the entry that decided, with its origin."""

from __future__ import annotations

import itertools

import pytest
from crowds import BASE, CONNECTOR, EVERYTHING, GRANTED, NOTHING, RESET, CrowdDirectory, domain, judge, user
from descriptors import DOMAIN

from preflight.directory.access.decider import Right
from preflight.directory.access.rights import Answer, Decision
from preflight.directory.users.judgement import REQUIRED_RIGHTS, Outcome, outcome_of
from preflight.directory.users.membership import Membership
from preflight.directory.users.protection import Protection

OU = f"OU=Site 01,{BASE}"
USER, PERSON = "bf967aba-0de6-11d0-a285-00aa003049e2", "4828cc14-1437-45bc-9b07-ad6f015e5f28"
FULL = f"(A;CI;WPCR;;;{CONNECTOR})"


def containers(**above: str):
    """Descriptors by name: head (the domain's), ou (of user 1)."""
    found = {"head": GRANTED, "ou": "O:DAG:DAD:AI", **above}
    return CrowdDirectory(lambda: (), containers={BASE: found["head"], OU: found["ou"]}).containers()


def row(sddl: str = NOTHING, *, protection: Protection | None = None, above=None, **attributes):
    judging = judge(containers(**(above or {})), protection=protection)
    return judging.row(judging(user(1, sddl, **attributes)))


@pytest.mark.parametrize("answers", list(itertools.product(Answer, repeat=3)))
@pytest.mark.parametrize("protected", [True, False, None])
def test_every_combination_of_answers_has_its_outcome(answers, protected):
    rights = {right: Decision(answer, "x", None) for right, answer in zip(REQUIRED_RIGHTS, answers, strict=True)}
    outcome = outcome_of(rights, protected)
    if protected:
        assert outcome is Outcome.UNSUPPORTED
    elif set(answers) == {Answer.ALLOWED}:
        assert outcome is Outcome.OK
    elif Answer.DENIED in answers and protected is False:
        assert outcome is Outcome.BLOCKED
    else:
        assert outcome is Outcome.UNKNOWN


def test_change_password_never_blocks():
    found = row(f"O:DAG:DAD:(OD;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;WD)(A;CIID;CRWP;;;{CONNECTOR})")
    assert (found["change_password"], found["outcome"], found["code"]) == ("denied", "ok", "")


def test_a_user_who_is_ok_names_the_entry_that_allows_it_and_its_origin():
    found = row(EVERYTHING)
    assert (found["outcome"], found["code"], found["reason"]) == ("ok", "", "")
    assert found["decided_by"] == f"(A;CIID;WPCR;;;{CONNECTOR}) on {BASE}"


@pytest.mark.parametrize(
    ("sddl", "above", "code", "decided_by"),
    [
        (f"D:(OD;;CR;{RESET};;WD)", {}, "ace-denied", f"(OD;;CR;{RESET};;WD) on the user itself"),
        (
            f"D:AI(OD;CIID;CR;{RESET};;WD)",
            {"ou": f"D:(OD;CI;CR;{RESET};;WD)"},
            "ace-denied",
            f"(OD;CIID;CR;{RESET};;WD) on {OU}",
        ),
        (f"D:AI(OD;CIID;CR;{RESET};;WD)", {}, "ace-denied", f"(OD;CIID;CR;{RESET};;WD), inherited"),
        ("D:P", {}, "inheritance-off", f"{FULL} on {BASE}"),
        ("D:AI", {"ou": "D:P"}, "inheritance-off", f"{FULL} on {BASE}"),
        (
            "D:AI",
            {"head": f"D:(OA;CIIO;CR;{RESET};{PERSON};{CONNECTOR})"},
            "class-not-covered",
            f"(OA;CIIO;CR;{RESET};{PERSON};{CONNECTOR}) on {BASE}",
        ),
        (
            "D:AI",
            {"head": f"D:(OA;CINP;CR;{RESET};;{CONNECTOR})"},
            "no-propagate",
            f"(OA;CINP;CR;{RESET};;{CONNECTOR}) on {BASE}",
        ),
        (
            "D:AI",
            {"head": f"D:(OA;;CR;{RESET};;{CONNECTOR})"},
            "not-inheritable",
            f"(OA;;CR;{RESET};;{CONNECTOR}) on {BASE}",
        ),
        (f"D:AI(A;IOID;CRWP;;;{CONNECTOR})", {"head": "D:"}, "ace-missing", ""),
        (
            f"D:AI(OA;CIIO;CR;{RESET};;{CONNECTOR})",
            {"head": "D:"},
            "inherit-only",
            f"(OA;CIIO;CR;{RESET};;{CONNECTOR}) on the user itself",
        ),
        ("D:AI", {"head": "D:"}, "ace-missing", ""),
    ],
)
def test_who_is_blocked_has_the_code_the_entry_and_where_it_stands(sddl, above, code, decided_by):
    found = row("O:DAG:DA" + sddl, above=above)
    assert (found["outcome"], found["code"], found["decided_by"]) == ("blocked", code, decided_by)
    assert found["reason"].endswith(".")


def test_an_orphan_is_blocked_by_inheritance_that_stayed_off():
    found = row("O:DAG:DAD:P", adminCount=1)
    assert (found["outcome"], found["code"], found["protected"]) == ("blocked", "orphaned-admin-count", False)


def test_a_protected_account_names_the_path_and_the_holder():
    ann = user(1, EVERYTHING)
    path = {ann.distinguished_name.casefold(): ("Domain Admins", "Nest")}
    found = row(EVERYTHING, protection=Protection(Membership(paths=path), frozenset()))
    assert (found["outcome"], found["code"], found["protected"]) == ("unsupported", "protected", True)
    assert "Domain Admins > Nest" in found["reason"]
    assert found["decided_by"] == f"CN=AdminSDHolder,CN=System,{BASE}"


def test_where_protection_is_unknown_a_missing_right_is_unknown_too():
    unsure = Protection(Membership(), frozenset(), obstacle="the members could not be read")
    assert row(NOTHING, protection=unsure, adminCount=1)["outcome"] == "unknown"
    assert row(NOTHING, protection=unsure, adminCount=1)["code"] == "protection-unreadable"
    assert row(NOTHING, protection=unsure)["outcome"] == "blocked"
    assert row(EVERYTHING, protection=unsure, adminCount=1)["outcome"] == "ok"


@pytest.mark.parametrize(
    ("sddl", "attributes", "code"),
    [
        (EVERYTHING, {"nTSecurityDescriptor": None}, "unreadable"),
        (EVERYTHING, {"nTSecurityDescriptor": b"\x01\x00"}, "malformed"),
        ("O:DAG:DA", {}, "unreadable"),
        (EVERYTHING, {"userAccountControl": None}, "standing-unreadable"),
    ],
)
def test_what_could_not_be_read_is_unknown_never_ok(sddl, attributes, code):
    found = row(sddl, **attributes)
    assert found["outcome"] == "unknown"
    assert found["code"]
    assert found["code"] == code or code in ("unreadable", "malformed")


def test_the_code_is_the_first_blocked_rights_whatever_could_not_be_told_before_it():
    found = row(f"O:DAG:DAD:(XA;;CR;;;{CONNECTOR})(OD;;WP;28630ebf-41d5-11d1-a9c1-0000f80367c1;;WD)")
    assert (found["reset_password"], found["write_lockout_time"]) == ("unknown", "denied")
    assert (found["outcome"], found["code"]) == ("blocked", "ace-denied")
    assert str(found["decided_by"]).startswith("(OD;;WP;28630ebf")


def test_what_decides_a_right_is_told_of_a_user_of_whom_too_little_could_be_read():
    judging = judge(containers())
    judgement = judging(user(1, f"O:DAG:DAD:(OD;;CR;{RESET};;WD)", userAccountControl=None))
    assert judging.cause(judgement, Right.RESET_PASSWORD).code == "standing-unreadable"
    assert judging.right_cause(judgement, Right.RESET_PASSWORD).code == "ace-denied"


def test_causes_are_remembered_apart_for_class_container_and_descriptor():
    judging = judge(containers())
    users = [
        user(1, NOTHING),
        user(1, NOTHING, objectClass=["top", "user", "inetOrgPerson"]),
        user(1, "O:DAG:DAD:P"),
        user(2, NOTHING),
        user(1, NOTHING, adminCount=1),
    ]
    for _ in range(3):
        rows = [judging.row(judging(each)) for each in users]
        alone = [(lambda fresh, each: fresh.row(fresh(each)))(judge(containers()), each) for each in users]
        assert rows == alone


def test_a_disabled_user_has_a_row_that_says_so():
    found = row(NOTHING, userAccountControl=0x202)
    assert (found["enabled"], found["outcome"]) == (False, "blocked")


def test_the_domain_head_ends_the_chain():
    judging = judge(containers())
    judgement = judging(user(1, EVERYTHING, dn=f"CN=Ann,{BASE}"))
    assert judgement.container == BASE
    assert judging.cause(judgement, Right.RESET_PASSWORD).origin == BASE
    assert domain().sid == DOMAIN
