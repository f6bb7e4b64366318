"""Remedies as prose and commands: a command is shown whole on a line of its own, so that it can be copied."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_COMMAND = re.compile(
    r"(?:^|(?<=: )|(?<=\n))"
    r"(?:(?:dsacls|netsh|ldifde|w32tm|repadmin|setspn|icacls|certutil|openssl|nltest|klist|net|sc|chmod|preflight|gpupdate)"
    r" (?=[^a-z\s]|[a-z-]+(?:\s|$))"
    r"|(?:\$\w+ = )?[A-Z][a-z]+-[A-Z]\w+\s)"
)
"""Where a command begins: at the start of a line or behind a colon, by a Windows tool's name or a PowerShell verb."""

_SENTENCE_END = re.compile(r"""(?:"[^"]*"|'[^']*'|[^"'])*?[.;](?= +[A-Z])""")


@dataclass(frozen=True, slots=True)
class Part:
    text: str
    command: bool


def parts(remedy: str) -> Iterator[Part]:
    """The remedy taken apart: `backquoted` text, and what begins like a command, up to the end of its sentence."""
    for line in _lines(remedy):
        for index, piece in enumerate(line.split("`") if line.count("`") % 2 == 0 else [line]):
            if index % 2:
                yield Part(piece, True)
            else:
                yield from _plain(piece)


def _lines(remedy: str) -> Iterator[str]:
    """Split at line ends outside double quotes: one inside them belongs to a name, and must not make a new command."""
    line = ""
    for piece in remedy.split("\n"):
        line = f"{line}\n{piece}" if line else piece
        if line.count('"') % 2 == 0:
            yield line
            line = ""
    yield from line.split("\n") if line else ()


def _plain(text: str) -> Iterator[Part]:
    while match := _COMMAND.search(text):
        if before := text[: match.start()].strip():
            yield Part(before, False)
        rest = text[match.start() :]
        end = _SENTENCE_END.match(rest)
        command = rest[: end.end() - 1] if end else rest.removesuffix(".")
        yield Part(command.strip(), True)
        text = rest[end.end() :] if end else ""
    if text.strip(" ."):
        yield Part(text.strip(), False)
