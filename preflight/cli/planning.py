"""From options to a plan of repairs for each domain."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from preflight.api import Target, Unavailable
from preflight.cli.configuring import configured, passwords_of
from preflight.cli.options import Settings
from preflight.cli.problem import Problem, say
from preflight.directory.access.sid import domain_of
from preflight.directory.mending.fix_plan import Plan, make_plan
from preflight.directory.mending.forecast import Kind
from preflight.directory.mending.repairs import Repairs
from preflight.directory.port import Directory
from preflight.exit_codes import EXIT_READY, EXIT_UNDETERMINED
from preflight.outputs.fix_plan import render, render_json
from preflight.outputs.instructions import DomainPlan
from preflight.outputs.terminal import appearance_of, write
from preflight.resources import Resources, Setting


def plan_and_show(settings: Settings, *, format: str) -> int:
    """
    Raises:
        Problem: a usage or configuration error.
    """
    if format not in ("human", "json"):
        raise Problem(f"--format {format}: unknown. Known: human, json.")
    configuration = configured(settings)
    if not configuration.domains:
        raise Problem("which domain? Give --config FILE, or --domain NAME with --user or --ldif.")
    for warning in configuration.warnings:
        say(f"note: {warning}")
    plans = plan_domains(Setting(configuration, (Repairs,), passwords_of(configuration), os.environ))
    if format == "json":
        write(sys.stdout, render_json(plans))
    else:
        write(sys.stdout, render(plans, appearance_of(sys.stdout, os.environ)))
    return EXIT_UNDETERMINED if any(plan.obstacle for plan in plans) else EXIT_READY


def plan_domains(setting: Setting) -> list[DomainPlan]:
    """Read every configured domain, and plan for it."""
    resources = Resources(setting)
    try:
        return [_plan_domain(resources, target) for target in resources.domains()]
    finally:
        resources.close()


def _plan_domain(resources: Resources, target: Target) -> DomainPlan:
    plan: Plan | None = None
    names: Mapping[str, str] = {}
    obstacle, remedy = "", ""
    try:
        survey = resources.get("survey", target)
        plan = make_plan(survey[Repairs])
        names = _names(resources, target, plan)
        survey.ensure_complete()
    except Unavailable as error:
        obstacle, remedy = error.reason, error.remedy
    directory = resources.made("directory", target)
    return DomainPlan(target.name, plan, names, directory.origin if directory is not None else "", obstacle, remedy)


def _names(resources: Resources, target: Target, plan: Plan) -> Mapping[str, str]:
    """DOMAIN\\name of the trustees of entries to remove, as far as they are of this domain and can be read."""
    trustees = {step.trustee for step in plan.steps if step.kind is Kind.REMOVE_DENY}
    directory: Directory = resources.get("directory", target)
    domain = resources.get("domain", target)
    try:
        topology = resources.get("topology", target)
        entries = directory.objects_by_sid(trustees, ("objectSid", "sAMAccountName")) if trustees else ()
    except Unavailable:
        return {}
    short = next((each.netbios_name for each in topology.domains if each.name == target.name), "")
    return {
        sid: f"{short}\\{name}"
        for entry in entries
        if short
        if (sid := entry.sid()) is not None and domain_of(sid) == domain.sid
        if (name := entry.text("sAMAccountName"))
    }
