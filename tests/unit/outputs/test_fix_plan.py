"""What a plan prints: commands that say exactly what the steps say, and that no name can turn into others."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from dataclasses import replace
from random import Random

import pytest
from descriptors import DOMAIN
from hypothesis import given
from hypothesis import strategies as st
from worlds import ACCOUNT, CONNECTOR, GROUP, HEAD, World, grants, random_world

from preflight.directory.access.guids import CLASSES, NAMES, RESET_PASSWORD
from preflight.directory.access.rights import CONTROL_ACCESS
from preflight.directory.distinguished_name import escape_value, normalise
from preflight.directory.mending.forecast import Kind
from preflight.directory.mending.repairs import Account
from preflight.outputs import PLAIN, dsacls
from preflight.outputs.dsacls import Unwritable, written
from preflight.outputs.fix_plan import render, render_json
from preflight.outputs.instructions import DomainPlan, Instruction, instructions

GUIDS = {name: guid for guid, name in NAMES.items()}
HOSTILE = [
    'Say "Cheese" & del *',
    "100%PATH%",
    "$(Remove-Item x)",
    "`whoami`",
    "a\nb & calc",
    "\u201d; calc; \u201c",
    "semi;colon, comma",
    "back\\slash",
    " lead and trail ",
    "#hash",
    "caret^ <pipe>|",
    "!delayed!",
    "right\u202eto left",
    "smile 😀",
]


def argv(command: str) -> list[str]:
    """As Windows' C runtime takes a command line apart, once every shell has left it alone."""
    words: list[str] = []
    quoted, word = False, ""
    for character in command:
        if character == '"':
            quoted = not quoted
        elif character == " " and not quoted:
            words.append(word)
            word = ""
        else:
            word += character
    assert not quoted
    return [*words, word]


def planned(world: World) -> list[Instruction]:
    return list(instructions(DomainPlan("corp.test", world.plan(), {GROUP: "CORP\\tier"})))


def granted(command: str) -> set[tuple[str, str, int, str, str]]:
    """What a dsacls command grants: DN, trustee, access bit, GUID of the right, class."""
    program, dn, *rest = argv(command)
    below = rest[0] == "/I:S"
    assert program == "dsacls" and rest[below] == "/G"
    found = set()
    for each in rest[below + 1 :]:
        trustee, _, permission = each.partition(":")
        bits, name, *classes = permission.split(";")
        assert bool(classes) == below
        mask = {"CA": CONTROL_ACCESS, "WP": 0x20}[bits]
        found.add((normalise(dn), trustee, mask, str(GUIDS[name]), str(CLASSES[classes[0]]) if classes else ""))
    return found


@pytest.mark.parametrize("seed", range(25))
def test_every_command_says_what_its_steps_say(seed):
    for each in planned(random_world(Random(f"commands {seed}"), canonical=True)):
        first = each.steps[0]
        if first.kind is Kind.GRANT:
            [command] = each.commands
            assert granted(command) == {
                (
                    normalise(step.distinguished_name),
                    ACCOUNT.name,
                    step.ace.mask,
                    str(step.ace.object_type),
                    str(step.ace.inherited_object_type or ""),
                )
                for step in each.steps
                if step.ace is not None
            }
        elif first.kind is Kind.INHERITANCE_ON:
            [*clear, command] = each.commands
            assert argv(command) == ["dsacls", first.distinguished_name, "/P:N"]
            assert bool(clear) is first.clears_admin_count
            assert all("-Clear adminCount" in line for line in clear)
        elif first.not_alone or first.trustee not in (CONNECTOR, GROUP):
            assert each.commands == () and all(step.ace and step.ace.sddl in each.by_hand for step in each.steps)
        else:
            name = {CONNECTOR: ACCOUNT.name, GROUP: "CORP\\tier"}[first.trustee]
            assert [argv(command) for command in each.commands] == [["dsacls", first.distinguished_name, "/R", name]]


def test_removing_all_of_a_trustee_is_not_proposed_where_other_entries_of_it_stand():
    world = World(canonical=True)
    world.things[HEAD].entries += [*grants(), f"(OD;CI;CR;{RESET_PASSWORD};;{CONNECTOR})"]
    world.container(f"OU=P,{HEAD}")
    world.user(f"CN=Ann,OU=P,{HEAD}")
    [each] = planned(world)
    assert each.commands == () and "other entries" in each.by_hand and f";{CONNECTOR})" in each.by_hand


# Names


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_harmless_in_a_command_and_still_the_same_name(name):
    dn = f"CN={escape_value(name)},OU=Übersee & Export,{HEAD}"
    world = World(canonical=True)
    world.things[HEAD].entries += grants()
    world.container(f"OU=Übersee & Export,{HEAD}")
    world.user(dn, off=True)
    [each] = planned(world)
    [command] = each.commands
    program, found, switch = argv(command)
    assert (program, normalise(found), switch) == ("dsacls", normalise(dn), "/P:N")
    assert set(command[len('dsacls "') : -len('" /P:N')]).isdisjoint('"%$`!^<>|;\n\r\u201c\u201d')
    assert command.isprintable()


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_any_name_comes_back_from_its_command(text):
    dn = f"CN={escape_value(text)},DC=corp"
    found = written(dn) if "\ufffd" not in text else dn
    assert normalise(found) == normalise(dn)
    if found is not dn:
        assert all(unicodedata.category(each)[0] in "LMN" or each in "\\,=+ -_.()'&@" for each in found)


@pytest.mark.parametrize("dn", ["", "no name", "CN=lost \ufffd,DC=corp", "CN=half \ud800,DC=corp"])
def test_a_name_that_is_not_known_to_the_letter_is_not_written(dn):
    with pytest.raises(Unwritable):
        written(dn)


