import base64
import codecs
import gzip
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from preflight.directory.export import reader as ldif_reader
from preflight.directory.export.reader import LdifError, read_entries

Written = list[tuple[str, list[tuple[str, bytes]]]]


def read(path: Path, content: bytes | str, attributes: Sequence[str] | None = None) -> Written:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [
        (entry.distinguished_name, [(name, value) for name, values in entry.raw.items() for value in values])
        for entry in read_entries(path, attributes)
    ]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return tmp_path / "export.ldf"


PLAIN = "version: 1\n\ndn: CN=Ann,DC=x\ncn: Ann\nobjectClass: top\nobjectClass: user\n\ndn: DC=x\ndc: x\n"
ENTRIES: Written = [
    ("CN=Ann,DC=x", [("cn", b"Ann"), ("objectClass", b"top"), ("objectClass", b"user")]),
    ("DC=x", [("dc", b"x")]),
]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        codecs.BOM_UTF8 + PLAIN.encode(),
        codecs.BOM_UTF16_LE + PLAIN.encode("utf-16-le"),
        codecs.BOM_UTF16_LE + PLAIN.replace("\n", "\r\n").encode("utf-16-le"),
        codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-16-le"),
        gzip.compress(PLAIN.encode(), mtime=0),
        PLAIN.rstrip("\n").encode(),
        PLAIN.replace("version: 1\n\n", "").encode(),
        PLAIN.replace("version: 1\n\n", "version: 1\n").encode(),
        PLAIN.replace("\n\n", "\n\n\n\n").encode() + b"\n\n",
        PLAIN.replace("cn: Ann", "c\n n: A\n nn").replace("dn: DC", "d\n n: D\n C").encode(),
        PLAIN.replace("cn: Ann", "cn:\n : QW5u").encode(),
        PLAIN.replace("cn: Ann", "cn::\n   QW\n 5u ").encode(),
        PLAIN.replace("cn: Ann", "cn:    Ann").encode(),
        PLAIN.replace("cn: Ann", "# a comment\n  that goes on: x\ncn: Ann").encode(),
        PLAIN.replace("dn: CN", "# Ann, x\n# folded: \n  more\ndn: CN").encode(),
        PLAIN.replace("cn: Ann", "changetype: add\ncn: Ann").encode(),
        PLAIN.replace("dn: ", "DN: ").encode(),
        PLAIN.replace("dn: DC=x", "dn:: " + base64.b64encode(b"DC=x").decode()).encode(),
        b"# extended LDIF\n#\n# LDAPv3\n#\n\n" + PLAIN.encode() + b"\n# search reference\nref: ldap://a/\n"
        b"\n# search result\nsearch: 2\nresult: 0 Success\ncontrol: 1.2.840.113556.1.4.319 false MAUCAQAEAA==\n"
        b"pagedresults: cookie=\n\n# refldap://corp.test/CN=Configuration\n\n# numResponses: 4\n# numEntries: 2\n",
    ],
)
def test_one_export_in_many_dresses(export: Path, content: bytes) -> None:
    assert read(export, content) == ENTRIES


def test_only_the_attributes_asked_for_are_decoded(export: Path) -> None:
    content = "dn: CN=Ann\nsamaccountname: ann\nother:: ????\nSN;lang-de: Lee\nuserCertificate;binary:: AAE=\nsn: L\n"
    assert read(export, content, ["sAMAccountName", "sn", "usercertificate"]) == [
        ("CN=Ann", [("sAMAccountName", b"ann"), ("sn", b"Lee"), ("sn", b"L"), ("usercertificate", b"\0\1")])
    ]


def test_a_part_of_a_ranged_attribute_stays_visible_and_a_whole_range_is_the_attribute(export: Path) -> None:
    content = "dn: CN=g\nmember;range=0-1499: CN=a\n\ndn: CN=h\nmember;Range=0-*: CN=b\n"
    assert read(export, content, ["member"]) == [
        ("CN=g", [("member;range=0-1499", b"CN=a")]),
        ("CN=h", [("member", b"CN=b")]),
    ]


def test_the_entry_without_a_name_is_the_root_dse(export: Path) -> None:
    assert read(export, "dn:\nsupportedControl: 1.2\n") == [("", [("supportedControl", b"1.2")])]


def test_values_are_kept_to_the_byte(export: Path) -> None:
    content = "dn: CN=a\na: x \nb:\nc:: \nd: : y\ne: Ünï\nf: CN=x,DC=y:z\n"
    values = [b"x ", b"", b"", b": y", "Ünï".encode(), b"CN=x,DC=y:z"]
    assert read(export, content) == [("CN=a", list(zip("abcdef", values, strict=True)))]


