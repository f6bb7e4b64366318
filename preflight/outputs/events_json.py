"""What event logs say, as JSON. Its schema is shipped beside this module (events.schema.json)."""

from __future__ import annotations

import json
from datetime import datetime
from importlib import resources
from typing import Any

from preflight.events import Attempt, Digest, LogFacts
from preflight.events.advice import advice

SCHEMA = "preflight-events"
SCHEMA_VERSION = "1.0"


def render(found: Digest) -> str:
    """One JSON document, in ASCII."""
    return json.dumps(to_dict(found), indent=2, allow_nan=False) + "\n"


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12)."""
    text = resources.files("preflight.outputs").joinpath("events.schema.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def to_dict(found: Digest) -> dict[str, Any]:
    service = found.service
    gap = service.longest_gap
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "live": found.live,
        "logs": [_log(log) for log in found.logs],
        "first": _time(found.first),
        "last": _time(found.last),
        "computers": list(found.computers),
        "service": {
            "state": service.state,
            "as_of": _time(service.as_of),
            "last_started": _time(service.started),
            "last_stopped": _time(service.stopped),
            "last_unhealthy": _time(service.unhealthy),
            "last_listener_error": _time(service.listener_error),
            "last_failed_start": _time(service.start_failed),
            "last_heartbeat": _time(service.heartbeat),
            "heartbeats": service.heartbeats,
            "heartbeat_age_s": service.age,
            "longest_gap": {"seconds": gap[0], "since": _time(gap[1])} if gap else None,
            "onboarding": service.onboarding,
            "onboarding_time": _time(service.onboarding_time),
        },
        "namespaces": list(found.namespaces),
        "versions": list(found.versions),
        "outdated": list(found.outdated),
        "attempts": {
            "succeeded": found.succeeded,
            "failed": found.failed,
            "unfinished": found.unfinished,
            "without_start": found.headless,
            "by_kind": {kind: dict(counts) for kind, counts in found.attempts.items()},
            "by_day": [{"day": day, "succeeded": good, "failed": bad} for day, (good, bad) in found.by_day.items()],
            "failures_by_hour": list(found.by_hour),
            "median_s": found.median,
            "percentile_95_s": found.percentile_95,
        },
        "causes": [
            {
                "event_id": cause.event_id,
                "hresult": cause.hresult,
                "count": cause.count,
                "users": list(cause.users),
                "first": _time(cause.first),
                "last": _time(cause.last),
                "reason": cause.reason,
            }
            for cause in found.causes
        ],
        "users": [
            {
                "user": user.user,
                "succeeded": user.succeeded,
                "failed": user.failed,
                "last_failure": _time(user.last_failure),
            }
            for user in found.users
        ],
        "failures": [_attempt(attempt) for attempt in found.failures],
        "events": [
            {"source": source, "event_id": event_id, "count": count}
            for (source, event_id), count in found.events.items()
        ],
        "uncertain": {
            "users_uncounted": found.users_uncounted,
            "by_time": found.by_time,
            "unattached": found.unattached,
            "untracked": found.untracked,
            "given_up": found.given_up,
            "repeated": found.repeated,
            "refused_by_controller": found.refused_by_controller,
        },
        "advice": advice(found),
    }


def _log(log: LogFacts) -> dict[str, Any]:
    return {
        "name": log.name,
        "format": log.format,
        "bytes": log.position,
        "events": log.seen,
        "relevant": log.kept,
        "damaged": log.damaged,
        "damaged_chunks": log.damaged_chunks,
        "damage": list(log.damage),
        "without_time": log.untimed,
        "local_times": log.local_times,
        "first": _time(log.first),
        "last": _time(log.last),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "tracking_id": attempt.tracking_id,
        "kind": attempt.kind,
        "user": attempt.user,
        "computer": attempt.computer,
        "cloud_anchor": attempt.cloud_anchor,
        "source_anchor": attempt.source_anchor,
        "started": _time(attempt.started),
        "ended": _time(attempt.ended),
        "cause": attempt.cause,
        "hresult": attempt.hresult,
        "by_time": attempt.by_time,
        "reason": attempt.reason,
    }


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat().replace("+00:00", "Z")
