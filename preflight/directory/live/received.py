"""What a server sent and nobody has read yet, in one place, so that a page isn't copied until it is whole."""

from __future__ import annotations

from preflight.directory.live.transport import Transport

_ROOM = 256 * 1024


class Received:
    """
    Attributes:
        data: what came, and room for more behind it.
        size: how much came.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.data = bytearray(_ROOM)
        self.size = 0

    def more(self) -> None:
        """Wait for more.

        Raises:
            OSError: the connection is lost, or its deadline passed.
        """
        if len(self.data) - self.size < _ROOM:
            self.data += bytes(max(_ROOM, len(self.data) // 2))
        with memoryview(self.data) as whole, whole[self.size :] as room:
            size = self._transport.recv_into(room)
        if not size:
            raise ConnectionResetError("the server closed the connection")
        self.size += size

    def take(self, size: int) -> bytes:
        """The first bytes; what follows them is first then."""
        with memoryview(self.data) as whole:
            taken = bytes(whole[:size])
            whole[: self.size - size] = whole[size : self.size]
        self.size -= size
        return taken
