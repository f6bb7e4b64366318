"""Which controller of a domain is read: the first that answers, the same one to the end, or until it fails."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from preflight.api import Unavailable
from preflight.directory.distinguished_name import domain_to_dn, normalise
from preflight.directory.ldap_errors import SignInFailed, unavailable
from preflight.directory.live.connection import LdapConnection
from preflight.directory.live.deadline import Timeouts
from preflight.directory.live.ledger import BindLedger
from preflight.directory.live.sign_in import SignIn, sign_in
from preflight.directory.live.transport import Resolve, tls_context
from preflight.directory.model import DomainController, RootDse

MOST_LEFT = 3
"""Controllers that are left for another in one run: what befell four of them isn't the controllers' fault."""


class Chooser:
    """Opens connections, signed in, to one controller: who asks first chooses it. Safe to use from several threads.

    That none can be had is remembered too: it isn't tried again in this run.

    Attributes:
        chosen: the controller, and what it said of itself; None before the first connection.
        left: controllers that were read first and then left for another, in order.
    """

    def __init__(
        self,
        name: str,
        controllers: Sequence[DomainController],
        sign_in: SignIn,
        ledger: BindLedger,
        resolve: Resolve,
        ca_file: Path | None,
        timeouts: Timeouts,
    ) -> None:
        self._name = name
        self._controllers = controllers
        self._sign_in = sign_in
        self._ledger = ledger
        self._resolve = resolve
        self._ca_file = ca_file
        self._timeouts = timeouts
        self._choosing = threading.Lock()
        self._failure: Unavailable | None = None
        self._context: ssl.SSLContext | None = None
        self.chosen: tuple[DomainController, RootDse] | None = None
        self.left: tuple[DomainController, ...] = ()

    def open(self) -> LdapConnection:
        """A connection to the chosen controller, signed in; the first one chooses."""
        with self._alone():
            if self._failure is not None:
                raise _again(self._failure)
            if self.chosen is None:
                try:
                    return self._choose(self._controllers)
                except Unavailable as error:
                    self._failure = _again(error)
                    raise
            chosen, _ = self.chosen
        connection, _ = self._connect(chosen)
        return connection

    def leave(self, controller: DomainController, because: Unavailable) -> LdapConnection | None:
        """Give the controller up for the next one that answers: a connection to that, signed in.

        None: it isn't the chosen one any more, so somebody else has left it. Where no other can be had it stays the
        chosen one, for it may still answer other questions.

        Raises:
            Unavailable: the reason to leave it, with what the others said.
        """
        with self._alone():
            if self.chosen is None or self.chosen[0] != controller:
                return None
            left = (*self.left, controller)
            others = [each for each in self._controllers if each not in left]
            if len(left) > MOST_LEFT or not others:
                raise _again(because, f"there is no other domain controller of {self._name} to go on with")
            try:
                connection = self._choose(others)
            except Unavailable as error:
                raise _again(because, f"and nobody else can be read instead: {error.reason}") from None
            self.left = left
            return connection

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One thread chooses at a time; whoever is before us may try them all."""
        each = self._timeouts.connect + self._timeouts.handshake + self._timeouts.page + 2 * self._timeouts.bind
        if not self._choosing.acquire(timeout=each * max(len(self._controllers), 1)):
            raise unavailable("timed-out", self._name, "another connection is still being made")
        try:
            yield
        finally:
            self._choosing.release()

    def _choose(self, controllers: Sequence[DomainController]) -> LdapConnection:
        failures: list[tuple[DomainController, Unavailable]] = []
        for controller in controllers:
            try:
                connection, root = self._connect(controller)
            except Unavailable as error:
                if isinstance(error, SignInFailed) and error.final:
                    # The user is refused, not by the controller: the others would say the same, and count it.
                    raise
                failures.append((controller, error))
                continue
            self.chosen = (controller, root)
            return connection
        if failures and (len(failures) == 1 or all(isinstance(error, SignInFailed) for _, error in failures)):
            raise failures[0][1]
        raise Unavailable(
            f"no domain controller of {self._name} can be read: "
            + ("; ".join(error.reason for _, error in failures) or "none is known"),
            code="no-controller",
            remedy=" ".join(dict.fromkeys(error.remedy for _, error in failures)),
            evidence={"controllers": [f"{controller.name}: {error.code}" for controller, error in failures]},
        )

    def _connect(self, controller: DomainController) -> tuple[LdapConnection, RootDse]:
        if self._context is None and controller.tls != "none":
            self._context = tls_context(self._ca_file)
        connection = LdapConnection.open(controller, self._resolve, self._context, self._timeouts)
        try:
            root = connection.root_dse()
            self._require_domain(controller, root)
            host = controller.host.removesuffix(".")
            sign_in(connection, self._sign_in, self._name, host, self._ledger, self._timeouts.bind)
        except BaseException:
            connection.close()
            raise
        return connection, root

    def _require_domain(self, controller: DomainController, root: RootDse) -> None:
        """Before a password is sent anywhere."""
        if not root.is_active_directory:
            vendor = root.text("vendorName") or root.text("structuralObjectClass") or ""
            raise unavailable("not-a-domain-controller", controller.name, vendor)
        if normalise(root.domain_dn) != normalise(domain_to_dn(self._name)):
            raise unavailable(
                "wrong-domain", controller.name, f"it serves {root.domain_dn or 'no domain'}, not {self._name}"
            )


def _again(error: Unavailable, more: str = "") -> Unavailable:
    """A fresh exception with the same content, and more: one instance isn't raised on several threads."""
    if isinstance(error, SignInFailed):
        return error.again()
    fresh = Unavailable(f"{error.reason}; {more}" if more else error.reason, code=error.code, remedy=error.remedy)
    fresh.evidence = dict(error.evidence)
    return fresh
