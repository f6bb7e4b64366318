"""The proxy: where it is set, and whether it leads to the relays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.api import Finding, Severity, check, fail, not_applicable, passed, unknown, warn
from preflight.network.model import Reach
from preflight.network.proxy_ways import DIRECT, MACHINE_CONFIG, ProxyWays
from preflight.network.reasons import PROBE_CODES, REASONS
from preflight.network.relays import Relay


@check(
    id="network.proxy",
    title="The way that the sync service takes to the relays is open",
    severity=Severity.BLOCKER,
    each="run",
    codes={
        **PROBE_CODES,
        "settings-disagree": "the places where a proxy is set do not agree",
        "machine-config-unreadable": "machine.config can't be read or followed",
        "way-not-visible": "machine.config leaves the way to Windows' settings or to a script",
        "direct-works": "the relay is reached directly, and not through the proxy that is set",
        "proxy-works": "the relay is reached through the proxy, and not by the way that the service takes",
    },
    event_codes=("31044", "32002", "SSPR_0030"),
)
def proxy(proxy_ways: ProxyWays) -> Iterator[Finding]:
    """Compares where a proxy is set: in the configuration, in the environment (HTTPS_PROXY, NO_PROXY), and in .NET's
    machine.config of the sync server, where it is given (`--machine-config`); and tries the ways that they name.

    The sync service is a .NET program: it follows machine.config (system.net/defaultProxy), and where that is silent
    Windows' own settings of its account. It reads no environment variable. So what works in a shell on the same server
    may fail in the service. Each relay is tried through the proxy and directly, and the two are compared.

    To mend: write the proxy into machine.config, Framework64\\v4.0.30319\\Config, above </configuration>; let the
    proxy CONNECT to the relays on 443, without signing in or with credentials that it accepts.
    """
    config = proxy_ways.machine_config
    if config is not None and config.problem:
        yield unknown(
            "machine-config-unreadable",
            f"the proxy of the sync service can't be read: {config.problem}",
            subject=MACHINE_CONFIG,
            expected="the machine.config of .NET on the sync server",
            observed=config.problem,
            remedy="Name a readable copy of Framework64\\v4.0.30319\\Config\\machine.config, or leave the option out.",
        )
    elif config is not None and not config.decides:
        yield from _left_to_windows(config.says, proxy_ways)
    if not proxy_ways.reaches:
        if config is None or config.decides:
            yield not_applicable("no proxy is set: the relays are reached directly")
        return
    yield from _disagreements(proxy_ways)
    for relay in proxy_ways.reaches:
        yield _judged(relay, proxy_ways)


def _left_to_windows(says: str, ways: ProxyWays) -> Iterator[Finding]:
    if not ways.reaches:
        yield not_applicable(f"machine.config names {says}; no other proxy is set", subject=MACHINE_CONFIG)
        return
    yield warn(
        "way-not-visible",
        f"which way the sync service takes can't be seen: machine.config names {says}",
        subject=MACHINE_CONFIG,
        expected="machine.config names the proxy that is set elsewhere",
        observed=says,
        remedy="See the proxy settings of the service's account in Windows, or set proxyaddress in machine.config.",
    )


def _disagreements(ways: ProxyWays) -> Iterator[Finding]:
    said = {tuple(ways.disagreement(relay).items()): relay for relay in ways.reaches}
    for disagreement, relay in said.items():
        if not disagreement:
            continue
        text = "; ".join(f"{name}: {way}" for name, way in disagreement)
        yield warn(
            "settings-disagree",
            f"where a proxy is set, not everybody says the same: {text}",
            subject=", ".join(name for name, _ in disagreement),
            expected="one way in all settings; the sync service follows machine.config",
            observed=f"for {relay}: {text}",
            remedy="Set the same in machine.config and elsewhere, or name the service's own: --machine-config FILE.",
        )


def _judged(relay: Relay, ways: ProxyWays) -> Finding:
    way = ways.service_way(relay)
    tried = ways.reaches[relay]
    reach = tried[way]
    evidence = {
        "settings": {source.name: source.says for source in ways.sources},
        "ways": {name: "ok" if each.connected else f"{each.code}: {each.message}" for name, each in tried.items()},
        "ports": {str(port): code for port, code in ways.ports.get(relay, {}).items()},
    }
    if reach.connected:
        return passed(_works(relay, way, ways), subject=str(relay), evidence=evidence)
    others = [name for name, each in tried.items() if each.connected]
    code = reach.code if not others else "direct-works" if DIRECT in others else "proxy-works"
    instead = f"; {others[0]} works" if others else ""
    known = ways.machine_config is not None and ways.machine_config.decides
    who = "the service takes" if known else "this run takes"
    unseen = "" if known else ". The service itself follows machine.config, which does not say, or was not looked at"
    judge = warn if relay.documented and _another_answers(ways) else fail
    return judge(
        code,
        f"{relay} is not reached by the way that {who} ({way}): {reach.message}{instead}{unseen}",
        subject=str(relay),
        expected=f"{relay} answers, {way}",
        observed=reach.reason.meaning if reach.reason else reach.code,
        remedy=_remedy(code, others, reach),
        evidence=evidence,
    )


def _works(relay: Relay, way: str, ways: ProxyWays) -> str:
    text = f"{relay} answers, {way}"
    direct = ways.reaches[relay].get(DIRECT)
    if way != DIRECT and direct is not None:
        text += "; directly, too" if direct.connected else f"; not directly ({direct.code})"
    ports = ways.ports.get(relay, {})
    if way != DIRECT and way == ways.taken[relay] and ports:
        text += f"; further ports that the proxy allows: {', '.join(_open(ports)) or 'none'}"
    if way != DIRECT and ways.machine_config is None:
        text += ". The service itself follows machine.config, which was not looked at"
    return text


def _open(ports: Mapping[int, str]) -> list[str]:
    return [str(port) for port, code in ports.items() if code == "ok"]


def _another_answers(ways: ProxyWays) -> bool:
    return any(ways.reaches[relay][ways.service_way(relay)].connected for relay in ways.reaches if relay.documented)


def _remedy(code: str, others: list[str], reach: Reach) -> str:
    if code == "direct-works":
        return f"Mend the proxy ({_own(reach)}), or take it out of the setting: the direct way is open."
    if code == "proxy-works":
        address = others[0].removeprefix("proxy ")
        return (
            'Put the proxy into machine.config: <system.net><defaultProxy useDefaultCredentials="true"><proxy '
            f'usesystemdefault="true" proxyaddress="http://{address}" bypassonlocal="true"/></defaultProxy>'
            "</system.net>"
        )
    return _own(reach)


def _own(reach: Reach) -> str:
    return REASONS[reach.code].remedy if reach.code in REASONS else "See the ways in the evidence."
