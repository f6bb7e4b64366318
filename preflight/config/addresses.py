"""Hosts, ports and URLs as they are written in a configuration."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from preflight.config.settings import LDAP_PORT, LDAPS_PORT, Auth, ControllerAddress, ProxySettings
from preflight.network.endpoint import Endpoint, is_address, normalise_host
from preflight.secret import Secret

GLOBAL_CATALOG_PORTS = (3268, 3269)


class BadAddress(ValueError):
    """What is wrong with an address, and what to do, as two sentences without the last full stop of the first."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def endpoint(text: str, default_port: int) -> Endpoint:
    """`host`, `host:port`, `[IPv6]:port`, or an IPv6 address alone.

    Raises:
        BadAddress
    """
    try:
        return Endpoint.parse(text, default_port)
    except ValueError as error:
        raise BadAddress(
            str(error), f"Write it as host or host:port, such as relay.contoso.com:{default_port}."
        ) from None


def domain(text: str) -> str:
    """The DNS name of a domain, lower case.

    Raises:
        BadAddress
    """
    bare = text.strip().removesuffix(".")
    if "=" in bare or "\\" in bare or "@" in bare or "/" in bare or ":" in bare:
        raise BadAddress(f"{_short(text)} is no domain's DNS name", "Write it as corp.contoso.com.")
    try:
        name = normalise_host(bare)
    except ValueError as error:
        raise BadAddress(str(error), "Write it as corp.contoso.com.") from None
    if is_address(name):
        raise BadAddress(f"{_short(text)} is an IP address", "Name the domain as DNS does, such as corp.contoso.com.")
    return name


def controller(text: str, auth: Auth) -> ControllerAddress:
    """`host`, `host:port`, `ldaps://host:636` or `ldap://host:389`.

    TLS comes from the scheme, else from the port (389: StartTLS; any other: TLS from the first byte). `negotiate` seals
    by itself and goes without TLS.

    Raises:
        BadAddress
    """
    scheme, separator, rest = text.strip().rpartition("://")
    scheme = scheme.lower()
    if separator and scheme not in ("ldap", "ldaps"):
        raise BadAddress(f"{_short(text)} has the scheme {scheme!r}", "Use ldaps://host:636 or ldap://host:389.")
    rest = rest.removesuffix("/") if separator else rest
    if "@" in rest:
        raise BadAddress("a controller's address holds no user", "Set user beside it.")
    try:
        asked = Endpoint.parse(rest, 0)
    except ValueError as error:
        raise BadAddress(
            str(error), "Write it as dc1.corp.contoso.com, or with a port, dc1.corp.contoso.com:636."
        ) from None
    name, port = asked.host, asked.port
    shown = f"[{name}]" if asked.is_address and ":" in name else name
    if port in GLOBAL_CATALOG_PORTS:
        raise BadAddress(
            f"port {port} is the global catalogue, which holds only part of each object",
            "Use the domain's own port: 636 (or 389).",
        )
    if auth == "negotiate":
        if scheme == "ldaps" or (not scheme and port == LDAPS_PORT):
            raise BadAddress(
                f'{_short(text)} means TLS, but auth = "negotiate" seals by itself (TLS or sealing, never both)',
                f'Write ldap://{shown}:389, or set auth = "kerberos" or "simple".',
            )
        return ControllerAddress(name, port or LDAP_PORT, "none")
    if scheme == "ldap" or (not scheme and port == LDAP_PORT):
        if port == LDAPS_PORT:
            raise BadAddress(
                f"{_short(text)} means StartTLS, but port 636 speaks TLS from the first byte",
                f"Write ldaps://{shown}:636 or ldap://{shown}:389.",
            )
        return ControllerAddress(name, port or LDAP_PORT, "starttls")
    if port == LDAP_PORT:
        raise BadAddress(
            f"{_short(text)} means TLS from the first byte, but port 389 starts without",
            f"Write ldaps://{shown}:636, or ldap://{shown}:389 for StartTLS.",
        )
    return ControllerAddress(name, port or LDAPS_PORT, "ldaps")


def proxy(text: str) -> ProxySettings:
    """`http://[user:password@]host:port`. The text is never part of the error: it may hold a password.

    Raises:
        BadAddress
    """
    remedy = "Write it as http://proxy.contoso.com:3128."
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise BadAddress("this is no proxy's URL", remedy) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadAddress("this is no proxy's URL", remedy)
    if parts.scheme == "https":
        raise BadAddress("a proxy that is itself spoken to over TLS (https://) isn't supported", remedy)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise BadAddress("a proxy's URL ends after the port", remedy)
    if port is None or port == 0:
        raise BadAddress("the proxy's port is missing", remedy)
    try:
        name = normalise_host(parts.hostname)
    except ValueError:
        raise BadAddress("the proxy's host is no host name or IP address", remedy) from None
    password = Secret(unquote(parts.password)) if parts.password is not None else None
    return ProxySettings(Endpoint(name, port), unquote(parts.username) if parts.username else None, password)


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "...")
