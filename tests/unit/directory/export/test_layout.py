import base64
import binascii
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.directory.export import reader as ldif_reader
from preflight.directory.export.layout import Layouts
from preflight.directory.export.reader import LdifError, read_entries

ASKED = ("cn", "objectClass", "objectSid", "mail", "member", "nTSecurityDescriptor")


def key_of(name: bytes) -> str | None:
    return "" if name == b"changetype" else name.decode() if name.decode() in ASKED else None


def taken(layouts: Layouts, record: bytes) -> tuple[bytes | None, dict[str, list[bytes]]]:
    raw: dict[str, list[bytes]] = {}
    return layouts.take_apart(record, raw), raw


def test_records_like_the_ones_seen_are_taken_apart() -> None:
    layouts = Layouts(key_of)
    first = b"dn: CN=a\nchangetype: add\nobjectClass: top\nobjectClass: user\nsn: x\nobjectSid:: AAEC\ncn: a"
    assert taken(layouts, first) == (None, {})
    layouts.learn(first)
    whole = {"objectClass": [b"top", b"user"], "objectSid": [b"\0\1\2"], "cn": [b"a"]}
    assert taken(layouts, first) == (b" CN=a", whole)
    assert taken(layouts, b"dn:: QU5O\nsn:: ????\nsn: y\ncn: b") == (b": QU5O", {"cn": [b"b"]})
    assert taken(layouts, b"dn: CN=c\nobjectClass: top\ncn: ") == (b" CN=c", {"objectClass": [b"top"], "cn": [b""]})


def test_several_values_may_be_plain_or_base64() -> None:
    layouts = Layouts(key_of)
    layouts.learn(b"dn: a\nmember: CN=a\nmember:: QU5O\nmember: CN=b\nmail: x")
    layouts.learn(b"dn: a\nmember: CN=a\nmail:: QU5O")
    whole = {"member": [b"ANN", b"CN=a"], "mail": [b"y"]}
    assert taken(layouts, b"dn: b\nmember:: QU5O\nmember: CN=a\nmail: y") == (b" b", whole)
    assert taken(layouts, b"dn: b\nmember: CN=a\nmail:: QU5O") == (b" b", {"member": [b"CN=a"], "mail": [b"ANN"]})


def test_what_is_new_is_put_where_it_stood_and_another_order_is_kept_beside() -> None:
    layouts = Layouts(key_of)
    for record in (b"dn: a\ncn: a\nmail: m", b"dn: a\ncn: a\nsn: x\nmail: m", b"dn: a\nmail: m\ncn: a"):
        layouts.learn(record)
    for record in (b"dn: a\ncn: a\nmail: m", b"dn: a\nsn: x\nmail: m\n", b"dn: a\nmail: m\ncn: a"):
        assert taken(layouts, record.rstrip())[0] == b" a"


@pytest.mark.parametrize(
    "record",
    [
        b"dn: a\ncn: a\ncn: b",
        b"dn: a\ncn:a",
        b"dn: a\ncn:  a",
        b"dn: a\ncn:< file:///etc/passwd",
        b"dn: a\nCN: a",
        b"dn: a\ncn;x: a",
        b"dn: a\nchangetype: modify",
        b"dn: a\nchangetype: add\n-",
        b"dn: a\n# comment",
        b"dn: a\ndn: b",
        b"dn: a\n",
        b"dn: a\ncn: a\nobjectSid:: AAEC\ncn: a",
        b"DN: a\ncn: a",
    ],
)
def test_everything_else_is_left_to_whoever_reads_line_by_line(record: bytes) -> None:
    layouts = Layouts(key_of)
    layouts.learn(b"dn: a\nchangetype: add\ncn: a\nobjectSid:: AAEC")
    assert taken(layouts, record)[0] is None


