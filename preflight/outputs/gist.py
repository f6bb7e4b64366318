"""The words that every format for people shares: areas in their order, the verdict and its reasons, the next step.

All texts are printable: what comes from outside holds nothing invisible or active any more. Each format still escapes
what is special to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from preflight.api import Finding, Severity, Status
from preflight.outputs.text import printable
from preflight.report import Report, Result, Run, UserSummary, Verdict

AREAS = ("dns", "network", "clock", "dc", "directory", "account", "permissions", "anchors", "policy", "events")
"""In the order in which a reset passes them; others follow."""

VERDICTS: Mapping[Verdict, str] = {
    Verdict.READY: "READY",
    Verdict.READY_WITH_WARNINGS: "READY, WITH WARNINGS",
    Verdict.UNDETERMINED: "UNDETERMINED",
    Verdict.NOT_READY: "NOT READY",
}

OUTCOMES = ("ok", "blocked", "unknown", "unsupported", "disabled", "out_of_scope", "excluded")
"""What a reset would come to, in the order in which a person wants to know it."""

MOST_ITEMS = 5
MOST_LETTERS = 1000

_AREA_TITLES = {"dns": "DNS", "dc": "Domain controllers", "account": "Connector account", "anchors": "Source anchors"}


def word(status: Status) -> str:
    return "n/a" if status is Status.NOT_APPLICABLE else status.value


def area_title(area: str) -> str:
    return _AREA_TITLES.get(area) or printable(area.replace("-", " ").capitalize())


def by_area(results: Iterable[Result]) -> list[tuple[str, list[Result]]]:
    areas: dict[str, list[Result]] = {area: [] for area in AREAS}
    for result in results:
        areas.setdefault(result.check.partition(".")[0], []).append(result)
    return [(area, found) for area, found in areas.items() if found]


def place(result: Result) -> str:
    """What the check looked at, and from which machine where the report has several; not yet printable."""
    if not result.host:
        return result.target
    return f"{result.target}, seen from {result.host}" if result.target else f"seen from {result.host}"


# -- the run ------------------------------------------------------------------------------------------------------


def tool(report: Report) -> str:
    return (
        " ".join(printable(str(report.tool[key])) for key in ("name", "version") if key in report.tool) or "preflight"
    )


def when(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def vantage(run: Run) -> str:
    host = printable(run.host)
    if run.selection.get("merged"):
        return host
    if run.vantage is True:
        return f"{host}, the sync server"
    if run.vantage is False:
        server = f", which is {printable(run.sync_server)}" if run.sync_server else ""
        return f"{host}, not the sync server{server}: network, DNS and clock results are this machine's"
    return f"{host} (not known whether this is the sync server: network, DNS and clock results are this machine's)"


def sign_in(row: Mapping[str, object]) -> str:
    """One domain's: from where it is read, as whom and how, and how the connector account's token was made."""
    facts = {key: value_text(value) for key, value in row.items() if value not in (None, "", [], ())}
    where, user, how = facts.get("origin", ""), facts.get("user", ""), facts.get("method", "")
    who = f"as {user}" if user and user not in where else ""
    token = facts.get("connector_token", "")
    if token:
        incomplete = " (incomplete)" if row.get("connector_token_complete") is False else ""
        token = f"; the connector account's token: {token}{incomplete}"
    return f"{facts.get('domain', '')}: {joined(where, who, f'({how})' if how and how not in where else '')}{token}"


# -- results ------------------------------------------------------------------------------------------------------


def brief(finding: Finding) -> str:
    """A good finding on one line."""
    summary, observed = printable(finding.summary), printable(finding.observed)
    return f"{summary} ({observed})" if observed and observed not in summary else summary


def carried(result: Result) -> str:
    """When it was found, where an earlier run did that; "" for this one."""
    return f"as of {when(result.as_of)}" if result.as_of is not None else ""


def why_skipped(result: Result) -> str:
    if result.blocked_by:
        return "because of " + ", ".join(map(printable, result.blocked_by))
    return "; ".join(printable(finding.summary) for finding in result.findings) or "no reason given"


def trouble(result: Result) -> str:
    """What isn't good about it, on one line: the worst finding that counts, and how many more are as bad. When that was
    comes first, as formats cut long lines."""
    if result.counts_as is Status.SKIPPED:
        return f"not looked at {why_skipped(result)}"
    found = [each for each in result.findings if each.waiver is None and each.status is result.counts_as]
    if not found:
        return printable(result.title)
    since = f"{carried(result)}:" if result.as_of is not None else ""
    return joined(since, printable(found[0].summary), f"(and {len(found) - 1:,} more)" if len(found) > 1 else "")


def value_text(value: object) -> str:
    """A piece of evidence on one line, long lists and texts cut (the JSON report has them whole)."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, Mapping):
        text = "; ".join(f"{key}: {value_text(member)}" for key, member in list(value.items())[:MOST_ITEMS])
    elif isinstance(value, (list, tuple)):
        text = ", ".join(value_text(member) for member in value[:MOST_ITEMS])
        text += f" and {len(value) - MOST_ITEMS:,} more" if len(value) > MOST_ITEMS else ""
    else:
        text = json.dumps(value, default=str)
    return printable(text if len(text) <= MOST_LETTERS else text[:MOST_LETTERS] + "...")


