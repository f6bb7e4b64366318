"""A report in the history: compressed JSON, with the users' part once a reading rather than once a run.

A monitor run carries the users of an earlier reading along, ten thousand rows perhaps; they are stored with the run
that read them, and put back when a report is shown.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from preflight.history.errors import HistoryError
from preflight.json_value import json_value
from preflight.report import Report, UserSummary

MOST_BYTES = 200_000_000
"""What a report may unfold to: more is no report of ours."""


def packed(report: Report) -> bytes:
    """The report without users and without the excerpt of a history."""
    return _compressed(replace(report, users=(), past=None).to_dict())


def packed_reading(report: Report, users: UserSummary) -> bytes:
    """What one domain's users came to."""
    return _compressed(replace(report, results=(), users=(replace(users, as_of=None),), past=None).to_dict())


def unpacked(document: bytes, readings: Sequence[tuple[bytes, datetime | None]]) -> Report:
    """The report as it was; each reading with its time where it was an earlier run's.

    Raises:
        HistoryError: it is damaged.
    """
    report = _report(document)
    users = tuple(replace(summary, as_of=as_of) for reading, as_of in readings for summary in _report(reading).users)
    return replace(report, users=users)


def _compressed(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(json_value(document), separators=(",", ":"), allow_nan=False)
    return zlib.compress(text.encode("ascii"), 9)


def _report(document: bytes) -> Report:
    try:
        decompressor = zlib.decompressobj()
        text = decompressor.decompress(document, MOST_BYTES)
        if not decompressor.eof:
            raise ValueError("it ends too early, or never")
        return Report.from_dict(json.loads(text))
    except (zlib.error, ValueError, TypeError) as error:
        raise HistoryError(f"the report of that run is damaged in the history: {error}.") from None
