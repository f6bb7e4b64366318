"""The ways in which people and logs spell one code."""

from __future__ import annotations

import re

_HEXADECIMAL = re.compile(r"(?:0x)?([0-9a-f]{8})h?")
_DECIMAL = re.compile(r"-?\d{1,10}")
_SSPR = re.compile(r"sspr[\s_-]*0*(\d{1,4})")

_TOKENS = re.compile(r"[\s,;:=()\[\]{}<>\"'“”‘’`#|/]+")
_WORDS_BESIDE_CODES = """
adsync azure code codes directory error errorcode event eventid failed failure hr hresult id number passwordresetservice
source status synchronization the with
"""
BESIDE_CODES = frozenset(_WORDS_BESIDE_CODES.split())
"""What stands beside a code without changing what it means."""


def squeezed(text: str) -> str:
    """The letters and digits, without case: "ad-permissions Error" and "ADPermissionsError" are one."""
    return "".join(character for character in text.casefold() if character.isalnum())


def spellings(text: str) -> tuple[str, ...]:
    """The squeezed forms that the text may be filed under, the most literal first.

    An HRESULT comes with and without 0x, and as a signed decimal (-2145188327); SSPR codes with and without zeros.
    """
    plain = text.strip().casefold()
    found = [squeezed(plain)]
    if match := _HEXADECIMAL.fullmatch(plain):
        found.append(f"0x{match[1]}")
    if _DECIMAL.fullmatch(plain) and -(1 << 31) <= (number := int(plain)) < 1 << 32 and not 0 <= number < 1 << 31:
        # Squeezing loses the sign, and with it what the number is.
        found = [f"0x{number & 0xFFFFFFFF:08x}", *(found if number > 0 else [])]
    if match := _SSPR.fullmatch(plain):
        found.append(f"sspr{int(match[1]):04d}")
    return tuple(dict.fromkeys(key for key in found if key))


def tokens(text: str) -> list[str]:
    """The words of a short text that may each be a code or a name; what only accompanies codes is left out."""
    words = (word.strip(".!?-") if not word.startswith("-") else word for word in _TOKENS.split(text))
    return [word for word in words if word and squeezed(word) not in BESIDE_CODES]
