"""Reading a live domain, against OpenLDAP's `ldapsearch` (C) for the same attributes of the same users."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.large_forest import large_forest
from benchmarks.measure import Measure, NotMeasured, Outcome, by_turns, usage_of
from lab.domain_controller import REPOSITORY, obstacle
from lab.forest import Forest

from preflight.directory.users.judgement import JUDGE_ATTRIBUTES, ROW_ATTRIBUTES
from preflight.directory.users.scope import SCOPE_ATTRIBUTES
from preflight.plan import make_plan
from preflight.registry import Registry

LDAP3_LOOP = REPOSITORY.parent / "shared" / "baselines" / "ldap3_loop.py"
USERS = "(sAMAccountType=805306368)"
# The SD-flags control asking for owner, group and DACL: SDFlagsRequestValue 7 in BER (MS-ADTS 3.1.1.3.4.1.11).
DESCRIPTOR_PARTS = "!1.2.840.113556.1.4.801=::MAMCAQc="


@dataclass(frozen=True, slots=True)
class Bench:
    """A forest, and the commands that read it."""

    forest: Forest
    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        return {**self.forest.environment, "LDAPTLS_CACERT": str(self.forest.ca_file), "LDAPTLS_REQCERT": "demand"}

    def environment_with_ours(self) -> Mapping[str, str]:
        return {**os.environ, **self.environment}

    def preflight(self, *arguments: str) -> Sequence[str]:
        return [
            sys.executable,
            "-m",
            "preflight",
            *arguments,
            "--config",
            str(self.folder / "preflight.toml"),
            "--quiet",
        ]

    def ldapsearch(self, attributes: Sequence[str] = ()) -> Sequence[str]:
        """For these attributes; without, those of a run."""
        return self._resolving([
            "ldapsearch", "-LLL", "-x", "-H", f"ldaps://{self.forest.host}", "-D", self.forest.reader,
            "-y", str(self.folder / "password"), "-b", self.forest.base_dn, "-E", "pr=1000/noprompt",
            "-E", DESCRIPTOR_PARTS, USERS, *(attributes or attributes_of_a_run()),
        ])  # fmt: skip

    def ldap3_loop(self) -> Sequence[str]:
        if not LDAP3_LOOP.is_file():
            raise NotMeasured(f"no {LDAP3_LOOP}")
        url, reader, password = f"ldaps://{self.forest.host}", self.forest.reader, self.forest.password
        base, ca_file = self.forest.base_dn, str(self.forest.ca_file)
        return self._resolving([sys.executable, "-W", "ignore", str(LDAP3_LOOP), url, reader, password, ca_file, base])

    def _resolving(self, command: Sequence[str]) -> Sequence[str]:
        """The same where the DC's name resolves by /etc/hosts, as other programs verify it and ask no name server
        of their own."""
        script = 'mount --bind "$0" /etc/hosts && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, str(self.folder / "hosts"), *command]


@contextmanager
def bench(users: int) -> Iterator[Bench]:
    for reason in (obstacle(), "" if shutil.which("ldapsearch") else "no ldapsearch"):
        if reason:
            raise NotMeasured(reason)
    with large_forest(users) as forest, tempfile.TemporaryDirectory(prefix="preflight-bench-") as name:
        folder = Path(name)
        forest.write_configuration(folder / "preflight.toml")
        (folder / "password").touch(0o600)
        (folder / "password").write_text(forest.password)
        (folder / "hosts").write_text(f"127.0.0.1 localhost\n{forest.address} {forest.host}\n")
        yield Bench(forest, folder)


def attributes_of_a_run() -> list[str]:
    """What every check together asks of a user."""
    plan = make_plan(Registry.installed().checks)
    return sorted(
        SCOPE_ATTRIBUTES | JUDGE_ATTRIBUTES | ROW_ATTRIBUTES | {each for fold in plan.folds for each in fold.attributes}
    )


def _run(rounds: int) -> Outcome:
    with bench(5_000) as on:
        # The relays are no part of the lab.
        ours = on.preflight("run", "--skip", "network", "--skip", "dns", "--format", "json")
        return by_turns(
            rounds,
            lambda: usage_of(ours, on.environment).wall,
            lambda: usage_of(on.ldapsearch(), on.environment).wall,
            note=f"{len(attributes_of_a_run())} attributes, pages of 1,000, LDAPS",
        )


MEASURES = [
    Measure("full run over 5,000 users, live / ldapsearch, wall", 2.5, None, _run),
]
