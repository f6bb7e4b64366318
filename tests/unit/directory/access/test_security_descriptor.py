import random
import struct
import time
from uuid import UUID

import pytest
from descriptors import DOMAIN, FLAGS, RIGHTS, TRUSTEES, TYPES, ace, acl, descriptor, sid
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.directory.access.security_descriptor import Ace, MalformedDescriptor, SecurityDescriptor

RESET = "00299570-246d-11d0-a768-00aa006e0529"
USER = "bf967aba-0de6-11d0-a285-00aa003049e2"
CONNECTOR = f"{DOMAIN}-1105"

TYPICAL = (
    f"O:DAG:DUD:AI(OD;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;PS)(A;;RPLCLORC;;;AU)"
    f"(OA;CIIOID;CR;{RESET};{USER};{CONNECTOR})(OA;CIID;WP;28630ebf-41d5-11d1-a9c1-0000f80367c1;;{CONNECTOR})"
    "(A;CIID;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;EA)(A;ID;RC;;;SY)"
)


def test_a_descriptor_is_read_as_it_was_written():
    parsed = SecurityDescriptor.parse(descriptor(TYPICAL))

    assert (parsed.owner, parsed.group, parsed.protected) == (f"{DOMAIN}-512", f"{DOMAIN}-513", False)
    assert parsed.dacl is not None
    assert parsed.dacl[2] == Ace(0x05, 0x1A, 0x100, CONNECTOR, UUID(RESET), UUID(USER))
    assert [one.sid for one in parsed.dacl][:2] == ["S-1-5-10", "S-1-5-11"]
    assert [one.inherited for one in parsed.dacl] == [False, False, True, True, True, True]
    assert [one.inherit_only for one in parsed.dacl] == [False, False, True, False, False, False]
    assert [one.deny for one in parsed.dacl] == [True, False, False, False, False, False]


def test_a_dacl_that_did_not_come_is_not_an_empty_one():
    assert SecurityDescriptor.parse(descriptor("O:DAG:DU")).dacl is None
    assert SecurityDescriptor.parse(descriptor("O:DAG:DUD:")).dacl == ()


def test_a_dacl_that_the_control_bits_deny_did_not_come():
    assert SecurityDescriptor.parse(descriptor("D:(A;;RC;;;WD)", control=0x8000)).dacl is None


def test_owner_and_group_may_be_missing():
    parsed = SecurityDescriptor.parse(descriptor("D:(A;;RC;;;WD)"))
    assert (parsed.owner, parsed.group) == (None, None)


@pytest.mark.parametrize(("sddl", "protected"), [("D:P(A;;RC;;;WD)", True), ("D:PAI", True), ("D:AI", False)])
def test_inheritance_that_is_switched_off_is_seen(sddl, protected):
    assert SecurityDescriptor.parse(descriptor(sddl)).protected is protected


@pytest.mark.parametrize(
    ("dacl", "canonical"),
    [
        ("(D;;CR;;;WD)(A;;CR;;;WD)(A;ID;CR;;;WD)(D;ID;CR;;;WD)", True),  # two levels of inherited entries may look so
        ("(A;;CR;;;WD)(D;;CR;;;WD)", False),
        ("(A;ID;CR;;;WD)(A;;CR;;;WD)", False),
        ("", True),
    ],
)
def test_explicit_before_inherited_and_deny_before_allow_is_canonical(dacl, canonical):
    assert SecurityDescriptor.parse(descriptor("D:" + dacl)).canonical is canonical


def test_unknown_types_are_stepped_over_by_their_size():
    system_audit = struct.pack("<BBHI", 0x02, 0x40, 8 + len(sid("WD")), 0x20) + sid("WD")
    aces = [struct.pack("<BBH", 0x63, 0x10, 4), system_audit, b"\x04\0\x08\0....", "(A;;CR;;;WD)", b"\xff\0\x07\0???"]
    parsed = SecurityDescriptor.parse(descriptor(aces=aces))

    assert parsed.dacl is not None
    assert [one.known for one in parsed.dacl] == [False, False, False, True, False]
    assert parsed.dacl[3] == Ace(0, 0, 0x100, "S-1-1-0")
    assert parsed.dacl[0] == Ace(0x63, 0x10, 0, "")
    assert not (parsed.dacl[0].allow or parsed.dacl[0].deny)


