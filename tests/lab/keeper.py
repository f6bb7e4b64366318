"""Runs a server and sees to it that nothing of it outlives whoever started it.

Usage: python keeper.py COMMAND ARGUMENT...

The server runs until the keeper's stdin ends (its starter closed it, or died, even by SIGKILL) or SIGTERM comes. Then
every descendant is ended and waited for: daemons that left the process group, too, because the keeper is their
subreaper (prctl(2)). Exit code: that of the server, or 0 if it was told to stop.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 8.0  # seconds between SIGTERM and SIGKILL


def descendants(of: int) -> list[int]:
    """Process ids below this one, zombies left out."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # gone meanwhile
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    parents[int(entry.name)] = int(parent)
    found = [of]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found[1:]


def signal_all(number: int) -> None:
    for process in descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def reap() -> dict[int, int] | None:
    """Exit codes of the children that ended; None when there are no more children."""
    ended: dict[int, int] = {}
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if process == 0:
            return ended
        ended[process] = os.waitstatus_to_exitcode(status)


def main() -> int:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    # An open pipe as stdin: a server that reads it waits, and one that watches it for the end sees none.
    server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True)

    code = 0
    while True:
        ready, _, _ = select.select([0, wake_read], [], [])
        signals = os.read(wake_read, 64) if wake_read in ready else b""
        ended = reap()
        if ended is None or server.pid in ended:
            code = (ended or {}).get(server.pid, 1)
            break
        if 0 in ready and not os.read(0, 64):
            break
        if signal.SIGTERM in signals or signal.SIGINT in signals:
            break

    deadline = time.monotonic() + PATIENCE
    signal_all(signal.SIGCONT)  # a frozen one couldn't end
    signal_all(signal.SIGTERM)
    while reap() is not None:
        if time.monotonic() > deadline:
            signal_all(signal.SIGKILL)
        time.sleep(0.02)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
