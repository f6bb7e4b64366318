"""Frames of the SASL security layer: what follows a sign-in that negotiated encryption (RFC 4422 3.7)."""

from __future__ import annotations

from typing import Any

_LENGTH = 4
MAXIMUM_FRAME = 32 * 1024 * 1024


class SealedFrames:
    """Encrypts and decrypts with a finished security context; each frame is its length (4 bytes) and its bytes."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._received = bytearray()

    def seal(self, plain: bytes) -> bytes:
        sealed: bytes = self._context.wrap(plain, encrypt=True).data
        return len(sealed).to_bytes(_LENGTH, "big") + sealed

    def unseal(self, received: bytes) -> bytes:
        """What the frames that are complete by now hold; b"" when none is.

        Raises:
            ConnectionError: a frame is too long, or wasn't sealed with this context.
        """
        from spnego.exceptions import SpnegoError

        self._received += received
        plain: list[bytes] = []
        start, end = 0, len(self._received)
        while end - start >= _LENGTH:
            length = int.from_bytes(self._received[start : start + _LENGTH], "big")
            if length > MAXIMUM_FRAME:
                raise ConnectionError(f"a sealed frame of {length} bytes")
            stop = start + _LENGTH + length
            if stop > end:
                break
            try:
                opened = self._context.unwrap(bytes(self._received[start + _LENGTH : stop]))
            except SpnegoError:
                raise ConnectionError("a frame that was not sealed by the controller") from None
            if not opened.encrypted:
                raise ConnectionError("a frame that is signed but not sealed")
            plain.append(opened.data)
            start = stop
        del self._received[:start]
        return b"".join(plain)
