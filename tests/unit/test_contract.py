"""What every check of the registry owes: no pass without having looked, no fail either, and nothing out of an empty
directory. Checks that are added later are held to it without a line here."""

from __future__ import annotations

import pkgutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

import preflight.resources
from preflight.api import KINDS, Check, Severity, Status, Target, Unavailable
from preflight.cli.sample import sample_folder
from preflight.config import Configuration, DomainSettings, load
from preflight.directory.model import (
    Container,
    CrossReference,
    Domain,
    Entry,
    FineGrainedPolicies,
    Principal,
    RootDse,
    Token,
    User,
)
from preflight.engine import Engine
from preflight.network.recorded import RecordedDialer, RecordedResolver, Recording
from preflight.plan import Plan, make_plan
from preflight.registry import Registry
from preflight.report import Result
from preflight.resources import Resources, Setting
from preflight.resources.provider import MODULES, every_provider

REGISTERED = Registry.installed().checks
EVERY_CHECK = sorted(REGISTERED)
OF_PEOPLE = [id for id in EVERY_CHECK if id.partition(".")[0] in ("permissions", "anchors", "account")]
RUN = Target("run", "")
DOMAIN = "corp.contoso.com"
BASE = "DC=corp,DC=contoso,DC=com"


def alone(check_id: str) -> Plan:
    """The check without what it requires, as if all of that had ended well."""
    others = [id for id in EVERY_CHECK if id != check_id]
    return make_plan(REGISTERED, only=[check_id], skip=others)


class Nothing:
    """A target of every kind, and no resource for any."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get(self, name: str, target: Target) -> object:
        raise self._error

    def targets(self, kind: str, within: Target) -> Sequence[Target]:
        return [Target(kind, "something", within)] if KINDS[kind] == within.kind else []


@pytest.mark.parametrize("check_id", EVERY_CHECK)
@pytest.mark.parametrize(
    "error",
    [Unavailable("the network is down", code="timed-out"), Unavailable("never heard of"), RuntimeError("a defect")],
    ids=["timed out", "unavailable", "crashed"],
)
def test_with_every_resource_unavailable_nothing_passes_and_nothing_fails(check_id: str, error: Exception) -> None:
    results = Engine(alone(check_id), Nothing(error)).run().results
    assert results
    for result in results:
        assert result.status in (Status.UNKNOWN, Status.NOT_APPLICABLE), result
        assert all(finding.summary and finding.remedy for finding in result.findings)


@pytest.mark.parametrize("check_id", EVERY_CHECK)
def test_a_check_says_what_a_person_needs_to_know(check_id: str) -> None:
    check: Check = REGISTERED[check_id]
    assert "To mend:" in check.explanation, "how to mend it"
    assert check.title[0].isupper() and not check.title.endswith(".")
    assert check.codes and all(meaning for meaning in check.codes.values())
    assert check.resources, "a check that looks at nothing"
    assert check.severity in Severity


# The sample forest, with one thing missing


@dataclass
class Sample:
    setting: Setting
    plan: Plan
    results: Mapping[tuple[str, str], Result]


class Without(Resources):
    """All resources but one, which can't be had, wherever it is asked for."""

    def __init__(self, setting: Setting, missing: str) -> None:
        super().__init__(setting)
        self._missing = missing

    def get(self, name: str, target: Target = RUN) -> object:
        if name == self._missing:
            raise Unavailable(f"there is no {name}", code="timed-out")
        return super().get(name, target)


@pytest.fixture(scope="module")
def sample() -> Iterator[Sample]:
    with sample_folder() as folder:
        configuration = load(folder / "preflight.toml")
        recording = Recording.from_json((folder / "network.json").read_text("utf-8"))
        plan = make_plan(REGISTERED)
        network = (RecordedResolver(recording), RecordedDialer(recording))
        setting = Setting(configuration, plan.folds, environ={}, network=network, host="SYNC01")
        yield Sample(setting, plan, results_of(plan, Resources(setting)))


def results_of(plan: Plan, resources: Resources) -> dict[tuple[str, str], Result]:
    try:
        results = Engine(plan, resources).run().results
    finally:
        resources.close()
    return {(result.check, result.target): result for result in results}


