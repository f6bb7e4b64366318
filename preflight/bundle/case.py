"""A case for support: what is known of it, and the parts of the bundle made from that."""

from __future__ import annotations

import json
import platform
import re
import ssl
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import PureWindowsPath
from typing import Any

from preflight.api import Check
from preflight.bundle import explained, form
from preflight.bundle.archive import LeftOut, Part
from preflight.bundle.form import SupportForm
from preflight.bundle.pseudonyms import Pseudonyms
from preflight.events.model import RESET_ATTEMPTED, Event
from preflight.json_value import json_value
from preflight.outputs import PLAIN, gist, human, markdown
from preflight.past import rfc3339
from preflight.report import Report

DISTRIBUTION = "writeback-preflight"


_NAME = re.compile(r"(?!S-1-|0x)[^\s%]*[^\W\d][^\s%]*")
"""In a line of an event: no SID, no number, no sentence."""


@dataclass(frozen=True, slots=True)
class Case:
    """
    Attributes:
        configuration: without secrets; None: not known.
        events: those of the logs that belong to the matter.
        left_out: what isn't there, and why.
    """

    report: Report
    form: SupportForm
    configuration: Mapping[str, Any] | None = None
    events: tuple[Mapping[str, Any], ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def event_to_dict(event: Event) -> dict[str, Any]:
    return asdict(event) | {"time": rfc3339(event.time) if event.time is not None else None}


def pseudonymised(case: Case, pseudonyms: Pseudonyms) -> Case:
    """The case with stand-ins for names, SIDs, hosts and addresses."""
    tree = json_value(
        {
            "report": case.report.to_dict(),
            "configuration": case.configuration and _without_its_folder(case.configuration),
            "events": case.events,
            "form": asdict(case.form),
            "left_out": [asdict(each) for each in case.left_out],
        }
    )
    pseudonyms.learn(tree)
    for kind, name in _names_in(case):
        pseudonyms.learn_name(kind, name)
    stood_in = pseudonyms.apply(tree)
    return replace(
        case,
        report=Report.from_dict(stood_in["report"]),
        form=SupportForm(**stood_in["form"]),
        configuration=stood_in["configuration"],
        events=tuple(stood_in["events"]),
        left_out=tuple(LeftOut(**each) for each in stood_in["left_out"]),
    )


def _without_its_folder(configuration: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where the file stands says whose it is."""
    source = configuration.get("source")
    return {**configuration, "source": PureWindowsPath(source).name} if isinstance(source, str) else configuration


def _names_in(case: Case) -> Iterator[tuple[str, str]]:
    """Names that only the kind of the finding or the event shows to be names."""
    for result in case.report.results:
        if result.check == "anchors.unique":
            yield from (("anchor", finding.subject) for finding in result.findings if finding.subject)
    for event in case.events:
        if event["event_id"] == RESET_ATTEMPTED:
            # "Account Name:   alice", in any language; in a binary log the name alone.
            values = (line.rpartition(":")[2].strip() for line in str(event["message"]).splitlines())
            yield from (("user", value) for value in values if _NAME.fullmatch(value))


def parts_of(case: Case, registered: Mapping[str, Check]) -> Sequence[Part]:
    """What goes into the zip."""
    report = case.report
    verdict = f"{gist.VERDICTS[report.verdict]}; {'; '.join(gist.verdict_reasons(report))}"
    parts = [
        Part("request.md", form.render(case.form, verdict), "the form that support asks for, as far as is known"),
        Part("report.json", _json(report.to_dict()), "the report, for programs: `preflight render` shows it"),
        Part("report.txt", human.render(report, width=PLAIN.width), "the report, for people"),
        Part("report.md", markdown.render(report), "the report, short, for the ticket"),
        Part("explained.md", explained.render(report, registered, _codes(case)), "what each finding and event means"),
        Part("versions.json", _json(versions()), "versions of this program, Python, libraries and the system"),
    ]
    if case.configuration is not None:
        parts.append(Part("configuration.json", _json(case.configuration), "the configuration, without secrets"))
    if case.events:
        lines = "".join(json.dumps(json_value(event)) + "\n" for event in case.events)
        parts.append(Part("events.jsonl", lines, "the events of this matter, one JSON object a line"))
    return parts


def _codes(case: Case) -> list[str]:
    """Of the events, each once, the commonest first."""
    counted = Counter(str(event["event_id"]) for event in case.events)
    return [code for code, _ in counted.most_common()]


def versions() -> dict[str, Any]:
    """Versions of all that takes part; nothing that names the machine."""
    return {
        "tool": version(DISTRIBUTION),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}".strip(),
        "openssl": ssl.OPENSSL_VERSION,
        "packages": {name: found for name in _dependencies() if (found := _version(name))},
    }


def _dependencies() -> list[str]:
    names = []
    for requirement in requires(DISTRIBUTION) or ():
        name = requirement.partition(";")[0]
        for mark in "<>=!~[( ":
            name = name.partition(mark)[0]
        names.append(name.strip())
    return sorted(set(names))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _json(value: object) -> str:
    return json.dumps(json_value(value), indent=2) + "\n"
