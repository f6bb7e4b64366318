"""Report files: what `-o` means, and writing them whole or not at all."""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import re
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from preflight.outputs import EXTENSIONS, FORMATS

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
"""Disk full, quota used up (Windows has no such number)."""


class OutputError(Exception):
    """A report can't be written there; the text says what, where and what to do."""


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file to be written, and its format's name."""

    format: str
    path: Path


def parse_output(
    text: str, formats: Collection[str] = tuple(FORMATS), extensions: Mapping[str, str] = EXTENSIONS
) -> OutputFile:
    """`[FORMAT=]PATH`: the format by its name, else by the file's extension.

    Raises:
        OutputError: no or an unknown format.
    """
    name, separator, rest = text.partition("=")
    known = ", ".join(sorted(formats))
    if separator and name in formats:
        return OutputFile(name, _path(text, rest))
    if separator and re.fullmatch(r"[A-Za-z]+", name):
        raise OutputError(f"-o {text}: unknown format {name!r}.{_nearest(name, formats)} Known: {known}.")
    path = _path(text, text)
    try:
        return OutputFile(extensions[path.suffix.lower()], path)
    except KeyError:
        raise OutputError(
            f"-o {text}: the format can't be told from the file's name. Write -o FORMAT={text}; known: {known}."
        ) from None


def write_atomically(path: Path, text: str, *, encoding: str = "utf-8", private: bool = True) -> None:
    """Write the file whole or not at all, readable by its owner only (POSIX; on Windows the folder's rights count).
    One that isn't private may be read by everybody.

    The text goes to a temporary file in the same folder, which then takes the name: a reader never sees half a
    report, and a full disk leaves the old one. A symbolic link is replaced, not followed. What is no regular file
    (a pipe, /dev/stdout) is written straight.

    Raises:
        OutputError
    """
    write_bytes_atomically(path, text.encode(encoding, "backslashreplace"), private=private)


def write_bytes_atomically(path: Path, content: bytes, *, private: bool = True) -> None:
    """As `write_atomically`, for what is no text.

    Raises:
        OutputError
    """
    try:
        if path.is_dir():
            raise OutputError(f"{path} is a directory. Name a file in it.")
        if path.exists() and not path.is_file():
            with path.open("wb") as stream:
                stream.write(content)
            return
        _replace(path, content, 0o600 if private else 0o644)
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} can't be written: {reason(error, path)}") from None


def _replace(path: Path, content: bytes, mode: int) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def reason(error: OSError | ValueError, path: Path) -> str:
    if not isinstance(error, OSError):
        return "the name isn't usable. Choose another."
    if error.errno in _FULL:
        return f"no space is left on the disk. Free some, or write elsewhere; nothing at {path} was changed."
    if isinstance(error, FileNotFoundError):
        return f"there is no folder {path.parent}. Create it first."
    if isinstance(error, PermissionError):
        return "this account may not write there (or, on Windows, another program has the file open)."
    return f"{error.strerror or type(error).__name__}."


def _path(text: str, name: str) -> Path:
    if not name.strip():
        raise OutputError(f"-o {text}: the file's name is missing. Write -o json=report.json.")
    if name == "-":
        raise OutputError(f"-o {text}: standard output carries the report already. Choose its format with --format.")
    return Path(name)


def _nearest(name: str, formats: Collection[str]) -> str:
    near = difflib.get_close_matches(name.lower(), list(formats), 1, 0.6)
    return f" Did you mean {near[0]!r}?" if near else ""
