"""One [[domain]] table: how a domain is read, and by whom."""

from __future__ import annotations

import os
import re
import stat
from typing import cast

from preflight.config import addresses
from preflight.config.document import Table
from preflight.config.settings import (
    Auth,
    ControllerAddress,
    DomainSettings,
    PasswordFromEnvironment,
    PasswordFromFile,
    PasswordFromPrompt,
    PasswordSource,
)
from preflight.config.values import REFUSED, account, address, certificates, file, not_empty, one_line
from preflight.directory import distinguished_name as dn
from preflight.network.endpoint import Endpoint

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


def read_domain(table: Table, warnings: list[str]) -> DomainSettings:
    """The settings of the table; warnings are added to the list.

    Raises:
        ConfigurationError
    """
    table.only(_DOMAIN_KEYS, REFUSED)
    name_text = table.string("name")
    if name_text is None:
        raise table.error("name", "the domain's name is missing", 'Add name = "corp.contoso.com".')
    name = address(table, "name", name_text, addresses.domain)
    if "." not in name:
        warnings.append(
            f"{table.document.where(table.path('name'))}: {name} has a single label. Where that is the NetBIOS name, "
            "write the DNS name, such as corp.contoso.com."
        )
    forest_text = table.string("forest")
    ldif = file(table, "ldif")
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
    ca_file = certificates(table)
    if ca_file is not None and auth == "negotiate":
        warnings.append(f"{table.document.where(table.path('ca_file'))}: not used, since negotiate seals without TLS.")
    search_bases = _search_bases(table, name, warnings)
    return DomainSettings(
        name=name,
        forest=None if forest_text is None else address(table, "forest", forest_text, addresses.domain),
        controllers=_controllers(table, auth),
        user=user,
        password=_password(table, user, warnings),
        auth=auth,
        ca_file=ca_file,
        search_bases=search_bases,
        exclude=_exclude(table, name, search_bases),
        nameserver=_nameserver(table),
        connector_account=account(table, "connector_account"),
        ldif=ldif,
    )


def _controllers(table: Table, auth: Auth) -> tuple[ControllerAddress, ...]:
    values = not_empty(table, "controllers", "Leave it out to find the controllers by DNS.")
    found = [address(table, "controllers", value, lambda text: addresses.controller(text, auth)) for value in values]
    return tuple(dict.fromkeys(found))


def _password(table: Table, user: str | None, warnings: list[str]) -> PasswordSource | None:
    variable = table.string("password_env")
    path = file(table, "password_file")
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
    names = not_empty(table, "search_bases", "Leave it out for the whole domain.")
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
        raise table.error(key, one_line(str(error)), f"Write it as {example}.") from None
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
    found = address(table, "nameserver", text, lambda text: addresses.endpoint(text, 53))
    if not found.is_address:
        raise table.error("nameserver", f"{text!r} is no IP address", 'Write it as "10.0.0.10".')
    return found
