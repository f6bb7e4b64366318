"""From tables to settings: what each key may be, what it defaults to, and which keys exclude each other."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from preflight.config import addresses
from preflight.config.document import Document, Table, read_document
from preflight.config.errors import ConfigurationError
from preflight.config.settings import (
    RELAY_PORTS,
    Auth,
    Cloud,
    Configuration,
    Connector,
    ControllerAddress,
    DomainSettings,
    NetworkSettings,
    PasswordFromEnvironment,
    PasswordFromFile,
    PasswordFromPrompt,
    PasswordSource,
    ServiceBusSettings,
)
from preflight.directory import distinguished_name as dn
from preflight.network.endpoint import Endpoint

ENVIRONMENT_VARIABLE = "PREFLIGHT_CONFIG"

LONGEST_TIMEOUT = 120.0
"""Seconds. Nothing that answers later than this will carry a password reset."""

_CLOUDS = ("public", "us-government", "china")
_AUTHS = ("simple", "kerberos", "negotiate")
_DOMAIN_KEYS = (
    "name",
    "forest",
    "controllers",
    "user",
    "password_env",
    "password_file",
    "auth",
    "ca_file",
    "search_bases",
    "exclude",
    "nameserver",
    "connector_account",
    "ldif",
)
_LIVE_KEYS = ("controllers", "user", "password_env", "password_file", "auth", "ca_file", "nameserver")
_NO_LITERAL = (
    "a password is never written into the configuration (files are copied, backed up and mailed)",
    'Put it into an environment variable and name that: password_env = "CONTOSO_PASSWORD"; or into a file that only '
    'you may read: password_file = "reader.pw"; or leave both out to be asked on the terminal.',
)
_REFUSED = dict.fromkeys(("password", "passwd", "pwd", "pass", "secret", "bind_password"), _NO_LITERAL)

T = TypeVar("T")


def locate(option: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file: `--config`, else PREFLIGHT_CONFIG, else none. The working directory is never searched,
    since a file found there could send credentials to a stranger's host."""
    if option is not None:
        return option
    named = environ.get(ENVIRONMENT_VARIABLE, "")
    return Path(named) if named else None


def load(path: Path) -> Configuration:
    """Read and check a configuration file. Sends nothing.

    Raises:
        ConfigurationError
    """
    document, values = read_document(path)
    return _configuration(document, values)


def from_options(
    domain: str | None = None,
    user: str | None = None,
    *,
    controllers: Sequence[str] = (),
    auth: str | None = None,
    password_env: str | None = None,
    password_file: str | None = None,
    ca_file: str | None = None,
    nameserver: str | None = None,
    ldif: str | None = None,
    connector_account: str | None = None,
    cloud: str | None = None,
    proxy: str | None = None,
    timeout: float | None = None,
) -> Configuration:
    """The start without a file: one domain, or none for network checks alone. Paths start from the working directory.

    Raises:
        ConfigurationError: it names the option.
    """
    options = {
        "name": domain,
        "user": user,
        "controllers": list(controllers) or None,
        "auth": auth,
        "password_env": password_env,
        "password_file": password_file,
        "ca_file": ca_file,
        "nameserver": nameserver,
        "ldif": ldif,
        "connector_account": connector_account,
    }
    network = {"cloud": cloud, "proxy": proxy, "timeout": timeout}
    about_domain = {key: value for key, value in options.items() if value is not None}
    values: dict[str, Any] = {"network": {key: value for key, value in network.items() if value is not None}}
    if about_domain:
        values["domain"] = [about_domain]
    return _configuration(Document(None, Path.cwd()), values)


def _configuration(document: Document, values: Mapping[str, Any]) -> Configuration:
    root = Table(document, "", values)
    root.only(("connector", "domain", "network", "service_bus"))
    warnings: list[str] = []
    domains: dict[str, DomainSettings] = {}
    for table in root.tables("domain"):
        settings = _domain(table, warnings)
        if settings.name in domains:
            raise table.error(
                "name", f"the domain {settings.name} is configured twice", "Keep one [[domain]] table for each domain."
            )
        domains[settings.name] = settings
    return Configuration(
        connector=_connector(root.table("connector")),
        domains=tuple(domains.values()),
        network=_network(root.table("network"), warnings),
        service_bus=_service_bus(root.table("service_bus")),
        source=document.file,
        warnings=tuple(warnings),
    )


def _connector(table: Table) -> Connector:
    table.only(("account", "source_anchor"), _REFUSED)
    anchor = table.string("source_anchor")
    if anchor is not None and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", anchor):
        raise table.error(
            "source_anchor", "this is no attribute's name", 'Such as "mS-DS-ConsistencyGuid" or "objectGUID".'
        )
    return Connector(_account(table, "account"), anchor)


