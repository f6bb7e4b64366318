"""`--namespaces-from`: the tenant's relays out of whatever text they stand in."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from event_logs import FIXTURES, RELAYS
from hypothesis import given
from hypothesis import strategies as st

from preflight.cli import call
from preflight.config import Configuration, ConfigurationError, adjusted, load
from preflight.config.namespaces import _PART, read_namespaces

EVENT = (
    "An error occurred while connecting to Contoso-SSPR-ncu.servicebus.windows.net: TrackingId 1,\n"
    "sb://contoso-sspr-scu.servicebus.windows.net/x; contoso-sspr-ncu.servicebus.windows.net.\n"
    "www.contoso.com, servicebus.windows.net, gov.servicebus.usgovcloudapi.net"
)
HOSTS = [
    "contoso-sspr-ncu.servicebus.windows.net",
    "contoso-sspr-scu.servicebus.windows.net",
    "gov.servicebus.usgovcloudapi.net",
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be-bom", "cp1252"])
def test_they_are_found_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "events.txt"
    text = ("\ufeff" + EVENT).encode("utf-16-be") if encoding == "utf-16-be-bom" else ("ä" + EVENT).encode(encoding)
    file.write_bytes(text)
    found = read_namespaces(file)
    assert [endpoint.host for endpoint in found] == HOSTS
    assert {endpoint.port for endpoint in found} == {443}


def test_one_at_the_border_of_two_parts_is_found_once(tmp_path: Path) -> None:
    file = tmp_path / "events.txt"
    for before in (_PART - 1, _PART - 20, _PART):
        file.write_text("x" * (before - 1) + " " + HOSTS[0] + " " * _PART)
        assert [endpoint.host for endpoint in read_namespaces(file)] == [HOSTS[0]]


@pytest.mark.parametrize("cut", [1, 5, 18, 30, 45])
def test_one_that_stands_across_a_border_is_not_taken_for_a_shorter_one(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "events.txt"
    # Overlaps were once looked at from their middle, in which a name may begin.
    text = f"{HOSTS[0]} " * (2 * _PART // len(HOSTS[0]))
    file.write_text("#" * cut + text)
    assert [endpoint.host for endpoint in read_namespaces(file)] == [HOSTS[0]]


@pytest.mark.parametrize("name", ["q" * 64, "contoso-"])
def test_what_can_be_no_namespace_is_none(tmp_path: Path, name: str) -> None:
    file = tmp_path / "events.txt"
    file.write_text(f"{name}.servicebus.windows.net {HOSTS[0]} x.servicebus.windows.network", encoding="utf-8")
    assert [endpoint.host for endpoint in read_namespaces(file)] == [HOSTS[0]]


def test_a_long_run_of_letters_and_hyphens_is_read_quickly(tmp_path: Path) -> None:
    file = tmp_path / "events.txt"
    file.write_bytes(b"a-" * _PART + b" " + HOSTS[0].encode())
    before = time.monotonic()
    assert [endpoint.host for endpoint in read_namespaces(file)] == [HOSTS[0]]
    assert time.monotonic() - before < 10


@pytest.mark.parametrize(
    ("content", "says"), [(b"nothing", "names no relay"), (b"", "names no relay"), (b"ElfFile\0rest", "names no relay")]
)
def test_a_text_without_any_is_an_error_of_one_paragraph(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "events.txt"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=says) as caught:
        read_namespaces(file)
    assert "\n" not in str(caught.value) and str(file) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be read"):
        read_namespaces(tmp_path / "none")
    with pytest.raises(ConfigurationError, match="can't be read"):
        read_namespaces(tmp_path)


@pytest.mark.parametrize("name", ["application.evtx", "clixml.xml", "powershell5.json", "german.csv", "viewer.txt"])
def test_every_form_of_an_event_log_will_do(name: str) -> None:
    assert {endpoint.host for endpoint in read_namespaces(FIXTURES / name)} == set(RELAYS)


@given(st.binary(max_size=2000))
def test_any_bytes_are_names_or_an_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any"
    file.write_bytes(content)
    try:
        assert read_namespaces(file)
    except ConfigurationError as error:
        assert str(error)


def test_they_count_as_configured_by_the_option_and_by_the_key(tmp_path: Path) -> None:
    file = tmp_path / "events.txt"
    file.write_text(EVENT)
    by_option = adjusted(Configuration(), namespaces_from=file).service_bus.namespaces
    toml = tmp_path / "preflight.toml"
    toml.write_text(
        '[network]\nidle_seconds = 500\n[service_bus]\nnamespaces = ["own.servicebus.windows.net"]\n'
        'namespaces_from = "events.txt"\n'
    )
    configuration = load(toml)
    assert [endpoint.host for endpoint in by_option] == HOSTS
    assert [endpoint.host for endpoint in configuration.service_bus.namespaces] == [
        "own.servicebus.windows.net",
        *HOSTS,
    ]
    assert configuration.network.idle_seconds == 500
    assert adjusted(configuration, idle=360.0).network.idle_seconds == 360.0


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "events.txt"
    file.write_text(EVENT)
    assert call(["run", "--only", "network", "--dry-run", "--namespaces-from", str(file)]) == 0
    shown = capsys.readouterr().out
    assert all(host in shown for host in HOSTS)
    for wrong in (["--idle", "0"], ["--idle", "1e9"], ["--namespaces-from", str(tmp_path / "none")]):
        assert call(["run", "--only", "network", "--dry-run", *wrong]) == 2
        assert wrong[0] in (said := capsys.readouterr().err) or "none" in said
        assert "Traceback" not in said
