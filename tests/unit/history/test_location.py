"""Where the history is unless somebody says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.history import location


@pytest.mark.parametrize(
    ("environ", "root", "file"),
    [
        ({}, True, "/var/lib/writeback-preflight/history.sqlite3"),
        ({"XDG_STATE_HOME": "/data/state"}, True, "/var/lib/writeback-preflight/history.sqlite3"),
        ({"XDG_STATE_HOME": "/data/state"}, False, "/data/state/writeback-preflight/history.sqlite3"),
        ({"XDG_STATE_HOME": "state"}, False, "{home}/.local/state/writeback-preflight/history.sqlite3"),
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, False, "/var/lib/a/history.sqlite3"),
        ({}, False, "{home}/.local/state/writeback-preflight/history.sqlite3"),
    ],
)
def test_on_posix(environ: dict[str, str], root: bool, file: str) -> None:
    assert location._posix(environ, root=root) == file.format(home=Path.home().as_posix())


@pytest.mark.parametrize(
    ("environ", "elevated", "file"),
    [
        ({"ProgramData": "D:\\Data"}, True, "D:\\Data\\writeback-preflight\\history.sqlite3"),
        ({}, True, "C:\\ProgramData\\writeback-preflight\\history.sqlite3"),
        (
            {"ProgramData": "D:\\Data", "LOCALAPPDATA": "C:\\Users\\anna\\AppData\\Local"},
            False,
            "C:\\Users\\anna\\AppData\\Local\\writeback-preflight\\history.sqlite3",
        ),
    ],
)
def test_on_windows(environ: dict[str, str], elevated: bool, file: str) -> None:
    assert location._windows(environ, elevated=elevated) == file
