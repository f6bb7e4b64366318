import contextlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.outputs import FORMATS, PLAIN
from preflight.outputs.files import OutputError, OutputFile, parse_output, write_atomically


@pytest.mark.parametrize(
    ("text", "format", "path"),
    [
        ("json=report.json", "json", "report.json"),
        ("report.JSON", "json", "report.JSON"),
        ("report.txt", "human", "report.txt"),
        ("human=a=b", "human", "a=b"),
        ("json=x.txt", "json", "x.txt"),
        ("folder.d/a=b.json", "json", "folder.d/a=b.json"),
        (r"C:\reports\x.json", "json", r"C:\reports\x.json"),
    ],
)
def test_the_format_comes_from_the_prefix_or_the_extension(text, format, path):
    assert parse_output(text) == OutputFile(format, Path(path))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("jsn=report.json", "Did you mean 'json'?"),
        ("report.docx", "the format can't be told"),
        ("report", "Write -o FORMAT=report"),
        ("json=", "name is missing"),
        ("", "name is missing"),
        ("json=-", "--format"),
    ],
)
def test_a_wrong_output_says_what_to_write(text, words):
    with pytest.raises(OutputError, match=words):
        parse_output(text)


@given(st.text())
def test_any_text_is_an_output_or_an_output_error(text):
    with contextlib.suppress(OutputError):
        assert parse_output(text).format in FORMATS


def test_a_file_is_written_whole_and_private(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old")
    path.chmod(0o644)
    write_atomically(path, "neu ü\n")
    assert path.read_bytes() == "neu ü\n".encode()
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_letters_that_no_file_can_hold_are_escaped(tmp_path):
    write_atomically(tmp_path / "x", "\udc80")
    assert (tmp_path / "x").read_text() == "\\udc80"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"there is no folder .*nowhere\. Create it first"):
        write_atomically(tmp_path / "nowhere" / "x.json", "x")


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(OutputError, match="is a directory"):
        write_atomically(tmp_path, "x")


def test_a_name_that_no_system_takes_is_refused(tmp_path):
    with pytest.raises(OutputError, match="can't be written"):
        write_atomically(tmp_path / "a\0b", "x")
    with pytest.raises(OutputError, match="can't be written"):
        write_atomically(tmp_path / ("x" * 400), "x")


@pytest.mark.skipif(sys.platform != "linux", reason="a process' own file size limit")
def test_where_no_space_is_left_the_old_report_stays(tmp_path):
    """RLIMIT_FSIZE stands for the full disk: the write breaks off in the middle."""
    path = tmp_path / "report.json"
    path.write_text("old")
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from preflight.outputs.files import OutputError, write_atomically\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_atomically(Path(sys.argv[1]), 'x' * 5000)\n"
        "except OutputError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, timeout=60, check=True)
    assert "can't be written: File too large." in done.stdout
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_said():
    with pytest.raises(OutputError, match="no space is left on the disk"):
        write_atomically(Path("/dev/full"), "x")


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_folder_without_write_access_is_said(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    with pytest.raises(OutputError, match="may not write there"):
        write_atomically(folder / "x.json", "x")


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="POSIX devices")
def test_a_device_is_written_to_not_replaced():
    write_atomically(Path("/dev/null"), "x")
    assert Path("/dev/null").is_char_device()


def test_every_format_renders_an_empty_report():
    from unit.outputs import samples

    assert {name: bool(format(samples.empty(), PLAIN)) for name, format in FORMATS.items()} == dict.fromkeys(
        FORMATS, True
    )


def test_formats_are_imported_when_used():
    script = (
        "import sys, preflight.outputs.files, preflight.outputs.progress\n"
        "print([name for name in ('rich', 'ldap3', 'requests', 'preflight.outputs.human') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
