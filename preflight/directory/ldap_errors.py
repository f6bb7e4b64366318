"""What a domain controller means when it refuses: result codes of LDAP and data codes of AcceptSecurityContext.

One table, `REASONS`, names every code under which the live directory raises `Unavailable`; checks declare them from
it. Sources: RFC 4511 4.1.9 and appendix A; MS-ADTS 3.1.1.3.1.9 (result codes), 5.1.1.1 (simple and SASL binds); the
data codes are Win32 errors (MS-ERREF 2.2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from preflight.api import Unavailable


@dataclass(frozen=True, slots=True)
class Reason:
    """What a code means.

    Attributes:
        meaning: a clause for a person, without names.
        remedy: what a person can do about it.
    """

    meaning: str
    remedy: str


_SIGN_IN: Mapping[str, tuple[str, Reason]] = {
    "525": (
        "user-not-found",
        Reason("no such user", "Check the user's name and domain; a DN, a UPN or DOMAIN\\name is accepted."),
    ),
    "52e": (
        "invalid-credentials",
        Reason(
            "the user name or the password is wrong",
            "Correct the user or the password. It was sent once and won't be sent again in this run, so that the "
            "account isn't locked.",
        ),
    ),
    "530": (
        "logon-hours",
        Reason("the account may not sign in at this hour", "Widen the account's logon hours (logonHours)."),
    ),
    "531": (
        "workstation-restriction",
        Reason(
            "the account may not sign in from this machine",
            "Remove the restriction to certain workstations from the account (userWorkstations).",
        ),
    ),
    "532": (
        "password-expired",
        Reason(
            "the account's password has expired",
            "Set a new password, and let a service account's password never expire.",
        ),
    ),
    "533": ("account-disabled", Reason("the account is disabled", "Enable the account.")),
    "701": (
        "account-expired",
        Reason("the account has expired", "Remove or move the account's expiry date (accountExpires)."),
    ),
    "773": (
        "password-must-change",
        Reason(
            "the account must change its password first",
            "Set a password without 'User must change password at next logon'.",
        ),
    ),
    "775": (
        "account-locked",
        Reason(
            "the account is locked out",
            "Unlock the account, and find out what sends a wrong password for it.",
        ),
    ),
    "51f": (
        "no-logon-servers",
        Reason(
            "the domain controller itself found nobody to check the password",
            "Check the controller's own services (Netlogon, on Samba winbindd) and its way to other controllers.",
        ),
    ),
    "569": (
        "logon-type-not-granted",
        Reason(
            "the account may not sign in over the network",
            "Grant the account 'Access this computer from the network' on the domain controllers.",
        ),
    ),
    "80090346": (
        "channel-binding-required",
        Reason(
            "the channel binding token is missing or wrong: something between here and the "
            "controller ends the TLS connection, or the sign-in doesn't send a token",
            'Connect to the controller itself, without a TLS-terminating load balancer; or use auth = "negotiate".',
        ),
    ),
}

INVALID_CREDENTIALS = 49

ACCOUNT_STATES = frozenset({"530", "531", "532", "533", "701", "773", "775"})
"""Data codes that tell about the account, after its password was accepted or without looking at it."""

_RESULT_CODES: Mapping[int, tuple[str, Reason]] = {
    1: (
        "operations-error",
        Reason("the controller could not carry out the request (operationsError)", "See the message."),
    ),
    2: (
        "protocol-error",
        Reason("the server doesn't understand the request (protocolError)", "Check that it is a domain controller."),
    ),
    3: (
        "time-limit",
        Reason(
            "the controller's time limit for a search was reached (timeLimitExceeded)",
            "Use narrower search_bases, or look at MaxQueryDuration in the LDAP policies.",
        ),
    ),
    4: (
        "size-limit",
        Reason(
            "the controller's size limit cut the answer off (sizeLimitExceeded)",
            "Look at the LDAP policies of the controller (MaxPageSize, MaxResultSetSize).",
        ),
    ),
    7: (
        "method-not-supported",
        Reason(
            "the controller doesn't offer this way of signing in (authMethodNotSupported)", "Use another auth method."
        ),
    ),
    8: (
        "signing-required",
        Reason(
            "the controller requires signing or TLS for this sign-in (strongerAuthRequired)",
            'Use LDAPS or StartTLS, or auth = "negotiate", which signs and seals.',
        ),
    ),
    10: (
        "referral",
        Reason(
            "the controller refers to another server: the object isn't in its domain (referral)",
            "Check search_bases and the domain's name; each domain needs its own [[domain]] table.",
        ),
    ),
    11: (
        "admin-limit",
        Reason(
            "an administrative limit of the controller was reached (adminLimitExceeded)", "Look at its LDAP policies."
        ),
    ),
    12: (
        "control-not-supported",
        Reason(
            "the server doesn't know a control that this needs (unavailableCriticalExtension)",
            "Check that it is a domain controller of Active Directory.",
        ),
    ),
    13: (
        "confidentiality-required",
        Reason("the server requires an encrypted connection (confidentialityRequired)", "Use LDAPS or StartTLS."),
    ),
    16: ("no-such-attribute", Reason("the attribute doesn't exist (noSuchAttribute)", "Check the attribute's name.")),
    32: (
        "no-such-object",
        Reason(
            "the object doesn't exist, or the reader may not see it (noSuchObject)",
            "Check the distinguished name; if it is right, grant the reader List Contents above it.",
        ),
    ),
    34: (
        "invalid-dn",
        Reason("the distinguished name is malformed (invalidDNSyntax)", "Check the distinguished name."),
    ),
    48: (
        "inappropriate-authentication",
        Reason("the account can't sign in this way (inappropriateAuthentication)", "Use another auth method."),
    ),
    49: (
        "invalid-credentials",
        Reason(
            "the sign-in was refused (invalidCredentials)",
            "Correct the user or the password. It was sent once and won't be sent again in this run, so that the "
            "account isn't locked.",
        ),
    ),
    50: (
        "access-denied",
        Reason("the reader may not do that (insufficientAccessRights)", "Grant the reader the right to read it."),
    ),
    51: ("busy", Reason("the controller is too busy to answer (busy)", "Try again, or name another controller.")),
    52: (
        "server-unavailable",
        Reason("the controller is shutting down or not ready (unavailable)", "Try again, or name another controller."),
    ),
    53: (
        "unwilling",
        Reason("the controller refuses the request (unwillingToPerform)", "See the controller's message."),
    ),
}

_OTHERS: Mapping[str, Reason] = {
    "not-bound": Reason(
        "the controller wants a sign-in first, or has forgotten it (operationsError 000004DC)",
        "Name a user or sign in with a ticket; anonymous reads aren't answered.",
    ),
    "ldap-error": Reason("the controller answered with another error", "See the result code and the message."),
    "protocol-violation": Reason(
        "the answer is no valid LDAP", "Check the host and port: something else than a domain controller answers there."
    ),
    "timed-out": Reason(
        "no complete answer came in time",
        "Check the controller's load and the network on the way; or name another controller.",
    ),
    "connection-lost": Reason(
        "the connection broke off", "Check that the controller still runs; look for a device that cuts connections."
    ),
    "closed": Reason(
        "the directory was closed before this was asked", "This is a defect of the tool: please report it."
    ),
    "no-controller": Reason("no domain controller of the domain answered", "See the reason that each controller gave."),
    "not-a-domain-controller": Reason(
        "the server is no domain controller of Active Directory", "Name a domain controller under controllers."
    ),
    "wrong-domain": Reason("the controller belongs to another domain", "Correct the domain's name or its controllers."),
    "name-unresolved": Reason(
        "the host name does not resolve", "Check the name, or set nameserver to a DNS server of the domain."
    ),
    "tcp-refused": Reason(
        "the connection was refused: nothing listens there, or a firewall rejects it",
        "Allow the port to the controller; if it is allowed, check that the controller offers LDAP there.",
    ),
    "tcp-timeout": Reason(
        "no answer to the connection request: a firewall drops it, or the host is down",
        "Allow the port to the controller in every firewall on the way.",
    ),
    "tcp-reset": Reason("the connection was reset", "Look for a device on the way that resets connections."),
    "tcp-unreachable": Reason("there is no route to the address, or a firewall says so", "Check routes and firewalls."),
    "tcp-error": Reason("the connection could not be made", "See the message."),
    "tls-untrusted": Reason(
        "the controller's certificate was not issued by an authority that is trusted here",
        "Set ca_file to the certificate of the authority that issued it (PEM).",
    ),
    "tls-name-mismatch": Reason(
        "the controller's certificate is made out to another name",
        "Name the controller as its certificate does, or give it a certificate with its DNS name.",
    ),
    "tls-expired": Reason(
        "the controller's certificate has expired, or the clock here is ahead",
        "Have the certificate renewed; check the clock of this machine.",
    ),
    "tls-not-yet-valid": Reason(
        "the controller's certificate is not valid yet: the clock here is probably behind",
        "Check this machine's clock.",
    ),
    "tls-protocol": Reason(
        "the controller and this machine share no TLS version (1.2 or later) or cipher",
        "Enable TLS 1.2 on the controller.",
    ),
    "not-tls": Reason(
        "what answers there does not speak TLS",
        "Check the port: 636 is LDAPS, 389 is LDAP with StartTLS (ldap://host:389).",
    ),
    "tls-closed": Reason(
        "the controller closed the connection during the TLS handshake: usually it has no certificate",
        'Give the controller a certificate (Server Authentication), or use auth = "negotiate" on port 389.',
    ),
    "tls-error": Reason("the TLS handshake failed", "See the message."),
    "starttls-refused": Reason(
        "the controller refuses StartTLS: usually it has no certificate",
        'Give the controller a certificate (Server Authentication), or use auth = "negotiate".',
    ),
    "ca-file": Reason("the file with trusted certificates can't be used", "Check ca_file: PEM, readable."),
    "sealed-over-tls": Reason(
        "sealing isn't used over TLS", 'Use auth = "negotiate" with port 389 without TLS, or another auth over TLS.'
    ),
    "unencrypted": Reason(
        "a password is never sent unencrypted",
        'Use LDAPS or StartTLS, or auth = "negotiate".',
    ),
    "empty-password": Reason(
        "the password is empty; a controller would take that for an anonymous sign-in", "Give the user's password."
    ),
    "bind-outcome-unknown": Reason(
        "earlier sign-ins of this user were never answered; another could lock the account",
        "Find out why the controllers don't answer, then run again.",
    ),
    "bind-in-progress": Reason(
        "an earlier sign-in of the same user is still under way", "Find out why that controller doesn't answer."
    ),
    "not-sealed": Reason(
        "the sign-in succeeded, but without encryption: nothing is read over it",
        "Allow Kerberos or NTLM with sealing, or use LDAPS.",
    ),
    "kerberos-unavailable": Reason(
        "Kerberos isn't installed here", 'On Linux: pip install "writeback-preflight[kerberos]".'
    ),
    "kerberos-no-ticket": Reason(
        "there is no Kerberos ticket",
        "Get one with kinit (on Windows: sign in to the domain), or name user and password.",
    ),
    "kerberos-ticket-expired": Reason("the Kerberos ticket has expired", "Get a new one with kinit."),
    "kerberos-spn-missing": Reason(
        "the KDC doesn't know the service principal of the controller",
        "Name the controller by its full DNS name, not an address or alias; check its ldap/ SPN with setspn -L.",
    ),
    "kerberos-clock-skew": Reason(
        "the clocks differ by more than Kerberos allows (5 minutes)",
        "Set this machine's clock (w32tm /resync, chronyc).",
    ),
    "kerberos-unknown-realm": Reason(
        "no KDC was found for the realm",
        "Check the domain in the user's name, krb5.conf, and DNS (SRV _kerberos._tcp).",
    ),
    "kerberos-kdc-unreachable": Reason(
        "no KDC of the realm answered", "Allow port 88 (TCP and UDP) to the domain controllers."
    ),
    "kerberos-policy": Reason(
        "the KDC's policy refuses the sign-in: logon hours, permitted machines, or an authentication policy",
        "Look at the account's restrictions.",
    ),
    "account-revoked": Reason(
        "the account is disabled, locked out or expired (the KDC doesn't say which)", "Look at the account's state."
    ),
    "kerberos-failed": Reason("Kerberos refused the sign-in", "See the message."),
    "negotiate-failed": Reason(
        "neither Kerberos nor NTLM could be negotiated",
        "See the message; name the controller by its full DNS name, and check that NTLM isn't refused where Kerberos "
        "can't be used.",
    ),
}

REASONS: Mapping[str, Reason] = MappingProxyType(
    {
        **dict(_RESULT_CODES.values()),
        **dict(_SIGN_IN.values()),
        **_OTHERS,
    }
)
"""Every code under which the live directory is unavailable."""

_DATA = re.compile(r"\bdata\s+([0-9a-fA-F]+)\b")
_CHANNEL_BINDING = re.compile(r"\b80090346\b")
_NOT_BOUND = re.compile(r"\b000004DC\b", re.IGNORECASE)


class SignInFailed(Unavailable):
    """The domain controller, or the KDC, refused the sign-in.

    Attributes:
        data_code: of AcceptSecurityContext, such as "52e"; "" where none was given.
        account_state: whether it is about the account (disabled, expired, locked, ...), not about the password.
        final: whether it is about the user or the password, so that no other controller would say otherwise.
    """

    def __init__(
        self, reason: str, *, code: str, remedy: str, data_code: str = "", message: str = "", final: bool = False
    ) -> None:
        evidence = {key: value for key, value in (("data", data_code), ("message", message)) if value}
        super().__init__(reason, code=code, remedy=remedy, evidence=evidence)
        self.data_code = data_code
        self.account_state = data_code in ACCOUNT_STATES or code in ("account-revoked", "kerberos-policy")
        self.final = final

    def again(self) -> SignInFailed:
        """A fresh exception: one instance raised on several threads would mix up their tracebacks."""
        fresh = SignInFailed(
            self.reason, code=self.code, remedy=self.remedy, data_code=self.data_code, final=self.final
        )
        fresh.evidence = dict(self.evidence)
        return fresh


def unavailable(code: str, subject: str, detail: str = "") -> Unavailable:
    """The named reason as an exception, to be raised: "<subject>: <meaning> (<detail>)"."""
    reason = REASONS[code]
    shown = _printable(detail)
    sentence = f"{subject}: {reason.meaning}" + (f" [{shown}]" if shown else "")
    return Unavailable(sentence, code=code, remedy=reason.remedy, evidence={"message": shown} if shown else {})


def result_unavailable(result: int, message: str, subject: str) -> Unavailable:
    """What to raise for a search that did not end in success."""
    if result == 1 and _NOT_BOUND.search(message):
        return unavailable("not-bound", subject, message)
    if result not in _RESULT_CODES:
        return unavailable("ldap-error", subject, f"result {result}: {message}")
    return unavailable(_RESULT_CODES[result][0], subject, message)


def sign_in_failed(
    code: str, subject: str, message: str = "", data_code: str = "", *, final: bool = False
) -> SignInFailed:
    """The named reason as a refused sign-in."""
    reason = REASONS[code]
    shown = _printable(message)
    detail = f" (data {data_code})" if data_code else f" [{shown}]" if shown else ""
    return SignInFailed(
        f"{subject}: {reason.meaning}{detail}",
        code=code,
        remedy=reason.remedy,
        data_code=data_code,
        message=shown,
        final=final,
    )


def bind_refused(result: int, message: str, subject: str) -> SignInFailed:
    """What to raise for a bind that did not end in success."""
    final = result == INVALID_CREDENTIALS
    if _CHANNEL_BINDING.search(message):
        return sign_in_failed("channel-binding-required", subject, message, "80090346", final=final)
    found = _DATA.search(message)
    data_code = found[1].lower() if found else ""
    if data_code in _SIGN_IN:
        return sign_in_failed(_SIGN_IN[data_code][0], subject, message, data_code, final=final)
    if result in _RESULT_CODES:
        return sign_in_failed(_RESULT_CODES[result][0], subject, message, final=final)
    return sign_in_failed("ldap-error", subject, f"result {result}: {message}")


def _printable(text: str) -> str:
    """A server's words, made safe for a report: one line, no control characters, of bounded length."""
    shown = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return shown if len(shown) <= 300 else shown[:300] + "..."
