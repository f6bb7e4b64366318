import pytest
from descriptors import DOMAIN, descriptor

from preflight.directory.access import guids
from preflight.directory.access.causes import CAUSE_CODES, Cause, explain_missing, grants, origin_of, would_inherit
from preflight.directory.access.decider import Right
from preflight.directory.access.security_descriptor import Ace, SecurityDescriptor
from preflight.directory.model import WELL_KNOWN_SIDS, Token

RESET, USER, PERSON = str(guids.RESET_PASSWORD), str(guids.USER), str(guids.INET_ORG_PERSON)
CONNECTOR = f"{DOMAIN}-1105"
TOKEN = Token(WELL_KNOWN_SIDS | {CONNECTOR}, complete=True, source="test", account_sid=CONNECTOR)

STAFF, PEOPLE, HEAD = "OU=Staff,OU=People,DC=corp", "OU=People,DC=corp", "DC=corp"
GRANT = f"(OA;CIIO;CR;{RESET};{USER};{CONNECTOR})"
HANDED_DOWN = f"(OA;CIIOID;CR;{RESET};{USER};{CONNECTOR})"


def parsed(sddl: str | None) -> SecurityDescriptor | None:
    return None if sddl is None else SecurityDescriptor.parse(descriptor(sddl))


def explain(user: str | None, *above: str | None, object_class: str = "user") -> Cause:
    chain = list(zip((STAFF, PEOPLE, HEAD), map(parsed, above), strict=True))
    cause = explain_missing(parsed(user), object_class, chain, TOKEN, Right.RESET_PASSWORD)
    assert cause.code in CAUSE_CODES
    assert cause.detail.endswith(".")
    return cause


@pytest.mark.parametrize(
    ("user", "staff", "people", "head", "code", "container"),
    [
        ("D:P", "D:" + HANDED_DOWN, "D:" + HANDED_DOWN, "D:" + GRANT, "inheritance-off", ""),
        ("D:", "D:P", "D:" + HANDED_DOWN, "D:" + GRANT, "inheritance-off", STAFF),
        ("D:", "D:", "D:P", "D:" + GRANT, "inheritance-off", PEOPLE),
        ("D:P", "D:P", "D:", "D:" + GRANT, "inheritance-off", ""),
        ("D:", "D:", "D:", "D:P" + GRANT, "not-yet-inherited", HEAD),
        ("D:", "D:", "D:", "D:P", "ace-missing", ""),
        ("D:P", "D:P", "D:", "D:", "ace-missing", ""),
        ("D:", "D:", "D:", f"D:(OA;CI;CR;{RESET};{PERSON};{CONNECTOR})", "class-not-covered", HEAD),
        ("D:", "D:", f"D:(OA;CINP;CR;{RESET};{USER};{CONNECTOR})", "D:", "no-propagate", PEOPLE),
        ("D:", f"D:(OA;CINP;CR;{RESET};{USER};{CONNECTOR})", "D:", "D:", "not-yet-inherited", STAFF),
        ("D:", f"D:(OA;;CR;{RESET};;{CONNECTOR})", "D:", "D:", "not-inheritable", STAFF),
        (f"D:(OA;CIIO;CR;{RESET};;{CONNECTOR})", "D:", "D:", "D:", "inherit-only", ""),
        (f"D:(A;IO;GA;;;{CONNECTOR})", "D:", "D:", f"D:(OA;;CR;{RESET};;{CONNECTOR})", "inherit-only", ""),
        (f"D:P(OA;CIIO;CR;{RESET};;{CONNECTOR})", "D:", "D:", "D:" + GRANT, "inheritance-off", ""),
        (f"D:(OA;CIIOID;CR;{RESET};{PERSON};{CONNECTOR})", "D:", "D:", "D:", "ace-missing", ""),
        ("D:", "D:", None, "D:", "unreadable", PEOPLE),
        ("D:", "D:", "O:DA", "D:", "unreadable", PEOPLE),
        ("D:P", "D:", None, "D:" + GRANT, "inheritance-off", ""),
        (None, "D:", "D:", "D:" + GRANT, "unreadable", ""),
        ("D:", "D:", "D:", f"D:(OD;CI;CR;{RESET};{USER};{CONNECTOR})", "ace-missing", ""),
    ],
)
def test_what_keeps_a_grant_away(user, staff, people, head, code, container):
    cause = explain(user, staff, people, head)
    assert (cause.code, cause.container) == (code, container)


