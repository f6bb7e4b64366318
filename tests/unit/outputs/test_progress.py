import contextlib
import io
import os
import sys
import time

import pytest
from unit.outputs import samples

from preflight.api import Severity, Target, check, passed
from preflight.outputs.progress import LineProgress, LiveProgress, progress
from preflight.plan import make_plan


@check(id="a.works", title="It works", severity=Severity.BLOCKER, each="run", codes={})
def works():
    """It works."""
    yield passed("it works")


TARGET = Target("domain", "corp\x1b[2J.contoso.com", Target("run", ""))
PLAN = make_plan({works.id: works})


def drive(observer) -> None:
    observer.planned(PLAN)
    observer.started(works, TARGET)
    observer.say("4,000 users\x1b[1m")
    observer.tick()
    time.sleep(0.25)
    observer.tick()
    observer.finished(samples.result("a.works", TARGET.name, passed("x")))


def test_without_a_terminal_each_finished_check_is_a_line():
    stream = io.StringIO()
    with progress(stream, {}) as observer:
        assert isinstance(observer, LineProgress)
        drive(observer)
    assert stream.getvalue() == "running 1 checks\npass           a.works corp\\x1b[2J.contoso.com (0.2 s)\n"


def test_a_reader_that_has_gone_does_not_end_the_run():
    stream = io.StringIO()
    observer = progress(stream, {})
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        stream.write("x")
    drive(LineProgress(stream))
    assert observer is not None


def everything(controller: int) -> bytes:
    """What a pseudo-terminal holds."""
    os.set_blocking(controller, False)
    read = b""
    with contextlib.suppress(BlockingIOError):
        while chunk := os.read(controller, 65536):
            read += chunk
    return read


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_on_a_terminal_running_checks_are_shown_and_then_cleared():
    controller, terminal = os.openpty()
    try:
        with os.fdopen(terminal, "w", encoding="utf-8") as stream:
            with progress(stream, {"TERM": "xterm", "NO_COLOR": "1"}) as observer:
                assert isinstance(observer, LiveProgress)
                drive(observer)
            stream.flush()
            shown = everything(controller).decode()
    finally:
        os.close(controller)
    assert r"a.works corp\x1b[2J.contoso.com (0 s)" in shown
    assert r"4,000 users\x1b[1m" in shown
    assert "1 done (1 pass)" in shown
    assert "\x1b[2J" not in shown
    assert shown.rstrip().endswith("\x1b[2K")  # the region is erased at the end
