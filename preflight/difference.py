"""What changed between two reports, finding by finding.

A finding is known by its fingerprint: check, target, code and subject. Only what counts is compared: a finding that is
waived since is better, one whose waiver ended is new. What the new report doesn't have is `gone` only where its check
looked at that target again, and as far as before; where it didn't, or couldn't, nobody knows, and it is `unseen`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from preflight.api import Finding, Status
from preflight.report import Report, Result, Verdict, fingerprint

_BAD = (Status.WARN, Status.UNKNOWN, Status.FAIL)
_UNSEEN = (Status.SKIPPED, Status.UNKNOWN)


class Kind(StrEnum):
    """How a finding, or a result without findings that count, came out against the old report; the worst first."""

    NEW = "new"
    WORSE = "worse"
    UNSEEN = "unseen"
    UNCHANGED = "unchanged"
    BETTER = "better"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Change:
    """
    Attributes:
        host: the machine that said so, in reports merged from several.
        fingerprint: of the finding; "" for a result as a whole.
        before, after: what it counted as; None: it wasn't there.
        summary: what the new report says, else what the old one said.
        was: what the old one said, where the new one says something else.
    """

    kind: Kind
    check: str
    target: str
    host: str
    fingerprint: str
    before: Status | None
    after: Status | None
    summary: str
    was: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """
    Attributes:
        changes: the worst kinds first, in the order of the reports.
        good: results that were good and are good.
    """

    old: Report
    new: Report
    changes: tuple[Change, ...]
    good: int

    def of(self, kind: Kind) -> Sequence[Change]:
        return [change for change in self.changes if change.kind is kind]

    @property
    def told_less(self) -> bool:
        """Whether the new report could tell less as a whole: then it proves nothing that it found nothing new."""
        became_undetermined = self.new.verdict is Verdict.UNDETERMINED and self.old.verdict is not Verdict.UNDETERMINED
        reasons = {*self.new.run.undetermined_because} - {*self.old.run.undetermined_because}
        return became_undetermined or self.new.run.interrupted or bool(reasons)

    @property
    def alarming(self) -> bool:
        """Whether something new or worse appeared, or could have without being seen."""
        return self.told_less or any(change.kind in (Kind.NEW, Kind.WORSE) for change in self.changes)


_Place = tuple[str, str, str]


def compare(old: Report, new: Report) -> Difference:
    before, after = _places(old), _places(new)
    changes: list[Change] = []
    good = 0
    for place in {**after, **before}:
        found = list(_compared(before.get(place), after.get(place)))
        changes += found
        good += not found and place in before and place in after
    order = list(Kind)
    return Difference(old, new, tuple(sorted(changes, key=lambda change: order.index(change.kind))), good)


def _places(report: Report) -> Mapping[_Place, Result]:
    """Each result by host, check and target."""
    return {(result.host, result.check, result.target): result for result in report.results}


def _compared(old: Result | None, new: Result | None) -> Iterator[Change]:
    before, after = _counting(old), _counting(new)
    if new is not None:
        yield from (_changed(new, key, before.get(key), finding) for key, finding in after.items())
    if old is not None:
        yield from (_missing(old, new, key, finding) for key, finding in before.items() if key not in after)
    if old is not None and not before and not after:
        yield from _whole(old, new)


def _counting(result: Result | None) -> Mapping[str, Finding]:
    """The findings that aren't good, unless somebody waived them."""
    if result is None:
        return {}
    return {
        _key(result, finding): finding
        for finding in result.findings
        if finding.status in _BAD and finding.waiver is None
    }


def _changed(result: Result, key: str, before: Finding | None, after: Finding) -> Change:
    if before is None:
        kind = Kind.NEW
    elif after.status is before.status:
        kind = Kind.UNCHANGED
    else:
        kind = Kind.WORSE if after.status.rank > before.status.rank else Kind.BETTER
    was = before.summary if before is not None and before.summary != after.summary else ""
    return _change(kind, result, key, before.status if before else None, after.status, after.summary, was)


def _missing(old: Result, new: Result | None, key: str, finding: Finding) -> Change:
    """A finding that no longer counts: it is waived, or gone, or nobody could look."""
    if new is None:
        return _change(Kind.UNSEEN, old, key, finding.status, None, finding.summary)
    for later in new.findings:
        if later.waiver is not None and _key(new, later) == key:
            summary = f"waived until {later.waiver.until}: {later.summary}"
            return _change(Kind.BETTER, new, key, finding.status, Status.NOT_APPLICABLE, summary)
    obstacles = {_key(new, later) for later in new.findings if later.status in _UNSEEN}
    looked = obstacles <= {_key(old, earlier) for earlier in old.findings}  # as far as the old run did
    return _change(Kind.GONE if looked else Kind.UNSEEN, new, key, finding.status, None, finding.summary)


def _key(result: Result, finding: Finding) -> str:
    return fingerprint(result.check, result.target, finding)


def _whole(old: Result, new: Result | None) -> Iterator[Change]:
    """Of a check without findings that count: whether it is looked at as it was."""
    before = old.counts_as
    if new is None or (new.counts_as is Status.SKIPPED and before is not Status.SKIPPED):
        summary = _why_skipped(new) if new is not None else "no longer looked at"
        yield _change(Kind.UNSEEN, new or old, "", before, new.counts_as if new else None, summary)
    elif before is Status.SKIPPED and new.counts_as.good:
        yield _change(Kind.BETTER, new, "", before, new.counts_as, "looked at again")


def _why_skipped(result: Result) -> str:
    return next((finding.summary for finding in result.findings), "not looked at")


def _change(
    kind: Kind,
    result: Result,
    key: str,
    before: Status | None,
    after: Status | None,
    summary: str,
    was: str = "",
) -> Change:
    return Change(kind, result.check, result.target, result.host, key, before, after, summary, was)
