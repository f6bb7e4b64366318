"""HTTP answers: what came back from a host, and whether it is the service's own or a device's on the way.

A proxy or web filter that inspects TLS with a certificate which this machine trusts shows itself only here, by its
block page in the place of the service's answer.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from preflight.network.clouds import DocumentedName
from preflight.network.endpoint import Endpoint
from preflight.network.idle import Held
from preflight.network.model import Reach
from preflight.network.reasons import OK, REASONS, Reason
from preflight.network.relays import Relay
from preflight.network.websocket import UPGRADE_REASONS

WEB_REASONS: Mapping[str, Reason] = MappingProxyType(
    {
        "http-timeout": Reason(
            "TLS stands, but the answer to the HTTP request did not come, or not to its end, in time",
            "Look for a proxy or web filter that holds the request back (sandboxing, inspection); compare from another "
            "network.",
        ),
        "http-closed": Reason(
            "the connection was closed after the HTTP request, without an answer",
            "Look for a firewall or web filter that cuts connections by their content; exempt the host from it.",
        ),
        "http-garbage": Reason(
            "what came back is not HTTP",
            "Look for a device that answers in the host's place; exempt the host from it.",
        ),
        "block-page": Reason(
            "a proxy or web filter answered in the service's place",
            "Exempt the host from the web filter and from TLS inspection; the page in the evidence says whose it is.",
        ),
        "redirected-elsewhere": Reason(
            "the answer leads to a host that is not the service's, as block pages and sign-in portals do",
            "Exempt the host from the web filter or portal that the redirect leads to.",
        ),
    }
)
"""What an `Answer` can carry beside "ok" and the codes of a connection that could not be made."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one HTTP request, or why there is none.

    Attributes:
        via: "direct", "proxy HOST:PORT" or "recorded".
        code: "ok": the service answered (401 and 404 included). Else a code of `WEB_REASONS`, or of `REASONS` where
            no connection could be made.
        message: one sentence on what is wrong; "" if ok.
        status: of HTTP; None where no answer came.
        headers: those that say who answered, names in lower case.
        page: the beginning of the page's text, for a person.
        date: the Date header, if it is the time of this answer (not one out of a cache).
        sent, received: by this machine's clock, around the request and the header of its answer; None as recorded.
        skew: recorded answers only: seconds that this machine was ahead.
    """

    endpoint: Endpoint
    via: str
    code: str
    message: str = ""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    date: datetime | None = None
    sent: datetime | None = None
    received: datetime | None = None
    skew: float | None = None

    @property
    def reached(self) -> bool:
        return self.code == OK

    @property
    def reason(self) -> Reason | None:
        """Meaning and remedy of the code; None if reached."""
        return WEB_REASONS.get(self.code) or UPGRADE_REASONS.get(self.code) or REASONS.get(self.code)


@runtime_checkable
class Web(Protocol):
    """Puts HTTP requests to endpoints that TLS reaches. Safe to use from several threads.

    Each takes what an earlier connection found, and goes the same way. A failure is an answer with a code, never an
    exception.

    Raises:
        Unavailable: only by a recording that doesn't know the endpoint.
    """

    def ask(self, reach: Reach) -> Answer:
        """GET /, without following where it leads."""

    def upgrade(self, reach: Reach) -> Answer:
        """Ask for a WebSocket as the relay's clients do; nothing is said on it."""

    def hold(self, reach: Reach, seconds: float, stop: threading.Event) -> Sequence[Held]:
        """Leave connections idle for that long and for shorter times side by side, then use them.

        `stop` ends the wait early.
        """


def not_connected(reach: Reach) -> Answer:
    """The answer of an endpoint that no connection could be made to."""
    return Answer(reach.endpoint, reach.via, reach.code, reach.message)


@dataclass(frozen=True, slots=True)
class WebAnswers:
    """What the password-reset web service and the relays answered to an HTTP request.

    Attributes:
        services: by the documented name; `note` there says what an answer does not prove.
        relays: those that were reached with TLS; the others are judged where they are connected to.
    """

    services: Mapping[DocumentedName, Answer]
    relays: Mapping[Relay, Answer]

    @property
    def all(self) -> tuple[Answer, ...]:
        return (*self.services.values(), *self.relays.values())


@dataclass(frozen=True, slots=True)
class IdleConnections:
    """Connections to one relay that were left idle side by side, each for a time of its own.

    Attributes:
        seconds: the longest time that was asked for.
    """

    seconds: float
    held: tuple[Held, ...]
    via: str = "direct"