GOOD = "dn: CN=a\ncn: a\n\n"


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (GOOD + "dn: CN=b\nchangetype: modify\nreplace: cn\ncn: x\n-\n", 5, "change record .changetype modify"),
        (GOOD + "dn: CN=b\nchangetype: delete\n", 5, "change record"),
        (GOOD + "dn: CN=b\ncontrol: 1.2 true\nchangetype: add\ncn: x\n", 5, "control"),
        (GOOD + "dn: CN=b\nreplace: cn\ncn: x\n-\n", 7, "change record"),
        (GOOD + "dn: CN=b\njpeg:< file:///etc/passwd\n", 5, "never opened"),
        (GOOD + "dn: CN=b\ncn: b\ncn:: QUJ\n", 6, "base64"),
        (GOOD + "dn: CN=b\ncn:: QU?JD\n", 5, "base64"),
        (GOOD + "dn: CN=b\ncn:: " + "QUJD" * 100 + "QU\n", 5, "base64"),
        (GOOD + "dn: CN=b\ncn:: " + "QUJD" * 100 + "*QUJD\n", 5, "base64"),
        (GOOD + "dn: CN=b\ncn:: " + "QUJD" * 100 + "QQ==QUJD\n", 5, "base64"),
        (GOOD + "dn: CN=b\nnonsense\ncn: b\n", 5, "no 'attribute: value' but 'nonsense'"),
        (GOOD + "dn: CN=b\n: b\n", 5, "no 'attribute: value'"),
        (GOOD + "dn: CN=b\ncn: b\ndn: CN=c\ncn: c\n", 6, "blank line before it is missing"),
        (GOOD + "\n cn: b\n", 5, "without its beginning"),
        (GOOD + "# hello\n\n# so\ncn: b\n", 7, "should begin here with 'dn:'"),
        (GOOD + "dn:: /w==\ncn: b\n", 4, "isn't UTF-8"),
        (GOOD + "dn: CN=b\ncn: \0\n", 5, "NUL byte"),
        (GOOD + "# search result\nsearch: 2\nresult: 4 Size limit exceeded\n", 5, "Size limit exceeded .4.; entries"),
        ("hello\n", 1, "'hello'"),
        ("version: 2\n\ndn: CN=a\n", 1, "version: 2"),
        ("", None, "no entry"),
        ("\n\n# nothing\n\n", None, "no entry"),
    ],
)
def test_what_is_no_content_record_is_refused_with_file_and_line(
    export: Path, content: str, line: int | None, what: str
) -> None:
    for ending in ("\n", "\r\n"):
        with pytest.raises(LdifError, match=what) as caught:
            read(export, content.replace("\n", ending))
        assert caught.value.line == line
        assert str(caught.value).startswith(f"{export}" + (f", line {line}: " if line else ": "))
        assert caught.value.remedy and "\n" not in str(caught.value)


def test_a_line_number_is_right_far_into_a_file(export: Path) -> None:
    content = b"# a comment\n" + b"dn: CN=a\ncn: a\n\n\n" * 100_000 + b"dn: CN=b\n# x\nnonsense\n"
    with pytest.raises(LdifError) as caught:
        read(export, content)
    assert caught.value.line == 400_004


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (gzip.compress(PLAIN.encode(), mtime=0)[:-12], "uncompressed|can't be read"),
        (gzip.compress(PLAIN.encode() * 9, mtime=0)[:40] + b"x" * 40, "uncompressed|can't be read"),
        (codecs.BOM_UTF16_LE + PLAIN.encode("utf-16-le") + b"\0", "UTF-16"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8\x00\x00", "UTF-16"),
        (bytes(range(256)) * 100, "UTF-16"),
        (b"PK\x03\x04" + os.urandom(5000), "NUL|begin"),
    ],
)
def test_a_damaged_or_binary_file_is_one_error(export: Path, content: bytes, what: str) -> None:
    with pytest.raises(LdifError, match=what):
        read(export, content)


def test_what_is_no_readable_file_is_one_error(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "pipe")
    for path, what in (
        (tmp_path, "not a file"),
        (tmp_path / "pipe", "not a file"),
        (Path("/dev/zero"), "not a file"),
        (tmp_path / "missing.ldf", "No such file"),
    ):
        with pytest.raises(LdifError, match=what):
            list(read_entries(path))


