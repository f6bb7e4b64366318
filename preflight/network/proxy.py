"""HTTP proxies: their URLs, what the environment says about them, and the CONNECT request (RFC 9110 9.3.6)."""

from __future__ import annotations

import base64
import ipaddress
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from socket import socket
from urllib.parse import unquote

from preflight.network.endpoint import Endpoint
from preflight.network.reasons import OK

LONGEST_HEADER = 65536
LONGEST_STATUS_LINE = 4096
"""Bytes of an answer that are read before it is called garbage."""

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: ([^\r\n]*))?\r?\n")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")

_CODES = {
    401: "proxy-authentication",  # not what HTTP says, but what tinyproxy answers to a wrong password
    403: "proxy-forbidden",
    407: "proxy-authentication",
    502: "proxy-bad-gateway",
    503: "proxy-bad-gateway",  # squid, where the host refuses or doesn't resolve
    504: "proxy-gateway-timeout",
}


class Credentials:
    """A user name and password for a proxy, which show themselves to nobody but the proxy."""

    __slots__ = ("_password", "_user")

    def __init__(self, user: str, password: str) -> None:
        if ":" in user:
            raise ValueError("the proxy's user name holds a colon, which Basic authentication can't carry")
        self._user = user
        self._password = password

    def basic(self) -> str:
        """The value of a Proxy-Authorization header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self._user}:{self._password}".encode()).decode("ascii")

    def reveal(self) -> tuple[str, str]:
        """User name and password, for a sign-in that computes with them."""
        return self._user, self._password

    def scrub(self, text: str) -> str:
        """The text without the password, should somebody have echoed it."""
        for secret in (self.basic().partition(" ")[2], self._password):
            text = text.replace(secret, "***") if secret else text
        return text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Credentials) and self.basic() == other.basic()

    def __hash__(self) -> int:
        return hash(self.basic())

    def __repr__(self) -> str:
        return "Credentials(***)"

    def __reduce__(self) -> str:
        raise TypeError("credentials are not written anywhere")


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy that is spoken to in the clear and asked to CONNECT."""

    endpoint: Endpoint
    credentials: Credentials | None = None

    @classmethod
    def parse(cls, url: str) -> Proxy:
        """ "http://[user:password@]host:port"; the scheme may be left out, the port too (80).

        Raises:
            ValueError: says what is wrong without repeating what may be a password.
        """
        scheme, separator, rest = url.strip().rpartition("://")
        if separator and scheme.lower() != "http":
            shown = scheme.lower() if _SCHEME.fullmatch(scheme) else "another scheme"
            raise ValueError(f"the proxy's URL starts with {shown}://, but only http:// proxies are supported")
        sign_in, _, place = rest.rpartition("@")
        place, _, path = place.partition("/")
        if path:
            raise ValueError("the proxy's URL has a path: write http://host:port")
        try:
            endpoint = Endpoint.parse(place, default_port=80)
        except ValueError as error:
            raise ValueError(f"the proxy's URL names no host and port: {error}") from None
        if not sign_in:
            return cls(endpoint)
        user, _, password = sign_in.partition(":")
        return cls(endpoint, Credentials(unquote(user), unquote(password)))

    def __str__(self) -> str:
        """Host and port, without credentials."""
        return str(self.endpoint)


