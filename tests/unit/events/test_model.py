from __future__ import annotations

import pytest

from preflight.events.model import WRITEBACK, Event


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("by http://svc:Canary-1@proxy:8080 it failed", "by http://svc:***@proxy:8080 it failed"),
        ("http://svc:p@Canary-1@proxy/", "http://svc:***@proxy/"),
        ("http://svc@corp.com:Canary-1@proxy", "http://svc@corp.com:***@proxy"),
        ("http://:Canary-1@proxy", "http://:***@proxy"),
        ("sb://contoso.servicebus.windows.net:9350/x@y", "sb://contoso.servicebus.windows.net:9350/x@y"),
        ("https://login.contoso.com, ann@contoso.com: refused", "https://login.contoso.com, ann@contoso.com: refused"),
        ("https://host:443 ann@contoso.com", "https://host:443 ann@contoso.com"),
    ],
)
def test_the_password_of_an_address_is_not_kept(written: str, kept: str) -> None:
    event = Event(None, WRITEBACK, 31034, message=written)
    assert event.message == kept
    assert "Canary" not in repr(event)
