"""Signing in to a domain controller, at most once with a wrong password.

A wrong password counts towards the lockout of the very account that synchronises. So every bind of a run goes
through one `BindLedger`.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.api import Unavailable
from preflight.directory.ldap_errors import INVALID_CREDENTIALS, SignInFailed, bind_refused, sign_in_failed, unavailable
from preflight.directory.live.connection import LdapConnection
from preflight.directory.live.deadline import Deadline
from preflight.directory.live.ledger import BindLedger, CredentialsRefused
from preflight.secret import Secret

METHODS = ("simple", "kerberos", "negotiate")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and a password.

    Attributes:
        user: a UPN, DOMAIN\\name, sAMAccountName or (simple only) DN.
    """

    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class SignIn:
    """As whom, and how, to sign in to a domain.

    Attributes:
        method: "simple" (over TLS), "kerberos" (SASL GSSAPI over TLS, with channel binding) or "negotiate"
            (GSS-SPNEGO with Kerberos or NTLM, sealed, without TLS).
        credentials: None: the ticket at hand, or on Windows the logged-on user; "simple" needs them.
    """

    method: str
    credentials: Credentials | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method {self.method!r} is none of {', '.join(METHODS)}")
        if self.method == "simple" and self.credentials is None:
            raise ValueError("a simple sign-in needs a user and a password")

    def principal(self, domain: str) -> str:
        """The user with his domain: a bare name belongs to the domain that is signed in to."""
        user = self.credentials.user if self.credentials else ""
        return user if not user or any(mark in user for mark in "@\\=") else f"{user}@{domain}"

    def __str__(self) -> str:
        return f"{self.credentials.user if self.credentials else 'the logged-on user'} ({self.method})"


def sign_in(
    connection: LdapConnection, sign_in: SignIn, domain: str, host: str, ledger: BindLedger, seconds: float
) -> None:
    """Bind the connection.

    Args:
        domain: DNS name, for users given without one.
        host: the controller's name, for Kerberos.
        seconds: how long it may take, waiting for others' binds of the same user not counted.

    Raises:
        SignInFailed: refused, now or earlier in this run.
        Unavailable: no answer, or not safe to send.
    """
    _require_protection(connection, sign_in)
    principal = sign_in.principal(domain)
    key = principal or f"ticket for {domain}"
    # Whoever is before us may take his whole time.
    with ledger.turn(key, connection.subject, Deadline.after(2 * seconds)):
        try:
            if sign_in.method == "simple":
                _simple_bind(connection, sign_in, principal, seconds)
            else:
                from preflight.directory.live.sasl import sasl_bind

                sasl_bind(connection, sign_in, domain, host, seconds)
        except (Unavailable, CredentialsRefused):
            # A connection that isn't signed in is good for nothing.
            connection.close()
            raise


def refused(result: int, message: str, subject: str) -> SignInFailed | CredentialsRefused:
    """What to raise for a bind that did not succeed."""
    failure = bind_refused(result, message, subject)
    return CredentialsRefused(failure) if result == INVALID_CREDENTIALS else failure


def who(connection: LdapConnection, sign_in: SignIn) -> str:
    """The user and the controller, as they begin a sentence."""
    user = sign_in.credentials.user if sign_in.credentials else "the logged-on user"
    return f"{user} on {connection.subject}"


def _simple_bind(connection: LdapConnection, sign_in: SignIn, principal: str, seconds: float) -> None:
    assert sign_in.credentials is not None
    password = sign_in.credentials.password.reveal().encode("utf-8", "surrogatepass")
    result = connection.bind(principal, "SIMPLE", password, Deadline.after(seconds))
    if result.code != 0:
        raise refused(result.code, result.message, who(connection, sign_in)) from None


def _require_protection(connection: LdapConnection, sign_in: SignIn) -> None:
    """Never a password in the clear, never an empty one, never TLS and sealing at once (MS-ADTS 5.1.1.1.2)."""
    if sign_in.credentials is not None and not sign_in.credentials.password:
        connection.close()
        raise sign_in_failed("empty-password", who(connection, sign_in), final=True)
    if sign_in.method in ("simple", "kerberos") and not connection.transport.is_tls:
        connection.close()
        raise unavailable("unencrypted", who(connection, sign_in))
    if sign_in.method == "negotiate" and connection.transport.is_tls:
        connection.close()
        raise unavailable("sealed-over-tls", who(connection, sign_in))
