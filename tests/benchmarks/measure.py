"""Ratios: what we need for a job, by what a known program needs for it at the same time on the same machine."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lab.domain_controller import REPOSITORY

ENDED_WITHIN = 600.0

AS_INSTALLED = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(REPOSITORY / ".cache" / "bytecode")}
"""Compiled once, as an installed program is, whatever this shell asks for."""


class NotMeasured(Exception):
    """Something that a measure needs isn't here; the message says what."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Medians, in `unit`."""

    ours: float
    baseline: float
    unit: str = "s"
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.baseline


@dataclass(frozen=True, slots=True)
class Measure:
    """
    Attributes:
        name: what is compared, "ours / baseline".
        must: the greatest ratio that will do, or the smallest where more is better.
        aim: the ratio to be proud of.
        take: measures, in so many rounds; may raise NotMeasured.
    """

    name: str
    must: float
    aim: float | None
    take: Callable[[int], Outcome]
    more_is_better: bool = False

    def reached(self, ratio: float, goal: float) -> bool:
        return ratio >= goal if self.more_is_better else ratio <= goal


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process and its children needed, in seconds."""

    wall: float
    cpu: float


def usage_of(
    command: Sequence[str], environment: Mapping[str, str] | None = None, codes: Sequence[int] = (0,)
) -> Usage:
    """Run it with its output thrown away.

    Raises:
        NotMeasured: it isn't here, or ended with none of the codes.
    """
    started = time.perf_counter()
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_surroundings(environment),
        )
    except OSError as error:
        raise NotMeasured(f"{command[0]}: {error.strerror}") from None
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        raise NotMeasured(f"{' '.join(command)[:200]} ended with {process.returncode}")
    return Usage(wall, usage.ru_utime + usage.ru_stime)


def _surroundings(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    return {**os.environ, **AS_INSTALLED, **(environment or {})}


_SMALL_PARENT = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_of(command: Sequence[str], environment: Mapping[str, str] | None = None, codes: Sequence[int] = (0,)) -> int:
    """The most bytes that it held at a time. A process begins with the peak of the one that starts it, and this one is
    large, so that one in between starts it.

    Raises:
        NotMeasured: it ended with none of the codes.
    """
    done = subprocess.run(
        [sys.executable, "-S", "-c", _SMALL_PARENT, *command],
        env=_surroundings(environment),
        capture_output=True,
        text=True,
        timeout=ENDED_WITHIN,
        check=False,
    )
    code, kibibytes = (int(number) for number in done.stdout.split())
    if code not in codes:
        raise NotMeasured(f"{' '.join(command)[:200]} ended with {code}")
    return kibibytes * 1024


def by_turns(
    rounds: int, ours: Callable[[], float], baseline: Callable[[], float], *, unit: str = "s", note: str = ""
) -> Outcome:
    """The medians of both, taken by turns: what else the machine does then hits both alike. The first turn is thrown
    away: it fills caches."""
    pairs = [(ours(), baseline()) for _ in range(rounds + 1)][1:]
    return Outcome(
        statistics.median(mine for mine, _ in pairs), statistics.median(other for _, other in pairs), unit, note
    )
