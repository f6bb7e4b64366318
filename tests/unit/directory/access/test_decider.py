import random
from collections.abc import Mapping
from itertools import chain, combinations
from uuid import UUID

import pytest
from descriptors import DOMAIN, ace, descriptor, sid
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from preflight.directory.access import guids
from preflight.directory.access.decider import (
    DEFAULT_SCHEMA,
    AccessSchema,
    Answer,
    Decision,
    Right,
    RightsDecider,
    decide,
)
from preflight.directory.access.security_descriptor import MalformedDescriptor, SecurityDescriptor
from preflight.directory.model import WELL_KNOWN_SIDS, Token, User

RESET = str(guids.RESET_PASSWORD)
CHANGE = str(guids.CHANGE_PASSWORD)
LOCKOUT = str(guids.LOCKOUT_TIME)
LAST_SET = str(guids.PWD_LAST_SET)
RESTRICTIONS = str(guids.USER_ACCOUNT_RESTRICTIONS)
USER = str(guids.USER)
PERSON = str(guids.INET_ORG_PERSON)
OTHER = "12345678-0000-4000-8000-000000000000"

CONNECTOR = f"{DOMAIN}-1105"
GROUP = f"{DOMAIN}-1200"
STRANGER = f"{DOMAIN}-1300"
ALICE = f"{DOMAIN}-2001"

TOKEN = Token(WELL_KNOWN_SIDS | {CONNECTOR, GROUP}, complete=True, source="test", account_sid=CONNECTOR)
SHORT = Token(
    WELL_KNOWN_SIDS | {CONNECTOR}, complete=False, source="test", account_sid=CONNECTOR, outside=frozenset({STRANGER})
)


def judge(
    sddl: str,
    right: Right = Right.RESET_PASSWORD,
    *,
    token: Token = TOKEN,
    object_sid: str | None = ALICE,
    object_class: str = "user",
    schema: AccessSchema = DEFAULT_SCHEMA,
) -> Decision:
    """Decided from the parsed descriptor and from the raw bytes, which must agree."""
    for word, value in {"ME": CONNECTOR, "GROUP": GROUP, "STRANGER": STRANGER}.items():
        sddl = sddl.replace(f";{word})", f";{value})").replace(f"O:{word}", f"O:{value}")
    data = descriptor(sddl)
    decision = decide(
        SecurityDescriptor.parse(data), token, right, object_sid=object_sid, object_class=object_class, schema=schema
    )
    if right is not Right.CHANGE_PASSWORD:
        decider = RightsDecider(token, [right], schema=schema)
        assert decider(user(data, object_sid, object_class))[right] == decision
    return decision


def user(data: bytes | None, object_sid: str | None = ALICE, object_class: str = "user", primary: int = 513) -> User:
    raw: dict[str, list[bytes]] = {"primaryGroupID": [str(primary).encode()]}
    if object_class:
        raw["objectClass"] = [b"top", b"person", object_class.encode()]
    if data is not None:
        raw["nTSecurityDescriptor"] = [data]
    if object_sid:
        raw["objectSid"] = [sid(object_sid)]
    return User("CN=Alice,DC=corp", raw)


