"""From text as it stands in an event or a dialog to the entries that it most likely belongs to.

Codes weigh most, then the phrases by which an entry is known, then its words, rare ones more than common ones. A code
that several entries share tells them apart as little as a common word does.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from preflight.knowledge.loading import catalogue
from preflight.knowledge.model import Cause, Entry, Procedure
from preflight.knowledge.spelling import BESIDE_CODES, spellings, squeezed

MOST_LETTERS = 100_000
"""An event has at most 32,766 characters; of a longer text the rest isn't read."""

_CODE, _NAME, _SIGN, _CAUSE_SIGN, _WORD_OF_NAME, _WORD = 12.0, 10.0, 3.0, 2.0, 1.5, 1.0
"""What a match weighs, each times how rare it is."""

_ENOUGH = 0.4
"""Words alone are a match only where they are this part of all that the text says."""

_MOST_COMMON = 0.25
"""A word that more of the entries have tells nothing."""

_SHORT = 80
"""Characters of a text that may ask for something to be done; what is longer was copied from somewhere."""

_PLAIN_NAME = 12
"""A name of one word, such as ADPermissionsError, is looked for in the text if it has as many letters."""

_WORDS = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where the words of ADUserAccountLockedOut part."""
_HRESULT = re.compile(r"(?<![0-9a-z])(?:0x)?8[0-9a-f]{7}(?![0-9a-z])|(?<![0-9a-z.])-2\d{9}(?!\d)", re.IGNORECASE)
_SSPR = re.compile(r"(?<![0-9a-z])sspr[_ -]?\d{1,4}(?!\d)", re.IGNORECASE)
_EVENT = re.compile(r"(?<![\w.,-])(?<!\d:)(?:[36]\d{4}|6\d{3})(?![\w-]|[.,:]\d)")
"""Numbers that are events wherever they stand alone; shorter ones need the word beside them."""
_NAMED = re.compile(r"\b(?:event\W{0,9}(?:id)?|id|hr|hresult)\W{1,9}((?:0x)?[0-9a-f]{3,8})(?![0-9a-z])", re.IGNORECASE)
_PROCESS = re.compile(r"\b(?:MMS|BAIL|ERR)\(\d+\)", re.IGNORECASE)
"""A number of a process, as the sync engine writes it before its messages: no event."""

_COMMON_WORDS = """
a about after all an and any are as at be been but by can cannot did do does for from had has have he her his how i if
in into is it its may more no nor not of on or our out over see she so some such than that the their them then there
these they this to too under up was we were what when where which while who why will with you your
"""
_STOP = BESIDE_CODES.union(_COMMON_WORDS.split())


@dataclass(frozen=True, slots=True)
class Match:
    """An entry that a text may belong to.

    Attributes:
        score: comparable within one search only.
        matched: what in the text led to it, the most telling first.
        causes: of the entry, those that the text itself points to first.
        certain: a code, a name or a phrase matched, not words alone.
    """

    entry: Entry
    score: float
    matched: tuple[str, ...]
    causes: tuple[Cause, ...]
    certain: bool


def search(text: str, most: int = 10) -> Sequence[Match]:
    """The entries that the text most likely belongs to, the best first; empty: nothing in it is known."""
    read = _Read.of(text)
    found = [match for entry in catalogue().entries if (match := _match(entry, read)) is not None]
    # Beside a code or a phrase, what matches by words alone only distracts.
    certain = [match for match in found if match.certain] or found
    certain.sort(key=lambda match: -match.score)  # stable: equals stay in the order of the catalogue
    return tuple(certain[:most])


def procedures_for(text: str) -> Sequence[Procedure]:
    """The procedures that a short text names, or else those that speak of all that it says."""
    wanted = _telling((text,)) if len(text) <= _SHORT else frozenset()
    if not wanted:
        return ()
    procedures = catalogue().procedures
    named = [each for each in procedures if wanted <= _telling((each.name,))]
    return named or [each for each in procedures if wanted <= _telling((each.name, each.when, *each.steps))]


def causes_for(entry: Entry, text: str) -> tuple[Cause, ...]:
    """The entry's causes, those that the text itself points to first."""
    return _causes(entry, _Read.of(text))


@dataclass(frozen=True, slots=True)
class _Read:
    """A text as it is compared.

    Attributes:
        line: its words, each between spaces, so that a phrase is found as a piece of it.
        codes: the codes in it, as the index files them.
        words: those that may tell something, each once.
    """

    line: str
    codes: tuple[str, ...]
    words: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> _Read:
        read = text[:MOST_LETTERS]
        words = _words(read)
        telling = dict.fromkeys(word for word in words if word not in _STOP and not word.isdecimal())
        return cls(f" {' '.join(words)} ", tuple(_codes(read)), tuple(telling))

    def says(self, sign: str) -> bool:
        """Whether the sign stands in the text: a code as a code, anything else as a phrase."""
        keys = [key for key in spellings(sign) if key in _index().codes]
        return any(key in self.codes for key in keys) if keys else f" {' '.join(_words(sign))} " in self.line


