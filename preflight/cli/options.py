"""The options that commands share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Optional

import typer

Config = Annotated[
    Optional[Path],  # noqa: UP045 - typer reads it at run time
    typer.Option("--config", metavar="FILE", help="preflight.toml (or the variable PREFLIGHT_CONFIG)."),
]
Domain = Annotated[Optional[str], typer.Option(metavar="NAME", help="Without a file: the domain's DNS name.")]  # noqa: UP045
User = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(metavar="NAME", help="As whom to read; left out: the logged-on user."),
]
Auth = Annotated[Optional[str], typer.Option(metavar="simple|kerberos|negotiate", help="How to sign in.")]  # noqa: UP045
Controllers = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--controller", metavar="HOST", help="host, host:port or ldaps://host:636; may be repeated."),
]
PasswordEnv = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(metavar="VARIABLE", help="The environment variable that holds the password."),
]
PasswordFile = Annotated[Optional[str], typer.Option(metavar="FILE", help="The file that holds the password.")]  # noqa: UP045
CaFile = Annotated[Optional[str], typer.Option(metavar="FILE", help="Trust these certificates (PEM) for LDAP.")]  # noqa: UP045
Nameserver = Annotated[Optional[str], typer.Option(metavar="ADDRESS", help="A DNS server of the domain.")]  # noqa: UP045
Ldif = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--ldif", metavar="FILE", help="Read this LDIF export instead of a live controller."),
]
ConnectorAccount = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--connector", metavar="NAME", help="Entra Connect's account; left out: discovered."),
]
Cloud = Annotated[Optional[str], typer.Option(metavar="public|us-government|china", help="The cloud.")]  # noqa: UP045
Proxy = Annotated[Optional[str], typer.Option(metavar="URL", help="The HTTP proxy; left out: the environment's.")]  # noqa: UP045
MachineConfig = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--machine-config", metavar="FILE", help="The sync server's .NET machine.config, for its proxy."),
]
Timeout = Annotated[Optional[float], typer.Option(metavar="SECONDS", help="For one connection or answer.")]  # noqa: UP045
NamespacesFrom = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--namespaces-from", metavar="EVENTS", help="A text in which your relays stand, such as that of event 31019."
    ),
]
Idle = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option("--idle", metavar="SECONDS", help="How long network.idle-survives leaves connections idle."),
]
Waivers = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--waivers", metavar="FILE", help="waivers.toml: findings that are known and accepted for a time."),
]
History = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--history", metavar="FILE", help="The history of runs; left out: the platform's own place."),
]
NoHistory = Annotated[bool, typer.Option("--no-history", help="Don't record this run.")]
Wait = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--wait", metavar="5m", help="Run again, with fresh connections, until ready or for so long."),
]
Only = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--only", metavar="PATTERN", help="Only these checks ('permissions.*'), and what they require."),
]
Skip = Annotated[Optional[list[str]], typer.Option("--skip", metavar="PATTERN", help="Not these checks.")]  # noqa: UP045
Profile = Annotated[str, typer.Option(metavar="NAME", help="Which set of checks: preflight, monitor.")]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="NAME",
        help="What goes to standard output: human, json, html, junit, markdown, prometheus, nagios or checkmk.",
    ),
]
Outputs = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("-o", "--output", metavar="[FORMAT=]PATH", help="Write the report to a file too; may be repeated."),
]
FailOn = Annotated[
    str, typer.Option("--fail-on", metavar="fail|warn", help="warn: exit 5 where there are only warnings.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on standard error.")]


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the configuration comes from: a file, or options."""

    config: Path | None = None
    domain: str | None = None
    user: str | None = None
    auth: str | None = None
    controllers: tuple[str, ...] = ()
    password_env: str | None = None
    password_file: str | None = None
    ca_file: str | None = None
    nameserver: str | None = None
    ldif: str | None = None
    connector: str | None = None
    cloud: str | None = None
    proxy: str | None = None
    timeout: float | None = None
