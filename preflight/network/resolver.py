"""Names by DNS (dnspython), compared with what the operating system's resolver tells programs."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from preflight.api import Unavailable
from preflight.network.endpoint import Endpoint, is_address, normalise_host
from preflight.network.names import Resolution, ServiceRecord, ServiceRecords
from preflight.network.reasons import OK
from preflight.network.together import all_at_once

if TYPE_CHECKING:
    import dns.resolver

EDNS_PAYLOAD = 4096
"""Without EDNS a name with 40 SRV records needs TCP port 53, which many firewalls drop."""

GRACE = 0.5
"""Seconds that a lookup may outlast its lifetime before it is given up."""


def parse_nameserver(text: str) -> Endpoint:
    """ "10.0.0.10", "10.0.0.10:5353", "[2001:db8::1]:53" as an endpoint.

    Raises:
        ValueError: no address, or no port.
    """
    endpoint = Endpoint.parse(text, default_port=53)
    if not endpoint.is_address:
        raise ValueError(f"{text!r}: a name server is given by its address")
    return endpoint


@dataclass(frozen=True, slots=True)
class Answer:
    """One question to DNS, or to the operating system."""

    code: str
    values: tuple[str, ...] = ()
    records: tuple[ServiceRecord, ...] = ()
    chain: tuple[str, ...] = ()
    server: str = ""
    message: str = ""


class DnsResolver:
    """A `Resolver` that asks DNS servers.

    Args:
        nameserver: whom to ask instead of the system's servers, see `parse_nameserver`. The operating system's view
            is then left out: it comes from other servers.
        lifetime: seconds for one question, all servers and repetitions included.

    Raises:
        ValueError: the name server can't be read.
    """

    def __init__(self, nameserver: str | None = None, *, lifetime: float = 5.0) -> None:
        self._nameserver = parse_nameserver(nameserver) if nameserver else None
        self._lifetime = lifetime

    @property
    def origin(self) -> str:
        if self._nameserver is None:
            return "the system's resolver"
        return _server_text(self._nameserver.host, self._nameserver.port)

    def resolve(self, name: str) -> Resolution:
        started = time.monotonic()
        try:
            host = normalise_host(name)
        except ValueError as error:
            return Resolution(name, "dns-error", message=str(error))
        if is_address(host):
            return Resolution(host, OK, (host,), via="literal")
        tasks: dict[str, Callable[[], Answer]] = {
            "A": lambda: self._ask(host, "A"),
            "AAAA": lambda: self._ask(host, "AAAA"),
        }
        if self._nameserver is None:
            tasks["system"] = lambda: _ask_system(host)
        answers = all_at_once(tasks, self._lifetime + GRACE)
        late = Answer("dns-timeout", message=f"no DNS answer for {host} within {self._lifetime:g} s")
        resolution = _merge(host, answers.get("A", late), answers.get("AAAA", late))
        if self._nameserver is None:
            resolution = beside_system(resolution, answers.get("system"))
        return replace(resolution, duration=time.monotonic() - started)

    def services(self, name: str) -> ServiceRecords:
        started = time.monotonic()
        host = name.removesuffix(".").lower()
        answers = all_at_once({"SRV": lambda: self._ask(host, "SRV")}, self._lifetime + GRACE)
        answer = answers.get("SRV", Answer("dns-timeout", message=f"no DNS answer for {host}"))
        records = sorted(answer.records, key=lambda record: (record.priority, -record.weight, record.target))
        return ServiceRecords(
            name=host,
            code=answer.code,
            records=tuple(records),
            server=answer.server,
            duration=time.monotonic() - started,
            message=answer.message,
        )

    def addresses(self, host: str) -> Sequence[str]:
        resolution = self.resolve(host)
        if not resolution.resolved:
            raise unresolved(resolution)
        return resolution.connectable

    @cached_property
    def _resolver(self) -> dns.resolver.Resolver:
        """Raises dns.exception.DNSException or OSError where the system names no server."""
        resolver = self._plain_resolver()
        resolver.use_edns(0, 0, EDNS_PAYLOAD)
        return resolver

    def _plain_resolver(self) -> dns.resolver.Resolver:
        """Without EDNS, which some old servers and filters don't know."""
        import dns.nameserver
        import dns.resolver

        resolver = dns.resolver.Resolver(configure=self._nameserver is None)
        if self._nameserver is not None:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(self._nameserver.host, self._nameserver.port)]
        resolver.lifetime = self._lifetime
        # One lost packet must not cost the whole lifetime.
        resolver.timeout = min(resolver.timeout, max(0.1, self._lifetime / 3))
        return resolver

    def _question(self, name: str, kind: str) -> dns.resolver.Answer:
        import dns.name
        import dns.resolver

        # The trailing dot keeps search domains out.
        question = dns.name.from_text(name + ".")
        try:
            return self._resolver.resolve(question, kind, search=False)
        except dns.resolver.NoNameservers as error:
            if any(what in ("FORMERR", "NOTIMP", "BADVERS") for _, _, _, what, _ in error.kwargs.get("errors") or []):
                return self._plain_resolver().resolve(question, kind, search=False)
            raise

    def _ask(self, name: str, kind: str) -> Answer:
        import dns.resolver

        try:
            answer = self._question(name, kind)
        except dns.resolver.NXDOMAIN as error:
            return Answer("nxdomain", server=self._asked(), message=_missing_name(name, error))
        except dns.resolver.NoAnswer as error:
            chain = _chain(error.response())  # type: ignore[no-untyped-call]
            return Answer("no-answer", (), (), chain, self._asked(), f"{name} has no {kind} record")
        except dns.resolver.NoNameservers as error:
            return _failed(name, error)
        except dns.resolver.LifetimeTimeout:
            message = f"no DNS server answered for {name} within {self._lifetime:g} s"
            return Answer("dns-timeout", server=self._asked(), message=message)
        except Exception as error:  # noqa: BLE001  (hostile answers may break the parser anywhere: still an answer)
            return Answer("dns-error", server=self._asked(), message=f"{name}: {error or type(error).__name__}")
        assert answer.rrset is not None
        if kind == "SRV":
            records = tuple(
                ServiceRecord(
                    record.target.to_text(omit_final_dot=True).lower(), record.port, record.priority, record.weight
                )
                for record in answer
            )
            values: tuple[str, ...] = ()
        else:
            records, values = (), tuple(record.address for record in answer)
        server = _server_text(answer.nameserver or "", answer.port or 53)
        return Answer(OK, values, records, _chain(answer.response), server)

    def _asked(self) -> str:
        """The first server: who it was in the end, dnspython doesn't say on failure."""
        try:
            servers = self._resolver.nameservers
        except Exception:  # noqa: BLE001  (no server configured, or an unreadable configuration: nobody was asked)
            return ""
        if not servers:
            return ""
        first = servers[0]
        return first if isinstance(first, str) else _server_text(first.answer_nameserver(), first.answer_port())


