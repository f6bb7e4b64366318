"""Ctrl-C and SIGTERM while rows are written: never in the middle of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Both signals raise KeyboardInterrupt in the main thread: at once, or after what is under way in `withheld`.

    A second signal doesn't wait for that: a reader who has stopped reading would hold it for ever.
    """

    def __init__(self) -> None:
        self._withheld = False
        self._pending = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within, the signals are handled so. Only the main thread gets signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {number: signal.signal(number, self._signalled) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    @contextmanager
    def withheld(self) -> Iterator[None]:
        """Let what is within come to its end first."""
        self._withheld = True
        try:
            yield
        finally:
            self._withheld = False
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt

    def _signalled(self, _: int, __: FrameType | None) -> None:
        if self._withheld and not self._pending:
            self._pending = True
            return
        raise KeyboardInterrupt
