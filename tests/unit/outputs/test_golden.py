"""Every output of every sample report, byte for byte.

Of the HTML report all but its style and script, which are files of their own.

PREFLIGHT_WRITE_GOLDEN=1 writes them anew: read the difference before it is committed.
"""

import os
import re
from pathlib import Path

import pytest
from unit.outputs import samples

from preflight.outputs import checkmk, html, human, json, junit, markdown, nagios, prometheus

GOLDEN = Path(__file__).parent / "golden"


def structure(page: str) -> str:
    """The page without its style, its script, and their hashes."""
    page = re.sub(r"(?<=<style>).*?(?=</style>)|(?<=<script>).*?(?=</script>)", "...", page, flags=re.DOTALL)
    return re.sub(r"sha256-[A-Za-z0-9+/=]+", "sha256-...", page)


VARIANTS = {
    "html": lambda report: structure(html.render(report)),
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
