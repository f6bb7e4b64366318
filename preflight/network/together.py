"""Running waits side by side under one deadline."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def all_at_once(tasks: Mapping[K, Callable[[], V]], seconds: float) -> dict[K, V]:
    """What the tasks return, each run in a thread of its own; a key is missing if its task did not end in time.

    Threads are daemons: one that hangs in the operating system (getaddrinfo can) keeps nobody waiting, the end of the
    process included.

    Raises:
        Exception: what a task raised.
    """
    done: queue.SimpleQueue[tuple[K, V | None, Exception | None]] = queue.SimpleQueue()

    def run(key: K, task: Callable[[], V]) -> None:
        try:
            done.put((key, task(), None))
        except Exception as error:  # noqa: BLE001  (handed on to the caller below)
            done.put((key, None, error))

    for key, task in tasks.items():
        threading.Thread(target=run, args=(key, task), name=f"network {key}", daemon=True).start()
    until = time.monotonic() + seconds
    results: dict[K, V] = {}
    for _ in tasks:
        try:
            key, value, error = done.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            break
        if error is not None:
            raise error
        results[key] = value  # type: ignore[assignment]  # no error, so this is what the task returned
    return results
