"""A real domain controller of the test's own: Samba on a loopback address that nobody else has.

::

    with DomainController(Recipe()) as dc:               # provisioned once, kept in .cache/lab, copied
        dc.start()                                       # 1-2 s; LDAP 389, LDAPS 636, Kerberos 88, DNS 53 on dc.address
        dc.admin.user(f"CN=Ann,CN=Users,{dc.base_dn}", "ann")
        with dc.connect("ann", STANDARD_PASSWORD) as connection:   # ldap3, LDAPS, certificate verified
            connection.search(...)
        dc.freeze(); dc.thaw()                           # it hangs, and answers again
        dc.kill()                                        # it dies, connections are reset
        dc.stop(); dc.admin.modify(...); dc.start()      # stopped: changes go straight into the database

Several run side by side. Everything that a DC writes is in a folder of its own, which `close` (the end of `with`)
removes; processes are waited for, and a keeper ends them even where the tests are killed.
`dc.host` (dc1.corp.contoso.test) resolves through the DC's own DNS only: `nameserver = dc.address`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from lab.administration import DEBIAN_PYTHON, Administration
from lab.keeper import descendants

if TYPE_CHECKING:
    import ldap3

REPOSITORY = Path(__file__).parents[2]
CACHE = REPOSITORY / ".cache" / "lab"
SHAPING_MODULES = ("administer.py", "administration.py", "domain_controller.py", "forest.py")
"""What a provisioned folder depends on: change one and it is made anew."""

ADMINISTRATOR_PASSWORD = "Passw0rd!Admin"
POLICY_HINTS_OIDS = ("1.2.840.113556.1.4.2066", "1.2.840.113556.1.4.2239")
PROVISIONED_ADDRESS = "127.80.255.254"
"""Stands in the records that provisioning makes; for 127.0.0.1 it makes none."""
READY_WITHIN = 45.0
STOPPED_WITHIN = 20.0

NEEDED_PROGRAMS = ("samba", "samba-tool", "winbindd")


def obstacle() -> str:
    """Why no DC can run here; "" if one can."""
    if not sys.platform.startswith("linux"):
        return "the lab needs Linux"
    if os.geteuid() != 0:
        return "the lab needs root (LDAP and DNS have low ports)"
    missing = [name for name in NEEDED_PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"the lab needs {', '.join(missing)}: run tests/lab/install.sh"
    probe = [DEBIAN_PYTHON, "-I", "-c", "import samba.samdb"]
    try:
        done = subprocess.run(probe, capture_output=True, timeout=60, check=False)
    except OSError as error:
        return f"the lab needs {DEBIAN_PYTHON}: {error}"
    return "" if done.returncode == 0 else "the lab needs python3-samba: run tests/lab/install.sh"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a domain is provisioned.

    Attributes:
        domain: DNS name; the forest's root.
        netbios: its short name.
        host: the DC's short name.
        policy_hints: whether the rootDSE lists both policy hints controls, as Windows does.
        policy_hints_oids: which of them, where only one is wanted.
    """

    domain: str = "corp.contoso.test"
    netbios: str = "CORP"
    host: str = "dc1"
    policy_hints: bool = True
    policy_hints_oids: tuple[str, ...] = POLICY_HINTS_OIDS

    @property
    def base_dn(self) -> str:
        return ",".join(f"DC={label}" for label in self.domain.split("."))


