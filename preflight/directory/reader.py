"""As whom a domain is read, before anyone has signed in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reader:
    """
    Attributes:
        user: as configured; "" = the logged-on user or ticket.
        method: "simple", "kerberos", "negotiate", or "export".
        is_connector: the reader is the configured connector account itself.
    """

    domain: str
    user: str
    method: str
    is_connector: bool

    def __str__(self) -> str:
        return f"{self.user or 'the logged-on user'} by {self.method}"


def same_account(one: str, other: str) -> bool:
    """Whether two spellings (sAMAccountName, DOMAIN\\name, UPN) surely mean one account of a domain."""

    def short(name: str) -> str:
        return name.rpartition("\\")[2].partition("@")[0].lower()

    return bool(one) and bool(other) and "=" not in one + other and short(one) == short(other)
