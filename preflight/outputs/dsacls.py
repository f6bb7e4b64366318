r"""Steps of a plan as commands that may be pasted into cmd.exe and into PowerShell alike.

Names come from the directory, where anybody with an account may have written them. Both shells act on characters inside
double quotes, and not on the same ones (`%` here, `$`, the backtick and typographic quotes there). So whatever isn't
known to be harmless in both is written as RFC 4514 has it for any character: as hex pairs of its UTF-8 (`\22`).
What can't be written so is not written at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from preflight.directory.access.guids import name_of
from preflight.directory.access.rights import CONTROL_ACCESS, Right
from preflight.directory.distinguished_name import MalformedName, assertions, split
from preflight.directory.mending.fix_plan import Step

_HARMLESS = frozenset(" -_.()'&@")
_ACCOUNT = re.compile(r"[\w .\-()'&@]+\\[\w .\-()'&@]+|[\w .\-()'&]+@[\w.\-]+")
_CLASS = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_UNREADABLE = re.compile("[\ufffd\ud800-\udfff]")


class Unwritable(ValueError):
    """A name that no command can hold safely."""


def written(distinguished_name: str) -> str:
    """The name, harmless between double quotes.

    Raises:
        Unwritable: it isn't a name, or holds letters that could not be read.
    """
    try:
        rdns = [assertions(rdn) for rdn in split(distinguished_name)]
    except MalformedName as error:
        raise Unwritable(str(error)) from error
    if not rdns or _UNREADABLE.search(distinguished_name):
        raise Unwritable("the name could not be read to the letter")
    return ",".join("+".join(f"{attribute}={_value(value)}" for attribute, value in rdn) for rdn in rdns)


def account(name: str) -> str:
    """DOMAIN\\name or name@domain.

    Raises:
        Unwritable: it isn't known, or holds what a shell may act on: accounts have no way to be written otherwise.
    """
    if not name or not _ACCOUNT.fullmatch(name) or not all(map(_is_harmless, name.replace("\\", ""))):
        raise Unwritable("the account's name can't be written safely in a command")
    return name


def inheritance_on(distinguished_name: str) -> str:
    return f'dsacls "{written(distinguished_name)}" /P:N'


def clear_admin_count(distinguished_name: str) -> str:
    """PowerShell, with the ActiveDirectory module."""
    return f'Set-ADObject -Identity "{written(distinguished_name)}" -Clear adminCount'


def remove_trustee(distinguished_name: str, trustee: str) -> str:
    """Removes every explicit entry of the trustee."""
    return f'dsacls "{written(distinguished_name)}" /R "{account(trustee)}"'


def grant(steps: Sequence[Step], trustee: str) -> str:
    """One command for grants on one object, all for objects below it or all for the object alone."""
    below = " /I:S" if steps[0].object_class else ""
    grants = " ".join(f'"{account(trustee)}:{_permission(step)}"' for step in steps)
    return f'dsacls "{written(steps[0].distinguished_name)}"{below} /G {grants}'


def connect_cmdlet(distinguished_name: str, connector: str) -> str:
    """What Entra Connect's own module does: all three rights on users below; AdminSDHolder is left alone."""
    return (
        f'Set-ADSyncPasswordWritebackPermissions -ADConnectorAccountDN "{written(connector)}" '
        f'-ADobjectDN "{written(distinguished_name)}" -SkipAdminSdHolders'
    )


def _permission(step: Step) -> str:
    right = step.right or Right.RESET_PASSWORD
    if step.object_class and not _CLASS.fullmatch(step.object_class):
        raise Unwritable("the name of the class can't be written safely in a command")
    bits = "CA" if right.access == CONTROL_ACCESS else "WP"
    assert right.guid is not None
    return ";".join(filter(None, (bits, name_of(right.guid), step.object_class)))


def _value(text: str) -> str:
    last = len(text) - 1
    return "".join(
        character
        if _is_harmless(character) and not (character == " " and at in (0, last))
        else "".join(f"\\{byte:02X}" for byte in character.encode())
        for at, character in enumerate(text)
    )


def _is_harmless(character: str) -> bool:
    """Letters with their marks and digits of every script, and a few signs that neither shell acts on in quotes."""
    return character in _HARMLESS or (unicodedata.category(character)[0] in "LMN" and character.isprintable())
