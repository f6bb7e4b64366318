"""Events as XML: `wevtutil qe Application /f:xml` or `/f:RenderedXml`, and what the Event Viewer saves as XML.

Not one document but many small ones: wevtutil writes no root element. Each `<Event>` is cut out and parsed by itself,
so that one that is broken costs no other, and what stands around them (a document type, entities) has no effect.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from xml.etree import ElementTree

from preflight.events.encoded_text import parts
from preflight.events.fields import make_event
from preflight.events.model import MOST_CHARACTERS, SECURITY, SOURCES, Event, LogFacts
from preflight.events.times import Dates

_START = re.compile(r"<Event[\s>]")
_END = "</Event>"
_OVERLAP = len("<Event ")
_TIME = re.compile(r"""SystemTime\s*=\s*["']([^"']{1,60})["']""")
_INVALID = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));")
_WORTH_PARSING = re.compile("|".join(map(re.escape, (*SOURCES, SECURITY))), re.IGNORECASE)


def read(text: io.TextIOWrapper, facts: LogFacts) -> Iterator[Event]:
    """The events that have to do with writeback."""
    dates = Dates()
    for fragment in _fragments(text, facts):
        if _WORTH_PARSING.search(fragment) is None:
            time = _TIME.search(fragment)
            facts.saw(dates.read(time[1]) if time else None)
            continue
        event = parse(fragment, dates, facts)
        if event is not None:
            yield event


def parse(fragment: str, dates: Dates, facts: LogFacts) -> Event | None:
    """One `<Event>`, counted; None: not wanted, or damaged."""
    try:
        root = ElementTree.fromstring(_REFERENCE.sub(_allowed, _INVALID.sub("\ufffd", fragment)))
    except (ElementTree.ParseError, ValueError) as error:
        facts.lost(f"an event that is no well-formed XML ({error})")
        return None
    return make_event(_fields(root), dates, facts)


def _fragments(text: io.TextIOWrapper, facts: LogFacts) -> Iterator[str]:
    """Each `<Event>...</Event>` of the text; what is too long for one is skipped up to the next."""
    kept = ""
    inside = False
    looked = 0
    for part in parts(text):
        kept += part
        while True:
            if not inside:
                start = _START.search(kept)
                if start is None:
                    kept = kept[-_OVERLAP:]
                    break
                kept, inside, looked = kept[start.start() :], True, 0
            end = kept.find(_END, looked)
            if end < 0:
                looked = max(len(kept) - len(_END), 0)
                if len(kept) > MOST_CHARACTERS:
                    facts.lost(f"an event of more than {MOST_CHARACTERS:,} characters")
                    last = max(match.start() for match in _START.finditer(kept))
                    kept, inside = kept[last:] if last else "", False  # another may have begun in it
                    continue
                break
            fragment = kept[: end + len(_END)]
            kept, inside = kept[end + len(_END) :], False
            # An event that broke off is followed by the next: the last start is the one that has this end.
            *broken_off, last = [match.start() for match in _START.finditer(fragment)]
            for _ in broken_off:
                facts.lost("an event that breaks off")
            yield fragment[last:]
    if inside:
        facts.lost("the last event breaks off: the export was cut short")


def _allowed(reference: re.Match[str]) -> str:
    """A character reference, if XML allows its character: messages may hold others, and Windows writes them out."""
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    fine = code in (0x9, 0xA, 0xD) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return reference[0] if fine else "\ufffd"


def _fields(root: ElementTree.Element) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in root:
        match _name(part):
            case "System":
                fields.update(_system(part))
            case "EventData" | "UserData":
                fields.setdefault("message", "\n".join(filter(None, ((each.text or "") for each in part.iter()))))
            case "RenderingInfo":
                rendered = {_name(each): each.text or "" for each in part}
                if rendered.get("Message"):
                    fields["message"] = rendered["Message"]
                if rendered.get("Level"):
                    fields["level"] = rendered["Level"]
    return fields


def _system(system: ElementTree.Element) -> dict[str, str]:
    fields = {}
    for each in system:
        text = each.text or ""
        match _name(each):
            case "Provider":
                fields["source"] = each.get("Name") or each.get("EventSourceName") or ""
            case "EventID":
                fields["event_id"] = text
            case "Level":
                fields["level"] = text
            case "TimeCreated":
                fields["time"] = each.get("SystemTime") or ""
            case "EventRecordID":
                fields["record_id"] = text
            case "Channel":
                fields["channel"] = text
            case "Computer":
                fields["computer"] = text
            case "Security":
                fields["user"] = each.get("UserID") or ""
    return fields


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
