"""How a missing right is put into words, and the command that mends it. Commands are printed, never run."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from preflight.directory.access.causes import CAUSE_CODES
from preflight.directory.access.rights import DECISION_CODES, Right
from preflight.directory.access.security_descriptor import Ace
from preflight.directory.distinguished_name import ancestors, is_under
from preflight.directory.model import AUTHENTICATED_USERS, EVERYONE, Token
from preflight.directory.users.blocked import CauseGroup

CODES = {
    **CAUSE_CODES,
    "orphaned-admin-count": "the account was protected once, and inheritance is still off on it",
    "standing-unreadable": "whether users are enabled may not be read",
    "protection-unreadable": "whether users are protected accounts could not be told",
    "nobody-in-scope": "no user counts",
    **{code: text for code, text in DECISION_CODES.items() if code not in ("ace-allows", "owner")},
}
"""The finding codes of a right over many users."""

GRANTS = {
    Right.RESET_PASSWORD: ("Reset Password", "CA;Reset Password"),
    Right.WRITE_LOCKOUT_TIME: ("write lockoutTime", "WP;lockoutTime"),
    Right.WRITE_PWD_LAST_SET: ("write pwdLastSet", "WP;pwdLastSet"),
}
"""How dsacls names a right."""

READING = {
    "unreadable": "Let the reader read the users' permissions (Read Permissions), or read with the SD-flags control "
    "where it is an export.",
    "standing-unreadable": "Let the reader read userAccountControl: where Pre-Windows 2000 Compatible Access was "
    'emptied, grant it (dsacls "<domain>" /I:S /G "<reader>:RP;;user").',
    "protection-unreadable": "Let the reader read the members of the administrative groups.",
    "incomplete-token": "Let the reader read tokenGroups of the connector account, or run as the connector account.",
}
"""What lets a reader tell, by the code of what it can't."""


def users(count: int) -> str:
    return "1 user" if count == 1 else f"{count} users"


def places(group: CauseGroup) -> str:
    top, _ = group.containers.most_common(1)[0]
    others = len(group.containers) - 1
    return f"{top} and {others} other container{'s' if others > 1 else ''}" if others else top


def subject(group: CauseGroup) -> str:
    """Where to mend it: the container of the cause, one user whose own entry it is, or what holds them all."""
    if group.cause.container:
        return group.cause.container
    return group.examples[0] if group.cause.origin == "" or _is_users_own(group) else common(group)


def _is_users_own(group: CauseGroup) -> bool:
    """Whether the cause lies on the users themselves: inheritance is off there."""
    return group.cause.code in ("inheritance-off", "orphaned-admin-count")


def common(group: CauseGroup) -> str:
    """The nearest container that holds all users of the group."""
    first, *others = group.containers
    return next(place for place in (first, *ancestors(first), "") if all(is_under(each, place) for each in others))


def grant(place: str, token: Token, right: str, classes: Iterable[str]) -> str:
    """The command that grants it below the place, for the classes concerned."""
    grants = " ".join(f'"{account(token)}:{right};{each or "user"}"' for each in sorted(classes, reverse=True))
    return f'dsacls "{place}" /I:S /G {grants}'


_EVERYBODY = {EVERYONE: "Everyone", AUTHENTICATED_USERS: "Authenticated Users"}


def remove(ace: Ace | None, place: str, token: Token) -> str:
    """How to be rid of an entry that denies; no grant beats one that stands before it."""
    sid = ace.sid if ace is not None else ""
    if sid in _EVERYBODY:
        whom, otherwise = f" to {_EVERYBODY[sid]}", ""
    elif sid and sid == token.account_sid:
        whom, otherwise = f" to {account(token)}", ""
    else:
        whom, otherwise = f" to {sid}" if sid else "", ", or take the connector account out of the group that it names"
    return f'Remove the entry that denies it{whom} from {place}{otherwise}. To see it: dsacls "{place}"'


def account(token: Token) -> str:
    return token.account_name or "<connector account>"


def because(group: CauseGroup) -> str:
    """The cause in a clause; the entry itself is in the evidence."""
    cause, origin = group.cause, group.cause.origin
    place = cause.container or "the user itself"
    if cause.code == "ace-denied":
        return f"an entry on {origin or 'the user itself'} denies it" if origin is not None else "an entry denies it"
    clauses = {
        "inheritance-off": f"inheritance is switched off on {place}",
        "orphaned-admin-count": "inheritance is still off from when it was a protected account (adminCount is 1)",
        "class-not-covered": f"the grant on {place} is not for their class ({', '.join(group.classes)})",
        "not-yet-inherited": f"the grant on {place} has not been handed down yet",
        "inherit-only": f"the grant on {place} is inherit-only and doesn't count there",
        "no-propagate": f"the grant on {place} is handed down by one level only",
        "not-inheritable": f"the grant on {place} counts for {place} only",
        "ace-missing": "no entry grants it, on the user or above",
    }
    return clauses.get(cause.code) or CODES.get(cause.code, cause.code)


def observed(group: CauseGroup) -> str:
    """The cause in a sentence; the entry, which is long, is in the evidence."""
    cause = group.cause
    detail = cause.detail or CODES.get(cause.code, cause.code)
    return (detail if cause.ace is None else detail.replace(cause.ace.sddl, "The entry")).removesuffix(".")


def evidence(group: CauseGroup) -> dict[str, object]:
    return {
        "users": group.count,
        "containers": dict(group.containers.most_common(50)),
        "examples": list(group.examples),
        "ace": group.cause.ace.sddl if group.cause.ace is not None else "",
    }


def remedy(group: CauseGroup, token: Token) -> str:
    right = GRANTS[group.right][1]
    place = subject(group)
    each = " for each of these users" if group.count > 1 and not group.cause.container else ""
    remedies: dict[str, Callable[[], str]] = {
        "ace-denied": lambda: remove(group.cause.ace, place, token),
        "inheritance-off": lambda: (
            f'Switch inheritance on{each}: dsacls "{place}" /P:N\n'
            f"Where it is off on purpose, grant it there: {_grant_at(place, group, token, right)}"
        ),
        "orphaned-admin-count": lambda: (
            "Make sure that the user is in no protected group any more, clear adminCount, and switch inheritance on"
            f'{each}: dsacls "{place}" /P:N'
        ),
        "not-yet-inherited": lambda: (
            "Wait up to an hour for it to be handed down; if it is still so, look for replication faults: "
            "repadmin /replsummary"
        ),
        "class-not-covered": lambda: (
            f"Grant it for {' and '.join(group.classes)} too: {grant(place, token, right, group.classes)}"
        ),
    }
    make = remedies.get(group.cause.code)
    return make() if make else grant(common(group), token, right, group.classes)


def _grant_at(place: str, group: CauseGroup, token: Token, right: str) -> str:
    """On the user itself where the place is one, else below it."""
    if _is_users_own(group) and not group.cause.container:
        return f'dsacls "{place}" /G "{account(token)}:{right}"'
    return grant(place, token, right, group.classes)
