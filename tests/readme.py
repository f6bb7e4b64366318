"""README's fenced blocks, for the tests that hold it to what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text("utf-8")
NOT_RUN_HERE = ("py ", "C:\\", "ldifde ", "copy ", "dsacls ", "$env:")
"""What needs Windows."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; its text without the indentation that it has as a whole."""

    language: str
    line: int
    text: str

    @property
    def commands(self) -> list[str]:
        """Its lines without remarks."""
        return [line.partition("  # ")[0].strip() for line in self.text.splitlines() if line.strip()]


def blocks() -> Iterator[Block]:
    fence = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
    for found in fence.finditer(README):
        indent, language, text = found.groups()
        line = README.count("\n", 0, found.start()) + 2
        yield Block(language, line, re.sub(f"^{indent}", "", text, flags=re.MULTILINE))


SHELL = [block for block in blocks() if block.language == "" and not block.text.startswith(NOT_RUN_HERE)]


def configuration_of_readme() -> str:
    [text] = [block.text for block in blocks() if block.language == "toml" and "[[domain]]" in block.text]
    return text
