"""The report: what was found, the verdict and the exit code.

A report is plain data. It is written once (`to_dict`), read by anybody (`from_dict` ignores what it doesn't know),
and every output is a pure function of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from preflight.api import Finding, Severity, Status, Waiver
from preflight.exit_codes import EXIT_INTERRUPTED, EXIT_NOT_READY, EXIT_READY, EXIT_UNDETERMINED, EXIT_WARNINGS
from preflight.past import Past, rfc3339

SCHEMA = "preflight-report"
SCHEMA_VERSION = "1.0"
MOST_BLOCKED_ROWS = 10_000


class Verdict(StrEnum):
    READY = "ready"
    READY_WITH_WARNINGS = "ready_with_warnings"
    UNDETERMINED = "undetermined"
    NOT_READY = "not_ready"


@dataclass(frozen=True, slots=True)
class Result:
    """What one check said of one target.

    Attributes:
        check: its id.
        target: the target's name, "" for the run as a whole.
        role: "selected", or "required" where it ran because a selected check requires it.
        duration_s: seconds.
        blocked_by: the ids of the checks at the root of a skip.
        findings: the worst of them is the status.
        host: the machine that said so, in a report merged from several; "" = the run's own.
        as_of: when it was found, where it was carried along from an earlier run; None = in this one.
    """

    check: str
    target: str
    status: Status
    severity: Severity
    title: str
    role: str
    duration_s: float
    blocked_by: tuple[str, ...]
    findings: tuple[Finding, ...]
    host: str = ""
    as_of: datetime | None = None

    @property
    def counts_as(self) -> Status:
        """The status in verdict, summary and exit code: waived findings don't count, and nothing else is no pass."""
        if all(finding.waiver is None for finding in self.findings):
            return self.status
        counted = [finding.status for finding in self.findings if finding.waiver is None]
        return worst(counted) if counted else Status.NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class UserSummary:
    """What the reading of one domain's users came to.

    Attributes:
        seen: users in scope, disabled ones included.
        complete: whether the reading got to its end and nothing was hidden from it.
        outcomes: counts of ok, blocked, unsupported, unknown, disabled, out_of_scope.
        by_container: per container, its DN and outcomes; where someone is blocked or unknown, `causes` (finding code:
            how many are blocked by it) and a few `examples` (DN, outcome, code).
        blocked: rows of blocked users, at most MOST_BLOCKED_ROWS.
        as_of: when they were read, where that was in an earlier run; None = in this one.
    """

    domain: str
    seen: int
    complete: bool
    outcomes: Mapping[str, int]
    by_container: tuple[Mapping[str, object], ...] = ()
    blocked: tuple[Mapping[str, object], ...] = ()
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """The circumstances of a run.

    Attributes:
        host: this machine: sockets, DNS and clock tell about it alone.
        vantage: whether this machine is the sync server; None = not known.
        sync_server: the computer that the connector account's description names; "" = not known.
        selection: what was asked for, and how many of the registered checks that is.
        sign_in: per domain, the controller in use, as whom and how.
        undetermined_because: reasons outside any check's result, such as no domain configured.
        notes: sentences that a person should read beside the results: an expired waiver, a history begun anew.
        sync_server_mode: "active" or "staging", as configured; "" = not said.
    """

    id: str
    started: datetime
    duration_s: float
    host: str
    profile: str
    selection: Mapping[str, object]
    interrupted: bool
    sign_in: tuple[Mapping[str, object], ...] = ()
    vantage: bool | None = None
    sync_server: str = ""
    undetermined_because: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sync_server_mode: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """
    Attributes:
        past: what earlier runs add; None = no history is kept, or none was asked for.
    """

    tool: Mapping[str, str]
    run: Run
    results: tuple[Result, ...]
    users: tuple[UserSummary, ...] = field(default=())
    past: Past | None = None

    @property
    def verdict(self) -> Verdict:
        """`not_ready`: a blocker failed. Else `undetermined`: a blocker could not tell, or something that decides was
        not looked at. Else `ready_with_warnings`, else `ready`."""
        blockers = [result for result in self.results if result.severity is Severity.BLOCKER]
        if any(result.counts_as is Status.FAIL for result in blockers):
            return Verdict.NOT_READY
        if (
            self.run.interrupted
            or self.run.undetermined_because
            or not self.results
            or all(result.status in (Status.NOT_APPLICABLE, Status.SKIPPED) for result in self.results)
            or any(result.counts_as in (Status.UNKNOWN, Status.SKIPPED) for result in blockers)
        ):
            return Verdict.UNDETERMINED
        if any(result.counts_as in (Status.WARN, Status.FAIL, Status.UNKNOWN) for result in self.results):
            return Verdict.READY_WITH_WARNINGS
        return Verdict.READY

    @property
    def summary(self) -> dict[str, int]:
        """How many results count as each status."""
        counts = {status.value: 0 for status in reversed(Status)}
        for result in self.results:
            counts[result.counts_as.value] += 1
        return counts

    @property
    def waived(self) -> int:
        """How many findings are waived."""
        return sum(finding.waiver is not None for result in self.results for finding in result.findings)

    def exit_code(self, *, fail_on_warnings: bool = False) -> int:
        if self.run.interrupted:
            return EXIT_INTERRUPTED
        return {
            Verdict.NOT_READY: EXIT_NOT_READY,
            Verdict.UNDETERMINED: EXIT_UNDETERMINED,
            Verdict.READY_WITH_WARNINGS: EXIT_WARNINGS if fail_on_warnings else EXIT_READY,
            Verdict.READY: EXIT_READY,
        }[self.verdict]

    def to_dict(self) -> dict[str, Any]:
        """The JSON report, members in the order of the schema; those that not every report has come last."""
        document = {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "tool": dict(self.tool),
            "run": {
                "id": self.run.id,
                "started": rfc3339(self.run.started),
                "duration_s": round(self.run.duration_s, 3),
                "host": self.run.host,
                "profile": self.run.profile,
                "selection": dict(self.run.selection),
                "interrupted": self.run.interrupted,
                "sign_in": [dict(each) for each in self.run.sign_in],
                "vantage": self.run.vantage,
                "sync_server": self.run.sync_server,
                "undetermined_because": list(self.run.undetermined_because),
                **_present(notes=list(self.run.notes), sync_server_mode=self.run.sync_server_mode),
            },
            "verdict": self.verdict.value,
            "summary": self.summary,
            "results": [_result_to_dict(result) for result in self.results],
            "users": [
                {
                    "domain": users.domain,
                    "seen": users.seen,
                    "complete": users.complete,
                    "outcomes": dict(users.outcomes),
                    "by_container": [dict(row) for row in users.by_container],
                    "blocked": [dict(row) for row in users.blocked],
                    **_present(as_of=rfc3339(users.as_of) if users.as_of is not None else None),
                }
                for users in self.users
            ],
        }
        return document | _present(past=self.past.to_dict() if self.past is not None else None)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Report:
        """A report read back. Unknown members are ignored.

        Raises:
            ValueError: it is no report of this schema's major version.
        """
        try:
            if document["schema"] != SCHEMA:
                raise ValueError(f"schema is {document['schema']!r}, not {SCHEMA!r}")
            if str(document["schema_version"]).partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
                raise ValueError(f"schema version {document['schema_version']} is not readable, {SCHEMA_VERSION} is")
            run = document["run"]
            return cls(
                tool=dict(document["tool"]),
                run=Run(
                    id=run["id"],
                    started=datetime.fromisoformat(run["started"]),
                    duration_s=float(run["duration_s"]),
                    host=run["host"],
                    profile=run["profile"],
                    selection=dict(run["selection"]),
                    interrupted=bool(run["interrupted"]),
                    sign_in=tuple(dict(each) for each in run.get("sign_in", ())),
                    vantage=run.get("vantage"),
                    sync_server=run.get("sync_server", ""),
                    undetermined_because=tuple(run.get("undetermined_because", ())),
                    notes=tuple(run.get("notes", ())),
                    sync_server_mode=run.get("sync_server_mode", ""),
                ),
                results=tuple(_result_from_dict(each) for each in document["results"]),
                users=tuple(
                    UserSummary(
                        each["domain"],
                        int(each["seen"]),
                        bool(each["complete"]),
                        dict(each["outcomes"]),
                        tuple(each.get("by_container", ())),
                        tuple(each.get("blocked", ())),
                        datetime.fromisoformat(each["as_of"]) if each.get("as_of") else None,
                    )
                    for each in document.get("users", ())
                ),
                past=Past.from_dict(document["past"]) if document.get("past") else None,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a preflight report: {type(error).__name__} {error}") from error


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of at least one status. A pass beside a not_applicable is a pass."""
    return max(statuses, key=lambda status: status.rank)


def fingerprint(check: str, target: str, finding: Finding) -> str:
    """The same for the same finding in another run: a hash of check, target, code and subject."""
    text = "\x00".join((check, target, finding.code, finding.subject))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _result_to_dict(result: Result) -> dict[str, Any]:
    return {
        "check": result.check,
        "target": result.target,
        "status": result.status.value,
        "severity": result.severity.value,
        "title": result.title,
        "role": result.role,
        "duration_s": round(result.duration_s, 3),
        "blocked_by": list(result.blocked_by),
        "findings": [
            {
                "status": finding.status.value,
                "code": finding.code,
                "subject": finding.subject,
                "summary": finding.summary,
                "expected": finding.expected,
                "observed": finding.observed,
                "evidence": dict(finding.evidence),
                "remedy": finding.remedy,
                "event_codes": list(finding.event_codes),
                "waiver": _waiver_to_dict(finding.waiver),
                "fingerprint": fingerprint(result.check, result.target, finding),
            }
            for finding in result.findings
        ],
        **_present(host=result.host, as_of=rfc3339(result.as_of) if result.as_of is not None else None),
    }


def _present(**members: object) -> dict[str, Any]:
    """The members that say something."""
    return {name: value for name, value in members.items() if value}


def _waiver_to_dict(waiver: Waiver | None) -> dict[str, str] | None:
    if waiver is None:
        return None
    return {"reason": waiver.reason, "owner": waiver.owner, "until": waiver.until.isoformat()}


def _result_from_dict(document: Mapping[str, Any]) -> Result:
    return Result(
        check=document["check"],
        target=document["target"],
        status=Status(document["status"]),
        severity=Severity(document["severity"]),
        title=document["title"],
        role=document["role"],
        duration_s=float(document["duration_s"]),
        blocked_by=tuple(document["blocked_by"]),
        findings=_findings_from_dicts(document["findings"]),
        host=document.get("host", ""),
        as_of=datetime.fromisoformat(document["as_of"]) if document.get("as_of") else None,
    )


def _findings_from_dicts(documents: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            status=Status(each["status"]),
            code=each["code"],
            summary=each["summary"],
            subject=each["subject"],
            expected=each["expected"],
            observed=each["observed"],
            evidence=dict(each["evidence"]),
            remedy=each["remedy"],
            event_codes=tuple(each["event_codes"]),
            waiver=_waiver_from_dict(each.get("waiver")),
        )
        for each in documents
    )


def _waiver_from_dict(document: Mapping[str, str] | None) -> Waiver | None:
    if document is None:
        return None
    return Waiver(document["reason"], document["owner"], date.fromisoformat(document["until"]))
