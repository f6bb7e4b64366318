"""Somebody at a terminal: questions on stderr, answers from stdin, one key and Enter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TextIO

from preflight.diagnosis.model import Diagnosis
from preflight.diagnosis.walk import Choice
from preflight.outputs import Appearance
from preflight.outputs.diagnosis import render_end, render_look, render_next, render_start
from preflight.outputs.terminal import write

_KEYS: Mapping[str, Choice] = {
    "": Choice.ENTER,
    "y": Choice.YES,
    "yes": Choice.YES,
    "s": Choice.SKIP,
    "skip": Choice.SKIP,
    "b": Choice.BACK,
    "back": Choice.BACK,
    "q": Choice.QUIT,
    "quit": Choice.QUIT,
}
_OFFERED: Mapping[Choice, str] = {Choice.SKIP: "s: skip it", Choice.BACK: "b: back", Choice.QUIT: "q: quit"}


class Dialogue:
    """`preflight.diagnosis.walk.Company` on a terminal.

    Args:
        read_line: a line of the person's, with its line end; "" at the end of input.
    """

    def __init__(self, read_line: Callable[[], str], out: TextIO, prompts: TextIO, appearance: Appearance) -> None:
        self._read_line = read_line
        self._out = out
        self._prompts = prompts
        self._appearance = appearance

    def begins(self, diagnosis: Diagnosis) -> None:
        write(self._out, render_start(diagnosis, self._appearance))

    def faces(self, diagnosis: Diagnosis, number: int) -> None:
        write(self._out, render_next(diagnosis, number, self._appearance))

    def sees(self, diagnosis: Diagnosis, number: int) -> None:
        write(self._out, render_look(diagnosis, number, self._appearance))

    def ends(self, diagnosis: Diagnosis) -> None:
        write(self._out, render_end(diagnosis, self._appearance))

    def ask(self, question: str, choices: tuple[Choice, ...]) -> Choice:
        offered = "; ".join([question, *(_OFFERED[choice] for choice in choices if choice in _OFFERED)])
        while True:
            write(self._prompts, f"\n[{offered}] ")
            line = self._read_line()
            if not line:  # nobody answers any more
                write(self._prompts, "\n")
                return Choice.QUIT
            choice = _KEYS.get(line.strip().lower())
            if choice in choices and choice is not None:
                return choice
            write(self._prompts, "Please press one of these keys, then Enter.")
