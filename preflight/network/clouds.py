"""The names that Microsoft documents for each cloud (SSPR, TUT; domain.md section 2).

The tenant's own relays are known only from events 31019 and 31034 on the sync server; what stands here are regional
examples, so a documented name that doesn't resolve isn't the site's fault, and one that answers proves a wildcard
rule only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

RELAY_PORTS = (9350, 9351, 9352, 9353, 9354)
"""In the text of event 32011 (2017 to 2025) only; the relay falls back to HTTPS on 443."""

RELAY_NAMESPACE = re.compile(
    r"(?<![a-z0-9])(?<![a-z0-9]-)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"\.servicebus\.(?:windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)(?![a-z0-9-])",
    re.IGNORECASE | re.ASCII,
)
"""A tenant's own relay in the text of an event."""

RETIRED_HOSTS: Mapping[str, str] = MappingProxyType(
    {
        "ssprsbprodncu-sb.accesscontrol.windows.net": (
            "retired with Access Control Service on 2018-11-07; firewall rules for it can go"
        ),
    }
)
"""Explained where somebody configures them, never probed."""


def retired(host: str) -> str:
    """Why a host must not be probed any more; "" if nothing speaks against it."""
    if host in RETIRED_HOSTS:
        return RETIRED_HOSTS[host]
    if host.endswith(".accesscontrol.windows.net"):
        return "Access Control Service was retired on 2018-11-07"
    return ""


@dataclass(frozen=True, slots=True)
class DocumentedName:
    """A host that stands in Microsoft's documentation.

    Attributes:
        note: what its answer does not prove; "" for none.
    """

    host: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cloud:
    """What the sync server must reach on HTTPS 443.

    Attributes:
        name: as in the configuration: "public", "us-government", "china".
        title: as a person says it.
        patterns: what a firewall rule should allow; wildcards can't be resolved or probed.
        relay_domain: every tenant's relay is a name under it.
        relays: concrete relays; empty where only a wildcard is documented.
        web_services: concrete names of the password-reset service; empty where only a wildcard is documented.
    """

    name: str
    title: str
    patterns: tuple[str, ...]
    relay_domain: str
    relays: tuple[DocumentedName, ...] = ()
    web_services: tuple[DocumentedName, ...] = ()


_REGIONAL = "a documented example of another tenant's region: its answer proves the wildcard rule only"

CLOUDS: Mapping[str, Cloud] = MappingProxyType(
    {
        "public": Cloud(
            name="public",
            title="the public cloud",
            patterns=("*.passwordreset.microsoftonline.com", "*.servicebus.windows.net"),
            relay_domain="servicebus.windows.net",
            relays=(
                DocumentedName("ssprdedicatedsbprodncu.servicebus.windows.net", _REGIONAL),
                DocumentedName("ssprdedicatedsbprodscu.servicebus.windows.net", _REGIONAL),
                DocumentedName("ssprdedicatedsbprodfra-1.servicebus.windows.net", _REGIONAL),
            ),
            web_services=(
                DocumentedName(
                    "passwordreset.microsoftonline.com",
                    "the rule *.passwordreset.microsoftonline.com does not cover it: unreachable alone is a warning",
                ),
                DocumentedName("api.passwordreset.microsoftonline.com"),
            ),
        ),
        "us-government": Cloud(
            name="us-government",
            title="the US government cloud",
            patterns=("*.passwordreset.microsoftonline.us", "*.servicebus.usgovcloudapi.net"),
            relay_domain="servicebus.usgovcloudapi.net",
        ),
        "china": Cloud(
            name="china",
            title="the cloud in China (21Vianet)",
            patterns=(
                "ssprdedicatedsbmcprodcne.servicebus.chinacloudapi.cn",
                "ssprdedicatedsbmcprodcnn.servicebus.chinacloudapi.cn",
            ),
            relay_domain="servicebus.chinacloudapi.cn",
            relays=(
                DocumentedName("ssprdedicatedsbmcprodcne.servicebus.chinacloudapi.cn", _REGIONAL),
                DocumentedName("ssprdedicatedsbmcprodcnn.servicebus.chinacloudapi.cn", _REGIONAL),
            ),
        ),
    }
)
"""By the name in the configuration."""
