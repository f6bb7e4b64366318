"""Who a certificate is made out to and by whom, read from its bytes (RFC 5280 4.1).

Python's ssl describes only certificates that passed verification; what is asked for here is above all the issuer of
one that didn't.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

_SEQUENCE, _SET, _OID, _EXPLICIT_0, _EXPLICIT_3 = 0x30, 0x31, 0x06, 0xA0, 0xA3
_UTC_TIME, _GENERALIZED_TIME, _OCTET_STRING, _BOOLEAN = 0x17, 0x18, 0x04, 0x01
_BMP_STRING, _UTF8_STRING = 0x1E, 0x0C
_DNS_NAME, _URI, _IP_ADDRESS = 0x82, 0x86, 0x87
_CONTEXT_0 = 0xA0

_SUBJECT_ALT_NAME = bytes.fromhex("551d11")
_CRL_DISTRIBUTION_POINTS = bytes.fromhex("551d1f")
_AUTHORITY_INFORMATION = bytes.fromhex("2b06010505070101")
_OCSP = bytes.fromhex("2b06010505073001")
_CA_ISSUERS = bytes.fromhex("2b06010505073002")
_ATTRIBUTES = {
    bytes.fromhex("550403"): "CN",
    bytes.fromhex("550406"): "C",
    bytes.fromhex("550407"): "L",
    bytes.fromhex("550408"): "ST",
    bytes.fromhex("55040a"): "O",
    bytes.fromhex("55040b"): "OU",
    bytes.fromhex("0992268993f22c640119"): "DC",
    bytes.fromhex("2a864886f70d010901"): "emailAddress",
}


class MalformedCertificate(ValueError):
    """The bytes are no X.509 certificate."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a person needs to recognise a certificate.

    Attributes:
        subject: "CN=..., O=...", most specific part first; "" if empty, as where only names count.
        issuer: likewise.
        names: DNS names and addresses of subjectAltName.
        crls: where the list of revoked certificates is fetched, http:// only (RFC 5280 4.2.1.13).
        ocsp: where its state is asked for (RFC 5280 4.2.2.1, RFC 6960).
        issuers: where its issuer's certificate is fetched.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    crls: tuple[str, ...] = ()
    ocsp: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()

    @property
    def self_signed(self) -> bool:
        """Whether it names itself as its issuer: a root, or a certificate that nobody vouches for."""
        return self.subject == self.issuer

    @classmethod
    def parse(cls, der: bytes) -> Certificate:
        """Read a certificate in DER.

        Raises:
            MalformedCertificate: it isn't one.
        """
        certificate = _only(der, _SEQUENCE)
        fields = list(_elements(_first(certificate, _SEQUENCE)))
        if fields and fields[0][0] == _EXPLICIT_0:  # version
            del fields[0]
        # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
        if len(fields) < 6 or any(fields[index][0] != _SEQUENCE for index in (2, 3, 4)):
            raise MalformedCertificate("fields are missing")
        times = list(_elements(fields[3][1]))
        if len(times) != 2:
            raise MalformedCertificate("no validity")
        extensions = dict(_extensions(next((value for tag, value in fields[6:] if tag == _EXPLICIT_3), b"")))
        about = list(_access_descriptions(extensions.get(_AUTHORITY_INFORMATION, b"")))
        return cls(
            subject=_name(fields[4][1]),
            issuer=_name(fields[2][1]),
            names=_alternative_names(extensions.get(_SUBJECT_ALT_NAME, b"")),
            not_before=_time(*times[0]),
            not_after=_time(*times[1]),
            crls=_distribution_points(extensions.get(_CRL_DISTRIBUTION_POINTS, b"")),
            ocsp=tuple(url for method, url in about if method == _OCSP),
            issuers=tuple(url for method, url in about if method == _CA_ISSUERS),
        )


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The tags and contents that follow one another in `data`."""
    at = 0
    while at < len(data):
        if len(data) - at < 2:
            raise MalformedCertificate("an element is cut off")
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4 or len(data) - at < size:
                raise MalformedCertificate("an element has no valid length")
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if len(data) - at < length:
            raise MalformedCertificate("an element is longer than what holds it")
        yield tag, data[at : at + length]
        at += length


def _first(data: bytes, expected: int) -> bytes:
    for tag, value in _elements(data):
        if tag == expected:
            return value
        break
    raise MalformedCertificate("an element is missing or of another type")


def _only(data: bytes, expected: int) -> bytes:
    elements = list(_elements(data))
    if len(elements) != 1 or elements[0][0] != expected:
        raise MalformedCertificate("not one element of the expected type")
    return elements[0][1]


def _name(data: bytes) -> str:
    parts = []
    for _tag, relative in _elements(data):
        for _tag, attribute in _elements(relative):
            pair = list(_elements(attribute))
            if len(pair) != 2 or pair[0][0] != _OID:
                raise MalformedCertificate("a name has no attribute")
            (_, oid), (kind, value) = pair
            parts.append(f"{_ATTRIBUTES.get(oid, '?')}={_text(kind, value)}")
    return ", ".join(reversed(parts))


def _text(kind: int, value: bytes) -> str:
    """A string of any type as printable text: it ends up on a terminal."""
    encoding = {_BMP_STRING: "utf-16-be", _UTF8_STRING: "utf-8"}.get(kind, "latin-1")
    text = value.decode(encoding, "replace")
    return "".join(character if character.isprintable() else "?" for character in text)


def _time(kind: int, value: bytes) -> datetime:
    layout = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}.get(kind)
    if layout is None:
        raise MalformedCertificate("a date of an unknown type")
    try:
        time = datetime.strptime(value.decode("ascii"), layout).replace(tzinfo=UTC)
    except ValueError:
        raise MalformedCertificate("a date that is none") from None
    # RFC 5280 4.1.2.5.1: two digits mean 1950 to 2049; strptime says 1969 to 2068.
    if kind == _UTC_TIME and time.year >= 2050:
        time = time.replace(year=time.year - 100)
    return time


def _extensions(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Identifier and value of each extension; nothing where there are none."""
    if not data:
        return
    for _tag, extension in _elements(_only(data, _SEQUENCE)):
        parts = [element for element in _elements(extension) if element[0] != _BOOLEAN]
        if len(parts) != 2 or parts[0][0] != _OID or parts[1][0] != _OCTET_STRING:
            raise MalformedCertificate("an extension has no value")
        yield parts[0][1], parts[1][1]


