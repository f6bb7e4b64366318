"""The two protocols of the network: names to addresses, and connections.

Adapters: resolver.py (DNS and the operating system) and dialer.py (sockets, TLS, CONNECT proxies); recorded.py
answers both from a document.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from preflight.network.latency import Latency
from preflight.network.model import Endpoint, Probe, Reach, Resolution, ServiceRecords, Trial
from preflight.network.proxy import Proxy
from preflight.network.revocation import RevocationAddress, RevocationAnswer


class Resolver(Protocol):
    """Asks for names. Safe to use from several threads."""

    @property
    def origin(self) -> str:
        """Whom it asks, for the report: "the system's resolver", "10.0.0.10"."""

    def resolve(self, name: str) -> Resolution:
        """A and AAAA of an absolute name (search domains play no part). An address resolves to itself.

        A failure is an answer with a code, never an exception.

        Raises:
            Unavailable: only by a recording that doesn't know the name.
        """

    def services(self, name: str) -> ServiceRecords:
        """The SRV records of an absolute name; failures as with `resolve`."""

    def addresses(self, host: str) -> Sequence[str]:
        """The addresses to connect to, in order: at least one.

        Raises:
            Unavailable: the host doesn't resolve; `code` is the resolution's.
        """


class Dialer(Protocol):
    """Connects, looks and hangs up. Safe to use from several threads."""

    @property
    def origin(self) -> str:
        """The way it goes, for the report: "direct", "proxy proxy.contoso.com:3128", "recorded"."""

    def proxy_for(self, endpoint: Endpoint) -> str | None:
        """The proxy, "HOST:PORT", through which it reaches the endpoint; None: directly (NO_PROXY may differ by host).

        Through a proxy, names are the proxy's business: DNS on this machine plays no part.
        """

    def reach(self, endpoint: Endpoint, *, tls: bool = False) -> Reach:
        """Try every address of the endpoint; with `tls`, a verified handshake too.

        A failure is an answer with a code, never an exception.

        Raises:
            Unavailable: only by a recording that doesn't know the endpoint.
        """

    def reach_all(self, endpoints: Collection[Endpoint], *, tls: bool = False) -> Mapping[Endpoint, Reach]:
        """`reach` for all at once, under one deadline; in the order given."""

    def try_all(self, trials: Collection[Trial]) -> Mapping[Trial, Probe]:
        """Handshakes out of the ordinary, all at once, each once; in the order given.

        Raises:
            Unavailable: only by a recording that doesn't know one.
        """

    def latencies(self, reaches: Collection[Reach]) -> Mapping[Endpoint, tuple[Latency, ...]]:
        """A few more connections to each address that answered and is reached without a proxy."""

    def ask_revocation(self, addresses: Collection[RevocationAddress]) -> Mapping[RevocationAddress, RevocationAnswer]:
        """Ask for the header of each, all at once, by plain HTTP: through the proxy where one is in use.

        Raises:
            Unavailable: only by a recording that doesn't know one.
        """

    def by(self, proxy: Proxy | None) -> Dialer:
        """The same by another way: through that proxy, or directly (None).

        Raises:
            Unavailable: by a recording, which knows one way only.
        """
