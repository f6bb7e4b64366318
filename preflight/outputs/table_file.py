"""Writing the per-user table while it is made: a file appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from preflight.outputs.files import OutputError, reason
from preflight.outputs.user_table import RowFormat

_BUFFER = 1 << 16


class TableStream:
    """Rows to a stream, each as it comes."""

    def __init__(self, stream: TextIO, format: RowFormat) -> None:
        self._stream = stream
        self._format = format
        stream.write(format.head())

    def add(self, row: Mapping[str, object]) -> None:
        self._stream.write(self._format.row(row))

    def flush(self) -> None:
        """Let the rows so far be seen."""
        self._stream.flush()

    def finish(self) -> None:
        self.flush()


class TableFile:
    """Rows to a file that takes its name at the end, readable by its owner only (POSIX).

    What is there and is no regular file (a pipe, /dev/stderr) is written straight, and stays what it is.

    Raises:
        OutputError: it can't be written; no file of that name was changed.
    """

    def __init__(self, path: Path, format: RowFormat) -> None:
        self._path = path
        self._format = format
        try:
            if path.is_dir():
                raise OutputError(f"{path} is a directory. Name a file in it.")
            descriptor, self._temporary = _opened(path)
        except (OSError, ValueError) as error:
            raise OutputError(f"{path} can't be written: {reason(error, path)}") from None
        encoding = "utf-8-sig" if format.bom else "utf-8"
        self._stream = os.fdopen(
            descriptor, "w", encoding=encoding, errors="backslashreplace", newline="", buffering=_BUFFER
        )
        self._write(format.head())

    def add(self, row: Mapping[str, object]) -> None:
        self._write(self._format.row(row))

    def finish(self) -> None:
        try:
            self._stream.flush()
            if self._temporary is not None:
                os.fsync(self._stream.fileno())
            self._stream.close()
            if self._temporary is not None:
                self._temporary.replace(self._path)
        except OSError as error:
            self.abandon()
            raise OutputError(f"{self._path} can't be written: {reason(error, self._path)}") from None

    def abandon(self) -> None:
        """Leave no trace."""
        with contextlib.suppress(OSError):
            self._stream.close()
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                self._temporary.unlink()

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except OSError as error:
            self.abandon()
            raise OutputError(f"{self._path} can't be written: {reason(error, self._path)}") from None


def _opened(path: Path) -> tuple[int, Path | None]:
    """A temporary file beside it; None: the path itself, which is no regular file."""
    if path.exists() and not path.is_file():
        return os.open(path, os.O_WRONLY), None
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".tmp")
    return descriptor, Path(name)
