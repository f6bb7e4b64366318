"""SASL sign-ins: Kerberos over TLS (GSSAPI, RFC 4752) and negotiated, sealed (GSS-SPNEGO, MS-ADTS 5.1.1.1.2).

pyspnego makes the tokens: on Windows by the system (SSPI), elsewhere with the packages gssapi and krb5, and NTLM by
itself. Outside Windows, "negotiate" tries Kerberos and falls back to NTLM only where Kerberos can't be used at all:
a password that the KDC refused isn't sent a second time. The tokens go out without SPNEGO around them there, which
domain controllers accept (MS-SPNG 3.2.5.2, "universal receiver").
"""

from __future__ import annotations

import sys
from typing import Any

from preflight.directory.ldap_errors import SignInFailed, sign_in_failed, unavailable
from preflight.directory.live.certificate import end_point_hash
from preflight.directory.live.connection import LdapConnection
from preflight.directory.live.deadline import Deadline
from preflight.directory.live.kerberos_errors import CLIENT_FAULTS, kerberos_code
from preflight.directory.live.ledger import CredentialsRefused
from preflight.directory.live.sealing import SealedFrames
from preflight.directory.live.search_result import Result
from preflight.directory.live.sign_in import SignIn, refused, who

_SUCCESS, _IN_PROGRESS = 0, 14
_NO_LAYER = 1
_ROUNDS = 10


def sasl_bind(connection: LdapConnection, sign_in: SignIn, domain: str, host: str, seconds: float) -> None:
    """Sign in with "kerberos" or "negotiate"; after the latter the connection is sealed.

    Raises:
        CredentialsRefused: the password was refused, by the controller or by the KDC.
        SignInFailed: another refusal.
        Unavailable: no answer in time.
    """
    exchange = _Exchange(connection, sign_in, domain, host, Deadline.after(seconds))
    try:
        if sign_in.method == "kerberos":
            exchange.kerberos()
        else:
            exchange.negotiate()
    except TimeoutError:
        raise unavailable("timed-out", exchange.who, "while signing in") from None