def unresolved(resolution: Resolution) -> Unavailable:
    """What to raise where an address is needed and the name has none."""
    reason = resolution.reason
    return Unavailable(
        resolution.message or f"{resolution.name} does not resolve",
        code=resolution.code,
        remedy=reason.remedy if reason else "",
        evidence={"name": resolution.name, "server": resolution.server},
    )


def _server_text(host: str, port: int) -> str:
    return host if port == 53 else str(Endpoint(host, port))


def _missing_name(name: str, error: dns.resolver.NXDOMAIN) -> str:
    canonical = error.canonical_name.to_text(omit_final_dot=True).lower()
    if canonical != name:
        return f"{name} leads to {canonical}, which does not exist"
    return f"{name} does not exist"


def _chain(response: dns.message.Message) -> tuple[str, ...]:
    """The names that CNAME records lead to, in order."""
    import dns.exception

    try:
        cnames = response.resolve_chaining().cnames  # type: ignore[attr-defined]  # only query messages get here
    except (dns.exception.DNSException, AttributeError):
        return ()
    return tuple(rrset[0].target.to_text(omit_final_dot=True).lower() for rrset in cnames)


def _failed(name: str, error: dns.resolver.NoNameservers) -> Answer:
    """No server gave a usable answer: the last one's reason is the code, all of them are the message."""
    import dns.exception

    errors = error.kwargs.get("errors") or []
    code, said = "dns-error", []
    server = ""
    for host, _tcp, port, what, _response in errors:
        host = str(host).removeprefix("Do53:").partition("@")[0]
        server = server or _server_text(host, port)
        if what == "SERVFAIL":
            code = "servfail"
        elif what == "REFUSED":
            code = "dns-refused"
        elif isinstance(what, dns.exception.DNSException | ValueError | EOFError):
            code = "dns-malformed"
        text = f"{_server_text(host, port)}: {what or type(what).__name__}"
        if text not in said:
            said.append(text)
    return Answer(code, server=server, message=f"{name} was not answered ({'; '.join(said) or 'no server'})")


