"""The hash of a TLS server's certificate that channel binding wants (tls-server-end-point, RFC 5929 4.1)."""

from __future__ import annotations

import hashlib

_SEQUENCE, _OBJECT_IDENTIFIER, _HASH_ALGORITHM = 0x30, 0x06, 0xA0

# The last octets of an OID's encoding, after its arc: PKCS #1 (RFC 8017), ECDSA (RFC 5758), NIST hashes.
_PKCS_1 = bytes.fromhex("2a864886f70d0101")
_ECDSA_WITH_SHA2 = bytes.fromhex("2a8648ce3d0403")
_NIST_HASHES = bytes.fromhex("6086480165030402")
_ALGORITHMS = {
    _PKCS_1 + b"\x0c": "sha384",
    _PKCS_1 + b"\x0d": "sha512",
    _ECDSA_WITH_SHA2 + b"\x03": "sha384",
    _ECDSA_WITH_SHA2 + b"\x04": "sha512",
    _NIST_HASHES + b"\x02": "sha384",
    _NIST_HASHES + b"\x03": "sha512",
}
_RSASSA_PSS = _PKCS_1 + b"\x0a"


def end_point_hash(certificate: bytes) -> bytes:
    """The certificate's hash, by the hash of its signature; SHA-256 where that is MD5, SHA-1 or not told.

    Reads no more of it than that: libraries refuse certificates that domain controllers have (negative serials).

    Raises:
        ValueError: it is no certificate.
    """
    return hashlib.new(_ALGORITHMS.get(_signature_hash(certificate), "sha256"), certificate).digest()


def _signature_hash(certificate: bytes) -> bytes:
    """The OID of the signature's algorithm, or of its hash where that is a parameter."""
    start, end = _element(certificate, 0, len(certificate), _SEQUENCE)
    _, after_body = _element(certificate, start, end, _SEQUENCE)
    start, end = _element(certificate, after_body, end, _SEQUENCE)
    start, stop = _element(certificate, start, end, _OBJECT_IDENTIFIER)
    algorithm = certificate[start:stop]
    if algorithm != _RSASSA_PSS or stop == end:
        return algorithm
    start, end = _element(certificate, stop, end, _SEQUENCE)
    if start == end or certificate[start] != _HASH_ALGORITHM:
        return b""
    start, end = _element(certificate, start, end, _HASH_ALGORITHM)
    start, end = _element(certificate, start, end, _SEQUENCE)
    start, stop = _element(certificate, start, end, _OBJECT_IDENTIFIER)
    return certificate[start:stop]


def _element(data: bytes, position: int, end: int, expected: int) -> tuple[int, int]:
    """Where the content of the DER element at the position starts and stops."""
    if position + 2 > end or data[position] != expected:
        raise ValueError("not a certificate")
    length = data[position + 1]
    start = position + 2
    if length >= 0x80:
        octets = length & 0x7F
        length = int.from_bytes(data[start : start + octets], "big")
        start += octets
    if start + length > end:
        raise ValueError("not a certificate")
    return start, start + length
