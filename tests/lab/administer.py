#!/usr/bin/python3
"""Administers a Samba AD, command by command. Runs under Debian's own Python, the only one with Samba's modules.

Reads JSON, one object a line, on stdin. The first says what to administer: {"url": "ldap://127.0.0.9" or a path of
sam.ldb, "smb_conf": path, "user": ..., "password": ...}. Each further one is a command, {"op": name, ...}; the answer
is one line, {"ok": value} or {"error": text, "code": LDAP result code or null}. Bytes travel as {"base64": text}.

The Python side of it is `lab.administration`.
"""

import base64
import contextlib
import json
import sys
import time

import ldb
from samba.auth import system_session
from samba.credentials import DONT_USE_KERBEROS, Credentials
from samba.dcerpc import dnsp, security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

IDLE_LIMIT = 300.0  # seconds; the DC drops idle connections after 900
DACL_ONLY = "sd_flags:1:4"
INHERITED = security.SEC_ACE_FLAG_INHERITED_ACE
DENY = (security.SEC_ACE_TYPE_ACCESS_DENIED, security.SEC_ACE_TYPE_ACCESS_DENIED_OBJECT)
SCOPES = {"base": ldb.SCOPE_BASE, "one": ldb.SCOPE_ONELEVEL, "sub": ldb.SCOPE_SUBTREE}
GROUP_SCOPES = {"global": 0x2, "domain-local": 0x4, "universal": 0x8}
SECURITY_GROUP = -0x80000000
DAY = 864000000000
PSO_DEFAULTS = {
    "msDS-PasswordReversibleEncryptionEnabled": "FALSE",
    "msDS-PasswordHistoryLength": "24",
    "msDS-PasswordComplexityEnabled": "TRUE",
    "msDS-MinimumPasswordLength": "7",
    "msDS-MinimumPasswordAge": "0",
    "msDS-MaximumPasswordAge": str(-42 * DAY),
    "msDS-LockoutThreshold": "0",
    "msDS-LockoutObservationWindow": str(-18000000000),
    "msDS-LockoutDuration": str(-18000000000),
}


def encoded(value):
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    return str(value).encode()


def values_of(value):
    return [encoded(item) for item in (value if isinstance(value, list) else [value])]


def quoted(password):
    """As unicodePwd wants it (MS-ADTS 3.1.1.3.1.5)."""
    return f'"{password}"'.encode("utf-16-le")


