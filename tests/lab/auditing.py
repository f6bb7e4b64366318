"""Run `preflight audit` and `preflight user` on a forest of the lab, as a user does."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lab.forest import Forest
from lab.running import COMMAND_WITHIN, command, environment, write

Row = dict[str, object]


def audit(
    forest: Forest,
    folder: Path,
    *options: str,
    environ: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    **changes: object,
) -> subprocess.CompletedProcess[str]:
    """`preflight audit --config ... OPTIONS`; changes as for `lab.running.write`."""
    return _run(forest, folder, "audit", *options, environ=environ, encoding=encoding, **changes)


def user(forest: Forest, folder: Path, who: str, *options: str, **changes: object) -> subprocess.CompletedProcess[str]:
    """`preflight user WHO --config ... OPTIONS`."""
    return _run(forest, folder, "user", who, *options, **changes)


@contextmanager
def started_audit(forest: Forest, folder: Path, *options: str, **changes: object) -> Iterator[subprocess.Popen[str]]:
    """The audit, running, with standard output and error in pipes; it doesn't outlive the block."""
    path = write(forest, folder, **changes)
    process = subprocess.Popen(
        command("audit", "--config", str(path), *options),
        env=environment(forest),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def json_rows(text: str) -> list[Row]:
    return [json.loads(line) for line in text.splitlines()]


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def audited(forest: Forest, folder: Path, **changes: object) -> dict[str, Row]:
    """The rows by DN; the audit must have seen everybody."""
    done = audit(forest, folder, "--format", "jsonl", **changes)
    assert done.returncode in (0, 3, 4), done.stderr
    assert done.stderr == ""
    return {str(row["dn"]): row for row in json_rows(done.stdout)}


def _run(
    forest: Forest,
    folder: Path,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    **changes: object,
) -> subprocess.CompletedProcess[str]:
    path = write(forest, folder, **changes)
    return subprocess.run(
        command(*arguments, "--config", str(path)),
        env=environment(forest, **(environ or {})),
        capture_output=True,
        encoding=encoding,
        timeout=COMMAND_WITHIN,
        check=False,
    )
