"""The report as metrics for node_exporter's textfile collector.

All are gauges. A point in time is a value in seconds since 1970, never a sample's timestamp, which the collector
refuses. Each status has its series in every run, 0 or 1: an alert on one that is no longer written would never end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from preflight.api import Severity, Status
from preflight.outputs import gist
from preflight.outputs.text import printable
from preflight.report import Report, Result, UserSummary, Verdict, worst

MOST_LETTERS = 200
"""Of a label's value."""

Labels = tuple[tuple[str, str], ...]
Samples = Mapping[Labels, float]


def render(report: Report) -> str:
    """The text exposition format, 0.0.4."""
    return "".join(f"{line}\n" for family in _families(report) for line in _lines(*family))


def _families(report: Report) -> Iterator[tuple[str, str, Samples]]:
    """Name, help and samples of each metric."""
    run = report.run
    merged = _by_target(report)
    yield (
        "preflight_verdict",
        "Whether this is the verdict: 1, else 0.",
        {_labels(verdict=each): report.verdict is each for each in Verdict},
    )
    yield (
        "preflight_check_status",
        "Whether the check says this of the target: 1, else 0. Waived findings don't count.",
        {
            (*labels, *_labels(severity=_severity(results), status=each)): _status(results) is each
            for labels, results in merged.items()
            for each in Status
        },
    )
    yield (
        "preflight_check_duration_seconds",
        "How long the check took.",
        {labels: max(each.duration_s for each in results) for labels, results in merged.items()},
    )
    yield "preflight_users", "Users of the domain by what a reset would come to.", _outcomes(report.users)
    yield (
        "preflight_users_complete",
        "Whether all users of the domain were seen: 1, else 0.",
        {_labels(domain=name): all(each.complete for each in found) for name, found in _by_domain(report.users)},
    )
    yield (
        "preflight_users_read_timestamp_seconds",
        "When the users of the domain were read; in an earlier run, where this one took them over.",
        {
            _labels(domain=name): min(_seconds(each.as_of or run.started) for each in found)
            for name, found in _by_domain(report.users)
        },
    )
    yield "preflight_waived_findings", "Findings that don't count because of a waiver.", {(): report.waived}
    yield "preflight_notes", "Notes that a person should read, such as an expired waiver.", {(): len(run.notes)}
    yield "preflight_interrupted", "Whether the run was interrupted: 1, else 0.", {(): run.interrupted}
    yield "preflight_last_run_timestamp_seconds", "When the run began.", {(): _seconds(run.started)}
    yield "preflight_run_duration_seconds", "How long the run took.", {(): run.duration_s}
    about = _labels(version=str(report.tool.get("version", "")), host=run.host, profile=run.profile)
    yield "preflight_run_info", "The program's version, the machine and the profile of the run.", {about: 1}


def _by_target(report: Report) -> dict[Labels, list[Result]]:
    """Results by what identifies their series. Several with the same labels would make the file invalid."""
    found: dict[Labels, list[Result]] = {}
    for result in report.results:
        labels = _labels(check=result.check, target=result.target, host=result.host or report.run.host)
        found.setdefault(labels, []).append(result)
    return found


def _status(results: Iterable[Result]) -> Status:
    return worst(result.counts_as for result in results)


def _severity(results: Iterable[Result]) -> Severity:
    return min((result.severity for result in results), key=list(Severity).index)


def _by_domain(users: Iterable[UserSummary]) -> list[tuple[str, list[UserSummary]]]:
    found: dict[str, list[UserSummary]] = {}
    for each in users:
        found.setdefault(_shown(each.domain), []).append(each)
    return list(found.items())


def _outcomes(users: Iterable[UserSummary]) -> Samples:
    """Every outcome that there is, in every run."""
    return {
        _labels(domain=domain, outcome=outcome): count
        for domain, found in gist.outcomes_by_domain(users).items()
        for outcome, count in gist.in_order(dict.fromkeys(gist.OUTCOMES, 0) | found)
    }


def _seconds(moment: datetime) -> int:
    return round(moment.timestamp())


def _labels(**values: str) -> Labels:
    return tuple((name, _shown(value)) for name, value in values.items())


def _shown(value: str) -> str:
    text = printable(value)
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


def _lines(name: str, meaning: str, samples: Samples) -> Iterator[str]:
    if not samples:
        return
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples.items():
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
        yield f"{name}{{{inside}}} {value:.15g}" if inside else f"{name} {value:.15g}"


def _escaped(value: str) -> str:
    r"""`printable` has left no line ends."""
    return value.replace("\\", "\\\\").replace('"', '\\"')
