"""[history] and durations."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from preflight.config import ConfigurationError, HistorySettings, describe, duration, load, to_public_dict


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("24h", timedelta(days=1)),
        ("400d", timedelta(days=400)),
        ("1.5h", timedelta(minutes=90)),
        (" 5m ", timedelta(minutes=5)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, length: timedelta) -> None:
    assert duration(text) == length


@given(st.text(max_size=12) | st.from_regex(r"[0-9.]{1,12}[smhdw]?"))
@example("0s")
@example("999999999d")
@example("٣m")
def test_any_other_text_is_refused_with_the_way_to_write_it(text: str) -> None:
    try:
        length = duration(text)
    except ValueError as error:
        assert ". " in str(error)
    else:
        assert timedelta(0) < length <= timedelta(days=3660)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "preflight.toml"


def test_every_key_of_history(path: Path) -> None:
    path.write_text('[history]\nfile = "h.sqlite3"\nkeep = "30d"\nmax_mb = 5\nenabled = false\n', "utf-8")
    configuration = load(path)
    assert configuration.history == HistorySettings(path.parent / "h.sqlite3", timedelta(days=30), 5_000_000, False)
    assert "not kept" in describe(configuration)
    assert to_public_dict(configuration)["history"]["max_mb"] == 5


def test_an_empty_table_asks_for_a_history_at_the_platforms_place(path: Path) -> None:
    path.write_text("[history]\n", "utf-8")
    assert load(path).history == HistorySettings()
    assert "the platform's own place; 400 days, at most 200 MB" in describe(load(path))
    path.write_text("[network]\n", "utf-8")
    assert load(path).history is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('keep = "400"', ["line 2", "no duration", "400d"]),
        ("keep = 400", ["line 2", "a string"]),
        ('keep = "0d"', ["line 2", "usable"]),
        ("max_mb = 0", ["line 2", "from 1"]),
        ("max_mb = nan", ["line 2", "from 1"]),
        ("enabled = 'yes'", ["line 2", "true or false"]),
        ("path = 'x'", ["line 2", "unknown key"]),
    ],
)
def test_a_mistake_is_named_with_its_place(line: str, said: list[str], path: Path) -> None:
    path.write_text(f"[history]\n{line}\n", "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    for words in said:
        assert words in str(caught.value)


def test_how_often_users_are_read(path: Path) -> None:
    path.write_text('[monitor]\naudit_every = "12h"\n', "utf-8")
    assert load(path).monitor.audit_every == timedelta(hours=12)
    assert "every 12 h with --profile monitor" in describe(load(path))
    path.write_text('[monitor]\naudit_every = "daily"\n', "utf-8")
    with pytest.raises(ConfigurationError, match="'daily' is no duration"):
        load(path)


def test_which_of_the_sync_servers_this_is(path: Path) -> None:
    path.write_text('[sync_server]\nmode = "staging"\n', "utf-8")
    assert load(path).sync_server.mode == "staging"
    assert "staging" in describe(load(path))
    path.write_text('[sync_server]\nmode = "standby"\n', "utf-8")
    with pytest.raises(ConfigurationError, match="active, staging"):
        load(path)
    path.write_text("[network]\n", "utf-8")
    assert load(path).sync_server.mode == ""
