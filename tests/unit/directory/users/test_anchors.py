"""Source anchors: which one counts, how it is shown, and which stand more than once."""

from __future__ import annotations

import base64
from collections import Counter
from uuid import UUID

import pytest
from crowds import user
from hypothesis import given
from hypothesis import strategies as st

from preflight.directory.users.anchors import Anchors, anchor_key, anchor_text, effective_anchor, repeated
from preflight.directory.users.scope import Standing

OWN = UUID(int=7).bytes_le
OTHER = UUID(int=9).bytes_le
GUID = "mS-DS-ConsistencyGuid"


@pytest.mark.parametrize(
    ("attributes", "configured", "anchor"),
    [
        ({"objectGUID": OWN}, None, OWN),
        ({"objectGUID": OWN, GUID: OTHER}, None, OTHER),
        ({"objectGUID": OWN, GUID: OTHER}, "ms-ds-consistencyguid", OTHER),
        ({"objectGUID": OWN, GUID: OTHER}, "objectGUID", OWN),
        ({"objectGUID": OWN, "employeeID": "E7"}, "employeeID", b"E7"),
        ({"objectGUID": OWN}, "employeeID", b""),
        ({"objectGUID": None}, None, b""),
    ],
)
def test_the_effective_anchor(attributes, configured, anchor):
    assert effective_anchor(user(1, **attributes), configured) == anchor


def test_an_anchor_is_shown_as_the_cloud_shows_it():
    assert anchor_text(user(1, objectGUID=OWN)) == base64.b64encode(OWN).decode()
    assert anchor_text(user(1, employeeID="Ä7"), "employeeID") == "Ä7"
    assert anchor_text(user(1, objectGUID=None)) == ""


def counted(*users, attribute=None, across=False, standing=Standing.IN_SCOPE):
    fold = Anchors(attribute, across_forests=across)
    for each in users:
        fold.add(each, standing)
    return fold


def test_what_the_fold_counts():
    fold = counted(
        user(1, objectGUID=OWN, **{GUID: OWN}),
        user(2, objectGUID=OWN, **{GUID: OTHER}),
        user(3, objectGUID=None),
        user(4, msExchRecipientTypeDetails=2),
    )
    assert (fold.seen, fold.without, fold.written_by_connect, fold.foreign) == (2, 1, 1, 1)
    assert len(fold.keys()) == 32


@pytest.mark.parametrize("standing", [Standing.OUT_OF_SCOPE, Standing.EXCLUDED])
def test_who_is_left_out_has_no_anchor(standing):
    assert counted(user(1), standing=standing).seen == 0


def test_who_could_not_be_read_may_hide_another_anchor():
    fold = counted(user(1), standing=Standing.UNKNOWN)
    assert (fold.unreadable, fold.seen) == (1, 1)


def test_names_are_compared_across_forests_only_and_without_case():
    one, other = user(1, mail="Ann@x.test"), user(2, mail="ann@X.test")
    assert counted(one, other).hint_keys("mail") == b""
    keys = counted(one, other, across=True).hint_keys("mail")
    assert keys[:16] == keys[16:]
    assert counted(one, across=True, standing=Standing.DISABLED).hint_keys("mail") == b""


@given(st.lists(st.lists(st.binary(min_size=1, max_size=20), max_size=30), max_size=4))
def test_repeated_finds_exactly_what_stands_more_than_once(domains):
    keys = [b"".join(map(anchor_key, anchors)) for anchors in domains]
    counts = Counter(anchor_key(anchor) for anchors in domains for anchor in anchors)
    assert repeated(keys) == {key for key, count in counts.items() if count > 1}


@given(st.text(min_size=1, max_size=15))
def test_text_anchors_equal_but_for_case_meet(text):
    ascii_only = text.encode("ascii", "ignore")
    assert anchor_key(ascii_only.upper()) == anchor_key(ascii_only.lower()) or len(ascii_only) == 16


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_guids_are_compared_byte_by_byte(one, other):
    assert (anchor_key(one) == anchor_key(other)) == (one == other)
