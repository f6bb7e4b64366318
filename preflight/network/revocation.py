"""Whether the lists of revoked certificates, and the responders that are asked for one, are reached: plain HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from socket import socket
from urllib.parse import urlsplit

from preflight.network.certificate import Certificate
from preflight.network.endpoint import Endpoint
from preflight.network.proxy import Proxy, field_of, read_header, status_of
from preflight.network.reasons import OK, PROBE_CODES

_PROXY_CODES = (
    "proxy-unresolved",
    "proxy-unreachable",
    "proxy-authentication",
    "proxy-bad-gateway",
    "proxy-gateway-timeout",
)

REVOCATION_CODES: Mapping[str, str] = {
    **{
        code: meaning
        for code, meaning in PROBE_CODES.items()
        if code == "name-unresolved" or code.startswith("tcp-") or code in _PROXY_CODES
    },
    "http-timeout": "the connection stands, but no answer came in time",
    "http-closed": "the connection was cut instead of an answer",
    "http-garbage": "what answers does not speak HTTP",
    "http-refused": "the answer is an error in place of the list",
    "block-page": "a page for people came in place of the list",
}


@dataclass(frozen=True, slots=True)
class RevocationAddress:
    """Where revocation is asked for.

    Attributes:
        kind: "crl" (a list to fetch) or "ocsp" (a responder).
    """

    url: str
    kind: str

    @property
    def endpoint(self) -> Endpoint | None:
        """None: the certificate names no usable host."""
        try:
            parts = urlsplit(self.url)
            return Endpoint.parse(f"{parts.hostname}:{parts.port or 80}" if parts.hostname else "")
        except ValueError:
            return None

    @property
    def path(self) -> str:
        """As it stands in a request, without anything that could end the line."""
        parts = urlsplit(self.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return "".join(character for character in path if "!" <= character <= "~")


@dataclass(frozen=True, slots=True)
class RevocationAnswer:
    """What came of asking.

    Attributes:
        code: "ok", or a code of `REVOCATION_CODES`.
        via: "direct", "proxy HOST:PORT" or "recorded".
    """

    address: RevocationAddress
    code: str
    message: str = ""
    via: str = "direct"
    status: int | None = None


def addresses_of(chains: Iterable[tuple[Certificate, ...]]) -> tuple[RevocationAddress, ...]:
    """Those that the certificates name, each once."""
    found: dict[RevocationAddress, None] = {}
    for certificate in (each for chain in chains for each in chain):
        found |= dict.fromkeys(RevocationAddress(url, "crl") for url in certificate.crls)
        found |= dict.fromkeys(RevocationAddress(url, "ocsp") for url in certificate.ocsp)
    return tuple(found)


def ask(
    connection: socket, address: RevocationAddress, proxy: Proxy | None, until: float, authorization: str = ""
) -> RevocationAnswer:
    """Ask for the header only, and judge it.

    Args:
        until: on time.monotonic's clock.
        authorization: for the proxy; "": none.
    """
    via = "direct" if proxy is None else f"proxy {proxy}"
    endpoint = address.endpoint
    assert endpoint is not None
    host = endpoint.host if endpoint.port == 80 else str(endpoint)
    target = address.path if proxy is None else f"http://{host}{address.path}"
    request = f"HEAD {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    if authorization:
        request += f"Proxy-Authorization: {authorization}\r\n"
    try:
        connection.settimeout(max(until - time.monotonic(), 0.001))
        connection.sendall(f"{request}\r\n".encode("ascii"))
        header, ended = read_header(connection, until)
    except TimeoutError:
        return RevocationAnswer(address, "http-timeout", f"{host} did not answer in time", via)
    except OSError:
        return RevocationAnswer(address, "http-closed", f"the connection to {host} was cut", via)
    status = status_of(header)
    if status is None:
        code = "http-closed" if ended else "http-garbage"
        return RevocationAnswer(address, code, f"{host} did not answer as an HTTP server does", via)
    code, message = _judge(address, host, status, field_of(header, "content-type"), proxied=proxy is not None)
    return RevocationAnswer(address, code, message, via, status)


def _judge(address: RevocationAddress, host: str, status: int, content_type: str, *, proxied: bool) -> tuple[str, str]:
    what = f"{host} answered with {status}"
    if status == 407:
        return "proxy-authentication", f"the proxy asks for credentials for plain HTTP: {what}"
    if proxied and status in (502, 503, 504):
        return "proxy-bad-gateway" if status != 504 else "proxy-gateway-timeout", f"through the proxy, {what}"
    if status in (403, 451, 511):
        return "http-refused", what
    if status in (302, 303, 307):
        return "block-page", f"{what}, a redirection"
    if address.kind == "ocsp":
        return OK, ""  # asked without a question: whatever a responder says to that, it was reached
    if status >= 400:
        return "http-refused", what
    if content_type.startswith("text/html"):
        return "block-page", f"{what} and {content_type}"
    return OK, ""
