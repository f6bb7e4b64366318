"""The tenant's own relays out of a text in which they stand, such as that of events 31019 and 31034."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from preflight.config.errors import ConfigurationError
from preflight.network.clouds import RELAY_NAMESPACE
from preflight.network.endpoint import Endpoint

HTTPS_PORT = 443
MOST_BYTES = 256 << 20
"""More is no text that anybody exported to look at."""

_PART = 1 << 20
_OVERLAP = 512
"""Characters: more than a namespace has, so that none is missed or cut at the border of two parts."""

_BINARY_LOG = b"ElfFile\0"

_IN_NAMES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")


def read_namespaces(path: Path) -> tuple[Endpoint, ...]:
    """Each once, in the order of the text; UTF-8, UTF-16 or whatever is ASCII where it counts; .evtx.

    Raises:
        ConfigurationError: the file can't be read, is no text, or names no relay.
    """
    found: dict[str, None] = {}
    try:
        with path.open("rb") as file:
            start = file.read(_PART)
            if start.startswith(_BINARY_LOG):
                return _endpoints(path, _in_binary_log(path))
            encoding = _encoding(start)
            kept, part = "", start
            read = len(start)
            while part:
                text = kept + part.decode(encoding, "replace")
                following = file.read(_PART)
                end = _border(text) if following else len(text)
                found.update(dict.fromkeys(match[0].lower() for match in RELAY_NAMESPACE.finditer(text, 0, end)))
                kept, part = text[end:], following
                read += len(part)
                if read > MOST_BYTES:
                    raise ConfigurationError(
                        f"{path}: larger than {MOST_BYTES >> 20} MiB. Save the events in question."
                    )
    except OSError as error:
        raise ConfigurationError(
            f"{path}: the file can't be read ({error.strerror or type(error).__name__}). Check the path."
        ) from None
    return _endpoints(path, found)


def _in_binary_log(path: Path) -> Iterable[str]:
    """Those in the events of the service; other forms are searched as the text that they are."""
    from preflight.events import UnreadableLog, parse_message, read_events

    found: dict[str, None] = {}
    try:
        for event in read_events([path]):
            found.update(dict.fromkeys(parse_message(event.message).namespaces))
    except UnreadableLog as error:
        raise ConfigurationError(str(error)) from None
    return found


def _endpoints(path: Path, found: Iterable[str]) -> tuple[Endpoint, ...]:
    if not found:
        raise ConfigurationError(
            f"{path}: names no relay. One reads such as contoso.servicebus.windows.net, and stands in the text of "
            "events 31019 and 31034 of the source PasswordResetService."
        )
    return tuple(Endpoint(host, HTTPS_PORT) for host in found)


def _border(text: str) -> int:
    """Before the name that the text breaks off in, if it does."""
    nearest = max(len(text) - _OVERLAP, 0)
    return next((at for at in range(len(text), nearest, -1) if text[at - 1] not in _IN_NAMES), len(text))


def _encoding(start: bytes) -> str:
    """UTF-16, which Windows writes, by its mark or by its zeros; else whatever has its ASCII letters as bytes."""
    if start.startswith(b"\xfe\xff"):
        return "utf-16-be"
    if start.startswith(b"\xff\xfe") or start[1:200:2].count(0) > 50:
        return "utf-16-le"
    return "utf-8"
