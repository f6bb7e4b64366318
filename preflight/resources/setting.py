"""Everything a run's resources are made from."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from preflight.config import Configuration
from preflight.directory.live.ledger import BindLedger
from preflight.secret import Secret

if TYPE_CHECKING:
    from preflight.directory.users.judgement import Judgement, UserJudge
    from preflight.network.port import Dialer, Resolver
    from preflight.network.proxy import Proxy
    from preflight.network.proxy_sign_in import ProxySignIn


def _say_nothing(_: str) -> None:
    """Nobody is watching."""


@dataclass(frozen=True, slots=True)
class Setting:
    """
    Attributes:
        configuration: as loaded.
        folds: what the plan counts over the users.
        passwords: by domain name; fetched before anything runs, so that nobody is asked from a thread.
        environ: for the proxy. Not shown: passwords may stand in it.
        network: a recorded network in place of the real one, for the demo.
        ask_service: whether the clock may be compared with the web service's, which the run may have been told to skip.
        sink: is given every judgement on a user as it is made, for the per-user table.
        read: is told after each page how many users of which domain have been read.
        expect: wants to know how many users a domain has, and is told as soon as that is known.
        now: the time that event logs are judged at; None: the clock's, as it is then. The demo's is its export's.
        say: progress, in a few words.
        host: this machine's name.
        binds, proxy_sign_ins: whose sign-in was refused; the same for every round of a run that is repeated.
    """

    configuration: Configuration
    folds: tuple[type, ...] = ()
    passwords: Mapping[str, Secret] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    network: tuple[Resolver, Dialer] | None = None
    ask_service: bool = False
    sink: Callable[[Judgement, UserJudge], None] | None = None
    read: Callable[[str, int], None] | None = None
    expect: Callable[[str, int], None] | None = None
    now: datetime | None = None
    say: Callable[[str], None] = _say_nothing
    host: str = field(default_factory=socket.gethostname)
    binds: BindLedger = field(default_factory=BindLedger)
    proxy_sign_ins: dict[Proxy, ProxySignIn] = field(default_factory=dict)
