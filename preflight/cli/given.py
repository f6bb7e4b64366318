"""Gives a command the options that say where its configuration comes from, and hands them over as `Settings`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from preflight.cli import options
from preflight.cli.options import Settings

Command = Callable[..., int]


def directory_settings(
    config: options.Config = None,
    domain: options.Domain = None,
    user: options.User = None,
    auth: options.Auth = None,
    controller: options.Controllers = None,
    password_env: options.PasswordEnv = None,
    password_file: options.PasswordFile = None,
    ca_file: options.CaFile = None,
    nameserver: options.Nameserver = None,
    ldif: options.Ldif = None,
    connector: options.ConnectorAccount = None,
    timeout: options.Timeout = None,
) -> Settings:
    """What a command asks that looks at the directory alone."""
    return Settings(
        config=config,
        domain=domain,
        user=user,
        auth=auth,
        controllers=tuple(controller or ()),
        password_env=password_env,
        password_file=password_file,
        ca_file=ca_file,
        nameserver=nameserver,
        ldif=ldif,
        connector=connector,
        timeout=timeout,
    )


def network_settings(cloud: options.Cloud = None, proxy: options.Proxy = None) -> dict[str, str | None]:
    """What a command asks besides that looks at the network too."""
    return {"cloud": cloud, "proxy": proxy}


def given_directory(command: Command) -> Command:
    """The command with the options of `directory_settings`; its parameter `settings` is what they make."""
    return _given(command, _parameters(directory_settings), directory_settings)


def given_everything(command: Command) -> Command:
    """The same with those of `network_settings`."""
    of_the_network = _parameters(network_settings)

    def make(**values: Any) -> Settings:
        network = {name: values.pop(name) for name in of_the_network}
        return replace(directory_settings(**values), **network)

    return _given(command, _parameters(directory_settings) | of_the_network, make)


def _parameters(function: Callable[..., object]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function, eval_str=True).parameters)


def _given(command: Command, added: dict[str, inspect.Parameter], make: Callable[..., Settings]) -> Command:
    """typer reads a command's options from its signature: that of what is returned has the added ones in the place of
    `settings`."""
    parameters: dict[str, inspect.Parameter] = {}
    for name, parameter in _parameters(command).items():
        parameters |= added if name == "settings" else {name: parameter}
    # Given by name, they may stand in any order, whatever has a default.
    named = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters.values()]

    @functools.wraps(command)
    def call(**values: Any) -> int:
        settings = make(**{name: values.pop(name) for name in added})
        return command(settings=settings, **values)

    call.__signature__ = inspect.Signature(named, return_annotation=int)  # type: ignore[attr-defined]
    call.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()} | {"return": int}
    return call
