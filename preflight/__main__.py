"""`preflight`, `python -m preflight`, and the single-file .pyz."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line and leave at once: threads that hang on a dead server don't hold the process, and to take
    all modules apart in order would take longer than to start Python."""
    # Modules and pages of users are tens of thousands of objects without a cycle: looking for cycles as often as Python
    # does by default takes a tenth of an audit's time.
    gc.set_threshold(200_000, 20, 100)
    from preflight.cli import call

    _stand_in_for_closed_streams()
    code = call(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # whoever read it has gone
            code = code or 1
    os._exit(code)


def _stand_in_for_closed_streams() -> None:
    """Streams that a scheduler closed (`>&-`) lead nowhere: the exit code and the files of -o are still to come.

    Opened in the order of their numbers, so that no connection is given the number of a standard stream.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - for the whole run


if __name__ == "__main__":
    main()
