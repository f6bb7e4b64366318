"""HTTP answers: what came back from a host, and whether it is the service's own or a device's on the way.

A proxy or web filter that inspects TLS with a certificate which this machine trusts shows itself only here, by its
block page in the place of the service's answer.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from types import MappingProxyType
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from preflight.network.endpoint import Endpoint, is_address
from preflight.network.idle import Held
from preflight.network.model import Reach
from preflight.network.reasons import OK, REASONS, Reason
from preflight.network.websocket import UPGRADE_REASONS

WEB_REASONS: Mapping[str, Reason] = MappingProxyType(
    {
        "http-timeout": Reason(
            "TLS stands, but the answer to the HTTP request did not come, or not to its end, in time",
            "Look for a proxy or web filter that holds the request back (sandboxing, inspection); compare from another "
            "network.",
        ),
        "http-closed": Reason(
            "the connection was closed after the HTTP request, without an answer",
            "Look for a firewall or web filter that cuts connections by their content; exempt the host from it.",
        ),
        "http-garbage": Reason(
            "what came back is not HTTP",
            "Look for a device that answers in the host's place; exempt the host from it.",
        ),
        "block-page": Reason(
            "a proxy or web filter answered in the service's place",
            "Exempt the host from the web filter and from TLS inspection; the page in the evidence says whose it is.",
        ),
        "redirected-elsewhere": Reason(
            "the answer leads to a host that is not the service's, as block pages and sign-in portals do",
            "Exempt the host from the web filter or portal that the redirect leads to.",
        ),
    }
)
"""What an `Answer` can carry beside "ok" and the codes of a connection that could not be made."""

LONGEST_PAGE = 65536
"""Bytes of a page that are read; a block page says so at its beginning."""

_SERVICE_DOMAINS = (
    *("microsoftonline.com", "microsoftonline.us", "microsoftonline.cn", "microsoft.com", "microsoft.us"),
    *("windows.net", "usgovcloudapi.net", "chinacloudapi.cn", "azure.com", "azure.us", "azure.cn"),
    *("office.com", "live.com", "windowsazure.com", "windowsazure.us", "windowsazure.cn", "aka.ms"),
)
"""Where an answer of the service may lead on to."""

_FILTER_HEADERS = ("x-squid-error", "x-bluecoat-via", "proxy-authenticate", "proxy-status")
_FILTER_SERVERS = re.compile(
    r"squid|tinyproxy|mitmproxy|bluecoat|proxysg|zscaler|web gateway|fortigate|fortiproxy|sophos|barracuda|websense|"
    r"forcepoint|ironport|umbrella|netskope|palo ?alto",
    re.IGNORECASE,
)
_FILTER_WORDS = re.compile(
    r"(?:page|site|access|request|url|content|connection|category)\b[^.]{0,60}"
    r"\b(?:blocked|denied|prohibited|forbidden|not allowed|not permitted|restricted)"
    r"|\b(?:blocked|denied|prohibited|restricted) (?:by|due to|because of|in accordance)"
    r"|\b(?:web|url|content|internet) ?(?:filter|filtering|gateway|security gateway)\b"
    r"|(?:company|corporate|acceptable.use|internet|security|access) polic(?:y|ies)"
    r"|\bunblock\b|\bcaptive portal\b|network authentication required",
    re.IGNORECASE,
)
_STATUS_OF_A_PROXY = (407, 511)
_SHORT = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one HTTP request, or why there is none.

    Attributes:
        via: "direct", "proxy HOST:PORT" or "recorded".
        code: "ok": the service answered (401 and 404 included). Else a code of `WEB_REASONS`, or of `REASONS` where
            no connection could be made.
        message: one sentence on what is wrong; "" if ok.
        status: of HTTP; None where no answer came.
        headers: those that say who answered, names in lower case.
        page: the beginning of the page's text, for a person.
        date: the Date header, if it is the time of this answer (not one out of a cache).
        sent, received: by this machine's clock, around the request and the header of its answer; None as recorded.
        skew: recorded answers only: seconds that this machine was ahead.
    """

    endpoint: Endpoint
    via: str
    code: str
    message: str = ""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    date: datetime | None = None
    sent: datetime | None = None
    received: datetime | None = None
    skew: float | None = None

    @property
    def reached(self) -> bool:
        return self.code == OK

    @property
    def reason(self) -> Reason | None:
        """Meaning and remedy of the code; None if reached."""
        return WEB_REASONS.get(self.code) or UPGRADE_REASONS.get(self.code) or REASONS.get(self.code)


