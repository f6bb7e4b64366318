"""One reading of a domain's users, for every check that counts something over them.

A paging cookie dies with its controller. When one fails midway the reading starts again on another controller of the
domain and passes over the users that were counted already: 16 bytes of each are kept for that.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from preflight.api import Unavailable
from preflight.directory.access.decider import decide
from preflight.directory.access.rights import Answer, Right
from preflight.directory.distinguished_name import MalformedName, is_under
from preflight.directory.model import Container, User
from preflight.directory.port import Directory
from preflight.directory.users.early import EarlyReading
from preflight.directory.users.scope import SCOPE_ATTRIBUTES, Scope, Standing

_WAIT = 0.1
_KEY = 16
_IDENTITY = "objectGUID"
_NAMES_ONLY = "1.1"
_SILENT = frozenset({"timed-out", "no-such-object"})
"""After these nobody is asked how many users there are: it would be as silent, or there are none."""


class Fold(Protocol):
    """A count over users. Small: it may keep a bounded number of examples, never the users."""

    attributes: frozenset[str]

    def add(self, user: User, standing: Standing) -> None:
        """Count one user."""


F = TypeVar("F")


class Survey:
    """The users of one domain, read once: by whoever asks first for a fold.

    A reading that breaks off leaves what was counted; `ensure_complete` then says what is missing.

    Args:
        domain_dn: the domain's head.
        containers: by normalised DN.
        progress: is told after each page how many users of which domain have been read.
        early: the reading of the first search base, where it has begun already.

    Attributes:
        seen: users read so far, whatever their standing.
        expected: how many users there are, where somebody has counted them; None: not known.
        complete: the reading got to its end and nothing was hidden from it.
        standings: how many users have which standing.
    """

    def __init__(
        self,
        directory: Directory,
        scope: Scope,
        folds: Mapping[type, Fold | Unavailable],
        *,
        domain_dn: str,
        containers: Callable[[], Mapping[str, Container]],
        progress: Callable[[str, int], None] | None = None,
        early: Callable[[], EarlyReading] | None = None,
    ) -> None:
        self._directory = directory
        self._scope = scope
        self._folds = folds
        self._system = f"CN=System,{domain_dn}"
        self._containers = containers
        self._progress = progress
        self._early = early
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._reading = False
        self._obstacles: list[Unavailable] = []
        self._counted = bytearray()
        """The keys of the users counted so far, one after the other; of a live directory only."""
        self._again: Collection[bytes] = ()
        """What is passed over: the same keys, once the reading has started again."""
        self.seen = 0
        self.expected: int | None = None
        self.standings: dict[Standing, int] = dict.fromkeys(Standing, 0)

    @property
    def domain(self) -> str:
        return self._directory.name

    @property
    def complete(self) -> bool:
        return self._done.is_set() and not self._obstacles

    def __getitem__(self, fold: type[F]) -> F:
        """The fold, after the reading.

        Raises:
            Unavailable: the fold could not be made (no token, say). A reading that broke off raises nothing here.
        """
        found = self._folds[fold]
        if isinstance(found, Unavailable):
            raise found
        self._ensure_read()
        if not isinstance(found, fold):
            raise TypeError(f"{fold.__name__} is not what the survey was made with")
        return found

    def so_far(self, fold: type[F]) -> F | None:
        """The fold as it stands, without starting or awaiting a reading: for the report. None: it isn't there."""
        found = self._folds.get(fold)
        return found if isinstance(found, fold) else None

    def ensure_complete(self) -> None:
        """
        Raises:
            Unavailable: the reading broke off, saw nobody, or something was hidden from it.
        """
        self._ensure_read()
        if not self._obstacles:
            return
        first = self._obstacles[0]
        raise Unavailable(
            "; ".join(obstacle.reason for obstacle in self._obstacles),
            code=first.code,
            remedy=first.remedy,
            evidence={"users_seen": self.seen, **first.evidence},
        )

    def _ensure_read(self) -> None:
        with self._lock:
            mine = not self._reading
            self._reading = True
        if mine:
            try:
                self._read()
            finally:
                self._done.set()
        while not self._done.wait(_WAIT):
            pass  # every page of the reader has a deadline, so this ends

    def _read(self) -> None:
        folds = [fold for fold in self._folds.values() if not isinstance(fold, Unavailable)]
        attributes = attributes_for(fold.attributes for fold in folds)
        for base in self._scope.search_bases or (None,):
            before = self.seen
            try:
                self._read_under(base, attributes, folds)
                if self.seen == before:
                    self._obstacles.append(_nobody(base or self.domain))
            except Unavailable as error:
                self._obstacles.append(self._broken_off(base, self.seen - before, error))
            except MalformedName as error:
                self._obstacles.append(self._broken_off(base, self.seen - before, _nameless(error)))
        try:
            hidden = self._hidden()
        except Unavailable as error:
            self._obstacles.append(error)
        else:
            if hidden:
                self._obstacles.append(_hidden(hidden))

    def _read_under(self, base: str | None, attributes: Collection[str], folds: Sequence[Fold]) -> None:
        """
        Raises:
            Unavailable: the reading broke off, and no other controller could go on with it.
            MalformedName: a user has a name that is none.
        """
        try:
            while True:
                try:
                    for page in self._pages(attributes, base):
                        self._count(page, folds)
                    return
                except Unavailable as error:
                    self._directory.move_on(error)
                self._again = {bytes(self._counted[at : at + _KEY]) for at in range(0, len(self._counted), _KEY)}
        finally:
            self._again = ()

    def _pages(self, attributes: Collection[str], base: str | None) -> Iterator[Sequence[User]]:
        """Of the reading that has begun already, if it is the right one."""
        early, self._early = self._early, None
        return (early and early().take(attributes, base)) or self._directory.users(attributes, base)

    def _count(self, page: Sequence[User], folds: Sequence[Fold]) -> None:
        standing_of, standings = self._scope.standing, self.standings
        again, counted = self._again, self._counted if self._directory.live else None
        for user in page:
            if counted is not None:
                key = _key(user)
                if key in again:
                    continue
                counted += key
            standing = standing_of(user)
            standings[standing] += 1
            for fold in folds:
                fold.add(user, standing)
            self.seen += 1
        if self._progress is not None:
            self._progress(self.domain, self.seen)

    def _broken_off(self, base: str | None, read: int, error: Unavailable) -> Unavailable:
        where = f"under {base}" if base else f"of {self.domain}"
        total = self._total(base, read, error)
        users, missing = f"{read:,} users", {}
        if total is not None:
            users = f"{read:,} of {total:,} users, {total - read:,} were not seen"
            missing = {"users_not_seen": total - read}
        return Unavailable(
            f"the reading of the users {where} broke off after {users}: {error.reason}",
            code=error.code,
            remedy=error.remedy,
            evidence={**error.evidence, **missing},
        )

    def _total(self, base: str | None, read: int, error: Unavailable) -> int | None:
        """How many users there are under the base, for whoever must say how many weren't seen; None: can't be told."""
        if self.expected is not None and len(self._scope.search_bases) < 2:
            return max(self.expected, read)
        if not self._directory.live or error.code in _SILENT:
            return None
        try:
            return max(read, sum(len(page) for page in self._directory.users((_NAMES_ONLY,), base)))
        except Unavailable:
            return None

    def _hidden(self) -> list[str]:
        """Containers in scope whose users the reader can't list (MS-ADTS 5.1.3.3.5: List Contents)."""
        token = self._directory.reader_token()
        if token is None:
            return []
        return [
            container.distinguished_name
            for container in self._containers().values()
            if self._holds_users(container)
            and decide(
                container.security_descriptor,
                token,
                Right.LIST_CONTENTS,
                object_sid=None,
                object_class=container.object_class,
            ).answer
            is not Answer.ALLOWED
        ]

    def _holds_users(self, container: Container) -> bool:
        """In scope, and not of the system's own containers, which ordinary readers may not list."""
        dn = container.distinguished_name
        return self._scope.covers(dn) and not is_under(dn, self._system)