def test_an_entry_may_be_longer_than_what_it_says():
    padded = [ace("(A;;CR;;;WD)", b"\0" * 8), ace(f"(OA;;CR;{RESET};{USER};WD)", b"\1\5..."), "(A;;WP;;;AU)"]
    parsed = SecurityDescriptor.parse(descriptor(aces=padded))
    assert parsed.dacl == (
        Ace(0, 0, 0x100, "S-1-1-0"),
        Ace(5, 0, 0x100, "S-1-1-0", UUID(RESET), UUID(USER)),
        Ace(0, 0, 0x20, "S-1-5-11"),
    )


def test_what_follows_the_last_entry_within_the_acl_is_ignored():
    data = bytearray(descriptor(owner="DA", aces=[]))
    list_of_one = acl([ace("(A;;CR;;;WD)")], slack=ace("(A;;GA;;;AU)"))
    data[16:20] = struct.pack("<I", len(data))
    parsed = SecurityDescriptor.parse(bytes(data) + list_of_one)
    assert parsed.dacl == (Ace(0, 0, 0x100, "S-1-1-0"),)


@pytest.mark.parametrize("kind", ["XA", "XD", "ZA", "ZD"])
def test_conditional_entries_keep_their_condition(kind):
    guid = RESET if kind[0] == "Z" else ""
    parsed = Ace.parse(ace(f"({kind};;CR;{guid};;WD)", b"artx\0\0\0\0"))
    assert parsed.conditional
    assert parsed.condition == b"artx\0\0\0\0"
    assert (parsed.allow, parsed.deny) == (kind[1] == "A", kind[1] == "D")
    assert parsed.object_type == (UUID(RESET) if guid else None)


@pytest.mark.parametrize(
    "sddl",
    [
        f"(OA;CIIO;CR;{RESET};{USER};{CONNECTOR})",
        "(A;CIID;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;EA)".replace("EA", f"{DOMAIN}-519"),
        "(OD;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;WD)",
        f"(OA;OICINPIOID;RPWP;;{USER};RU)",
        "(A;;GA;;;SY)",
        "(D;;0x200;;;BA)",
    ],
)
def test_an_entry_prints_as_the_sddl_it_came_from(sddl):
    assert Ace.parse(ace(sddl)).sddl == sddl


def test_a_condition_and_an_unknown_type_are_shown_as_such():
    assert Ace.parse(ace("(XA;;CR;;;WD)", b"artx")).sddl == "(XA;;CR;;;WD;(...))"
    assert Ace.parse(b"\x63\x10\x04\x00").sddl == "(0x63;ID;;;;)"


GOOD = descriptor(TYPICAL)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        GOOD[:19],
        b"\2" + GOOD[1:],
        descriptor("D:", control=0x0004),
        GOOD[:16] + b"\3\0\0\0" + GOOD[20:],
        GOOD[:16] + struct.pack("<I", len(GOOD) - 7) + GOOD[20:],
        GOOD[:16] + b"\xff\xff\xff\xff" + GOOD[20:],
        GOOD[:4] + struct.pack("<I", len(GOOD) - 27) + GOOD[8:],
        GOOD[:22] + b"\7\0" + GOOD[24:],
        GOOD[:22] + b"\xff\xff" + GOOD[24:],
        GOOD[:24] + b"\xff\xff" + GOOD[26:],
        GOOD[:30] + b"\3\0" + GOOD[32:],
        GOOD[:30] + b"\xff\xff" + GOOD[32:],
        GOOD[:56] + b"\2" + GOOD[57:],
        descriptor(aces=[b"\0\0\x08\0\0\1\0\0"]),
        descriptor(aces=[b"\0\0\x04\0"]),
        descriptor(aces=[b"\5\0\x10\0\0\1\0\0\1\0\0\0....."[:16]]),
        descriptor(aces=[ace("(A;;CR;;;WD)")[:-4]]),
    ],
)
def test_what_does_not_fit_is_refused(data):
    with pytest.raises(MalformedDescriptor):
        SecurityDescriptor.parse(data)


