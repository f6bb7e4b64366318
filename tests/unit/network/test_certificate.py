"""The certificate reader, judged by `cryptography` and by mutated bytes."""

from __future__ import annotations

import datetime
import ipaddress
import ssl

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from preflight.network.certificate import Certificate, MalformedCertificate

KEY = ec.generate_private_key(ec.SECP256R1())
OIDS = {
    "CN": NameOID.COMMON_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "L": NameOID.LOCALITY_NAME,
    "DC": NameOID.DOMAIN_COMPONENT,
    "emailAddress": NameOID.EMAIL_ADDRESS,
}


def made(subject, issuer, alternatives=(), not_before=None, not_after=None) -> bytes:
    def name(parts):
        return x509.Name([x509.NameAttribute(OIDS[kind], value) for kind, value in parts])

    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before or datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(not_after or datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


GOOD = made(
    [("O", "Contoso"), ("CN", "relay.example")],
    [("DC", "example"), ("O", "Contoso Web Gateway"), ("CN", "Inspection CA")],
    [
        x509.DNSName("Relay.example"),
        x509.IPAddress(ipaddress.ip_address("::1")),
        x509.RFC822Name("a@b.c"),
    ],
)


def test_who_by_whom_and_for_which_names():
    certificate = Certificate.parse(GOOD)
    assert certificate.subject == "CN=relay.example, O=Contoso"
    assert certificate.issuer == "CN=Inspection CA, O=Contoso Web Gateway, DC=example"
    assert certificate.names == ("relay.example", "::1")
    assert certificate.not_before == datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    assert certificate.not_after == datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)


def test_a_certificate_without_names_or_subject():
    certificate = Certificate.parse(made([], [("CN", "x")]))
    assert (certificate.subject, certificate.names) == ("", ())


@pytest.mark.parametrize("year", [1950, 1969, 1999, 2049, 2050, 2068, 2120])
def test_dates_of_both_types(year):
    end = datetime.datetime(year, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
    start = datetime.datetime(1950, 1, 1, tzinfo=datetime.UTC)
    assert Certificate.parse(made([], [("CN", "x")], not_before=start, not_after=end)).not_after == end


def test_control_characters_never_reach_a_terminal():
    certificate = Certificate.parse(made([("CN", "a\x1b[31mred\nb")], [("CN", "x")]))
    assert certificate.subject == "CN=a?[31mred?b"


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_any_name_agrees_with_cryptography(organization, unit):
    der = made([("O", organization), ("OU", unit)], [("CN", "x")])
    subject = Certificate.parse(der).subject
    printable = ["".join(c if c.isprintable() else "?" for c in text) for text in (unit, organization)]
    assert subject == f"OU={printable[0]}, O={printable[1]}"


@pytest.mark.filterwarnings("ignore:Parsed a")  # cryptography dislikes some roots that Debian ships
def test_every_root_of_this_machine_agrees_with_cryptography():
    roots = ssl.create_default_context().get_ca_certs(binary_form=True)
    roots.append(ssl.PEM_cert_to_DER_cert(trustme.CA().cert_pem.bytes().decode()))
    for der in roots:
        mine, theirs = Certificate.parse(der), x509.load_der_x509_certificate(der)
        assert (mine.not_before, mine.not_after) == (theirs.not_valid_before_utc, theirs.not_valid_after_utc)
        for attribute in theirs.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME):
            assert f"O={attribute.value}" in mine.issuer


@given(st.binary(max_size=300))
def test_any_bytes_are_a_certificate_or_one_kind_of_error(data):
    with pytest.raises(MalformedCertificate):
        Certificate.parse(data)


@given(st.data())
def test_mutated_certificates_raise_one_kind_of_error_only(data):
    mutated = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(mutated)))
    for candidate in (bytes(mutated), bytes(mutated[:cut])):
        try:
            certificate = Certificate.parse(candidate)
        except MalformedCertificate:
            continue
        assert certificate.issuer.isprintable()


def test_where_revocation_is_asked_for_and_where_the_issuer_is() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay.example")])
    uri = x509.UniformResourceIdentifier
    points = [
        x509.DistributionPoint([uri("http://crl.example/a.crl"), uri("ldap:///CN=a")], None, None, None),
        x509.DistributionPoint(None, None, None, [x509.DirectoryName(name)]),
    ]
    about = [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, uri("http://ocsp.example")),
        x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, uri("http://pki.example/ca.crt")),
        x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.DirectoryName(name)),
    ]
    now = datetime.datetime(2026, 11, 23)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now)
        .add_extension(x509.CRLDistributionPoints(points), critical=True)
        .add_extension(x509.AuthorityInformationAccess(about), critical=False)
        .sign(KEY, hashes.SHA256())
    )
    read = Certificate.parse(certificate.public_bytes(Encoding.DER))
    assert read.crls == ("http://crl.example/a.crl",)
    assert read.ocsp == ("http://ocsp.example",)
    assert read.issuers == ("http://pki.example/ca.crt",)
    assert read.self_signed
