"""Hands out resources: each made once for its target, in a thread of its own, its failure remembered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from preflight.api import Target, Unavailable

if TYPE_CHECKING:
    from preflight.resources.setting import Setting

T = TypeVar("T")

MODULES = (
    *("directories", "people", "anchor_search", "ways", "one_user", "controller_ports", "proxies", "trust", "web"),
    "event_logs",
)
"""The modules of this package that register what they provide. They are imported in this order until one provides what
is asked for: an audit needs the first two, and none of the network's."""

DEADLINE = 45.0
"""Seconds that a resource may take unless it says otherwise."""

_CLOSING = 2.0
_POLL = 0.2
_RUN = Target("run", "")


@dataclass(frozen=True, slots=True)
class Provider:
    """How a resource is made: for which kind of target, and how long that may take."""

    name: str
    kind: str
    make: Callable[[Resources, Target], object]
    deadline: float


_PROVIDERS: dict[str, Provider] = {}
_FINDERS: dict[str, Callable[[Resources, Target], Sequence[Target]]] = {}


def provides(
    kind: str, *, deadline: float = DEADLINE
) -> Callable[[Callable[[Resources, Target], T]], Callable[[Resources, Target], T]]:
    """Register a function as the maker of the resource of its name."""

    def register(make: Callable[[Resources, Target], T]) -> Callable[[Resources, Target], T]:
        _PROVIDERS[make.__name__] = Provider(make.__name__, kind, make, deadline)
        return make

    return register


def finds(
    kind: str,
) -> Callable[[Callable[[Resources, Target], Sequence[Target]]], Callable[[Resources, Target], Sequence[Target]]]:
    """Register a function as the finder of the targets of a kind within another."""

    def register(
        find: Callable[[Resources, Target], Sequence[Target]],
    ) -> Callable[[Resources, Target], Sequence[Target]]:
        _FINDERS[kind] = find
        return find

    return register


def provider_of(name: str) -> Provider:
    """
    Raises:
        LookupError: there is no resource of that name.
    """
    if _registered(name, _PROVIDERS):
        return _PROVIDERS[name]
    raise LookupError(f"there is no resource {name!r}; there are {', '.join(sorted(_PROVIDERS))}")


def every_provider() -> Sequence[Provider]:
    """All there are."""
    for module in MODULES:
        import_module(f"{__package__}.{module}")
    return list(_PROVIDERS.values())


def _registered(name: str, known: Container[str]) -> bool:
    """Whether a module registers the name; those before it are imported too."""
    modules = iter(MODULES)
    while name not in known:
        module = next(modules, None)
        if module is None:
            return False
        import_module(f"{__package__}.{module}")
    return True


class _Cell:
    """A resource on its way, there, or failed."""

    def __init__(self, deadline: float) -> None:
        self.until = time.monotonic() + deadline
        self.done = threading.Event()
        self.value: object = None
        self.error: Exception | None = None

    def result(self, name: str) -> object:
        while not self.done.wait(_POLL):  # a wait without a short time-out keeps Ctrl-C waiting on Windows
            if time.monotonic() > self.until:
                raise Unavailable(f"{name} was not there in time", code="timed-out")
        if isinstance(self.error, Unavailable):
            raise self.error
        if self.error is not None:
            raise Unavailable(
                f"{name} could not be made: {type(self.error).__name__}: {str(self.error)[:300]}",
                code="crashed",
                remedy="This is a defect of the tool: please report it.",
            ) from self.error
        return self.value


class Resources:
    """The resources of one run.

    Whoever asks first for a resource starts its making and waits as everybody else does, until the resource's own
    deadline. No lock is held while something is made, so that a hung one hangs nobody but those who need it.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._lock = threading.Lock()
        self._cells: dict[tuple[str, Target], _Cell] = {}
        self._closers: list[Callable[[], None]] = []

    def get(self, name: str, target: Target = _RUN) -> Any:
        """The resource for the target, or for the one above it that it belongs to.

        Raises:
            Unavailable: it can't be had; the same for everybody who asks.
        """
        at, cell = self._started(name, target)
        return cell.result(f"{name.replace('_', ' ')} of {at}" if at.name else name.replace("_", " "))

    def start(self, name: str, target: Target = _RUN) -> None:
        """Have the resource made beside others, for whoever asks for it later."""
        self._started(name, target)

    def made(self, name: str, target: Target = _RUN) -> Any:
        """The resource if it has been made, else None: for the report, which must not start anything."""
        with self._lock:
            cell = self._cells.get((name, target))
        return cell.value if cell is not None and cell.done.is_set() and cell.error is None else None

    def targets(self, kind: str, within: Target) -> Sequence[Target]:
        """The targets of that kind directly within another.

        Raises:
            Unavailable: they can't be found.
        """
        if not _registered(kind, _FINDERS):
            raise LookupError(f"nobody finds targets of the kind {kind!r}")
        return _FINDERS[kind](self, within)

    def domains(self) -> Sequence[Target]:
        """The configured domains."""
        return self.targets("domain", _RUN)

    def on_close(self, close: Callable[[], None]) -> None:
        with self._lock:
            self._closers.append(close)

    def close(self) -> None:
        """Unbind everywhere; a connection that hangs is left to the end of the process."""
        with self._lock:
            closers, self._closers = self._closers, []
        threads = [threading.Thread(target=close, daemon=True) for close in closers]
        for thread in threads:
            thread.start()
        until = time.monotonic() + _CLOSING
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _started(self, name: str, target: Target) -> tuple[Target, _Cell]:
        provider = provider_of(name)
        at = target.at(provider.kind)
        if at is None:
            raise LookupError(f"{name!r} belongs to a {provider.kind}, which {target or 'the run'} is not in")
        with self._lock:
            cell = self._cells.get((name, at))
            mine = cell is None
            if cell is None:
                cell = self._cells[name, at] = _Cell(provider.deadline)
        if mine:
            threading.Thread(target=self._make, args=(provider, at, cell), name=f"{name} {at}", daemon=True).start()
        return at, cell

    def _make(self, provider: Provider, at: Target, cell: _Cell) -> None:
        try:
            cell.value = provider.make(self, at)
        except Exception as error:  # noqa: BLE001 - handed to everybody who asks for it
            cell.error = error
        finally:
            cell.done.set()