def test_the_grant_that_needs_least_to_arrive_explains_best():
    cause = explain("D:P", f"D:(OA;;CR;{RESET};;{CONNECTOR})", "D:" + GRANT.replace(USER, PERSON), "D:" + GRANT)
    assert (cause.code, cause.origin) == ("inheritance-off", HEAD)
    assert cause.ace is not None
    assert cause.ace.sddl == GRANT
    assert cause.detail == f"{GRANT} stands on DC=corp, but inheritance is switched off on the user itself."


def test_an_inet_org_person_isnt_covered_by_a_grant_on_users():
    cause = explain("D:", "D:" + HANDED_DOWN, "D:" + HANDED_DOWN, "D:" + GRANT, object_class="inetOrgPerson")
    assert (cause.code, cause.container) == ("class-not-covered", HEAD)
    assert "is for objects of class user, and this one is inetOrgPerson" in cause.detail


@pytest.mark.parametrize(
    ("user", "people", "origin"),
    [
        (f"D:(OD;;CR;{RESET};;{CONNECTOR})", "D:", ""),
        (f"D:(OD;CIID;CR;{RESET};;{CONNECTOR})", f"D:(OD;CI;CR;{RESET};;{CONNECTOR})", PEOPLE),
        (f"D:(OD;CIID;CR;{RESET};;{CONNECTOR})", f"D:(OD;CI;CR;{RESET};{PERSON};{CONNECTOR})", None),
        (f"D:(OD;CIID;CR;{RESET};;{CONNECTOR})", None, None),
    ],
)
def test_a_denial_names_the_container_where_its_entry_is_explicit(user, people, origin):
    cause = explain(user, "D:", people, f"D:(OD;CI;CR;{RESET};;{CONNECTOR})" if people is None else "D:")
    assert (cause.code, cause.origin, cause.container) == ("ace-denied", origin, origin or "")
    assert cause.ace is not None


def test_the_origin_of_a_generic_grant_is_found_though_it_was_mapped_when_handed_down():
    inherited = Ace(0, 0x12, 0xF01FF, CONNECTOR)
    chain = [(STAFF, parsed("D:")), (PEOPLE, parsed(f"D:(A;CI;GA;;;{CONNECTOR})"))]
    assert origin_of(inherited, "user", chain) == PEOPLE
    assert origin_of(inherited, "user", chain[:1]) is None
    assert origin_of(Ace(0, 0x02, 0xF01FF, CONNECTOR), "user", chain) == ""


@pytest.mark.parametrize(
    ("sddl", "levels", "arrives"),
    [
        ("(A;CI;CR;;;WD)", 1, True),
        ("(A;CIIO;CR;;;WD)", 5, True),
        ("(A;CINP;CR;;;WD)", 1, True),
        ("(A;CINP;CR;;;WD)", 2, False),
        ("(A;OI;CR;;;WD)", 1, False),
        ("(A;;CR;;;WD)", 1, False),
        (f"(OA;CI;CR;{RESET};{USER};WD)", 2, True),
        (f"(OA;CI;CR;{RESET};{PERSON};WD)", 2, False),
    ],
)
def test_what_a_container_hands_down(sddl, levels, arrives):
    [one] = parsed("D:" + sddl).dacl
    assert would_inherit(one, "user", levels=levels) is arrives


@pytest.mark.parametrize(
    ("sddl", "granted"),
    [
        (GRANT, True),
        (f"(A;;GA;;;{CONNECTOR})", True),
        ("(A;;CR;;;WD)", True),
        ("(XA;;CR;;;WD)", False),
        ("(D;;CR;;;WD)", False),
        (f"(OA;;WP;{RESET};;WD)", False),
        (f"(A;;CR;;;{DOMAIN}-9)", False),
    ],
)
def test_what_counts_as_a_grant(sddl, granted):
    [one] = parsed("D:" + sddl).dacl
    assert grants(one, Right.RESET_PASSWORD, TOKEN) is granted
