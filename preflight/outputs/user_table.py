"""The per-user table, a row at a time: CSV for spreadsheets, JSON lines for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Protocol

COLUMNS = (
    "forest",
    "domain",
    "dn",
    "sam_account_name",
    "user_principal_name",
    "object_guid",
    "source_anchor",
    "object_class",
    "enabled",
    "protected",
    "reset_password",
    "write_lockout_time",
    "write_pwd_last_set",
    "change_password",
    "outcome",
    "code",
    "reason",
    "decided_by",
)

_FORMULA = frozenset(("=", "+", "-", "@", "\t", "\r"))


class RowFormat(Protocol):
    """A format of the table."""

    bom: bool

    def head(self) -> str:
        """What stands before the first row."""

    def row(self, row: Mapping[str, object]) -> str:
        """One row, its line end included."""


class CsvRows:
    """RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe (CWE-1236)."""

    bom = True
    """Without it, spreadsheets on Windows take UTF-8 for the machine's code page."""

    def __init__(self) -> None:
        self._buffer = io.StringIO()
        self._writer = csv.writer(self._buffer, lineterminator="\r\n")

    def head(self) -> str:
        return self._line(COLUMNS)

    def row(self, row: Mapping[str, object]) -> str:
        values = [row[column] for column in COLUMNS]
        # Nearly all are plain text.
        return self._line(
            [value if isinstance(value, str) and value[:1] not in _FORMULA else _cell(value) for value in values]
        )

    def _line(self, cells: object) -> str:
        self._buffer.seek(0)
        self._buffer.truncate()
        self._writer.writerow(cells)  # type: ignore[arg-type]
        return self._buffer.getvalue()


class JsonLines:
    """One object a user, nothing else. ASCII, so that no console's code page spoils it."""

    bom = False

    def __init__(self) -> None:
        self._encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode

    def head(self) -> str:
        return ""

    def row(self, row: Mapping[str, object]) -> str:
        return self._encode(row) + "\n"


ROW_FORMATS: Mapping[str, Callable[[], RowFormat]] = {"csv": CsvRows, "jsonl": JsonLines}
ROW_EXTENSIONS = {".csv": "csv", ".jsonl": "jsonl"}


def _cell(value: object) -> str:
    if isinstance(value, str):
        return "'" + value if value[:1] in _FORMULA else value
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _cell(str(value))
