"""The composition root: the only place that knows both the configuration and the adapters."""

from preflight.resources.provider import Resources
from preflight.resources.setting import Setting

__all__ = ["Resources", "Setting"]