def test_a_line_of_a_megabyte_is_a_line(export: Path) -> None:
    long = b"x" * (1 << 20)
    folded = b"\n ".join(long[at : at + 75] for at in range(0, len(long), 75))
    encoded = base64.b64encode(long)
    content = b"dn: CN=a\na: " + folded + b"\nb:: " + encoded + b"\nc: " + long + b"\n\ndn: CN=b\na: b\n"
    assert read(export, content) == [("CN=a", [("a", long), ("b", long), ("c", long)]), ("CN=b", [("a", b"b")])]


def test_an_endless_entry_is_refused_within_bounds(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ldif_reader, "LARGEST_RECORD", 3 << 20)
    with pytest.raises(LdifError, match="no blank line within 3 MB") as caught:
        read(export, GOOD.encode() + b"dn: CN=b\n" + b"cn: something\n" * 400_000)
    assert caught.value.line == 4


def test_a_file_that_ends_inside_a_line_says_so(export: Path) -> None:
    for content, cut_off in (
        (PLAIN, False),
        (PLAIN + "\n", False),
        (PLAIN[:-1], True),
        (PLAIN.rstrip() + "\r\n", False),
    ):
        export.write_bytes(content.encode())
        file = ldif_reader.LdifFile(export)
        assert len(list(file.map(lambda record, _: len(record)))) == 2
        assert file.cut_off is cut_off


def test_marked_records_are_found_again_without_looking_at_the_others(export: Path) -> None:
    content = b"version: 1\n\n# first\ndn: CN=a\ncn: a\n\n\n\n# x\nDN: CN=b\ncn: b\n\ndn: CN=c\ncn: c\n\n# end\n"
    dresses = [content, content.replace(b"\n", b"\r\n"), gzip.compress(content, mtime=0), codecs.BOM_UTF8 + content]
    for dressed in [*dresses, codecs.BOM_UTF16_LE + content.decode().encode("utf-16-le"), content.rstrip()]:
        export.write_bytes(dressed)
        file = ldif_reader.LdifFile(export)
        for block in (1 << 18, 7):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(ldif_reader, "_BLOCK", block)
                marks = ldif_reader.Marks()
                assert list(file.map(lambda record, _: record[4:8] != b"CN=b", marks)) == [True, False, True]
                assert list(file.map_marked(lambda record, *_: record, marks)) == [
                    b"dn: CN=a\ncn: a",
                    b"dn: CN=c\ncn: c",
                ]


def test_an_error_in_a_marked_record_has_its_line_and_a_shorter_file_is_one_error(export: Path) -> None:
    export.write_bytes(b"# x\ndn: CN=a\ncn: a\n\n\n# y\ndn: CN=b\ncn: b\n")
    file, marks = ldif_reader.LdifFile(export), ldif_reader.Marks()
    assert list(file.map(lambda record, _: b"CN=b" in record, marks)) == [False, True]

    def refuse(*_: object) -> None:
        raise ldif_reader.MalformedRecord("odd", lines_before=1)

    with pytest.raises(LdifError, match="odd") as caught:
        list(file.map_marked(refuse, marks))
    assert caught.value.line == 8
    export.write_bytes(b"dn: CN=a\n")
    with pytest.raises(LdifError, match="shorter"):
        list(file.map_marked(lambda record, *_: record, marks))


names = st.sampled_from(["cn", "member", "objectClass", "nTSecurityDescriptor", "description", "x-y.z", "2.5.4.3"])
values = st.binary(max_size=40) | st.text(max_size=30).map(str.encode) | st.binary(min_size=200, max_size=600)
distinguished_names = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
entries = st.lists(
    st.tuples(distinguished_names, st.lists(st.tuples(names, values), max_size=8)), min_size=1, max_size=5
)


def line(draw: st.DrawFn, name: str, value: bytes) -> str:
    plain = value.isascii() and not any(byte in b"\0\r\n" for byte in value) and value[:1] not in (b" ", b":", b"<")
    if plain and draw(st.booleans()):
        text = f"{name}:{draw(st.sampled_from(['', ' ', '  ']))}{value.decode()}"
    else:
        text = f"{name}::{draw(st.sampled_from(['', ' ']))}{base64.b64encode(value).decode()}"
    folded = text[0]
    rest = text[1:]
    while rest:
        width = draw(st.sampled_from([1, 2, 5, 30, 76, 10_000]))
        folded, rest = folded + rest[:width] + ("\n " if rest[width:] else ""), rest[width:]
    return folded + "\n"


