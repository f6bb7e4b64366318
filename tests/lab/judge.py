"""The truth about a right: sign in as the account and try it.

::

    with Judge(forest.dc) as judge:
        judge.attempt("MSOL_0123abcd", forest.password, "reset-password", user_dn)      # True: the DC allowed it

Values that are written leave the user as he was: the standard password, lockoutTime 0, pwdLastSet now. After a change
of groups call `forget`: a DC works out who somebody is when he signs in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.administration import STANDARD_PASSWORD
from lab.domain_controller import DomainController

if TYPE_CHECKING:
    import ldap3

RESET_PASSWORD = "reset-password"
WRITE_LOCKOUT_TIME = "write-lockout-time"
WRITE_PWD_LAST_SET = "write-pwd-last-set"
CHANGE_PASSWORD = "change-password"

ALLOWED = 0
REFUSED = 50  # insufficientAccessRights
CONSTRAINT_VIOLATION = 19


class Judge:
    """Attempts on one DC; keeps a connection an account."""

    def __init__(self, dc: DomainController) -> None:
        self._dc = dc
        self._connections: dict[str, ldap3.Connection] = {}

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *exception: object) -> None:
        self.forget()

    def forget(self) -> None:
        """Sign everybody out."""
        for connection in self._connections.values():
            connection.unbind()
        self._connections.clear()

    def attempt(self, account: str, password: str, right: str, user_dn: str) -> bool:
        """Whether the DC let the account do it.

        Args:
            right: "reset-password", "write-lockout-time", "write-pwd-last-set", or "change-password": here the
                user's own password is the standard one (whoever the account is), and is so afterwards.

        Raises:
            RuntimeError: the DC said something else than yes or no.
        """
        import ldap3

        changes = {
            RESET_PASSWORD: {"unicodePwd": [(ldap3.MODIFY_REPLACE, [quoted(STANDARD_PASSWORD)])]},
            WRITE_LOCKOUT_TIME: {"lockoutTime": [(ldap3.MODIFY_REPLACE, ["0"])]},
            WRITE_PWD_LAST_SET: {"pwdLastSet": [(ldap3.MODIFY_REPLACE, ["-1"])]},
            CHANGE_PASSWORD: {
                "unicodePwd": [
                    (ldap3.MODIFY_DELETE, [quoted(STANDARD_PASSWORD)]),
                    (ldap3.MODIFY_ADD, [quoted(STANDARD_PASSWORD + "x")]),
                ]
            },
        }[right]
        connection = self._connection(account, password)
        connection.modify(user_dn, changes)
        result = connection.result
        if result["result"] == ALLOWED and right == CHANGE_PASSWORD:
            self._dc.admin.set_password(user_dn, STANDARD_PASSWORD)
        if result["result"] == CONSTRAINT_VIOLATION and right == CHANGE_PASSWORD and "module acl" in result["message"]:
            return False  # so Samba refuses a change for want of the right; of the policy the password module tells
        if result["result"] not in (ALLOWED, REFUSED):
            raise RuntimeError(f"{right} on {user_dn}: {result['description']}: {result['message']}")
        return bool(result["result"] == ALLOWED)

    def _connection(self, account: str, password: str) -> ldap3.Connection:
        if account not in self._connections:
            connection = self._dc.sign_in(account, password)
            connection.raise_exceptions = False
            self._connections[account] = connection
        return self._connections[account]


def quoted(password: str) -> bytes:
    """As unicodePwd wants it (MS-ADTS 3.1.1.3.1.5)."""
    return f'"{password}"'.encode("utf-16-le")
