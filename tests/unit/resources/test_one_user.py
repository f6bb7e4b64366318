"""Where a user's state is read: on the PDC emulator, and said where that can't be had."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from crowds import BASE, user

from preflight.api import Target
from preflight.config.settings import Configuration, DomainSettings
from preflight.directory.live.sign_in import BindLedger
from preflight.directory.model import Domain, DomainController, Entry, RootDse
from preflight.directory.topology import Discovery
from preflight.network.resolver import DnsResolver
from preflight.resources import Setting
from preflight.resources.one_user import momentary, state_source

NAME = "corp.contoso.test"
TARGET = Target("domain", NAME)
UTC_NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SOMEBODY = user(1, pwdLastSet=0)


class Controller:
    """A controller that knows one user."""

    name = NAME

    def __init__(self, *, live: bool = True, known: bool = True, clock: datetime | None = UTC_NOON) -> None:
        self.live = live
        self.origin = "dc1:636 as reader" if live else "export.ldf"
        self._known, self._clock = known, clock

    def root_dse(self) -> RootDse:
        return RootDse({"dnsHostName": [b"DC1.corp.contoso.test"]})

    def read(self, distinguished_name, attributes):
        return SOMEBODY if self._known else None

    def clock(self) -> datetime | None:
        return self._clock


class Made:
    """Resources that have been made."""

    def __init__(self, directory: Controller, pdc_host: str) -> None:
        domains = (DomainSettings(NAME, auth="negotiate"),)
        self.setting = Setting(Configuration(domains=domains))
        self._made = {
            "directory": directory,
            "domain": Domain(NAME, BASE, NAME, BASE, None, pdc_host, None, None, Entry(BASE, {})),
            "discovery": Discovery(NAME, (DomainController("dc1", 389, "none", "configured"),), "configured"),
            "names": DnsResolver(None, lifetime=1.0),
            "bind_ledger": BindLedger(),
        }

    def get(self, name, target=None):
        return state_source(self, target) if name == "state_source" else self._made[name]

    def on_close(self, close) -> None:
        close()


@pytest.mark.parametrize(
    ("directory", "pdc", "origin", "note"),
    [
        (Controller(), "dc1.CORP.contoso.test", "dc1:636 as reader, the PDC emulator", ""),
        (Controller(), "", "dc1:636 as reader", "which controller is the PDC emulator could not be read"),
        (Controller(live=False), "dc9.corp.contoso.test", "export.ldf", ""),
        # Nothing listens there.
        (Controller(), "127.0.0.1", "dc1:636 as reader", "the PDC emulator 127.0.0.1 could not be asked ("),
    ],
)
def test_the_controller_that_was_asked_is_named(directory, pdc, origin, note):
    found = momentary(Made(directory, pdc), TARGET, SOMEBODY)
    assert found.origin == origin
    assert found.note.startswith(note) and bool(found.note) == bool(note)
    assert found.user.integer("pwdLastSet") == 0


@pytest.mark.parametrize(
    ("directory", "whose"),
    [
        (Controller(), "by the controller's clock"),
        (Controller(live=False), "when the export was made"),
        (Controller(clock=None), "by this machine's clock"),
    ],
)
def test_whose_clock_it_is_is_said(directory, whose):
    found = momentary(Made(directory, "dc1.corp.contoso.test"), TARGET, SOMEBODY)
    assert found.clock == whose
    assert (found.now == UTC_NOON) == (whose != "by this machine's clock")


def test_a_user_whom_the_controller_does_not_know_yet_has_no_state():
    found = momentary(Made(Controller(known=False), "dc1.corp.contoso.test"), TARGET, SOMEBODY)
    assert found.user.raw == {}
    assert "doesn't know the user yet" in found.note