@given(st.binary(max_size=400) | st.builds(lambda tail: GOOD[:28] + tail, st.binary(max_size=200)))
def test_whatever_the_bytes_there_is_a_descriptor_or_one_error(data):
    try:
        parsed = SecurityDescriptor.parse(data)
    except MalformedDescriptor:
        return
    assert all(one.sddl for one in parsed.dacl or ())


def test_a_hundred_thousand_mutants_raise_nothing_else():
    rng = random.Random(20260930)
    refused = 0
    for _ in range(100_000):
        data = bytearray(GOOD)
        for _ in range(rng.choice((1, 1, 2, 5))):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 4, 255, rng.randrange(256)))
        if rng.random() < 0.2:
            del data[rng.randrange(len(data)) :]
        try:
            SecurityDescriptor.parse(bytes(data))
        except MalformedDescriptor:
            refused += 1
    assert 20_000 < refused < 80_000  # enough of both, or the mutants prove little


@pytest.mark.parametrize("entry", [b"\x63\0\x04\0", ace("(A;;CR;;;WD)"), ace(f"(OA;;CR;{RESET};{USER};{CONNECTOR})")])
def test_the_largest_descriptor_takes_no_longer_per_byte(entry):
    count = (65535 - 8) // len(entry)
    data = descriptor(aces=[entry] * count)
    started = time.process_time()
    parsed = SecurityDescriptor.parse(data)
    assert time.process_time() - started < 2.0
    assert parsed.dacl is not None
    assert len(parsed.dacl) == count


_guid = st.sampled_from(["", RESET, USER])
_entries = st.builds(
    lambda kind, flags, bits, one, two, who: (
        f"({kind};{''.join(sorted(flags))};{''.join(sorted(bits))};{one if 'O' in kind else ''};"
        f"{two if 'O' in kind else ''};{who})"
    ),
    st.sampled_from([kind for kind in TYPES if kind in ("A", "D", "OA", "OD")]),
    st.sets(st.sampled_from(sorted(FLAGS))),
    st.sets(st.sampled_from(sorted(RIGHTS)), min_size=1),
    _guid,
    _guid,
    st.sampled_from([*sorted(TRUSTEES), CONNECTOR]),
)


@settings(max_examples=200)
@given(st.lists(_entries, max_size=8), st.sampled_from(sorted(TRUSTEES)), st.booleans())
def test_winacl_reads_the_same(entries, owner, protected):
    from winacl.dtyp.security_descriptor import SECURITY_DESCRIPTOR

    data = descriptor(aces=entries, owner=owner, group="DU", control=0x9404 if protected else 0x8404)
    ours = SecurityDescriptor.parse(data)
    theirs = SECURITY_DESCRIPTOR.from_bytes(data)

    assert (ours.owner, ours.group) == (str(theirs.Owner), str(theirs.Group))
    assert ours.protected is protected
    assert ours.dacl is not None
    assert [
        (one.type, one.flags, one.mask, one.sid, one.object_type, one.inherited_object_type) for one in ours.dacl
    ] == [
        (
            one.AceType.value,
            int(one.AceFlags),
            int(one.Mask) & 0xFFFFFFFF,
            str(one.Sid),
            _uuid(getattr(one, "ObjectType", None)),
            _uuid(getattr(one, "InheritedObjectType", None)),
        )
        for one in theirs.Dacl.aces
    ]


def _uuid(guid):
    return UUID(str(guid)) if guid else None