def _domain(table: Table, warnings: list[str]) -> DomainSettings:
    table.only(_DOMAIN_KEYS, _REFUSED)
    name_text = table.string("name")
    if name_text is None:
        raise table.error("name", "the domain's name is missing", 'Add name = "corp.contoso.com".')
    name = _address(table, "name", name_text, addresses.domain)
    if "." not in name:
        warnings.append(
            f"{table.document.where(table.path('name'))}: {name} has a single label. Where that is the NetBIOS name, "
            "write the DNS name, such as corp.contoso.com."
        )
    forest_text = table.string("forest")
    ldif = _file(table, "ldif")
    if ldif is not None:
        for key in _LIVE_KEYS:
            if key in table:
                raise table.error(
                    key,
                    f"{key} is about a live domain controller, but ldif reads an export instead",
                    "Remove one of the two.",
                )
    user = table.string("user")
    auth = cast(Auth, table.choice("auth", _AUTHS, "negotiate" if user is None else "simple"))
    if auth == "simple" and user is None and ldif is None:
        raise table.error(
            "auth",
            'auth = "simple" needs a user',
            'Add user = "reader@corp.contoso.com", or use auth = "negotiate" for the logged-on user or ticket.',
        )
    if user is not None and "=" not in user and not re.search(r"[@\\]", user):
        warnings.append(
            f"{table.document.where(table.path('user'))}: {user!r} doesn't say its domain; a controller may not "
            "know it. Write user@corp.contoso.com (UPN), 'CORP\\user' in single quotes, or a DN."
        )
    ca_file = _certificates(table)
    if ca_file is not None and auth == "negotiate":
        warnings.append(f"{table.document.where(table.path('ca_file'))}: not used, since negotiate seals without TLS.")
    search_bases = _search_bases(table, name, warnings)
    return DomainSettings(
        name=name,
        forest=None if forest_text is None else _address(table, "forest", forest_text, addresses.domain),
        controllers=_controllers(table, auth),
        user=user,
        password=_password(table, user, warnings),
        auth=auth,
        ca_file=ca_file,
        search_bases=search_bases,
        exclude=_exclude(table, name, search_bases),
        nameserver=_nameserver(table),
        connector_account=_account(table, "connector_account"),
        ldif=ldif,
    )


def _controllers(table: Table, auth: Auth) -> tuple[ControllerAddress, ...]:
    values = _not_empty(table, "controllers", "Leave it out to find the controllers by DNS.")
    found = [_address(table, "controllers", value, lambda text: addresses.controller(text, auth)) for value in values]
    return tuple(dict.fromkeys(found))


def _password(table: Table, user: str | None, warnings: list[str]) -> PasswordSource | None:
    variable = table.string("password_env")
    path = _file(table, "password_file")
    key = "password_env" if variable is not None else "password_file"
    if user is None:
        if variable is not None or path is not None:
            raise table.error(key, "there is a password but no user", "Add user, or remove it.")
        return None
    if variable is not None and path is not None:
        raise table.error(key, "password_env and password_file are both set", "Keep one of them.")
    if variable is not None:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
            raise table.error(  # without the value: it may be the password itself
                key,
                "this is no name of an environment variable",
                'Give the name alone, such as "CONTOSO_PASSWORD", without $ or %. The password itself never '
                "stands here.",
            )
        return PasswordFromEnvironment(variable)
    if path is not None:
        if os.name == "posix" and path.stat().st_mode & stat.S_IROTH:
            warnings.append(
                f"{table.document.where(table.path(key))}: every user of this machine may read {path}. "
                f"Protect it: chmod 600 {path}"
            )
        return PasswordFromFile(path)
    return PasswordFromPrompt()


def _search_bases(table: Table, domain: str, warnings: list[str]) -> tuple[str, ...]:
    """The bases, without those below another: users there would be read, and counted, twice."""
    names = _not_empty(table, "search_bases", "Leave it out for the whole domain.")
    for name in names:
        _must_be_in(table, "search_bases", name, domain)
    bases: list[str] = []
    for index, name in enumerate(names):
        others = names[:index] + names[index + 1 :]
        if any(dn.is_under(name, other) and not dn.is_under(other, name) for other in others):
            warnings.append(
                f"{table.document.where(table.path('search_bases'))}: {name!r} is below another search base; "
                "it is read once, with that one."
            )
        elif not any(dn.is_under(name, kept) for kept in bases):
            bases.append(name)
    return tuple(bases)


def _exclude(table: Table, domain: str, search_bases: tuple[str, ...]) -> tuple[str, ...]:
    names = table.strings("exclude") or ()
    for name in names:
        _must_be_in(table, "exclude", name, domain)
    for base in search_bases or (dn.domain_to_dn(domain),):
        if any(dn.is_under(base, name) for name in names):
            raise table.error(
                "exclude", f"the whole of {base!r} is excluded, so no user is left there", "Exclude less."
            )
    return names