class DomainController:
    """One DC on a private copy of a provisioned folder.

    Args:
        recipe: what was, or is to be, provisioned.
        original: the folder to copy (`provisioned(recipe)` if left out).
        strong_auth: Samba's "ldap server require strong auth": "yes" (a simple bind needs TLS; SASL on 389 needs
            sealing), "allow_sasl_over_tls" (Kerberos over LDAPS), "no" (anything).
    """

    def __init__(self, recipe: Recipe, original: Path | None = None, *, strong_auth: str = "yes") -> None:
        self.recipe = recipe
        self.domain = recipe.domain
        self.base_dn = recipe.base_dn
        self.host = f"{recipe.host}.{recipe.domain}"
        self._process: subprocess.Popen[bytes] | None = None
        self._smb: socket.socket | None = None
        self._address_lock: IO[str] | None = None
        self.admin = Administration(self._administration_settings)
        self.address, self._address_lock = _reserve_address()
        self.directory = LOCKS / f"{self.address}.d"  # short: paths of sockets end at 108 bytes
        self.directory.mkdir(mode=0o700)
        try:
            source = original or provisioned(recipe)
            copy_provisioned(source, self.directory)
            self._write_configuration(strong_auth)
            self.admin.readdress(PROVISIONED_ADDRESS, self.address)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> DomainController:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # Where things are

    @property
    def smb_conf(self) -> Path:
        return self.directory / "etc" / "smb.conf"

    @property
    def sam(self) -> Path:
        """The database, for changes while the DC is stopped."""
        return self.directory / "private" / "sam.ldb"

    @property
    def ca_file(self) -> Path:
        return self.directory / "private" / "tls" / "ca.pem"

    @property
    def krb5_config(self) -> Path:
        """For the environment variable KRB5_CONFIG."""
        return self.directory / "etc" / "krb5.conf"

    @property
    def log(self) -> str:
        return (self.directory / "log" / "samba").read_text("utf-8", "replace")

    # Its life

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Return when it answers on all its ports.

        Raises:
            RuntimeError: it died, or didn't come up within 45 s; with the end of its log.
        """
        if self.running:
            return
        self.admin.close()
        keeper = [sys.executable, "-I", "-S", str(Path(__file__).with_name("keeper.py"))]
        samba = ["samba", "-s", str(self.smb_conf), "--foreground", "--no-process-group", "--debug-stdout"]
        with (self.directory / "log" / "samba").open("ab") as log:
            self._process = subprocess.Popen(
                keeper + samba,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the tests, which stop the DC themselves
            )
        deadline = time.monotonic() + READY_WITHIN
        while not self._answers():
            if not self.running or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self.host} at {self.address} did not come up:\n{self.log[-3000:]}")
            time.sleep(0.03)
        # Samba's file server is a program of its own, which nothing here speaks to; its port has to be open.
        self._smb = socket.create_server((self.address, 445), backlog=4096)

    def close_smb(self) -> None:
        """Nobody listens on port 445 any more."""
        if self._smb is not None:
            self._smb.close()
            self._smb = None

    def stop(self) -> None:
        """End it and wait until no process of it is left."""
        self.close_smb()
        self.admin.close()
        if self._process is None:
            return
        process, self._process = self._process, None
        with process:  # closes stdin, which tells the keeper, and waits
            try:
                process.communicate(timeout=STOPPED_WITHIN)
            except subprocess.TimeoutExpired:
                _signal(descendants(process.pid), signal.SIGKILL)
                process.kill()

    def kill(self) -> None:
        """Let it die at once: connections are reset, nothing is written back."""
        if self._process is not None:
            _signal(descendants(self._process.pid), signal.SIGKILL)
            self.stop()

    def freeze(self) -> None:
        """It accepts connections and answers nothing (the kernel still completes handshakes)."""
        if self._process is not None:
            _signal(descendants(self._process.pid), signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None:
            _signal(descendants(self._process.pid), signal.SIGCONT)

    def close(self) -> None:
        """Stop it and remove all that it wrote."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        if self._address_lock is not None:
            self._address_lock.close()
            self._address_lock = None

    @property
    def processes(self) -> list[int]:
        """Ids of its processes, the keeper included."""
        return [self._process.pid, *descendants(self._process.pid)] if self._process is not None else []

    # Talking to it

    @contextlib.contextmanager
    def connect(self, account: str, password: str, *, timeout: int = 10) -> Iterator[ldap3.Connection]:
        """`sign_in`, and unbind at the end."""
        connection = self.sign_in(account, password, timeout=timeout)
        try:
            yield connection
        finally:
            connection.unbind()  # ldap3's own `with` leaves a connection bound that was bound before it

    def sign_in(self, account: str, password: str, *, timeout: int = 10) -> ldap3.Connection:
        """Bind over LDAPS; the certificate is verified. account: sAMAccountName, UPN or DN. The caller unbinds.

        Raises:
            ldap3.core.exceptions.LDAPException: refused.
        """
        import ldap3

        user = account if "=" in account or "@" in account else f"{account}@{self.domain}"
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(self.ca_file), valid_names=[self.host])
        server = ldap3.Server(
            self.address, port=636, use_ssl=True, tls=tls, get_info=ldap3.NONE, connect_timeout=timeout
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # ldap3 2.9.1 asks ssl.match_hostname
            return ldap3.Connection(
                server,
                user,
                password,
                auto_bind=True,
                raise_exceptions=True,
                receive_timeout=timeout,
                auto_referrals=False,
            )

    def samba_tool(self, *arguments: str, timeout: float = 60.0) -> str:
        """Run samba-tool on this DC's configuration; its stdout.

        Raises:
            RuntimeError: it failed; with what it said.
        """
        done = subprocess.run(
            ["samba-tool", *arguments, "-s", str(self.smb_conf)],
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, "KRB5_CONFIG": str(self.krb5_config)},
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"samba-tool {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done.stdout

    def _answers(self) -> bool:
        """Every service, because they come up one after the other; LDAP and DNS by a real answer."""
        try:
            for port in (88, 389, 53):
                socket.create_connection((self.address, port), timeout=1).close()
            context = ssl.create_default_context(cafile=str(self.ca_file))
            with (
                socket.create_connection((self.address, 636), timeout=2) as plain,
                context.wrap_socket(plain, server_hostname=self.host) as tls,
            ):
                tls.sendall(ROOT_DSE_SEARCH)
                if b"\x65" not in tls.recv(4096):  # searchResultDone
                    return False
        except OSError:
            return False
        return (self.directory / "winbindd" / "pipe").exists()  # without it NTLM fails

    def _administration_settings(self) -> Mapping[str, str]:
        if self.running:
            return {
                "url": f"ldap://{self.address}",
                "smb_conf": str(self.smb_conf),
                "user": "Administrator",
                "password": ADMINISTRATOR_PASSWORD,
            }
        return {"url": str(self.sam), "smb_conf": str(self.smb_conf)}

    def _write_configuration(self, strong_auth: str) -> None:
        for name in ("run", "cache", "log", "etc"):
            (self.directory / name).mkdir(exist_ok=True)
        here = self.directory
        self.smb_conf.write_text(
            f"""[global]
netbios name = {self.recipe.host.upper()}
workgroup = {self.recipe.netbios}
realm = {self.domain.upper()}
server role = active directory domain controller
server services = ldap, cldap, kdc, drepl, winbindd, dns, rpc
interfaces = {self.address}/8
bind interfaces only = yes
ldap server require strong auth = {strong_auth}
prefork children = 2
ldb:nosync = yes
log level = 1
logging = file
log file = {here}/log/%m
private dir = {here}/private
state directory = {here}/state
lock directory = {here}
cache directory = {here}/cache
pid directory = {here}/run
binddns dir = {here}/bind-dns
ncalrpc dir = {here}/ncalrpc
winbindd socket directory = {here}/winbindd
ntp signd socket directory = {here}/ntp_signd
vfs objects = dfs_samba4 acl_xattr xattr_tdb

[sysvol]
path = {here}/state/sysvol
read only = no
"""
        )
        self.krb5_config.write_text(
            f"""[libdefaults]
default_realm = {self.domain.upper()}
dns_lookup_realm = false
dns_lookup_kdc = false
dns_canonicalize_hostname = false
rdns = false

[realms]
{self.domain.upper()} = {{
  kdc = {self.address}
  admin_server = {self.address}
  kpasswd_server = {self.address}
}}

[domain_realm]
.{self.domain} = {self.domain.upper()}
{self.domain} = {self.domain.upper()}
"""
        )


ROOT_DSE_SEARCH = bytes.fromhex("302502010163200400 0a01000a0100 020101 020101 010100 870b6f626a656374436c617373 3000")
"""searchRequest "" base (objectClass=*), RFC 4511 4.5.1, all attributes, one entry, one second."""


def _signal(processes: list[int], number: int) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


# Provisioning


def provisioned(recipe: Recipe) -> Path:
    """A provisioned domain without anybody in it, from the cache (4-8 s the first time)."""
    return cached(f"bare {recipe!r}", lambda folder: _provision(recipe, folder))


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """The folder that `build` filled, now or in an earlier session; built once, however many ask at a time.

    Args:
        name: what it is. The modules that shape the result and Samba's version count, too.
    """
    digest = hashlib.sha256(f"{name} {_samba_version()}".encode())
    for module in SHAPING_MODULES:
        digest.update(Path(__file__).with_name(module).read_bytes())
    key = digest.hexdigest()[:16]
    CACHE.mkdir(parents=True, exist_ok=True)
    CACHE.chmod(0o700)  # keys and password hashes, though only of a domain that never was
    folder = CACHE / key
    with _locked(CACHE / f"{key}.lock"):
        if not folder.exists():
            unfinished = Path(tempfile.mkdtemp(prefix="new-", dir=CACHE))
            try:
                build(unfinished)
                unfinished.rename(folder)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
            _forget_old(keep=folder)
        os.utime(folder)
    return folder


KEPT_DAYS = 7


def _forget_old(keep: Path) -> None:
    limit = time.time() - KEPT_DAYS * 86400
    for entry in CACHE.iterdir():
        if entry != keep and entry.stat().st_mtime < limit:
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


def _provision(recipe: Recipe, folder: Path) -> None:
    command = [
        "samba-tool", "domain", "provision", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL",
        f"--realm={recipe.domain.upper()}", f"--domain={recipe.netbios}", f"--host-name={recipe.host}",
        f"--host-ip={PROVISIONED_ADDRESS}", f"--adminpass={ADMINISTRATOR_PASSWORD}", f"--targetdir={folder}",
        "--option=interfaces=lo", "--option=bind interfaces only=yes",
        "--option=vfs objects=dfs_samba4 acl_xattr xattr_tdb",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode:
        raise RuntimeError(f"samba-tool domain provision failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    _write_certificate(f"{recipe.host}.{recipe.domain}", recipe.domain, folder / "private" / "tls")
    settings = {"url": str(folder / "private" / "sam.ldb"), "smb_conf": str(folder / "etc" / "smb.conf")}
    admin = Administration(lambda: settings)
    try:
        host = f"{recipe.host}.{recipe.domain}"
        account = f"CN={recipe.host.upper()},OU=Domain Controllers,{recipe.base_dn}"
        names = [value.decode() for value in admin.search(account, scope="base")[0][1]["servicePrincipalName"]]
        services = (f"ldap/{host}", f"ldap/{recipe.host.upper()}", f"ldap/{host}/{recipe.domain}")
        admin.modify(account, servicePrincipalName=[*names, *services])
        if recipe.policy_hints:
            admin.support_controls(*recipe.policy_hints_oids)
    finally:
        admin.close()


def copy_provisioned(original: Path, folder: Path) -> None:
    """Copy a provisioned folder; its smb.conf (made by samba-tool, good for offline work) then names the new place."""
    subprocess.run(["cp", "-a", "--reflink=auto", f"{original}/.", str(folder)], check=True, timeout=120)
    smb_conf = folder / "etc" / "smb.conf"
    text = smb_conf.read_text()
    [old] = re.findall(r"^\s*private dir = (.*)/private$", text, re.MULTILINE)
    smb_conf.write_text(text.replace(old, str(folder)))


def _write_certificate(host: str, domain: str, directory: Path) -> None:
    """Of a CA made for the purpose, with the names that AD Certificate Services puts into a DC's."""
    import trustme

    authority = trustme.CA()
    certificate = authority.issue_cert(host, domain, common_name=host)
    directory.mkdir(exist_ok=True)
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(directory / "cert.pem"))
    key = directory / "key.pem"
    key.touch(0o600)
    certificate.private_key_pem.write_to_path(str(key))


def _samba_version() -> str:
    return subprocess.run(["samba", "--version"], capture_output=True, text=True, timeout=30, check=True).stdout.strip()


# Loopback addresses

LOCKS = Path(f"/tmp/preflight-lab-{os.geteuid()}")
"""Of each address a lock, and beside it the folder of the DC that has it."""


def _reserve_address() -> tuple[str, IO[str]]:
    """An address of 127.80.0.0/16 that no other test process has, with the lock that keeps it."""
    LOCKS.mkdir(mode=0o700, exist_ok=True)
    _sweep()
    start = os.getpid() * 7
    for step in range(4096):
        number = (start + step) % 60000 + 1
        address = f"127.80.{number // 250}.{number % 250 + 1}"
        lock = (LOCKS / address).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind((address, 389))
        except OSError:
            lock.close()
            continue
        return address, lock
    raise RuntimeError("no loopback address is free")


def _sweep() -> None:
    """Remove folders of DCs whose tests were killed: nobody holds their lock any more."""
    for folder in LOCKS.glob("*.d"):
        with (LOCKS / folder.stem).open("w") as lock, contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
