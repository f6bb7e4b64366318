"""Whether the service itself answers: by HTTP, to a WebSocket, and after a long silence."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import Finding, Severity, check, fail, not_applicable, passed, unknown, warn
from preflight.network.idle import IDLE_CODES, NEEDED, Held, longest_survived
from preflight.network.reasons import PROBE_CODES, REASONS
from preflight.network.relays import Relay
from preflight.network.web import WEB_REASONS, Answer, IdleConnections, WebAnswers
from preflight.network.websocket import UPGRADE_REASONS

_WEB_CODES = {code: reason.meaning for code, reason in WEB_REASONS.items()}
_UPGRADE_CODES = {code: reason.meaning for code, reason in UPGRADE_REASONS.items()}
_CONNECTIVITY = ("31044", "32002", "32014", "SSPR_0030")


@check(
    id="network.web-service",
    title="The password-reset web service and the relays answer themselves",
    severity=Severity.BLOCKER,
    each="run",
    codes={
        **PROBE_CODES,
        **_WEB_CODES,
        "apex-unreachable": "only the one name that the documented wildcard rule does not cover is not reached",
        "documented-relay-intercepted": "a documented example is answered by a device on the way, others are not",
        "nobody-asked": "no host could be asked",
    },
    event_codes=_CONNECTIVITY,
)
def web_service(web_answers: WebAnswers) -> Iterator[Finding]:
    """Sends an HTTPS request to the documented names of the password-reset web service and to each relay that TLS
    reaches, and looks whose answer comes back.

    An open port and a trusted certificate are not yet the service: a proxy or web filter that inspects TLS shows itself
    only now, by a block page, a sign-in page or a redirect in the service's place. Any answer of the service counts,
    401 and 404 included. The rule *.passwordreset.microsoftonline.com does not cover passwordreset.microsoftonline.com
    itself: that name alone being closed is a warning. Relays that are not reached at all are the finding of
    network.relay-443.

    To mend: allow the names in firewall, proxy and web filter, and exempt them from TLS inspection.
    """
    others_reached = any(answer.reached for name, answer in web_answers.services.items() if not name.note)
    for name, answer in web_answers.services.items():
        if answer.reached:
            yield _reached(answer)
        elif name.note and others_reached and answer.status is None:
            yield warn(
                "apex-unreachable",
                f"{name.host} is not reached, though the names below it are: {answer.message}",
                subject=name.host,
                expected="an answer of the service",
                observed=answer.message,
                remedy=f"Add a rule for {name.host} itself: {name.note.partition(':')[0]}.",
                evidence=_evidence(answer),
            )
        else:
            yield _not_reached(answer)
    some_relay = any(answer.reached for relay, answer in web_answers.relays.items() if relay.documented)
    for relay, answer in web_answers.relays.items():
        if answer.reached:
            yield _reached(answer)
        elif relay.documented and some_relay:
            yield warn(
                "documented-relay-intercepted",
                f"{relay}, a documented example, does not answer itself: {answer.message}",
                subject=str(relay),
                expected="an answer of the relay, as other documented relays give",
                observed=answer.message,
                remedy=_remedy(answer),
                evidence=_evidence(answer),
            )
        else:
            yield _not_reached(answer)
    if not web_answers.all:
        yield unknown(
            "nobody-asked",
            "no name of the web service is documented for this cloud, and no relay is reached",
            expected="at least one relay to ask",
            observed="none",
            remedy="See network.relay-443.",
        )


def _reached(answer: Answer) -> Finding:
    server = f", {answer.headers['server']}" if answer.headers.get("server") else ""
    return passed(
        f"{answer.endpoint.host} answers itself ({answer.via}, HTTP {answer.status}{server})",
        subject=str(answer.endpoint),
        evidence=_evidence(answer),
    )


def _not_reached(answer: Answer) -> Finding:
    return fail(
        answer.code,
        f"{answer.endpoint.host} does not answer itself: {answer.message}",
        subject=str(answer.endpoint),
        expected="an answer of the service, whatever its status",
        observed=answer.reason.meaning if answer.reason else answer.code,
        remedy=_remedy(answer),
        evidence=_evidence(answer),
    )


@check(
    id="network.websocket",
    title="A request for a WebSocket reaches the relays",
    severity=Severity.ADVISORY,
    each="relay",
    requires=("network.relay-443",),
    codes={**PROBE_CODES, **_WEB_CODES, **_UPGRADE_CODES},
    event_codes=("31044", "32011"),
)
def websocket(relay: Relay, upgrade_answer: Answer) -> Iterator[Finding]:
    """Asks each relay for a WebSocket, as the service does on port 443, and says nothing on it.

    Proxies that inspect or rewrite HTTP often take the headers `Upgrade` and `Connection` away; the relay then sees an
    ordinary request. Any answer of the relay to the request for a WebSocket is good, a refusal (401, 404) included.

    To mend: let the proxy pass WebSockets to the relays, or exempt them from inspection.
    """
    answer = upgrade_answer
    if answer.reached:
        what = (
            "switches to a WebSocket" if answer.status == 101 else f"answers the request itself (HTTP {answer.status})"
        )
        yield passed(f"{relay} {what} ({answer.via})", subject=str(relay), evidence=_evidence(answer))
        return
    yield warn(
        answer.code,
        f"{relay}: a request for a WebSocket does not arrive: {answer.message}",
        subject=str(relay),
        expected="101, or a refusal of the relay's own",
        observed=answer.reason.meaning if answer.reason else answer.code,
        remedy=_remedy(answer),
        evidence=_evidence(answer),
    )


@check(
    id="network.idle-survives",
    title="A connection to the relays survives six idle minutes",
    severity=Severity.ADVISORY,
    each="relay",
    requires=("network.relay-443",),
    codes={
        **IDLE_CODES,
        **PROBE_CODES,
        "too-short": "the connections were left idle for less than the six minutes that are needed",
        "interrupted": "the connections were not held to the end",
    },
    event_codes=("31044", "32014"),
    tags=("idle",),
    deadline=None,
)
def idle_survives(relay: Relay, idle_connections: IdleConnections) -> Iterator[Finding]:
    """Opens several connections to each relay, leaves each idle for a time of its own, and then uses it.

    The service waits for resets on connections on which nothing is said for minutes. Firewalls and proxies that forget
    or cut an idle connection earlier than after 6 minutes lose those resets. The longest wait is 400 s (`--idle
    SECONDS` or `[network] idle_seconds`); shorter ones beside it find out where a limit lies. It runs when it is asked
    for: `preflight run --only network.idle-survives`.

    Where the relay itself ends the connection first, by TLS's own goodbye, nothing was seen of the way, and the answer
    is unknown.

    To mend: set the idle time-out of firewall and proxy for these connections to more than 6 minutes.
    """
    held = idle_connections.held
    if not held:
        yield not_applicable(
            f"{relay} is known from a recorded network, which holds no connections", subject=str(relay)
        )
        return
    survived = longest_survived(held)
    cut = [each for each in held if each.cut]
    evidence: dict[str, object] = {
        "connections": [
            {"idle_s": each.wanted, "code": each.code, "survived_s": round(each.survived, 1), "source": each.source}
            for each in held
        ]
    }
    if survived >= NEEDED:
        later = f"; {cut[0].message}" if cut else ""
        yield passed(
            f"{relay}: a connection survives {survived:.0f} s of idleness ({idle_connections.via}){later}",
            subject=str(relay),
            evidence=evidence,
        )
    elif cut:
        yield _cut_off(relay, cut, survived, evidence)
    elif all(each.code == "alive" for each in held):
        yield warn(
            "too-short",
            f"{relay}: connections survive {survived:.0f} s of idleness, which is less than the {NEEDED:.0f} s that "
            "are needed: not proven",
            subject=str(relay),
            expected=f"at least {NEEDED:.0f} s of idleness",
            observed=f"{survived:.0f} s were asked for",
            remedy=f"Run again with --idle {NEEDED + 40:.0f}.",
            evidence=evidence,
        )
    else:
        yield _not_seen(relay, held, evidence)


def _cut_off(relay: Relay, cut: list[Held], survived: float, evidence: dict[str, object]) -> Finding:
    first = min(cut, key=lambda each: each.survived or each.wanted)
    good = f" {survived:.0f} s were survived." if survived else ""
    return fail(
        first.code,
        f"{relay}: {first.message}",
        subject=str(relay),
        expected=f"an idle connection is left alone for at least {NEEDED:.0f} s",
        observed=f"{IDLE_CODES[first.code]}.{good}",
        remedy="Set the idle time-out of the firewalls and proxies on the way to more than 6 minutes for TCP "
        f"{first.source or 'from this machine'} to {first.destination or relay}.",
        evidence=evidence,
        event_codes=("31044",),
    )


def _not_seen(relay: Relay, held: tuple[Held, ...], evidence: dict[str, object]) -> Finding:
    """Nothing on the way cut one, and none lived long enough: the service's own doing, or no connection at all."""
    obstacle = next((each for each in held if each.code != "alive"), held[0])
    meaning = IDLE_CODES.get(obstacle.code) or PROBE_CODES.get(obstacle.code) or obstacle.message
    return unknown(
        obstacle.code,
        f"{relay}: not seen how long an idle connection lives: {obstacle.message}",
        subject=str(relay),
        expected=f"a connection that stays open for {NEEDED:.0f} s but for what is on the way",
        observed=meaning,
        remedy="Look up the idle time-out in the settings of firewall and proxy: it has to be more than 6 minutes."
        if obstacle.code == "service-closed"
        else "Run again when the relay is reached.",
        evidence=evidence,
    )


def _remedy(answer: Answer) -> str:
    reason = answer.reason or REASONS.get(answer.code)
    return reason.remedy if reason else "See the message."


def _evidence(answer: Answer) -> dict[str, object]:
    return {
        "via": answer.via,
        **({"status": answer.status} if answer.status is not None else {}),
        **({"headers": dict(answer.headers)} if answer.headers else {}),
        **({"page": answer.page} if answer.page and not answer.reached else {}),
    }