@pytest.mark.parametrize(
    ("dacl", "answer", "code"),
    [
        ("", "denied", "ace-missing"),
        (f"(OA;;CR;{RESET};;ME)", "allowed", "ace-allows"),
        (f"(OA;;CR;{RESET};;GROUP)", "allowed", "ace-allows"),
        ("(A;;CR;;;ME)", "allowed", "ace-allows"),
        ("(A;;CR;;;WD)", "allowed", "ace-allows"),
        ("(A;;GA;;;AU)", "allowed", "ace-allows"),
        ("(A;;GW;;;ME)", "denied", "ace-missing"),
        ("(A;;GRGX;;;ME)", "denied", "ace-missing"),
        (f"(OA;;CR;{RESET};;STRANGER)", "denied", "ace-missing"),
        (f"(OA;;CR;{CHANGE};;ME)", "denied", "ace-missing"),
        (f"(OA;;RPWP;{RESET};;ME)", "denied", "ace-missing"),
        (f"(OA;CIIO;CR;{RESET};{USER};ME)", "denied", "ace-missing"),
        (f"(OA;CIID;CR;{RESET};{USER};ME)", "allowed", "ace-allows"),
        (f"(OA;CIID;CR;{RESET};{PERSON};ME)", "allowed", "ace-allows"),  # AD resolved inheritance when it stored it
        (f"(OD;;CR;{RESET};;ME)(A;;GA;;;ME)", "denied", "ace-denied"),
        (f"(A;;GA;;;ME)(OD;;CR;{RESET};;ME)", "allowed", "ace-allows"),
        ("(D;;CR;;;WD)(A;;GA;;;ME)", "denied", "ace-denied"),
        ("(A;;CR;;;ME)(D;ID;CR;;;ME)", "allowed", "ace-allows"),
        ("(D;IO;CR;;;ME)(A;;CR;;;ME)", "allowed", "ace-allows"),
        ("(D;;WP;;;ME)(A;;CR;;;ME)", "allowed", "ace-allows"),
        ("(OD;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;WD)(A;;CR;;;ME)", "allowed", "ace-allows"),
        ("(A;;CR;;;CO)", "denied", "ace-missing"),
        ("(A;;CR;;;CG)(A;;CR;;;AN)(A;;CR;;;SY)", "denied", "ace-missing"),
        ("(A;;CR;;;PS)", "denied", "ace-missing"),
    ],
)
def test_the_first_entry_that_matches_decides_a_control_access_right(dacl, answer, code):
    decision = judge("O:DAD:" + dacl)
    assert (decision.answer, decision.code) == (answer, code)


@pytest.mark.parametrize(
    ("dacl", "lockout_time", "pwd_last_set"),
    [
        (f"(OA;;WP;{LOCKOUT};;ME)", "allowed", "denied"),
        (f"(OA;;WP;{LAST_SET};;ME)", "denied", "allowed"),
        (f"(OA;;WP;{RESTRICTIONS};;ME)", "denied", "allowed"),
        (f"(OA;;RPWP;{USER};;ME)", "allowed", "allowed"),
        (f"(OA;;WP;{PERSON};;ME)", "denied", "denied"),
        (f"(OA;;RPCR;{LOCKOUT};;ME)", "denied", "denied"),
        ("(A;;GW;;;ME)", "allowed", "allowed"),
        ("(A;;SW;;;ME)", "denied", "denied"),
        (f"(OD;;WP;{RESTRICTIONS};;ME)(A;;WP;;;ME)", "allowed", "denied"),
        (f"(OD;;WP;{USER};;ME)(A;;WP;;;ME)", "denied", "denied"),
    ],
)
def test_a_property_is_meant_by_its_own_its_sets_and_its_objects_class_guid(dacl, lockout_time, pwd_last_set):
    assert judge("O:DAD:" + dacl, Right.WRITE_LOCKOUT_TIME).answer == lockout_time
    assert judge("O:DAD:" + dacl, Right.WRITE_PWD_LAST_SET).answer == pwd_last_set


def test_the_deciding_entry_and_its_place_are_kept():
    decision = judge(f"O:DAD:(A;;RC;;;AU)(OD;;CR;{RESET};;WD)(OA;;CR;{RESET};;ME)")
    assert decision.ace is not None
    assert (decision.index, decision.ace.sddl) == (1, f"(OD;;CR;{RESET};;WD)")


def test_a_forest_that_put_lockout_time_into_a_property_set_is_judged_by_its_schema():
    schema = AccessSchema(property_sets={guids.LOCKOUT_TIME: UUID(OTHER)})
    allowed = f"O:DAD:(OA;;WP;{OTHER};;ME)"
    assert judge(allowed, Right.WRITE_LOCKOUT_TIME, schema=schema).allowed
    assert judge(allowed, Right.WRITE_LOCKOUT_TIME).denied


