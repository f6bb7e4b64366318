"""What is given to others: the wheel, the wheelhouse, the single file. Built once for all workers of a test run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

fcntl = pytest.importorskip("fcntl", reason="builds are shared between workers by a lock of POSIX")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="installs the wheelhouse of Linux")]

REPOSITORY = Path(__file__).parents[2]
DISTRIBUTE = [sys.executable, str(REPOSITORY / "packaging" / "distribute.py")]
BUILT_WITHIN = 240.0
VERSION = version("writeback-preflight")

Built = Callable[[str], Path]


@pytest.fixture(scope="session")
def built(tmp_path_factory, worker_id) -> Iterator[Built]:
    """The folder that holds a part of the distribution: "wheel", "pyz", "manylinux_x86_64", "win_amd64"."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "distributions"
    shared.mkdir(exist_ok=True)

    def part(name: str) -> Path:
        folder = shared / name
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                run([*DISTRIBUTE, "--into", str(shared / f"{name}.new"), name])
                (shared / f"{name}.new").rename(folder)
        return folder

    yield part


def run(
    command: list[str], folder: Path | None = None, code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run it apart from this Python's own environment; it must end with the code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PREFLIGHT"))}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=BUILT_WITHIN,
        check=False,
    )
    assert done.returncode == code, (
        f"{' '.join(command)}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    )
    return done


def test_the_wheel_holds_everything_and_nothing_else(built):
    [wheel] = built("wheel").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    package_files = {
        str(path.relative_to(root))
        for root, package in ((REPOSITORY, "preflight"), (REPOSITORY / "checks", "preflight_checks"))
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"preflight/py.typed", "preflight_checks/py.typed", "preflight/outputs/report.schema.json"} <= package_files
    assert package_files <= names
    metadata = {name for name in names if name.startswith("writeback_preflight-")}
    assert names - metadata == package_files
    assert any(name.endswith("/LICENSE") for name in metadata)


def test_the_wheelhouse_of_linux_installs_without_an_index_and_works(built, tmp_path):
    [archive] = built("manylinux_x86_64").glob("*.zip")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    assert "--no-index --find-links wheels" in (tmp_path / "INSTALL.txt").read_text("utf-8")
    python = tmp_path / "venv" / "bin" / "python"
    run([sys.executable, "-m", "venv", str(tmp_path / "venv")])
    # Neither the index nor a folder of this machine's own may help.
    run(
        [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--find-links", "wheels", "writeback-preflight"],
        tmp_path,
        PIP_CONFIG_FILE=os.devnull,
        PIP_FIND_LINKS="",
    )
    program = str(python.with_name("preflight"))
    assert run([program, "--version"], tmp_path).stdout.split() == ["writeback-preflight", VERSION]
    assert "permissions.reset-password" in run([program, "list"], tmp_path).stdout
    assert "permissions.reset-password" in run([str(python), "-m", "preflight", "list"], tmp_path).stdout
    said = run([program, "demo", "--expect", "not_ready", "--format", "json"], tmp_path).stdout
    assert json.loads(said)["verdict"] == "not_ready"
    # Every dependency came along, those of "negotiate" too.
    run([str(python), "-m", "pip", "check"], tmp_path)
    run([str(python), "-c", "import spnego, cryptography.x509, ldap3, requests, dns.resolver"], tmp_path)


def test_the_wheelhouse_of_windows_holds_what_only_windows_needs(built):
    [archive] = built("win_amd64").glob("*.zip")
    wheels = [Path(name).name for name in zipfile.ZipFile(archive).namelist() if name.endswith(".whl")]
    distributions = {name.partition("-")[0].lower() for name in wheels}
    assert {"sspilib", "colorama", "cryptography", "pyspnego", "ldap3", "jinja2", "typer"} <= distributions
    assert "writeback_preflight" in distributions
    assert all(name.endswith(("-none-any.whl", "win_amd64.whl")) for name in wheels)
    for python in ("cp311", "cp312", "cp313", "cp314"):
        for compiled in ("charset_normalizer", "markupsafe"):
            assert any(name.lower().startswith(compiled) and f"-{python}-" in name for name in wheels)


@pytest.fixture(scope="session")
def program(built) -> list[str]:
    """The single file, run by a Python without any site-packages."""
    [path] = built("pyz").glob("*.pyz")
    return [sys.executable, "-I", "-S", str(path)]


def test_the_single_file_runs_on_a_bare_python(program, tmp_path):
    assert run([*program, "--version"], tmp_path).stdout.split() == ["writeback-preflight", VERSION]
    assert "permissions.reset-password" in run([*program, "list"], tmp_path).stdout
    assert "2239" in run([*program, "explain", "dc.policy-hints"], tmp_path).stdout
    said = run([*program, "demo", "--expect", "not_ready", "--format", "json"], tmp_path).stdout
    assert json.loads(said)["verdict"] == "not_ready"
    run([*program, "demo", "--quiet", "-o", "report.html"], tmp_path, code=3)
    assert "NOT READY" in (tmp_path / "report.html").read_text("utf-8")


def test_the_single_file_holds_nothing_compiled(program):
    names = zipfile.ZipFile(program[-1]).namelist()
    assert not [name for name in names if name.endswith((".so", ".pyd", ".dll"))]
    assert not [name for name in names if name.startswith(("spnego/", "cryptography/"))]


def test_the_single_file_says_that_it_cannot_sign_in_by_negotiate(program, tmp_path):
    asked = [*program, "run", "--domain", "corp.contoso.com"]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 2
    assert "pyspnego" in done.stderr
    assert "wheelhouse" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_archives_of_the_same_files_are_the_same(tmp_path):
    script = (
        "import sys; from pathlib import Path; from archive import write_archive; "
        "write_archive(Path(sys.argv[1]), {'b': b'2', 'a': b'1' * 999})"
    )
    made = [tmp_path / "one.zip", tmp_path / "two.zip"]
    for path in made:
        run([sys.executable, "-c", script, str(path)], REPOSITORY / "packaging")
    assert made[0].read_bytes() == made[1].read_bytes()
    assert zipfile.ZipFile(made[0]).read("a") == b"1" * 999
