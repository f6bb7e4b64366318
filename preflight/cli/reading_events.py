"""From the names of logs to what they say."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from preflight.cli.interruption import Interruption
from preflight.cli.problem import Problem, say
from preflight.events import Digest, Filter, LogFacts, Reading, UnreadableLog
from preflight.events.digest import Digester
from preflight.events.live import LiveReading
from preflight.events.opening import STANDARD_INPUT, Watch
from preflight.events.times import Dates
from preflight.exit_codes import EXIT_INTERRUPTED, EXIT_READY

_AGO = re.compile(r"(\d{1,6})\s*([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def read_and_show(
    files: Sequence[str],
    *,
    live: bool,
    since: str | None,
    until: str | None,
    user: str | None,
    tracking_id: str | None,
    format: str,
    quiet: bool,
) -> int:
    """
    Raises:
        Problem: a usage error, or a log that can't be read.
    """
    if format not in ("human", "json"):
        raise Problem(f"--format {format}: unknown. Known: human, json.")
    if bool(files) == live:
        raise Problem("which log? Name its file, - for standard input, or --live on the sync server; one of these.")
    if list(files).count(STANDARD_INPUT) > 1:
        raise Problem("- is standard input, which can be read once.")
    now = datetime.now(UTC)
    only = _filter(since, until, user, tracking_id, now)
    found, interrupted = digested(files, live, only, now, quiet)
    _show(found, format)
    if interrupted:
        say("interrupted: this is what had been read by then")
    return EXIT_INTERRUPTED if interrupted else EXIT_READY


def digested(files: Sequence[str], live: bool, only: Filter, now: datetime, quiet: bool) -> tuple[Digest, bool]:
    """What the logs say, and whether the reading was interrupted."""
    digester = Digester(only)
    interruption = Interruption()
    interrupted = False
    with _watched(quiet) as watch:
        reading = LiveReading(watch) if live else Reading(files, watch)
        try:
            with interruption.listening():
                for event in reading:
                    digester.add(event)
        except UnreadableLog as error:
            raise Problem(str(error)) from None
        except OSError as error:
            name = reading.logs[-1].name if reading.logs else "the log"
            raise Problem(f"{name}: broke off while it was read: {error.strerror or error}. Copy it first.") from None
        except KeyboardInterrupt:
            interrupted = True
    return digester.finish(reading.logs, now if live else None), interrupted


@contextlib.contextmanager
def _watched(quiet: bool) -> Iterator[Watch]:
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield _unwatched
        return
    from preflight.outputs.events_progress import EventsProgress

    with EventsProgress(sys.stderr, os.environ) as progress:
        yield progress.read


def _unwatched(_: LogFacts) -> None:
    """Nobody is watching."""


def _filter(since: str | None, until: str | None, user: str | None, tracking_id: str | None, now: datetime) -> Filter:
    if tracking_id is not None and not _GUID.fullmatch(tracking_id.strip()):
        raise Problem(f"--tracking-id {tracking_id}: no GUID. It stands in the events behind TrackingId.")
    begin, end = _moment("--since", since, now), _moment("--until", until, now)
    if begin is not None and end is not None and begin > end:
        raise Problem("--since is later than --until: nothing lies between.")
    return Filter(begin, end, (user or "").strip().lower(), (tracking_id or "").strip().lower())


def _moment(option: str, text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    if match := _AGO.fullmatch(text.strip()):
        with contextlib.suppress(OverflowError):
            return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    day = re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.strip())
    moment = Dates().read(f"{text.strip()}T00:00:00" if day else text)
    if moment is None:
        raise Problem(
            f"{option} {text}: no time. Write 2026-09-30, 2026-09-30T08:00 (this machine's zone), 2026-09-30T08:00Z, "
            "or how long ago: 90m, 24h, 7d."
        )
    return moment


def _show(found: Digest, format: str) -> None:
    from preflight.outputs.terminal import appearance_of, write

    if format == "json":
        from preflight.outputs.events_json import render as render_json

        write(sys.stdout, render_json(found))
        return
    from preflight.outputs.events import render

    write(sys.stdout, render(found, appearance_of(sys.stdout, os.environ)))
