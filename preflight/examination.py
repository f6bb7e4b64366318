"""A few checks at a time, on one set of resources: for whoever looks for a cause step by step."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from preflight.api import Check
from preflight.engine import Engine, Observer
from preflight.plan import make_plan
from preflight.report import Result
from preflight.resources import Resources, Setting


class Examination:
    """Runs checks when they are asked for, each with what it requires; facts that were fetched are kept until `renew`.

    Args:
        setting: its folds are those of every check that may be asked for: the users are read once.
    """

    def __init__(self, registered: Mapping[str, Check], setting: Setting) -> None:
        self._registered = registered
        self._setting = setting
        self._resources = Resources(setting)
        self._results: dict[tuple[str, str], Result] = {}

    def examine(
        self, checks: Sequence[str], observers: Sequence[Observer] = (), stop: threading.Event | None = None
    ) -> Sequence[Result]:
        """The results of the checks and of all that they require; what already ended well isn't run once more.

        Raises:
            KeyboardInterrupt: `stop` was set, or Ctrl-C pressed.
        """
        known = {id for id, _ in self._results}
        good = {
            id
            for id in known - set(checks)
            if all(result.status.good for (of, _), result in self._results.items() if of == id)
        }
        plan = make_plan(self._registered, only=tuple(checks), skip=tuple(sorted(good)))
        outcome = Engine(plan, self._resources, observers).run(stop)
        if outcome.interrupted:
            raise KeyboardInterrupt
        self._results |= {(result.check, result.target): result for result in outcome.results}
        return outcome.results

    def renew(self) -> None:
        """Forget everything that was fetched: somebody has acted, and it is looked at afresh."""
        self.close()
        self._resources = Resources(self._setting)
        self._results.clear()

    def close(self) -> None:
        self._resources.close()
