"""A sync server's Application log, made up from the grammar of the service's messages, in every form it is exported in.

`python tests/event_logs.py` writes the fixtures of tests/unit/events/fixtures anew; README.md there says what they are.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import sys
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

from evtx_writer import Entry, evtx

FIXTURES = Path(__file__).parent / "unit" / "events" / "fixtures"
SERVER = "SYNC01.corp.contoso.com"
SERVICE, SYNC, HASHES = "PasswordResetService", "ADSync", "Directory Synchronization"
RELAYS = ("contoso-sspr-ncu.servicebus.windows.net", "contoso-sspr-scu.servicebus.windows.net")
VERSION = "5.0.500.1"
"""Of the service's own library; the sync engine's is another."""
POLICY = (
    "Synchronization Engine returned an error hr=80230619, message=A restriction prevents the password from being "
    "changed to the current one specified."
)
DENIED = (
    "Synchronization Engine returned an error hr=80230626, message=The password could not be updated because the "
    "management agent credentials were denied access."
)
NOT_FOUND = (
    "Synchronization Engine returned an error hr=80230405, message=The operation failed because the object cannot be "
    "found."
)
STACK = (
    "\r\n   at AADPasswordReset.SynchronizationEngineManagedHandle.ThrowSyncEngineError(Int32 hr)"
    "\r\n   at AADPasswordReset.SynchronizationEngineManagedHandle.ResetPassword(String cloudAnchor, String "
    "sourceAnchor, String password, Boolean fForcePasswordChangeAtLogon, Boolean fUnlockAccount)"
)


@dataclass(frozen=True)
class Written:
    """An event as it was written to the log."""

    time: datetime
    source: str
    event_id: int
    message: str
    level: str = "Information"
    record_id: int = 0
    computer: str = SERVER


def guid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def anchor(user: str) -> str:
    """The base64 that stands in the events: the bytes of an objectGUID as AD stores it."""
    return base64.b64encode(uuid.uuid5(uuid.NAMESPACE_DNS, f"object of {user}").bytes_le).decode()


def context(user: str) -> str:
    return f"Context: cloudAnchor: User_{guid(user)}, SourceAnchorValue: {anchor(user)}, UserPrincipalName: {user}"


class Log:
    """A log under way: each method writes what the service writes on one occasion."""

    def __init__(self, begin: datetime, computer: str = SERVER, first_record: int = 4001) -> None:
        self.now = begin
        self.computer = computer
        self.events: list[Written] = []
        self._record = first_record

    def write(self, source: str, event_id: int, message: str, level: str = "Information") -> None:
        self.events.append(Written(self.now, source, event_id, message, level, self._record, self.computer))
        self._record += 1

    def later(self, **by: float) -> Log:
        self.now += timedelta(**by)
        return self

    def noise(self) -> None:
        """What other programs write between."""
        self.write(
            "MSExchange Common", 106, "Performance counter updating error. Counter name is Time in Queue.", "Error"
        )

    def started(self) -> None:
        self.write(SERVICE, 31015, f"TrackingId: {guid('start')}, Service started, Details: Version: {VERSION}")

    def stopped(self) -> None:
        self.write(SERVICE, 31016, f"TrackingId: {guid('stop')}, Service stopped, Details: Version: {VERSION}")

    def unhealthy(self) -> None:
        text = (
            "Password writeback service is not in a healthy state. No service host for service bus endpoints is running"
        )
        self.write(SERVICE, 31044, f"TrackingId: {guid(str(self.now))}, {text}, Details: Version: {VERSION}", "Error")

    def heartbeat(self, relay: str = RELAYS[0]) -> None:
        text = f"Sent a request to sb://{relay}/contoso"
        self.write(SERVICE, 31019, f"TrackingId: {guid(str(self.now))}, {text}, Details: Version: {VERSION}")

    def onboarded(self) -> None:
        tracked = guid("onboarding")
        self.write(SERVICE, 31004, f"TrackingId: {tracked}, OnboardingEventStart, Details: ")
        self.later(seconds=9)
        self.write(SERVICE, 31005, f"TrackingId: {tracked}, OnboardingEventSuccess, Details: Version: {VERSION}")

    def begun(self, user: str, request: str, event_id: int = 31001) -> None:
        name = {31001: "PasswordResetRequestStart", 31006: "ChangePasswordRequestStart"}.get(
            event_id, "ResetUserPasswordByAdminStart"
        )
        self.write(SERVICE, event_id, f"TrackingId: {guid(request)}, {name}, Details: {user}")

    def ended(self, user: str, request: str, event_id: int = 31002) -> None:
        name = {31002: "PasswordResetSuccess", 31007: "ChangePasswordSuccess"}.get(
            event_id, "ResetUserPasswordByAdminSuccess"
        )
        self.write(
            SERVICE, event_id, f"TrackingId: {guid(request)}, {name}, Details: {context(user)}, unblockUser: True"
        )

    def refused(self, user: str, request: str, error: int, reason: str, event_id: int = 31003) -> None:
        details = (
            f"Microsoft.CredentialManagement.OnPremisesPasswordReset.Shared.PasswordResetException: {reason}{STACK}"
        )
        text = f"TrackingId: {guid(request)}, Reason: {reason}, {context(user)}, Details: {details}"
        self.write(SERVICE, error, text, "Error")
        self.write(SERVICE, event_id, text, "Error")

    def reset(self, user: str, request: str, seconds: float = 2.5) -> None:
        self.begun(user, request)
        self.later(seconds=seconds / 2)
        self.write(SYNC, 405, "Call sync ldap_bind for DomainName=CORP.CONTOSO.COM, UserName=MSOL_0a1b2c3d.")
        self.later(seconds=seconds / 2)
        self.ended(user, request)

    def engine_refused(self, hresult: str, what: str, user: str = "") -> None:
        """6329: the sync engine's own account, which knows nothing of tracking ids."""
        whose = f"\r\nAAD anchor = User_{guid(user)}" if user else ""
        self.write(
            SYNC,
            6329,
            "An unexpected error has occurred during a password set operation.\r\n"
            f' "ERR_: MMS(4924): ..\\admaexport.cpp(2944): {what}\r\n'
            f"BAIL: MMS(4924): ..\\admaexport.cpp(2963): {hresult} ({what}){whose}\r\n"
            'Azure AD Sync 2.5.190.0"',
            "Error",
        )

    def refused_reset(self, user: str, request: str, error: int = 33008, hresult: str = "0x80230619") -> None:
        reason = {33008: POLICY, 33004: DENIED}.get(error, NOT_FOUND)
        self.begun(user, request)
        self.later(seconds=1)
        self.engine_refused(hresult, reason.partition("message=")[2].rstrip("."))
        self.later(seconds=0.5)
        self.refused(user, request, error, reason)


