"""Remedies as prose and commands: a command is shown whole on a line of its own, so that it can be copied."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_VERBS = (
    "Add|Clear|Disable|Enable|Export|Find|Get|Import|Install|Invoke|Move|New|Register|Remove|Rename|Repair|Reset|Restart"
    "|Search|Set|Start|Stop|Test|Uninstall|Unlock|Unregister|Update"
)
"""Of PowerShell's approved verbs, those that a remedy may begin with."""

_COMMAND = re.compile(
    r"(?:^|(?<=: )|(?<=\())"
    r"(?:(?:dsacls|netsh|ldifde|w32tm|repadmin|setspn|icacls|certutil|openssl|nltest|klist|net|sc|chmod|preflight|gpupdate)"
    r" (?=[^a-z\s]|[a-z-]+(?:\s|$))"
    r"|(?:\$\w+ = )?(?:" + _VERBS + r")-[A-Z]\w+(?:\s|$))"
)
"""Where a command begins: at the start of a line, behind a colon or in brackets; a Windows tool or PowerShell verb."""

_QUOTED_OR_NOT = r"""(?:"[^"]*"|'[^']*'|[^"'])*?"""
_SENTENCE_END = re.compile(_QUOTED_OR_NOT + r"(?:[.;](?= +[A-Z])| (?=\([a-z]))")
"""Where it ends: before the next sentence, or before a remark in brackets."""

_CLOSING_BRACKET = re.compile(_QUOTED_OR_NOT + r"\)")


@dataclass(frozen=True, slots=True)
class Part:
    text: str
    command: bool


def parts(remedy: str) -> Iterator[Part]:
    """The remedy taken apart: `several words` in backquotes, and what begins like a command, up to its end."""
    for line in _lines(remedy):
        start = 0
        for quoted in re.finditer(r"`([^`]*)`", line):
            if " " not in quoted[1].strip():  # the name of a setting
                continue
            yield from _plain(line[start : quoted.start()])
            yield Part(quoted[1].strip(), True)
            start = quoted.end()
        yield from _plain(line[start:])


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
        before, rest = text[: match.start()], text[match.start() :]
        bracketed = before.endswith("(") and _CLOSING_BRACKET.match(rest)
        if bracketed:
            before, command, text = before[:-1].rstrip() + ":", bracketed[0][:-1], rest[bracketed.end() :].lstrip(".")
        else:
            end = _SENTENCE_END.match(rest)
            command, text = (end[0].rstrip(".; "), rest[end.end() :]) if end else (rest.removesuffix("."), "")
        if before.strip(" :"):
            yield Part(before.strip(), False)
        yield Part(command.strip(), True)
    if text.strip(" ."):
        yield Part(text.strip(), False)
