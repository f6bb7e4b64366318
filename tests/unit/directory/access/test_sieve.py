"""Passing over a DACL's entries in bulk gives what passing over them one by one gives."""

from __future__ import annotations

import pytest
from descriptors import DOMAIN, ace, acl, sid
from hypothesis import given
from hypothesis import strategies as st

from preflight.directory.access.security_descriptor import MalformedDescriptor, ace_places
from preflight.directory.access.sieve import Sieve

RESET = "00299570-246d-11d0-a768-00aa006e0529"
CHANGE = "ab721a53-1e2f-11d0-9819-00aa0040529b"
OTHER = "bf967aba-0de6-11d0-a285-00aa003049e2"
CONNECTOR = f"{DOMAIN}-1105"

ENTRIES = st.builds(
    "({};{};{};{};{};{})".format,
    st.sampled_from(["A", "D", "OA", "OD", "XA", "ZA"]),
    st.sampled_from(["", "CI", "CIIO", "ID", "IO"]),
    st.sampled_from(["RP", "WP", "CR", "CRWP", "GA", "GW", "RPLC"]),
    st.sampled_from(["", RESET, CHANGE, OTHER]),
    st.sampled_from(["", OTHER]),
    st.sampled_from(["WD", "PS", "BA", CONNECTOR, f"{DOMAIN}-513", "S-1-5-80-1-2-3", "S-1-5-21-1-2-3-4-5"]),
)


def guid(text: str) -> bytes:
    return ace(f"(OA;;CR;{text};;WD)")[12:28]


SIEVES = [
    Sieve(
        bits=0x10000120,
        objects=frozenset({guid(RESET), guid(CHANGE)}),
        trustees=frozenset({sid(CONNECTOR), sid("PS")}),
        open_bits=0x10000100,
        open_objects=frozenset({guid(CHANGE)}),
    ),
    Sieve(bits=0x20, objects=frozenset(), trustees=frozenset({sid(CONNECTOR)})),
    Sieve(bits=0x100, objects=None, trustees=frozenset({sid("WD")}), open_bits=0x100, open_objects=None),
]


def one_by_one(sieve: Sieve, dacl: bytes) -> object:
    selected = sieve._select(dacl)
    if selected is not None:
        return selected
    try:
        return [(index, dacl[at : at + size]) for index, (at, size) in enumerate(ace_places(dacl))], []
    except MalformedDescriptor:
        return MalformedDescriptor


def in_bulk(sieve: Sieve, dacl: bytes) -> object:
    try:
        return sieve.select(dacl)
    except MalformedDescriptor:
        return MalformedDescriptor


@pytest.mark.parametrize("sieve", SIEVES)
@given(entries=st.lists(ENTRIES, max_size=12), padding=st.sampled_from([b"", b"\0" * 4]), slack=st.binary(max_size=8))
def test_every_dacl_gives_the_same(sieve: Sieve, entries: list[str], padding: bytes, slack: bytes) -> None:
    dacl = acl([ace(each, padding if number == 3 else b"") for number, each in enumerate(entries)], slack)

    assert in_bulk(sieve, dacl) == one_by_one(sieve, dacl)


@pytest.mark.parametrize("sieve", SIEVES)
@given(
    entries=st.lists(ENTRIES, min_size=1, max_size=6),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3),
    cut=st.integers(0, 60),
)
def test_so_does_every_damaged_one(sieve: Sieve, entries: list[str], changes: list[tuple[int, int]], cut: int) -> None:
    damaged = bytearray(acl([ace(each) for each in entries]))
    for at, value in changes:
        damaged[at % len(damaged)] = value
    dacl = bytes(damaged[: max(8, len(damaged) - cut)])

    assert in_bulk(sieve, dacl) == one_by_one(sieve, dacl)


def test_ordinary_entries_are_taken_in_bulk() -> None:
    dacl = acl([ace(f"(OA;;CR;{OTHER};;{CONNECTOR})"), ace(f"(OA;;CR;{RESET};;{CONNECTOR})"), ace("(A;;GA;;;BA)")])

    selected, strangers = SIEVES[0]._select_ordinary(dacl) or ([], [])

    assert ([index for index, _ in selected], [index for index, _ in strangers]) == ([1], [2])
