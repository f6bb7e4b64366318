"""Running waits side by side under one deadline."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Together(Generic[K, V]):
    """Tasks in threads of their own, started one after the other, collected under one deadline.

    Threads are daemons: one that hangs in the operating system (getaddrinfo can) keeps nobody waiting, the end of the
    process included.
    """

    def __init__(self) -> None:
        self._done: queue.SimpleQueue[tuple[K, V | None, Exception | None]] = queue.SimpleQueue()
        self._running = 0

    def start(self, key: K, task: Callable[[], V]) -> None:
        self._running += 1
        threading.Thread(target=self._run, args=(key, task), name=f"network {key}", daemon=True).start()

    def results(self, seconds: float) -> dict[K, V]:
        """What the tasks returned; a key is missing if its task did not end within `seconds` from now.

        Raises:
            Exception: what a task raised.
        """
        until = time.monotonic() + seconds
        results: dict[K, V] = {}
        while self._running:
            try:
                key, value, error = self._done.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            self._running -= 1
            if error is not None:
                raise error
            results[key] = value  # type: ignore[assignment]  # no error, so this is what the task returned
        return results

    def _run(self, key: K, task: Callable[[], V]) -> None:
        try:
            self._done.put((key, task(), None))
        except Exception as error:  # noqa: BLE001  (handed on to whoever collects)
            self._done.put((key, None, error))


def all_at_once(tasks: Mapping[K, Callable[[], V]], seconds: float) -> dict[K, V]:
    """What the tasks return, each run in a thread of its own; a key is missing if its task did not end in time.

    Raises:
        Exception: what a task raised.
    """
    together: Together[K, V] = Together()
    for key, task in tasks.items():
        together.start(key, task)
    return together.results(seconds)
