"""Configuration: `preflight.toml` or options, checked, as frozen settings.

Nothing here sends a packet. Whatever is wrong is a `ConfigurationError` whose text is one paragraph.
"""

from preflight.config.describe import describe, to_public_dict
from preflight.config.errors import ConfigurationError
from preflight.config.loading import ENVIRONMENT_VARIABLE, adjusted, from_options, load, locate
from preflight.config.password import read_from, read_password, terminal_prompt
from preflight.config.schedule import duration
from preflight.config.settings import (
    Configuration,
    Connector,
    ControllerAddress,
    DomainSettings,
    EventSettings,
    HistorySettings,
    MonitorSettings,
    NetworkSettings,
    PasswordFromEnvironment,
    PasswordFromFile,
    PasswordFromPrompt,
    ProxySettings,
    ServiceBusSettings,
    SyncServerSettings,
)

__all__ = [
    "ENVIRONMENT_VARIABLE",
    "Configuration",
    "ConfigurationError",
    "Connector",
    "ControllerAddress",
    "DomainSettings",
    "EventSettings",
    "HistorySettings",
    "MonitorSettings",
    "NetworkSettings",
    "PasswordFromEnvironment",
    "PasswordFromFile",
    "PasswordFromPrompt",
    "ProxySettings",
    "ServiceBusSettings",
    "SyncServerSettings",
    "adjusted",
    "describe",
    "duration",
    "from_options",
    "load",
    "locate",
    "read_from",
    "read_password",
    "terminal_prompt",
    "to_public_dict",
]
