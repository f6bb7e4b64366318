#!/usr/bin/python3
"""Adds many users to a stopped Samba AD: load_users.py FOLDER COUNT. Runs under Debian's own Python.

Every module of the directory takes part, so that descriptors are inherited and indexes right. In Samba's batch mode,
and with room for the transaction's index, it stays at some 400 users a second; without, each is slower than the last.
"""

import os
import sys

import ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

USERS_PER_OU = 500
ENABLED_WITHOUT_PASSWORD = 0x220


def main(folder, count):
    parameters = LoadParm()
    parameters.load(f"{folder}/etc/smb.conf")
    sam = SamDB(
        url=f"{folder}/private/sam.ldb",
        session_info=system_session(parameters),
        lp=parameters,
        flags=ldb.FLG_NOSYNC,
        options=["batch_mode:1", f"transaction_index_cache_size:{20 * count + 10000}"],
    )
    base = sam.domain_dn()
    realm = parameters.get("realm").lower()
    sam.add({"dn": f"OU=Staff,{base}", "objectClass": "organizationalUnit"})
    sam.transaction_start()
    for number in range(count):
        if number % USERS_PER_OU == 0:
            ou = f"OU=Department {number // USERS_PER_OU:03},OU=Staff,{base}"
            sam.add({"dn": ou, "objectClass": "organizationalUnit"})
        account = f"staff{number:06}"
        user = {
            "dn": f"CN=Staff Member {number:06},{ou}",
            "objectClass": "user",
            "sAMAccountName": account,
            "userPrincipalName": f"{account}@{realm}",
            "mail": f"{account}@{realm}",
            "displayName": f"Staff Member {number:06}",
            "userAccountControl": str(ENABLED_WITHOUT_PASSWORD),
        }
        if number % 2:
            user["mS-DS-ConsistencyGuid"] = os.urandom(16)
        sam.add(user)
    sam.transaction_commit()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
