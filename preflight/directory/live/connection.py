"""One LDAP connection, used by one thread at a time. ldap3 builds the requests; answers are read by search_result.py.

Only bind, search, StartTLS and unbind are ever sent.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from preflight.api import Unavailable
from preflight.directory.ldap_errors import result_unavailable, unavailable
from preflight.directory.live.deadline import Deadline, Timeouts
from preflight.directory.live.received import Received
from preflight.directory.live.search_result import (
    DONE,
    ENTRY,
    EXTENDED_RESPONSE,
    REFERENCE,
    EntryReader,
    MalformedResponse,
    Message,
    Result,
    entry_prefix,
    entry_spans,
    message_end,
    read_message,
    read_result,
)
from preflight.directory.live.transport import Resolve, Transport, connect
from preflight.directory.model import DomainController, RootDse

PAGE_SIZE = 1000
"""Active Directory's default maximum (MaxPageSize), and the fastest."""

_START_TLS = "1.3.6.1.4.1.1466.20037"
_NO_ATTRIBUTES = "1.1"
_OWNER_GROUP_DACL = 7
_EMPTY_PAGES = 100
_MAXIMUM_PAGE = 512 * 1024 * 1024
_MAXIMUM_ENTRIES = 10 * PAGE_SIZE
"""In one page: a server that pours tiny entries must not fill the memory before its time is up."""

Attributes = dict[str, list[bytes]]


class Scope(IntEnum):
    """How deep a search reaches below its base."""

    BASE = 0
    LEVEL = 1
    SUBTREE = 2


@dataclass(frozen=True, slots=True)
class Search:
    """A search request. Without attributes, names only are asked for."""

    base: str
    scope: Scope
    filter: str
    attributes: tuple[str, ...]