class TestClasses:
    def test_the_most_specific_class_counts_and_no_other(self):
        dacl = f"O:DAD:(OA;;WP;{PERSON};;ME)"
        assert judge(dacl, Right.WRITE_LOCKOUT_TIME, object_class="inetOrgPerson").allowed
        assert judge(dacl, Right.WRITE_LOCKOUT_TIME, object_class="user").denied
        assert judge(dacl, Right.WRITE_LOCKOUT_TIME, object_class="INETORGPERSON").allowed

    def test_a_control_access_right_by_class_is_unknown_where_it_would_decide(self):
        by_class = f"(OA;;CR;{USER};;ME)"
        assert judge("O:DAD:" + by_class).code == "class-guid"
        assert judge("O:DAD:" + by_class).unknown
        assert judge(f"O:DAD:{by_class}(A;;CR;;;ME)").allowed
        assert judge(f"O:DAD:(D;;CR;;;ME){by_class}").denied
        assert judge(f"O:DAD:(OD;;CR;{USER};;ME)(A;;CR;;;ME)").unknown
        assert judge(f"O:DAD:(OD;;CR;{USER};;ME)").code == "ace-missing"
        assert judge("O:DAD:" + by_class, object_class="inetOrgPerson").denied

    def test_a_class_of_the_forests_own_may_be_what_an_unknown_guid_means(self):
        dacl = f"O:DAD:(OA;;WP;{OTHER};;ME)"
        assert judge(dacl, Right.WRITE_LOCKOUT_TIME, object_class="contosoUser").code == "class-guid"
        assert judge(dacl, Right.WRITE_LOCKOUT_TIME, object_class="user").denied
        assert judge(f"O:DAD:(OA;;WP;{USER};;ME)", Right.WRITE_LOCKOUT_TIME, object_class="contosoUser").denied
        assert judge(f"O:DAD:(OA;;WP;{RESTRICTIONS};;ME)", Right.WRITE_LOCKOUT_TIME, object_class="contosoUser").denied

    def test_a_class_that_the_schema_names_is_judged_like_any(self):
        schema = AccessSchema(classes={"contosoUser": UUID(OTHER)})
        dacl = f"O:DAD:(OA;;WP;{OTHER};;ME)"
        assert judge(dacl, Right.WRITE_LOCKOUT_TIME, object_class="contosoUser", schema=schema).allowed

    def test_where_the_class_could_not_be_read_any_may_be_meant(self):
        assert judge(f"O:DAD:(OA;;WP;{USER};;ME)", Right.WRITE_LOCKOUT_TIME, object_class="").unknown
        assert judge(f"O:DAD:(OA;;WP;{LOCKOUT};;ME)", Right.WRITE_LOCKOUT_TIME, object_class="").allowed


class TestUnreadable:
    def test_no_descriptor_is_unknown(self):
        decision = decide(None, TOKEN, Right.RESET_PASSWORD, object_sid=ALICE, object_class="user")
        assert (decision.answer, decision.code) == (Answer.UNKNOWN, "unreadable")
        assert RightsDecider(TOKEN)(user(None))[Right.RESET_PASSWORD] == decision

    @pytest.mark.parametrize("data", [descriptor("O:DAG:DU"), descriptor("O:DAD:(A;;GA;;;WD)", control=0x8000)])
    def test_a_descriptor_without_its_dacl_is_unknown_for_every_right(self, data):
        for right, decision in RightsDecider(TOKEN, list(Right))(user(data)).items():
            assert decision.code == "unreadable"
            parsed = SecurityDescriptor.parse(data)
            assert decide(parsed, TOKEN, right, object_sid=ALICE, object_class="user") == decision

    @pytest.mark.parametrize("data", [b"", b"\1", b"\1" * 100, descriptor("O:DAD:(A;;GA;;;WD)")[:-30]])
    def test_what_is_no_descriptor_is_unknown(self, data):
        assert RightsDecider(TOKEN)(user(data))[Right.RESET_PASSWORD] == Decision(Answer.UNKNOWN, "malformed")

    def test_an_empty_dacl_was_read_and_denies(self):
        assert judge("O:DAD:").denied


