"""The one error of configuration."""

from __future__ import annotations


class ConfigurationError(Exception):
    """The configuration can't be used.

    Its text is one paragraph: what, where (file, line, key), and what to do. It never holds a configured value that
    may be a secret.
    """
