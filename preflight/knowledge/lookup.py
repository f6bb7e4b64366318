"""From a code or a name, as somebody types it, to its entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from preflight.knowledge.loading import catalogue
from preflight.knowledge.model import Entry, Procedure
from preflight.knowledge.spelling import spellings, squeezed, tokens

MOST_LETTERS = 500
"""A code or a name is no longer; what is, is a text for `search`."""


def entries_for(what: str | int) -> Sequence[Entry]:
    """The entries that a code, a name or an alias means, the likeliest first; empty: nothing is known of it.

    Forgiving about spelling: "33004", "event 33004", "ADPermissionsError", "sspr-29", "80230619", "hr=0x800700CE",
    "-2145188327". Several words narrow it down: "6329 80230619" is one entry, "6329" several.
    """
    text = str(what)
    if len(text) > MOST_LETTERS:
        return ()
    index = _index()
    if found := _found(text, index):
        return found
    hits = [_found(token, index) for token in tokens(text)]
    if not hits or not all(hits):
        return ()
    return tuple(entry for entry in hits[0] if all(entry in others for others in hits[1:]))


def entry(id: str) -> Entry:
    """
    Raises:
        KeyError: there is no entry with that id.
    """
    return _by_id()[id]


def procedure(name: str) -> Procedure | None:
    """The procedure with that id or name, however it is spelled; None: there is none."""
    wanted = squeezed(name[:MOST_LETTERS])
    procedures = catalogue().procedures
    return next((each for each in procedures if wanted in (squeezed(each.id), squeezed(each.name))), None)


def reached_from(check: str) -> Sequence[Entry]:
    """The entries of which a cause is confirmed or excluded by the check."""
    return tuple(entry for entry in catalogue().entries if check in entry.checks)


def names() -> Iterable[str]:
    """Everything that `entries_for` and `procedure` know, as the sources write it."""
    for entry in catalogue().entries:
        yield from (*entry.codes, entry.name, *entry.aliases, entry.id)
    for procedure in catalogue().procedures:
        yield from (procedure.id, procedure.name)


def _found(text: str, index: Mapping[str, Sequence[Entry]]) -> Sequence[Entry]:
    return next((index[key] for key in spellings(text) if key in index), ())


@cache
def _by_id() -> Mapping[str, Entry]:
    return {entry.id: entry for entry in catalogue().entries}


@cache
def _index() -> Mapping[str, tuple[Entry, ...]]:
    """Entries by squeezed spelling: those that have it as a code before those that know it by another name."""
    index: dict[str, dict[str, Entry]] = {}
    entries = catalogue().entries
    for spelled in ([(entry, entry.codes) for entry in entries], [(entry, _other_names(entry)) for entry in entries]):
        for entry, texts in spelled:
            for text in texts:
                index.setdefault(squeezed(text), {}).setdefault(entry.id, entry)
    return {key: tuple(found.values()) for key, found in index.items()}


def _other_names(entry: Entry) -> tuple[str, ...]:
    return (entry.name, *entry.aliases, entry.id)
