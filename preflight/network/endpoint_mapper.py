"""The endpoint mapper of DCE/RPC on port 135: on which port of the dynamic range a service listens (C706, MS-RPCE)."""

from __future__ import annotations

import struct
import time
from socket import socket
from uuid import UUID

REPLICATION = (UUID("e3514235-4b06-11d1-ab04-00c04fc2dcd2"), 4)
"""The interface by which the sync service reads password hashes (MS-DRSR 1.9)."""

_MAPPER = (UUID("e1af8308-5d1f-11c9-91a4-08002b14a0fa"), 3)
_NDR = (UUID("8a885d04-1ceb-11c9-9fe8-08002b104860"), 2)
_BIND, _BIND_ACK, _REQUEST, _RESPONSE = 11, 12, 0, 2
_EPT_MAP = 3
_TCP, _IP, _CONNECTION_ORIENTED, _BY_UUID = 0x07, 0x09, 0x0B, 0x0D
_LARGEST = 65535
_MOST_TOWERS = 8


class MapperError(Exception):
    """It did not say the port; the message says why."""


def port_of(connection: socket, interface: tuple[UUID, int], until: float) -> int:
    """The TCP port of the interface, asked without signing in.

    Args:
        connection: to port 135.
        until: on time.monotonic's clock.

    Raises:
        MapperError: no answer in time, none that can be understood, or nobody registered the interface.
    """
    try:
        connection.sendall(_packet(_BIND, _bind_body()))
        if _receive(connection, until)[0] != _BIND_ACK:
            raise MapperError("the endpoint mapper does not let itself be asked")
        connection.sendall(_packet(_REQUEST, _request_body(interface)))
        kind, body = _receive(connection, until)
    except TimeoutError:
        raise MapperError("the endpoint mapper does not answer in time") from None
    except OSError:
        raise MapperError("the endpoint mapper cut the connection") from None
    if kind != _RESPONSE:
        raise MapperError("the endpoint mapper refuses to be asked")
    return read_port(body[8:])  # behind allocation hint, context and cancel count


def read_port(stub: bytes) -> int:
    """The port in the answer to ept_map (C706 appendix O).

    Raises:
        MapperError: it names none.
    """
    try:
        (found,) = struct.unpack_from("<I", stub, 20)  # behind the context handle
        if not 0 < found <= _MOST_TOWERS:
            raise MapperError("the endpoint mapper knows no TCP port of the interface")
        at = 36 + 4 * found  # behind three sizes and a pointer for each tower
        for _ in range(found):
            (length,) = struct.unpack_from("<I", stub, at + 4)
            port = _port_in(stub[at + 8 : at + 8 + length])
            if port:
                return port
            at += 8 + (length + 3) // 4 * 4
    except struct.error:
        raise MapperError("the endpoint mapper's answer is cut off") from None
    raise MapperError("the endpoint mapper knows no TCP port of the interface")


def _port_in(tower: bytes) -> int:
    """0: the tower doesn't lead over TCP."""
    (floors,) = struct.unpack_from("<H", tower, 0)
    at = 2
    for _ in range(min(floors, 16)):
        (left,) = struct.unpack_from("<H", tower, at)
        protocol = tower[at + 2 : at + 3]
        at += 2 + left
        (right,) = struct.unpack_from("<H", tower, at)
        if protocol == bytes([_TCP]) and right == 2:
            return int(struct.unpack_from(">H", tower, at + 2)[0])
        at += 2 + right
    return 0


def _packet(kind: int, body: bytes) -> bytes:
    # Version 5.0, first and last fragment, little-endian.
    return struct.pack("<BBBBIHHI", 5, 0, kind, 3, 0x10, 16 + len(body), 0, 1) + body


def _bind_body() -> bytes:
    context = struct.pack("<HBx", 0, 1) + _syntax(_MAPPER) + _syntax(_NDR)
    return struct.pack("<HHIBxxx", 5840, 5840, 0, 1) + context


def _request_body(interface: tuple[UUID, int]) -> bytes:
    tower = struct.pack("<H", 5) + b"".join(
        struct.pack("<H", len(left)) + left + struct.pack("<H", len(right)) + right
        for left, right in (
            (bytes([_BY_UUID]) + interface[0].bytes_le + struct.pack("<H", interface[1]), b"\0\0"),
            (bytes([_BY_UUID]) + _NDR[0].bytes_le + struct.pack("<H", _NDR[1]), b"\0\0"),
            (bytes([_CONNECTION_ORIENTED]), b"\0\0"),
            (bytes([_TCP]), b"\0\0"),
            (bytes([_IP]), bytes(4)),
        )
    )
    stub = struct.pack("<I", 1) + bytes(16) + struct.pack("<III", 2, len(tower), len(tower)) + tower
    stub += bytes(-len(stub) % 4) + bytes(20) + struct.pack("<I", _MOST_TOWERS)
    return struct.pack("<IHH", len(stub), 0, _EPT_MAP) + stub


def _syntax(interface: tuple[UUID, int]) -> bytes:
    return interface[0].bytes_le + struct.pack("<I", interface[1])


def _receive(connection: socket, until: float) -> tuple[int, bytes]:
    """Kind and body of one packet."""
    header = _exactly(connection, 16, until)
    if header[0] != 5:
        raise MapperError("what answers on port 135 is no endpoint mapper")
    kind, length = header[2], struct.unpack_from("<H", header, 8)[0]
    return kind, _exactly(connection, max(length - 16, 0), until)


def _exactly(connection: socket, length: int, until: float) -> bytes:
    data = bytearray()
    while len(data) < min(length, _LARGEST):
        connection.settimeout(max(until - time.monotonic(), 0.001))
        part = connection.recv(length - len(data))
        if not part:
            raise MapperError("the endpoint mapper hung up")
        if time.monotonic() > until:
            raise TimeoutError
        data += part
    return bytes(data)