class Administrator:
    def __init__(self, settings):
        self.settings = settings
        self.undo = []  # inverses, oldest first; None while nobody asked for them
        self.recording = False
        self.lp = LoadParm()
        self.lp.load(settings["smb_conf"])
        self.sam = None
        self.used = 0.0
        self.connect()

    def connect(self):
        credentials = None
        if "password" in self.settings:
            credentials = Credentials()
            credentials.guess(self.lp)
            credentials.set_username(self.settings["user"])
            credentials.set_password(self.settings["password"])
            credentials.set_kerberos_state(DONT_USE_KERBEROS)
        self.sam = SamDB(
            url=self.settings["url"], session_info=system_session(self.lp), credentials=credentials, lp=self.lp
        )
        self.base = str(self.sam.get_default_basedn())
        self.domain_sid = security.dom_sid(self.sam.get_domain_sid())
        self.used = time.monotonic()

    def run(self, command):
        if time.monotonic() - self.used > IDLE_LIMIT:
            self.connect()
        arguments = dict(command)
        result = getattr(self, "op_" + arguments.pop("op"))(**arguments)
        self.used = time.monotonic()
        return result

    # Looking up

    def search(self, base, scope, expression, attributes, controls=None):
        return self.sam.search(base, scope, expression, attrs=attributes, controls=controls)

    def op_dn_of(self, name):
        if "=" in name:
            return name
        found = self.search(
            self.base,
            ldb.SCOPE_SUBTREE,
            f"(sAMAccountName={ldb.binary_encode(name)})",
            ["1.1"],
            ["search_options:1:2"],
        )
        if len(found) != 1:
            raise LookupError(f"{len(found)} accounts are named {name!r}")
        return str(found[0].dn)

    def op_sid_of(self, name):
        if name.startswith("S-1-"):
            return name
        entry = self.search(self.op_dn_of(name), ldb.SCOPE_BASE, "(objectClass=*)", ["objectSid"])[0]
        return str(ndr_unpack(security.dom_sid, bytes(entry["objectSid"][0])))

    def op_search(self, base, filter, attributes, scope):
        found = self.search(base, SCOPES[scope], filter, attributes, ["sd_flags:1:7"])
        return [
            [
                str(e.dn),
                {k: [{"base64": base64.b64encode(bytes(v)).decode()} for v in e[k]] for k in set(e) - {"dn"}},
            ]
            for e in found
        ]

    # Objects

    def add(self, dn, attributes):
        message = ldb.Message(ldb.Dn(self.sam, dn))
        for name, value in attributes.items():
            message[name] = ldb.MessageElement(values_of(value), ldb.FLAG_MOD_ADD, name)
        self.sam.add(message)
        self.undoable(lambda: self.delete(dn))

    def undoable(self, inverse):
        if self.recording:
            self.undo.append(inverse)

    def op_add(self, dn, attributes):
        self.add(dn, attributes)

    def op_user(self, dn, account, password, object_class, enabled, attributes):
        self.add(
            dn,
            {
                "objectClass": object_class,
                "sAMAccountName": account,
                "userPrincipalName": f"{account}@{self.sam.domain_dns_name().lower()}",
                **({"sn": account} if object_class == "inetOrgPerson" else {}),
                "userAccountControl": "512" if enabled else "514",
                "unicodePwd": {"base64": base64.b64encode(quoted(password)).decode()},
                **attributes,
            },
        )

    def op_group(self, dn, account, scope, security, members):
        kind = GROUP_SCOPES[scope] | (SECURITY_GROUP if security else 0)
        self.add(dn, {"objectClass": "group", "sAMAccountName": account, "groupType": str(kind)})
        for member in members:
            self.change_member(dn, member, ldb.FLAG_MOD_ADD)

    def change_member(self, group, member, flag):
        message = ldb.Message(ldb.Dn(self.sam, self.op_dn_of(group)))
        member_dn = f"<SID={member}>" if member.startswith("S-1-") else self.op_dn_of(member)
        message["member"] = ldb.MessageElement(member_dn, flag, "member")
        self.sam.modify(message)

    def op_add_member(self, group, member):
        self.change_member(group, member, ldb.FLAG_MOD_ADD)
        self.undoable(lambda: self.change_member(group, member, ldb.FLAG_MOD_DELETE))

    def op_remove_member(self, group, member):
        self.change_member(group, member, ldb.FLAG_MOD_DELETE)
        self.undoable(lambda: self.change_member(group, member, ldb.FLAG_MOD_ADD))

    def modify(self, dn, changes):
        message = ldb.Message(ldb.Dn(self.sam, dn))
        for name, values in changes.items():
            message[name] = ldb.MessageElement(values, ldb.FLAG_MOD_REPLACE, name)
        self.sam.modify(message)

    def op_modify(self, dn, attributes):
        dn = self.op_dn_of(dn)
        before = self.search(dn, ldb.SCOPE_BASE, "(objectClass=*)", list(attributes))[0]
        old = {name: [bytes(value) for value in before.get(name, [])] for name in attributes}
        self.modify(dn, {name: [] if value is None else values_of(value) for name, value in attributes.items()})
        if "unicodePwd" not in attributes:  # write-only: nothing to put back
            self.undoable(lambda: self.modify(dn, old))

    def op_set_password(self, dn, password):
        self.modify(self.op_dn_of(dn), {"unicodePwd": [quoted(password)]})

    def delete(self, dn):
        self.sam.delete(dn, ["tree_delete:1"])

    def op_delete(self, dn):
        if self.recording:
            raise RuntimeError("a deletion can't be undone: take a forest of your own (fresh_forest)")
        self.delete(self.op_dn_of(dn))

    def op_move(self, dn, new_dn):
        dn = self.op_dn_of(dn)
        self.sam.rename(dn, new_dn)
        self.undoable(lambda: self.sam.rename(new_dn, dn))

    # Descriptors

    def descriptor(self, dn):
        entry = self.search(dn, ldb.SCOPE_BASE, "(objectClass=*)", ["nTSecurityDescriptor"], [DACL_ONLY])[0]
        return ndr_unpack(security.descriptor, bytes(entry["nTSecurityDescriptor"][0]))

    def write_descriptor(self, dn, descriptor):
        message = ldb.Message(ldb.Dn(self.sam, dn))
        message["sd"] = ldb.MessageElement(ndr_pack(descriptor), ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor")
        self.sam.modify(message, [DACL_ONLY])

    def replace_dacl(self, dn, aces, protected):
        """The explicit ACEs in this order; what is inherited the DC adds itself, unless protected."""
        before = self.descriptor(dn)
        descriptor = security.descriptor()
        descriptor.type = security.SEC_DESC_DACL_PRESENT | security.SEC_DESC_DACL_AUTO_INHERITED
        if protected:
            descriptor.type |= security.SEC_DESC_DACL_PROTECTED
        descriptor.dacl = security.acl()
        descriptor.dacl.revision = 4
        descriptor.dacl.aces = aces
        descriptor.dacl.num_aces = len(aces)
        self.write_descriptor(dn, descriptor)
        self.undoable(lambda: self.write_descriptor(dn, before))

    def parsed(self, sddl):
        pieces = sddl.split("<")
        text = pieces[0]
        for piece in pieces[1:]:
            name, _, rest = piece.partition(">")
            text += self.op_sid_of(name) + rest
        return security.descriptor.from_sddl(text, self.domain_sid)

    def op_sddl(self, dn):
        return self.descriptor(self.op_dn_of(dn)).as_sddl(self.domain_sid)

    def op_set_sddl(self, dn, sddl):
        descriptor = self.parsed(sddl)
        aces = [ace for ace in descriptor.dacl.aces if not ace.flags & INHERITED]
        self.replace_dacl(self.op_dn_of(dn), aces, bool(descriptor.type & security.SEC_DESC_DACL_PROTECTED))

    def explicit(self, dn):
        descriptor = self.descriptor(dn)
        protected = bool(descriptor.type & security.SEC_DESC_DACL_PROTECTED)
        return [ace for ace in descriptor.dacl.aces if not ace.flags & INHERITED], protected

    def op_add_aces(self, dn, sddl, first):
        dn = self.op_dn_of(dn)
        aces, protected = self.explicit(dn)
        new = list(self.parsed("D:" + sddl).dacl.aces)
        if first:
            aces = new + aces
        else:  # the canonical order: denies before allows
            aces = [ace for ace in new if ace.type in DENY] + aces + [ace for ace in new if ace.type not in DENY]
        self.replace_dacl(dn, aces, protected)

    def op_remove_aces(self, dn, sddl):
        dn = self.op_dn_of(dn)
        aces, protected = self.explicit(dn)
        unwanted = [ndr_pack(ace) for ace in self.parsed("D:" + sddl).dacl.aces]
        kept = [ace for ace in aces if ndr_pack(ace) not in unwanted]
        if len(kept) == len(aces):
            raise LookupError(f"{dn} has no such explicit ACE")
        self.replace_dacl(dn, kept, protected)

    def op_remove_trustee(self, dn, name):
        dn, sid = self.op_dn_of(dn), self.op_sid_of(name)
        aces, protected = self.explicit(dn)
        self.replace_dacl(dn, [ace for ace in aces if str(ace.trustee) != sid], protected)

    def op_protect(self, dn, keep):
        dn = self.op_dn_of(dn)
        aces = []
        for ace in self.descriptor(dn).dacl.aces:
            if ace.flags & INHERITED:
                if not keep:
                    continue
                ace.flags &= ~INHERITED
            aces.append(ace)
        self.replace_dacl(dn, aces, True)

    def op_unprotect(self, dn):
        dn = self.op_dn_of(dn)
        self.replace_dacl(dn, self.explicit(dn)[0], False)

    # Policies

    def op_pso(self, name, precedence, applies_to, settings):
        dn = f"CN={name},CN=Password Settings Container,CN=System,{self.base}"
        attributes = {"objectClass": "msDS-PasswordSettings", **PSO_DEFAULTS, **settings}
        attributes["msDS-PasswordSettingsPrecedence"] = str(precedence)
        if applies_to:
            attributes["msDS-PSOAppliesTo"] = [self.op_dn_of(target) for target in applies_to]
        self.add(dn, attributes)
        return dn

    # DNS

    def op_a_record(self, host, address):
        """One name, one address, in the zone of the domain."""
        record = dnsp.DnssrvRpcRecord()
        record.wType, record.rank, record.dwTtlSeconds, record.data = dnsp.DNS_TYPE_A, dnsp.DNS_RANK_ZONE, 900, address
        short, zone = host.split(".")[0], self.sam.domain_dns_name().lower()
        dn = f"DC={short},DC={zone},CN=MicrosoftDNS,DC=DomainDnsZones,{self.base}"
        with contextlib.suppress(ldb.LdbError):
            self.sam.delete(dn)
        message = ldb.Message(ldb.Dn(self.sam, dn))
        message["objectClass"] = "dnsNode"
        message["dnsRecord"] = ldb.MessageElement(ndr_pack(record), ldb.FLAG_MOD_ADD, "dnsRecord")
        self.sam.add(message)

    def op_readdress(self, old, new):
        """Replace an address in every A record: a copied DC answers somewhere else."""
        for partition in ("DomainDnsZones", "ForestDnsZones"):
            for node in self.search(
                f"DC={partition},{self.base}", ldb.SCOPE_SUBTREE, "(objectClass=dnsNode)", ["dnsRecord"]
            ):
                records = [ndr_unpack(dnsp.DnssrvRpcRecord, bytes(value)) for value in node.get("dnsRecord", [])]
                stale = [r for r in records if r.wType == dnsp.DNS_TYPE_A and str(r.data) == old]
                for record in stale:
                    record.data = new
                if stale:
                    self.modify(str(node.dn), {"dnsRecord": [ndr_pack(record) for record in records]})

    def op_support_controls(self, oids):
        """Let the rootDSE list these controls. Offline only."""
        message = ldb.Message(ldb.Dn(self.sam, "@ROOTDSE"))
        message["supportedControl"] = ldb.MessageElement(oids, ldb.FLAG_MOD_ADD, "supportedControl")
        self.sam.modify(message)

    def op_declare_domain(self, name, netbios):
        message = ldb.Message(ldb.Dn(self.sam, f"CN={netbios},{self.sam.get_partitions_dn()}"))
        message["objectClass"] = "crossRef"
        message["nCName"] = ",".join("DC=" + label for label in name.split("."))
        message["dnsRoot"], message["nETBIOSName"], message["systemFlags"] = name, netbios, "3"
        self.sam.add(message, ["relax:0"])  # the partition itself doesn't exist

    # Undoing

    def op_mark(self):
        self.undo, self.recording = [], True

    def op_undo(self):
        self.recording = False
        inverses, self.undo = self.undo, []
        failed = []
        for inverse in reversed(inverses):
            try:
                inverse()
            except (ldb.LdbError, LookupError) as error:
                failed.append(str(error))
        if failed:
            raise RuntimeError("could not undo: " + "; ".join(failed))


def main():
    administrator = Administrator(json.loads(sys.stdin.readline()))
    print(json.dumps({"ok": administrator.base}), flush=True)
    for line in sys.stdin:
        try:
            answer = {"ok": administrator.run(json.loads(line))}
        except ldb.LdbError as error:
            answer = {"error": str(error.args[1]), "code": error.args[0]}
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the asker's to hear
            answer = {"error": f"{type(error).__name__}: {error}", "code": None}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