def _match(entry: Entry, read: _Read) -> Match | None:
    index = _index()
    matched: dict[str, float] = {}
    for code in read.codes:
        if entry.id in index.codes.get(code, ()):
            matched[code] = _CODE * index.rarity(len(index.codes[code]))
    for name in _single_names(entry):
        if f" {squeezed(name)} " in read.line:
            matched[name] = _NAME * index.rarity(1)
    for sign, weight in _signs(entry):
        if read.says(sign):
            matched[f'"{sign}"'] = weight * sum(index.weight(word) for word in set(_words(sign)) - _STOP)
    certain = bool(matched)
    of_entry = index.words[entry.id]
    common = [word for word in read.words if word in of_entry and index.weight(word)]
    weight = sum(index.weight(word) for word in common)
    if not certain and weight < _ENOUGH * sum(index.weight(word) for word in read.words):
        return None
    if not certain and not common:
        return None
    for word in common:
        if word not in matched:
            matched[word] = index.weight(word) * (_WORD_OF_NAME if word in index.names[entry.id] else _WORD)
    score = sum(matched.values())
    most_telling = sorted(matched, key=lambda each: -matched[each])
    return Match(entry, round(score, 3), tuple(most_telling), _causes(entry, read), certain)


def _causes(entry: Entry, read: _Read) -> tuple[Cause, ...]:
    return tuple(sorted(entry.causes, key=lambda cause: not any(map(read.says, cause.signs))))


def _signs(entry: Entry) -> Iterable[tuple[str, float]]:
    yield from (
        (sign, _SIGN) for sign in (*entry.signs, *(name for name in (entry.name, *entry.aliases) if " " in name))
    )
    yield from ((sign, _CAUSE_SIGN) for cause in entry.causes for sign in cause.signs)


def _single_names(entry: Entry) -> Iterable[str]:
    return (name for name in (entry.name, *entry.aliases) if len(name) >= _PLAIN_NAME and name.isalnum())


def _codes(text: str) -> Iterable[str]:
    """The codes in the text as the index files them, each once, in the order of the text's kinds."""
    plain = _PROCESS.sub(" ", text)
    found = [match[0] for pattern in (_HRESULT, _SSPR) for match in pattern.finditer(plain)]
    found += [match[0] for match in _EVENT.finditer(plain)] + [match[1] for match in _NAMED.finditer(plain)]
    keys = (key for each in found for key in spellings(each) if key in _index().codes)
    return dict.fromkeys(keys)


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.casefold())


@dataclass(frozen=True, slots=True)
class _Index:
    """What the catalogue's words and codes weigh.

    Attributes:
        codes: the ids of the entries that have a code, by its squeezed spelling.
        words: of each entry, by its id.
        names: those of its words that stand in its names.
        having: how many entries have a word.
    """

    codes: Mapping[str, tuple[str, ...]]
    words: Mapping[str, frozenset[str]]
    names: Mapping[str, frozenset[str]]
    having: Mapping[str, int]

    def rarity(self, having: int) -> float:
        return math.log(1 + len(self.words) / max(having, 1))

    def weight(self, word: str) -> float:
        """0 for a word that tells nothing; a word that no entry has weighs as the rarest one."""
        having = self.having.get(word, 0)
        return 0.0 if word in _STOP or having > _MOST_COMMON * len(self.words) else self.rarity(having)


@cache
def _index() -> _Index:
    codes: dict[str, dict[str, None]] = {}
    words: dict[str, frozenset[str]] = {}
    names: dict[str, frozenset[str]] = {}
    for entry in catalogue().entries:
        spelled = (entry.name, *entry.aliases)
        names[entry.id] = _telling((*spelled, *(_CAMEL.sub(" ", name) for name in spelled)))
        causes = [text for cause in entry.causes for text in (cause.text, *cause.signs)]
        words[entry.id] = names[entry.id] | _telling((*entry.signs, entry.meaning, *causes))
        for code in entry.codes:
            codes.setdefault(squeezed(code), {}).setdefault(entry.id)
    having = Counter(word for each in words.values() for word in each)
    return _Index({key: tuple(ids) for key, ids in codes.items()}, words, names, having)


def _telling(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in _words(text)) - _STOP