class LdapConnection:
    """A connection to one server.

    Every method raises `Unavailable` when the connection breaks, the deadline passes or the server refuses; the
    connection is closed then, unless the server answered properly.
    """

    def __init__(self, transport: Transport, subject: str, timeouts: Timeouts) -> None:
        self.transport = transport
        self.subject = subject
        self._timeouts = timeouts
        self._received = Received(transport)
        self._message_id = 0
        self._outstanding = False
        self.is_open = True

    @classmethod
    def open(
        cls, controller: DomainController, resolve: Resolve, context: ssl.SSLContext | None, timeouts: Timeouts
    ) -> LdapConnection:
        """Connect, and start TLS as the controller's `tls` says.

        Args:
            context: verifies the server; needed unless `tls` is "none".
        """
        host = controller.host.removesuffix(".")
        transport = connect(host, controller.port, resolve, timeouts)
        connection = cls(transport, controller.name, timeouts)
        if controller.tls == "none":
            return connection
        if context is None or controller.tls not in ("ldaps", "starttls"):
            transport.close()
            raise ValueError(f"tls={controller.tls!r} with{'out' if context is None else ''} a TLS context")
        if controller.tls == "starttls":
            connection._ask_for_tls()
        transport.deadline = Deadline.after(timeouts.handshake)
        transport.start_tls(context, host)
        return connection

    @property
    def is_reusable(self) -> bool:
        """Whether nothing is under way on it, and the server has not hung up meanwhile."""
        return self.is_open and not self._outstanding and not self._received.size and self.transport.is_quiet()

    def root_dse(self) -> RootDse:
        """What the server says of itself; needs no sign-in."""
        found = list(self.search(Search("", Scope.BASE, "(objectClass=*)", ("*", "+"))))
        if len(found) != 1:
            self.close()
            raise unavailable("not-a-domain-controller", self.subject, "no rootDSE")
        return RootDse(found[0][1])

    def bind(self, user: str, authentication: str, payload: bytes, deadline: Deadline) -> Result:
        """One bind request and its response, whatever its result.

        Args:
            user: the name, for a simple bind.
            authentication: "SIMPLE", or the SASL mechanism.
            payload: the password, or the SASL credentials.
        """
        from ldap3 import SASL, SIMPLE
        from ldap3.operation.bind import bind_operation

        if authentication == SIMPLE:
            # As bytes: ldap3 would normalise text (SASLprep), which turns some passwords into others.
            request = bind_operation(3, SIMPLE, user, payload, auto_encode=True)
        else:
            request = bind_operation(3, SASL, "", None, authentication, payload)
        return self._exchange("bindRequest", request, deadline)

    def search(self, search: Search) -> Iterator[tuple[str, Attributes]]:
        """All objects found, page after page."""
        for page in self.pages(search):
            yield from page.entries

    def pages(self, search: Search) -> Iterator[Page]:
        """The objects found, a page at a time; the next page is asked for before one is yielded.

        Raises:
            Unavailable: the search did not end in success. Never a part of the answer without that.
        """
        reader = EntryReader(search.attributes)
        paged = search.scope is not Scope.BASE
        cookie: bytes | None = b""
        empty = 0
        message_id = self._send_search(search, b"" if paged else None)
        while True:
            data, spans, result = self._receive_page(message_id, _MAXIMUM_ENTRIES if paged else 1)
            if result.code != 0:
                raise result_unavailable(result.code, result.message, self.subject)
            cookie = result.cookie
            if paged and cookie is None:
                self.close()
                raise unavailable("protocol-violation", self.subject, "pages were asked for and not answered")
            empty = 0 if spans else empty + 1
            if empty > _EMPTY_PAGES:
                self.close()
                raise unavailable("protocol-violation", self.subject, "empty pages without an end")
            more = paged and bool(cookie)
            if more:
                message_id = self._send_search(search, cookie)
            try:
                entries = [reader.read(data, start, stop) for start, stop in spans]
            except MalformedResponse as error:
                self.close()
                raise unavailable("protocol-violation", self.subject, str(error)) from None
            yield Page(entries, reader.has_ranges)
            if not more:
                return

    def unbind(self) -> None:
        """Say goodbye and close."""
        from ldap3.operation.unbind import unbind_operation

        if self.is_open:
            self.transport.deadline = Deadline.after(1.0)
            with contextlib.suppress(OSError):
                request = unbind_operation()  # type: ignore[no-untyped-call]
                self.transport.sendall(self._encode("unbindRequest", request))
        self.close()

    def close(self) -> None:
        self.is_open = False
        self.transport.close()

    def _ask_for_tls(self) -> None:
        from ldap3.operation.extended import extended_operation

        deadline = Deadline.after(self._timeouts.handshake)
        result = self._exchange("extendedReq", extended_operation(_START_TLS), deadline)
        if result.code != 0:
            self.close()
            raise unavailable("starttls-refused", self.subject, result.message)
        if self._received.size:
            # Whoever is in the middle may append to the unencrypted answer what would then seem to be encrypted.
            self.close()
            raise unavailable("protocol-violation", self.subject, "data after the answer to StartTLS")

    def _send_search(self, search: Search, cookie: bytes | None) -> int:
        from ldap3 import DEREF_NEVER
        from ldap3.operation.search import search_operation
        from ldap3.protocol.microsoft import security_descriptor_control
        from ldap3.protocol.rfc2696 import paged_search_control

        request = search_operation(
            search.base,
            search.filter,
            int(search.scope),
            DEREF_NEVER,
            list(search.attributes) or [_NO_ATTRIBUTES],
            size_limit=0,
            time_limit=0,
            types_only=False,
            auto_escape=False,
            auto_encode=False,
        )
        controls = []
        if cookie is not None:
            controls.append(paged_search_control(criticality=True, size=PAGE_SIZE, cookie=cookie))
        if any(name.lower() == "ntsecuritydescriptor" for name in search.attributes):
            controls += security_descriptor_control(criticality=True, sdflags=_OWNER_GROUP_DACL)
        self.transport.deadline = Deadline.after(self._timeouts.page)
        self._outstanding = True
        message = self._encode("searchRequest", request, controls)
        try:
            self.transport.sendall(message)
        except OSError as error:
            raise self._broken(error) from None
        return self._message_id

    def _receive_page(self, message_id: int, most: int) -> tuple[bytes, list[tuple[int, int]], Result]:
        """The bytes of a page, where its entries lie in them, and its result."""
        self.transport.deadline = Deadline.after(self._timeouts.page)
        received, data = self._received, self._received.data
        spans: list[tuple[int, int]] = []
        prefix = entry_prefix(message_id)
        position = 0
        try:
            while True:
                if found := entry_spans(data, position, received.size, prefix, most - len(spans)):
                    spans += found
                    position = found[-1][1]
                end = message_end(data, position, received.size)
                if end is None or end > received.size:
                    if received.size > _MAXIMUM_PAGE:
                        raise MalformedResponse("a page without an end")
                    received.more()
                    continue
                message = read_message(data, position, end)
                self._require(message, message_id)
                position = end
                if message.operation == ENTRY:
                    if len(spans) == most:
                        raise MalformedResponse("more entries than were asked for")
                    spans.append((message.start, message.stop))
                elif message.operation == DONE:
                    result = read_result(data, message)
                    break
                elif message.operation != REFERENCE:
                    raise MalformedResponse(f"an operation {message.operation:02x} in the answer to a search")
        except (OSError, MalformedResponse) as error:
            raise self._broken(error) from None
        self._outstanding = False
        return received.take(position), spans, result

    def _exchange(self, operation: str, request: object, deadline: Deadline) -> Result:
        """One request that has one response."""
        self.transport.deadline = deadline
        self._outstanding = True
        try:
            self.transport.sendall(self._encode(operation, request))
            received = self._received
            while (end := message_end(received.data, 0, received.size)) is None or end > received.size:
                received.more()
            message = read_message(received.data, 0, end)
            self._require(message, self._message_id)
            if message.operation in (ENTRY, REFERENCE, DONE):
                raise MalformedResponse("an answer to something else")
            result = read_result(received.data, message)
        except (OSError, MalformedResponse) as error:
            raise self._broken(error) from None
        received.take(end)
        self._outstanding = False
        return result

    def _require(self, message: Message, message_id: int) -> None:
        if message.message_id == message_id:
            return
        if message.message_id == 0 and message.operation == EXTENDED_RESPONSE:
            # Notice of disconnection (RFC 4511 4.4.1).
            raise ConnectionResetError(read_result(self._received.data, message).message or "notice of disconnection")
        raise MalformedResponse("an answer to another request")

    def _broken(self, error: OSError | MalformedResponse) -> Unavailable:
        self.close()
        if isinstance(error, MalformedResponse):
            return unavailable("protocol-violation", self.subject, str(error))
        if isinstance(error, TimeoutError):
            return unavailable("timed-out", self.subject)
        if isinstance(error, ssl.SSLError):
            return unavailable("connection-lost", self.subject, error.reason or str(error))
        return unavailable("connection-lost", self.subject, error.strerror or str(error))

    def _encode(self, operation: str, request: object, controls: Sequence[Any] = ()) -> bytes:
        from ldap3.protocol.convert import build_controls_list
        from ldap3.protocol.rfc4511 import LDAPMessage, MessageID, ProtocolOp
        from ldap3.utils.asn1 import encode  # type: ignore[attr-defined]

        self._message_id = self._message_id % 0x7FFFFFFF + 1
        message = LDAPMessage()
        message["messageID"] = MessageID(self._message_id)
        message["protocolOp"] = ProtocolOp().setComponentByName(operation, request)
        if controls:
            message["controls"] = build_controls_list(list(controls))
        return bytes(encode(message))


@dataclass(frozen=True, slots=True)
class Page:
    """Part of an answer.

    Attributes:
        entries: distinguished names and raw attributes.
        has_ranges: whether some attribute may have come in part (`member;range=0-1499`).
    """

    entries: Sequence[tuple[str, Attributes]]
    has_ranges: bool


def attribute_list(attributes: Collection[str]) -> tuple[str, ...]:
    """Each attribute once, whatever its case, in a stable order."""
    return tuple({name.lower(): name for name in sorted(attributes)}.values())
