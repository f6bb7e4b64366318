"""The WebSocket handshake (RFC 6455 4): what the relay's clients ask for, and whether it arrived as it was sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from preflight.network.endpoint import Endpoint
from preflight.network.reasons import OK, Reason

RELAY_PATH = "/$servicebus/websocket"
"""Where Service Bus takes WebSockets."""

UPGRADE_REASONS: Mapping[str, Reason] = MappingProxyType(
    {
        "upgrade-stripped": Reason(
            "the host answered as if no WebSocket had been asked for: a proxy took the Upgrade header away",
            "Let the proxy pass WebSockets to the relays (Upgrade and Connection headers), or exempt them from "
            "inspection.",
        ),
    }
)

_ACCEPT_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NO_UPGRADE_SEEN = re.compile(
    r"\b(?:not an?|missing|expected|requires?)\b[^.]{0,30}\b(?:web ?socket|upgrade)", re.IGNORECASE
)


def handshake_headers(key: str) -> Mapping[str, str]:
    """
    Args:
        key: 16 random bytes in base64.
    """
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Protocol": "AMQPWSB10",
    }


def accepted(key: str) -> str:
    """What a server answers to the key (RFC 6455 4.2.2)."""
    import base64
    import hashlib

    return base64.b64encode(hashlib.sha1((key + _ACCEPT_KEY).encode("ascii")).digest()).decode("ascii")


def judged_upgrade(endpoint: Endpoint, status: int, headers: Mapping[str, str], text: str, key: str) -> tuple[str, str]:
    """Code and message of an answer that is not a device's own page.

    A refusal of the service (401, 404 and the like) means that the request arrived. An answer of success that is no
    WebSocket, or one that asks for the upgrade which was asked for, means that it did not arrive as it was sent.
    """
    if status == 101:
        if headers.get("upgrade", "").lower() != "websocket" or headers.get("sec-websocket-accept", "") != accepted(
            key
        ):
            return (
                "upgrade-stripped",
                f"{endpoint.host} switches protocols, but the WebSocket's own headers are missing",
            )
        return OK, ""
    if status == 426 or (status == 400 and _NO_UPGRADE_SEEN.search(text)):
        return "upgrade-stripped", f"{endpoint.host} answers {status}: no request for a WebSocket arrived there"
    if 200 <= status < 300:
        return "upgrade-stripped", f"{endpoint.host} answers {status} as to an ordinary request"
    return OK, ""
