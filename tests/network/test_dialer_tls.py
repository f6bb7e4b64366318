"""TLS, good and broken in every way, with certificates made by trustme."""

from __future__ import annotations

import os
import ssl
import threading
import time

import pytest
import trustme
from network.conftest import encrypted
from network.servers import NameServer, Peer, black_hole, drips, hang_up, names, quiet, reset, says

from preflight.network.dialer import SocketDialer
from preflight.network.model import REASONS, Endpoint
from preflight.network.resolver import DnsResolver


def shake(behaviour, authority, host="localhost", timeout=2.0, ca_file=None):
    with (
        Peer(behaviour) as peer,
        NameServer(names({"localhost": ["A 127.0.0.1"], "other.example": ["A 127.0.0.1"]})) as dns,
    ):
        dialer = SocketDialer(DnsResolver(dns.address), timeout=timeout, ca_file=ca_file or authority.file)
        reach = dialer.reach(Endpoint(host, peer.port), tls=True)
    (probe,) = reach.probes
    assert probe.code == "ok" or probe.code in REASONS
    return probe


def test_a_good_certificate(authority):
    probe = shake(encrypted(authority.context("localhost")), authority)
    assert probe.connected
    assert [hop.kind for hop in probe.hops] == ["tcp", "tls"]
    assert probe.tls is not None
    assert probe.tls.trusted
    assert probe.tls.version == "TLSv1.3"
    assert "Contoso Test Roots" in probe.tls.issuer
    assert probe.tls.names == ("localhost",)
    assert probe.tls.not_before < probe.tls.not_after


def test_a_certificate_for_the_address_itself(authority):
    assert shake(encrypted(authority.context("127.0.0.1")), authority, host="127.0.0.1").connected


def test_tls_1_2_is_enough(authority):
    context = authority.context("localhost")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    probe = shake(encrypted(context), authority)
    assert probe.connected
    assert probe.tls.version == "TLSv1.2"


def test_a_connection_without_tls_asks_for_none(authority):
    with Peer(says(b"hello")) as peer:
        reach = SocketDialer(DnsResolver(), timeout=2).reach(Endpoint("127.0.0.1", peer.port))
    assert reach.connected
    assert reach.probes[0].tls is None


def test_an_untrusted_issuer_is_named(authority):
    stranger = trustme.CA(organization_name="Contoso Inspection Proxy")
    probe = shake(encrypted(authority.context("localhost", ca=stranger)), authority)
    assert probe.code == "tls-untrusted"
    assert "Contoso Inspection Proxy" in probe.message
    assert probe.tls is not None
    assert not probe.tls.trusted
    assert "Contoso Inspection Proxy" in probe.tls.issuer


def test_the_system_trust_store_does_not_know_the_tests_authority(authority):
    with Peer(encrypted(authority.context("127.0.0.1"))) as peer:
        reach = SocketDialer(DnsResolver(), timeout=2).reach(Endpoint("127.0.0.1", peer.port), tls=True)
    assert reach.code == "tls-untrusted"


def test_an_incomplete_chain_is_untrusted(authority):
    intermediate = authority.authority.create_child_ca()
    certificate = intermediate.issue_cert("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with certificate.private_key_and_cert_chain_pem.tempfile() as whole:
        context.load_cert_chain(whole)
    assert shake(encrypted(context), authority).connected
    alone = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    key_and_leaf = certificate.private_key_pem.bytes() + certificate.cert_chain_pems[0].bytes()
    with trustme.Blob(key_and_leaf).tempfile() as path:
        alone.load_cert_chain(path)
    probe = shake(encrypted(alone), authority)
    assert probe.code == "tls-untrusted"


def test_another_name_is_told_with_the_names_that_were_shown(authority):
    probe = shake(encrypted(authority.context("portal.contoso.com")), authority)
    assert probe.code == "tls-name-mismatch"
    assert "portal.contoso.com" in probe.message
    assert probe.tls.names == ("portal.contoso.com",)


def test_an_expired_certificate_is_dated(authority):
    probe = shake(encrypted(authority.context("localhost", days=(-30, -3))), authority)
    assert probe.code == "tls-expired"
    assert f"{probe.tls.not_after:%Y-%m-%d}" in probe.message


def test_a_certificate_that_is_not_valid_yet_is_dated(authority):
    probe = shake(encrypted(authority.context("localhost", days=(3, 30))), authority)
    assert probe.code == "tls-not-yet-valid"
    assert f"{probe.tls.not_before:%Y-%m-%d}" in probe.message


def test_plain_http_on_a_tls_port(authority):
    probe = shake(says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), authority)
    assert probe.code == "tls-protocol"


