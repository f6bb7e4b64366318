"""A check on a network of the test's own: the real composition, with another resolver and other roots."""

from __future__ import annotations

import contextlib
import datetime
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from preflight.api import Finding, Target
from preflight.config import Configuration, DomainSettings, NetworkSettings, ServiceBusSettings
from preflight.engine import Engine
from preflight.network.dialer import SocketDialer
from preflight.network.model import Endpoint
from preflight.network.port import Resolver
from preflight.network.resolver import DnsResolver
from preflight.plan import make_plan
from preflight.registry import Registry
from preflight.resources import Resources, Setting
from preflight.resources.proxies import proxy_of

RUN = Target("run", "")
REGISTERED = Registry.installed().checks
TIMEOUT = 1.0


class World(Resources):
    """Everything is real but whom names are asked of, and which roots this machine and the public trust."""

    def __init__(
        self, setting: Setting, resolver: Resolver, ca_file: Path | None = None, public_ca_file: Path | None = None
    ) -> None:
        super().__init__(setting)
        self._resolver = resolver
        self._dialer = SocketDialer(
            resolver,
            timeout=setting.configuration.network.timeout,
            proxy=proxy_of(self),
            ca_file=ca_file,
            public_ca_file=public_ca_file,
        )

    def get(self, name: str, target: Target = RUN) -> object:
        given = {"resolver": self._resolver, "dialer": self._dialer}
        return given[name] if name in given else super().get(name, target)


def look(
    check: str,
    relays: Sequence[Endpoint] = (),
    *,
    nameserver: str | None = None,
    environ: dict[str, str] | None = None,
    machine_config: Path | None = None,
    ports: Sequence[int] = (),
    timeout: float = TIMEOUT,
    roots: Roots | None = None,
    domains: Sequence[DomainSettings] = (),
    **settings: object,
) -> list[Finding]:
    """What one check, by itself, finds out about the relays."""
    configuration = Configuration(
        network=NetworkSettings(timeout=timeout, machine_config=machine_config, **settings),
        service_bus=ServiceBusSettings(tuple(relays), tuple(ports)),
        domains=tuple(domains),
    )
    plan = make_plan(REGISTERED, only=[check], skip=[each for each in REGISTERED if each != check])
    resolver = DnsResolver(nameserver, lifetime=timeout)
    with contextlib.ExitStack() as stack:
        files = roots.files(stack) if roots else {}
        world = World(Setting(configuration, plan.folds, environ=environ or {}), resolver, **files)
        try:
            results = Engine(plan, world).run().results
        finally:
            world.close()
    return [finding for result in results if result.check == check for finding in result.findings]


class Authority:
    """A certificate authority which can name addresses for revocation, and leave out what others send."""

    def __init__(self, name: str, parent: Authority | None = None) -> None:
        self.name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._parent = parent
        self.certificate = self._signed(self.name, self._key.public_key(), parent or self, authority=True)

    def context(
        self,
        *names: str,
        days: tuple[int, int] = (-1, 90),
        whole: bool = True,
        self_signed: bool = False,
        crl: str = "",
        ocsp: str = "",
        issuer_url: str = "",
    ) -> ssl.SSLContext:
        """A server's context. `whole`: intermediates are sent, too."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        extensions: list[x509.ExtensionType] = [x509.SubjectAlternativeName([x509.DNSName(each) for each in names])]
        if crl:
            point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
            extensions.append(x509.CRLDistributionPoints([point]))
        about = {AuthorityInformationAccessOID.OCSP: ocsp, AuthorityInformationAccessOID.CA_ISSUERS: issuer_url}
        descriptions = [
            x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for method, url in about.items() if url
        ]
        if descriptions:
            extensions.append(x509.AuthorityInformationAccess(descriptions))
        signer = _Own(subject, key) if self_signed else self
        leaf = signer._signed(subject, key.public_key(), signer, days=days, extensions=extensions)
        chain = [leaf, *([self.certificate] if whole and self._parent else [])]
        pem = serialization.Encoding.PEM
        content = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        content += b"".join(each.public_bytes(pem) for each in chain)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(content)
            file.flush()
            context.load_cert_chain(file.name)
        return context

    def _signed(self, subject, key, issuer, *, days=(-2, 900), extensions=(), authority=False) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0]))
            .not_valid_after(now + datetime.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(issuer._key, hashes.SHA256())


class _Own(Authority):
    """A certificate that vouches for itself."""

    def __init__(self, name: x509.Name, key: ec.EllipticCurvePrivateKey) -> None:
        self.name, self._key, self._parent = name, key, None


class Roots:
    """Whom the machine trusts and whom the public does."""

    def __init__(self, machine: Sequence[Authority], public: Sequence[Authority]) -> None:
        self._content = {"ca_file": machine, "public_ca_file": public}

    def files(self, stack: contextlib.ExitStack) -> dict[str, Path]:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, authorities in self._content.items():
            pem = b"".join(each.certificate.public_bytes(serialization.Encoding.PEM) for each in authorities)
            (folder / name).write_bytes(pem)
        return {name: folder / name for name in self._content}