def two_days() -> list[Written]:
    """Two days of a sync server: switched on, resets good and refused, relays lost for a while, one running."""
    log = Log(datetime(2026, 9, 28, 8, 0, tzinfo=UTC))
    log.started()
    log.later(minutes=1).onboarded()
    for number in range(4):
        log.later(minutes=5).heartbeat(RELAYS[number % 2])
        if number == 1:
            log.noise()
    log.later(minutes=1).reset("alice@contoso.com", "alice 1")
    log.later(minutes=7).refused_reset("bob@contoso.com", "bob 1")
    log.later(minutes=11).refused_reset("carol@contoso.com", "carol 1", 33004, "0x80230626")
    log.later(minutes=2).begun("dave@contoso.com", "dave 1", 31006)
    log.later(seconds=3).ended("dave@contoso.com", "dave 1", 31007)
    log.later(hours=4).unhealthy()
    log.later(minutes=9).heartbeat(RELAYS[1])
    log.later(hours=15)
    for number in range(3):
        log.later(minutes=5).heartbeat(RELAYS[number % 2])
        log.later(seconds=20).reset(f"user{number}@contoso.com", f"user {number}", 1.5 + number)
    log.later(minutes=3).refused_reset("bob@contoso.com", "bob 2")
    log.later(minutes=3).begun("erin@contoso.com", "erin 1", 31009)
    log.later(seconds=4).ended("erin@contoso.com", "erin 1", 31010)
    log.later(minutes=1).begun("frank@contoso.com", "frank 1")
    return log.events