@pytest.mark.parametrize("name", ["", 'CORP\\a"b', "CORP\\svc$", "CORP\\a%b", "CORP\\a;b", "nobody", "A\\b\nc"])
def test_an_account_that_cant_be_written_safely_is_granted_to_by_hand(name):
    with pytest.raises(Unwritable):
        dsacls.account(name)
    world = World()
    world.container(f"OU=P,{HEAD}")
    world.user(f"CN=Ann,OU=P,{HEAD}")
    plan = replace(world.plan(), account=Account(name, CONNECTOR, ""))
    [each] = instructions(DomainPlan("corp.test", plan, {}))
    assert each.commands == () and each.instead[1] == ()
    assert all(step.ace and step.ace.sddl in each.by_hand for step in each.steps)


@pytest.mark.parametrize("name", ["CORP\\MSOL_0123abcd", "sync@corp.contoso.com", "CORP\\O'Brien & co", "CORP\\Jürgen"])
def test_ordinary_accounts_are_written_as_they_are(name):
    assert dsacls.account(name) == name


# The page


def test_connects_own_module_is_offered_where_it_does_the_same_and_leaves_admin_sd_holder_alone():
    world = World()
    world.container(f"OU=P,{HEAD}")
    world.container(f"OU=Q,{HEAD}")
    world.user(f"CN=Ann,OU=P,{HEAD}")
    world.user(f"CN=Bob,OU=Q,{HEAD}")
    world.user(f"CN=Cas,OU=Q,{HEAD}", object_class="inetOrgPerson")
    world.user(f"CN=Dan,OU=P,{HEAD}", object_class="inetOrgPerson")
    [each] = planned(world)
    cmdlet, rest = each.instead[1]
    assert cmdlet == (
        f'Set-ADSyncPasswordWritebackPermissions -ADConnectorAccountDN "{ACCOUNT.distinguished_name}" '
        f'-ADobjectDN "{HEAD}" -SkipAdminSdHolders'
    )
    assert ";inetOrgPerson" in rest and ";user" not in rest
    text = render([DomainPlan("corp.test", world.plan(), {})], PLAIN)
    assert f"     {each.commands[0]}\n" in text and f"     {cmdlet}\n" in text
    assert "would make 4 blocked users ok. Nothing has been changed." in text


def test_the_page_says_whom_the_plan_leaves_out():
    world = World(canonical=True)
    world.container(f"OU=P,{HEAD}")
    for name in ("Ann", "Bob"):
        world.user(f"CN={name},OU=P,{HEAD}")
    world.user(f"CN=Cas,OU=P,{HEAD}", f"(XA;;CR;;;{CONNECTOR})", *(e.replace("CIIO", "") for e in grants()[1:]))
    plan = world.plan(protected=[f"CN=Bob,OU=P,{HEAD}"])
    text = " ".join(render([DomainPlan("corp.test", plan, {})], PLAIN).split())
    assert "1 user not mended by design" in text and f"CN=Bob,OU=P,{HEAD}" in text
    assert "1 user not planned for: It can't be told" in text and f"CN=Cas,OU=P,{HEAD}" in text


def test_nothing_to_do_is_said_only_of_what_was_seen():
    world = World()
    world.things[HEAD].entries += grants()
    world.container(f"OU=P,{HEAD}")
    world.user(f"CN=Ann,OU=P,{HEAD}")
    domain = DomainPlan("corp.test", world.plan(), {})
    assert "NOTHING TO DO  Nobody is blocked." in render([domain], PLAIN)
    unread = replace(domain, obstacle="the reading broke off", remedy="Try again.")
    assert "NOTHING TO DO" not in render([unread], PLAIN)
    assert "INCOMPLETE" in render([unread], PLAIN) and "the reading broke off. Try again." in render([unread], PLAIN)
    nothing = DomainPlan("corp.test", None, {}, obstacle="no controller answers")
    assert "INCOMPLETE" in render([nothing], PLAIN) and json.loads(render_json([nothing]))["domains"][0]["steps"] == []


def test_json_holds_each_step_with_its_commands_and_its_changes():
    world = random_world(Random("json"), canonical=True)
    domain = DomainPlan("corp.test", world.plan(), {})
    [found] = json.loads(render_json([domain]))["domains"]
    assert [step["commands"] for step in found["steps"]] == [list(each.commands) for each in instructions(domain)]
    assert sum(len(step["changes"]) for step in found["steps"]) == len(world.plan().steps) > 0
    assert {step["kind"] for step in found["steps"]} <= {kind.value for kind in Kind}
    assert DOMAIN in json.dumps(found)


# The command


def fix_plan(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "preflight", "fix-plan", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)


def test_the_sample_forest_is_planned_for_from_its_export():
    from preflight.cli.sample import sample_folder

    with sample_folder() as folder:
        done = fix_plan("--config", str(folder / "preflight.toml"), "--format", "json")
        assert (done.returncode, done.stderr) == (0, "")
        [domain] = json.loads(done.stdout)["domains"]
        assert domain["mended"] == domain["outcomes"]["blocked"] > 0 and domain["obstacle"] == ""
        assert any("/P:N" in line for step in domain["steps"] for line in step["commands"])


def test_what_cant_be_read_ends_undetermined(tmp_path):
    export = tmp_path / "cut.ldf"
    export.write_text("dn: DC=corp,DC=test\nobjectClass: domainDNS\n\n")
    done = fix_plan("--ldif", str(export), "--domain", "corp.test")
    assert done.returncode == 4 and "NOTHING TO DO" not in done.stdout


def test_an_unknown_format_is_a_usage_error():
    done = fix_plan("--domain", "corp.test", "--format", "csv")
    assert done.returncode == 2 and "human, json" in done.stderr
