"""Security descriptors for tests: SDDL to bytes, written apart from the product's own parser.

from descriptors import descriptor, ace

descriptor("O:DAD:P(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;;S-1-5-21-1-2-3-1105)")
descriptor(aces=["(A;;RPWP;;;WD)", b"..."], owner="S-1-5-18", control=0x8004)
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from uuid import UUID

DOMAIN = "S-1-5-21-1004336348-1177238915-682003330"
"""What domain-relative words such as DA stand on."""

TYPES = {"A": 0, "D": 1, "OA": 5, "OD": 6, "XA": 9, "XD": 10, "ZA": 11, "ZD": 12}
FLAGS = {"OI": 1, "CI": 2, "NP": 4, "IO": 8, "ID": 0x10}
RIGHTS = {
    "CC": 1, "DC": 2, "LC": 4, "SW": 8, "RP": 0x10, "WP": 0x20, "DT": 0x40, "LO": 0x80, "CR": 0x100,
    "SD": 0x10000, "RC": 0x20000, "WD": 0x40000, "WO": 0x80000,
    "GA": 0x10000000, "GX": 0x20000000, "GW": 0x40000000, "GR": 0x80000000,
}  # fmt: skip
TRUSTEES = {
    "WD": "S-1-1-0", "CO": "S-1-3-0", "CG": "S-1-3-1", "OW": "S-1-3-4", "NU": "S-1-5-2", "AN": "S-1-5-7",
    "ED": "S-1-5-9", "PS": "S-1-5-10", "AU": "S-1-5-11", "SY": "S-1-5-18", "BA": "S-1-5-32-544",
    "AO": "S-1-5-32-548", "PO": "S-1-5-32-550", "RU": "S-1-5-32-554",
    "DA": f"{DOMAIN}-512", "DU": f"{DOMAIN}-513", "CA": f"{DOMAIN}-517", "RS": f"{DOMAIN}-553",
    "EA": f"{DOMAIN}-519",
}  # fmt: skip


def sid(text: str) -> bytes:
    """A SID, or an SDDL word for one, as bytes."""
    _, _, authority, *numbers = TRUSTEES.get(text, text).split("-")
    return struct.pack(f"<BB6s{len(numbers)}I", 1, len(numbers), int(authority).to_bytes(6, "big"), *map(int, numbers))


def ace(sddl: str, padding: bytes = b"") -> bytes:
    """`(OA;CI;CR;<guid>;<guid>;<sid>)` as bytes; the padding counts in AceSize."""
    kind, flags, rights, object_type, inherited, trustee, *_ = sddl.strip("()").split(";")
    body = struct.pack("<I", _bits(rights, RIGHTS))
    if TYPES[kind] in (5, 6, 11, 12):
        body += struct.pack("<I", bool(object_type) | bool(inherited) << 1)
        body += b"".join(UUID(guid).bytes_le for guid in (object_type, inherited) if guid)
    body += sid(trustee) + padding
    return struct.pack("<BBH", TYPES[kind], _bits(flags, FLAGS), 4 + len(body)) + body


def acl(aces: Sequence[bytes], slack: bytes = b"") -> bytes:
    body = b"".join(aces) + slack
    return struct.pack("<BBHHH", 4, 0, 8 + len(body), len(aces), 0) + body


def descriptor(
    sddl: str = "",
    *,
    owner: str | None = None,
    group: str | None = None,
    aces: Sequence[bytes | str] | None = None,
    control: int | None = None,
) -> bytes:
    """A self-relative descriptor, laid out as Active Directory does it; keyword arguments override the SDDL.

    No DACL part at all (`descriptor("O:DAG:DA")`) makes one without a DACL.
    """
    parts = dict(re.findall(r"([OGDS]):((?:\([^)]*\)|[^():])*?)(?=[OGDS]:|$)", sddl))
    owner = owner or parts.get("O")
    group = group or parts.get("G")
    bits = 0x8000
    if aces is None and "D" in parts:
        word, _, rest = parts["D"].partition("(")
        aces = re.findall(r"\([^)]*\)", "(" + rest if rest else "")
        bits |= (0x1000 if "P" in word else 0) | (0x0400 if "AI" in word else 0)
    dacl = None if aces is None else acl([ace(one) if isinstance(one, str) else one for one in aces])
    if dacl is not None:
        bits |= 0x0004
    tail = b""
    offsets = {"dacl": 0, "owner": 0, "group": 0}
    pieces = (("dacl", dacl), ("owner", sid(owner) if owner else None), ("group", sid(group) if group else None))
    for name, piece in pieces:
        if piece is not None:
            offsets[name] = 20 + len(tail)
            tail += piece
    header = struct.pack(
        "<BBHIIII", 1, 0, bits if control is None else control, offsets["owner"], offsets["group"], 0, offsets["dacl"]
    )
    return header + tail


def _bits(words: str, names: dict[str, int]) -> int:
    if words.startswith("0x"):
        return int(words, 16)
    return sum(names[words[at : at + 2]] for at in range(0, len(words), 2))
