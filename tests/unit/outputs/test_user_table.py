"""The per-user table: what stands in the cells, what a spreadsheet makes of them, and files whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.outputs.files import OutputError
from preflight.outputs.table_file import TableFile, TableStream
from preflight.outputs.user_table import COLUMNS, CsvRows, JsonLines

ROW: dict[str, object] = {
    "forest": "contoso.test",
    "domain": "corp.contoso.test",
    "dn": 'CN=O\\"Brien\\, "C",OU=x,DC=corp',
    "sam_account_name": "=1+1",
    "user_principal_name": "@SUM(A1)",
    "object_guid": "-1",
    "source_anchor": "+41",
    "object_class": "user",
    "enabled": True,
    "protected": None,
    "reset_password": "allowed",
    "write_lockout_time": "denied",
    "write_pwd_last_set": "unknown",
    "change_password": "allowed",
    "outcome": "blocked",
    "code": "ace-denied",
    "reason": "two\r\nlines",
    "decided_by": "\t(D;;CR;;;WD)",
}

GOLDEN = (
    "forest,domain,dn,sam_account_name,user_principal_name,object_guid,source_anchor,object_class,enabled,protected,"
    "reset_password,write_lockout_time,write_pwd_last_set,change_password,outcome,code,reason,decided_by\r\n"
    'contoso.test,corp.contoso.test,"CN=O\\""Brien\\, ""C"",OU=x,DC=corp",\'=1+1,\'@SUM(A1),\'-1,\'+41,user,'
    'true,unknown,allowed,denied,unknown,allowed,blocked,ace-denied,"two\r\nlines",\'\t(D;;CR;;;WD)\r\n'
)


def row(**changes: object) -> dict[str, object]:
    return {**ROW, **changes}


def test_csv_is_as_it_was():
    rows = CsvRows()
    assert rows.head() + rows.row(ROW) == GOLDEN


def test_json_lines_hold_one_object_a_user_and_nothing_else():
    rows = JsonLines()
    assert rows.head() == ""
    text = rows.row(row(dn="CN=李雷\u2028", reason="a\nb"))
    assert text.count("\n") == 1
    assert text.isascii()
    assert list(json.loads(text)) == list(COLUMNS)
    assert json.loads(text)["protected"] is None


cells = st.text(st.characters(codec="utf-8"), max_size=40)


@given(st.lists(cells, min_size=len(COLUMNS), max_size=len(COLUMNS)))
def test_every_cell_comes_back_and_none_is_a_formula(values):
    rows = CsvRows()
    text = rows.head() + rows.row(dict(zip(COLUMNS, values, strict=True)))
    [head, found] = csv.reader(io.StringIO(text, newline=""))
    assert tuple(head) == COLUMNS
    for value, cell in zip(values, found, strict=True):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert cell in (value, "'" + value)


@given(st.dictionaries(st.sampled_from(COLUMNS), st.one_of(cells, st.booleans(), st.none())))
def test_json_lines_come_back(changes):
    assert json.loads(JsonLines().row(row(**changes))) == row(**changes)


# Files


def test_a_csv_file_begins_with_a_bom_and_belongs_to_its_owner(tmp_path: Path):
    path = tmp_path / "users.csv"
    table = TableFile(path, CsvRows())
    table.add(ROW)
    assert not path.exists()
    table.finish()
    assert path.read_bytes().startswith(b"\xef\xbb\xbfforest,")
    assert path.read_bytes().decode("utf-8-sig") == GOLDEN
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["users.csv"]


def test_json_lines_have_no_bom(tmp_path: Path):
    table = TableFile(tmp_path / "users.jsonl", JsonLines())
    table.add(ROW)
    table.finish()
    assert json.loads((tmp_path / "users.jsonl").read_bytes()) == ROW


def test_an_abandoned_file_leaves_the_old_one_and_no_trace(tmp_path: Path):
    path = tmp_path / "users.csv"
    path.write_text("old")
    table = TableFile(path, CsvRows())
    table.add(ROW)
    table.abandon()
    table.abandon()
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["users.csv"]


@pytest.mark.parametrize("name", ["no/such/folder.csv", "x" * 300 + "/y.csv"])
def test_a_file_that_cannot_be_made_is_said_at_once(tmp_path: Path, name: str):
    with pytest.raises(OutputError, match="can't be written"):
        TableFile(tmp_path / name, CsvRows())


FULL = """
import resource, signal, sys
from pathlib import Path
from preflight.outputs.files import OutputError
from preflight.outputs.table_file import TableFile
from preflight.outputs.user_table import COLUMNS, CsvRows
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
table = TableFile(Path(sys.argv[1]), CsvRows())
try:
    for _ in range(int(sys.argv[3])):
        table.add(dict.fromkeys(COLUMNS, "x" * 50))
    table.finish()
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs limits of file sizes")
@pytest.mark.parametrize(
    ("limit", "rows"), [(200_000, 1_000), (10_000, 40), (0, 1)], ids=["midway", "at the end", "head"]
)
def test_when_no_space_is_left_the_old_file_stays_and_no_trace(tmp_path: Path, limit: int, rows: int):
    """A limit of the file's size stands for the full disk: write() fails in the same place."""
    path = tmp_path / "users.csv"
    path.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path), str(limit), str(rows)],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert f"{path} can't be written" in done.stdout
    assert done.stderr == ""
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["users.csv"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_written_straight_and_stays_a_pipe(tmp_path: Path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
        table = TableFile(path, CsvRows())
        table.add(ROW)
        table.finish()
        assert reader.read().decode("utf-8-sig") == GOLDEN
    assert path.is_fifo()
    assert [each.name for each in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full")
def test_a_device_that_is_full_is_said_and_stays_a_device(tmp_path: Path):
    path = tmp_path / "full"
    path.symlink_to("/dev/full")
    table = TableFile(path, CsvRows())
    table.add(ROW)
    with pytest.raises(OutputError, match="no space is left"):
        table.finish()
    assert Path("/dev/full").is_char_device()
    assert path.is_symlink()


def test_a_directory_is_said_before_anybody_is_read(tmp_path: Path):
    with pytest.raises(OutputError, match="is a directory"):
        TableFile(tmp_path, CsvRows())
    assert not any(tmp_path.iterdir())


def test_a_stream_gets_each_row_as_it_comes():
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as reader, os.fdopen(writing, "w") as stream:
        table = TableStream(stream, JsonLines())
        table.add(ROW)
        table.flush()
        assert json.loads(reader.read(65536)) == ROW
        table.finish()