def _alternative_names(data: bytes) -> tuple[str, ...]:
    if not data:
        return ()
    names = [_general_name(tag, value) for tag, value in _elements(_only(data, _SEQUENCE))]
    return tuple(name for name in names if name)


def _distribution_points(data: bytes) -> tuple[str, ...]:
    """DistributionPoint ::= SEQUENCE { [0] { [0] fullName GeneralNames }, ... }, each part optional."""
    if not data:
        return ()
    urls = []
    for _tag, point in _elements(_only(data, _SEQUENCE)):
        for tag, name in _elements(point):
            if tag == _CONTEXT_0:
                for kind, full_name in _elements(name):
                    if kind == _CONTEXT_0:
                        urls += [_url(*element) for element in _elements(full_name)]
    return tuple(url for url in urls if url)


def _access_descriptions(data: bytes) -> Iterator[tuple[bytes, str]]:
    """Method and address of each AccessDescription that has one."""
    if not data:
        return
    for _tag, description in _elements(_only(data, _SEQUENCE)):
        parts = list(_elements(description))
        if len(parts) == 2 and parts[0][0] == _OID and (url := _url(*parts[1])):
            yield parts[0][1], url


def _url(tag: int, value: bytes) -> str:
    """An http:// address; "" for ldap:// and whatever else can't be asked over port 80."""
    text = _text(tag, value) if tag == _URI else ""
    return text if text.lower().startswith("http://") else ""


def _general_name(tag: int, value: bytes) -> str:
    """A DNS name or an address; "" for the other kinds."""
    if tag == _DNS_NAME:
        return _text(tag, value).lower()
    if tag == _IP_ADDRESS and len(value) in (4, 16):
        return str(ipaddress.ip_address(value))
    return ""
