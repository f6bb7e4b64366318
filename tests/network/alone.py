"""Runs in network and mount namespaces of its own, where /etc may lie and port 53 is free: one JSON object on stdout.

Arguments: a folder with hosts, resolv.conf and nsswitch.conf to put in place of /etc's, then what to do.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dnslib import DNSRecord
from network.servers import NameServer, names

from preflight.network.dialer import SocketDialer
from preflight.network.model import Endpoint
from preflight.network.resolver import DnsResolver


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
