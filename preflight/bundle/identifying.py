"""What tells who and where, by its form or by where it stands; and what looks so, but says nothing about a site."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from preflight.network.clouds import CLOUDS

HOST_MEMBERS = ("host", "sync_server", "computer", "controllers")
DOMAIN_MEMBERS = ("domain", "forest")
NAME_MEMBERS = ("sam_account_name", "account", "connector", "connector_account", "user", "owner")
ANCHOR_MEMBERS = ("source_anchor", "anchor")

KEPT_MEMBERS = frozenset(
    {
        "answer", "auth", "check", "checks", "cloud", "code", "codes", "connect_version", "event_codes", "event_id",
        "fingerprint", "format", "level", "method", "object_class", "outcome", "package", "profile", "record_id",
        "right", "role", "schema", "schema_version", "severity", "source", "started", "status", "title", "tls", "tool",
        "until", "verdict", "version", "versions",
    }
)  # fmt: skip
"""Members whose values are words of the program's own."""

PUBLIC_NAMES = frozenset(
    name.casefold()
    for name in (
        "AdminSDHolder", "Builtin", "Computers", "Configuration", "Deleted Objects", "Domain Controllers",
        "ForeignSecurityPrincipals", "LostAndFound", "Managed Service Accounts", "Partitions",
        "Password Settings Container", "Program Data", "Schema", "Server", "Servers", "Services", "Sites", "System",
        "Users", "Account Operators", "Administrator", "Administrators", "Authenticated Users", "Backup Operators",
        "Domain Admins", "Domain Users", "Enterprise Admins", "Everyone", "Group Policy Creator Owners", "Guest",
        "Guests", "krbtgt", "Pre-Windows 2000 Compatible Access", "Print Operators", "Protected Users", "Replicator",
        "Schema Admins", "Server Operators", "MSOL", "NT AUTHORITY", "BUILTIN",
    )
)  # fmt: skip
"""Names that every domain has."""

_NO_DOMAINS = frozenset(
    {
        "APPPOOL", "AUTHORITY", "BUILTIN", "DOMAIN", "HKCC", "HKCR", "HKCU", "HKLM", "HKU", "PACKAGE", "SERVICE",
        "SOFTWARE", "SYSTEM", "WINDOWS",
    }
)  # fmt: skip
"""What stands before a backslash in capitals and is no domain of a site."""

_ORDINARY = frozenset(
    {
        "adfs", "api", "app", "auth", "cert", "certs", "cloud", "corp", "crl", "dev", "dns", "ent", "example", "ftp",
        "gateway", "home", "host", "http", "int", "intern", "internal", "intra", "intranet", "lan", "ldap", "local",
        "login", "mail", "net", "ntp", "ocsp", "office", "pki", "prod", "proxy", "root", "server", "smtp", "sso",
        "sts", "test", "time", "users", "vpn", "web", "www",
    }
)  # fmt: skip
"""First labels of hosts and domains that are words of anybody's: not looked for in running text."""

_VENDORS = (
    "microsoftonline.com", "microsoftonline.us", "microsoft.com", "msappproxy.net", "accesscontrol.windows.net",
    "login.windows.net", "azure.com", "aka.ms", "digicert.com", "msocsp.com",
)  # fmt: skip
"""Hosts of the service and of its authorities, which say nothing about a site."""

_DOCUMENTED = frozenset(name.host for cloud in CLOUDS.values() for name in (*cloud.relays, *cloud.web_services)) | {
    cloud.relay_domain for cloud in CLOUDS.values()
}

_MAKERS = re.compile(
    r"Baltimore|Barracuda|Blue ?Coat|Check ?Point|Cisco|DigiCert|Entrust|Forcepoint|Fortinet|FortiGate|GlobalSign|"
    r"Google Trust|Internet Security Research|Let's Encrypt|McAfee|Microsoft|Netskope|Palo Alto|Sectigo|Skyhigh|"
    r"SonicWall|Sophos|Squid|Symantec|Trend Micro|WatchGuard|Zscaler",
    re.IGNORECASE,
)
"""Who issues certificates to anybody, or makes what inspects TLS: the name is what support has to know."""

TENANTS = ".onmicrosoft.com"
"""Below it each tenant has a domain from the start."""

_TOP_LEVEL = frozenset(
    {
        "biz", "cloud", "com", "corp", "edu", "gov", "home", "info", "int", "intern", "internal", "intra", "lan",
        "local", "mil", "net", "org", "priv", "private",
    }
)  # fmt: skip
"""Beside the countries' two letters."""

_NO_COUNTRIES = frozenset({"cs", "db", "gz", "js", "md", "ps", "py", "rs", "sh", "ts", "vb"})
"""Two letters that end a file's name, in a stack above all."""