def joined(*texts: str) -> str:
    return " ".join(filter(None, texts))


# -- users --------------------------------------------------------------------------------------------------------


def container(row: Mapping[str, object]) -> str:
    """The name of a row of `UserSummary.by_container`; not yet printable."""
    return str(row.get("container") or row.get("dn") or row.get("distinguished_name") or "?")


def counts(row: Mapping[str, object]) -> Mapping[str, int]:
    """Its outcomes."""
    outcomes = row.get("outcomes")
    found = outcomes if isinstance(outcomes, Mapping) else row
    return {key: value for key, value in found.items() if type(value) is int}


def containers_in_trouble(users: UserSummary) -> list[tuple[str, Mapping[str, int]]]:
    """Name and outcomes of those where someone is blocked or unknown, the worst first; names not yet printable."""
    rows = [(container(row), counts(row)) for row in users.by_container]
    rows = [row for row in rows if row[1].get("blocked") or row[1].get("unknown")]
    return sorted(rows, key=lambda row: (-row[1].get("blocked", 0), -row[1].get("unknown", 0), row[0]))


def in_order(outcomes: Mapping[str, int]) -> list[tuple[str, int]]:
    """The counts, in the order of OUTCOMES; what isn't there comes last."""
    known = [(name, outcomes[name]) for name in OUTCOMES if name in outcomes]
    return known + [(name, count) for name, count in outcomes.items() if name not in OUTCOMES]


def outcomes_by_domain(users: Iterable[UserSummary]) -> dict[str, dict[str, int]]:
    """Per domain, how many users came out how. Machines that read the same domain read the same users: the most that
    one of them saw."""
    domains: dict[str, dict[str, int]] = {}
    for each in users:
        found = domains.setdefault(each.domain, {})
        for outcome, count in each.outcomes.items():
            found[outcome] = max(found.get(outcome, 0), count)
    return domains


# -- the end ------------------------------------------------------------------------------------------------------


def verdict_reasons(report: Report) -> Iterator[str]:
    blockers = [result for result in report.results if result.severity is Severity.BLOCKER]
    failed = sum(result.counts_as is Status.FAIL for result in blockers)
    untold = sum(result.counts_as in (Status.UNKNOWN, Status.SKIPPED) for result in blockers)
    if report.verdict is Verdict.NOT_READY:
        yield f"{failed} of {len(blockers)} blockers failed"
        if untold:
            yield f"{untold} could not be judged"
    elif report.verdict is Verdict.UNDETERMINED:
        yield f"{untold} of {len(blockers)} blockers could not be judged" if untold else "not enough was looked at"
    elif report.verdict is Verdict.READY_WITH_WARNINGS:
        yield "writeback can work"
    else:
        yield "nothing stands in the way of writeback"
    if report.waived:
        yield f"{report.waived} finding{'s' if report.waived > 1 else ''} waived"
    if report.run.interrupted:
        yield "interrupted"
    if carried_since := min((each.as_of for each in report.results if each.as_of is not None), default=None):
        yield f"users as of {when(carried_since)}"
    ran, registered = len({result.check for result in report.results}), report.run.selection.get("registered")
    if isinstance(registered, int) and ran < registered:
        yield f"{ran} of {registered} checks"
    if report.run.vantage is not True:
        yield f"seen from {printable(report.run.host)}"


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do first.

    Attributes:
        says: in one sentence; printable.
        remedy: what is to be done, as the finding has it; "" = the sentence says it.
    """

    says: str
    remedy: str = ""


def next_step(report: Report) -> NextStep:
    """The first blocker that failed, else that could not be judged, else an advisory's remedy."""
    found = _first(report)
    if found is not None:
        result, finding = found
        about = f" ({printable(result.target)})" if result.target and result.target not in finding.summary else ""
        return NextStep(f"{printable(result.check)}{about}: {printable(finding.summary)}", finding.remedy)
    if report.run.interrupted:
        return NextStep("Run again; this run was interrupted.")
    if report.verdict is Verdict.UNDETERMINED:
        return NextStep("Mend what the report says to be missing, then run again.")
    return NextStep("Nothing to mend.")


def _first(report: Report) -> tuple[Result, Finding] | None:
    wanted = [(Severity.BLOCKER, Status.FAIL), (Severity.BLOCKER, Status.UNKNOWN)]
    wanted += [(Severity.ADVISORY, status) for status in (Status.FAIL, Status.WARN, Status.UNKNOWN)]
    wanted.insert(2, (Severity.BLOCKER, Status.WARN))
    for severity, status in wanted:
        for result in report.results:
            for finding in result.findings:
                considered = finding.waiver is None and result.severity is severity
                if considered and finding.status is status and finding.remedy:
                    return result, finding
    return None
