import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.utils.dn import parse_dn

from preflight.directory import distinguished_name as dn
from preflight.directory.distinguished_name import MalformedName

FUNCTIONS = (dn.split, dn.parent, dn.normalise, dn.rdn_value, dn.dn_to_domain)

values = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12) | st.text(
    ' #"+,;<>=\\\n\x00aA', min_size=1, max_size=8
)
types = st.sampled_from(["CN", "OU", "DC", "cn", "2.5.4.3", "serial-Number1"])
assertions = st.lists(st.tuples(types, values), min_size=1, max_size=5)


def written(parts: list[tuple[str, str]], separator: str = ",", equals: str = "=") -> str:
    return separator.join(f"{name}{equals}{dn.escape_value(value)}" for name, value in parts)


def in_hex(value: str) -> str:
    return "".join(f"\\{byte:02X}" for byte in value.encode())


@pytest.mark.parametrize(
    ("name", "rdns", "value"),
    [
        ("CN=Ann,OU=People,DC=corp,DC=test", ("CN=Ann", "OU=People", "DC=corp", "DC=test"), "Ann"),
        (r"CN=Smith\, John,DC=test", (r"CN=Smith\, John", "DC=test"), "Smith, John"),
        (r"CN=Smith\2C John,DC=test", (r"CN=Smith\2C John", "DC=test"), "Smith, John"),
        ('CN="Smith, John",DC=test', ('CN="Smith, John"', "DC=test"), "Smith, John"),
        (r"CN=Jos\C3\A9 \22x\22,DC=test", (r"CN=Jos\C3\A9 \22x\22", "DC=test"), 'José "x"'),
        ("CN = Ann , DC = test", ("CN = Ann", "DC = test"), "Ann"),
        (r"CN=Ann\ ,DC=test", (r"CN=Ann\ ", "DC=test"), "Ann "),
        (r"CN=Ann\\,DC=test", (r"CN=Ann\\", "DC=test"), "Ann\\"),
        ("CN=a=b,DC=test", ("CN=a=b", "DC=test"), "a=b"),
        ("CN=Ann;DC=test", ("CN=Ann", "DC=test"), "Ann"),
        ("CN=Ann+SN=Lee,DC=test", ("CN=Ann+SN=Lee", "DC=test"), "Ann"),
        (r"\ CN=x".lstrip("\\ "), ("CN=x",), "x"),
        ("", (), ""),
    ],
)
def test_a_name_is_taken_apart(name: str, rdns: tuple[str, ...], value: str) -> None:
    assert dn.split(name) == rdns
    assert dn.rdn_value(name) == value


@pytest.mark.parametrize(
    "name",
    [
        "Ann",
        "CN=Ann,",
        ",DC=test",
        "CN=Ann,,DC=test",
        '"',
        'CN="Ann',
        "CN=Ann\\",
        r"CN=\zz,DC=x",
        "=Ann",
        r"CN=\C3,DC=x",
        'CN=a"b"c,DC=x',
        "CN=Ann, ",
        "CN=a+b,DC=x",
        "Ann,DC=test",
        "C_N=x",
    ],
)
def test_what_is_no_name_is_one_error_that_shows_it(name: str) -> None:
    for function in (dn.split, dn.normalise):
        with pytest.raises(MalformedName, match="is not a distinguished name"):
            function(name)


def test_an_error_about_a_huge_text_stays_short() -> None:
    with pytest.raises(MalformedName) as caught:
        dn.split("x" * 1_000_000)
    assert len(str(caught.value)) < 400


def test_a_parent_is_the_rest_after_the_first_unescaped_separator() -> None:
    assert dn.parent(r"CN=Smith\, J,OU=A\\,DC=x") == r"OU=A\\,DC=x"
    assert dn.parent("CN=Ann, DC=x") == "DC=x"
    assert dn.parent('CN="a,b" , DC=x') == "DC=x"
    assert dn.parent("DC=x") == ""
    assert dn.parent("") == ""
    assert list(dn.ancestors(r"CN=a,OU=b\,c,DC=x")) == [r"OU=b\,c,DC=x", "DC=x"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=Ann,DC=Test", "cn=ANN,dc=test"),
        ("CN=Ann , DC=Test", "CN=Ann,DC=test"),
        (r"CN=Smith\, J,DC=x", r"cn=smith\2C j,dc=x"),
        (r"CN=Smith\, J,DC=x", '  CN = "Smith, J" ; DC=x'),
        (r"CN=a\=b,DC=x", "CN=a=b,DC=x"),
        (r"CN=\C3\A9,DC=x", "CN=É,DC=x"),
        ("CN=a+SN=b,DC=x", "sn=B + cn=A,DC=x"),
        (r"CN=Ann\0ACNF:7d1e,DC=x", r"cn=ann\0acnf:7D1E,dc=x"),
    ],
)
def test_spellings_of_one_name_have_one_normal_form(one: str, other: str) -> None:
    assert dn.normalise(one) == dn.normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(r"CN=a\,DC=x", "CN=a,DC=x"), (r"CN=a\ ,DC=x", "CN=a,DC=x"), (r"CN=a\+SN=b,DC=x", "CN=a+SN=b,DC=x")],
)
def test_different_names_differ(one: str, other: str) -> None:
    assert dn.normalise(one) != dn.normalise(other)


