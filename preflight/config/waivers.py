"""`waivers.toml`: which findings somebody has accepted, why, on whose word and until when."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from preflight.api import COMMON_CODES, Check, Waiver
from preflight.config.document import Table, read_document
from preflight.plan import matches, nearest
from preflight.waivers import WaiverRule

_KEYS = ("check", "code", "target", "subject", "reason", "owner", "until")
_NEEDED = {
    "reason": 'Say why it is accepted: reason = "the lab\'s controllers are updated in March".',
    "owner": 'Name who answers for it: owner = "anna@contoso.com".',
}


def load_waivers(path: Path, checks: Mapping[str, Check]) -> tuple[WaiverRule, ...]:
    """Read and check a file of waivers.

    Args:
        checks: the installed ones, by id: a waiver of a check that nobody has is a typing error.

    Raises:
        ConfigurationError
    """
    document, values = read_document(path, empty="Write a [[waiver]] table, or name no file.", named_by="--waivers")
    root = Table(document, "", values)
    root.only(("waiver",))
    codes = {*COMMON_CODES, *(code for check in checks.values() for code in check.codes)}
    return tuple(_rule(table, checks, codes) for table in root.tables("waiver"))


def _rule(table: Table, checks: Mapping[str, Check], codes: Collection[str]) -> WaiverRule:
    table.only(_KEYS)
    check, code = table.string("check") or "", table.string("code") or ""
    if not check and not code:
        raise table.error("check", "this waiver says neither check nor code", 'Such as check = "dc.policy-hints".')
    if check and not any(matches(id, check) for id in checks):
        raise table.error("check", f"no check matches {check!r}", _near(check, checks, "`preflight list` shows them."))
    if code and not set("*?") & set(code) and code not in codes:
        raise table.error("code", f"no check has the code {code!r}", _near(code, codes, "A finding's code is meant."))
    texts = {key: table.string(key) for key in _NEEDED}
    for key, remedy in _NEEDED.items():
        if texts[key] is None:
            raise table.error(key, f"this waiver has no {key}", remedy)
    until = table.day("until")
    if until is None:
        raise table.error("until", "this waiver has no end", "Name the last day that it counts: until = 2027-01-31.")
    return WaiverRule(
        Waiver(texts["reason"] or "", texts["owner"] or "", until),
        table.document.where(table.name).rpartition(", waiver")[0],
        check,
        code,
        table.string("target") or "*",
        table.string("subject") or "*",
    )


def _near(name: str, names: Collection[str], otherwise: str) -> str:
    similar = nearest(name, names)
    return f"Did you mean {similar!r}?" if similar else otherwise
