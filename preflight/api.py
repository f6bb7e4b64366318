"""All that the author of a check imports.

A check is a generator of findings. Its parameters name the resources it looks at, as pytest's fixtures do::

    @check(
        id="policy.minimum-age",
        title="No minimum password age stands in the way",
        severity=Severity.ADVISORY,
        each="domain",
        requires=("directory.bind",),
        codes={"minimum-age": "the domain's policy has a minimum password age"},
    )
    def minimum_age(domain: Domain) -> Iterator[Finding]:
        \"""What it looks at, why it matters, how to mend it: `preflight explain` prints this text.\"""
        ...

A resource that can't be had raises `Unavailable`; the engine turns that into an `unknown` finding, so no check can
pass without having looked.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)

DEFAULT_DEADLINE = 60.0
"""Seconds a check may take, its resources included, before the engine calls it unknown."""


class Status(StrEnum):
    """What a finding or a result says, from best to worst."""

    NOT_APPLICABLE = "not_applicable"
    PASS = "pass"
    SKIPPED = "skipped"
    WARN = "warn"
    UNKNOWN = "unknown"
    FAIL = "fail"

    @property
    def rank(self) -> int:
        return _RANKS[self]

    @property
    def good(self) -> bool:
        """Whether what requires this may go ahead."""
        return self in (Status.NOT_APPLICABLE, Status.PASS, Status.WARN)


_RANKS = {status: rank for rank, status in enumerate(Status)}


class Severity(StrEnum):
    """What a fail of the check means: writeback can't work (blocker), or a person should know (advisory)."""

    BLOCKER = "blocker"
    ADVISORY = "advisory"


