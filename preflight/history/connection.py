"""Opening the file: private, in WAL mode, patient with other runs."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from preflight.history.errors import Damaged, HistoryError, translated
from preflight.history.schema import prepare, version_of

PATIENCE = 15.0
"""Seconds to wait for other runs that write; each needs some milliseconds."""

_AGAIN = 0.05
_BUSY = 5
_MAGIC = b"SQLite format 3\0"
_IN_WAL_MODE = b"\2\2"
"""Bytes 18 and 19 of the file (https://www.sqlite.org/fileformat.html)."""


@contextmanager
def writing(file: Path) -> Iterator[sqlite3.Connection]:
    """The history in an existing file, which may be empty.

    Raises:
        HistoryError, Damaged: also for errors of SQLite that come up inside.
    """
    try:
        _require_database(file)
        with closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)) as connection:
            _set_up(connection)
            yield connection
    except HistoryError as error:
        raise error if str(file) in str(error) else HistoryError(f"the history {file} can't be used: {error}") from None
    except (sqlite3.Error, OSError) as error:
        raise translated(error, file) from None


@contextmanager
def reading(file: Path) -> Iterator[sqlite3.Connection]:
    """The history as it is, unchanged; by whoever may read the file only, too.

    Raises:
        HistoryError, Damaged: also for errors of SQLite that come up inside.
    """
    try:
        _require_database(file)
        with closing(_reader(file)) as connection:
            connection.execute("BEGIN")  # one view, whoever writes meanwhile
            yield connection
    except (sqlite3.Error, OSError) as error:
        raise translated(error, file) from None


def create(file: Path) -> None:
    """Where there is none, an empty file that only its owner may read, in a folder of the same kind; SQLite gives its
    companions the same rights.

    Raises:
        HistoryError
    """
    try:
        if not file.parent.is_dir():
            file.parent.parent.mkdir(parents=True, exist_ok=True)
            file.parent.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise translated(error, file) from None


def _require_database(file: Path) -> None:
    """Looked at before SQLite does, which would throw away the log beside a file whose head it doesn't know.

    Raises:
        HistoryError: somebody named a text by mistake: it is not to be taken for a damaged history.
        Damaged
    """
    with file.open("rb") as stream:
        head = stream.read(512)
    if head and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        raise HistoryError(f"{file} is a text file, and no history. Name another file.")
    log = file.with_name(file.name + "-wal")
    if head and (not head.startswith(_MAGIC) or (head[18:20] != _IN_WAL_MODE and log.exists() and log.stat().st_size)):
        raise Damaged("its head is not a database's")


def _set_up(connection: sqlite3.Connection) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            version_of(connection)  # nothing is changed in what isn't ours
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file only: before its first table
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")  # a run that was reported survives a power cut
            prepare(connection)
            return
        except sqlite3.OperationalError as error:
            # Several processes that make one file of nothing are told so without having waited.
            if error.sqlite_errorcode & 0xFF != _BUSY or time.monotonic() > until:
                raise
            time.sleep(_AGAIN)


def _reader(file: Path) -> sqlite3.Connection:
    """Where the file may be written as a full member, who leaves nothing behind."""
    uri = file.absolute().as_uri()
    connection = sqlite3.connect(f"{uri}?mode=rw", uri=True, timeout=PATIENCE, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return connection
    except sqlite3.OperationalError:
        connection.close()
        if file.with_name(file.name + "-wal").exists():
            raise
    except BaseException:
        connection.close()
        raise
    # Who may not write the folder can't take part in WAL; nobody writes now, so the file is all there is.
    return sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None)
