"""The proxy in .NET's machine.config, which is what the sync service uses: it reads no environment variable.

https://learn.microsoft.com/dotnet/framework/configure-apps/file-schema/network/defaultproxy-element-network-settings
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from preflight.network.endpoint import Endpoint
from preflight.network.proxy import Proxy

MOST_BYTES = 4 << 20
LONGEST_PATTERN = 500
_SWITCHES = {"true": True, "false": False, "unspecified": None}
_MOST_REPETITIONS, _MOST_OPTIONS = 4, 8
_ONE_CHARACTER = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class MachineConfig:
    """What `system.net/defaultProxy` says.

    Attributes:
        present: whether the element is there at all; without it Windows' own settings of the account decide.
        enabled: false: no proxy whatever else is said.
        proxy: from proxyaddress; None: none is named.
        uses_system: the settings of the service's account in Windows count too.
        detects: a script decides (autoDetect, scriptLocation), which can't be followed from here.
        script: where that script is; "" for none.
        bypass_on_local: names without a dot are reached directly.
        bypass: regular expressions on "scheme://host:port"; what they match is reached directly.
        signs_in: as the service's account (useDefaultCredentials).
    """

    present: bool = False
    enabled: bool = True
    proxy: Proxy | None = None
    uses_system: bool = True
    detects: bool = False
    script: str = ""
    bypass_on_local: bool = False
    bypass: tuple[re.Pattern[str], ...] = ()
    signs_in: bool = False

    @classmethod
    def read(cls, path: Path) -> MachineConfig:
        """
        Raises:
            ValueError: it can't be read, or is none; the message says why.
        """
        try:
            with path.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise ValueError(f"{path} can't be read: {error.strerror or error}") from None
        if len(content) > MOST_BYTES:
            raise ValueError(f"{path} is larger than {MOST_BYTES >> 20} MiB: this is no machine.config")
        try:
            return cls.parse(content)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    @classmethod
    def parse(cls, content: bytes) -> MachineConfig:
        """
        Raises:
            ValueError: the content is no configuration of .NET, or its proxy can't be used.
        """
        if b"<!DOCTYPE" in content or "<!DOCTYPE".encode("utf-16-le") in content:
            raise ValueError("a document type stands in it, which machine.config has none of")
        try:
            root = ElementTree.fromstring(content)
        except (ElementTree.ParseError, LookupError, ValueError) as error:
            raise ValueError(f"this is no XML ({error})") from None
        if root.tag != "configuration":
            raise ValueError(f"its root element is <{_short(root.tag)}>, not <configuration>")
        element = root.find("system.net/defaultProxy")
        if element is None:
            return cls()
        enabled = _switch(element.attrib, "enabled", True)
        signs_in = _switch(element.attrib, "useDefaultCredentials", False)
        proxy = element.find("proxy")
        attributes: Mapping[str, str] = {} if proxy is None else proxy.attrib
        address = attributes.get("proxyaddress", "").strip()
        script = attributes.get("scriptLocation", "").strip()
        return cls(
            present=True,
            enabled=bool(enabled),
            proxy=_proxy(address) if address else None,
            uses_system=_switch(attributes, "usesystemdefault", None) is not False,
            detects=bool(script) or _switch(attributes, "autoDetect", None) is True,
            script=_short(script),
            bypass_on_local=_switch(attributes, "bypassonlocal", None) is True,
            bypass=_bypass(element),
            signs_in=bool(signs_in),
        )

    @property
    def decides(self) -> bool:
        """Whether the file alone says which way is taken."""
        return self.present and (not self.enabled or (not self.detects and self.proxy is not None) or self._says_direct)

    @property
    def _says_direct(self) -> bool:
        return not self.uses_system and self.proxy is None and not self.detects

    def way(self, endpoint: Endpoint) -> Proxy | None:
        """The proxy for HTTPS to an endpoint; None: directly. Only where `decides`."""
        if not self.enabled or self.proxy is None or self.bypasses(endpoint):
            return None
        return self.proxy

    def bypasses(self, endpoint: Endpoint) -> bool:
        if self.bypass_on_local and "." not in endpoint.host and not endpoint.is_address:
            return True
        url = f"https://{endpoint.host}" if endpoint.port == 443 else f"https://{endpoint}"
        return any(pattern.search(url) for pattern in self.bypass)

    def __str__(self) -> str:
        if not self.present:
            return "no proxy (Windows' own settings of the service's account decide)"
        if not self.enabled:
            return "direct (defaultProxy is disabled)"
        if self.detects:
            return f"a proxy found by {'the script ' + self.script if self.script else 'automatic detection'}"
        if self.proxy is not None:
            return f"proxy {self.proxy}"
        return "direct" if self._says_direct else "no proxy (Windows' own settings of the service's account decide)"


def _switch(attributes: Mapping[str, str], name: str, default: bool | None) -> bool | None:
    text = attributes.get(name, "").strip().lower()
    if not text:
        return default
    if text not in _SWITCHES:
        raise ValueError(f"{name} is {_short(text)!r}, not true or false")
    value = _SWITCHES[text]
    return default if value is None else value


def _proxy(address: str) -> Proxy:
    try:
        return Proxy.parse(address.removesuffix("/"))
    except ValueError as error:
        raise ValueError(f"proxyaddress: {error}") from None


def _bypass(element: ElementTree.Element) -> tuple[re.Pattern[str], ...]:
    patterns: dict[str, re.Pattern[str]] = {}
    for entry in element.iterfind("bypasslist/*"):
        text = entry.get("address", "")
        if entry.tag == "clear":
            patterns.clear()
        elif entry.tag == "remove":
            patterns.pop(text, None)
        elif entry.tag == "add" and text:
            if len(text) > LONGEST_PATTERN or _may_be_endless(text):
                raise ValueError(f"the bypass {_short(text)!r} can't be followed: it may take for ever")
            try:
                patterns[text] = re.compile(text, re.IGNORECASE)
            except (re.error, RecursionError, OverflowError) as error:
                raise ValueError(f"the bypass {_short(text)!r} is no regular expression ({error})") from None
    return tuple(patterns.values())


def _may_be_endless(pattern: str) -> bool:
    """Whether trying it on a name may take more steps than anybody waits for: Python's `re` can't be interrupted.

    It may where a group is repeated that itself leaves a choice, and where many repetitions follow one another. This
    errs on the safe side.
    """
    bare = _ONE_CHARACTER.sub("x", pattern).replace("(?", "(")
    if len(re.findall(r"[*+{]", bare)) > _MOST_REPETITIONS or bare.count("?") + bare.count("|") > _MOST_OPTIONS:
        return True
    opened: list[int] = []
    for at, character in enumerate(bare):
        if character == "(":
            opened.append(at)
        elif character == ")" and opened:
            inside = bare[opened.pop() : at]
            if bare[at + 1 : at + 2] in ("*", "+", "{") and any(each in inside for each in "*+?{|"):
                return True
    return False


def _short(text: str) -> str:
    """On one line, and without credentials, should a URL hold some."""
    text = re.sub(r"//[^@]*@", "//***@", "".join(c if c.isprintable() else "?" for c in text))
    return text if len(text) <= 120 else text[:120] + "..."
