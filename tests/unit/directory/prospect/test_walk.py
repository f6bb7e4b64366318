"""Would a reset work now, would a change: a table of what may be otherwise with a user, and what it comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from crowds import BASE, CONNECTOR, EVERYTHING, NOTHING, RESET, user
from hypothesis import given
from hypothesis import strategies as st
from prospects import ALONE, NOW, POLICY, filetime, here, person, step_of

from preflight.directory.access.account_database import SamReading
from preflight.directory.model import User
from preflight.directory.prospect.circumstances import Momentary
from preflight.directory.prospect.step import Basis, Effect, Operation, Outlook, verdict
from preflight.directory.prospect.walk import walk
from preflight.directory.users.duplicates import Duplicate, Hint, Member
from preflight.directory.users.scope import Standing

CHANGE = "ab721a53-1e2f-11d0-9819-00aa0040529b"
AGED = replace(POLICY, minimum_age=timedelta(days=1))
YESTERDAY = filetime(NOW - timedelta(hours=20))
RIGHTS = f"(A;CIID;CRWP;;;{CONNECTOR})"
TWIN = Member(f"CN=Twin,{BASE}", "fabrikam.test", True)
SELF = Member("CN=User 000001,OU=Site 01," + BASE, "corp.contoso.test", True)
LOCKED = {"lockoutTime": filetime(NOW - timedelta(minutes=10)), "msDS_User_Account_Control_Computed": 0x10}


def shared(*members: Member, by_case: bool = False):
    return replace(ALONE, duplicate=Duplicate("anchor==", (SELF, *members), by_case))


def outlooks(circumstances):
    steps = walk(circumstances)
    found = [verdict(steps, operation) for operation in Operation]
    return [(each.outlook.value, each.step.name if each.step else None) for each in found]


WORKS = ("works", None)


@pytest.mark.parametrize(
    ("circumstances", "reset", "change"),
    [
        (here(), WORKS, WORKS),
        (here(standing=Standing.OUT_OF_SCOPE, left_out="critical"), ("blocked", "scope"), ("blocked", "scope")),
        (here(standing=Standing.EXCLUDED, left_out="excluded"), ("blocked", "scope"), ("blocked", "scope")),
        (here(person(userAccountControl=514)), ("blocked", "enabled"), ("blocked", "enabled")),
        (here(person(**LOCKED)), WORKS, ("blocked", "locked")),
        (here(person(pwdLastSet=YESTERDAY), policy=AGED), ("blocked", "minimum-age"), ("blocked", "minimum-age")),
        (here(person(pwdLastSet=0), policy=AGED), WORKS, WORKS),
        (here(policy=AGED), WORKS, WORKS),
        (here(policy=None), ("unknown", "minimum-age"), ("unknown", "minimum-age")),
        (here(person(pwdLastSet=None)), ("unknown", "minimum-age"), ("unknown", "minimum-age")),
        (here(person(pwdLastSet=0), policy=None), WORKS, WORKS),
        (here(neighbours=shared(TWIN)), ("blocked", "anchor"), ("blocked", "anchor")),
        (here(neighbours=shared(replace(TWIN, enabled=False))), WORKS, WORKS),
        (here(neighbours=shared(TWIN, by_case=True)), WORKS, WORKS),
        (here(neighbours=replace(ALONE, anchor="")), ("unknown", "anchor"), ("unknown", "anchor")),
        (here(neighbours=replace(ALONE, obstacles=("x is away",))), ("unknown", "anchor"), ("unknown", "anchor")),
        (here(protected=True), ("blocked", "protection"), ("blocked", "protection")),
        (here(protected=None), WORKS, WORKS),
        (here(person(NOTHING)), ("blocked", "reset-password"), ("blocked", "connector-change-password")),
        (
            here(person(f"D:(OD;;CR;{RESET};;WD){RIGHTS}")),
            ("blocked", "reset-password"),
            WORKS,
        ),
        (
            here(person(f"D:(OD;;CR;{CHANGE};;PS)(OD;;CR;{CHANGE};;WD){RIGHTS}")),
            WORKS,
            ("blocked", "cannot-change"),
        ),
        (here(person(f"D:(OD;;CR;{CHANGE};;WD){RIGHTS}")), WORKS, ("blocked", "connector-change-password")),
        (here(person(f"D:(OD;;CR;{CHANGE};;PS){RIGHTS}")), WORKS, WORKS),
        (here(person(nTSecurityDescriptor=None)), ("unknown", "reset-password"), ("unknown", "cannot-change")),
        (here(person(accountExpires=filetime(NOW - timedelta(days=1)))), WORKS, WORKS),
        (here(person(userAccountControl=0x40200)), WORKS, WORKS),
        (here(person(adminCount=1)), WORKS, WORKS),
        (here(domain_policy=replace(POLICY, properties=5)), WORKS, WORKS),
        (here(domain_policy=None), WORKS, WORKS),
    ],
)
def test_what_a_reset_and_a_change_come_to(circumstances, reset, change):
    assert outlooks(circumstances) == [reset, change]


@pytest.mark.parametrize(
    ("name", "circumstances", "codes", "basis"),
    [
        ("anchor", here(neighbours=shared(TWIN)), {"33003", "hr=80230402"}, Basis.SPECIFICATION),
        ("enabled", here(person(userAccountControl=514)), {"33005"}, Basis.SPECIFICATION),
        ("locked", here(person(**LOCKED)), {"33006"}, Basis.DIRECTORY),
        ("minimum-age", here(person(pwdLastSet=YESTERDAY), policy=AGED), {"33008"}, Basis.SPECIFICATION),
        ("protection", here(protected=True), {"33004", "31003"}, Basis.SPECIFICATION),
        ("protection", here(person(adminCount=1)), {"hr=80231367"}, Basis.DIRECTORY),
        ("reset-password", here(person(NOTHING)), {"33004", "6329 0x80230626"}, Basis.DIRECTORY),
    ],
)
def test_the_event_that_is_predicted_and_who_would_refuse(name, circumstances, codes, basis):
    step = step_of(name, circumstances)
    assert codes <= set(step.event_codes)
    assert step.basis is basis
    assert step.remedy


def test_only_33004_has_a_documented_code_for_the_user():
    for circumstances in (here(person(NOTHING)), here(protected=True), here(neighbours=shared(TWIN))):
        for step in walk(circumstances):
            if step.sspr and "33004" not in step.event_codes:
                assert "(inferred)" in step.sspr


def test_a_deadline_is_the_dc_s_and_passes_when_everything_in_the_way_does():
    young = here(person(pwdLastSet=YESTERDAY, **LOCKED), policy=AGED)
    change = verdict(walk(young), Operation.CHANGE)
    assert change.step is not None and change.step.name == "locked"
    assert change.until == NOW + timedelta(hours=4)
    assert "until 16:00 UTC" in step_of("minimum-age", young).summary
    denied = here(person(NOTHING, pwdLastSet=YESTERDAY), policy=AGED)
    assert verdict(walk(denied), Operation.RESET).until is None


def test_one_second_decides():
    changed = NOW - timedelta(days=1)
    assert step_of("minimum-age", here(person(pwdLastSet=filetime(changed)), policy=AGED)).answer is Effect.FINE
    late = filetime(changed + timedelta(seconds=1))
    assert step_of("minimum-age", here(person(pwdLastSet=late), policy=AGED)).answer is Effect.BLOCKS


def test_without_a_minimum_age_a_password_set_within_this_second_is_not_too_young() -> None:
    ahead = filetime(NOW + timedelta(milliseconds=700))  # a controller tells its time in whole seconds
    assert step_of("minimum-age", here(person(pwdLastSet=ahead))).answer is Effect.FINE


def test_a_lock_without_end_says_so_and_one_that_a_reset_cannot_lift_warns():
    for_good = replace(POLICY, lockout_duration=timedelta.max)
    step = step_of("locked", here(person(**LOCKED), policy=for_good))
    assert step.until is None and "until an administrator unlocks it" in step.summary
    stuck = step_of("locked", here(person(NOTHING, **LOCKED)))
    assert (stuck.reset, stuck.change) == (Effect.WARNS, Effect.BLOCKS)


def test_without_the_canary_nothing_about_the_account_is_known():
    hidden = person(userAccountControl=None, pwdLastSet=None, standing=None)
    circumstances = here(hidden, standing=Standing.UNKNOWN)
    assert outlooks(circumstances) == [("unknown", "scope"), ("unknown", "scope")]
    for name in ("scope", "enabled", "minimum-age"):
        assert step_of(name, circumstances).answer is Effect.UNKNOWN
    assert step_of("locked", circumstances).change is Effect.UNKNOWN


def test_the_state_of_the_pdc_emulator_counts():
    on_pdc = Momentary(person(**LOCKED), "dc2, the PDC emulator", "", NOW, "by the controller's clock")
    assert outlooks(here(momentary=on_pdc)) == [WORKS, ("blocked", "locked")]


def test_namesakes_in_another_forest_and_forests_that_were_not_asked_warn_only():
    hint = Hint("mail", "a@x.test", (TWIN,))
    for neighbours, effect in (
        (replace(ALONE, forests=2), Effect.FINE),
        (replace(ALONE, forests=2, namesakes=(hint,)), Effect.WARNS),
        (ALONE, Effect.NOT_ASKED),
    ):
        assert step_of("one-forest", here(neighbours=neighbours)).answer is effect


@pytest.mark.parametrize(
    ("ou", "reserved"),
    [
        ("OU=Sales & Export", False),
        ("OU=O'Brien (old)", False),
        ("OU=#hash", True),
        ("OU=\\#hash", True),
        ("OU=mid#hash", False),
        ("OU=a\\, b", True),
        ("OU=IT/Support", True),
        ("OU=a\\3Bb", True),
        ("OU=a\\0Ab", True),
        ("OU=\\ lead", True),
        ("OU=trail\\ ", True),
        ('OU=q\\"q', True),
        ("CN=not, an OU", False),
    ],
)
def test_characters_of_ous_at_which_the_service_fails(ou, reserved):
    above = ou.replace("CN=not,", "CN=not\\,")
    someone = user(1, EVERYTHING, dn=f"CN=Smith\\, John,{above},{BASE}", pwdLastSet=filetime(NOW - timedelta(days=9)))
    step = step_of("reserved-names", here(someone))
    assert (step.answer is Effect.BLOCKS) == reserved
    assert not reserved or "33001" in step.event_codes


def test_an_unknown_connector_leaves_its_rights_open_and_says_why():
    circumstances = here(person(nTSecurityDescriptor=None), connector="", connector_doubt="two look like it")
    step = step_of("reset-password", circumstances)
    assert step.answer is Effect.UNKNOWN
    assert "two look like it" in step.summary


def test_the_account_database_is_advisory():
    refused = SamReading(f"CN=Server,CN=System,{BASE}", ("list contents",), ())
    unclear = replace(refused, refused=(), unclear=("list contents",))
    for reading in (refused, unclear):
        circumstances = here(sam_readings=(reading,))
        assert step_of("sam-read", circumstances).answer is Effect.WARNS
        assert outlooks(circumstances) == [WORKS, WORKS]


effects = st.sampled_from(Effect)


@given(st.lists(st.tuples(effects, effects), max_size=8))
def test_a_verdict_works_only_if_nothing_blocks_and_nothing_that_decides_is_open(pairs):
    base = step_of("enabled", here())
    steps = [replace(base, name=str(number), reset=one, change=other) for number, (one, other) in enumerate(pairs)]
    for operation, found in ((each, verdict(steps, each)) for each in Operation):
        answers = [step.effect(operation) for step in steps]
        assert (found.outlook is Outlook.BLOCKED) == (Effect.BLOCKS in answers)
        assert (found.outlook is Outlook.WORKS) == (not {Effect.BLOCKS, Effect.UNKNOWN} & set(answers))
        assert (found.step is None) == (found.outlook is Outlook.WORKS)
        assert len(found.warnings) == answers.count(Effect.WARNS)


@given(
    st.dictionaries(
        st.sampled_from(["userAccountControl", "pwdLastSet", "lockoutTime", "accountExpires", "badPwdCount"]),
        st.binary(max_size=24) | st.integers().map(lambda number: str(number).encode()),
    ),
    st.binary(max_size=64),
)
def test_whatever_a_server_answers_every_step_has_an_answer(attributes, descriptor):
    raw = {**person().raw, **{name: [value] for name, value in attributes.items()}}
    someone = User(f"CN=x,{BASE}", {**raw, "nTSecurityDescriptor": [descriptor]})
    steps = walk(here(someone))
    assert len(steps) == len({step.name for step in steps}) == 21
    assert all(step.summary for step in steps)


def test_no_name_can_be_taken_for_a_command_in_what_is_to_be_done():
    evil = user(
        1, EVERYTHING, dn=f'CN=$(calc)\\" & `x`,OU=x,{BASE}', userAccountControl=0x40202, adminCount=1, **LOCKED
    )
    commands = [step.remedy for step in walk(here(evil)) if "-Identity" in step.remedy]
    assert len(commands) == 4
    assert not any("calc" in command for command in commands)
    assert all(str(evil.guid("objectGUID")) in command for command in commands)
