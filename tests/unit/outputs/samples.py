"""Reports that the outputs are tested with: green, red, unknown, empty, hostile."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

from preflight.api import Finding, Severity, Status, Waiver, fail, not_applicable, passed, unknown, warn
from preflight.past import Past, Period, TrendPoint
from preflight.report import Report, Result, Run, UserSummary, worst

TOOL = {"name": "writeback-preflight", "version": "1.0"}
DOMAIN = "corp.contoso.com"
DC1 = "dc1.corp.contoso.com"
RELAY = "ssprdedicatedsbprodfra-1.servicebus.windows.net"


def run(**changes) -> Run:
    facts = {
        "id": "7d9f4c1e-3a1b-4c57-9a70-2f6f6f1f9e11",
        "started": datetime(2026, 11, 23, 4, 12, 9, tzinfo=timezone(timedelta(hours=1))),
        "duration_s": 12.3456,
        "host": "SYNC01",
        "profile": "preflight",
        "selection": {"only": [], "skip": [], "checks": 17, "registered": 17},
        "interrupted": False,
        "sign_in": (
            {
                "domain": DOMAIN,
                "origin": f"{DC1}:636 as reader@corp.contoso.com",
                "user": "reader@corp.contoso.com",
                "method": "simple bind over TLS",
                "connector_token": "read from the rootDSE",
                "connector_token_complete": True,
            },
        ),
        "vantage": True,
        "sync_server": "SYNC01",
    }
    return Run(**(facts | changes))


def result(check: str, target: str, *findings: Finding, severity=Severity.BLOCKER, **changes) -> Result:
    facts = {
        "check": check,
        "target": target,
        "status": worst(finding.status for finding in findings),
        "severity": severity,
        "title": "The " + check.replace(".", " "),
        "role": "selected",
        "duration_s": 0.25,
        "blocked_by": (),
        "findings": findings,
    }
    return Result(**(facts | changes))


def skipped(check: str, target: str, *roots: str) -> Result:
    reason = Finding(Status.SKIPPED, "blocked", f"not looked at: because of {', '.join(roots)}")
    return result(check, target, reason, blocked_by=roots)


def green() -> Report:
    return Report(
        TOOL,
        run(selection={"only": [], "skip": [], "checks": 8, "registered": 8}),
        (
            result("dns.relays-resolve", RELAY, passed("resolves to 40.78.194.1", subject=RELAY)),
            result("network.relay-443", RELAY, passed("answers, TLS verified", subject=f"{RELAY}:443")),
            result("dc.discovered", DOMAIN, passed("2 controllers by DNS, PDC emulator dc1")),
            result("dc.reachable", DC1, passed("answers on port 636")),
            result("dc.policy-hints", DC1, passed("lists 2066 and 2239")),
            result("directory.bind", DOMAIN, passed("signed in as reader@corp.contoso.com")),
            result("permissions.reset-password", DOMAIN, passed("all 4,812 users")),
            result(
                "policy.summary",
                DOMAIN,
                passed("domain policy", observed="minimum age none, history 24, length 12"),
                passed("PSO Admins hits 3 users", observed="minimum age none, history 24, length 16"),
                severity=Severity.ADVISORY,
            ),
        ),
        (
            UserSummary(
                DOMAIN,
                4920,
                True,
                {"ok": 4812, "blocked": 0, "unsupported": 8, "unknown": 0, "disabled": 100, "out_of_scope": 5},
                ({"container": "OU=People,DC=corp,DC=contoso,DC=com", "outcomes": {"ok": 4812}},),
            ),
        ),
    )


def red() -> Report:
    sales = "OU=Sales,OU=People,DC=corp,DC=contoso,DC=com"
    deep = "OU=Zürich Bahnhofstrasse,OU=Außendienst,OU=Vertrieb,OU=People,DC=corp,DC=contoso,DC=com"
    return Report(
        TOOL,
        run(
            host="WS12",
            vantage=False,
            selection={"only": ["permissions.*"], "skip": [], "checks": 9, "registered": 17},
        ),
        (
            result(
                "network.relay-443",
                RELAY,
                fail(
                    "tcp-timeout",
                    f"{RELAY}:443 doesn't answer",
                    subject=f"{RELAY}:443",
                    expected="a TCP connection within 5 s",
                    observed="no answer within 5 s from 40.78.194.1 and 40.78.194.2",
                    remedy="Allow outbound TCP 443 from this server to *.servicebus.windows.net. Then try it: "
                    f"Test-NetConnection {RELAY} -Port 443",
                    event_codes=("31044", "32011"),
                    evidence={"addresses": ["40.78.194.1", "40.78.194.2"], "elapsed_s": 5.01},
                ),
                passed("40.78.194.3 answers"),
            ),
            result("directory.bind", DOMAIN, passed("signed in"), role="required"),
            result(
                "permissions.reset-password",
                DOMAIN,
                fail(
                    "ace-missing",
                    f"128 users in {sales}: no ACE grants Reset Password",
                    subject=sales,
                    expected="CORP\\MSOL_0123abcd may reset the password of every user in scope",
                    observed="no ACE for the account or a group of it",
                    remedy=f'Grant it on the container: dsacls "{sales}" /I:S /G '
                    '"CORP\\MSOL_0123abcd:CA;Reset Password;user". Wait for replication, then run again.',
                    event_codes=("33004", "31003"),
                    evidence={
                        "examples": [f"CN=User {n},{sales}" for n in range(1, 8)],
                        "nearest_grant": "DC=corp,DC=contoso,DC=com",
                    },
                ),
                fail(
                    "inheritance-off",
                    "12 users below a container that doesn't inherit",
                    subject=deep,
                    expected="inheritance on",
                    observed=f"inheritance is off at {deep}",
                    remedy="Switch it on:\nSet-ADSyncPasswordWritebackPermissions -ADConnectorAccountName MSOL_0123abcd"
                    f' -ADConnectorAccountDomain corp.contoso.com -ADobjectDN "{deep}"',
                ),
                passed("4,672 users"),
            ),
            result(
                "policy.minimum-age",
                DOMAIN,
                warn(
                    "minimum-age",
                    "passwords can't be changed again within 1 day",
                    expected="a minimum password age of 0",
                    observed="1 day",
                    remedy="If users may change their password more than once a day: "
                    "Set-ADDefaultDomainPasswordPolicy -Identity corp.contoso.com -MinPasswordAge 0",
                    event_codes=("33008",),
                ),
                severity=Severity.ADVISORY,
            ),
            result("dns.relays-resolve", RELAY, not_applicable("the proxy resolves the names")),
        ),
        (
            UserSummary(
                DOMAIN,
                4812,
                True,
                {"ok": 4672, "blocked": 140, "unsupported": 8, "unknown": 0, "disabled": 0},
                (
                    {
                        "container": sales,
                        "outcomes": {"ok": 0, "blocked": 128},
                        "causes": {"ace-missing": 100, "ace-denied": 28},
                        "examples": [{"dn": f"CN=User 1,{sales}", "outcome": "blocked", "code": "ace-missing"}],
                    },
                    {"container": deep, "outcomes": {"ok": 3, "blocked": 12}},
                ),
                ({"dn": f"CN=User 1,{sales}", "code": "ace-missing"},),
            ),
        ),
    )


def undetermined() -> Report:
    return Report(
        TOOL,
        run(vantage=None, sync_server="", interrupted=True, sign_in=()),
        (
            result("dc.discovered", DOMAIN, passed("1 controller, configured")),
            result(
                "directory.bind",
                DOMAIN,
                unknown(
                    "invalid-credentials",
                    "the reader's password is wrong",
                    expected="a sign-in as reader@corp.contoso.com",
                    observed="invalidCredentials, data 52e",
                    remedy="Correct the password in the environment variable CONTOSO_PASSWORD. It was sent once.",
                ),
            ),
            skipped("permissions.reset-password", DOMAIN, "directory.bind"),
            skipped("permissions.write-lockout-time", DOMAIN, "directory.bind", "account.connector-usable"),
            result(
                "anchors.unique",
                "",
                unknown(
                    "interrupted",
                    "the run was interrupted before this check had finished",
                    expected="a finished run",
                    observed="interrupted",
                    remedy="Run again.",
                ),
            ),
        ),
        (UserSummary(DOMAIN, 2000, False, {"ok": 1990, "unknown": 10}),),
    )


def empty() -> Report:
    because = ("no [[domain]] is configured, although checks of the directory were selected",)
    selection = {"only": [], "skip": [], "checks": 0, "registered": 17}
    return Report(TOOL, run(undetermined_because=because, sign_in=(), selection=selection), ())


def hostile() -> Report:
    name = (
        "CN=\x1b[2J\x1b]0;owned\x07Eve\r\nREADY  nothing stands in the way,OU=[bold red]x[/],DC=corp,DC=contoso,DC=com"
    )
    bidi = "user\u202etxt.exe\u2066\u200b"
    return Report(
        TOOL | {"version": "1.0\x1b[31m"},
        run(
            host="host\nREADY",
            vantage=False,
            sync_server=bidi,
            sign_in=({"domain": "[/]x", "origin": "dc\x1b[1m", "user": bidi},),
        ),
        (
            result(
                "permissions.reset-password",
                name,
                fail(
                    "ace-denied",
                    f"{name} is denied",
                    subject=bidi,
                    expected="[link=http://evil]x[/link]",
                    observed="\x9b31m\x00\ufeff" + "A" * 300,
                    remedy=f'Grant it: dsacls "{name}" /G x. :smile: [blink]',
                    evidence={"nested\x1b[": {"a": [1, None, "\u2028", {"b": "\udc80"}]}, "many": list(range(1000))},
                    event_codes=("33004\n",),
                ),
                *(
                    fail(f"c{n}", f"finding {n}", expected="e", observed="o", remedy="r", subject="日本語" * 40)
                    for n in range(30)
                ),
            ),
            skipped("x.y", "\t", "a\nb"),
        ),
        (
            UserSummary(
                name,
                1,
                True,
                {"ok\x1b": 1, "blocked": 2},
                ({"container": name, "outcomes": {"blocked": 2}},),
                ({"dn": name},),
            ),
        ),
    )


def watched() -> Report:
    """A scheduled run: a waived fail, users read earlier, a history, two machines."""
    report = green()
    accepted = Waiver("hosts a lab, gone by spring", "anna", date(2027, 1, 31))
    old = fail(
        "control-missing",
        "dc9.corp.contoso.com does not know the policy-hints control",
        expected="2066 or 2239",
        observed="neither",
        remedy="Update the controller.",
    )
    waived = result("dc.policy-hints", "dc9.corp.contoso.com", replace(old, waiver=accepted))
    elsewhere = result("network.relay-443", RELAY, passed("answers, TLS verified"), host="SYNC02")
    monday, wednesday = datetime(2026, 11, 16, 3, 0, tzinfo=UTC), datetime(2026, 11, 18, 3, 15, tzinfo=UTC)
    return replace(
        report,
        run=run(
            profile="monitor",
            notes=("the waiver of dc.reachable on dc8.* has expired on 2026-11-20: its findings count again",),
            sync_server_mode="active",
        ),
        results=(*report.results, waived, elsewhere),
        users=tuple(replace(users, as_of=wednesday) for users in report.users),
        past=Past(
            672,
            monday,
            (
                Period("network.relay-443", RELAY, Status.PASS, monday, wednesday),
                Period("network.relay-443", RELAY, Status.FAIL, wednesday, wednesday + timedelta(minutes=30)),
                Period("network.relay-443", RELAY, Status.PASS, wednesday + timedelta(minutes=30)),
            ),
            (
                TrendPoint(DOMAIN, monday, {"ok": 4800, "blocked": 12}),
                TrendPoint(DOMAIN, wednesday, {"ok": 4812, "blocked": 0}),
            ),
        ),
    )


def merged() -> Report:
    """Two sync servers, one of which doesn't get out."""
    report, closed = green(), red().results[0]
    return replace(
        report,
        results=(*(replace(each, host="SYNC01") for each in report.results), replace(closed, host="SYNC02")),
    )


