import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.outputs.text import cell_width, printable, wrap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Müller 日本 Ω C:\\temp", "Müller 日本 Ω C:\\temp"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\r\n\tb", "a\\r\\n\\tb"),
        ("\x9b\x7f\x00", "\\x9b\\x7f\\x00"),
        ("a\u202eb\u2066\u200b\ufeff", "a\\u202eb\\u2066\\u200b\\ufeff"),
        ("\u2028\udc80\U000e0001", "\\u2028\\udc80\\U000e0001"),
    ],
)
def test_active_and_invisible_letters_are_shown_as_escapes(text, shown):
    assert printable(text) == shown


@given(st.text())
def test_shown_text_is_always_one_printable_line_and_stays_as_it_is(text):
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)


def test_names_are_parted_behind_commas_only():
    name = "OU=Zürich Bahnhof,OU=A\\, B,OU=People,DC=corp,DC=contoso,DC=com"
    assert wrap(f"inheritance is off at {name} and below", 30) == [
        "inheritance is off at",
        "OU=Zürich Bahnhof,OU=A\\, B,",
        "OU=People,DC=corp,DC=contoso,",
        "DC=com and below",
    ]


def test_long_words_stay_whole():
    assert wrap("see https://example.com/a/very/long/address now", 20) == [
        "see",
        "https://example.com/a/very/long/address",
        "now",
    ]


def test_wide_letters_count_twice():
    assert wrap("日本 日本 日本", 9) == ["日本 日本", "日本"]


@given(st.text("abC N=,\\DU", max_size=80), st.integers(5, 40))
def test_wrapping_loses_nothing_but_spaces(text, width):
    assert "".join(wrap(text, width)).replace(" ", "") == text.replace(" ", "")


@given(st.lists(st.text("abc日", min_size=1, max_size=5), min_size=1), st.integers(10, 40))
def test_wrapped_lines_fit(words, width):
    assert all(cell_width(line) <= width for line in wrap(" ".join(words), width))
