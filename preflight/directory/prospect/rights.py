"""Steps about rights: protected accounts, entries that deny, and what the connector account holds (P1 to P6)."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.directory.access import guids
from preflight.directory.access.rights import CONTROL_ACCESS, Answer, Right
from preflight.directory.access.security_descriptor import DENY_TYPES, INHERIT_ONLY, MalformedDescriptor
from preflight.directory.model import EVERYONE, PRINCIPAL_SELF
from preflight.directory.prospect.circumstances import Circumstances
from preflight.directory.prospect.step import Basis, Effect, Step, fine, unknown, warns
from preflight.directory.users.judgement import REQUIRED_RIGHTS
from preflight.directory.users.right_line import HIMSELF, RightLine

ADMINISTRATOR_RESET = "hr=80231367"
PERMISSIONS = ("33004", "6329 0x80230626")
SSPR_PERMISSIONS = "SSPR_0029"
"""Documented for 33004."""

_TITLES = {
    Right.RESET_PASSWORD: "Reset Password",
    Right.WRITE_LOCKOUT_TIME: "write lockoutTime (unlock)",
    Right.WRITE_PWD_LAST_SET: "write pwdLastSet",
    Right.UNEXPIRE_PASSWORD: "Unexpire Password",
    Right.CONNECTOR_CHANGE_PASSWORD: "Change Password, in whose name Connect changes it",
    Right.CHANGE_PASSWORD: "Change Password, the user's own",
}
_LACKING = {Answer.DENIED: Effect.BLOCKS, Answer.UNKNOWN: Effect.UNKNOWN}
_PLAN = "preflight fix-plan prints the grant or the repair that is needed."


def protection(here: Circumstances) -> Step:
    if here.protected:
        through = f"as a member of {' > '.join(here.protected_through)}" if here.protected_through else "by itself"
        return Step(
            "protection",
            Effect.BLOCKS,
            Effect.BLOCKS,
            f"a protected account, {through}: writeback doesn't support it",
            "Its descriptor is overwritten from AdminSDHolder every hour.",
            ("33004", "31003"),
            SSPR_PERMISSIONS,
            Basis.SPECIFICATION,
            "Use an account of its own for administration, and take this one out of the group.",
        )
    held = all(line.decision.answer is Answer.ALLOWED for line in here.lines if line.right in REQUIRED_RIGHTS)
    if here.protected is None:
        summary = f"whether it is a protected account can't be told: {here.protection_doubt}"
        return warns("protection", summary) if held else unknown("protection", summary)
    if here.user.integer("adminCount") == 1:
        return warns(
            "protection",
            "orphaned adminCount: no longer a protected account, "
            + ("but an administrator's reset is still refused" if held else "but it may still lack what is inherited"),
            remedy=f"Set-ADUser -Identity {here.identity} -Clear adminCount; switch inheritance on.",
            codes=(ADMINISTRATOR_RESET,),
        )
    return fine("protection", "not a protected account")


def cannot_change(here: Circumstances) -> Step:
    """The two entries that "User cannot change password" stands for (MS-SAMR 3.1.5.12.1.1)."""
    try:
        descriptor = here.user.security_descriptor
    except MalformedDescriptor:
        descriptor = None
    if descriptor is None or descriptor.dacl is None:
        return Step("cannot-change", Effect.FINE, Effect.UNKNOWN, "whether the user may change it can't be told")
    denied = {
        ace.sid
        for ace in descriptor.dacl
        if ace.type in DENY_TYPES
        and not ace.flags & INHERIT_ONLY
        and ace.mask & CONTROL_ACCESS
        and ace.object_type == guids.CHANGE_PASSWORD
    }
    if not {EVERYONE, PRINCIPAL_SELF} <= denied:
        return fine("cannot-change", '"User cannot change password" is not set')
    refused = any(
        line.right is Right.CONNECTOR_CHANGE_PASSWORD and line.decision.answer is Answer.DENIED for line in here.lines
    )
    return Step(
        "cannot-change",
        Effect.WARNS,
        Effect.BLOCKS if refused else Effect.WARNS,
        '"User cannot change password" is set: two entries deny it; a reset isn\'t stopped by that',
        "6329 then accuses the connector account, wrongly.",
        PERMISSIONS,
        SSPR_PERMISSIONS,
        remedy=f"Set-ADUser -Identity {here.identity} -CannotChangePassword $false",
    )


def rights(here: Circumstances) -> Iterator[Step]:
    lines = {(line.right, line.holder): line for line in here.lines}
    for (right, _), line in sorted(lines.items(), key=lambda item: [*_TITLES].index(item[0][0])):
        yield _right(here, right, line)


def _right(here: Circumstances, right: Right, line: RightLine) -> Step:
    name = right.value.replace("_", "-")
    title, answer = _TITLES[right], line.decision.answer
    if answer is Answer.ALLOWED:
        return fine(name, f"{title}: granted", line.decided_by)
    refused = f"{title}: {'refused' if answer is Answer.DENIED else 'can not be told'}. {line.reason}"
    if not here.connector and line.holder != HIMSELF and answer is Answer.UNKNOWN:
        refused = f"{title}: can not be told. The connector account isn't known: {here.connector_doubt}"
    if right is Right.UNEXPIRE_PASSWORD:
        effect = Effect.WARNS
        refused += " Without it a new password is expired at once."
        return Step(name, effect, Effect.NOT_ASKED, refused, line.decided_by, remedy=_PLAN)
    if right is Right.CHANGE_PASSWORD:
        return Step(name, Effect.NOT_ASKED, Effect.WARNS, refused, line.decided_by)
    for_reset = right in REQUIRED_RIGHTS
    return Step(
        name,
        _LACKING[answer] if for_reset else Effect.NOT_ASKED,
        Effect.NOT_ASKED if for_reset else _LACKING[answer],
        refused,
        line.decided_by,
        PERMISSIONS,
        SSPR_PERMISSIONS,
        remedy=_PLAN if for_reset else "Give the connector account, or Everyone, Change Password on the user.",
    )


def sam_read(here: Circumstances) -> Step:
    """P6. Advisory, as permissions.sam-read is: it counts for the older password call only."""
    refused = [f"{', '.join(each.refused)} on {each.place}" for each in here.sam_readings if each.refused]
    if refused:
        return warns(
            "sam-read",
            f"the connector account may not {'; '.join(refused)}",
            detail="6329 then says: Failed to acquire user information ... ERROR_ACCESS_DENIED.",
            remedy="preflight explain permissions.sam-read",
            codes=("33004", "6329"),
        )
    unclear = [each.place for each in here.sam_readings if each.unclear]
    if unclear:
        return warns("sam-read", f"whether the connector account may read {'; '.join(unclear)} can't be told")
    return fine("sam-read", "the connector account may read what the password call reads first")