class TestConditions:
    @pytest.mark.parametrize(
        ("dacl", "answer"),
        [
            ("(XA;;CR;;;ME)", "unknown"),
            (f"(ZA;;CR;{RESET};;ME)", "unknown"),
            ("(XA;;CR;;;STRANGER)", "denied"),
            ("(XA;;WP;;;ME)", "denied"),
            ("(XA;;CR;;;ME)(A;;CR;;;ME)", "allowed"),
            ("(XD;;CR;;;ME)(A;;CR;;;ME)", "unknown"),
            (f"(ZD;;CR;{RESET};;WD)(A;;CR;;;ME)", "unknown"),
            (f"(ZD;;CR;{CHANGE};;WD)(A;;CR;;;ME)", "allowed"),
            ("(A;;CR;;;ME)(XD;;CR;;;ME)", "allowed"),
            ("(D;;CR;;;ME)(XA;;CR;;;ME)", "denied"),
            ("(XD;;CR;;;ME)", "denied"),
            ("(XA;IO;CR;;;ME)", "denied"),
        ],
    )
    def test_a_conditional_entry_makes_unknown_where_it_could_turn_the_answer(self, dacl, answer):
        decision = judge("O:DAD:" + dacl)
        assert decision.answer == answer
        assert (decision.code == "conditional-ace") is (answer == "unknown")


class TestIncompleteTokens:
    @pytest.mark.parametrize(
        ("dacl", "answer"),
        [
            ("(A;;CR;;;ME)", "allowed"),
            ("(D;;CR;;;GROUP)(A;;CR;;;ME)", "unknown"),
            ("(D;;CR;;;STRANGER)(A;;CR;;;ME)", "allowed"),
            ("(D;;CR;;;AN)(D;;CR;;;SY)(A;;CR;;;ME)", "allowed"),
            ("(A;;CR;;;GROUP)", "unknown"),
            ("(A;;CR;;;STRANGER)", "denied"),
            ("(A;;CR;;;GROUP)(D;;CR;;;ME)", "unknown"),
            ("(D;;CR;;;GROUP)", "denied"),
            ("(A;;CR;;;GROUP)(A;;CR;;;WD)", "allowed"),
            (f"(OA;;CR;{CHANGE};;GROUP)", "denied"),
        ],
    )
    def test_an_entry_for_someone_who_may_be_in_the_token_is_doubtful(self, dacl, answer):
        decision = judge("O:DAD:" + dacl, token=SHORT)
        assert decision.answer == answer
        assert (decision.code == "incomplete-token") is (answer == "unknown")


class TestSelfAndOwner:
    def test_self_is_the_object_itself(self):
        assert judge("O:DAD:(A;;CR;;;PS)", object_sid=CONNECTOR).allowed
        assert judge("O:DAD:(D;;CR;;;PS)(A;;CR;;;WD)", object_sid=CONNECTOR).denied
        assert judge("O:DAD:(A;;CR;;;PS)", object_sid=None).code == "object-sid-unknown"
        assert judge("O:DAD:(A;;CR;;;PS)(A;;CR;;;ME)", object_sid=None).allowed

    def test_a_container_has_no_self(self):
        parsed = SecurityDescriptor.parse(descriptor("O:DAD:(A;;LC;;;PS)"))
        assert decide(parsed, SHORT, Right.LIST_CONTENTS, object_sid="", object_class="container").denied

    def test_the_owner_may_read_the_descriptor_and_nothing_else(self):
        assert judge("O:MED:", Right.READ_CONTROL).code == "owner"
        assert judge("O:MED:(D;;RC;;;WD)", Right.READ_CONTROL).allowed
        assert judge("O:MED:", Right.RESET_PASSWORD).denied
        assert judge("O:DAD:", Right.READ_CONTROL).denied

    def test_owner_rights_are_unknown_where_they_would_decide(self):
        assert judge("O:MED:(A;;CR;;;OW)").code == "owner-rights"
        assert judge("O:MED:(A;;CR;;;OW)(A;;CR;;;ME)").allowed
        assert judge("O:MED:(D;;CR;;;OW)(A;;CR;;;ME)").unknown
        assert judge("O:DAD:(A;;CR;;;OW)").denied
        assert judge("D:(A;;CR;;;OW)").unknown

    def test_owner_rights_may_take_reading_the_descriptor_away(self):
        assert judge("O:MED:(A;;LC;;;OW)", Right.READ_CONTROL).code == "owner-rights"
        assert judge("O:MED:(A;;LC;;;OW)(A;;RC;;;ME)", Right.READ_CONTROL).allowed
        assert judge("O:MED:(A;IO;LC;;;OW)", Right.READ_CONTROL).code == "owner"

    def test_an_owner_that_was_not_read_may_be_the_account(self):
        assert judge("D:", Right.READ_CONTROL).code == "owner-unknown"
        assert judge("D:(A;;RC;;;WD)", Right.READ_CONTROL).allowed


