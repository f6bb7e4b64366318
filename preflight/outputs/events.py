"""What event logs say, for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from preflight.api import Status
from preflight.events import Digest, LogFacts
from preflight.events.advice import advice, known_as
from preflight.events.digest import Cause
from preflight.outputs import Appearance
from preflight.outputs.page import Page
from preflight.outputs.text import printable

MOST_DAYS = 14
MOST_USERS = 10
MOST_CAUSES = 12
MOST_OF_A_REASON = 300
_BAR = 30

_STATES = {
    "running": (Status.PASS, "RUNNING", "bold green"),
    "stopped": (Status.FAIL, "STOPPED", "bold red"),
    "unhealthy": (Status.FAIL, "UNHEALTHY", "bold red"),
    "silent": (Status.WARN, "SILENT", "bold yellow"),
    "absent": (Status.UNKNOWN, "NO EVENT OF THE SERVICE", "bold magenta"),
    "unknown": (Status.UNKNOWN, "CAN'T BE TOLD", "bold magenta"),
}
_LEVELS = (" ▁▂▃▄▅▆▇█", " .:-=+*#@")


def render(found: Digest, appearance: Appearance) -> str:
    page = Page(appearance.width, appearance.ascii_only)
    for log in found.logs:
        _log(page, log)
    _service(page, found)
    _attempts(page, found)
    if found.causes:
        _causes(page, found.causes)
    if found.failed:
        _users(page, found)
    _uncertain(page, found)
    page.heading("Do first")
    for number, sentence in enumerate(advice(found), 1):
        page.entry(2, [(f"{number}. ", "bold")], printable(sentence))
    if not advice(found):
        page.entry(2, [("", "")], "Nothing to mend.")
    return page.text(appearance.colour)


def _log(page: Page, log: LogFacts) -> None:
    reach = f", {when(log.first)} to {when(log.last)}" if log.first and log.last else ""
    kept = f"{log.kept:,} of {log.seen:,} events have to do with writeback"
    page.line((printable(log.name), "bold"))
    page.entry(2, [(f"{log.format}  ", "dim")], f"{kept}{reach}", "dim")
    if log.damaged or log.damaged_chunks:
        what = [f"{log.damaged_chunks:,} damaged chunks of 64 KiB"] if log.damaged_chunks else []
        what += [f"{log.damaged:,} damaged events"] if log.damaged else []
        page.entry(2, [("not read  ", "bold magenta")], " and ".join(what))
        for place in log.damage:
            page.entry(4, [], printable(place), "dim")
    if log.local_times:
        page.entry(2, [("times     ", "dim")], "without a zone: read as this machine's", "dim")
    if log.untimed:
        page.entry(2, [("times     ", "dim")], f"missing, or could mean two things: {log.untimed:,} events", "dim")


def _service(page: Page, found: Digest) -> None:
    service = found.service
    page.heading("The service")
    status, word, style = _STATES[service.state]
    page.entry(2, [(f"{page.glyph(status)} {word}  ", style)], _heartbeat(found))
    rows = [
        ("started", service.started),
        ("stopped", service.stopped),
        ("unhealthy", service.unhealthy),
        ("listener", service.listener_error),
        ("no start", service.start_failed),
    ]
    notes = {
        "started": "31015",
        "stopped": "31016",
        "unhealthy": "31044: a relay's service host does not run",
        "listener": "31034: error of a listener",
        "no start": "6800: the endpoint did not start",
    }
    for name, time in rows:
        if time is not None:
            page.entry(4, [(f"{name:<11}", "dim")], f"{when(time)}  ({notes[name]}, the last)")
    if service.longest_gap is not None and service.longest_gap[0] > 15 * 60:
        seconds, since = service.longest_gap
        page.entry(4, [("gap        ", "dim")], f"no heartbeat for {length(seconds)} from {when(since)}, the longest")
    if service.onboarding_time is not None:
        page.entry(4, [("writeback  ", "dim")], f"{service.onboarding} since {when(service.onboarding_time)}")
    for name, values in (("relays", found.namespaces), ("versions", found.versions), ("servers", found.computers)):
        if values:
            page.entry(4, [(f"{name:<11}", "dim")], printable(", ".join(values)))


def _heartbeat(found: Digest) -> str:
    service = found.service
    if service.heartbeat is None:
        return "no heartbeat (31019) in the log"
    age = length(service.age or 0)
    return f"last heartbeat {when(service.heartbeat)}, {age} {'ago' if found.live else 'before the log ends'}"


def _attempts(page: Page, found: Digest) -> None:
    page.heading("Resets and changes")
    ended = found.succeeded + found.failed
    if not ended:
        page.entry(2, [], "none that came to its end" + (f"; {found.unfinished:,} began" if found.unfinished else ""))
        return
    said = f"{found.succeeded:,} of {ended:,} succeeded ({found.succeeded / ended:.0%}), {found.failed:,} failed"
    said += f"; of {found.unfinished:,} more the end is not in the log" if found.unfinished else ""
    page.entry(2, [], said)
    if found.median is not None and found.percentile_95 is not None:
        page.entry(2, [], f"took {found.median:.1f} s in the middle, {found.percentile_95:.1f} s or less for 95 of 100")
    page.blank()
    days = list(found.by_day.items())
    most = max((good + bad for _, (good, bad) in days), default=1)
    if len(days) > MOST_DAYS:
        earlier = days[:-MOST_DAYS]
        good, bad = (sum(counts[number] for _, counts in earlier) for number in (0, 1))
        page.line((f"{len(earlier):,} days earlier: {good:,} succeeded, {bad:,} failed", "dim"), indent=2)
    for day, (good, bad) in days[-MOST_DAYS:]:
        _day(page, day, good, bad, most)
    if any(found.by_hour):
        page.blank()
        scale = _LEVELS[page.ascii_only]
        top = max(found.by_hour)
        line = "".join(scale[-(-count * 8 // top)] for count in found.by_hour)
        page.line(("failures by hour (UTC)  0 ", "dim"), (line, "red"), (" 23", "dim"), indent=2)


def _day(page: Page, day: str, good: int, bad: int, most: int) -> None:
    """A bar as long as the day was busy, failures at its end."""
    cells = max(1, round((good + bad) * _BAR / most))
    red = min(cells, max(1, round(cells * bad / (good + bad)))) if bad else 0
    full, empty = ("#", "x") if page.ascii_only else ("█", "▒")
    page.line(
        (f"{day}  ", "dim"),
        (full * (cells - red), "green"),
        (empty * red, "red"),
        (f"{' ' * (_BAR - cells)}  {good / (good + bad):>4.0%}  {good:,} succeeded, {bad:,} failed", ""),
        indent=2,
    )


def _causes(page: Page, causes: Sequence[Cause]) -> None:
    page.heading("Why they failed")
    for cause in causes[:MOST_CAUSES]:
        code = " ".join(filter(None, (str(cause.event_id or ""), cause.hresult))) or "no code"
        last = f", the last {when(cause.last)}" if cause.last else ""
        entry = known_as(cause)
        name = f" {entry.name}" if entry is not None else ""
        page.entry(2, [(f"{cause.count:>6,}  ", "bold red")], f"{code}{name}{last}", "bold")
        if cause.reason:
            page.entry(10, [], printable(cause.reason[:MOST_OF_A_REASON]))
        if cause.users:
            page.entry(10, [("e.g.  ", "dim")], printable(", ".join(cause.users)), "dim")
    if len(causes) > MOST_CAUSES:
        page.entry(2, [], f"and {len(causes) - MOST_CAUSES:,} more causes: see --format json")


def _users(page: Page, found: Digest) -> None:
    page.heading("For whom")
    hit = [user for user in found.users if user.failed]
    for user in hit[:MOST_USERS]:
        worked = f", {user.succeeded:,} succeeded" if user.succeeded else ""
        last = f", the last {when(user.last_failure)}" if user.last_failure else ""
        page.entry(2, [(f"{user.failed:>6,}  ", "bold red")], f"{printable(user.user)}{last}{worked}")
    if len(hit) > MOST_USERS:
        page.entry(2, [], f"and {len(hit) - MOST_USERS:,} more users: see --format json")
    if found.users_uncounted:
        page.entry(2, [], f"{found.users_uncounted:,} attempts of further users are not counted one by one")


def _uncertain(page: Page, found: Digest) -> None:
    """What can't be said for certain, each with its number."""
    rows = [
        (found.headless, "ended without their start in the log: they count, without a duration"),
        (found.by_time, "have their error code from an event 6329 that was attached by its time alone"),
        (found.unattached, "events 6329 could be of several attempts, or of none: not attached"),
        (found.untracked, "starts or ends carry no tracking id: not paired"),
        (found.given_up, "attempts were dropped before their end came: too many at once"),
        (found.repeated, "events stand in several logs: counted once"),
    ]
    if any(count for count, _ in rows):
        page.heading("Not certain")
    for count, what in rows:
        if count:
            page.entry(2, [(f"{count:>6,}  ", "dim")], what, "dim")


def when(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def length(seconds: float) -> str:
    """A time that has passed, as a person says it."""
    for unit, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {name}"
    return f"{seconds:.0f} s"
