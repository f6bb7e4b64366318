"""The composition root: the only place that knows both the configuration and the adapters."""

from preflight.resources import directories, people, ways
from preflight.resources.provider import Resources
from preflight.resources.setting import Setting

PROVIDERS = (directories, people, ways)
"""The modules that register what they provide."""

__all__ = ["PROVIDERS", "Resources", "Setting"]