def crowded(count: int = 10_000) -> Report:
    """As many blocked users, in 60 containers."""
    base, report = "DC=corp,DC=contoso,DC=com", red()
    codes = ("inheritance-off", "ace-missing", "ace-denied", "class-not-covered")
    rows = tuple(
        {
            "dn": f"CN=User {number:05},OU=Site {number % 60:02},OU=People,{base}",
            "domain": DOMAIN,
            "sam_account_name": f"user{number:05}",
            "user_principal_name": f"user{number:05}@corp.contoso.com",
            "reset_password": "denied",
            "write_lockout_time": "allowed" if number % 3 else "denied",
            "write_pwd_last_set": "allowed",
            "outcome": "blocked",
            "code": codes[number % 4],
            "reason": f"The entry stands on {base}, but inheritance is switched off on OU=Site {number % 60:02}.",
        }
        for number in range(count)
    )
    containers = tuple(
        {
            "container": f"OU=Site {site:02},OU=People,{base}",
            "outcomes": {"ok": 200, "blocked": len(rows[site::60]), "unknown": site % 3},
            "causes": dict(Counter(row["code"] for row in rows[site::60])),
        }
        for site in range(60)
    )
    outcomes = {"ok": 12_000, "blocked": count, "unknown": 60}
    return replace(report, users=(UserSummary(DOMAIN, 12_060 + count, True, outcomes, containers, rows),))


ALL = {
    "green": green,
    "red": red,
    "undetermined": undetermined,
    "empty": empty,
    "hostile": hostile,
    "watched": watched,
}