RESOURCES = sorted(
    {each.name for each in every_provider()}
    | {name for each in REGISTERED.values() for name in each.resources} - {"target"}
)
"""Those of the checks, and those that these are made from."""


def test_every_module_of_the_composition_root_is_known_to_provide():
    modules = {module.name for module in pkgutil.iter_modules(preflight.resources.__path__)}
    assert set(MODULES) == modules - {"provider", "setting"}


@pytest.mark.parametrize("missing", RESOURCES)
def test_without_one_resource_nothing_gets_better_and_what_looks_at_it_does_not_pass(
    missing: str, sample: Sample
) -> None:
    results = results_of(sample.plan, Without(sample.setting, missing))
    for (check_id, target), result in results.items():
        check = REGISTERED[check_id]
        if missing in check.resources and missing not in check.later:
            assert result.status in (Status.UNKNOWN, Status.SKIPPED), result
        if missing in check.later:
            assert result.status is not Status.PASS, result
        before = sample.results.get((check_id, target))
        if result.status is Status.PASS:
            assert before is not None and before.status is Status.PASS, (before, result)
        if result.status is Status.FAIL:
            assert before is not None and before.status is Status.FAIL, (before, result)


# An empty directory


def exported(folder: Path, *records: str) -> Setting:
    """The setting for an export with these records."""
    export = folder / "export.ldf"
    export.write_text("version: 1\n\n" + "\n\n".join(records) + "\n", encoding="utf-8")
    (folder / "preflight.toml").write_text(
        '[connector]\naccount = "MSOL_0123abcd"\n'
        f'[[domain]]\nname = "{DOMAIN}"\nforest = "{DOMAIN}"\nldif = "export.ldf"\n'
    )
    plan = make_plan(REGISTERED)
    return Setting(load(folder / "preflight.toml"), plan.folds, environ={})


def record(dn: str, **values: object) -> str:
    lines = [f"dn: {dn}"]
    for name, value in values.items():
        lines += [f"{name}: {each}" for each in (value if isinstance(value, list) else [value])]
    return "\n".join(lines)


HEAD = record(
    BASE, objectClass=["top", "domain", "domainDNS"], objectSid="S-1-5-21-1-2-3", minPwdAge=0, lockoutThreshold=0
)
PEOPLE = record(f"OU=People,{BASE}", objectClass=["top", "organizationalUnit"], ou="People")


def person(name: str, control: int, **more: object) -> str:
    return record(
        f"CN={name},OU=People,{BASE}",
        objectClass=["top", "person", "organizationalPerson", "user"],
        sAMAccountName=name,
        sAMAccountType=805306368,
        userAccountControl=control,
        **more,
    )


@pytest.mark.parametrize(
    "records",
    [
        [HEAD],
        [HEAD, PEOPLE],
        [HEAD, PEOPLE, person("disabled", 0x202)],
        [HEAD, PEOPLE, person("Administrator", 0x200, isCriticalSystemObject="TRUE"), person("MSOL_0123abcd", 0x10200)],
        [HEAD, PEOPLE, person("MSOL_0123abcd", 0x10200), person("alice", 0x200)],
    ],
    ids=[
        "empty domain",
        "empty OU",
        "nobody enabled",
        "nobody who is synchronised",
        "nobody whose descriptor is there",
    ],
)
@pytest.mark.parametrize("check_id", OF_PEOPLE)
def test_an_export_with_nobody_to_judge_passes_nobody(check_id: str, records: list[str], tmp_path: Path) -> None:
    setting = exported(tmp_path, *records)
    for plan in (make_plan(REGISTERED, only=[check_id]), alone(check_id)):
        for result in results_of(plan, Resources(setting)).values():
            if result.check == check_id and not _was_looked_at(check_id, records):
                assert result.status in (Status.UNKNOWN, Status.SKIPPED, Status.FAIL), result
                assert result.status is not Status.FAIL or check_id == "account.connector-usable"
                assert not [finding for finding in result.findings if finding.status is Status.PASS]


def _was_looked_at(check_id: str, records: list[str]) -> bool:
    """The connector account is there, and is judged by itself; so are anchors of users without descriptors."""
    has_connector = any("MSOL_0123abcd" in each for each in records)
    has_alice = any("CN=alice" in each for each in records)
    return has_connector if check_id.startswith("account.") else has_alice and check_id.startswith("anchors.")


