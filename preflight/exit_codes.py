"""What a command's end tells whoever called it."""

from __future__ import annotations

EXIT_READY = 0
EXIT_BROKEN = 1
EXIT_USAGE = 2
EXIT_NOT_READY = 3
EXIT_UNDETERMINED = 4
EXIT_WARNINGS = 5
EXIT_INTERRUPTED = 130