def _must_be_in(table: Table, key: str, name: str, domain: str) -> None:
    example = f"OU=People,{dn.domain_to_dn(domain)}"
    try:
        home = dn.dn_to_domain(name)
    except dn.MalformedName as error:
        raise table.error(key, _one_line(str(error)), f"Write it as {example}.") from None
    if home != domain:
        raise table.error(
            key,
            f"{name!r} stands in the domain {home!r}, not in {domain}",
            f"Write it as {example}, or move it to the [[domain]] table of its own domain.",
        )


def _nameserver(table: Table) -> Endpoint | None:
    text = table.string("nameserver")
    if text is None:
        return None
    found = _address(table, "nameserver", text, lambda text: addresses.endpoint(text, 53))
    if not found.is_address:
        raise table.error("nameserver", f"{text!r} is no IP address", 'Write it as "10.0.0.10".')
    return found


def _account(table: Table, key: str) -> str | None:
    text = table.string(key)
    if text is not None and "=" in text:
        try:
            dn.split(text)
        except dn.MalformedName as error:
            raise table.error(
                key, _one_line(str(error)), 'Write a name such as "MSOL_0123abcd", a UPN, a DN or a SID.'
            ) from None
    elif text is not None and text.upper().startswith("S-1-") and not re.fullmatch(r"S-1(-\d+)+", text, re.I):
        raise table.error(key, f"{text!r} is no SID", "A SID reads S-1-5-21-1-2-3-1105.")
    return text


def _network(table: Table, warnings: list[str]) -> NetworkSettings:
    table.only(("cloud", "proxy", "timeout"), _REFUSED)
    timeout = table.number("timeout", NetworkSettings().timeout)
    if not 0 < timeout <= LONGEST_TIMEOUT:  # false for nan, too
        raise table.error(
            "timeout",
            f"{timeout:g} is not a usable time-out" if abs(timeout) < 1e300 else "this is not a usable time-out",
            f"It is in seconds: more than 0, at most {LONGEST_TIMEOUT:g}; the default is 5.",
        )
    text = table.string("proxy")
    proxy = None if text is None else _address(table, "proxy", text, addresses.proxy)
    if proxy is not None and proxy.password is not None and table.document.file is not None:
        warnings.append(
            f"{table.document.where(table.path('proxy'))}: the proxy's URL holds a password. Better leave proxy out "
            "and set the environment variable HTTPS_PROXY to the URL."
        )
    return NetworkSettings(cast(Cloud, table.choice("cloud", _CLOUDS, "public")), proxy, float(timeout))


def _service_bus(table: Table) -> ServiceBusSettings:
    table.only(("namespaces", "relay_ports", "relay_ports_required"), _REFUSED)
    names = _not_empty(table, "namespaces", "Leave it out to try the cloud's documented names.")
    found = [_address(table, "namespaces", name, lambda text: addresses.endpoint(text, 443)) for name in names]
    ports = table.integers("relay_ports", RELAY_PORTS)
    if wrong := [port for port in ports if not 1 <= port <= 65535]:
        shown = wrong[0] if abs(wrong[0]) < 10**9 else "this"
        raise table.error("relay_ports", f"{shown} is no port", "A port is a number from 1 to 65535.")
    return ServiceBusSettings(
        namespaces=tuple(dict.fromkeys(found)),
        relay_ports=tuple(dict.fromkeys(ports)),
        relay_ports_required=table.boolean("relay_ports_required", False),
    )


def _file(table: Table, key: str) -> Path | None:
    """An existing file, its path relative to the configuration."""
    text = table.string(key)
    if text is None:
        return None
    path = table.document.base / text
    try:
        if path.is_dir():
            raise table.error(key, f"{path} is a directory", "Name a file.")
        with path.open("rb"):
            return path
    except FileNotFoundError:
        start = "the configuration file's folder" if table.document.file else "the working directory"
        raise table.error(
            key, f"there is no file {path}", f"Create it or mend the path (relative paths start from {start})."
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise table.error(
            key, f"{_one_line(str(path))} can't be read ({reason})", "Grant this account read access to it."
        ) from None


def _certificates(table: Table) -> Path | None:
    """A file of PEM certificates, looked at now: at sign-in its error would read like the server's."""
    path = _file(table, "ca_file")
    if path is None:
        return None
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except (ssl.SSLError, OSError):
        raise table.error(
            "ca_file",
            f"{path} holds no certificate in PEM form",
            'Export it as "Base-64 encoded X.509 (.CER)", or convert it: '
            "openssl x509 -inform der -in ca.cer -out ca.pem",
        ) from None
    return path


def _not_empty(table: Table, key: str, remedy: str) -> tuple[str, ...]:
    values = table.strings(key)
    if values == ():
        raise table.error(key, "the list is empty", remedy)
    return values or ()


def _address(table: Table, key: str, text: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(text)
    except addresses.BadAddress as error:
        raise table.error(key, _one_line(error.what), error.remedy) from None


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f]+", "?", text)


__all__ = ["ENVIRONMENT_VARIABLE", "ConfigurationError", "from_options", "load", "locate"]
