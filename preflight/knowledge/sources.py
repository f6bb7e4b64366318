"""Where the knowledge comes from: the short names that entries refer to, spelled out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

PAGE = "Microsoft's troubleshooting page of 2017"
_OF_PAGE = "2017 "

SECTIONS: Mapping[str, str] = {
    "A": "errors that a user sees",
    "B": "configuration in the portal",
    "C": "reporting",
    "D": "registration portal",
    "E": "reset portal",
    "F": "symptoms of writeback",
    "G": "events of ADSync",
    "H": "events of PasswordResetService",
    "I": "connectivity",
    "J": "verifying the permission",
    "K": "contacting support",
}
"""Of the page of 2017, which is the core of all this; a number counts the rows of F."""

SOURCES: Mapping[str, str] = {
    "SSPR": "Microsoft's later troubleshooting pages for SSPR writeback (to 2025)",
    "HOW": 'Microsoft, "How self-service password reset works"',
    "SUP": "Microsoft's support articles on writeback permissions and SSPR_0029",
    "ANC": "Microsoft, Entra Connect design concepts (source anchor)",
    "STG": "Microsoft, Entra Connect staging server",
    "CLD": "Microsoft, prerequisites of cloud sync",
    "ADTS": "MS-ADTS, the specification of Active Directory",
    "SAMR": "MS-SAMR, the specification of the account database",
    "LAB": "tried on a Samba domain controller",
    "PROJECT": "gathered for this program; no single source",
}


def spelled_out(references: Sequence[str]) -> str:
    """
    Raises:
        KeyError: there is no source of one of the short names.
    """
    rows = [reference.split(" ")[1:] for reference in references if reference.startswith(_OF_PAGE)]
    sections = [f"{SECTIONS[letter]}{''.join(f', row {number}' for number in row)}" for letter, *row in rows]
    page = [f"{PAGE} ({'; '.join(sections)})"] if sections else []
    return "; ".join([*page, *(SOURCES[each] for each in references if not each.startswith(_OF_PAGE))])
