from __future__ import annotations

import datetime
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from network.servers import Behaviour

DAY = datetime.timedelta(days=1)


class TestAuthority:
    """A certificate authority of the test's own, and TLS servers with its certificates."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA(organization_name="Contoso Test Roots")
        self.file = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.file))

    def context(
        self, *identities: str, days: tuple[int, int] = (-1, 30), ca: trustme.CA | None = None
    ) -> ssl.SSLContext:
        """A server's context with a certificate that is valid from and to so many days from now."""
        now = datetime.datetime.now(datetime.UTC)
        certificate = (ca or self.authority).issue_cert(
            *identities, not_before=now + days[0] * DAY, not_after=now + days[1] * DAY
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context


def encrypted(context: ssl.SSLContext, then: Callable[[ssl.SSLSocket], None] | None = None) -> Behaviour:
    def behave(connection, stop: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            if then:
                then(wrapped)
            else:
                wrapped.recv(1)

    return behave


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> TestAuthority:
    return TestAuthority(tmp_path_factory.mktemp("ca"))