def proxy_from_environment(endpoint: Endpoint, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy that HTTPS_PROXY or ALL_PROXY names, unless NO_PROXY exempts the endpoint; None: direct.

    Lower case goes before upper case, as with curl.

    Raises:
        ValueError: the variable is named in the message, its value isn't repeated.
    """
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        url = environ.get(name, "").strip()
        if url:
            break
    else:
        return None
    if exempt(endpoint, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return None
    try:
        return Proxy.parse(url)
    except ValueError as error:
        raise ValueError(f"{name} in the environment: {error}") from None


def exempt(endpoint: Endpoint, no_proxy: str) -> bool:
    """Whether NO_PROXY says that the endpoint is reached directly.

    Entries, separated by commas or blanks: "*"; a name, with or without "." or "*." before it, which means itself and
    what is under it; an address; a network such as 10.0.0.0/8; any of them but a network with ":port". What can't be
    understood exempts nothing.
    """
    return any(_entry_matches(endpoint, entry) for entry in re.split(r"[\s,]+", no_proxy.lower()) if entry)


def _entry_matches(endpoint: Endpoint, entry: str) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        try:
            return ipaddress.ip_address(endpoint.host) in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    try:
        meant = Endpoint.parse(entry.removeprefix("*").removeprefix("."), default_port=endpoint.port)
    except ValueError:
        return False
    if meant.port != endpoint.port:
        return False
    if meant.host == endpoint.host:
        return True
    return not (meant.is_address or endpoint.is_address) and endpoint.host.endswith("." + meant.host)


@dataclass(frozen=True, slots=True)
class ConnectAnswer:
    """What the proxy made of a CONNECT request.

    Attributes:
        code: "ok", or a proxy code of `REASONS`.
        message: one sentence; "" if ok.
        header: as received; empty unless it was an HTTP answer.
    """

    code: str
    message: str = ""
    header: bytes = b""

    @property
    def asks_to_sign_in(self) -> bool:
        return self.code == "proxy-authentication"

    @property
    def schemes(self) -> tuple[str, ...]:
        """The authentication schemes on offer, in the proxy's order."""
        return schemes(self.header)

    def challenge(self, scheme: str) -> bytes | None:
        """The token that the proxy sent with a scheme (RFC 4559); None: it sent none that can be read."""
        for value in _challenges(self.header):
            word, _, token = value.strip().partition(" ")
            if word.lower() == scheme.lower() and token.strip():
                try:
                    return base64.b64decode(token.strip(), validate=True)
                except ValueError:
                    return None
        return None


def ask_to_connect(
    connection: socket, proxy: Proxy, endpoint: Endpoint, until: float, authorization: str = ""
) -> ConnectAnswer:
    """Send CONNECT and read the header of the answer, not a byte more.

    Args:
        until: on time.monotonic's clock; the whole exchange ends by then, however the answer drips.
        authorization: the value of the Proxy-Authorization header; "": none is sent.
    """
    request = f"CONNECT {endpoint} HTTP/1.1\r\nHost: {endpoint}\r\n"
    if authorization:
        request += f"Proxy-Authorization: {authorization}\r\n"
    try:
        connection.settimeout(max(until - time.monotonic(), 0.001))
        connection.sendall(f"{request}\r\n".encode("ascii"))
        header, ended = read_header(connection, until)
    except TimeoutError:
        return ConnectAnswer("proxy-timeout", f"the proxy {proxy} did not answer CONNECT {endpoint} in time")
    except OSError:
        return ConnectAnswer("proxy-closed", f"the proxy {proxy} cut the connection after CONNECT {endpoint}")
    status_line = _STATUS_LINE.match(header)
    if ended:
        return ConnectAnswer("proxy-closed", f"the proxy {proxy} hung up before it had answered CONNECT {endpoint}")
    if status_line is None or not _complete(header):
        return ConnectAnswer("proxy-garbage", f"{proxy} did not answer CONNECT {endpoint} as an HTTP proxy does")
    code, message = _judge(proxy, endpoint, int(status_line[1]), status_line[2] or b"", authorization)
    return ConnectAnswer(code, message, header)


def read_header(connection: socket, until: float) -> tuple[bytes, bool]:
    """An HTTP header, up to its empty line or to where it can't be HTTP any more; and whether the stream ended before.

    Raises:
        OSError: of the connection; TimeoutError when `until` has come.
    """
    header = bytearray()
    # One byte at a time: what follows the header belongs to the host behind the proxy.
    while not _complete(header) and len(header) < LONGEST_HEADER:
        connection.settimeout(max(until - time.monotonic(), 0.001))
        byte = connection.recv(1)
        if not byte:
            return bytes(header), True
        if time.monotonic() > until:
            raise TimeoutError
        header += byte
        known = min(len(header), 7)
        if header[:known] != b"HTTP/1."[:known] or (len(header) == LONGEST_STATUS_LINE and b"\n" not in header):
            break
    return bytes(header), False


def status_of(header: bytes) -> int | None:
    """The status in an HTTP header; None: it is none, or not whole."""
    status_line = _STATUS_LINE.match(header)
    return int(status_line[1]) if status_line and _complete(header) else None


def field_of(header: bytes, wanted: str) -> str:
    """The first value of a field, lower case; "" where it isn't there."""
    for line in header.decode("latin-1").splitlines()[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() == wanted:
            return value.strip().lower()
    return ""


def read_past_body(connection: socket, header: bytes, until: float) -> bool:
    """Read over the body of an answer, so that the connection can be asked again; False: it can't.

    Raises:
        OSError: of the connection; TimeoutError when `until` has come.
    """
    if "close" in (field_of(header, "connection"), field_of(header, "proxy-connection")):
        return False
    length = field_of(header, "content-length") or "0"
    if field_of(header, "transfer-encoding") or not length.isdigit() or len(length) > 6:
        return False
    left = int(length)
    while left:
        connection.settimeout(max(until - time.monotonic(), 0.001))
        read = len(connection.recv(min(left, LONGEST_HEADER)))
        if not read:
            return False
        if time.monotonic() > until:
            raise TimeoutError
        left -= read
    return True


def _complete(header: bytes | bytearray) -> bool:
    return header.endswith((b"\r\n\r\n", b"\n\n"))


def _judge(proxy: Proxy, endpoint: Endpoint, status: int, phrase: bytes, authorization: str) -> tuple[str, str]:
    if 200 <= status < 300:
        return OK, ""
    code = _CODES.get(status, "proxy-status")
    text = phrase.decode("latin-1").strip()[:100]
    text = "".join(character if character.isprintable() else "?" for character in text)
    for secret in authorization.split()[1:]:
        text = text.replace(secret, "***")
    if proxy.credentials is not None:
        text = proxy.credentials.scrub(text)
    return code, f"the proxy {proxy} answered CONNECT {endpoint} with {status}{f' {text}' if text else ''}"


def _challenges(header: bytes) -> Iterator[str]:
    for line in header.decode("latin-1").splitlines()[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() in ("proxy-authenticate", "www-authenticate"):
            yield value


def schemes(header: bytes) -> tuple[str, ...]:
    """The authentication schemes that an answer offers, in its order: "Negotiate", "NTLM", "Basic"."""
    found: dict[str, None] = {}
    for value in _challenges(header):
        # Challenges and their parameters share the comma: a challenge's first word has no "=".
        for part in re.sub(r'"[^"]*"', '""', value).split(","):
            word = part.split(maxsplit=1)[0] if part.strip() else ""
            if _SCHEME.fullmatch(word):
                found[word] = None
    return tuple(found)
