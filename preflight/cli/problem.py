"""What a user did that can't be done: one paragraph on stderr, exit code 2."""

from __future__ import annotations

import sys


class Problem(Exception):
    """A usage or configuration error: what, where, and what to do."""


def say(text: object) -> None:
    """A sentence on stderr, for whoever reads there."""
    from preflight.outputs.terminal import write
    from preflight.outputs.text import printable_block

    write(sys.stderr, f"preflight: {printable_block(str(text))}\n")
