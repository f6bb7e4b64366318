"""Metrics and alert rules, by the judgement of Prometheus' own programs and of a real node_exporter."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from programs import program
from prometheus_client.parser import text_string_to_metric_families
from readme import REPOSITORY
from unit.outputs import samples

from preflight.cli import call
from preflight.outputs.prometheus import render

RULES = REPOSITORY / "examples" / "prometheus"
NOBODY = 65534


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [program("promtool", "prometheus"), *arguments]
    return subprocess.run(
        command, cwd=RULES, input=given, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


@pytest.mark.parametrize("name", samples.ALL)
def test_promtool_finds_nothing_wrong_with_the_metrics(name: str) -> None:
    done = promtool("check", "metrics", given=render(samples.ALL[name]()))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "metrics",
    ["x 1 2 3\n", 'x{a="b"} 1\nx{a="b"} 2\n', "# TYPE x_total gauge\n# HELP x_total x\nx_total 1\n"],
    ids=["syntax", "twice", "convention"],
)
def test_promtool_would_find_it(metrics: str) -> None:
    assert promtool("check", "metrics", given=metrics).returncode != 0


def test_the_alert_rules_are_valid_and_fire_when_they_should() -> None:
    for command in (["check", "rules", "preflight.rules.yml"], ["test", "rules", "preflight.test.yml"]):
        done = promtool(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "SUCCESS" in done.stdout


def test_the_alert_rules_know_every_metric_that_they_use() -> None:
    written = {line.split()[2] for line in render(samples.watched()).splitlines() if line.startswith("# TYPE")}
    rules = (RULES / "preflight.rules.yml").read_text("utf-8")
    used = {word.strip("(){},") for word in rules.replace("{", " ").replace("(", " ").replace(")", " ").split()}
    used = {word for word in used if word.startswith("preflight_")}
    assert used and used <= written


@contextmanager
def node_exporter(folder: Path) -> Iterator[str]:
    """Where a node_exporter, run by a user of its own, shows the folder's metrics."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = [
        program("prometheus-node-exporter", "prometheus-node-exporter"),
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, **user) as exporter:
        try:
            yield f"http://127.0.0.1:{port}/metrics"
        finally:
            exporter.terminate()


def scraped(address: str) -> dict[str, float]:
    """The exporter's samples, by name with labels in order."""
    for _ in range(200):
        try:
            with urlopen(address, timeout=5) as answer:
                text = answer.read().decode()
            break
        except OSError:
            time.sleep(0.05)
    return {
        " ".join([sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.skipif(sys.platform != "linux", reason="node_exporter's user")
def test_node_exporter_shows_what_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        assert call(["demo", "--quiet", "-o", str(folder / "demo.prom")]) == 3
        (folder / "hostile.prom").write_text(render(samples.hostile()).replace("preflight_", "hostile_"), "utf-8")
        with node_exporter(folder) as address:
            shown = scraped(address)
    assert shown["node_textfile_scrape_error"] == 0
    assert shown["preflight_verdict verdict=not_ready"] == 1
    assert shown["preflight_verdict verdict=ready"] == 0
    assert shown["preflight_users domain=corp.contoso.com outcome=blocked"] == 10
    about = "check=dc.policy-hints host=SYNC01 severity=blocker"
    assert shown[f"preflight_check_status {about} status=fail target=dc2.corp.contoso.com:389"] == 1
    assert shown[f"preflight_check_status {about} status=pass target=dc2.corp.contoso.com:389"] == 0
    assert any(series.startswith("hostile_check_status") for series in shown)
