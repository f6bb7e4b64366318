"""Where the history is kept unless somebody says otherwise: the platform's place for what a program remembers."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath

FOLDER = "writeback-preflight"
FILE = "history.sqlite3"


def default_file(environ: Mapping[str, str]) -> Path:
    """The history of this machine where the account may administer it, else of this account.

    Raises:
        RuntimeError: the account has no home.
    """
    if sys.platform == "win32":
        import ctypes

        return Path(_windows(environ, elevated=bool(ctypes.windll.shell32.IsUserAnAdmin())))
    return Path(_posix(environ, root=os.geteuid() == 0))


def _windows(environ: Mapping[str, str], *, elevated: bool) -> str:
    """%ProgramData% for an administrator and SYSTEM, so that both see one history; else %LOCALAPPDATA%."""
    variable, otherwise = ("ProgramData", "C:\\ProgramData") if elevated else ("LOCALAPPDATA", "~\\AppData\\Local")
    folder = environ.get(variable) or str(Path(otherwise).expanduser())
    return str(PureWindowsPath(folder, FOLDER, FILE))


def _posix(environ: Mapping[str, str], *, root: bool) -> str:
    """What systemd made for the service (StateDirectory=); /var/lib for root; else the state folder of the XDG base
    directory specification, which must be absolute."""
    if service := environ.get("STATE_DIRECTORY", "").partition(":")[0]:
        return str(PurePosixPath(service, FILE))
    if root:
        return str(PurePosixPath("/var/lib", FOLDER, FILE))
    state = environ.get("XDG_STATE_HOME", "")
    folder = state if state.startswith("/") else str(Path.home() / ".local" / "state")
    return str(PurePosixPath(folder, FOLDER, FILE))