# The forms

_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
_LEVELS = {"Information": 4, "Warning": 3, "Error": 2}


def as_xml(events: Iterable[Written], *, rendered: bool = False, root: bool = False, quote: str = "'") -> str:
    """`wevtutil qe Application /f:xml` (or RenderedXml); with a root element as the Event Viewer saves it."""
    text = "".join(_xml_event(event, rendered, quote) + ("" if root else "\r\n") for event in events)
    declaration = '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\r\n'
    return f"{declaration}<Events>{text}</Events>\r\n" if root else text


def _xml_event(event: Written, rendered: bool, quote: str) -> str:
    def attribute(text: str) -> str:
        return f"{quote}{escape(text, {quote: '&quot;' if quote == chr(34) else '&apos;'})}{quote}"

    message = escape(event.message).replace("\r", "&#13;")
    rendering = (
        f"<RenderingInfo Culture={attribute('en-US')}><Message>{message}</Message><Level>{event.level}</Level>"
        "<Task></Task><Opcode></Opcode><Channel></Channel><Provider></Provider>"
        "<Keywords><Keyword>Classic</Keyword></Keywords></RenderingInfo>"
    )
    return (
        f"<Event xmlns={attribute(_NAMESPACE)}><System><Provider Name={attribute(event.source)}/>"
        f"<EventID Qualifiers={attribute('0')}>{event.event_id}</EventID><Version>0</Version>"
        f"<Level>{_LEVELS[event.level]}</Level><Task>0</Task><Opcode>0</Opcode><Keywords>0x80000000000000</Keywords>"
        f"<TimeCreated SystemTime={attribute(event.time.strftime('%Y-%m-%dT%H:%M:%S.%f') + '0Z')}/>"
        f"<EventRecordID>{event.record_id}</EventRecordID><Correlation/>"
        f"<Execution ProcessID={attribute('0')} ThreadID={attribute('0')}/><Channel>Application</Channel>"
        f"<Computer>{escape(event.computer)}</Computer><Security/></System>"
        f"<EventData><Data>{message}</Data></EventData>{rendering if rendered else ''}</Event>"
    )


def as_evtx(events: Iterable[Written]) -> bytes:
    return evtx(
        [
            Entry(event.time, event.source, event.event_id, [event.message], _LEVELS[event.level], event.computer)
            for event in events
        ],
        first_id=4001,
    )


WriteTime = Callable[[datetime], str]


def american(time: datetime) -> str:
    return f"{time.month}/{time.day}/{time.year} {time.hour % 12 or 12}:{time:%M:%S} {'PM' if time.hour > 11 else 'AM'}"


def german(time: datetime) -> str:
    return f"{time:%d.%m.%Y %H:%M:%S}"


def dutch(time: datetime) -> str:
    return f"{time.day}-{time.month}-{time.year} {time:%H:%M:%S}"


