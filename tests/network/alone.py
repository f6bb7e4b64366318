"""Runs in network and mount namespaces of its own, where /etc may lie and port 53 is free: one JSON object on stdout.

Arguments: a folder with hosts, resolv.conf and nsswitch.conf to put in place of /etc's, then what to do.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dnslib import DNSRecord
from network.conftest import encrypted
from network.servers import Answerer, NameServer, Peer, names
from network.situations import Authority, Roots, look

from preflight.api import Finding
from preflight.network.clouds import CLOUDS
from preflight.network.dialer import SocketDialer
from preflight.network.model import Endpoint
from preflight.network.resolver import DnsResolver

AUTHORITY = Authority("Public Root")
ROOTS = Roots([AUTHORITY], [AUTHORITY])
HOST = "relay.example"


def relay(
    *rules: str, records: tuple[str, ...] = ("A 127.0.0.1",), exhausted: bool = False, timeout: float = 1.0
) -> list[Finding]:
    """A relay behind firewall rules of this machine; PORT in them is the relay's."""
    with (
        Peer(encrypted(AUTHORITY.context(HOST))) as peer,
        NameServer(names({HOST: list(records)}), address="127.0.0.1", port=53),
        contextlib.ExitStack() as stack,
    ):
        table = "table inet test { chain input { type filter hook input priority 0; policy accept;\n"
        table += "".join(f"tcp dport {peer.port} {rule}\n" for rule in rules) + "}\n}\n"
        subprocess.run(["nft", "-f", "-"], input=table, text=True, check=True)
        if exhausted:
            Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("50000 50003")
            with contextlib.suppress(OSError):
                while True:
                    stack.enter_context(socket.create_connection(("127.0.0.1", peer.port)))
        return look("network.relay-443", [Endpoint(HOST, peer.port)], roots=ROOTS, timeout=timeout)


def documented() -> list[Finding]:
    """The relays that Microsoft documents, of which one answers."""
    first, *others = (name.host for name in CLOUDS["public"].relays)
    zone = {first: ["A 127.0.0.1"], **{host: ["A 127.0.0.9"] for host in others}}
    with (
        Peer(encrypted(AUTHORITY.context(first))) as peer,
        NameServer(names(zone), address="127.0.0.1", port=53),
    ):
        rule = f"ip daddr 127.0.0.1 tcp dport 443 redirect to :{peer.port}\n"
        table = f"table ip test {{ chain output {{ type nat hook output priority -100;\n{rule}}}\n}}\n"
        subprocess.run(["nft", "-f", "-"], input=table, text=True, check=True)
        return look("network.relay-443", roots=ROOTS)


def resolved(answer: Answerer | None = None) -> list[Finding]:
    """A relay's name, asked of the system's resolver and of DNS."""
    with NameServer(answer or names({HOST: ["A 192.0.2.1"]}), address="127.0.0.1", port=53):
        return look("dns.resolvers-agree", [Endpoint(HOST, 443)])


def searched() -> list[Finding]:
    return resolved(names({f"{HOST}.corp.example": ["A 192.0.2.66"]}))


def without_edns() -> list[Finding]:
    plain = names({HOST: ["A 192.0.2.1"]})
    return resolved(lambda query, tcp: plain(query, tcp) if query.ar else None)


SITUATIONS: dict[str, Callable[[], list[Finding]]] = {
    "dropped": lambda: relay("drop"),
    "rejected": lambda: relay("reject with icmpx type admin-prohibited"),
    "reset": lambda: relay("reject with tcp reset"),
    "lossy": lambda: relay("tcp flags & (syn | ack) == syn numgen inc mod 3 == 1 drop", timeout=4.0),
    "exhausted": lambda: relay(exhausted=True),
    "dual stack, IPv6 broken": lambda: relay(records=("A 127.0.0.1", "AAAA 2001:db8::1")),
    "IPv6 only, broken": lambda: relay(records=("AAAA 2001:db8::1",)),
    "documented relays, one answers": documented,
    "names": resolved,
    "search": searched,
    "without EDNS": without_edns,
}


def main(folder: Path, task: str, *options: str) -> dict[str, object]:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name in ("hosts", "resolv.conf", "nsswitch.conf"):
        if (folder / name).exists():
            subprocess.run(["mount", "--bind", folder / name, f"/etc/{name}"], check=True)
    if task == "routes":
        for kind, network in (("prohibit", "192.0.2.0/24"), ("unreachable", "198.51.100.0/24")):
            subprocess.run(["ip", "route", "add", kind, network], check=True)
        dialer = SocketDialer(DnsResolver(), timeout=1.0)
        hosts = ("192.0.2.1", "198.51.100.1", "203.0.113.1")
        return {host: dialer.reach(Endpoint(host, 443)).code for host in hosts}
    if task in SITUATIONS:
        findings = SITUATIONS[task]()
        return {"findings": [{**dataclasses.asdict(each), "evidence": dict(each.evidence)} for each in findings]}
    zone = {"relay.example": ["A 192.0.2.1"], "other.example.corp.example": ["A 192.0.2.66"]}
    answer = names(zone)
    if "--silent-without-edns" in options:
        plain = answer

        def answer(query: DNSRecord, tcp: bool) -> bytes | None:
            return plain(query, tcp) if query.ar else None

    with NameServer(answer, address="127.0.0.1", port=53):
        started = time.monotonic()
        resolution = dataclasses.asdict(DnsResolver(lifetime=3.0).resolve(task))
        return resolution | {"took": time.monotonic() - started}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), *sys.argv[2:])))