def test_under_means_the_base_itself_or_below_it_and_never_a_look_alike() -> None:
    base = "OU=People,DC=corp,DC=test"
    assert dn.is_under(base, base)
    assert dn.is_under(r"CN=Smith\, J,ou=people, dc=corp,dc=TEST", base)
    assert not dn.is_under("DC=corp,DC=test", base)
    assert not dn.is_under("CN=x,OU=NotPeople,DC=corp,DC=test", base)
    assert not dn.is_under(r"CN=x\,OU=People,DC=corp,DC=test", base)
    assert not dn.is_under("CN=x,OU=XOU=People,DC=corp,DC=test", base)
    assert dn.is_under("CN=x", "")
    assert not dn.is_under("", base)


def test_domains_become_names_and_names_domains() -> None:
    assert dn.domain_to_dn("corp.contoso.com") == "DC=corp,DC=contoso,DC=com"
    assert dn.domain_to_dn("corp.contoso.com.") == "DC=corp,DC=contoso,DC=com"
    assert dn.dn_to_domain(r"CN=Smith\, J,OU=DC,DC=Corp, DC=Contoso,DC=com") == "corp.contoso.com"
    assert dn.dn_to_domain("CN=Configuration,DC=contoso,DC=com") == "contoso.com"
    for text in ("", "corp..com", ".", ".com"):
        with pytest.raises(MalformedName, match="no DNS name"):
            dn.domain_to_dn(text)
    for text in ("", "CN=x", "DC=x,CN=y"):
        with pytest.raises(MalformedName, match="DC components"):
            dn.dn_to_domain(text)


@given(assertions)
def test_what_is_written_is_read_back(parts: list[tuple[str, str]]) -> None:
    name = written(parts)
    rdns = dn.split(name)
    assert ",".join(rdns) == name
    assert [dn.rdn_value(rdn) for rdn in rdns] == [value for _, value in parts]
    assert [name, *dn.ancestors(name)] == [",".join(rdns[at:]) for at in range(len(rdns))]


@given(assertions, st.sampled_from([",", ", ", " ,", ";"]), st.sampled_from(["=", " = "]))
def test_the_normal_form_knows_no_spelling(parts: list[tuple[str, str]], separator: str, equals: str) -> None:
    normal = dn.normalise(written(parts))
    assert dn.normalise(written(parts, separator, equals)) == normal
    assert dn.normalise(",".join(f"{name}={in_hex(value)}" for name, value in parts)) == normal
    assert dn.normalise(normal) == normal
    assert len(normal.split(",")) == len(parts)


@given(assertions, assertions)
def test_a_name_is_under_exactly_its_own_ancestors(parts: list[tuple[str, str]], others: list[tuple[str, str]]) -> None:
    name, base = written(parts), written(others)
    folded, above = ([(t.casefold(), v.casefold()) for t, v in side] for side in (parts, others))
    assert dn.is_under(name, base) == (folded[-len(above) :] == above)
    assert all(dn.is_under(name, ancestor) for ancestor in dn.ancestors(name))


SANE = st.lists(
    st.tuples(
        st.sampled_from(["CN", "OU", "DC"]),
        st.text("abcXYZ019 -_.'éß\\,+\"", min_size=1).map(str.strip).filter(bool),
    ),
    min_size=1,
    max_size=5,
)


@given(SANE)
def test_ldap3_takes_the_same_name_apart_the_same_way(parts: list[tuple[str, str]]) -> None:
    name = written(parts)
    theirs = parse_dn(name, escape=False)
    assert [f"{attribute}={value}" for attribute, value, _ in theirs] == list(dn.split(name))


@given(st.text(' ,;="\\+#<>CN0aA\n', max_size=20) | st.text(max_size=20))
def test_any_text_is_a_name_or_the_one_error(text: str) -> None:
    for function in FUNCTIONS:
        with contextlib.suppress(MalformedName):
            function(text)
    try:
        rdns = dn.split(text)
    except MalformedName:
        return
    assert dn.split(",".join(rdns)) == rdns
    assert len(dn.normalise(text).split(",")) == max(len(rdns), 1)


def test_long_hostile_names_are_read_in_linear_time() -> None:
    for text in (
        'CN="' + "a\\" * 100_000,
        "CN=" + "\\," * 100_000 + "x",
        "CN=a" + "+CN=a" * 20_000,
        " " * 200_000 + "x",
        "CN=\\2Ca" + ",CN=a" * 50_000,
        ", " * 100_000,
    ):
        with contextlib.suppress(MalformedName):
            dn.normalise(text)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("CN=a,DC=x", "cn=A, dc=X", True),
        ("CN=a\\,b,DC=x", "CN=a\\2Cb,DC=x", True),
        ("CN=a,DC=x", "CN=b,DC=x", False),
        ("no name", "no name", True),
        ("no name", "NO NAME", False),
        ("CN=a,DC=x", "no name", False),
    ],
)
def test_two_names_of_one_object(one, other, equal):
    assert dn.same(one, other) is equal


@given(
    st.lists(
        st.sampled_from(["CN=Ann,DC=x", "cn = b, DC=x", r"CN=\2C", "none", "", "CN=a\nCN=b", "CN=Gro\u00df"])
        | st.text()
    )
)
def test_many_names_at_once_have_the_forms_that_each_has(names: list[str]) -> None:
    lines = "\n".join(names)
    assert list(dn.normal_lines(lines)) == [dn.normal_form(name) for name in lines.split("\n")]


def test_what_is_no_name_stays_as_it_is() -> None:
    assert [dn.normal_form(name) for name in ("CN = A", "No Name", "")] == ["cn=a", "No Name", ""]
