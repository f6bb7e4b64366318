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

VISITOR = ""
"""No account: the connection on which users take turns."""

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

        if right == CHANGE_PASSWORD:
            allowed = self.change_password(account, password, user_dn, STANDARD_PASSWORD, STANDARD_PASSWORD + "x")
            if allowed:
                self._dc.admin.set_password(user_dn, STANDARD_PASSWORD)
            return allowed
        attribute, value = {
            RESET_PASSWORD: ("unicodePwd", quoted(STANDARD_PASSWORD)),
            WRITE_LOCKOUT_TIME: ("lockoutTime", "0"),
            WRITE_PWD_LAST_SET: ("pwdLastSet", "-1"),
        }[right]
        return self._modify(account, password, user_dn, {attribute: [(ldap3.MODIFY_REPLACE, [value])]})

    def change_password(self, account: str, password: str, user_dn: str, old: str, new: str) -> bool:
        """Whether the DC let the account change the user's password, which is the new one then.

        Raises:
            RuntimeError: the DC said something else than yes or no.
        """
        import ldap3

        change = [(ldap3.MODIFY_DELETE, [quoted(old)]), (ldap3.MODIFY_ADD, [quoted(new)])]
        return self._modify(account, password, user_dn, {"unicodePwd": change})

    def _modify(self, account: str, password: str, dn: str, changes: dict[str, list[tuple[str, list[object]]]]) -> bool:
        connection = self._connection(account, password)
        connection.modify(dn, changes)
        result = connection.result
        if result["result"] == CONSTRAINT_VIOLATION and "module acl" in result["message"]:
            return False  # so Samba refuses a change for want of the right; of the policy the password module tells
        if result["result"] not in (ALLOWED, REFUSED):
            raise RuntimeError(f"{list(changes)} of {dn}: {result['description']}: {result['message']}")
        return bool(result["result"] == ALLOWED)

    def change_own_password(self, account: str, user_dn: str, old: str, new: str) -> bool:
        """The same, as the user himself. For many users: one connection, on which one signs in after the other.

        Raises:
            RuntimeError: the DC said something else than yes or no.
        """
        visitor = self._connections.pop(VISITOR, None)
        if visitor is not None:
            visitor.rebind(f"{account}@{self._dc.domain}", old)
        else:
            visitor = self._connection(account, old)
            del self._connections[account]
        self._connections[VISITOR] = visitor
        return self.change_password(VISITOR, old, user_dn, old, new)

    def _connection(self, account: str, password: str) -> ldap3.Connection:
        if account not in self._connections:
            connection = self._dc.sign_in(account, password)
            connection.raise_exceptions = False
            self._connections[account] = connection
        return self._connections[account]


def quoted(password: str) -> bytes:
    """As unicodePwd wants it (MS-ADTS 3.1.1.3.1.5)."""
    return f'"{password}"'.encode("utf-16-le")
