"""`preflight`, `python -m preflight`, and the single-file .pyz."""

from __future__ import annotations

import os
import sys
import threading


def main() -> None:
    """Run the command line and leave at once: threads that hang on a dead server don't hold the process."""
    from preflight.cli import call

    code = call(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # whoever read it has gone
            code = code or 1
    if threading.active_count() > 1:
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