@pytest.mark.parametrize(
    ("dacl", "allowed"),
    [
        ("(A;;LC;;;WD)", {Right.LIST_CONTENTS}),
        ("(A;;GR;;;WD)", {Right.LIST_CONTENTS, Right.LIST_OBJECT, Right.READ_PROPERTY, Right.READ_CONTROL}),
        ("(A;;GX;;;WD)", {Right.LIST_CONTENTS, Right.READ_CONTROL}),
        (f"(OA;;RP;{RESTRICTIONS};;WD)", set()),
        (f"(OD;;RP;{RESTRICTIONS};;WD)(A;;RP;;;WD)", {Right.READ_PROPERTY}),
        (f"(OA;;CR;{guids.UNEXPIRE_PASSWORD};;AU)", {Right.UNEXPIRE_PASSWORD}),
        (f"(OA;;CR;{guids.REPLICATING_CHANGES};;AU)", {Right.REPLICATING_CHANGES}),
        (f"(OA;;CR;{CHANGE};;WD)", {Right.CHANGE_PASSWORD, Right.CONNECTOR_CHANGE_PASSWORD}),
    ],
)
def test_rights_on_the_domain_head_and_on_containers(dacl, allowed):
    parsed = SecurityDescriptor.parse(descriptor("O:DAD:" + dacl))
    assert {
        right for right in Right if decide(parsed, TOKEN, right, object_sid="", object_class="domainDNS").allowed
    } == allowed


class TestChangingOnesOwnPassword:
    def change(self, dacl: str, is_member=None, **facts: object) -> Decision:
        for word, value in {"ME": CONNECTOR, "GROUP": GROUP, "ALICE": ALICE, "DU": f"{DOMAIN}-513"}.items():
            dacl = dacl.replace(f";{word})", f";{value})")
        decider = RightsDecider(TOKEN, is_member=is_member)
        return decider(user(descriptor("O:DAD:" + dacl), **facts))[Right.CHANGE_PASSWORD]

    @pytest.mark.parametrize(
        ("dacl", "answer"),
        [
            (f"(OA;;CR;{CHANGE};;PS)", "allowed"),
            (f"(OA;;CR;{CHANGE};;WD)", "allowed"),
            (f"(OD;;CR;{CHANGE};;PS)(OD;;CR;{CHANGE};;WD)(OA;;CR;{CHANGE};;WD)", "denied"),
            (f"(OA;;CR;{CHANGE};;ME)", "denied"),
            (f"(OA;;CR;{CHANGE};;ALICE)", "allowed"),
            (f"(OA;;CR;{CHANGE};;DU)", "allowed"),
            (f"(OA;;CR;{RESET};;WD)", "denied"),
            ("(XA;;CR;;;PS)", "unknown"),
            (f"(A;;GA;;;GROUP)(OA;;CR;{CHANGE};;WD)", "allowed"),
        ],
    )
    def test_it_is_judged_with_the_users_own_token(self, dacl, answer):
        assert self.change(dacl, lambda _, group: group == ALICE).answer == answer

    @pytest.mark.parametrize(("member", "answer"), [(True, "denied"), (False, "allowed"), (None, "unknown")])
    def test_groups_that_the_answer_hangs_on_are_asked_for(self, member, answer):
        asked = []

        def is_member(user: User, group: str) -> bool | None:
            asked.append((user.sid(), group))
            return member

        assert self.change(f"(OD;;CR;{CHANGE};;GROUP)(A;;CR;;;WD)", is_member).answer == answer
        assert asked == [(ALICE, GROUP)]

    def test_groups_on_which_nothing_hangs_are_not_asked_for(self):
        def nobody_asks(user: User, group: str) -> bool | None:
            raise AssertionError(group)

        assert self.change("(A;;GA;;;GROUP)(A;;CR;;;WD)", nobody_asks).allowed
        assert self.change(f"(OD;;CR;{CHANGE};;PS)(A;;CR;;;WD)", nobody_asks).denied
        assert self.change(f"(OD;;CR;{RESET};;GROUP)(A;;CR;;;WD)", nobody_asks).allowed

    def test_without_anyone_to_ask_it_is_unknown(self):
        assert self.change("(A;;CR;;;GROUP)").code == "incomplete-token"

    def test_two_users_of_one_dacl_may_get_two_answers(self):
        decider = RightsDecider(TOKEN, is_member=lambda who, _: who.sid() == ALICE)
        data = descriptor(f"O:DAD:(OA;;CR;{CHANGE};;{GROUP})")
        answers = [decider(user(data, one))[Right.CHANGE_PASSWORD].answer for one in (ALICE, STRANGER, ALICE)]
        assert answers == ["allowed", "denied", "allowed"]

    def test_the_connector_may_be_refused_where_the_user_is_not(self):
        data = descriptor(f"O:DAD:(OA;;CR;{CHANGE};;PS)")
        rights = RightsDecider(TOKEN, [Right.CHANGE_PASSWORD, Right.CONNECTOR_CHANGE_PASSWORD])(user(data))
        assert rights[Right.CHANGE_PASSWORD].allowed
        assert rights[Right.CONNECTOR_CHANGE_PASSWORD].denied


