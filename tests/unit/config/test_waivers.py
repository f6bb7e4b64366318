"""`waivers.toml`: what is read, and what is refused with file, line and key."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from readme import REPOSITORY

from preflight.api import Waiver
from preflight.config import ConfigurationError
from preflight.config.waivers import load_waivers
from preflight.registry import Registry
from preflight.waivers import WaiverRule

CHECKS = Registry.installed().checks
GOOD = 'reason = "a lab"\nowner = "anna"\nuntil = 2027-03-31\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "waivers.toml"


def test_every_key_is_read(path: Path) -> None:
    path.write_text(
        "# one\n[[waiver]]\ncheck = 'dc.*'\ncode = 'control-missing'\ntarget = 'dc9.*'\nsubject = 'x'\n" + GOOD, "utf-8"
    )
    accepted = Waiver("a lab", "anna", date(2027, 3, 31))
    assert load_waivers(path, CHECKS) == (
        WaiverRule(accepted, f"{path}, line 2", "dc.*", "control-missing", "dc9.*", "x"),
    )


def test_the_example_is_valid() -> None:
    [rule] = load_waivers(REPOSITORY / "examples" / "waivers.toml", CHECKS)
    assert rule.check == "dc.policy-hints"
    assert rule.code in CHECKS[rule.check].codes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["empty", "[[waiver]]"]),
        ("[waiver]\ncheck = 'dc'\n" + GOOD, ["double brackets"]),
        ("[[waivers]]\ncheck = 'dc'\n" + GOOD, ["unknown table 'waivers'", "Did you mean 'waiver'?"]),
        ("[[waiver]]\n" + GOOD, ["neither check nor code", "line 1"]),
        ("[[waiver]]\ncheck = 'dc.policyhints'\n" + GOOD, ["line 2", "no check matches", "'dc.policy-hints'"]),
        ("[[waiver]]\ncode = 'control-misssing'\n" + GOOD, ["line 2", "no check has the code", "'control-missing'"]),
        ("[[waiver]]\ncheck = 'dc'\nowner = 'a'\nuntil = 2027-03-31\n", ["reason", "Say why"]),
        ("[[waiver]]\ncheck = 'dc'\nreason = 'a'\nuntil = 2027-03-31\n", ["owner", "who answers"]),
        ("[[waiver]]\ncheck = 'dc'\nreason = 'a'\nowner = 'a'\n", ["until", "no end"]),
        ("[[waiver]]\ncheck = 'dc'\nreason = 'a'\nowner = 'a'\nuntil = '2027-03-31'", ["line 5", "without quotes"]),
        ("[[waiver]]\ncheck = 'dc'\nreason = 'a'\nowner = 'a'\nuntil = 2027-03-31T10:00:00Z", ["line 5", "date"]),
        ("[[waiver]]\ncheck = 'dc'\nreason = ''\nowner = 'a'\nuntil = 2027-03-31", ["line 3", "empty"]),
        ("[[waiver]]\ncheck = 'dc'\nexpires = 2027-03-31\n" + GOOD, ["line 3", "unknown key 'expires'"]),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, said: list[str], path: Path) -> None:
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_waivers(path, CHECKS)
    for words in (str(path), *said):
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_names_the_option(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--waivers"):
        load_waivers(path, CHECKS)


VALUES = st.one_of(
    st.sampled_from(["'dc'", "'*'", "2027-01-01", "2027-01-01T00:00:00", "7", "true", "[]", "{}", "''", "nan"]),
    st.text(max_size=8).map(lambda text: f'"{text}"'),
)
KEYS = st.sampled_from(["check", "code", "target", "subject", "reason", "owner", "until", "x"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(KEYS, VALUES))
def test_whatever_stands_there_is_read_or_refused_in_one_paragraph(path: Path, keys: dict[str, str]) -> None:
    text = "[[waiver]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        [rule] = load_waivers(path, CHECKS)
    except ConfigurationError as error:
        assert "\n" not in str(error)
    else:
        assert rule.check or rule.code
        assert rule.waiver.reason and rule.waiver.owner and isinstance(rule.waiver.until, date)
