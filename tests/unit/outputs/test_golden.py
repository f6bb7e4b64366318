"""Every output of every sample report, byte for byte.

PREFLIGHT_WRITE_GOLDEN=1 writes them anew: read the difference before it is committed.
"""

import os
from pathlib import Path

import pytest
from unit.outputs import samples

from preflight.outputs import checkmk, human, json, junit, markdown, nagios, prometheus

GOLDEN = Path(__file__).parent / "golden"

VARIANTS = {
    "80.txt": lambda report: human.render(report, width=80),
    "140-ascii.txt": lambda report: human.render(report, width=140, ascii_only=True),
    "80-colour.txt": lambda report: human.render(report, width=80, colour=True),
    "json": json.render,
    "junit.xml": junit.render,
    "md": markdown.render,
    "prom": prometheus.render,
    "nagios": nagios.render,
    "checkmk": checkmk.render,
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", samples.ALL)
def test_output_is_as_agreed(name, variant):
    path = GOLDEN / f"{name}.{variant}"
    output = VARIANTS[variant](samples.ALL[name]()).encode("utf-8", "surrogatepass")
    if os.environ.get("PREFLIGHT_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(output)
    assert output == path.read_bytes()


def test_no_golden_file_is_left_over():
    assert {path.name for path in GOLDEN.iterdir()} == {
        f"{name}.{variant}" for name in samples.ALL for variant in VARIANTS
    }