class TestRemembering:
    def test_decisions_are_kept_in_the_order_of_the_rights(self):
        rights = [Right.CHANGE_PASSWORD, Right.RESET_PASSWORD]
        assert list(RightsDecider(TOKEN, rights)(user(descriptor("D:")))) == rights

    def test_one_dacl_is_decided_once_whoever_owns_it(self):
        decider = RightsDecider(TOKEN)
        dacl = f"D:(OA;;CR;{RESET};;{CONNECTOR})"
        first = decider(user(descriptor("O:DA" + dacl)))
        assert decider(user(descriptor("O:SY" + dacl), STRANGER)) is first

    def test_what_is_remembered_does_not_leak_to_owner_self_or_class(self):
        decider = RightsDecider(TOKEN, [Right.WRITE_LOCKOUT_TIME])

        def code(sddl: str, object_sid: str = ALICE, object_class: str = "user") -> str:
            return decider(user(descriptor(sddl), object_sid, object_class))[Right.WRITE_LOCKOUT_TIME].code

        for _ in range(2):
            assert code("O:DAD:(A;;WP;;;OW)") == "ace-missing"
            assert code(f"O:{GROUP}D:(A;;WP;;;OW)") == "owner-rights"
            assert code("O:DAD:(A;;WP;;;PS)") == "ace-missing"
            assert code("O:DAD:(A;;WP;;;PS)", CONNECTOR) == "ace-allows"
            assert code(f"O:DAD:(OA;;WP;{PERSON};;WD)") == "ace-missing"
            assert code(f"O:DAD:(OA;;WP;{PERSON};;WD)", object_class="inetOrgPerson") == "ace-allows"
            assert code(f"O:DAD:(OA;;WP;{PERSON};;WD)", object_class="") == "class-guid"
            assert code(f"O:DAD:(OA;;WP;{OTHER};;WD)", object_class="contosoUser") == "class-guid"
            assert code(f"O:DAD:(OA;;WP;{OTHER};;WD)", object_class="user") == "ace-missing"

    def test_memory_is_bounded_and_forgetting_changes_no_answer(self):
        decider = RightsDecider(TOKEN, remember=4_000)
        for _ in range(2):
            for number in range(200):
                allowed = number % 2 == 0
                who = CONNECTOR if allowed else STRANGER
                data = descriptor(f"O:DAD:(A;;RC;;;S-1-5-21-1-1-1-{number})(A;;CR;;;{who})")
                assert decider(user(data))[Right.RESET_PASSWORD].allowed is allowed
                assert decider.remembered_bytes < 4_500

    def test_a_dacl_that_reaches_into_the_owner_is_judged_by_its_own_bytes(self):
        """Overlapping parts are legal in a self-relative descriptor; what is remembered must not mix them up."""
        decider = RightsDecider(TOKEN, [Right.READ_CONTROL])
        answers = []
        for who in (CONNECTOR, STRANGER):
            data = bytearray(descriptor(f"G:DUD:(A;;LC;;;{who})"))
            data[4:8] = (20 + 8 + 8).to_bytes(4, "little")  # the owner is the SID within the first entry
            answers.append(decider(user(bytes(data)))[Right.READ_CONTROL].code)
        assert answers == ["owner", "ace-missing"]