_SERVICE_BUS = r"servicebus\.(?:windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)"
_LABEL = r"\w[\w-]{0,62}"
_ATTRIBUTE = r"(?:CN|OU|O|L|ST|STREET|UID)"
FORM = re.compile(
    rf"(?P<dn>(?i:(?<!\w)(?:{_ATTRIBUTE}=(?:\\.|[^,\\=\r\n])++,\s{{0,2}}){{0,64}}+DC=[\w-]++(?:,\s{{0,2}}DC=[\w-]++){{0,64}}+))"
    rf"|(?P<rdn>(?<!\w)(?:{_ATTRIBUTE}|cn|ou)=(?:\\.|[^,;\"<>\\=\r\n(){{}}\[\]])++)"
    r"|(?P<sid>\bS-1-5-21-\d+-\d+-\d+(?:-\d+)?\b)"
    r"|(?P<connector>\b(?:MSOL|AAD)_[0-9a-zA-Z]+\b)"
    r"|(?P<guid>(?<![0-9a-zA-Z])(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32})"
    r"(?![0-9a-zA-Z]))"
    r"|(?P<anchor>(?:(?<=SourceAnchorValue:)|(?<=SourceAnchorValue: ))[^\s,]++"
    r"|(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{22}==)"
    r"|(?P<home>[\\/](?i:Users|home)[\\/]"
    r"(?:[^\\/:*?\"<>|\r\n]{1,64}?(?=[\\/])|[^\\/:*?\"<>|\s,;]{1,64}))"
    r"|(?P<server>(?<=://)\w[\w-]{0,62}(?![\w.@-]))"
    r"|(?P<unc>(?<![\w:\\.])\\\\\w[\w.-]{0,62}(?=\\))"
    rf"|(?P<address>(?<![\w.%-])\w[\w.!#$%'*+^`~-]{{0,127}}(?:@|%40)(?:{_LABEL}\.){{1,40}}[^\W\d_][\w-]{{1,62}})"
    rf"|(?P<namespace>\b{_LABEL}\.{_SERVICE_BUS}\b)"
    r"|(?P<v4>(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d))"
    r"|(?P<v6>(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4})(?![\w:]))"
    rf"|(?P<host>\b(?:{_LABEL}\.){{1,40}}[^\W\d_][\w-]{{1,62}}\b)"
)
"""What shows by its form. Every repetition is bounded: a hostile text costs no more than its length."""

COMPONENT = re.compile(rf"(?<!\w)({_ATTRIBUTE})=((?:\\.|[^,\\])*)", re.IGNORECASE)
"""Of a distinguished name."""

DOMAIN_PART = re.compile(r"(?<!\w)DC=([\w-]+)", re.IGNORECASE)

_ACCOUNT = re.compile(r"""(?<![\w:\\/.])([\w-]{1,15})\\([^\s"'\\/:;|=,+*?<>\[\]]{1,64}+)(?!\\)""")
"""DOMAIN\\name."""

_VERSION = re.compile(r"(?:version|Azure AD (?:Sync|Connect)|Entra Connect(?: Sync)?|below)\W{0,3}$", re.IGNORECASE)
_BEFORE = 40
"""Characters before a match that are looked at."""


def accounts_in(text: str) -> Iterator[tuple[str, str, bool]]:
    """Domain and name of each DOMAIN\\name, and whether it shows that the first is a domain: it is in capitals."""
    for domain, name in _ACCOUNT.findall(text):
        if domain.upper() not in _NO_DOMAINS:
            yield domain, name, domain.isupper()


def of_the_service(host: str) -> bool:
    plain = host.casefold()
    return plain in _DOCUMENTED or any(plain == vendor or plain.endswith(f".{vendor}") for vendor in _VENDORS)


def of_a_maker(name: str) -> bool:
    """Whether it names somebody who issues certificates to anybody, or makes what inspects TLS."""
    return _MAKERS.search(name) is not None


def is_ordinary(label: str) -> bool:
    return label.casefold() in _ORDINARY


def is_host(name: str, text: str, start: int) -> bool:
    """Whether a dotted word in a text is a host or a domain, and no file, class or check."""
    if text[max(start - 2, 0) : start] == "//":
        return True
    last = name.rpartition(".")[2]
    if not (last.islower() or name.isupper()):
        return False
    last = last.lower()
    return last in _TOP_LEVEL or (len(last) == 2 and last.isascii() and last not in _NO_COUNTRIES)


def is_version(text: str, start: int) -> bool:
    """Whether what stands there is a version, by what stands before it."""
    return _VERSION.search(text[max(start - _BEFORE, 0) : start]) is not None


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def unescaped(value: str) -> str:
    """A component of a distinguished name as a person reads it (RFC 4514)."""
    plain = re.sub(r"(?:\\[0-9a-fA-F]{2})+", _octets, value)
    return re.sub(r"\\(.)", r"\1", plain)


def _octets(escaped: re.Match[str]) -> str:
    return bytes.fromhex(escaped[0].replace("\\", "")).decode("utf-8", "replace")
