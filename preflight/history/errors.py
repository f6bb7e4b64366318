"""Why a history can't be used."""

from __future__ import annotations

import sqlite3
from pathlib import Path

_CORRUPT, _NOT_A_DATABASE = 11, 26
_SENTENCES = {
    5: "other runs have held it for too long. Try again; see what else writes to it",
    8: "this account may not write it, or its disk is read-only. Grant write access to the file and its folder",
    10: "the disk refuses (full, or broken). Free some space or name a file elsewhere",
    13: "the disk is full. Free some space, or name a file elsewhere",
    14: "its folder is missing or this account may not write there. Create the folder, or grant access",
    23: "this account may not use it. Grant access to the file",
}
"""By SQLite's primary result codes (https://www.sqlite.org/rescode.html)."""


class HistoryError(Exception):
    """The history can't be read or written; the text says what, where and what to do."""


class Damaged(Exception):
    """The file's content is no longer a database of ours."""


def translated(error: sqlite3.Error | OSError, file: Path) -> HistoryError | Damaged:
    """What to raise in place of an error of SQLite or of the operating system."""
    if isinstance(error, FileNotFoundError):
        return HistoryError(
            f"there is no history {file} yet. Runs are recorded with --profile monitor, with a [history] table in the "
            "configuration, and with --history FILE."
        )
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return HistoryError(f"the history {file} can't be used: {reason}. Name another place (--history FILE).")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (_CORRUPT, _NOT_A_DATABASE) or type(error) is sqlite3.DatabaseError:
        return Damaged(str(error))
    reason = _SENTENCES.get(code, f"SQLite says: {error}. Name another file")
    return HistoryError(f"the history {file} can't be used: {reason}.")
