"""examples/reports: the sample forest's report in every format, byte for byte.

PREFLIGHT_WRITE_GOLDEN=1 writes them anew: read the difference before it is committed.
"""

from __future__ import annotations

import os

import pytest
from readme import REPOSITORY

from preflight.cli.sample import sample_report
from preflight.outputs import EXTENSIONS, FORMATS, PLAIN

REPORTS = REPOSITORY / "examples" / "reports"
NAMES = {format: f"demo{extension}" for extension, format in reversed(EXTENSIONS.items())}
FILES = {format: NAMES.get(format, f"demo.{format}.txt") for format in FORMATS}


@pytest.mark.parametrize("format", FORMATS)
def test_the_sample_report_is_what_the_demo_says(format: str) -> None:
    path = REPORTS / FILES[format]
    output = FORMATS[format](sample_report(), PLAIN).encode("utf-8")
    if os.environ.get("PREFLIGHT_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(output)
    assert path.exists(), "PREFLIGHT_WRITE_GOLDEN=1 writes it"
    assert path.read_bytes() == output


def test_no_sample_report_is_left_over() -> None:
    assert {path.name for path in REPORTS.iterdir()} == set(FILES.values())


def test_the_index_names_every_example() -> None:
    index = (REPOSITORY / "examples" / "README.md").read_text("utf-8")
    for path in (REPOSITORY / "examples").iterdir():
        if path.name != "README.md":
            assert f"]({path.name})" in index
