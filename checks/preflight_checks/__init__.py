"""The built-in checks: one module an area. Each name here is a check; the registry takes them all."""

from preflight_checks.account import connector_usable
from preflight_checks.account_database import sam_read
from preflight_checks.anchors import unique
from preflight_checks.clock import in_step
from preflight_checks.controller_ports import ports, writable
from preflight_checks.controllers import discovered, policy_hints, reachable
from preflight_checks.directory import bind
from preflight_checks.events import failures, heartbeat_fresh, service_running
from preflight_checks.names import resolvers_agree
from preflight_checks.network import relay_443, relay_ports, relays_resolve
from preflight_checks.permissions import (
    change_password,
    reset_password,
    unexpire_password,
    write_lockout_time,
    write_pwd_last_set,
)
from preflight_checks.policy import minimum_age, summary
from preflight_checks.proxies import proxy
from preflight_checks.tls import revocation_reached, tls_not_intercepted, tls_versions
from preflight_checks.web import idle_survives, web_service, websocket

__all__ = [
    "bind",
    "change_password",
    "connector_usable",
    "discovered",
    "failures",
    "heartbeat_fresh",
    "idle_survives",
    "in_step",
    "minimum_age",
    "policy_hints",
    "ports",
    "proxy",
    "reachable",
    "relay_443",
    "relay_ports",
    "relays_resolve",
    "reset_password",
    "resolvers_agree",
    "revocation_reached",
    "sam_read",
    "service_running",
    "summary",
    "tls_not_intercepted",
    "tls_versions",
    "unexpire_password",
    "unique",
    "web_service",
    "websocket",
    "writable",
    "write_lockout_time",
    "write_pwd_last_set",
]
