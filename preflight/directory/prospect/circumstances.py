"""What is known of a user when the steps are walked: facts, read and judged, and nothing fetched any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from preflight.directory.access.account_database import SamReading
from preflight.directory.model import PasswordPolicy, User
from preflight.directory.users.account_state import STATE_ATTRIBUTES
from preflight.directory.users.duplicates import Duplicate, Hint
from preflight.directory.users.effective_policy import RESULTANT, EffectivePolicy
from preflight.directory.users.right_line import RightLine
from preflight.directory.users.scope import Standing

MOMENTARY_ATTRIBUTES = STATE_ATTRIBUTES | {"badPwdCount", RESULTANT}
"""What the PDC emulator knows best: it hears of every wrong password and every new one at once."""


@dataclass(frozen=True, slots=True)
class Momentary:
    """The user's state, as read on the PDC emulator where that can be had.

    Attributes:
        user: with MOMENTARY_ATTRIBUTES.
        origin: the controller, or the export.
        note: why it wasn't the PDC emulator; "" = it was, or there is none to ask.
        now: by the controller's clock; by this machine's where that isn't known.
        clock: in words, whose clock that is.
    """

    user: User
    origin: str
    note: str
    now: datetime
    clock: str


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Who shares the user's anchor, or his names in another forest, over all configured domains.

    Attributes:
        anchor: as the cloud shows it; "" = none to be seen.
        attribute: where it stands, or may stand.
        guessed: the attribute isn't configured.
        duplicate: everybody with that anchor, the user among them; None: he alone.
        namesakes: enabled users of other forests with his UPN, mail address or sAMAccountName.
        forests: how many forests are configured.
        obstacles: domains that could not be compared.
    """

    anchor: str
    attribute: str
    guessed: bool
    duplicate: Duplicate | None
    namesakes: tuple[Hint, ...]
    forests: int
    obstacles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """
    Attributes:
        user: as the directory in use has him, which rights are read from.
        found_by: the readings of the name that mean him.
        left_out: why writeback never touches him; "" if it does.
        protected: a protected account; None: can't be told, for `protection_doubt`.
        protected_through: names of groups; () = by himself.
        connector: its account name; "" = not known, for `connector_doubt`.
    """

    user: User
    domain: str
    origin: str
    found_by: tuple[str, ...]
    standing: Standing
    left_out: str
    neighbours: Neighbours
    momentary: Momentary
    policy: EffectivePolicy
    domain_policy: PasswordPolicy | None
    protected: bool | None
    protected_through: tuple[str, ...]
    protection_doubt: str
    lines: tuple[RightLine, ...]
    sam_readings: tuple[SamReading, ...]
    connector: str
    connector_doubt: str = ""

    @property
    def identity(self) -> str:
        """How a command names the user: no name can be taken for a command in it."""
        guid = self.user.guid("objectGUID")
        return str(guid) if guid is not None else "<user>"