class Unavailable(Exception):
    """A resource can't be had, or broke off: what depends on it is unknown.

    Attributes:
        reason: one sentence, what could not be seen and why.
        code: a short name of the reason, such as "tcp-timeout" or "invalid-credentials".
        remedy: what a person can do about it.
        evidence: further facts for the report.
    """

    def __init__(
        self,
        reason: str,
        *,
        code: str = "unavailable",
        remedy: str = "",
        evidence: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.remedy = remedy
        self.evidence = dict(evidence or {})


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody's word that a finding is known and accepted for a time.

    Attributes:
        until: the last day on which it counts.
    """

    reason: str
    owner: str
    until: date


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation of a check.

    Attributes:
        code: a name declared by the check (or one of `COMMON_CODES`), stable for scripts.
        subject: what it is about, within the check's target: a host and port, a container, a policy.
        summary: one sentence for a person.
        expected: what would have been good.
        observed: what was seen instead.
        evidence: further facts, JSON-serialisable.
        remedy: what to do; the exact command where there is one. Printed, never run.
        event_codes: the events and SSPR codes that this leads to.
        waiver: why it doesn't count; put on by the report's reader, never by a check.
    """

    status: Status
    code: str
    summary: str
    subject: str = ""
    expected: str = ""
    observed: str = ""
    evidence: Mapping[str, object] = field(default_factory=dict)
    remedy: str = ""
    event_codes: tuple[str, ...] = ()
    waiver: Waiver | None = None


def passed(
    summary: str,
    *,
    subject: str = "",
    observed: str = "",
    evidence: Mapping[str, object] | None = None,
    code: str = "ok",
) -> Finding:
    """Looked at, and good."""
    return Finding(Status.PASS, code, summary, subject, "", observed, dict(evidence or {}))


def not_applicable(summary: str, *, subject: str = "", code: str = "not-applicable") -> Finding:
    """Nothing to look at here, and that is right."""
    return Finding(Status.NOT_APPLICABLE, code, summary, subject)


def warn(
    code: str,
    summary: str,
    *,
    expected: str,
    observed: str,
    remedy: str,
    subject: str = "",
    evidence: Mapping[str, object] | None = None,
    event_codes: Sequence[str] = (),
) -> Finding:
    """Writeback can work, but a person should know."""
    return Finding(
        Status.WARN,
        code,
        summary,
        subject,
        expected,
        observed,
        dict(evidence or {}),
        remedy,
        tuple(event_codes),
    )


def fail(
    code: str,
    summary: str,
    *,
    expected: str,
    observed: str,
    remedy: str,
    subject: str = "",
    evidence: Mapping[str, object] | None = None,
    event_codes: Sequence[str] = (),
) -> Finding:
    """Looked at, and bad."""
    return Finding(
        Status.FAIL,
        code,
        summary,
        subject,
        expected,
        observed,
        dict(evidence or {}),
        remedy,
        tuple(event_codes),
    )


def unknown(
    code: str,
    summary: str,
    *,
    expected: str,
    observed: str,
    remedy: str,
    subject: str = "",
    evidence: Mapping[str, object] | None = None,
    event_codes: Sequence[str] = (),
) -> Finding:
    """Could not tell: not readable, not reachable, not finished."""
    return Finding(
        Status.UNKNOWN,
        code,
        summary,
        subject,
        expected,
        observed,
        dict(evidence or {}),
        remedy,
        tuple(event_codes),
    )


COMMON_CODES: Mapping[str, str] = MappingProxyType(
    {
        "ok": "looked at, and good",
        "not-applicable": "nothing to look at here",
        "unavailable": "what the check looks at could not be had",
        "timed-out": "the check, or something it looks at, did not finish within its deadline",
        "crashed": "the check itself broke (a defect of the tool or of a check pack)",
        "said-nothing": "the check ended without a finding",
        "interrupted": "the run was interrupted before the check had finished",
        "blocked": "a check that this one requires did not succeed",
    }
)
"""Finding codes that every check may yield, or that the engine yields for it."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a check runs on: the run itself, a domain, a domain controller of a domain, a relay.

    Attributes:
        kind: "run", "domain", "domain-controller" or "relay".
        name: its name in the report; "" for the run.
        parent: the target it belongs to; None for the run.
    """

    kind: str
    name: str
    parent: Target | None = None

    def ancestors(self) -> Iterator[Target]:
        """The target itself, its parent, and so on up to the run."""
        target: Target | None = self
        while target is not None:
            yield target
            target = target.parent

    def at(self, kind: str) -> Target | None:
        """The target of that kind at or above this one."""
        return next((target for target in self.ancestors() if target.kind == kind), None)

    def __str__(self) -> str:
        names = [target.name for target in self.ancestors() if target.name]
        return "/".join(reversed(names))


KINDS: Mapping[str, str | None] = MappingProxyType(
    {"run": None, "domain": "run", "domain-controller": "domain", "relay": "run"}
)
"""The kinds of target, each with the kind that it is nested in."""


class Later(Generic[T_co]):
    """A resource that is fetched when the check asks for it: annotate a parameter `Later[Directory]`.

    Calling it returns the resource or raises `Unavailable`, which the check may catch or let pass.
    """

    def __init__(self, fetch: Callable[[], T_co]) -> None:
        self._fetch = fetch

    def __call__(self) -> T_co:
        return self._fetch()


CheckFunction = Callable[..., Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """A check as the registry knows it.

    Attributes:
        id: `area.subject`, such that "<id>: pass" reads true.
        each: the kind of target it runs on.
        requires: ids of checks without which this one has nothing to look at.
        folds: what it counts over the users, made by one reading for all checks.
        codes: the finding codes it may yield, each with its meaning.
        deadline: seconds, or None (folds: every page has a deadline of its own).
        resources: the names of its parameters.
        later: those of them that are fetched when asked for.
    """

    id: str
    title: str
    severity: Severity
    each: str
    requires: tuple[str, ...]
    folds: tuple[type, ...]
    codes: Mapping[str, str]
    event_codes: tuple[str, ...]
    tags: tuple[str, ...]
    deadline: float | None
    function: CheckFunction
    resources: tuple[str, ...]
    later: frozenset[str]

    @property
    def area(self) -> str:
        return self.id.partition(".")[0]

    @property
    def explanation(self) -> str:
        return inspect.getdoc(self.function) or ""


_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*")


def check(
    *,
    id: str,
    title: str,
    severity: Severity,
    each: str,
    codes: Mapping[str, str],
    requires: Sequence[str] = (),
    folds: Sequence[type] = (),
    event_codes: Sequence[str] = (),
    tags: Sequence[str] = ("preflight", "monitor"),
    deadline: float | None = DEFAULT_DEADLINE,
) -> Callable[[CheckFunction], Check]:
    """Make a generator of findings a check.

    Raises:
        ValueError: the id, the kind of target or the docstring is missing or malformed.
    """
    if not _ID.fullmatch(id):
        raise ValueError(f"check id {id!r} is not of the form area.subject")
    if each not in KINDS:
        raise ValueError(f"check {id}: each={each!r} is none of {', '.join(KINDS)}")

    def decorate(function: CheckFunction) -> Check:
        if not inspect.getdoc(function):
            raise ValueError(f"check {id}: its function needs a docstring, which `preflight explain` prints")
        parameters = inspect.signature(function).parameters.values()
        return Check(
            id=id,
            title=title,
            severity=severity,
            each=each,
            requires=tuple(requires),
            folds=tuple(folds),
            codes=MappingProxyType(dict(codes)),
            event_codes=tuple(event_codes),
            tags=tuple(tags),
            deadline=None if folds else deadline,
            function=function,
            resources=tuple(parameter.name for parameter in parameters),
            later=frozenset(p.name for p in parameters if str(p.annotation).partition("[")[0] == "Later"),
        )

    return decorate
