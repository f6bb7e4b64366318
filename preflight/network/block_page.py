"""Whose answer it is: the service's own, or that of a proxy or web filter on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from urllib.parse import urlsplit

from preflight.network.endpoint import Endpoint, is_address
from preflight.network.reasons import OK

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
