from __future__ import annotations

from collections.abc import Iterator

import pytest

from preflight.api import Check, Finding, Severity, check, passed
from preflight.plan import SelectionError, make_plan
from preflight.registry import Registry, RegistryError


def checking(
    id: str, each: str = "run", requires: tuple[str, ...] = (), tags: tuple[str, ...] = ("preflight",)
) -> Check:
    @check(id=id, title=id, severity=Severity.BLOCKER, each=each, codes={}, requires=requires, tags=tags)
    def body() -> Iterator[Finding]:
        """Always fine."""
        yield passed("fine")

    return body


def test_two_checks_with_one_id_are_refused() -> None:
    with pytest.raises(RegistryError, match="two checks have the id"):
        Registry.of([checking("dc.one"), checking("dc.one")])


def test_a_requirement_that_nobody_offers_is_refused() -> None:
    with pytest.raises(RegistryError, match=r"requires 'dc\.nowhere'"):
        Registry.of([checking("dc.one", requires=("dc.nowhere",))])


def test_requirements_in_a_circle_are_refused() -> None:
    with pytest.raises(RegistryError, match="lead back"):
        Registry.of([checking("dc.one", requires=("dc.two",)), checking("dc.two", requires=("dc.one",))])


def test_a_requirement_on_an_unrelated_kind_of_target_is_refused() -> None:
    with pytest.raises(RegistryError, match="neither kind"):
        Registry.of([checking("dns.one", "relay"), checking("dc.two", "domain", ("dns.one",))])


def test_checks_stand_in_the_order_of_areas_with_requirements_first() -> None:
    registry = Registry.of(
        [checking("policy.a"), checking("dc.b", requires=("dc.z",)), checking("dc.z"), checking("dns.c")]
    )
    assert list(registry.checks) == ["dns.c", "dc.z", "dc.b", "policy.a"]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["dc.*"], ["dc.b"]),
        (["policy"], ["policy.c"]),
        (["dc.a"], ["dc.b", "dc.a"]),
        ([], ["dc.b", "policy.c"]),
    ],
)
def test_selection(only: list[str], expected: list[str]) -> None:
    checks = Registry.of([checking("dc.a", requires=("dc.b",), tags=("slow",)), checking("dc.b"), checking("policy.c")])
    assert [planned.check.id for planned in make_plan(checks.checks, only=only).checks] == expected


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["network"], ["network.quick"]),
        (["network.*"], ["network.quick"]),
        (["network.slow"], ["network.slow"]),
        (["network.sl*"], ["network.slow"]),
        (["network", "network.slow"], ["network.quick", "network.slow"]),
    ],
)
def test_an_area_or_a_pattern_stays_within_the_profile_and_an_id_does_not(only: list[str], expected: list[str]) -> None:
    checks = Registry.of([checking("network.quick"), checking("network.slow", tags=("slow",))])
    assert [planned.check.id for planned in make_plan(checks.checks, only=only).checks] == expected


def test_a_pattern_that_matches_nothing_names_the_nearest() -> None:
    checks = Registry.of([checking("permissions.reset-password")]).checks
    with pytest.raises(SelectionError, match=r"Did you mean 'permissions\.reset-password'"):
        make_plan(checks, only=["permission.reset-pasword"])
    with pytest.raises(SelectionError, match="no check has the profile 'night'"):
        make_plan(checks, profile="night")
