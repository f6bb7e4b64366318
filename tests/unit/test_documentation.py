"""README does what it says: its commands are run, its configuration is read, its tables are the program's.

Commands about corp.contoso.com are run on the lab's forest: `lab_words` says which words stand for which there, and
`LAB_OPTIONS` what the lab needs besides (it has no relays, and the machine's DNS doesn't know it).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from preflight.config import load
from preflight.config.domain import _DOMAIN_KEYS
from preflight.registry import Registry

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text("utf-8")
EXAMPLE = REPOSITORY / "examples" / "preflight.toml"
ENDED_WITHIN = 120.0
VERDICTS = {0, 3, 4, 5}
NOT_RUN_HERE = ("py ", "C:\\", "ldifde ", "copy ", "dsacls ", "$env:")
"""What needs Windows."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; its text without the indentation that it has as a whole."""

    language: str
    line: int
    text: str

    @property
    def commands(self) -> list[str]:
        """Its lines without remarks."""
        return [line.partition("  # ")[0].strip() for line in self.text.splitlines() if line.strip()]


def blocks() -> Iterator[Block]:
    fence = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
    for found in fence.finditer(README):
        indent, language, text = found.groups()
        line = README.count("\n", 0, found.start()) + 2
        yield Block(language, line, re.sub(f"^{indent}", "", text, flags=re.MULTILINE))


SHELL = [block for block in blocks() if block.language == "" and not block.text.startswith(NOT_RUN_HERE)]


def test_every_command_is_in_a_block_that_is_run():
    run = {command for block in SHELL for command in block.commands}
    named = [line.strip() for block in blocks() for line in block.text.splitlines()]
    wanted = [line for line in named if line.startswith(("preflight ", "make "))]
    assert len(wanted) > 10
    assert all(line.partition("  # ")[0].strip() in run for line in wanted)
    first = next(blocks()).commands
    assert first == ["make demo", "make test"]


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


# Commands about a domain

LAB_OPTIONS = "--nameserver {address} --ca-file ca.pem --password-env CONTOSO_PASSWORD "


def in_the_lab(text: str, forest) -> str:
    """The same about the lab's forest."""
    words: Mapping[str, str] = {
        "ldaps://dc1.corp.contoso.com": f"ldaps://{forest.address}",
        "DC=corp,DC=contoso,DC=com": forest.base_dn,
        "corp.contoso.com": forest.domain,
        "10.0.0.10": forest.address,
        " -W ": " -y password ",
    }
    for word, stand_in in words.items():
        text = text.replace(word, stand_in)
    if re.match(r"preflight run .*--user ", text):
        text = text.replace("--user ", LAB_OPTIONS.format(address=forest.address) + "--user ")
    if text.startswith("preflight run ") and "--dry-run" not in text and "--only" not in text:
        text = text.replace("preflight run ", "preflight run --skip network --skip dns ")
    return text


def configuration_of_readme() -> str:
    [text] = [block.text for block in blocks() if block.language == "toml" and "[[domain]]" in block.text]
    return text


@pytest.fixture
def prepared(forest, tmp_path) -> Path:
    """A folder with the configuration of README, and what it names."""
    (tmp_path / "preflight.toml").write_text(in_the_lab(configuration_of_readme(), forest), "utf-8")
    (tmp_path / "ca.pem").write_bytes(forest.ca_file.read_bytes())
    (tmp_path / "password").touch(0o600)
    (tmp_path / "password").write_text(forest.password)
    return tmp_path


@pytest.mark.parametrize(
    "block",
    [block for block in SHELL if not block.text.startswith("make ")],
    ids=lambda block: f"line {block.line}",
)
def test_commands_do_what_they_are_said_to(block, forest, prepared):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CONTOSO_PASSWORD": forest.password,
        "LDAPTLS_REQCERT": "allow",  # its certificate doesn't name the loopback address
        "PREFLIGHT_CONFIG": "",
    }
    for command in block.commands:
        done = subprocess.run(
            ["sh", "-c", in_the_lab(command, forest)],
            cwd=prepared,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=ENDED_WITHIN,
            check=False,
        )
        allowed = expected_codes(command)
        assert done.returncode in allowed, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert "Traceback" not in done.stderr
        # Nobody is blocked in a healthy forest.
        if not re.search(r" >>? |--only-blocked", command):
            assert done.stdout.strip()
        for written in re.findall(r"(?:-o \w+=|>>? )(\S+)", command):
            assert (prepared / written).stat().st_size > 0


def expected_codes(command: str) -> set[int]:
    """A healthy forest is ready. An export leaves something unknown; the demo has faults."""
    if command == "preflight demo":
        return {3}
    return VERDICTS if "--ldif" in command else {0}


# What README says about the program


def test_the_configuration_is_read_as_it_stands(tmp_path, forest):
    path = tmp_path / "preflight.toml"
    path.write_text(configuration_of_readme(), "utf-8")
    (tmp_path / "ca.pem").write_bytes(forest.ca_file.read_bytes())
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
