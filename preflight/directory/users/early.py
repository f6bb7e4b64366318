"""The first page of a domain's users, asked for before those who count them are ready.

A controller takes longer over the first page than over any other: it finds all users first. What decides on them (the
connector account's token, who is protected, the containers) is read meanwhile, on other connections.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain

from preflight.directory.model import User
from preflight.directory.port import Directory


class EarlyReading:
    """A reading that has begun: its first page is there, and the next one under way.

    Raises:
        Unavailable: the first page did not come.
    """

    def __init__(self, directory: Directory, attributes: Collection[str], base: str | None) -> None:
        self._attributes = frozenset(attributes)
        self._base = base
        pages = iter(directory.users(attributes, base))
        first = next(pages, None)
        self._pages: Iterator[Sequence[User]] | None = chain(() if first is None else (first,), pages)

    def take(self, attributes: Collection[str], base: str | None) -> Iterator[Sequence[User]] | None:
        """The pages, for whoever asks first; None: they are taken, or lack what is wanted, and are given up."""
        pages, self._pages = self._pages, None
        return pages if base == self._base and self._attributes.issuperset(attributes) else None
