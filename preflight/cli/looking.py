"""From a name to what is known of that user."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

from preflight.cli.configuring import configured, passwords_of
from preflight.cli.options import Settings
from preflight.cli.problem import Problem, say
from preflight.directory.naming import LONGEST, is_cloud_anchor
from preflight.exit_codes import EXIT_UNDETERMINED
from preflight.outputs.terminal import appearance_of, write
from preflight.outputs.text import printable
from preflight.outputs.user import render, render_comparison
from preflight.outputs.user_json import to_dict
from preflight.resources import Setting
from preflight.user_comparison import differences
from preflight.user_facts import UserReport, UserSearch
from preflight.user_report import look_at_users

_SHOWN = 100
"""Characters of a name that nobody has."""


def look_and_show(settings: Settings, who: str, *, rights: bool, format: str, compare: str | None = None) -> int:
    """
    Args:
        compare: somebody to lay beside the user; None: nobody.

    Raises:
        Problem: a usage or configuration error, or nobody of that name.
    """
    if format not in ("human", "json"):
        raise Problem(f"--format {format}: unknown. Known: human, json.")
    configuration = configured(settings)
    if not configuration.domains:
        raise Problem("which domain? Give --config FILE, or --domain NAME with --user or --ldif.")
    names = [who] if compare is None else [who, compare]
    searches = look_at_users(Setting(configuration, (), passwords_of(configuration), os.environ), names)
    for obstacle in dict.fromkeys(obstacle for search in searches for obstacle in search.obstacles):
        say(f"could not be searched: {obstacle}")
    for name, search in zip(names, searches, strict=True):
        if not search.found and not search.obstacles:
            raise Problem(_nobody(name, ", ".join(domain.name for domain in configuration.domains)))
    if not all(search.found for search in searches):
        return EXIT_UNDETERMINED
    if compare is not None:
        one, other = (_only(name, search) for name, search in zip(names, searches, strict=True))
        return _show_comparison(one, other, rights=rights, format=format)
    found = searches[0].found
    if format == "json":
        write(sys.stdout, json.dumps([to_dict(each) for each in found], indent=2) + "\n")
    else:
        appearance = appearance_of(sys.stdout, os.environ)
        write(sys.stdout, "\n".join(render(each, appearance, rights=rights) for each in found))
    if len(found) > 1:
        say(f"{len(found)} users have that name")
    return max(each.exit_code for each in found)


def _only(name: str, search: UserSearch) -> UserReport:
    if len(search.found) > 1:
        meant = "; ".join(str(each.row["dn"]) for each in search.found)
        raise Problem(
            f"'{printable(name)}' means {len(search.found)} users: {printable(meant)}. Compare by their DN or SID."
        )
    return search.found[0]


def _show_comparison(one: UserReport, other: UserReport, *, rights: bool, format: str) -> int:
    found = differences(one, other)
    if format == "json":
        told = [asdict(each) for each in found]
        document = {"user": to_dict(one), "beside": to_dict(other), "differences": told}
        write(sys.stdout, json.dumps(document, indent=2) + "\n")
        return one.exit_code
    appearance = appearance_of(sys.stdout, os.environ)
    names = (str(one.row["sam_account_name"]), str(other.row["sam_account_name"]))
    write(sys.stdout, render(one, appearance, rights=rights) + render_comparison(found, names, appearance))
    return one.exit_code


def _nobody(who: str, domains: str) -> str:
    if len(who) > LONGEST:
        return f"a name of {len(who):,} characters: nobody has one that long. Give a UPN, sAMAccountName, DN or SID."
    shown = printable(who if len(who) <= _SHOWN else f"{who[:_SHOWN]}...")
    if is_cloud_anchor(who):
        return f"'{shown}' is the cloud's own id of a user, unknown on-premises. Give the event's SourceAnchorValue."
    return (
        f"no user '{shown}' is seen in {domains}. Give a UPN, sAMAccountName, DN, mail address, SID, objectGUID or "
        "source anchor; a user whom the reader may not see isn't found either. A reset of a user who isn't there ends "
        "in event 33002."
    )
