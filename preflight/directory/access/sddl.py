"""Access control entries as text: the security descriptor definition language, MS-DTYP 2.5.1."""

from __future__ import annotations

from preflight.directory.access.security_descriptor import Ace

TYPES = {0x00: "A", 0x01: "D", 0x05: "OA", 0x06: "OD", 0x09: "XA", 0x0A: "XD", 0x0B: "ZA", 0x0C: "ZD"}
"""The language has no word for 0x0C (a conditional object deny); ZD follows its pattern."""

FLAGS = ((0x01, "OI"), (0x02, "CI"), (0x04, "NP"), (0x08, "IO"), (0x10, "ID"), (0x40, "SA"), (0x80, "FA"))

RIGHTS = (
    (0x10000000, "GA"),
    (0x80000000, "GR"),
    (0x40000000, "GW"),
    (0x20000000, "GX"),
    (0x00000001, "CC"),
    (0x00000002, "DC"),
    (0x00000004, "LC"),
    (0x00000008, "SW"),
    (0x00000010, "RP"),
    (0x00000020, "WP"),
    (0x00000040, "DT"),
    (0x00000080, "LO"),
    (0x00000100, "CR"),
    (0x00010000, "SD"),
    (0x00020000, "RC"),
    (0x00040000, "WD"),
    (0x00080000, "WO"),
)

TRUSTEES = {
    "S-1-1-0": "WD",
    "S-1-3-0": "CO",
    "S-1-3-1": "CG",
    "S-1-3-4": "OW",
    "S-1-5-2": "NU",
    "S-1-5-4": "IU",
    "S-1-5-6": "SU",
    "S-1-5-7": "AN",
    "S-1-5-9": "ED",
    "S-1-5-10": "PS",
    "S-1-5-11": "AU",
    "S-1-5-12": "RC",
    "S-1-5-18": "SY",
    "S-1-5-19": "LS",
    "S-1-5-20": "NS",
    "S-1-5-32-544": "BA",
    "S-1-5-32-545": "BU",
    "S-1-5-32-546": "BG",
    "S-1-5-32-547": "PU",
    "S-1-5-32-548": "AO",
    "S-1-5-32-549": "SO",
    "S-1-5-32-550": "PO",
    "S-1-5-32-551": "BO",
    "S-1-5-32-552": "RE",
    "S-1-5-32-554": "RU",
    "S-1-5-32-555": "RD",
    "S-1-5-32-556": "NO",
}
"""Only those whose SID is the same in every domain: the others stay SIDs, which say whose they are."""


def ace_to_sddl(ace: Ace) -> str:
    """One entry. A condition is shown as `(...)`: it can't be evaluated from outside, and its bytes tell nothing."""
    if not ace.known:
        return f"(0x{ace.type:02X};{_words(ace.flags, FLAGS)};;;;)"
    fields = (
        TYPES[ace.type],
        _words(ace.flags, FLAGS),
        _words(ace.mask, RIGHTS),
        str(ace.object_type or ""),
        str(ace.inherited_object_type or ""),
        TRUSTEES.get(ace.sid, ace.sid),
        *(("(...)",) if ace.conditional else ()),
    )
    return f"({';'.join(fields)})"


def _words(value: int, names: tuple[tuple[int, str], ...]) -> str:
    """The names of the bits, or the number where a bit has none."""
    if value & ~sum(bit for bit, _ in names):
        return f"0x{value:X}"
    return "".join(name for bit, name in names if value & bit)
