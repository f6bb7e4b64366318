"""A log's bytes as text: UTF-16 as Windows writes it, UTF-8, or the code page of the machine that exported it."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

PART = 1 << 16
"""Characters read at a time."""


def _as_ansi(error: UnicodeError) -> tuple[str, int]:
    """What is no UTF-8 is Windows-1252: of other code pages it spoils letters, which carry no meaning here."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("preflight.ansi", _as_ansi)


def encoding_of(start: bytes) -> str:
    """By the byte-order mark, or by the zeros of UTF-16 (`wevtutil /uni:true` writes no mark)."""
    if start.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    if start.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    odd, even = start[1:200:2], start[0:200:2]
    if odd and odd.count(0) * 2 > len(odd):
        return "utf-16-le"
    if even and even.count(0) * 2 > len(even):
        return "utf-16-be"
    return "utf-8"


def decoded(stream: BinaryIO, start: bytes) -> io.TextIOWrapper:
    """The text behind the stream, whose first bytes are known. Never fails on a byte."""
    encoding = encoding_of(start)
    errors = "preflight.ansi" if encoding == "utf-8" else "replace"
    return io.TextIOWrapper(stream, encoding, errors, newline="")


def parts(text: io.TextIOWrapper) -> Iterator[str]:
    """The text piece by piece, without its byte-order mark."""
    part = text.read(PART).removeprefix("\ufeff")
    while part:
        yield part
        part = text.read(PART)


def lines(text: io.TextIOWrapper, most: int) -> Iterator[str]:
    """Line by line with line ends; one that is longer than `most` comes in pieces."""
    line = text.readline(most).removeprefix("\ufeff")
    while line:
        yield line
        line = text.readline(most)
