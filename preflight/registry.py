"""Finds the checks: the entry-point group `preflight.checks`, in which the built-in ones stand like any other pack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from preflight.api import KINDS, Check

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "preflight.checks"

_AREAS = (
    "dns",
    "network",
    "clock",
    "dc",
    "directory",
    "account",
    "permissions",
    "anchors",
    "policy",
    "events",
    "host",
    "tenant",
)


class RegistryError(Exception):
    """The installed checks don't fit together: two with one id, a requirement that doesn't exist, a circle."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The checks that are installed.

    Attributes:
        checks: by id, in the order of a report: areas from the wire to the user, requirements first.
        problems: check packs that could not be loaded, each a sentence. A run says so and is undetermined.
    """

    checks: Mapping[str, Check]
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, checks: Iterable[Check], problems: Iterable[str] = ()) -> Registry:
        """
        Raises:
            RegistryError
        """
        by_id: dict[str, Check] = {}
        for each in checks:
            if by_id.setdefault(each.id, each) is not each:
                raise RegistryError(f"two checks have the id {each.id!r}: {_home(by_id[each.id])} and {_home(each)}")
        for each in by_id.values():
            for required in each.requires:
                if required not in by_id:
                    raise RegistryError(f"check {each.id} ({_home(each)}) requires {required!r}, which no pack offers")
        return cls(MappingProxyType(_ordered(by_id)), tuple(problems))

    @classmethod
    def installed(cls) -> Registry:
        """The checks of every installed pack.

        Raises:
            RegistryError
        """
        from importlib.metadata import entry_points

        checks: list[Check] = []
        problems: list[str] = []
        for entry_point in sorted(entry_points(group=GROUP), key=lambda each: (each.name != "builtin", each.name)):
            try:
                checks += _load(entry_point)
            except Exception as error:  # noqa: BLE001 - a pack is other people's code; one broken pack must not end the run
                problems.append(
                    f"the check pack {entry_point.name!r} ({entry_point.value}) can't be loaded: "
                    f"{type(error).__name__}: {error}"
                )
        return cls.of(checks, problems)


def _load(entry_point: EntryPoint) -> list[Check]:
    pack = entry_point.load()
    found = [value for value in vars(pack).values() if isinstance(value, Check)]
    if not found:
        raise ValueError("there is no check in it")
    return found


def _home(check: Check) -> str:
    return getattr(check.function, "__module__", "?")


def _ordered(by_id: Mapping[str, Check]) -> dict[str, Check]:
    def place(check: Check) -> int:
        return _AREAS.index(check.area) if check.area in _AREAS else len(_AREAS)

    ordered: dict[str, Check] = {}
    under_way: set[str] = set()

    def visit(check: Check) -> None:
        if check.id in ordered:
            return
        if check.id in under_way:
            raise RegistryError(f"the requirements of check {check.id} lead back to itself")
        under_way.add(check.id)
        for required in check.requires:
            visit(by_id[required])
        ordered[check.id] = check

    for check in sorted(by_id.values(), key=place):
        visit(check)
    for check in ordered.values():
        for required in check.requires:
            if not _related(check.each, by_id[required].each):
                raise RegistryError(
                    f"check {check.id} (each {check.each}) can't require {required} (each {by_id[required].each}): "
                    "neither kind of target is nested in the other"
                )
    return ordered


def _related(one: str, other: str) -> bool:
    return other in _lineage(one) or one in _lineage(other)


def _lineage(kind: str | None) -> list[str]:
    lineage = []
    while kind is not None:
        lineage.append(kind)
        kind = KINDS[kind]
    return lineage
