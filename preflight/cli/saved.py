"""A report that was saved earlier, here or on another machine: read back, or refused with a sentence that says why."""

from __future__ import annotations

import codecs
import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, BinaryIO, get_args, get_origin, get_type_hints

from preflight.cli.problem import Problem
from preflight.config.schedule import duration
from preflight.past import rfc3339
from preflight.report import SCHEMA_VERSION, Report

MOST_BYTES = 100_000_000
"""Several times what the report of a large forest takes."""

_ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"{\x00": "utf-16-le",
    b"\x00{": "utf-16-be",
}
"""By the first bytes; anything else is UTF-8. A redirection in Windows PowerShell 5 writes UTF-16."""

_CLOCKS_APART = timedelta(minutes=10)
"""A report that seems to come from later than that says nothing about its age."""

_HOW = "A report is what `preflight run -o json=report.json` writes."


def saved_report(name: str) -> Report:
    """The report in the file of that name; "-" is standard input.

    Raises:
        Problem: it can't be read, or is no report that this version understands.
    """
    where = "standard input" if name == "-" else name
    try:
        if name == "-":
            content = _bounded(sys.stdin.buffer, where)
        elif Path(name).is_dir():
            raise Problem(f"{where} is a directory. Name a report in it. {_HOW}")
        else:
            with Path(name).open("rb") as stream:
                content = _bounded(stream, where)
    except FileNotFoundError:
        raise Problem(f"{where}: there is no such file. {_HOW}") from None
    except OSError as error:
        raise Problem(f"{where} can't be read: {error.strerror or type(error).__name__}.") from None
    except ValueError:
        raise Problem(f"{where!r} can't be a file's name.") from None
    return _report(_document(content, where), where)


def outdated(report: Report, max_age: str, now: datetime) -> Report:
    """The report, undetermined where it is older than that: what doesn't run any more must not stay green.

    Raises:
        Problem: that is no duration.
    """
    try:
        most = duration(max_age)
    except ValueError as error:
        raise Problem(f"--max-age: {error}") from None
    age = now - report.run.started
    if timedelta(0) - _CLOCKS_APART <= age <= most:
        return report
    old = f"the report is of {rfc3339(report.run.started)}, and --max-age is {max_age}: is the schedule still running?"
    return replace(report, run=replace(report.run, undetermined_because=(*report.run.undetermined_because, old)))


def _bounded(stream: BinaryIO, where: str) -> bytes:
    """All that it holds. What begins unlike JSON, or is too much for a report, isn't read to its end."""
    head = stream.read(4096)
    encoding = _encoding(head)
    start = head.decode(encoding, "ignore").lstrip()
    if not start:
        raise Problem(f"{where} is empty. {_HOW}")
    if not start.startswith("{"):
        raise Problem(f"{where} is no report: it isn't JSON. {_HOW}")
    content = head + stream.read(MOST_BYTES - len(head) + 1)
    if len(content) > MOST_BYTES:
        raise Problem(f"{where} is no report: it holds more than {MOST_BYTES // 1_000_000} MB. {_HOW}")
    return content


def _encoding(head: bytes) -> str:
    return next((name for signature, name in _ENCODINGS.items() if head.startswith(signature)), "utf-8")


def _document(content: bytes, where: str) -> Mapping[str, Any]:
    try:
        document = json.loads(content.decode(_encoding(content)))
    except UnicodeDecodeError:
        raise Problem(f"{where} is damaged, or no report: it isn't text in UTF-8 or UTF-16. {_HOW}") from None
    except (ValueError, RecursionError) as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Problem(f"{where} is damaged, cut off, or no report: it isn't JSON{place}. {_HOW}") from None
    if not isinstance(document, dict) or "schema" not in document:
        raise Problem(f"{where} is JSON, but no report of preflight. {_HOW}")
    return document


def _report(document: Mapping[str, Any], where: str) -> Report:
    major = str(document.get("schema_version")).partition(".")[0]
    own = SCHEMA_VERSION.partition(".")[0]
    if major.isascii() and major.isdigit() and len(major) < 9 and int(major) > int(own):
        raise Problem(
            f"{where} was written by a newer preflight: its schema version is {document['schema_version']}, and this "
            f"one reads {own}.x. Update this installation."
        )
    try:
        report = Report.from_dict(document)
        misfit = next(_misfits(report, Report, "the report"), None)
    except (ValueError, OverflowError, RecursionError) as error:
        raise Problem(f"{where} is no report that can be read: {error}. {_HOW}") from None
    if misfit:
        raise Problem(f"{where} is damaged, or was changed by hand: {misfit}. {_HOW}")
    return report


def _misfits(value: object, wanted: Any, place: str) -> Iterator[str]:
    """Where the value isn't of the type: JSON says what it likes, and an output relies on the types of a report."""
    if wanted in (object, Any):
        return
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is UnionType:
        [kind] = (each for each in arguments if each is not NoneType)
        if value is not None:
            yield from _misfits(value, kind, place)
    elif origin is tuple and isinstance(value, tuple):
        for number, member in enumerate(value, 1):
            yield from _misfits(member, arguments[0], f"{place} {number}")
    elif origin is Mapping and isinstance(value, Mapping):
        for name, member in value.items():
            yield from _misfits(member, arguments[1], f"{place}, {name}")
    elif isinstance(wanted, type) and is_dataclass(wanted) and isinstance(value, wanted):
        for name, kind in _types(wanted).items():
            yield from _misfits(getattr(value, name), kind, name)
    elif not isinstance(value, origin or wanted) or (isinstance(value, bool) and wanted is not bool):
        yield f"{place} is of a wrong type"
    elif isinstance(value, float) and not (math.isfinite(value) and value >= 0):
        yield f"{place} is no number of seconds"
    elif isinstance(value, datetime):
        value.astimezone(UTC)  # the first and the last days of the calendar have no such time


@cache
def _types(kind: type) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}
