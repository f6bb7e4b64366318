"""Setting a damaged file aside, once, however many runs find it damaged at the same time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

_COMPANIONS = ("-wal", "-shm", "")
"""The file itself last: with a companion of an older one beside it, a new file would be damaged in its turn."""

_AGAIN = 0.05


def identity(file: Path) -> tuple[int, int] | None:
    """What tells this file from another of the same name; None: there is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def set_aside(file: Path, damaged: tuple[int, int] | None) -> Path | None:
    """Rename the file and its companions; the new name, or None where another run did so already.

    Raises:
        OSError
    """
    with _alone(file.with_name(file.name + ".lock")):
        if damaged is None or identity(file) != damaged:
            return None
        when = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        names = (f"{file.name}.damaged-{when}{f'-{number}' if number else ''}" for number in range(1000))
        aside = next(path for name in names if not (path := file.with_name(name)).exists())
        for companion in _COMPANIONS:
            old = file.with_name(file.name + companion)
            if old.exists():
                old.rename(aside.with_name(aside.name + companion))
        return aside


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process at a time. The system lets go of the lock when its holder dies."""
    with lock.open("ab") as stream:
        if sys.platform == "win32":
            import msvcrt

            while True:
                try:
                    msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
                    break
                except OSError:
                    time.sleep(_AGAIN)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