class EmptyDirectory:
    """A live directory in which the reader sees nothing at all; nobody says that it is denied."""

    name, origin, live = DOMAIN, "an empty directory", True

    def root_dse(self) -> RootDse:
        return RootDse({})

    def domain(self) -> Domain:
        return Domain(DOMAIN, BASE, DOMAIN, BASE, None, "", None, None, Entry(BASE, {}))

    def forest_domains(self) -> Sequence[CrossReference]:
        return ()

    def users(self, attributes: Collection[str], search_base: str | None = None) -> Iterator[Sequence[User]]:
        yield []

    def move_on(self, because: Unavailable) -> None:
        raise because

    def find(self, who: str, attributes: Collection[str], *, anchors: Collection[str] = ()) -> Sequence[User]:
        return ()

    def clock(self) -> datetime | None:
        return None

    def connector_candidates(self, attributes: Collection[str]) -> Sequence[User]:
        return ()

    def read(self, distinguished_name: str, attributes: Collection[str]) -> Entry | None:
        return None

    def principal(self, account: User) -> Principal:
        raise AssertionError("there is no account")

    def token(self, principal: Principal) -> Token:
        raise AssertionError("there is no principal")

    def reader_token(self) -> Token | None:
        return None

    def containers(self) -> Mapping[str, Container]:
        return {}

    def fine_grained_policies(self) -> FineGrainedPolicies:
        return FineGrainedPolicies((), False, "nothing can be seen")

    def objects_by_sid(self, sids: Collection[str], attributes: Collection[str]) -> Sequence[Entry]:
        return ()

    def matching(
        self, attribute: str, values: Collection[bytes], attributes: Collection[str], *, users_only: bool = False
    ) -> Sequence[Entry]:
        return ()

    def close(self) -> None:
        """Nothing is open."""


class Given(Resources):
    """Resources, some of them given."""

    def __init__(self, setting: Setting, **given: object) -> None:
        super().__init__(setting)
        self._given = given

    def get(self, name: str, target: Target = RUN) -> object:
        return self._given[name] if name in self._given else super().get(name, target)


@pytest.mark.parametrize("with_token", [False, True], ids=["no connector account", "with the connector's token"])
@pytest.mark.parametrize("check_id", [*OF_PEOPLE, "policy.minimum-age", "policy.summary"])
def test_a_live_directory_in_which_nothing_is_seen_passes_nothing(check_id: str, with_token: bool) -> None:
    given: dict[str, object] = {"directory": EmptyDirectory()}
    if with_token:
        given["connector_token"] = Token(frozenset({"S-1-5-21-1-2-3-1104", "S-1-5-11", "S-1-1-0"}), True, "the test's")
    plan = alone(check_id)
    setting = Setting(Configuration(domains=(DomainSettings(DOMAIN),)), plan.folds, environ={})
    for result in results_of(plan, Given(setting, **given)).values():
        assert result.status is Status.UNKNOWN, result
        assert not [finding for finding in result.findings if finding.status is Status.PASS]


@pytest.mark.parametrize(
    ("check_id", "entries"),
    [
        pytest.param("dc.policy-hints", f"dn: CN=Ann,{BASE}\nobjectClass: user\n", id="an export without a rootDSE"),
        pytest.param("account.connector-usable", f"dn: {BASE}\nobjectClass: domainDNS\n", id="an export of a part"),
    ],
)
def test_what_an_export_does_not_hold_is_no_failure(check_id: str, entries: str, tmp_path: Path) -> None:
    (tmp_path / "export.ldf").write_text(entries)
    (tmp_path / "preflight.toml").write_text(
        '[connector]\naccount = "MSOL_0a1b2c3d"\n'
        f'[[domain]]\nname = "{DOMAIN}"\nforest = "{DOMAIN}"\nldif = "export.ldf"\n'
    )
    plan = alone(check_id)
    setting = Setting(load(tmp_path / "preflight.toml"), plan.folds, environ={})
    results = results_of(plan, Resources(setting))
    assert results
    for result in results.values():
        assert result.status is Status.UNKNOWN, result
