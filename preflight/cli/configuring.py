"""From options to the configuration and its passwords: where every command that looks at something begins."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from importlib.util import find_spec

from preflight.cli.options import Settings
from preflight.cli.problem import Problem
from preflight.config import (
    Configuration,
    ConfigurationError,
    from_options,
    load,
    locate,
    read_password,
    terminal_prompt,
)
from preflight.secret import Secret


def configured(settings: Settings) -> Configuration:
    """The configuration of the file, or of the options."""
    options = {each.name: getattr(settings, each.name) for each in fields(settings) if each.name != "config"}
    given = [name for name, value in options.items() if value not in (None, ())]
    try:
        path = locate(settings.config, os.environ)
        if path is not None and settings.config is None and given:
            path = None  # options say it all; the variable is for runs without any
        if path is None:
            return from_options(connector_account=options.pop("connector"), **options)
        if given:
            names = ", ".join(_option_name(name) for name in given)
            raise Problem(f"--config and {names} don't go together: put them into {path}, or leave out --config.")
        return load(path)
    except ConfigurationError as error:
        raise Problem(str(error)) from None


def _option_name(name: str) -> str:
    return {"controllers": "--controller"}.get(name, "--" + name.replace("_", "-"))


def passwords_of(configuration: Configuration) -> Mapping[str, Secret]:
    """Fetched before anything runs: nobody is asked from a thread, and a missing one costs no packet.

    Raises:
        Problem: a password isn't there, or this installation can't sign in the way that is configured.
    """
    for domain in configuration.domains:
        if domain.ldif is None and domain.auth != "simple" and find_spec("spnego") is None:
            raise Problem(
                f"{domain.name}: this installation can't sign in by {domain.auth}: the package pyspnego is missing, "
                'and a single-file .pyz can\'t hold it. Name a `user` (LDAPS or StartTLS, auth = "simple"), or '
                "install from the wheelhouse."
            )
    try:
        return {
            domain.name: read_password(domain, os.environ, terminal_prompt())
            for domain in configuration.domains
            if domain.password is not None
        }
    except ConfigurationError as error:
        raise Problem(str(error)) from None
