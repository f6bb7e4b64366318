"""Changes to the lab's directory, made with Samba's own modules.

One process of Debian's Python (`administer.py`) stays at work, so a change costs milliseconds::

    admin = domain_controller.admin
    admin.organizational_unit("OU=Sales,DC=corp,DC=contoso,DC=test")
    admin.user("CN=Ann,OU=Sales,...", "ann")
    admin.add_aces("OU=Sales,...", "(OD;CI;CR;00299570-246d-11d0-a768-00aa006e0529;;<MSOL_0123abcd>)")
    with admin.undoing():
        admin.modify("ann", userAccountControl=514)
        admin.modify("ann", **{"mS-DS-ConsistencyGuid": bytes(16)})      # bytes, str, int, lists of them; None removes

Wherever a `dn` or a name is asked for, a DN or a sAMAccountName will do. In SDDL `<name>` stands for the account's SID.
While the DC runs, changes go over LDAP as administrator; while it is stopped, straight into its database.
"""

from __future__ import annotations

import base64
import json
import selectors
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DEBIAN_PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).with_name("administer.py")
ANSWER_WITHIN = 120.0
STANDARD_PASSWORD = "Passw0rd.Lab9"

Value = str | int | bytes
Values = Value | Sequence[Value] | None

INTERVALS = {"minPwdAge", "maxPwdAge"}
"""Attributes that `domain_policy` takes in days."""


class AdministrationError(Exception):
    """The directory refused a change. `code` is the LDAP result code, or None."""

    def __init__(self, message: str, code: int | None) -> None:
        super().__init__(message)
        self.code = code