@st.composite
def written(draw: st.DrawFn) -> tuple[bytes, Written]:
    content = draw(st.sampled_from(["", "version: 1\n", "version: 1\n\n", "# hello\n  and: so on\n\n", "\n"]))
    expected = draw(entries)
    for distinguished_name, attributes in expected:
        content += draw(st.sampled_from(["", "# x\n"])) + line(draw, "dn", distinguished_name.encode())
        for name, value in attributes:
            content += draw(st.sampled_from(["", "", "", "# dn: y\n z\n"])) + line(draw, name, value)
        content += draw(st.sampled_from(["\n", "\n\n"]))
    return content.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))).encode(), expected


@settings(max_examples=150)
@given(written())
@example(
    (b"dn:\n :\n\ndn::woA=\nnTSecurityDescriptor:: AA==\n", [("", []), ("\x80", [("nTSecurityDescriptor", b"\0")])])
)
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, file: tuple[bytes, Written]) -> None:
    content, expected = file
    path = tmp_path_factory.getbasetemp() / "written.ldf"
    for block in (1 << 18, 7):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ldif_reader, "_BLOCK", block)
            found = read(path, content)
        assert [name for name, _ in found] == [name for name, _ in expected]
        for (_, got), (_, wanted) in zip(found, expected, strict=True):
            assert sorted(got) == sorted(wanted)


def folded(name: str, value: bytes, width: int) -> str:
    text = f"{name}:: {base64.b64encode(value).decode()}"
    lines = [text[:width], *(text[at : at + width - 1] for at in range(width, len(text), width - 1))]
    return "\n ".join(line for line in lines if line)


@st.composite
def alike(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Records as a large export has them, with their like without the descriptor's value."""
    beginning = bytes(range(40))
    found = []
    for number in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from([f"dn: CN={number}", "dn:: Q04944==", f"# {number}\ndn: CN={number}"]))
        head = draw(st.sampled_from([name, f"{name}\ncn: x", f"{name}\nmember: CN=a,\n  DC=b"]))
        tail = draw(st.sampled_from(["", "\nobjectSid:: AQU=", "\nnTSecurityDescriptor:: AA=="]))
        value = beginning + draw(st.binary(min_size=1, max_size=1)) * draw(st.sampled_from([0, 1, 200, 201, 400, 3000]))
        width = draw(st.sampled_from([30, 76, 78, 78, 78, 100_000]))
        written = folded("nTSecurityDescriptor", value, width)
        if draw(st.sampled_from([True, True, True, False])):
            found.append((f"{head}\n{written}{tail}", f"{head}\nnTSecurityDescriptor:: {tail}"))
        else:
            found.append((head, head))
    return found


@settings(max_examples=150)
@given(alike(), st.data())
def test_a_record_comes_with_its_like_without_the_descriptor(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[str, str]], data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "alike.ldf"
    path.write_text("".join(record + data.draw(st.sampled_from(["\n\n", "\n\n", "\n\n\n"])) for record, _ in records))
    for block in (1 << 18, 500):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ldif_reader, "_BLOCK", block)
            found = list(ldif_reader.LdifFile(path).map(lambda record, bare: (record.decode(), bare.decode())))
        assert found == [(_uncommented(record), _uncommented(bare)) for record, bare in records]


def _uncommented(text: str) -> str:
    return text[text.index("dn:") :]


PIECES = [
    b"dn:",
    b"dn: CN=a",
    b"\n",
    b"\n\n",
    b"\r\n",
    b" ",
    b":",
    b"::",
    b":< file:///etc/passwd",
    b"QUJD",
    b"=",
    b"#",
    b"-",
]
PIECES += [
    b"cn: x\n",
    b"changetype: modify\n",
    b"result: 1 x\n",
    b"version: 1\n",
    b"\xff",
    b"\xff\xfe",
    b"\0",
    b"\x1f\x8b",
]


@settings(max_examples=400)
@given(st.binary(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))
def test_any_bytes_are_entries_or_the_one_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.ldf"
    for attributes in (None, ["cn"]):
        try:
            read(path, content, attributes)
        except LdifError as error:
            assert error.what and error.remedy
            assert error.line is None or 1 <= error.line <= content.count(b"\n") + 1


DESCRIPTOR = base64.b64encode(bytes(range(256)) * 3).decode()
SHORT_OF_WHOLE = "nTSecurityDescriptor:: " + DESCRIPTOR[:-4]
LINES = ["cn: a", "CN;x: b", "sAMAccountName: ann", "samaccountname:: YW5u", "other: x", "changetype: add", "# comment"]
LINES += [
    "nonsense",
    "-",
    "dn: CN=b",
    "changetype: modify",
    "cn:< file:///x",
    "cn:: ?",
    "s\n Amaccountname: c",
    "cn:   d",
]
LINES += [
    SHORT_OF_WHOLE,
    f"nTSecurityDescriptor: {DESCRIPTOR}",
    f"NTSecurityDescriptor:: {DESCRIPTOR}",
    "cn:",
    "cn: e\n f",
]


