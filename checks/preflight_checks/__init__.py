"""The built-in checks: one module an area. Each name here is a check; the registry takes them all."""

from preflight_checks.account import connector_usable
from preflight_checks.anchors import unique
from preflight_checks.controllers import discovered, policy_hints, reachable
from preflight_checks.directory import bind
from preflight_checks.network import relay_443, relay_ports, relays_resolve
from preflight_checks.permissions import (
    change_password,
    reset_password,
    sam_read,
    unexpire_password,
    write_lockout_time,
    write_pwd_last_set,
)
from preflight_checks.policy import minimum_age, summary

__all__ = [
    "bind",
    "change_password",
    "connector_usable",
    "discovered",
    "minimum_age",
    "policy_hints",
    "reachable",
    "relay_443",
    "relay_ports",
    "relays_resolve",
    "reset_password",
    "sam_read",
    "summary",
    "unexpire_password",
    "unique",
    "write_lockout_time",
    "write_pwd_last_set",
]
