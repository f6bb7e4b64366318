"""A TLS handshake on a connected socket, and why it failed."""

from __future__ import annotations

import errno
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from preflight.network.certificate import Certificate, MalformedCertificate
from preflight.network.model import TlsFacts
from preflight.network.reasons import OK

_NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "HTTPS_PROXY_REQUEST",
    "UNSUPPORTED_PROTOCOL",
    "UNKNOWN_PROTOCOL",
    "WRONG_SSL_VERSION",
    "PROTOCOL_VERSION",
    "PACKET_LENGTH",
    "DATA_LENGTH_TOO_LONG",
    "RECORD_LAYER",
    "UNEXPECTED_MESSAGE",
    "UNEXPECTED_RECORD",
    "BAD_RECORD_TYPE",
    "LENGTH_MISMATCH",
)
"""Parts of OpenSSL's reasons which say that what came is not TLS, or none of the versions allowed."""

_CUT = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)


@dataclass(frozen=True, slots=True)
class Handshake:
    """What came of it.

    Attributes:
        untrusted: the certificate was seen and not accepted, so a look at it is worth while.
    """

    code: str
    message: str = ""
    facts: TlsFacts | None = None
    untrusted: bool = False


def verifying_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Verifies chain, dates and name against the system's trust store, or against `ca_file` alone.

    Raises:
        ValueError: the file can't be read or holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except ssl.SSLError:
        raise ValueError(f"{ca_file} holds no certificate in PEM form") from None
    except OSError as error:
        raise ValueError(f"{ca_file} can't be read: {error.strerror}") from None
    # From Python 3.13 on the default also refuses chains for matters of form (RFC 5280) that Windows, on whose
    # judgement the sync server relies, accepts: the verdict must not depend on Python's version.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def public_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Verifies against the roots that the public trusts, whatever this machine trusts.

    Args:
        ca_file: other roots than Mozilla's, which come with certifi.
    """
    if ca_file is None:
        import certifi

        ca_file = Path(certifi.where())
    return verifying_context(ca_file)


def looking_context(version: str = "") -> ssl.SSLContext:
    """Accepts any certificate, to see whose it is after verification has failed, or whether the other side speaks a
    version. Nothing is ever sent over it.

    Args:
        version: "TLSv1.2" or "TLSv1.3", offered alone; "": all that this machine allows.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = _VERSIONS[version]
    return context


_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


def shake_hands(connection: socket, host: str, context: ssl.SSLContext, seconds: float) -> tuple[socket, Handshake]:
    """Do the handshake within `seconds`. The returned socket takes the place of `connection`: close that one."""
    try:
        connection.settimeout(max(seconds, 0.001))
        wrapped = context.wrap_socket(connection, server_hostname=host, do_handshake_on_connect=False)
    except (OSError, ValueError) as error:
        # Also here, before a byte is sent: the peer has already hung up.
        code = "tls-reset" if isinstance(error, _CUT) else "tls-closed"
        return connection, Handshake(code, f"{host} hung up before the TLS handshake")
    try:
        # One deadline for the whole handshake, however the other side drips its bytes.
        wrapped.do_handshake()
    except ssl.SSLCertVerificationError as error:
        code, message = _not_verified(host, error)
        return wrapped, Handshake(code, message, untrusted=True)
    except (TimeoutError, ssl.SSLWantReadError):
        return wrapped, Handshake("tls-timeout", f"{host} did not end the TLS handshake within {seconds:.1f} s")
    except (OSError, ValueError) as error:
        code, message = _broken(host, error)
        return wrapped, Handshake(code, message)
    return wrapped, Handshake(OK, facts=_facts(wrapped, trusted=context.verify_mode is ssl.CERT_REQUIRED))


def describe(host: str, failed: Handshake, facts: TlsFacts) -> Handshake:
    """A failed verification, told with the certificate that was then looked at."""
    message = failed.message
    if failed.code == "tls-untrusted":
        message = f"{message}; it was issued by {facts.issuer or 'nobody named'}"
    elif failed.code == "tls-name-mismatch":
        names = ", ".join(facts.names[:5]) or facts.subject or "nobody"
        message = f"{host} shows a certificate made out to {names}"
    elif failed.code == "tls-expired" and facts.not_after and facts.not_after.timestamp() < time.time():
        message = f"the certificate of {host} expired on {facts.not_after:%Y-%m-%d %H:%M} UTC"
    elif failed.code == "tls-not-yet-valid" and facts.not_before and facts.not_before.timestamp() > time.time():
        message = f"the certificate of {host} is valid from {facts.not_before:%Y-%m-%d %H:%M} UTC on"
    return Handshake(failed.code, message, facts, untrusted=True)


def _facts(connection: ssl.SSLSocket, *, trusted: bool) -> TlsFacts:
    version, cipher = connection.version() or "", connection.cipher()
    try:
        certificate = Certificate.parse(connection.getpeercert(binary_form=True) or b"")
    except MalformedCertificate:
        return TlsFacts(version, cipher[0] if cipher else "", trusted=trusted)
    return TlsFacts(
        version=version,
        cipher=cipher[0] if cipher else "",
        subject=certificate.subject,
        issuer=certificate.issuer,
        names=certificate.names,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        trusted=trusted,
        chain=_chain(connection, certificate),
    )


def _chain(connection: ssl.SSLSocket, leaf: Certificate) -> tuple[Certificate, ...]:
    """What was sent. Python has a public name for it from 3.13 on, and the method itself from 3.10."""
    ask = getattr(connection, "get_unverified_chain", None) or getattr(
        getattr(connection, "_sslobj", None), "get_unverified_chain", None
    )
    chain: list[Certificate] = []
    try:
        for sent in (ask() if ask else None) or ():
            # Before 3.13 an object, which gives the bytes if asked for the encoding DER (2).
            chain.append(Certificate.parse(sent if isinstance(sent, bytes) else sent.public_bytes(2)))
    except MalformedCertificate:
        pass  # what stands before the unreadable one is still the chain's beginning
    return tuple(chain) or (leaf,)


def _not_verified(host: str, error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    match error.verify_code:  # x509_vfy.h of OpenSSL
        case 9:
            return "tls-not-yet-valid", f"a certificate in the chain of {host} is not valid yet"
        case 10:
            return "tls-expired", f"a certificate in the chain of {host} has expired"
        case 62 | 64:
            return "tls-name-mismatch", f"the certificate is not made out to {host}"
    return "tls-untrusted", f"the certificate of {host} is not trusted: {error.verify_message or 'unknown reason'}"


def _broken(host: str, error: OSError | ValueError) -> tuple[str, str]:
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "tls-closed", f"{host} closed the connection during the TLS handshake"
    if isinstance(error, _CUT) or (isinstance(error, OSError) and error.errno == errno.ENOTCONN):
        return "tls-reset", f"{host} reset the connection during the TLS handshake"
    if isinstance(error, ssl.SSLError):
        reason = error.reason or ""
        if "UNEXPECTED_EOF" in reason:
            return "tls-closed", f"{host} closed the connection during the TLS handshake"
        readable = reason.replace("_", " ").lower() or "no reason given"
        if any(part in reason for part in _NOT_TLS):
            return "tls-protocol", f"{host} does not speak TLS, or no version of it that is allowed here ({readable})"
        if "ALERT" in reason or "HANDSHAKE_FAILURE" in reason:
            return "tls-alert", f"{host} refused the TLS handshake ({readable})"
        return "tls-error", f"the TLS handshake with {host} failed ({readable})"
    return "tls-error", f"the TLS handshake with {host} failed ({error})"
