"""Why a Kerberos or NTLM exchange failed on this side: error numbers of MIT krb5, GSSAPI and SSPI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

_KRB5 = -1765328384
"""The base of MIT's error numbers; below 128 they are those of RFC 4120 7.5.9."""

_BY_KRB5: Mapping[int, str] = MappingProxyType(
    {
        _KRB5 + 6: "user-not-found",
        _KRB5 + 7: "kerberos-spn-missing",
        _KRB5 + 12: "kerberos-policy",
        _KRB5 + 18: "account-revoked",
        _KRB5 + 23: "password-expired",
        _KRB5 + 24: "invalid-credentials",
        _KRB5 + 31: "invalid-credentials",
        _KRB5 + 32: "kerberos-ticket-expired",
        _KRB5 + 33: "kerberos-clock-skew",
        _KRB5 + 37: "kerberos-clock-skew",
        _KRB5 + 68: "kerberos-unknown-realm",
        -1765328243: "kerberos-no-ticket",  # KRB5_CC_NOTFOUND
        -1765328189: "kerberos-no-ticket",  # KRB5_FCC_NOFILE
        39756044: "kerberos-no-ticket",  # KG_EMPTY_CCACHE
        -1765328230: "kerberos-unknown-realm",  # KRB5_REALM_UNKNOWN
        -1765328164: "kerberos-unknown-realm",  # KRB5_REALM_CANT_RESOLVE
        -1765328160: "kerberos-unknown-realm",  # KRB5_CONFIG_NODEFREALM
        -1765328167: "kerberos-unknown-realm",  # KRB5_ERR_HOST_REALM_UNKNOWN
        -1765328228: "kerberos-kdc-unreachable",  # KRB5_KDC_UNREACH
    }
)

_BY_SSPI: Mapping[int, str] = MappingProxyType(
    {
        0x8009030C: "invalid-credentials",  # SEC_E_LOGON_DENIED
        0x80090303: "kerberos-spn-missing",  # SEC_E_TARGET_UNKNOWN
        0x80090322: "kerberos-spn-missing",  # SEC_E_WRONG_PRINCIPAL
        0x80090311: "kerberos-kdc-unreachable",  # SEC_E_NO_AUTHENTICATING_AUTHORITY
        0x80090324: "kerberos-clock-skew",  # SEC_E_TIME_SKEW
        0x8009030E: "kerberos-no-ticket",  # SEC_E_NO_CREDENTIALS
    }
)

# The routine errors of RFC 2744 3.9.1.
_GSS_NO_CRED, _GSS_CREDENTIALS_EXPIRED = 7 << 16, 11 << 16

CLIENT_FAULTS = frozenset(
    {"invalid-credentials", "user-not-found", "account-revoked", "password-expired", "kerberos-policy"}
)
"""What the KDC said about the account: NTLM would be told the same, and a wrong password would count twice."""

_DATA_CODES: Mapping[str, str] = MappingProxyType({"password-expired": "532"})


def kerberos_code(error: BaseException) -> tuple[str, str]:
    """The name of the reason, and the data code of AcceptSecurityContext that means the same ("" if there is none).

    Looks through what the error was raised from: pyspnego wraps the errors of gssapi, krb5 and SSPI.
    """
    for link in _chain(error):
        if isinstance(link, ImportError):
            return "kerberos-unavailable", ""
        for number in _numbers(link):
            code = _BY_KRB5.get(number) or _BY_SSPI.get(number & 0xFFFFFFFF)
            if code:
                return code, _DATA_CODES.get(code, "")
    for link in _chain(error):
        major = getattr(link, "maj_code", 0)
        if isinstance(major, int) and major & 0xFF0000 == _GSS_CREDENTIALS_EXPIRED:
            return "kerberos-ticket-expired", ""
        if isinstance(major, int) and major & 0xFF0000 == _GSS_NO_CRED:
            return "kerberos-no-ticket", ""
    return "kerberos-failed", ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    waiting, seen = [error], set()
    while waiting:
        link = waiting.pop(0)
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [getattr(link, "base_error", None), link.__cause__, link.__context__]


def _numbers(error: BaseException) -> Iterator[int]:
    for attribute in ("err_code", "min_code", "winerror"):
        number = getattr(error, attribute, None)
        if isinstance(number, int) and number:
            # GSSAPI's minor status is the same number, unsigned.
            yield number - (1 << 32) if number >= 1 << 31 else number
