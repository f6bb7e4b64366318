"""Text from a directory or a server, made safe to show on a terminal.

A display name may hold escape sequences that rewrite the screen, line ends that fake a verdict, or bidirectional
controls that turn a command round. None of them reaches the terminal.
"""

from __future__ import annotations

import re

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    r"""The text on one line, with everything invisible or active shown as an escape (`\x1b`, `\u202e`, `\n`).

    Letters of every script stay. A backslash isn't doubled: paths and distinguished names stay as they are.
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def printable_block(text: str) -> str:
    """As `printable`, for text of our own that may have several lines: line ends stay."""
    return "\n".join(printable(line) for line in text.replace("\r\n", "\n").split("\n"))


def cell_width(text: str) -> int:
    """Columns of a terminal that the text takes (East Asian letters take two)."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most that many columns.

    Broken at spaces; a distinguished name that is longer than a line also behind its commas. Any other long word
    stays whole and sticks out: what gets copied from the terminal must not be broken.
    """
    lines: list[str] = []
    line = ""
    for word in _words(text):
        if not line or cell_width(line) + 1 + cell_width(word) <= width:
            line = f"{line} {word}" if line else word
        else:
            lines.append(line)
            line = word
        while cell_width(line) > width and (cut := _last_comma_within(line, width)):
            lines.append(line[:cut].rstrip(" "))
            line = line[cut:].lstrip(" ")
    return [*lines, line] if line or not lines else lines


_NAME = re.compile(r"(?:\b(?:CN|OU)=(?:\\.|[^,\\=])++,)++(?:DC=[\w-]++,(?=DC=))*+DC=[\w-]++")
"""A distinguished name within a sentence, up to its domain."""


def _words(text: str) -> list[str]:
    """What may be parted by a line end: distinguished names count as one word, spaces and all."""
    held = _NAME.sub(lambda match: match[0].replace(" ", "\0"), text)
    return [word.replace("\0", " ") for word in held.split(" ")]


def _last_comma_within(name: str, width: int) -> int:
    """Where to cut a distinguished name: behind the last separating comma that fits; 0 where there is none."""
    if not re.search(r"[A-Za-z]=[^,]*,", name):
        return 0
    cut = 0
    for match in re.finditer(r"(?<!\\),(?=[A-Za-z0-9.]+=)", name):
        if cell_width(name[: match.end()]) > width:
            break
        cut = match.end()
    return cut


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
