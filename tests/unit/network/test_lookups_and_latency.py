from __future__ import annotations

import pytest

from preflight.network.latency import Latency
from preflight.network.lookups import Lookup
from preflight.network.model import OK, Resolution


def lookup(*addresses: str, chain: tuple[str, ...] = ()) -> Lookup:
    return Lookup("relay.example", Resolution("relay.example", OK, addresses, chain))


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "::", "::1", "::ffff:127.0.0.1"])
def test_addresses_that_lead_nowhere(address: str) -> None:
    assert lookup("192.0.2.1", address).sinkholes == (address,)


@pytest.mark.parametrize("address", ["10.0.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "fe80::1%2"])
def test_private_addresses(address: str) -> None:
    assert lookup(address).private == (address,)
    assert lookup(address).sinkholes == ()


@pytest.mark.parametrize("address", ["192.0.2.1", "172.32.0.1", "100.63.255.255", "2603:1030::1"])
def test_public_addresses(address: str) -> None:
    assert lookup(address).private == lookup(address).sinkholes == ()


def test_a_private_link_is_told_by_the_chain_of_names() -> None:
    assert lookup("10.0.0.1", chain=("contoso.privatelink.servicebus.windows.net",)).private_link
    assert not lookup("10.0.0.1", chain=("cloudapp.example",)).private_link


def test_name_servers_disagree_where_no_address_is_common_or_only_one_knows_the_name() -> None:
    mine = Resolution("r", OK, ("192.0.2.1", "192.0.2.2"))
    gone = Resolution("r", "nxdomain")
    others = {"a": Resolution("r", OK, ("192.0.2.2",)), "b": Resolution("r", OK, ("192.0.2.9",)), "c": gone}
    assert list(Lookup("r", mine, others).disagreeing) == ["b", "c"]
    assert list(Lookup("r", gone, {"c": gone}).disagreeing) == []


@pytest.mark.parametrize(
    ("durations", "failed", "lost"),
    [
        ((0.02, 0.03, 0.2), 0, 0),
        ((0.02, 1.02, 3.02), 0, 2),  # sent again after 1 s and after 3 s
        ((0.02,), 3, 3),
        ((), 4, 0),  # nobody answers: no loss, but no way
    ],
)
def test_a_request_that_was_sent_again_got_lost(durations: tuple[float, ...], failed: int, lost: int) -> None:
    assert Latency("192.0.2.1", durations, failed).lost == lost