def _ask_system(host: str) -> Answer:
    """getaddrinfo, as every program on this machine calls it."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
    except (OSError, UnicodeError) as error:
        return Answer("system-unresolved", message=f"the operating system does not resolve {host}: {error}")
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    canonical = next((entry[3].removesuffix(".").lower() for entry in found if entry[3]), "")
    return Answer(OK, tuple(addresses), chain=(canonical,) if canonical else ())


def _merge(host: str, ipv4: Answer, ipv6: Answer) -> Resolution:
    """A and AAAA as one answer."""
    if ipv4.code == OK or ipv6.code == OK:
        good, other = (ipv4, ipv6) if ipv4.code == OK else (ipv6, ipv4)
        silent = other.code in (OK, "no-answer", "nxdomain")
        return Resolution(
            host,
            OK,
            (*ipv4.values, *ipv6.values),
            good.chain,
            good.server,
            note="" if silent else f"half of the answer is missing: {other.message}",
            oddities=() if silent else ("half-answer",),
        )
    # One half that couldn't be had says more than the other half's "none".
    told = ipv6 if ipv4.code == "no-answer" else ipv4
    message = f"{host} has neither an A nor an AAAA record" if told.code == "no-answer" else told.message
    return Resolution(host, told.code, (), told.chain, told.server, message=message)


def beside_system(resolution: Resolution, system: Answer | None) -> Resolution:
    """DNS beside the operating system, whose answer is the one that programs get."""
    if system is None:
        return _noted(resolution, "system-late", "the operating system's own lookup did not end in time")
    if system.code != OK:
        if not resolution.resolved:
            return replace(resolution, system_addresses=())
        return replace(
            resolution,
            code="system-unresolved",
            message=f"DNS says {', '.join(resolution.addresses)}, but {system.message}",
            system_addresses=(),
        )
    if resolution.resolved:
        seen = replace(resolution, system_addresses=system.values)
        if set(resolution.addresses) & set(system.values):
            return seen
        return _noted(seen, "system-differs", f"the operating system says {', '.join(system.values)} instead")
    canonical = system.chain[0] if system.chain else resolution.name
    if canonical.startswith(resolution.name + "."):
        # A search domain was appended: another host that only looks like the one asked for.
        note = f"the operating system answers for {canonical} instead, by a search domain"
        return _noted(replace(resolution, system_addresses=()), "search-domain", note)
    known = replace(
        resolution, code=OK, addresses=system.values, system_addresses=system.values, via="system", message="", note=""
    )
    note = f"known to this machine only (hosts file or another source), not to DNS: {resolution.message}"
    return _noted(known, "hosts-only", note)


def _noted(resolution: Resolution, oddity: str, note: str) -> Resolution:
    text = "; ".join(part for part in (resolution.note, note) if part)
    return replace(resolution, note=text, oddities=(*resolution.oddities, oddity))