def attributes_for(folds: Iterable[Collection[str]]) -> frozenset[str]:
    """What is asked of a user, for folds that look at these."""
    return SCOPE_ATTRIBUTES.union({_IDENTITY}, *folds)


def _key(user: User) -> bytes:
    """What a user is known by on every controller of the domain."""
    values = user.raw.get(_IDENTITY)
    if values and len(values[0]) == _KEY:
        return bytes(values[0])
    return hashlib.blake2b(user.distinguished_name.casefold().encode("utf-8", "replace"), digest_size=_KEY).digest()


def _nameless(error: MalformedName) -> Unavailable:
    return Unavailable(
        f"a user can't be judged by its name: {error}",
        code="malformed-name",
        remedy="Look at that entry. An export may be damaged: export again.",
    )


def _nobody(where: str) -> Unavailable:
    return Unavailable(
        f"no user was seen under {where}: either there is none, or the reader may not see them",
        code="nobody-seen",
        remedy="Check the search base, and that the reader may list the contents of its containers.",
    )


def _hidden(containers: Sequence[str]) -> Unavailable:
    shown = ", ".join(containers[:5]) + (f" and {len(containers) - 5} more" if len(containers) > 5 else "")
    return Unavailable(
        f"the reader may not, or not surely, look into {shown}: who is in there may not have been judged",
        code="hidden-containers",
        remedy="Let the reader list and read them, permissions included "
        f'(dsacls "{containers[0]}" /I:T /G "<reader>:LCRPRC"), or leave them out with `exclude`.',
        evidence={"hidden_containers": list(containers[:50])},
    )
