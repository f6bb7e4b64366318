"""The composition root: the only place that knows both the configuration and the adapters."""

from preflight.resources import controller_ports, directories, one_user, people, proxies, trust, ways, web
from preflight.resources.provider import Resources
from preflight.resources.setting import Setting

PROVIDERS = (controller_ports, directories, one_user, people, proxies, trust, ways, web)
"""The modules that register what they provide."""

__all__ = ["PROVIDERS", "Resources", "Setting"]
