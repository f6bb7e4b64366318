"""README does what it says: its configuration is read, its tables are the program's. Its commands: tests/lab."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import trustme
from readme import README, REPOSITORY, SHELL, blocks, configuration_of_readme

from preflight.config import load
from preflight.config.domain import _DOMAIN_KEYS
from preflight.registry import Registry

EXAMPLE = REPOSITORY / "examples" / "preflight.toml"
ENDED_WITHIN = 120.0


def test_every_command_is_in_a_block_that_is_run():
    run = {command for block in SHELL for command in block.commands}
    named = [line.strip() for block in blocks() for line in block.text.splitlines()]
    wanted = [line for line in named if line.startswith(("preflight ", "make "))]
    assert len(wanted) > 10
    assert all(line.partition("  # ")[0].strip() in run for line in wanted)
    first = next(blocks()).commands
    assert first == ["make demo", "make test"]


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize("command", [each for block in SHELL for each in block.commands if each.startswith("make ")])
def test_make_knows_its_targets(command):
    # Dry, since the tests are themselves run by `make test`.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        [*command.split(), "--dry-run"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=ENDED_WITHIN,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_configuration_is_read_as_it_stands(tmp_path):
    path = tmp_path / "preflight.toml"
    path.write_text(configuration_of_readme(), "utf-8")
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    [domain] = load(path).domains
    assert domain.name == "corp.contoso.com"
    assert not load(path).warnings


def test_the_table_of_checks_is_the_registry():
    rows = re.findall(r"^\| `([a-z.0-9-]+)` \| (\w+) \| (.*) \|$", README, re.MULTILINE)
    checks = Registry.installed().checks.values()
    assert rows == [(check.id, check.severity.value, check.title) for check in checks]


def test_the_sample_is_what_the_demo_says():
    [sample] = [block.text for block in blocks() if block.language == "text"]
    done = subprocess.run(
        [sys.executable, "-m", "preflight", "demo", "--quiet"],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"},
        capture_output=True,
        encoding="utf-8",
        timeout=ENDED_WITHIN,
        check=False,
    )
    said = iter(done.stdout.splitlines())
    for part in sample.split("[...]\n"):
        lines = part.splitlines()
        assert lines[0] in said  # and goes on behind it
        for line in lines[1:]:
            assert next(said) == line


def test_the_check_pack_works(tmp_path, monkeypatch):
    [code] = [block.text for block in blocks() if block.language == "python"]
    (tmp_path / "contoso_checks.py").write_text(code, "utf-8")
    information = tmp_path / "contoso_checks-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: contoso-checks\nVersion: 1.0\n")
    [entry_point] = [block.text for block in blocks() if block.language == "toml" and "entry-points" in block.text]
    group = tomllib.loads(entry_point)["project"]["entry-points"]["preflight.checks"]
    lines = "".join(f"{name} = {module}\n" for name, module in group.items())
    (information / "entry_points.txt").write_text(f"[preflight.checks]\n{lines}")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = Registry.installed()
    assert not registry.problems
    assert registry.checks["policy.contoso-length"].requires == ("directory.bind",)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (REPOSITORY / target).exists(), target


# The example


def test_the_example_configuration_is_valid():
    done = subprocess.run(
        [sys.executable, "-m", "preflight", "config", "check", str(EXAMPLE)],
        capture_output=True,
        encoding="utf-8",
        timeout=ENDED_WITHIN,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "dc2.corp.contoso.com" in done.stdout
    assert not load(EXAMPLE).warnings


def test_the_example_names_every_key_of_a_domain():
    keys = set(re.findall(r"^(?:# )?([a-z_]+) = ", EXAMPLE.read_text("utf-8"), re.MULTILINE))
    assert set(_DOMAIN_KEYS) <= keys