@runtime_checkable
class Web(Protocol):
    """Puts HTTP requests to endpoints that TLS reaches. Safe to use from several threads.

    Each takes what an earlier connection found, and goes the same way. A failure is an answer with a code, never an
    exception.

    Raises:
        Unavailable: only by a recording that doesn't know the endpoint.
    """

    def ask(self, reach: Reach) -> Answer:
        """GET /, without following where it leads."""

    def upgrade(self, reach: Reach) -> Answer:
        """Ask for a WebSocket as the relay's clients do; nothing is said on it."""

    def hold(self, reach: Reach, seconds: float, stop: threading.Event) -> Sequence[Held]:
        """Leave connections idle for that long and for shorter times side by side, then use them.

        `stop` ends the wait early.
        """


def not_connected(reach: Reach) -> Answer:
    """The answer of an endpoint that no connection could be made to."""
    return Answer(reach.endpoint, reach.via, reach.code, reach.message)


def judged(
    endpoint: Endpoint, status: int, headers: Mapping[str, str], page: bytes, content_type: str
) -> tuple[str, str, str]:
    """Whose answer it is: code, message, and the page's text.

    TLS was verified, so somebody answered whom this machine trusts for the name. It is taken for the service unless
    something says otherwise: a redirect to another host, a status or a header that only proxies use, or a page that
    says of itself that it blocks. An answer that carries the service's own headers is not judged by its words.
    """
    read = _read(page, content_type)
    elsewhere = _elsewhere(endpoint, headers.get("location", "") if 300 <= status < 400 else read.refresh)
    if elsewhere:
        return "redirected-elsewhere", f"{endpoint.host} sends on to {elsewhere}, which is not the service's", read.text
    for name in _FILTER_HEADERS:
        if name in headers:
            return "block-page", f"a proxy answered for {endpoint.host}, by its header {name}", read.text
    if status in _STATUS_OF_A_PROXY:
        return "block-page", f"a proxy answered for {endpoint.host}: status {status} is no server's own", read.text
    server = headers.get("server", "")
    if _FILTER_SERVERS.search(server):
        return "block-page", f"{server[:_SHORT]} answered for {endpoint.host}", read.text
    if _is_service(headers):
        return OK, "", read.text
    said = _FILTER_WORDS.search(read.title) or _FILTER_WORDS.search(read.text)
    if said is not None:
        title = f", titled {read.title!r}," if read.title else ""
        return (
            "block-page",
            f"a page{title} answered for {endpoint.host} and says {said[0][:_SHORT]!r}",
            read.text,
        )
    return OK, "", read.text


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """When the answer was made, by the clock of who made it; None: it doesn't say, or comes out of a cache."""
    if headers.get("age", "0").strip() != "0":
        return None
    try:
        date = parsedate_to_datetime(headers.get("date", ""))
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _is_service(headers: Mapping[str, str]) -> bool:
    return headers.get("server", "").startswith("Microsoft-") or any(
        name.startswith(("x-ms-", "x-azure-")) for name in headers
    )


def _elsewhere(endpoint: Endpoint, location: str) -> str:
    """The foreign host that a redirect leads to; "" for none."""
    try:
        host = (urlsplit(location.strip()).hostname or "").removesuffix(".").lower()
    except ValueError:
        return ""
    if not host or host == endpoint.host:
        return ""
    parent = endpoint.host.partition(".")[2]
    own = (*_SERVICE_DOMAINS, *([parent] if "." in parent and not is_address(endpoint.host) else []))
    return "" if any(host == domain or host.endswith("." + domain) for domain in own) else host[:_SHORT]


class _Reader(HTMLParser):
    """The words of a page that a person sees, its title, and where it refreshes to."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.refresh = ""
        self._inside = ""
        self._words: list[str] = []

    @property
    def text(self) -> str:
        return _one_line(" ".join(self._words))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ("title", "script", "style"):
            self._inside = tag
        elif tag == "meta":
            given = {name: value or "" for name, value in attributes}
            if given.get("http-equiv", "").lower() == "refresh":
                self.refresh = given.get("content", "").partition("=")[2].strip(" '\"")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title = _one_line(self.title + data)[:_SHORT]
        elif not self._inside:
            self._words.append(data)


def _read(page: bytes, content_type: str) -> _Reader:
    reader = _Reader()
    text = page.decode("utf-8", "replace")
    if "html" in content_type.lower() or text.lstrip()[:15].lower().startswith(("<!doctype html", "<html")):
        try:
            reader.feed(text)
            reader.close()
        except (ValueError, AssertionError):  # what Python's parser makes of a malformed declaration
            return _Reader()
    elif content_type.lower().startswith("text/plain"):
        reader.handle_data(text)
    return reader


def _one_line(text: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(shown.split())