_SIDS = [CONNECTOR, GROUP, STRANGER, ALICE, "WD", "PS", "OW", "CO", "AU", "SY", "DA", f"{DOMAIN}-1400"]
_GUIDS = ["", RESET, CHANGE, LOCKOUT, LAST_SET, RESTRICTIONS, USER, PERSON, OTHER, str(guids.UNEXPIRE_PASSWORD)]
_BITS = ["CR", "WP", "RP", "LC", "RC", "LO", "GA", "GW", "GR", "GX", "CRWP", "RPWPCR", "SD"]


@st.composite
def _entry(draw, kinds=("A", "D", "OA", "OD", "XA", "XD", "ZA", "ZD"), sids=_SIDS, objects=_GUIDS) -> bytes:
    kind = draw(st.sampled_from(kinds))
    flags = draw(st.sampled_from(["", "", "ID", "CI", "CIIO", "CIIOID", "CIID"]))
    object_type = draw(st.sampled_from(objects)) if kind in ("OA", "OD", "ZA", "ZD") else ""
    inherited = draw(st.sampled_from(["", USER])) if kind in ("OA", "OD", "ZA", "ZD") else ""
    return ace(
        f"({kind};{flags};{draw(st.sampled_from(_BITS))};{object_type};{inherited};{draw(st.sampled_from(sids))})",
        padding=draw(st.sampled_from([b"", b"", b"", b"\0" * 8])),
    )


_strange = st.sampled_from([b"\x63\0\x04\0", b"\x02\x40\x0c\0\0\1\0\0....", b"\0\0\x08\0\0\1\0\0", b"\5\0\x03\0"])
_tokens = st.builds(
    lambda inside, outside, complete: Token(
        WELL_KNOWN_SIDS | inside, complete, "test", outside=frozenset(outside - inside)
    ),
    st.sets(st.sampled_from([CONNECTOR, GROUP, ALICE, f"{DOMAIN}-512"])),
    st.sets(st.sampled_from([GROUP, STRANGER, ALICE, f"{DOMAIN}-512"])),
    st.booleans(),
)


@settings(max_examples=500)
@given(
    st.lists(_entry() | _entry() | _entry() | _strange, max_size=10),
    _tokens,
    st.sampled_from([None, "DA", CONNECTOR, GROUP]),
    st.sampled_from([None, ALICE, CONNECTOR]),
    st.sampled_from(["user", "inetOrgPerson", "contosoUser", "USER", ""]),
    st.sampled_from([0x8004, 0x9404, 0x8000]),
    st.booleans(),
)
def test_bytes_and_entries_are_judged_alike(entries, token, owner, own, object_class, control, mangled):
    data = descriptor(aces=entries, owner=owner, group="DU", control=control)
    if mangled:
        data = data[:-9]
    rights = [right for right in Right if right is not Right.CHANGE_PASSWORD]
    subject = user(data, own, object_class)
    for some in (rights, rights[:4]):  # a sieve that doesn't look for READ_CONTROL holds back more
        decider = RightsDecider(token, some)
        try:
            parsed = SecurityDescriptor.parse(data)
        except MalformedDescriptor:
            expected: Mapping[Right, Decision] = dict.fromkeys(some, Decision(Answer.UNKNOWN, "malformed"))
        else:
            expected = {
                right: decide(parsed, token, right, object_sid=own, object_class=object_class) for right in some
            }
        assert decider(subject) == expected
        assert decider(subject) == expected


@pytest.mark.parametrize("owner", [None, CONNECTOR, "DA"])
def test_an_entry_for_owner_rights_about_something_else_still_limits_the_owner(owner):
    data = descriptor(aces=[ace(f"(OD;;CR;{OTHER};;OW)")], owner=owner, group="DU", control=0x8004)
    expected = decide(SecurityDescriptor.parse(data), TOKEN, Right.READ_CONTROL, object_sid=ALICE, object_class="user")
    assert RightsDecider(TOKEN, [Right.READ_CONTROL])(user(data, ALICE, "user"))[Right.READ_CONTROL] == expected
    assert not expected.allowed