def outcome(path: Path, content: str, attributes: Sequence[str]) -> object:
    try:
        return read(path, content, attributes)
    except LdifError as error:
        return error.line, error.what


@settings(max_examples=200)
@given(st.lists(st.lists(st.sampled_from(LINES), max_size=4), min_size=1, max_size=3), st.sampled_from([76, 500, 5000]))
def test_a_known_descriptor_changes_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, records: list[list[str]], width: int
) -> None:
    folded = f"nTSecurityDescriptor:: {DESCRIPTOR}"
    folded = "\n ".join(folded[at : at + width] for at in range(0, len(folded), width))
    path = tmp_path_factory.getbasetemp() / "known.ldf"
    # The first record makes the descriptor known; with another spelling of the question it never is.
    content = f"dn: CN=first\n{folded}\n\n"
    for lines in records:
        content += "\n".join(["dn: CN=a", *lines[:2], folded, *lines[2:]]) + "\n\n"
    quick = outcome(path, content, ["cn", "sAMAccountName", "nTSecurityDescriptor"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ldif_reader, "_DESCRIPTOR", b"\n never there:: ")
        plain = outcome(path, content, ["cn", "sAMAccountName", "nTSecurityDescriptor"])
    if isinstance(quick, list) and isinstance(plain, list):
        quick, plain = ([(name, sorted(values)) for name, values in each] for each in (quick, plain))
    assert quick == plain


def _descriptor_of(text: str) -> str:
    """A computer with this descriptor, then a user with the same; the text stands as it would in the file."""
    return (
        f"dn: CN=PC,DC=x\nobjectClass: computer\n{text}\nsAMAccountType: 805306369\n\n"
        f"dn: CN=Ann,DC=x\nobjectClass: user\n{text}\nsAMAccountType: 805306368\nsAMAccountName: ann\n\n"
    )


def test_a_descriptor_that_ends_before_one_like_it_hides_no_line(export: Path) -> None:
    known = folded("nTSecurityDescriptor", bytes(range(40)) + bytes(300), 78)
    shorter = folded("nTSecurityDescriptor", bytes(range(40)) + bytes(285), 78)
    for_nothing = len(known) - len(shorter) - len("\ncn: ")
    text = f"{_descriptor_of(known)}{_descriptor_of(shorter + chr(10) + 'cn: ' + 'x' * for_nothing)}"
    export.write_text(text)
    found = read(export, text.encode())
    assert [dict(attributes).get("cn") for _, attributes in found] == [None, None, *[b"x" * for_nothing] * 2]


def test_lines_between_the_folds_of_one_like_it_belong_to_nobody_else(export: Path) -> None:
    """What follows a shorter descriptor is folded where the longer one was, and ends where that did."""
    known = folded("nTSecurityDescriptor", bytes(range(40)) + bytes(300), 78)
    last = known.rindex("\n")
    before = known.rindex("\n", 0, last)
    shorter = f"{known[: before + 21]}\n"
    entry = shorter + "\ndn: CN=Bo"
    entry += "y" * (last - len(entry)) + known[last:].replace("A", "y").replace("=", "y")
    assert len(entry) == len(known)
    member = shorter + "sAMAccountName: b\nsAMAccountType: 805306368\ncn: "
    member = member[:last] + known[last:].replace("A", "y").replace("=", "y")
    file = ldif_reader.LdifFile(export)
    for text in (entry, member):
        export.write_text(2 * _descriptor_of(known) + _descriptor_of(text))
        pieces = list(file.map(lambda record, _: record))
        assert pieces == [piece.encode() for piece in export.read_text().rstrip("\n").split("\n\n")]
        assert all(bare.count(b"y") == record.count(b"y") for record, bare in file.map(lambda *each: each))


def test_what_is_learned_of_folds_is_bounded(export: Path) -> None:
    odd = base64.b64encode(bytes(9000)).decode()
    export.write_text(f"dn: CN=x\nnTSecurityDescriptor:: {chr(10).join([odd[0], *(' ' + each for each in odd[1:])])}\n")
    ends = ldif_reader._Ends()
    content = export.read_bytes()
    assert ends.find(content, content.index(b":: ") + 3) == len(content) - 1
    assert not ends._known
