"""The TOML files of this package as entries and procedures. Strict: a key that isn't known is an error."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from preflight.knowledge.model import Cause, Entry, Level, Procedure, Step

FILES = (
    "user_errors.toml",
    "reset_events.toml",
    "adsync_events.toml",
    "writeback_symptoms.toml",
    "other_events.toml",
    "portals.toml",
)
"""In the order of the catalogue: what an admin meets first comes first where a code is shared."""

PROCEDURES = "procedures.toml"

_DEFAULTS = ("source", "section", "reference", "level")
"""What a file may say once for all its entries."""


T = TypeVar("T", Cause, Step, Procedure, Entry)


class KnowledgeError(Exception):
    """A file of knowledge isn't as it must be; the message names file, entry and key."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that is known, in a fixed order."""

    entries: tuple[Entry, ...]
    procedures: tuple[Procedure, ...]


@cache
def catalogue() -> Catalogue:
    """The knowledge that comes with the program; read once.

    Raises:
        KnowledgeError
    """
    entries = [entry for file in FILES for entry in read_entries(file, _text(file))]
    procedures = list(read_procedures(PROCEDURES, _text(PROCEDURES)))
    _once("entry", [entry.id for entry in entries])
    _once("procedure", [procedure.id for procedure in procedures])
    known = {procedure.id for procedure in procedures}
    for entry in entries:
        for step in entry.steps:
            if step.procedure and step.procedure not in known:
                raise KnowledgeError(f"{entry.id}: there is no procedure {step.procedure!r}")
    return Catalogue(tuple(entries), tuple(procedures))


def read_entries(file: str, text: str) -> Iterator[Entry]:
    """
    Raises:
        KnowledgeError
    """
    document = _parse(file, text)
    _only(file, document, (*_DEFAULTS, "entry"))
    defaults = {key: document[key] for key in _DEFAULTS if key in document}
    for number, table in enumerate(_tables(file, document, "entry"), 1):
        yield _entry(f"{file}, {table.get('id', f'entry number {number}')}", {**defaults, **table})


def read_procedures(file: str, text: str) -> Iterator[Procedure]:
    """
    Raises:
        KnowledgeError
    """
    document = _parse(file, text)
    _only(file, document, ("procedure",))
    for number, table in enumerate(_tables(file, document, "procedure"), 1):
        yield _made(Procedure, f"{file}, {table.get('id', f'procedure number {number}')}", table)


def _entry(where: str, table: Mapping[str, Any]) -> Entry:
    values = dict(table)
    causes = tuple(
        _made(Cause, f"{where}, cause number {number}", cause)
        for number, cause in enumerate(_tables(where, values, "causes"), 1)
    )
    steps = tuple(_step(where, step) for step in _list(where, values.pop("steps", []), "steps"))
    values.pop("causes", None)
    level = values.get("level")
    if level not in tuple(Level):
        raise KnowledgeError(f"{where}: level is {level!r}, not one of {', '.join(Level)}")
    return _made(Entry, where, values | {"level": Level(level), "causes": causes, "steps": steps})


def _step(where: str, step: object) -> Step:
    return Step(step) if isinstance(step, str) else _made(Step, f"{where}, steps", _table(where, step))


def _made(kind: type[T], where: str, table: Mapping[str, Any]) -> T:
    """The dataclass from the table's values, each of the type that the field has."""
    known = {field.name: field for field in fields(kind)}
    _only(where, table, tuple(known))
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name not in table:
            if field.default is MISSING:
                raise KnowledgeError(f"{where}: {name} is missing")
            continue
        value = table[name]
        if field.type == "tuple[str, ...]":
            value = _strings(where, name, value)
        elif field.type == "bool" and not isinstance(value, bool):
            raise KnowledgeError(f"{where}: {name} must be true or false")
        elif field.type == "str" and not (isinstance(value, str) and value.strip()):
            raise KnowledgeError(f"{where}: {name} must be a text that isn't empty")
        values[name] = value
    return kind(**values)


def _strings(where: str, name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(each, str) and each.strip() for each in value):
        return tuple(value)
    raise KnowledgeError(f"{where}: {name} must be a list of texts that aren't empty")


def _tables(where: str, document: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    return [_table(f"{where}, {key}", value) for value in _list(where, document.get(key, []), key)]


def _list(where: str, values: object, key: str) -> Sequence[object]:
    if not isinstance(values, list):
        raise KnowledgeError(f"{where}: {key} must be a list")
    return values


def _table(where: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise KnowledgeError(f"{where}: a table is expected, not {value!r}")
    return value


def _only(where: str, table: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in table:
        if key not in known:
            raise KnowledgeError(f"{where}: unknown key {key!r}; known are {', '.join(known)}")


def _once(kind: str, ids: Sequence[str]) -> None:
    for id in ids:
        if ids.count(id) > 1:
            raise KnowledgeError(f"there are two {kind} tables with the id {id!r}")


def _parse(file: str, text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise KnowledgeError(f"{file}: {error}") from None


def _text(file: str) -> str:
    return resources.files("preflight.knowledge").joinpath(file).read_text(encoding="utf-8")