class Administration:
    """Commands to one directory. `settings` is asked whenever a process must be started (see administer.py)."""

    def __init__(self, settings: Callable[[], Mapping[str, str]]) -> None:
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None
        self._undoing = False

    def close(self) -> None:
        """End the process; the next command starts another."""
        if self._process is None:
            return
        process, self._process = self._process, None
        with process:
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()

    # Objects

    def add(self, dn: str, **attributes: Values) -> None:
        """Any object; name its objectClass."""
        self._run("add", dn=dn, attributes=_attributes(attributes))

    def organizational_unit(self, dn: str) -> None:
        self.add(dn, objectClass="organizationalUnit")

    def container(self, dn: str) -> None:
        self.add(dn, objectClass="container")

    def user(
        self,
        dn: str,
        account: str,
        *,
        password: str = STANDARD_PASSWORD,
        object_class: str = "user",
        enabled: bool = True,
        **attributes: Values,
    ) -> None:
        """A user, or with object_class="inetOrgPerson" one of these. Attributes may override the usual ones."""
        self._run(
            "user",
            dn=dn,
            account=account,
            password=password,
            object_class=object_class,
            enabled=enabled,
            attributes=_attributes(attributes),
        )

    def group(
        self, dn: str, account: str, *, scope: str = "global", security: bool = True, members: Sequence[str] = ()
    ) -> None:
        """scope: "global", "domain-local" or "universal"; security=False: a distribution group."""
        self._run("group", dn=dn, account=account, scope=scope, security=security, members=list(members))

    def add_member(self, group: str, member: str) -> None:
        """member: a name, a DN or a SID (which becomes a foreign security principal)."""
        self._run("add_member", group=group, member=member)

    def remove_member(self, group: str, member: str) -> None:
        self._run("remove_member", group=group, member=member)

    def modify(self, dn: str, **attributes: Values) -> None:
        """Replace values; None removes the attribute."""
        self._run("modify", dn=dn, attributes=_attributes(attributes))

    def delete(self, dn: str) -> None:
        """With all that is below it. Can't be undone."""
        self._run("delete", dn=dn)

    def move(self, dn: str, new_dn: str) -> None:
        self._run("move", dn=dn, new_dn=new_dn)

    def set_password(self, dn: str, password: str = STANDARD_PASSWORD) -> None:
        """Not undone by `undoing`: a password can't be read."""
        self._run("set_password", dn=dn, password=password)

    # Looking up

    def sid_of(self, name: str) -> str:
        return str(self._run("sid_of", name=name))

    def dn_of(self, name: str) -> str:
        return str(self._run("dn_of", name=name))

    def search(
        self, base: str, filter: str = "(objectClass=*)", attributes: Sequence[str] = ("*",), scope: str = "sub"
    ) -> list[tuple[str, dict[str, list[bytes]]]]:
        """(DN, raw values by name) as the administrator sees them; scope "base", "one" or "sub"."""
        found = self._run("search", base=base, filter=filter, attributes=list(attributes), scope=scope)
        return [
            (dn, {name: [base64.b64decode(value["base64"]) for value in values] for name, values in raw.items()})
            for dn, raw in found
        ]

    # Descriptors

    def sddl(self, dn: str) -> str:
        """The DACL, inherited ACEs included."""
        return str(self._run("sddl", dn=dn))

    def set_sddl(self, dn: str, sddl: str) -> None:
        """Replace the explicit ACEs ("D:..." or "D:P..."), in this order; the DC adds the inherited ones."""
        self._run("set_sddl", dn=dn, sddl=sddl)

    def add_aces(self, dn: str, sddl: str, *, first: bool = False) -> None:
        """Add explicit ACEs, in canonical order; first=True: before all others, whatever they are."""
        self._run("add_aces", dn=dn, sddl=sddl, first=first)

    def remove_aces(self, dn: str, sddl: str) -> None:
        """Remove explicit ACEs that equal these.

        Raises:
            AdministrationError: none of them is there.
        """
        self._run("remove_aces", dn=dn, sddl=sddl)

    def remove_trustee(self, dn: str, name: str) -> None:
        """Remove every explicit ACE of this account (name, DN or SID)."""
        self._run("remove_trustee", dn=dn, name=name)

    def protect(self, dn: str, *, keep: bool = False) -> None:
        """Switch inheritance off; keep=True: what was inherited stays as explicit ACEs."""
        self._run("protect", dn=dn, keep=keep)

    def unprotect(self, dn: str) -> None:
        self._run("unprotect", dn=dn)

    # Policies, DNS

    def pso(self, name: str, *, precedence: int = 10, applies_to: Sequence[str] = (), **settings: Values) -> str:
        """A fine-grained policy. Settings by attribute, dashes as underscores: msDS_MinimumPasswordAge=-864000000000.

        Returns its DN.
        """
        attributes = _attributes({name.replace("_", "-"): value for name, value in settings.items()})
        return str(self._run("pso", name=name, precedence=precedence, applies_to=list(applies_to), settings=attributes))

    def domain_policy(self, **settings: int) -> None:
        """Attributes of the domain's head. minPwdAge and maxPwdAge in days (maxPwdAge 0: never); others as stored."""
        never = -(2**63)
        stored = {
            name: (value * -864_000_000_000 or (never if name == "maxPwdAge" else 0)) if name in INTERVALS else value
            for name, value in settings.items()
        }
        self.modify(self.base_dn, **stored)

    @property
    def base_dn(self) -> str:
        self._started()
        return self._base_dn

    def a_record(self, host: str, address: str) -> None:
        """Give a host of the domain this one address in the DC's DNS."""
        self._run("a_record", host=host, address=address)

    def readdress(self, old: str, new: str) -> None:
        """Replace an address in every A record."""
        self._run("readdress", old=old, new=new)

    def support_controls(self, *oids: str) -> None:
        """Let the rootDSE list these controls; only while the DC is stopped."""
        self._run("support_controls", oids=list(oids))

    def declare_domain(self, name: str, netbios: str) -> None:
        """Let CN=Partitions list a further domain of the forest, which has no DC; only while the DC is stopped.

        Samba 4.17 can't join a child domain, so this is as near as the lab comes to one.
        """
        self._run("declare_domain", name=name, netbios=netbios)

    # Undoing

    @contextmanager
    def undoing(self) -> Iterator[None]:
        """Undo at the end what was changed within (deletions are refused; passwords stay changed). Doesn't nest."""
        self._run("mark")
        self._undoing = True
        try:
            yield
        finally:
            self._undoing = False
            self._run("undo")

    # The process

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            if self._undoing:
                raise RuntimeError("the DC was stopped or started within undoing(): use a forest of your own")
            self.close()
            self._process = subprocess.Popen(
                [DEBIAN_PYTHON, "-I", str(SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C is for the tests, which end this themselves
            )
            self._base_dn = str(self._exchange(self._process, dict(self._settings())))
        return self._process

    def _run(self, op: str, **arguments: object) -> Any:
        return self._exchange(self._started(), {"op": op, **arguments})

    def _exchange(self, process: subprocess.Popen[str], message: Mapping[str, object]) -> Any:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(ANSWER_WITHIN):
                process.kill()
                raise AdministrationError(f"{message.get('op', 'connecting')}: no answer in {ANSWER_WITHIN} s", None)
        line = process.stdout.readline()
        if not line:
            raise AdministrationError(f"{message.get('op', 'connecting')}: the process died (see stderr)", None)
        answer = json.loads(line)
        if "error" in answer:
            raise AdministrationError(f"{message.get('op')}: {answer['error']}", answer["code"])
        return answer["ok"]


def _attributes(attributes: Mapping[str, Values]) -> dict[str, object]:
    return {name: _json(value) for name, value in attributes.items()}


def _json(value: Values) -> object:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if value is None or isinstance(value, str | int):
        return value
    return [_json(item) for item in value]
