"""An export made by ldapsearch says what the domain controller says."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import ldap3
import pytest
from lab.forest import Forest
from ldap3.protocol.microsoft import security_descriptor_control

from preflight.directory.access.sid import sid_to_text
from preflight.directory.export.ldif import LdifDirectory
from preflight.directory.export.reader import read_entries

ATTRIBUTES = ("objectClass", "cn", "objectGUID", "objectSid", "nTSecurityDescriptor", "description", "member")
ATTRIBUTES += ("sAMAccountName", "sAMAccountType", "userAccountControl", "memberOf", "primaryGroupID", "whenCreated")

Export = Callable[..., Path]


@pytest.fixture
def ldapsearch(forest: Forest, tmp_path: Path) -> Export:
    password = tmp_path / "password"
    password.write_text(forest.password)
    password.chmod(0o600)

    def run(*arguments: str, account: str = "", wrap: str = "76") -> Path:
        path = tmp_path / "export.ldf"
        # The certificate names the host, which only the lab's own DNS knows.
        environment = {**os.environ, "LDAPTLS_CACERT": str(forest.ca_file), "LDAPTLS_REQCERT": "allow"}
        command = ["ldapsearch", "-x", "-H", f"ldaps://{forest.address}", "-D", account or forest.reader]
        command += ["-y", str(password), "-o", f"ldif-wrap={wrap}", "-E", "pr=100/noprompt"]
        with path.open("ab") as file:
            subprocess.run([*command, *arguments], stdout=file, check=True, timeout=60, env=environment)
        return path

    return run


def everything(forest: Forest, base: str) -> list[str]:
    return ["-E", "!1.2.840.113556.1.4.801=::MAMCAQc=", "-b", base, "(objectClass=*)", "*", "nTSecurityDescriptor"]


@pytest.mark.parametrize(("wrap", "form"), [("76", "-LLL"), ("no", "-LL"), ("20", "-L"), ("76", "-v")])
def test_every_value_equals_what_ldap3_reads(forest: Forest, ldapsearch: Export, wrap: str, form: str) -> None:
    path = ldapsearch(form, *everything(forest, forest.base_dn), wrap=wrap)
    exported = {entry.distinguished_name: entry.raw for entry in read_entries(path, ATTRIBUTES)}
    with forest.dc.connect(forest.reader, forest.password) as connection:
        answer = connection.extend.standard.paged_search(
            forest.base_dn,
            "(objectClass=*)",
            attributes=list(ATTRIBUTES),
            paged_size=100,
            controls=security_descriptor_control(criticality=True, sdflags=7),
            generator=True,
        )
        live = {
            entry["dn"]: {name: values for name, values in entry["raw_attributes"].items() if values}
            for entry in answer
            if entry["type"] == "searchResEntry"
        }
    assert len(live) > 100
    assert exported == live


def test_the_token_holds_what_token_groups_holds(forest: Forest, ldapsearch: Export) -> None:
    ldapsearch("-LL", "-s", "base", "-b", "", "(objectClass=*)", "*", "+")
    path = ldapsearch("-LL", *everything(forest, forest.base_dn))
    directory = LdifDirectory(path, forest.domain)
    with forest.dc.connect(forest.reader, forest.password) as connection:
        for person in [*forest.people[:10], None]:
            [account] = directory.find(person.account if person else forest.connector, ["objectSid"])
            token = directory.token(directory.principal(account))
            connection.search(account.distinguished_name, "(objectClass=*)", ldap3.BASE, attributes=["tokenGroups"])
            [answer] = connection.response
            groups = {sid_to_text(value) for value in answer["raw_attributes"]["tokenGroups"]}
            assert token.complete, token.obstacle
            assert groups <= token.sids
            extra = {sid for sid in token.sids - groups if sid.startswith("S-1-5-21-")}
            assert extra == {account.sid()}


def test_the_domain_is_the_one_that_the_controller_shows(forest: Forest, ldapsearch: Export) -> None:
    ldapsearch("-LL", "-s", "base", "-b", "", "(objectClass=*)", "*", "+")
    ldapsearch("-LL", *everything(forest, f"CN=Configuration,{forest.base_dn}"))
    directory = LdifDirectory(ldapsearch("-LL", *everything(forest, forest.base_dn)), forest.domain)
    domain = directory.domain()
    assert (domain.name, domain.forest) == (forest.domain, forest.domain)
    assert domain.pdc_host.lower() == forest.host
    assert domain.security_descriptor is not None and domain.security_descriptor.dacl
    assert domain.policy is not None and domain.policy.minimum_age is not None
    assert domain.ds_heuristics == ""
    assert [reference.name for reference in directory.forest_domains()] == [forest.domain]
    assert directory.root_dse().is_active_directory
    assert [user.account_name for user in directory.connector_candidates(["sAMAccountName"])] == [forest.connector]
    seen = {user.distinguished_name for page in directory.users(["sAMAccountName"]) for user in page}
    assert {person.dn for person in forest.people} <= seen
    assert not directory.fine_grained_policies().complete


def test_without_the_control_there_are_no_descriptors(forest: Forest, ldapsearch: Export) -> None:
    path = ldapsearch("-LLL", "-b", forest.base_dn, "(objectClass=*)")
    pages = LdifDirectory(path, forest.domain).users(["nTSecurityDescriptor"])
    assert all(user.security_descriptor is None for page in pages for user in page)
