"""Values as JSON has them."""

from __future__ import annotations

import math
from collections.abc import Mapping


def json_value(value: object) -> object:
    """The value in JSON's own types: a check pack's evidence may hold others, and must not lose the report."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): json_value(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(member) for member in value]
    if isinstance(value, (set, frozenset)):
        return sorted((json_value(member) for member in value), key=str)
    return str(value)