class _Exchange:
    """The round trips of one sign-in, all by one deadline."""

    def __init__(self, connection: LdapConnection, sign_in: SignIn, domain: str, host: str, deadline: Deadline) -> None:
        self._connection = connection
        self._sign_in = sign_in
        self._domain = domain
        self._host = host
        self._deadline = deadline
        self.who = who(connection, sign_in)

    def kerberos(self) -> None:
        """Authentication only: TLS protects what follows."""
        from spnego import ContextReq

        flags = ContextReq.mutual_auth | ContextReq.replay_detect | ContextReq.sequence_detect
        context, token = self._start("kerberos", flags)
        for _ in range(_ROUNDS):
            result = self._send("GSSAPI", token)
            if result.code != _IN_PROGRESS:
                # Success at this point would skip the agreement on a security layer.
                raise refused(result.code, result.message, self.who)
            if context.complete:
                break
            token = self._step(context, result.sasl_credentials)
        else:
            raise sign_in_failed("kerberos-failed", self.who, "no end of the exchange")
        self._agree_on_no_layer(context, result)

    def negotiate(self) -> None:
        from spnego import ContextReq

        flags = (
            ContextReq.mutual_auth
            | ContextReq.replay_detect
            | ContextReq.sequence_detect
            | ContextReq.integrity
            | ContextReq.confidentiality
        )
        context, token = self._start_negotiated(flags)
        for _ in range(_ROUNDS):
            result = self._send("GSS-SPNEGO", token)
            if result.code not in (_SUCCESS, _IN_PROGRESS):
                raise refused(result.code, result.message, self.who)
            if not context.complete or result.sasl_credentials:
                # The last one proves that the controller is who it says.
                token = self._step(context, result.sasl_credentials) if not context.complete else b""
            if result.code == _SUCCESS:
                break
        if not context.complete:
            raise sign_in_failed("negotiate-failed", self.who, "the exchange has no proper end")
        if not context.context_attr & ContextReq.confidentiality:
            raise sign_in_failed("not-sealed", self.who)
        self._connection.transport.start_sealing(SealedFrames(context))

    def _start_negotiated(self, flags: Any) -> tuple[Any, bytes]:
        if sys.platform == "win32":
            return self._start("negotiate", flags)
        try:
            return self._start("kerberos", flags)
        except SignInFailed as error:
            if self._sign_in.credentials is None or error.code in CLIENT_FAULTS:
                raise
            without_kerberos = error
        try:
            return self._start("ntlm", flags)
        except SignInFailed as error:
            raise sign_in_failed(
                "negotiate-failed", self.who, f"Kerberos: {without_kerberos.reason}; NTLM: {error.reason}"
            ) from None

    def _start(self, protocol: str, flags: Any) -> tuple[Any, bytes]:
        """A security context and its first token."""

        def first() -> tuple[Any, bytes]:
            import spnego

            credentials = self._sign_in.credentials
            context = spnego.client(
                username=self._user_for(protocol),
                password=credentials.password.reveal() if credentials else None,
                hostname=self._host,
                service="ldap",
                protocol=protocol,
                context_req=flags,
                channel_bindings=self._channel_bindings(),
            )
            return context, context.step() or b""

        try:
            return self._deadline.call(first)
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001 - of pyspnego, krb5, gssapi, SSPI: no common base
            raise self._failure(error) from None

    def _step(self, context: Any, token: bytes | None) -> bytes:
        try:
            return self._deadline.call(lambda: context.step(token)) or b""
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            raise self._failure(error) from None

    def _send(self, mechanism: str, token: bytes) -> Result:
        return self._connection.bind("", mechanism, token, self._deadline)

    def _agree_on_no_layer(self, context: Any, offer: Result) -> None:
        """RFC 4752 3.1: the controller offers security layers, and TLS is one already."""
        try:
            offered = context.unwrap(offer.sasl_credentials or b"").data
        except Exception as error:  # noqa: BLE001 - as above
            raise self._failure(error) from None
        if len(offered) != 4:
            raise sign_in_failed("kerberos-failed", self.who, "a malformed offer of security layers")
        if not offered[0] & _NO_LAYER:
            raise sign_in_failed("signing-required", self.who)
        chosen = context.wrap(bytes((_NO_LAYER, 0, 0, 0)), encrypt=False).data
        result = self._send("GSSAPI", chosen)
        if result.code != _SUCCESS:
            raise refused(result.code, result.message, self.who)

    def _user_for(self, protocol: str) -> str | None:
        """The user as the protocol wants him named; for Kerberos with the realm, in capitals."""
        credentials = self._sign_in.credentials
        if credentials is None:
            return None
        if protocol != "kerberos" or sys.platform == "win32":
            return self._sign_in.principal(self._domain)
        domain, backslash, name = credentials.user.rpartition("\\")
        if backslash:
            realm = self._domain if domain.casefold() == self._domain.partition(".")[0].casefold() else domain
            return f"{name}@{realm.upper()}"
        name, _, realm = self._sign_in.principal(self._domain).rpartition("@")
        return f"{name}@{realm.upper()}"

    def _channel_bindings(self) -> Any:
        """tls-server-end-point (RFC 5929 4.1) over TLS; None without."""
        certificate = self._connection.transport.server_certificate()
        if certificate is None:
            return None
        from spnego.channel_bindings import GssChannelBindings

        return GssChannelBindings(application_data=b"tls-server-end-point:" + end_point_hash(certificate))

    def _failure(self, error: Exception) -> SignInFailed | CredentialsRefused:
        code, data_code = kerberos_code(error)
        failure = sign_in_failed(
            code, self.who, "" if code == "invalid-credentials" else str(error), data_code, final=code in CLIENT_FAULTS
        )
        return CredentialsRefused(failure) if code == "invalid-credentials" else failure