def test_only_versions_that_are_too_old(authority):
    context = authority.context("localhost")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1
    probe = shake(encrypted(context), authority)
    assert probe.code == "tls-protocol"


def test_a_server_that_wants_no_cipher_of_ours(authority):
    context = authority.context("localhost")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA256:@SECLEVEL=0")  # no forward secrecy: not among Python's defaults
    probe = shake(encrypted(context), authority)
    assert probe.code == "tls-alert"


def test_closed_in_mid_handshake(authority):
    assert shake(hang_up, authority).code == "tls-closed"


def test_reset_in_mid_handshake(authority):
    assert shake(reset, authority).code == "tls-reset"


def test_closed_at_once(authority):
    probe = shake(lambda *_: None, authority)
    assert probe.code in ("tls-closed", "tls-reset")


def test_silence_after_the_connection_is_a_tls_time_out(authority):
    started = time.monotonic()
    probe = shake(quiet, authority, timeout=0.5)
    assert probe.code == "tls-timeout"
    assert [(hop.kind, hop.code) for hop in probe.hops] == [("tcp", "ok"), ("tls", "tls-timeout")]
    assert time.monotonic() - started < 5


def test_a_byte_now_and_then_hangs_nobody(authority):
    # The beginning of a genuine record of 16 KB which never ends.
    started = time.monotonic()
    probe = shake(drips(b"\x16\x03\x03\x40\x00" + b"\x02" * 1000, 0.1), authority, timeout=0.7)
    assert probe.code == "tls-timeout"
    assert time.monotonic() - started < 5


def test_a_megabyte_of_random_bytes(authority):
    probe = shake(says(os.urandom(1 << 20)), authority)
    assert probe.code.startswith("tls-")
    assert probe.tls is None


def test_a_black_hole_never_gets_to_tls(authority):
    with black_hole() as port:
        dialer = SocketDialer(DnsResolver(), timeout=0.5, ca_file=authority.file)
        reach = dialer.reach(Endpoint("127.0.0.1", port), tls=True)
    assert reach.code == "tcp-timeout"
    assert [hop.kind for hop in reach.probes[0].hops] == ["tcp"]


def test_where_the_second_look_fails_the_verdict_of_the_first_stays(authority):
    context = authority.context("localhost", ca=trustme.CA())
    first = threading.Lock()

    def once(connection, stop):
        if first.acquire(blocking=False):
            encrypted(context)(connection, stop)

    probe = shake(once, authority)
    assert probe.code == "tls-untrusted"
    assert "localhost" in probe.message
    assert probe.tls is None


def test_many_handshakes_at_once_share_one_context(authority):
    with Peer(encrypted(authority.context("127.0.0.1", "127.0.0.2"))) as peer:
        names_zone = {f"relay{number}.example": ["A 127.0.0.1"] for number in range(40)}
        with NameServer(names(names_zone)) as dns:
            dialer = SocketDialer(DnsResolver(dns.address), timeout=10, ca_file=authority.file)
            reached = dialer.reach_all([Endpoint(name, peer.port) for name in names_zone], tls=True)
    assert {reach.code for reach in reached.values()} == {"tls-name-mismatch"}


@pytest.mark.parametrize("content", [None, b"", b"not a certificate", b"\xff\xfe\x00"])
def test_a_ca_file_that_holds_no_certificate_is_refused_at_once(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"ca\.pem"):
        SocketDialer(DnsResolver(), ca_file=path)
