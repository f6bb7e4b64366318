"""Runs a plan: every check on every target, side by side, each under its deadline.

The rules of a run (design: "Three answers, never two"):

* A check runs on each target of its kind, as soon as the targets are known and what it requires has ended well.
  Required above or on the same target: all must be good. Required below: one good is enough. Beside: not asked.
* What can't run is `skipped` and names the check at the root of it. Nothing is fatal: the rest goes on.
* Whatever a check yielded stays. If it then crashes, runs out of time or loses what it looks at, one `unknown` is
  added. Yielding nothing is `unknown`.
* Threads are daemons and nobody joins them: a hung one delays the run by its deadline and never the exit.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from preflight.api import COMMON_CODES, KINDS, Check, Finding, Later, Status, Target, Unavailable, unknown
from preflight.plan import Plan, PlannedCheck
from preflight.report import Result, worst

POLL = 0.1
"""Seconds between looks at the clock and at Ctrl-C (on Windows a wait without a time-out can't be interrupted)."""

DISCOVERY_DEADLINE = 45.0
"""Seconds until targets that are still unknown count as not to be found."""

_AT_ONCE = 64


class ResourceProvider(Protocol):
    """Where facts come from."""

    def get(self, name: str, target: Target) -> object:
        """The resource for that target, made once. Raises `Unavailable`."""

    def targets(self, kind: str, within: Target) -> Sequence[Target]:
        """The targets of that kind directly within another. Raises `Unavailable`."""


class Observer(Protocol):
    """Is told what happens, on the thread that runs the engine."""

    def planned(self, plan: Plan) -> None: ...
    def started(self, check: Check, target: Target) -> None: ...
    def finished(self, result: Result) -> None: ...
    def tick(self) -> None: ...


@dataclass(eq=False)
class _Instance:
    """A check on a target, from waiting to its result.

    `obstacle`: why there is no target of the check's kind within this one, which stands in for it.
    """

    planned: PlannedCheck
    target: Target
    obstacle: str | None = None
    findings: list[Finding] = field(default_factory=list)
    started: float | None = None
    result: Result | None = None

    @property
    def deadline(self) -> float | None:
        seconds = self.planned.check.deadline
        return None if self.started is None or seconds is None else self.started + seconds


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of the engine came to."""

    results: tuple[Result, ...]
    interrupted: bool


class Engine:
    """One run of one plan."""

    def __init__(self, plan: Plan, resources: ResourceProvider, observers: Sequence[Observer] = ()) -> None:
        self._plan = plan
        self._resources = resources
        self._observers = observers
        self._instances: dict[str, list[_Instance]] = {planned.check.id: [] for planned in plan.checks}
        self._discovered: dict[tuple[str, Target], Sequence[Target] | Unavailable] = {}
        self._discovering: dict[tuple[str, Target], float] = {}
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._run = Target("run", "")

    def run(self, stop: threading.Event | None = None) -> Outcome:
        """Run until every check has a result, or until `stop` is set or Ctrl-C is pressed."""
        for observer in self._observers:
            observer.planned(self._plan)
        interrupted = False
        try:
            while self._advance():
                if stop is not None and stop.is_set():
                    interrupted = True
                    break
                self._wait()
        except KeyboardInterrupt:
            interrupted = True
        if interrupted:
            self._interrupt()
        results = [
            instance.result
            for planned in self._plan.checks
            for instance in self._instances[planned.check.id]
            if instance.result is not None
        ]
        return Outcome(tuple(results), interrupted)

    # -- the loop ----------------------------------------------------------------------------------------------

    def _advance(self) -> bool:
        """Start what can start, end what must end; whether anything is left to wait for."""
        progressing = True
        while progressing:
            progressing = self._expand() or self._start_or_skip()
        now = time.monotonic()
        for instance in self._running():
            if instance.deadline is not None and now > instance.deadline:
                self._end(instance, _timed_out(instance.planned.check))
        for key, deadline in list(self._discovering.items()):
            if now > deadline:
                self._discovered_is(key, Unavailable("the search for targets did not finish in time", code="timed-out"))
        return bool(self._discovering) or any(
            instance.result is None for instances in self._instances.values() for instance in instances
        )

    def _wait(self) -> None:
        try:
            self._events.get(timeout=POLL)()
            while True:
                self._events.get_nowait()()
        except queue.Empty:
            pass
        for observer in self._observers:
            observer.tick()

    def _running(self) -> list[_Instance]:
        return [
            instance
            for instances in self._instances.values()
            for instance in instances
            if instance.started is not None and instance.result is None
        ]

    def _interrupt(self) -> None:
        for planned in self._plan.checks:
            if not self._instances[planned.check.id]:
                self._instances[planned.check.id].append(_Instance(planned, self._run))
            for instance in self._instances[planned.check.id]:
                if instance.result is None:
                    self._end(instance, _interrupted())

    # -- targets -----------------------------------------------------------------------------------------------

    def _expand(self) -> bool:
        """Make instances for targets that have become known; whether there were any."""
        grown = False
        for planned in self._plan.checks:
            known = {instance.target for instance in self._instances[planned.check.id]}
            for target, obstacle in self._targets(planned.check.each):
                if target not in known:
                    self._instances[planned.check.id].append(_Instance(planned, target, obstacle))
                    grown = True
        return grown

    def _targets(self, kind: str) -> Iterator[tuple[Target, str | None]]:
        """The targets of a kind known so far. Where there are none to be had, the target above and the obstacle."""
        parent_kind = KINDS[kind]
        if parent_kind is None:
            yield self._run, None
            return
        for parent, obstacle in self._targets(parent_kind):
            if obstacle is not None:
                yield parent, obstacle
                continue
            found = self._discover(kind, parent)
            if isinstance(found, Unavailable):
                yield parent, found.reason
            elif found is not None and not found and parent.kind != "run":
                yield parent, f"no {kind.replace('-', ' ')} of {parent.name} is known"
            else:
                yield from ((target, None) for target in found or ())

    def _discover(self, kind: str, within: Target) -> Sequence[Target] | Unavailable | None:
        key = (kind, within)
        if key not in self._discovered and key not in self._discovering:
            self._discovering[key] = time.monotonic() + DISCOVERY_DEADLINE

            def discover() -> None:
                found: Sequence[Target] | Unavailable
                try:
                    found = tuple(self._resources.targets(kind, within))
                except Unavailable as error:
                    found = error
                except Exception as error:  # noqa: BLE001 - a defect must not leave the run waiting
                    found = Unavailable(
                        f"the search for targets broke: {type(error).__name__}: {error}", code="crashed"
                    )
                self._events.put(lambda: self._discovered_is(key, found))

            threading.Thread(target=discover, name=f"targets {kind} in {within}", daemon=True).start()
        return self._discovered.get(key)

    def _discovered_is(self, key: tuple[str, Target], found: Sequence[Target] | Unavailable) -> None:
        if self._discovering.pop(key, None) is not None:
            self._discovered[key] = found

    def _all_targets_known(self, kind: str, within: Target) -> bool:
        """Whether every target of the kind at or below `within` has been found."""
        if kind == within.kind or within.at(kind) is not None:
            return True
        parent_kind = KINDS[kind]
        if parent_kind is None:
            return True
        if not self._all_targets_known(parent_kind, within):
            return False
        parents = [
            target
            for target, obstacle in self._targets(parent_kind)
            if obstacle is None and within in target.ancestors()
        ]
        return all((kind, parent) in self._discovered for parent in parents)

    # -- requirements ------------------------------------------------------------------------------------------

    def _start_or_skip(self) -> bool:
        moved = False
        running = len(self._running())
        for instances in self._instances.values():
            for instance in instances:
                if instance.started is not None or instance.result is not None:
                    continue
                verdict = self._requirements(instance)
                if verdict is None:
                    continue
                if verdict or instance.obstacle is not None:
                    self._skip(instance, tuple(verdict))
                    moved = True
                elif running < _AT_ONCE:
                    self._start(instance)
                    running += 1
        return moved

    def _requirements(self, instance: _Instance) -> list[str] | None:
        """None: not known yet. Empty: go ahead. Else the ids of the checks at the root of the obstacle."""
        roots: dict[str, None] = {}
        for required in instance.planned.check.requires:
            if required not in self._instances:
                continue  # deselected: not asked
            above = [each for each in self._instances[required] if each.target in instance.target.ancestors()]
            below = [
                each
                for each in self._instances[required]
                if each.target != instance.target and instance.target in each.target.ancestors()
            ]
            kind = self._instances_kind(required)
            if not self._all_targets_known(kind, instance.target) or any(
                each.result is None for each in (*above, *below)
            ):
                return None
            bad = [each.result for each in above if each.result and not each.result.status.good]
            if below and not any(each.result and each.result.status.good for each in below):
                bad += [each.result for each in below if each.result]
            for result in bad:
                roots.update(dict.fromkeys(result.blocked_by or (result.check,)))
        return list(roots)

    def _instances_kind(self, check_id: str) -> str:
        return next(planned.check.each for planned in self._plan.checks if planned.check.id == check_id)

    # -- one check on one target -------------------------------------------------------------------------------

    def _start(self, instance: _Instance) -> None:
        instance.started = time.monotonic()
        check, target = instance.planned.check, instance.target
        for observer in self._observers:
            observer.started(check, target)

        def work() -> None:
            last = self._collect(check, target, instance.findings)
            self._events.put(lambda: self._end(instance, last))

        threading.Thread(target=work, name=f"{check.id} {target}", daemon=True).start()

    def _collect(self, check: Check, target: Target, findings: list[Finding]) -> Finding | None:
        """Run the check, keeping what it yields; a last finding where it didn't end well."""
        try:
            for finding in check.function(**self._arguments(check, target)):
                if not isinstance(finding, Finding):
                    raise TypeError(f"yielded {type(finding).__name__}, not a Finding")
                if finding.code not in check.codes and finding.code not in COMMON_CODES:
                    raise ValueError(f"yielded the code {finding.code!r}, which the check doesn't declare")
                if finding.waiver is not None:
                    raise ValueError("yielded a finding with a waiver, which is for people to give")
                findings.append(finding)
        except Unavailable as error:
            return _unavailable(check, error)
        except Exception as error:  # noqa: BLE001 - a crash of one check is one unknown, never the end of the run
            return _crashed(check, error)
        return None if findings else _said_nothing(check)

    def _arguments(self, check: Check, target: Target) -> Mapping[str, object]:
        def fetch(name: str) -> object:
            return target if name == "target" else self._resources.get(name, target)

        return {
            name: Later(lambda name=name: fetch(name)) if name in check.later else fetch(name)  # type: ignore[misc]
            for name in check.resources
        }

    def _end(self, instance: _Instance, last: Finding | None) -> None:
        if instance.result is not None:
            return  # its deadline came first
        findings = (*instance.findings, *([last] if last else ()))
        self._result(instance, worst(finding.status for finding in findings), (), findings)

    def _skip(self, instance: _Instance, blocked_by: tuple[str, ...]) -> None:
        because = f"because of {', '.join(blocked_by)}" if blocked_by else instance.obstacle
        reason = Finding(Status.SKIPPED, "blocked", f"not looked at: {because}")
        self._result(instance, Status.SKIPPED, blocked_by, (reason,))

    def _result(
        self, instance: _Instance, status: Status, blocked_by: tuple[str, ...], findings: tuple[Finding, ...]
    ) -> None:
        check = instance.planned.check
        instance.result = Result(
            check=check.id,
            target=instance.target.name if instance.target.kind != "run" else "",
            status=status,
            severity=check.severity,
            title=check.title,
            role=instance.planned.role,
            duration_s=0.0 if instance.started is None else time.monotonic() - instance.started,
            blocked_by=blocked_by,
            findings=findings,
        )
        for observer in self._observers:
            observer.finished(instance.result)


def _unavailable(check: Check, error: Unavailable) -> Finding:
    known = error.code in check.codes or error.code in COMMON_CODES
    return unknown(
        error.code if known else "unavailable",
        error.reason,
        expected="an answer",
        observed=error.reason,
        remedy=error.remedy or "Mend what stands in the way, then run again.",
        evidence={**error.evidence, "reason": error.code},
    )


def _crashed(check: Check, error: Exception) -> Finding:
    return unknown(
        "crashed",
        f"the check broke: {type(error).__name__}: {str(error)[:300]}",
        expected="a finding",
        observed=f"{type(error).__name__} in {check.function.__module__}",
        remedy="This is a defect of the tool or of a check pack: please report it with this text.",
    )


def _said_nothing(check: Check) -> Finding:
    return unknown(
        "said-nothing",
        "the check ended without a finding",
        expected="a finding",
        observed="none",
        remedy=f"This is a defect of {check.function.__module__}: please report it.",
    )


def _timed_out(check: Check) -> Finding:
    return unknown(
        "timed-out",
        f"not finished within {check.deadline:g} s",
        expected=f"an answer within {check.deadline:g} s",
        observed="none yet",
        remedy="See which server answers slowly or not at all; then run again.",
    )


def _interrupted() -> Finding:
    return unknown(
        "interrupted",
        "the run was interrupted before this check had finished",
        expected="a finished run",
        observed="interrupted",
        remedy="Run again.",
    )