def as_csv(
    events: Sequence[Written], *, separator: str = ",", typed: bool = True, write_time: WriteTime = american
) -> str:
    """`Get-WinEvent | Export-Csv`, newest first; times are local, as the server's culture writes them."""
    stream = io.StringIO()
    if typed:
        stream.write("#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\r\n")
    names = ("Message", "Id", "Level", "ProviderName", "LogName", "RecordId", "MachineName", "UserId", "TimeCreated")
    table = csv.writer(stream, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    table.writerow([*names, "LevelDisplayName", "Properties"])
    for event in reversed(events):
        local = event.time.astimezone()
        row = (event.message, event.event_id, _LEVELS[event.level], event.source, "Application", event.record_id)
        properties = "System.Collections.Generic.List`1[System.Diagnostics.Eventing.Reader.EventProperty]"
        table.writerow([*row, event.computer, "", write_time(local), event.level, properties])
    return stream.getvalue()


def as_viewer_csv(events: Sequence[Written], write_time: WriteTime = american) -> str:
    """ "Save all events as" in the Event Viewer: the message has no heading."""
    stream = io.StringIO()
    stream.write("Level,Date and Time,Source,Event ID,Task Category\r\n")
    table = csv.writer(stream, lineterminator="\r\n")
    for event in reversed(events):
        local = write_time(event.time.astimezone())
        table.writerow([event.level, local, event.source, event.event_id, "None", event.message])
    return stream.getvalue()


def _record(event: Written, time: str) -> dict[str, object]:
    return {
        "Id": event.event_id,
        "Version": None,
        "Level": _LEVELS[event.level],
        "ProviderName": event.source,
        "LogName": "Application",
        "RecordId": event.record_id,
        "ProcessId": None,
        "MachineName": event.computer,
        "UserId": None,
        "TimeCreated": time,
        "Bookmark": {},
        "LevelDisplayName": event.level,
        "KeywordsDisplayNames": ["Classic"],
        "Properties": [{"Value": event.message}],
        "Message": event.message,
    }


def as_json(events: Sequence[Written], *, powershell: int = 7) -> str:
    """`Get-WinEvent | ConvertTo-Json`; of a single event no array."""

    def time(event: Written) -> str:
        if powershell == 5:
            return f"/Date({int(event.time.timestamp() * 1000)})/"
        there = event.time.astimezone(timezone(timedelta(hours=2)))
        return there.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0+02:00"

    records = [_record(event, time(event)) for event in reversed(events)]
    text = json.dumps(records[0] if len(records) == 1 else records, indent=4 if powershell == 5 else 2)
    return text.replace("/Date(", "\\/Date(").replace(")/", ")\\/") if powershell == 5 else text


def as_clixml(events: Sequence[Written]) -> str:
    """`Get-WinEvent | Export-Clixml`."""

    def text(value: str) -> str:
        return escape(value).replace("\r", "_x000D_").replace("\n", "_x000A_").replace("\x1b", "_x001B_")

    def record(number: int, event: Written) -> str:
        return (
            f'  <Obj RefId="{number}"><TN RefId="{number}"><T>System.Diagnostics.Eventing.Reader.EventLogRecord</T>'
            "<T>System.Object</T></TN>\r\n"
            "    <ToString>System.Diagnostics.Eventing.Reader.EventLogRecord</ToString>\r\n"
            f'    <Props><I32 N="Id">{event.event_id}</I32><Nil N="Version" /><By N="Level">{_LEVELS[event.level]}</By>'
            f'<S N="ProviderName">{text(event.source)}</S><S N="LogName">Application</S>'
            f'<I64 N="RecordId">{event.record_id}</I64><S N="MachineName">{text(event.computer)}</S>'
            f'<Obj N="UserId" RefId="{number}1"><TN RefId="{number}1"><T>System.Security.Principal.SecurityIdentifier'
            '</T></TN><ToString>S-1-5-18</ToString><Props><I32 N="BinaryLength">12</I32></Props></Obj>'
            f'<DT N="TimeCreated">{event.time.isoformat(timespec="microseconds").replace("+00:00", "0+00:00")}</DT>'
            f'<S N="LevelDisplayName">{event.level}</S>'
            f'<Obj N="Properties" RefId="{number}2"><LST><Obj RefId="{number}3"><ToString>x</ToString><Props>'
            f'<S N="Value">{text(event.message)}</S></Props></Obj></LST></Obj></Props>\r\n'
            f'    <MS><S N="Message">{text(event.message)}</S></MS>\r\n  </Obj>\r\n'
        )

    objects = "".join(record(number, event) for number, event in enumerate(reversed(events)))
    namespace = quoteattr("http://schemas.microsoft.com/powershell/2004/04")
    return f'<Objs Version="1.1.0.1" xmlns={namespace}>\r\n{objects}</Objs>'


def as_viewer_text(events: Sequence[Written], *, with_xml: bool = True) -> str:
    """ "Copy details as text" in the Event Viewer, several events one after the other."""
    texts = []
    for event in events:
        xml = _xml_event(event, False, '"').replace("><", ">\r\n  <").replace("\r\n  </Event>", "\r\n</Event>")
        texts.append(
            f"Log Name:      Application\r\nSource:        {event.source}\r\n"
            f"Date:          {american(event.time.astimezone())}\r\nEvent ID:      {event.event_id}\r\n"
            f"Task Category: None\r\nLevel:         {event.level}\r\nKeywords:      Classic\r\nUser:          N/A\r\n"
            f"Computer:      {event.computer}\r\nDescription:\r\n{event.message}\r\n"
            + (f"Event Xml:\r\n{xml}\r\n" if with_xml else "\r\n")
        )
    return "".join(texts)


def as_wevtutil_text(events: Sequence[Written]) -> str:
    """`wevtutil qe Application /f:text`."""
    return "".join(
        f"Event[{number}]:\r\n  Log Name: Application\r\n  Source: {event.source}\r\n"
        f"  Date: {event.time.strftime('%Y-%m-%dT%H:%M:%S.%f')}0Z\r\n  Event ID: {event.event_id}\r\n  Task: N/A\r\n"
        f"  Level: {event.level}\r\n  Opcode: N/A\r\n  Keyword: Classic\r\n  User: N/A\r\n  User Name: N/A\r\n"
        f"  Computer: {event.computer}\r\n  Description: \r\n{event.message}\r\n\r\n"
        for number, event in enumerate(events)
    )


def as_list(events: Sequence[Written]) -> str:
    """`Get-WinEvent | Format-List`."""

    def folded(message: str) -> str:
        return message.replace("\r\n", "\r\n               ")

    return "\r\n" + "".join(
        f"\r\nTimeCreated  : {event.time.isoformat(sep=' ')}\r\nProviderName : {event.source}\r\nId           : "
        f"{event.event_id}\r\nMessage      : {folded(event.message)}\r\n\r\n"
        for event in events
    )


def as_messages(events: Iterable[Written]) -> str:
    """Nothing but the messages, as they are pasted into a mail."""
    return "\r\n\r\n".join(event.message for event in events)


def fixtures() -> dict[str, bytes]:
    """Every fixture's name and content. Times without a zone are those of a server in UTC."""
    events = two_days()
    return {
        "wevtutil.xml": as_xml(events).encode(),
        "rendered.utf16.xml": ("\ufeff" + as_xml(events, rendered=True)).encode("utf-16-le"),
        "viewer.xml": as_xml(events, rendered=True, root=True, quote='"').encode(),
        "application.evtx": as_evtx(events),
        "powershell5.csv": ("\ufeff" + as_csv(events)).encode("utf-16-le"),
        "german.csv": as_csv(events, separator=";", write_time=german).encode("cp1252"),
        "viewer.csv": as_viewer_csv(events).encode(),
        "powershell5.json": ("\ufeff" + as_json(events, powershell=5)).encode("utf-16-le"),
        "powershell7.json": as_json(events).encode(),
        "clixml.xml": ("\ufeff" + as_clixml(events)).encode("utf-16-le"),
        "viewer.txt": as_viewer_text(events).encode(),
        "wevtutil.txt": as_wevtutil_text(events).encode("utf-8-sig"),
        "list.txt": as_list(events).encode(),
    }


def main() -> None:
    FIXTURES.mkdir(exist_ok=True)
    for name, content in fixtures().items():
        (FIXTURES / name).write_bytes(content)


if __name__ == "__main__":
    main()
