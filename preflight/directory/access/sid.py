"""Security identifiers: MS-DTYP 2.4.2."""

from __future__ import annotations

import struct
from functools import lru_cache


@lru_cache(maxsize=8192)
def sid_to_text(sid: bytes) -> str:
    """The S-1-... form.

    Raises:
        ValueError: the bytes are no SID.
    """
    if len(sid) < 8 or sid[0] != 1 or len(sid) != 8 + 4 * sid[1] or sid[1] > 15:
        raise ValueError(f"not a security identifier: {sid[:80].hex()}")
    authority = int.from_bytes(sid[2:8], "big")
    shown = str(authority) if authority < 1 << 32 else f"0x{authority:012X}"
    return "-".join(("S-1", shown, *map(str, struct.unpack(f"<{sid[1]}I", sid[8:]))))


def sid_from_text(text: str) -> bytes:
    """The binary form.

    Raises:
        ValueError: the text is no SID.
    """
    parts = text.upper().split("-")
    try:
        if parts[:2] != ["S", "1"] or not 3 <= len(parts) <= 18:
            raise ValueError
        authority = int(parts[2], 16 if parts[2].startswith("0X") else 10)
        numbers = [int(part) for part in parts[3:]]
        return bytes((1, len(numbers))) + authority.to_bytes(6, "big") + struct.pack(f"<{len(numbers)}I", *numbers)
    except (ValueError, OverflowError, struct.error):
        raise ValueError(f"not a security identifier: {text!r}") from None


def domain_of(sid: str) -> str:
    """The SID without its last part: of a user or group, its domain's."""
    return sid.rpartition("-")[0]