@settings(max_examples=300)
@given(
    st.lists(_entry(kinds=("A", "D", "OA", "OD")), max_size=8),
    st.sets(st.sampled_from([GROUP, f"{DOMAIN}-512"])),
    st.sampled_from(["user", "contosoUser"]),
)
def test_a_users_own_right_is_judged_as_with_his_whole_token(entries, groups, object_class):
    data = descriptor(aces=entries, owner="SY", group="DU")
    decider = RightsDecider(TOKEN, is_member=lambda _, group: group in groups)
    own = Token(WELL_KNOWN_SIDS | groups | {ALICE, f"{DOMAIN}-513"}, complete=True, source="whole")
    expected = decide(
        SecurityDescriptor.parse(data), own, Right.CHANGE_PASSWORD, object_sid=ALICE, object_class=object_class
    )
    found = decider(user(data, ALICE, object_class))[Right.CHANGE_PASSWORD]
    assert (found.answer, found.unknown and found.code) == (expected.answer, expected.unknown and expected.code)


def test_mutants_are_judged_alike_by_deciders_that_remember():
    """Whatever a decider saw before, it says of a mutant what the parser and the plain check say."""
    rng = random.Random(20261001)
    good = descriptor(
        f"O:DAG:DUD:AI(OD;;CR;{CHANGE};;PS)(OA;CIID;CR;{RESET};{USER};{CONNECTOR})(A;CIID;GA;;;DA)(XA;;GA;;;{GROUP})"
    )
    rights = [right for right in Right if right is not Right.CHANGE_PASSWORD]
    deciders = [(token, RightsDecider(token, rights), RightsDecider(token)) for token in (TOKEN, SHORT)]
    malformed = 0
    for number in range(6_000):
        data = bytearray(good)
        for _ in range(rng.choice((1, 2, 4))):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 4, 5, 255, rng.randrange(256)))
        token, decider, with_own_change = deciders[number % 2]
        subject = user(bytes(data))
        found = decider(subject)
        assert with_own_change(subject)[Right.RESET_PASSWORD].code == found[Right.RESET_PASSWORD].code
        try:
            parsed = SecurityDescriptor.parse(bytes(data))
        except MalformedDescriptor:
            malformed += 1
            assert {decision.code for decision in found.values()} == {"malformed"}
            continue
        for right, decision in found.items():
            assert decision == decide(parsed, token, right, object_sid=ALICE, object_class="user")
    assert 600 < malformed < 5_400


_UNSURE = [GROUP, f"{DOMAIN}-512", f"{DOMAIN}-1400"]


@settings(max_examples=400)
@given(
    st.lists(
        _entry(
            kinds=("A", "D", "OA", "OD"),
            sids=[CONNECTOR, STRANGER, "WD", "SY", *_UNSURE],
            objects=["", RESET, LOCKOUT, RESTRICTIONS],
        ),
        max_size=6,
    ),
    st.sampled_from([Right.RESET_PASSWORD, Right.WRITE_LOCKOUT_TIME, Right.WRITE_PWD_LAST_SET, Right.LIST_CONTENTS]),
)
def test_with_an_incomplete_token_only_what_is_true_of_every_whole_one_is_said(entries, right):
    parsed = SecurityDescriptor.parse(descriptor(aces=entries, owner="DA"))

    def answer(token: Token) -> Answer:
        return decide(parsed, token, right, object_sid=ALICE, object_class="user").answer

    subsets = chain.from_iterable(combinations(_UNSURE, count) for count in range(len(_UNSURE) + 1))
    possible = {
        answer(Token(SHORT.sids | set(more), complete=True, source="whole", account_sid=CONNECTOR)) for more in subsets
    }
    said = answer(SHORT)
    if said is not Answer.UNKNOWN:
        assert possible == {said}
    else:
        named = [one.sid for one in parsed.dacl or () if one.sid in _UNSURE]
        assume(len(named) == len(set(named)))  # an earlier entry for the same SID may take a later one's effect away
        assert len(possible) == 2
