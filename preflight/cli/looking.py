"""From a name to what is known of that user."""

from __future__ import annotations

import json
import os
import sys

from preflight.cli.options import Settings
from preflight.cli.performing import configured, passwords_of
from preflight.cli.problem import Problem, say
from preflight.directory.naming import LONGEST, is_cloud_anchor
from preflight.outputs.terminal import appearance_of, write
from preflight.outputs.user import render
from preflight.report import EXIT_UNDETERMINED
from preflight.resources import Setting
from preflight.user_facts import UserReport
from preflight.user_report import look_at_user


def look_and_show(settings: Settings, who: str, *, rights: bool, format: str) -> int:
    """
    Raises:
        Problem: a usage or configuration error, or nobody of that name.
    """
    if format not in ("human", "json"):
        raise Problem(f"--format {format}: unknown. Known: human, json.")
    configuration = configured(settings)
    if not configuration.domains:
        raise Problem("which domain? Give --config FILE, or --domain NAME with --user or --ldif.")
    search = look_at_user(Setting(configuration, (), passwords_of(configuration), os.environ), who)
    for obstacle in search.obstacles:
        say(f"could not be searched: {obstacle}")
    if not search.found:
        domains = ", ".join(domain.name for domain in configuration.domains)
        if search.obstacles:
            return EXIT_UNDETERMINED
        raise Problem(_nobody(who, domains))
    if format == "json":
        write(sys.stdout, json.dumps([_to_dict(each) for each in search.found], indent=2) + "\n")
    else:
        appearance = appearance_of(sys.stdout, os.environ)
        write(sys.stdout, "\n".join(render(each, appearance, rights=rights) for each in search.found))
    if len(search.found) > 1:
        say(f"{len(search.found)} users have that name")
    return max(each.exit_code for each in search.found)


def _nobody(who: str, domains: str) -> str:
    if len(who) > LONGEST:
        return f"a name of {len(who):,} characters: nobody has one that long. Give a UPN, sAMAccountName, DN or SID."
    if is_cloud_anchor(who):
        return f"'{who}' is the cloud's own id of a user, unknown on-premises. Give the event's SourceAnchorValue."
    return (
        f"no user '{who}' is seen in {domains}. Give a UPN, sAMAccountName, DN, mail address, SID, objectGUID or "
        "source anchor; a user whom the reader may not see isn't found either. A reset of a user who isn't there ends "
        "in event 33002."
    )


def _to_dict(report: UserReport) -> dict[str, object]:
    return {
        **report.row,
        "standing": report.standing.value,
        "connector": report.connector,
        "read_from": report.origin,
        "rights": [
            {
                "right": line.right.value,
                "holder": line.holder,
                "on": line.where,
                "answer": line.decision.answer.value,
                "code": line.decision.code,
                "reason": line.reason,
                "decided_by": line.decided_by,
            }
            for line in report.lines
        ],
    }
