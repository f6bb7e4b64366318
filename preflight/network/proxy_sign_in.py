"""Signing in to an HTTP proxy: Negotiate and NTLM by pyspnego (RFC 4559, MS-NTHT), Basic by ourselves.

A password is sent once. Many connections to one proxy start at the same time; until the first that signed in knows
whether the proxy accepts it, the others wait, and if it was refused, they don't try: an account must not be locked by
the tool that looks why it can't get out.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from socket import socket
from typing import Any

from preflight.network.endpoint import Endpoint
from preflight.network.proxy import ConnectAnswer, Proxy, ask_to_connect, read_past_body
from preflight.network.reasons import OK

MOST_ROUNDS = 4
"""Kerberos needs one round, NTLM two; more is a proxy that never ends."""

_IN_ORDER = ("Negotiate", "NTLM", "Basic")

_NOT_TAKEN = "scheme-not-taken"
"""Refused before the password was used: the next scheme may be tried with it."""

Reconnect = Callable[[], socket]
"""A new connection to the proxy in place of the old one, which it closes."""


class ProxySignIn:
    """What is known about signing in to one proxy with one set of credentials. For many threads."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._first = threading.Lock()
        self._scheme = ""
        self._refusal = ""

    @property
    def basic(self) -> str:
        """The header that the proxy has accepted before; "" where it asked for none, or for another scheme."""
        credentials = self._proxy.credentials
        return credentials.basic() if self._scheme == "Basic" and credentials is not None else ""

    @property
    def refused(self) -> bool:
        return bool(self._refusal)

    def tunnel(self, connection: socket, reconnect: Reconnect, endpoint: Endpoint, until: float) -> tuple[str, str]:
        """Ask for a tunnel, signing in if the proxy asks for it: code and message.

        Raises:
            OSError: of a new connection to the proxy.
        """
        if self._refusal:
            return "proxy-authentication", self._refusal
        if self._scheme:
            answer = self._signed_in(self._scheme, connection, endpoint, until)
            return answer.code, answer.message
        answer = ask_to_connect(connection, self._proxy, endpoint, until)
        if not answer.asks_to_sign_in:
            return answer.code, answer.message
        possible = self._possible(answer.schemes)
        offer = f"{answer.message}; it offers {', '.join(answer.schemes) or 'no authentication scheme'}"
        if not possible:
            missing = "none of which is possible here" if self._proxy.credentials else "no credentials are configured"
            return answer.code, f"{offer}, and {missing}"
        if not self._first.acquire(timeout=max(0.0, until - time.monotonic())):
            return "proxy-timeout", f"the proxy {self._proxy} did not end another sign-in in time"
        try:
            if self._refusal:
                return "proxy-authentication", self._refusal
            for scheme in possible:
                signed_in = self._signed_in(scheme, reconnect(), endpoint, until)
                if signed_in.code != _NOT_TAKEN:
                    break
                offer = f"{offer}; {scheme}: {signed_in.message}"
            if signed_in.asks_to_sign_in or signed_in.code == _NOT_TAKEN:
                said = "" if signed_in.code == _NOT_TAKEN else f"; {scheme}: {signed_in.message}"
                self._refusal = f"{offer}{said}"
                return "proxy-authentication", self._refusal
            if signed_in.code == OK:
                self._scheme = scheme
        finally:
            self._first.release()
        return signed_in.code, signed_in.message

    def _possible(self, offered: tuple[str, ...]) -> list[str]:
        """The strongest that is offered first; without credentials only what the logged-on user can do unasked."""
        possible = _IN_ORDER if self._proxy.credentials is not None else _IN_ORDER[:2]
        names = {scheme.lower() for scheme in offered}
        return [scheme for scheme in possible if scheme.lower() in names]

    def _signed_in(self, scheme: str, connection: socket, endpoint: Endpoint, until: float) -> ConnectAnswer:
        proxy = self._proxy
        if scheme == "Basic":
            assert proxy.credentials is not None
            answer = ask_to_connect(connection, proxy, endpoint, until, proxy.credentials.basic())
            if answer.asks_to_sign_in:
                return _refused(f"the proxy {proxy} did not accept the credentials")
            return answer
        try:
            return self._negotiated(scheme, connection, endpoint, until)
        except TimeoutError:
            return ConnectAnswer("proxy-timeout", f"the proxy {proxy} did not end the {scheme} sign-in in time")
        except OSError:
            return ConnectAnswer("proxy-closed", f"the proxy {proxy} cut the connection during the {scheme} sign-in")

    def _negotiated(self, scheme: str, connection: socket, endpoint: Endpoint, until: float) -> ConnectAnswer:
        from spnego.exceptions import SpnegoError

        who = "the credentials" if self._proxy.credentials else "the logged-on user"
        try:
            context = self._context(scheme)
            token = context.step()
            for rounds in range(MOST_ROUNDS):
                text = base64.b64encode(token or b"").decode("ascii")
                answer = ask_to_connect(connection, self._proxy, endpoint, until, f"{scheme} {text}")
                if not answer.asks_to_sign_in:
                    return answer
                challenge = answer.challenge(scheme)
                if challenge is None and rounds == 0:
                    # What was sent was a ticket, or NTLM's greeting, which holds no proof of the password yet.
                    return ConnectAnswer(_NOT_TAKEN, f"the proxy {self._proxy} does not take it from {who}")
                if challenge is None or context.complete:
                    return _refused(f"the proxy {self._proxy} did not accept {who}")
                if not read_past_body(connection, answer.header, until):
                    return _refused(f"the proxy {self._proxy} closes the connection in the middle of the sign-in")
                token = context.step(challenge)
        except (SpnegoError, ValueError, ImportError) as error:
            return _refused(f"{who} can't be used: {_first_line(error)}")
        return _refused(f"the proxy {self._proxy} never ends the sign-in")

    def _context(self, scheme: str) -> Any:
        import spnego

        user, password = self._proxy.credentials.reveal() if self._proxy.credentials else (None, None)
        return spnego.client(
            user,
            password,
            hostname=self._proxy.endpoint.host,
            service="HTTP",
            protocol="ntlm" if scheme == "NTLM" else "negotiate",
        )


def _first_line(error: Exception) -> str:
    """Credentials are never part of it: pyspnego doesn't repeat them."""
    text = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return "".join(character if character.isprintable() else "?" for character in text)


def _refused(message: str) -> ConnectAnswer:
    return ConnectAnswer("proxy-authentication", message)
