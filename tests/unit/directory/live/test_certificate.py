from __future__ import annotations

import contextlib
import datetime
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from preflight.directory.live.certificate import end_point_hash

KEY = rsa.generate_private_key(65537, 2048)


def certificate(algorithm: hashes.HashAlgorithm, key: object = KEY, **options: object) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "dc1")])
    day = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, day, day + datetime.timedelta(days=1))
    return builder.sign(key, algorithm, **options).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("algorithm", "expected"), [(hashes.SHA256(), "sha256"), (hashes.SHA384(), "sha384"), (hashes.SHA512(), "sha512")]
)
def test_the_hash_is_that_of_the_signature(algorithm: hashes.HashAlgorithm, expected: str) -> None:
    pss = padding.PSS(padding.MGF1(algorithm), 20)
    elliptic = ec.generate_private_key(ec.SECP256R1())
    for der in (
        certificate(algorithm),
        certificate(algorithm, rsa_padding=pss),
        certificate(algorithm, elliptic),
    ):
        assert end_point_hash(der) == hashlib.new(expected, der).digest()


@given(st.binary(max_size=200))
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert len(end_point_hash(data)) in (32, 48, 64)
