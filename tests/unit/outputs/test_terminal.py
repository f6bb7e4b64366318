import io
import os
import sys

import pytest

from preflight.outputs import Appearance
from preflight.outputs.terminal import appearance_of, write


class Terminal(io.TextIOWrapper):
    def __init__(self, encoding="utf-8", tty=True):
        super().__init__(io.BytesIO(), encoding=encoding)
        self._tty = tty

    def isatty(self):
        return self._tty

    def written(self) -> bytes:
        self.flush()
        return self.buffer.getvalue()


@pytest.mark.parametrize(
    ("environ", "colour", "width"),
    [
        ({"COLUMNS": "120"}, True, 120),
        ({"COLUMNS": "20"}, True, 80),
        ({"COLUMNS": "500"}, True, 160),
        ({"COLUMNS": "wide"}, True, 80),
        ({"NO_COLOR": "1"}, False, 80),
        ({"NO_COLOR": ""}, True, 80),
        ({"TERM": "dumb"}, False, 80),
    ],
)
def test_a_terminal_looks_as_its_environment_says(environ, colour, width):
    with Terminal() as stream:
        assert appearance_of(stream, environ) == Appearance(colour, width, False)


def test_a_pipe_is_plain():
    with Terminal(tty=False) as stream:
        assert appearance_of(stream, {"COLUMNS": "120"}) == Appearance(False, 100, False)


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii", "latin-1"])
def test_an_encoding_without_the_glyphs_gets_ascii(encoding):
    with Terminal(encoding) as stream:
        assert appearance_of(stream, {}).ascii_only


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_the_width_of_a_real_terminal():
    import fcntl
    import struct
    import termios

    controller, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 133, 0, 0))
    with os.fdopen(terminal, "w", encoding="utf-8") as stream:
        assert appearance_of(stream, {"TERM": "xterm"}) == Appearance(True, 133, False)
    os.close(controller)


def test_a_letter_that_the_stream_lacks_is_escaped_and_the_others_stay():
    with Terminal("cp1252") as stream:
        write(stream, "✓ Müller\n")
        assert stream.written().decode("cp1252") == "\\u2713 Müller\n"
