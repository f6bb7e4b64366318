"""What reaches a domain controller during a run: reads alone; and what never reaches anybody: the password."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lab.forest import Forest
from lab.ldap_message import START_TLS, elements
from lab.recording_proxy import Operation, RecordingProxy
from lab.running import command, environment, run, run_command, statuses, write

from preflight.api import Finding, Severity, check
from preflight.report import Verdict

SD_FLAGS = "1.2.840.113556.1.4.801"
PAGED = "1.2.840.113556.1.4.319"
OWNER_GROUP_DACL = 7

SECRET = "C4nary-“x”-\u20ac"
"""A password that stands out wherever it may turn up, in whatever encoding."""


# Operations


@pytest.mark.parametrize("mode", ["ldaps", "ldap"])
def test_a_full_run_binds_searches_and_unbinds_and_does_nothing_else(
    mode: str, own_forest: Forest, tmp_path: Path
) -> None:
    allowed = {"bindRequest", "searchRequest", "unbindRequest"} | ({"extendedReq"} if mode == "ldap" else set())
    with RecordingProxy(own_forest.dc, mode=mode) as proxy:
        report = run(own_forest, tmp_path, controllers=proxy.controllers, ca_file=str(proxy.ca_file))
        operations = proxy.operations
    assert report.verdict is Verdict.READY
    assert {operation.name for operation in operations} == allowed
    assert {operation.oid for operation in operations if operation.name == "extendedReq"} <= {START_TLS}
    searches = [operation for operation in operations if operation.name == "searchRequest"]
    assert len(searches) > 10
    for operation in operations:
        assert operation.tls or operation.oid == START_TLS, f"unencrypted: {operation}"
        assert operation.mechanism in ("", "simple", "anonymous")
    for search in searches:
        names = [name.lower() for name in search.attributes]
        assert len(names) == len(set(names)), f"asked for twice: {search}"
        assert set(search.controls) <= {SD_FLAGS, PAGED}, search
        _assert_descriptors_without_sacl(search)
    _assert_users_are_read_once(searches)


def _assert_descriptors_without_sacl(search: Operation) -> None:
    """AD leaves the descriptor out for an ordinary reader who asks for its SACL too (MS-ADTS 3.1.1.3.4.1.11)."""
    if "ntsecuritydescriptor" not in [name.lower() for name in search.attributes]:
        return
    assert SD_FLAGS in search.critical, search
    value = search.control_values[search.controls.index(SD_FLAGS)]
    [(_, content)] = elements(value)
    [(_, flags)] = elements(content)
    assert int.from_bytes(flags, "big") == OWNER_GROUP_DACL


def _assert_users_are_read_once(searches: Sequence[Operation]) -> None:
    of_users = [search for search in searches if search.filter == "(sAMAccountType=805306368)"]
    assert len(of_users) == 1, of_users
    assert not set(of_users[0].attributes) & {"*", "+", "tokenGroups", "member", "memberOf", "unicodePwd"}


def test_a_dry_run_sends_nothing(own_forest: Forest, tmp_path: Path) -> None:
    with RecordingProxy(own_forest.dc) as proxy:
        done = run_command(own_forest, tmp_path, "--dry-run", controllers=proxy.controllers, ca_file=str(proxy.ca_file))
        assert not proxy.operations and not proxy.connections
    assert done.returncode == 0
    assert own_forest.host in done.stdout
    assert own_forest.password not in done.stdout + done.stderr


def test_a_run_leaves_no_trace_in_the_directory(own_forest: Forest, tmp_path: Path) -> None:
    def state() -> list[tuple[str, bytes]]:
        found = own_forest.admin.search(own_forest.dn(), attributes=["uSNChanged"])
        return sorted((dn, values["uSNChanged"][0]) for dn, values in found)

    assert run(own_forest, tmp_path).verdict is Verdict.READY  # a sign-in may be noted once (lastLogonTimestamp)
    before = state()
    assert run(own_forest, tmp_path).verdict is Verdict.READY
    assert state() == before


# The secret


@pytest.fixture(scope="module")
def canary(own_forest: Forest) -> Iterator[Forest]:
    """The forest, whose reader has the canary for a password."""
    own_forest.admin.set_password("reader", SECRET)
    yield own_forest
    own_forest.admin.set_password("reader", own_forest.password)


def spellings(secret: str) -> list[bytes]:
    """As it may stand in a file, a log, a repr, JSON or an URL. The middle part alone gives it away, too."""
    from base64 import b64encode
    from urllib.parse import quote

    texts = [secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret), ascii(secret)[1:-1]]
    encoded = [text.encode("utf-8") for text in texts] + [secret.encode("utf-16-le")]
    return [*encoded, b64encode(secret.encode("utf-8")), secret.encode("utf-8").hex().encode(), b"C4nary"]


@dataclass
class Watch:
    """What can be seen of a process from outside while it runs."""

    argv: set[bytes] = field(default_factory=set)
    stdout: bytes = b""
    stderr: bytes = b""
    returncode: int = -1


def watched(arguments: list[str], env: dict[str, str], *, stdin: int | None = subprocess.DEVNULL) -> Watch:
    """Run it, and look at every command line of it and its children meanwhile."""
    watch = Watch()
    process = subprocess.Popen(arguments, env=env, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for pid in (process.pid, *_children(process.pid)):
                try:
                    watch.argv.add(Path(f"/proc/{pid}/cmdline").read_bytes())
                except OSError:
                    continue
            time.sleep(0.01)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        watch.stdout, watch.stderr = process.communicate(timeout=120)
    finally:
        process.kill()
        over.set()
        thread.join()
    watch.returncode = process.returncode
    return watch


def _children(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def assert_untold(watch: Watch, folder: Path, *but: Path) -> None:
    places = {"stdout": watch.stdout, "stderr": watch.stderr, "argv": b"\0".join(watch.argv)}
    places |= {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path not in but}
    assert len(places) > 4
    for place, content in places.items():
        for spelling in spellings(SECRET):
            assert spelling not in content, f"{spelling!r} in {place}"


def arrange(
    forest: Forest, folder: Path, source: str, password: str = SECRET
) -> tuple[list[str], dict[str, str], Path]:
    """The command, its environment and where the secret may stand: in a file of its own, or nowhere in the folder."""
    temporary = folder / "tmp"
    temporary.mkdir()
    kept = folder / "password.txt"
    changes: dict[str, object] = {}
    env = environment(forest, TMPDIR=str(temporary), PREFLIGHT_DEBUG="1", PYTHONDONTWRITEBYTECODE="1")
    if source == "file":
        kept.write_text(password, encoding="utf-8")
        kept.chmod(0o600)
        changes = {"password_env": None, "password_file": str(kept)}
        env = {name: value for name, value in env.items() if name not in forest.environment}
    else:
        env |= dict.fromkeys(forest.environment, password)
    path = write(forest, folder, **changes)
    arguments = ["run", "--config", str(path), "--skip", "network", "--skip", "dns", "--format", "json"]
    arguments += ["-o", f"json={folder}/report.json", "-o", f"human={folder}/report.txt"]
    return command(*arguments), env, kept


@pytest.mark.parametrize("source", ["environment", "file"])
def test_the_password_is_in_no_output_argument_or_file(source: str, canary: Forest, tmp_path: Path) -> None:
    arguments, env, kept = arrange(canary, tmp_path, source)
    watch = watched(arguments, env)
    assert watch.returncode == 0, watch.stderr.decode()
    assert json.loads(watch.stdout)["verdict"] == "ready"
    assert_untold(watch, tmp_path, kept)


def test_a_wrong_password_is_in_no_output_argument_or_file(canary: Forest, tmp_path: Path) -> None:
    arguments, env, kept = arrange(canary, tmp_path, "file", SECRET + "-wrong")
    watch = watched(arguments, env)
    assert watch.returncode == 4, watch.stderr.decode()
    assert b"invalid-credentials" in watch.stdout
    assert_untold(watch, tmp_path, kept)


@check(
    id="host.breaks",
    title="A check that breaks with everything in its hands",
    severity=Severity.BLOCKER,
    each="domain",
    codes={},
)
def breaks(directory: object, reader: object) -> Iterator[Finding]:
    """Breaks."""
    secret_holder = vars(directory)["_sign_in"] if hasattr(directory, "__dict__") else directory
    raise RuntimeError(
        f"{directory!r} {secret_holder!r} {vars(directory) if hasattr(directory, '__dict__') else ''} {reader!r}"
    )
    yield


def test_the_password_is_in_no_report_of_a_check_that_breaks(canary: Forest, tmp_path: Path) -> None:
    report = run(canary, tmp_path, checks=[breaks], environ=dict.fromkeys(canary.environment, SECRET))
    assert statuses(report)["host.breaks"] == "unknown"
    told = json.dumps(report.to_dict(), ensure_ascii=False) + repr(report)
    assert "RuntimeError" in told
    assert "C4nary" not in told


def test_a_defect_of_the_program_shows_no_password(canary: Forest, tmp_path: Path) -> None:
    """A traceback, asked for by PREFLIGHT_DEBUG, of a program that breaks with the password in a local variable."""
    arguments, env, _ = arrange(canary, tmp_path, "environment")
    (tmp_path / "sitecustomize.py").write_text(
        "import preflight.run\n"
        "def perform(plan, setting, **rest):\n"
        "    passwords = setting.passwords\n"
        "    raise RuntimeError(f'{setting!r} {passwords!r}')\n"
        "preflight.run.perform = perform\n"
    )
    watch = watched(arguments, env | {"PYTHONPATH": os.pathsep.join([str(tmp_path), env.get("PYTHONPATH", "")])})
    assert watch.returncode == 1, watch.stdout + watch.stderr
    assert b"RuntimeError" in watch.stderr
    for spelling in spellings(SECRET):
        assert spelling not in watch.stdout + watch.stderr + b"\0".join(watch.argv)
