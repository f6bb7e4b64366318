"""Values that several tables hold: files, certificates, addresses, accounts, and what is never a value."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from preflight.config.addresses import BadAddress
from preflight.config.document import Table
from preflight.directory import distinguished_name as dn

NO_LITERAL = (
    "a password is never written into the configuration (files are copied, backed up and mailed)",
    'Put it into an environment variable and name that: password_env = "CONTOSO_PASSWORD"; or into a file that only '
    'you may read: password_file = "reader.pw"; or leave both out to be asked on the terminal.',
)
REFUSED = dict.fromkeys(("password", "passwd", "pwd", "pass", "secret", "bind_password"), NO_LITERAL)
"""Keys that people try for a password, each with what is wrong and what to do."""

T = TypeVar("T")


def account(table: Table, key: str) -> str | None:
    """The name of an account: sAMAccountName, UPN, DN or SID, as written."""
    text = table.string(key)
    if text is not None and "=" in text:
        try:
            dn.split(text)
        except dn.MalformedName as error:
            raise table.error(
                key, one_line(str(error)), 'Write a name such as "MSOL_0123abcd", a UPN, a DN or a SID.'
            ) from None
    elif text is not None and text.upper().startswith("S-1-") and not re.fullmatch(r"S-1(-\d+)+", text, re.I):
        raise table.error(key, f"{text!r} is no SID", "A SID reads S-1-5-21-1-2-3-1105.")
    return text


def file(table: Table, key: str) -> Path | None:
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
            key, f"{one_line(str(path))} can't be read ({reason})", "Grant this account read access to it."
        ) from None


def certificates(table: Table) -> Path | None:
    """A file of PEM certificates, looked at now: at sign-in its error would read like the server's."""
    path = file(table, "ca_file")
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


def not_empty(table: Table, key: str, remedy: str) -> tuple[str, ...]:
    values = table.strings(key)
    if values == ():
        raise table.error(key, "the list is empty", remedy)
    return values or ()


def address(table: Table, key: str, text: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(text)
    except BadAddress as error:
        raise table.error(key, one_line(error.what), error.remedy) from None


def one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f]+", "?", text)