def test_what_is_no_base64_is_an_error() -> None:
    layouts = Layouts(key_of)
    layouts.learn(b"dn: a\nobjectSid:: AAEC")
    for value in (b"AA", b"A?EC", b"AAEC "):
        with pytest.raises(binascii.Error):
            taken(layouts, b"dn: a\nobjectSid:: " + value)
    assert taken(layouts, b"dn: a\nobjectSid::  AAEC")[0] is None


def test_an_export_without_any_order_costs_some_lessons_only() -> None:
    layouts = Layouts(key_of)
    for number in range(2_000):
        names = [b"x%d" % (number * 7 % 11), b"y%d" % (number * 5 % 13), b"z%d" % (number * 3 % 17)]
        layouts.learn(b"\n".join([b"dn: a", *(name + b": v" for name in sorted(names, key=hash))]))
    assert len(layouts._known) <= 8


def test_thousands_of_attributes_are_not_learned() -> None:
    layouts = Layouts(key_of)
    layouts.learn(b"dn: a" + b"".join(b"\nx%d: v" % number for number in range(5_000)))
    for first in range(0, 5_000, 300):
        layouts.learn(b"dn: a" + b"".join(b"\nx%d: v" % number for number in range(first, first + 300)))
    assert max(len(layout.kinds) for layout in layouts._known) == 300


DESCRIPTOR = base64.b64encode(bytes(range(256)) * 3)
ORDER = ["objectClass", "cn", "sn", "member", "objectSid", "nTSecurityDescriptor", "mail", "description", "x-y"]
VALUES = st.sampled_from([b"a", b"", b"A b:c", b" x", b":", b"<y", b"\xc3\xa9", bytes(range(20)), b"long" * 30])
NOISE = ["# a comment", "CN: other", "cn;lang-de: x", "member;range=0-1: y", "changetype: add", "changetype: modify"]
NOISE += [
    "nonsense",
    "-",
    "dn: CN=b",
    "control: 1.2",
    "cn:< file:///x",
    "objectSid:: ?",
    "mail:x",
    "mail:   x",
    ":x",
    "",
]


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """A few records whose attributes mostly stand in one order, some with a line that is odd."""
    written = []
    for number in range(draw(st.integers(1, 8))):
        lines = [f"dn: CN={number}".encode()]
        attributes = draw(st.lists(st.sampled_from(ORDER), max_size=9, unique=True))
        if draw(st.integers(0, 3)):
            attributes.sort(key=ORDER.index)
        for name in attributes:
            several = 2 if name in ("objectClass", "member") else 1
            for _ in range(draw(st.integers(1, several))):
                value = DESCRIPTOR if name == "nTSecurityDescriptor" else draw(VALUES)
                if name == "nTSecurityDescriptor":
                    lines.append(name.encode() + b":: " + value)
                elif not value.isascii() or b"\0" in value or value[:1] in (b" ", b":", b"<") or draw(st.booleans()):
                    lines.append(name.encode() + b":: " + base64.b64encode(value))
                else:
                    lines.append(name.encode() + b": " + value)
        if draw(st.integers(0, 3)) == 0:
            lines.insert(draw(st.integers(1, len(lines))), draw(st.sampled_from(NOISE)).encode())
        width = draw(st.sampled_from([20, 76, 5_000]))
        folded = [b"\n ".join(line[at : at + width] for at in range(0, len(line), width) or [0]) for line in lines]
        written.append(b"\n".join(folded) + b"\n")
    ending = draw(st.sampled_from([b"\n", b"\r\n"]))
    mark = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    return mark + b"\n".join(written).replace(b"\n", ending)


def outcome(path: Path) -> object:
    try:
        return [(entry.distinguished_name, dict(sorted(entry.raw.items()))) for entry in read_entries(path, ASKED)]
    except LdifError as error:
        return error.line, error.what


@settings(max_examples=400, deadline=None)
@given(records())
def test_whatever_was_learned_a_record_means_the_same(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "layout.ldf"
    path.write_bytes(content)
    quick = outcome(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ldif_reader, "_DESCRIPTOR", b"\n never there:: ")
        assert quick == outcome(path)
