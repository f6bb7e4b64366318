"""Fetching a password from where the configuration says it is."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from preflight.config.errors import ConfigurationError
from preflight.config.settings import (
    DomainSettings,
    PasswordFromEnvironment,
    PasswordFromFile,
    PasswordFromPrompt,
)
from preflight.secret import Secret

MOST_BYTES = 4096

Prompt = Callable[[str], str]
"""Shows a text and returns what was typed, unseen."""


def terminal_prompt() -> Prompt | None:
    """A prompt on the terminal; None where there is none to ask on."""
    return getpass.getpass if sys.stdin is not None and sys.stdin.isatty() else None


def read_password(domain: DomainSettings, environ: Mapping[str, str], prompt: Prompt | None) -> Secret:
    """The password of the domain's user.

    An empty password is refused: a server takes a simple bind with one for an anonymous sign-in and says "success"
    (RFC 4513 section 5.1.2).

    Args:
        prompt: None where there is no terminal.

    Raises:
        ConfigurationError: it isn't there, or there is no terminal to ask on.
        ValueError: the domain needs no password.
    """
    source = domain.password
    if source is None:
        raise ValueError(f"{domain.name} needs no password")
    whose = f"The password of {domain.user} ({domain.name})"
    if not isinstance(source, PasswordFromPrompt):
        return read_from(source, whose, environ)
    if prompt is None:
        raise ConfigurationError(
            f"{whose} can't be asked for: there is no terminal. Set password_env to the name of an environment "
            "variable that holds it, or password_file to a file that only this account may read."
        )
    try:
        value = prompt(f"Password of {domain.user} ({domain.name}): ")
    except (EOFError, OSError):
        value = ""
    if not value:
        raise ConfigurationError(f"{whose} was left empty. Run again and type it, or set password_env.")
    return Secret(value)


def read_from(
    source: PasswordFromEnvironment | PasswordFromFile, whose: str, environ: Mapping[str, str], keys: str = ""
) -> Secret:
    """The password that an environment variable or a file holds.

    Args:
        whose: "The password of ...", for the error.
        keys: what stands before the names of the configuration's keys.

    Raises:
        ConfigurationError: it isn't there.
    """
    if isinstance(source, PasswordFromFile):
        return _from_file(whose, source.path)
    value = environ.get(source.variable)
    if not value:
        state = "isn't set" if value is None else "is empty"
        raise ConfigurationError(
            f"{whose} can't be read: the environment variable {source.variable}, named by {keys}password_env, {state}. "
            f"Set it for this process, or use {keys}password_file."
        )
    return Secret(value)


def _from_file(whose: str, path: Path) -> Secret:
    """The file's only line, without its line end."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{whose} can't be read: {path}: {error.strerror}. Check password_file and who may read it."
        ) from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigurationError(
            f"{whose} can't be read: {path} is UTF-16, which PowerShell 5 writes. Save it as UTF-8: "
            "Set-Content -Encoding UTF8"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{whose} can't be read: {path} isn't UTF-8. Save it as UTF-8.") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ConfigurationError(f"{whose} can't be read: {path} is empty. Write the password into it.")
    if len(content) > MOST_BYTES or any(character in text for character in "\r\n\0"):
        raise ConfigurationError(
            f"{whose} can't be read: {path} is not a single line. Write the password alone into it."
        )
    return Secret(text)
