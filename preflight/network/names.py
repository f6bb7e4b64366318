"""What DNS and the operating system answered to a name. Facts only: checks judge them."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.network.reasons import OK, REASONS, Reason

ODDITIES = {
    "half-answer": "of A and AAAA, one could not be asked for",
    "system-late": "the operating system's own lookup did not end in time",
    "system-differs": "the operating system's resolver names other addresses than DNS",
    "hosts-only": "only this machine knows the name (hosts file or another source), DNS does not",
    "search-domain": "a search domain is appended, and another host answers in the name's place",
}
"""What a `Resolution` can carry although the name resolves, or beside the reason why it doesn't."""


class _Answer:
    """What became of a question: "ok", or a DNS code of `REASONS`."""

    __slots__ = ()
    code: str

    @property
    def resolved(self) -> bool:
        return self.code == OK

    @property
    def reason(self) -> Reason | None:
        """Meaning and remedy of the code; None if ok."""
        return REASONS.get(self.code)


@dataclass(frozen=True, slots=True)
class Resolution(_Answer):
    """What a name resolves to (A and AAAA).

    Attributes:
        code: "ok", or a DNS code of `REASONS`.
        addresses: IPv4 first, in the order of the answer; empty unless ok.
        cname_chain: the names that the asked name leads to, in order, itself left out.
        server: the DNS server that answered or was asked; "" if none was.
        duration: seconds.
        message: one sentence on what went wrong; "" if ok.
        system_addresses: what the operating system's resolver (hosts file, DNS client policy) says, which
            programs use; None where it wasn't asked or didn't answer in time.
        note: an oddity that a person should know although the name resolves; "" for none.
        via: "dns", "system" (only the operating system knows the name), "literal" (an address) or "recorded".
        oddities: the codes of what `note` says: see `ODDITIES`.
    """

    name: str
    code: str
    addresses: tuple[str, ...] = ()
    cname_chain: tuple[str, ...] = ()
    server: str = ""
    duration: float = 0.0
    message: str = ""
    system_addresses: tuple[str, ...] | None = None
    note: str = ""
    via: str = "dns"
    oddities: tuple[str, ...] = ()

    @property
    def connectable(self) -> tuple[str, ...]:
        """The addresses that a program on this machine would connect to."""
        if not self.resolved:
            return ()
        return self.system_addresses or self.addresses


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """One SRV record (RFC 2782)."""

    target: str
    port: int
    priority: int = 0
    weight: int = 0


@dataclass(frozen=True, slots=True)
class ServiceRecords(_Answer):
    """The SRV records of a name such as _ldap._tcp.dc._msdcs.corp.contoso.com.

    Attributes:
        code: "ok", or a DNS code of `REASONS`.
        records: lowest priority first, within it highest weight first; empty unless ok.
    """

    name: str
    code: str
    records: tuple[ServiceRecord, ...] = ()
    server: str = ""
    duration: float = 0.0
    message: str = ""
    via: str = "dns"
