"""The local Application log of a Windows server, by wevtutil, which comes with Windows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import PureWindowsPath
from typing import BinaryIO, cast

from preflight.events.model import SOURCES, Event, LogFacts, UnreadableLog
from preflight.events.opening import Watch, events_in

NAME = "Application"
_ENDING = 5.0
"""Seconds that wevtutil may take to end once it has written everything."""


def command(environ: Mapping[str, str]) -> list[str]:
    """What is run: nothing of it comes from outside but where Windows is. `/uni:true`: UTF-16 on every console."""
    sources = " or ".join(f"@Name='{source}'" for source in SOURCES)
    wevtutil = PureWindowsPath(environ.get("SystemRoot", r"C:\Windows"), "System32", "wevtutil.exe")
    query = f"/q:*[System[Provider[{sources}]]]"
    return [str(wevtutil), "qe", NAME, "/f:RenderedXml", "/uni:true", query]


class LiveReading:
    """The events of the local log; iterate once.

    Attributes:
        logs: what was seen of it so far.
    """

    def __init__(self, watch: Watch, arguments: list[str] | None = None) -> None:
        self._watch = watch
        self._arguments = arguments
        self.logs: list[LogFacts] = []

    def __iter__(self) -> Iterator[Event]:
        """
        Raises:
            UnreadableLog: this is no Windows, or wevtutil can't read the log.
        """
        if self._arguments is None and sys.platform != "win32":
            raise UnreadableLog(
                "--live reads the log of the machine that it runs on, which is no Windows server here. Run it on the "
                f"sync server, or export its log there: wevtutil epl {NAME} application.evtx"
            )
        facts = LogFacts(f"{NAME} (live)")
        self.logs = [facts]
        arguments = self._arguments or command(os.environ)
        try:
            process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise UnreadableLog(f"{arguments[0]} can't be started ({error.strerror or error}).") from None
        with process:
            try:
                yield from _events(process, facts, self._watch)
            finally:
                if process.poll() is None:
                    process.kill()


def _events(process: subprocess.Popen[bytes], facts: LogFacts, watch: Watch) -> Iterator[Event]:
    output = cast(BinaryIO, process.stdout)
    try:
        yield from events_in(output, facts, watch)
    except UnreadableLog:
        if facts.position:
            raise
        facts.format = "XML"  # it wrote nothing: no event of these sources, unless it says otherwise
    try:
        _, said = process.communicate(timeout=_ENDING)
    except subprocess.TimeoutExpired:
        return
    if process.returncode:
        reason = said.decode("utf-8", "replace").strip()[:300] or f"it ended with {process.returncode}"
        raise UnreadableLog(
            f"wevtutil could not read the log: {reason}. Run this as an administrator, or as a member of Event Log "
            "Readers."
        )
